"""The charts of LSTM against transformer."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from playground.figures.recall import FLOOR, distance_chart, gradient_chart


def values(line: dict, axis: str) -> np.ndarray:
    kind = {"f4": np.float32, "f8": np.float64}[line[axis]["dtype"]]
    return np.frombuffer(base64.b64decode(line[axis]["bdata"]), kind)


def test_gradients_are_shares_of_the_largest_counted_back_from_the_question():
    figure = gradient_chart({"lstm": np.array([1e-9, 0.5, 2.0])}, title="t")
    line = figure["data"][0]
    assert values(line, "x").tolist() == [2, 1, 0]
    assert np.allclose(values(line, "y"), [5e-10, 0.25, 1])
    assert "5·10<sup>−10</sup>" in figure["layout"]["annotations"][0]["text"]
    assert figure["layout"]["yaxis"]["type"] == "log"


def test_a_gradient_that_is_nowhere_is_drawn_at_the_floor():
    figure = gradient_chart({"transformer": np.zeros(4)}, title="t")
    assert (values(figure["data"][0], "y") == FLOOR).all()


def test_before_the_training_there_are_no_axes():
    assert gradient_chart({}, title="t")["layout"]["xaxis"]["visible"] is False
    empty = distance_chart([("lstm", [], [])], 0.125, title="t")
    assert empty["data"] == []
    assert empty["layout"]["yaxis"]["visible"] is False


def test_distances_stand_on_a_logarithmic_axis_with_chance_and_both_nets_named():
    lines = [("transformer", [5, 10], [1.0, 1.0]), ("lstm", [5, 10], [1.0, 0.25])]
    figure = distance_chart(lines, 0.125, title="t")
    assert [line["line"]["dash"] for line in figure["data"]] == ["solid", "dash"]
    assert figure["layout"]["shapes"][0]["y0"] == 0.125
    texts = [note["text"] for note in figure["layout"]["annotations"]]
    assert texts == ["transformer 100%", "LSTM 25%"]
    assert figure["layout"]["annotations"][1]["x"] == 1.0, "logarithm of 10"


def test_labels_keep_off_each_other_and_stay_within_the_axis():
    figure = distance_chart([("transformer", [5, 10], [1.0, 1.0]), ("lstm", [5, 10], [1.0, 1.0])], 0.125, title="t")
    low, high = sorted(note["y"] for note in figure["layout"]["annotations"])
    assert high - low > 0.19
    assert high < figure["layout"]["yaxis"]["range"][1]
    assert figure["layout"]["xaxis"]["tickvals"] == [5, 10]


@pytest.mark.parametrize(("least", "powers"), [(0.5, [0]), (1e-3, [0, -1, -2, -3]), (1e-21, [0, -6, -12, -18])])
def test_ticks_of_gradients_are_shares_and_so_none_is_above_one(least, powers):
    axis = gradient_chart({"lstm": np.array([least, 1.0])}, title="t")["layout"]["yaxis"]
    assert axis["tickvals"] == pytest.approx([10.0**power for power in powers])
    assert axis["ticktext"][0] == "1"
    assert all(f"\u2212{-power}<" in name for power, name in zip(powers[1:], axis["ticktext"][1:], strict=True))


def test_labels_of_gradients_stand_above_every_curve():
    figure = gradient_chart({"transformer": np.array([1.0, 1e-3]), "lstm": np.array([1e-8, 1.0])}, title="t")
    low, high = figure["layout"]["yaxis"]["range"]
    assert low < -8
    assert high > 4
