"""The charts of "Why 75 %?"."""

from __future__ import annotations

import math

import numpy as np
import pytest

from playground.figures import curves
from playground.figures.mask_ratios import LABEL_GAP, FactorLine, error_curves, ratio_chart
from tests.playground.figures.figure_checks import EVIL, array, check, rendered

RATIOS = (0.25, 0.5, 0.75, 0.9)


def line(label="Shape", values=(0.41, 0.52, 0.47, 0.4), untrained=0.3) -> FactorLine:
    return FactorLine(label, values, [0.02] * len(values), untrained)


def chart(lines, ratios=RATIOS, errors=(0.1, 0.2, 0.4, 0.8)):
    return ratio_chart(ratios, lines, errors, title="Known", error_title="Error")


def texts(figure) -> list[str]:
    return [note["text"] for note in figure["layout"]["annotations"]]


@pytest.mark.parametrize("factors", [0, 1, 3])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_plotly_accepts_the_chart(factors, count):
    lines = [line(f"factor {i}", [0.5] * count) for i in range(factors)]
    check(chart(lines, RATIOS[:count], [0.5] * count))


def test_each_factor_has_its_scores_its_bars_and_a_thin_level_for_the_untrained_net():
    level, known, errors = chart([line()])["data"]
    np.testing.assert_allclose(array(known["x"]), RATIOS, rtol=1e-6)
    np.testing.assert_allclose(array(known["y"]), [0.41, 0.52, 0.47, 0.4], rtol=1e-6)
    np.testing.assert_allclose(array(known["error_y"]["array"]), [0.02] * 4, rtol=1e-6)
    assert level["y"] == [0.3, 0.3]
    assert level["line"] == {"color": known["line"]["color"], "width": 1, "dash": "dash"}
    assert errors["yaxis"] == "y2"
    np.testing.assert_allclose(array(errors["y"]), [0.1, 0.2, 0.4, 0.8], rtol=1e-6)


def test_factors_are_named_at_their_line_s_end_and_errors_carry_their_numbers():
    figure = chart([line()])
    assert texts(figure) == ["Shape 40%", "10%", "20%", "40%", "80%", "Error"]
    name = figure["layout"]["annotations"][0]
    assert (name["x"], name["xanchor"]) == (pytest.approx(0.9), "left")
    assert figure["layout"]["xaxis"]["range"][1] > 0.9, "room for the name"


def test_names_of_equal_factors_do_not_stand_on_each_other_and_stay_in_the_panel():
    figure = chart([line(name, [1.0] * 4) for name in "abc"])
    places = sorted(note["y"] for note in figure["layout"]["annotations"][:3])
    assert np.diff(places).min() >= LABEL_GAP - 1e-9
    assert places[-1] < curves.SHARE_TOP


def test_two_factors_never_look_the_same():
    marks = [trace["marker"] for trace in chart([line(name) for name in "abc"])["data"] if "error_y" in trace]
    assert len({mark["symbol"] for mark in marks}) == len({mark["color"] for mark in marks}) == 3


def test_the_panels_do_not_overlap():
    layout = chart([line()])["layout"]
    assert layout["yaxis2"]["domain"][1] < layout["yaxis"]["domain"][0]


def test_the_error_s_axis_holds_every_error():
    assert chart([], errors=(0.1, 0.2, 0.4, 1.6))["layout"]["yaxis2"]["range"][1] > 1.6


@pytest.mark.parametrize("errors", [(math.nan, 0.2, math.inf, 0.4), (math.nan,) * 4])
def test_errors_that_are_not_finite_are_left_out(errors):
    figure = chart([line()], errors=errors)
    check(figure)
    assert len(array(figure["data"][-1]["y"])) == sum(map(math.isfinite, errors))


def test_before_the_run_there_are_no_axes():
    figure = chart([], [], [])
    check(figure)
    assert figure["data"] == []
    assert not any(figure["layout"][name]["visible"] for name in ("xaxis", "yaxis", "yaxis2"))


def test_a_label_is_never_markup():
    assert not any(EVIL in text for text in rendered(chart([line(EVIL)])))


def test_every_ratio_has_a_curve_of_its_own_look_named_with_its_last_error():
    lines = [([0, 10], [1.0, 0.1 * (i + 1)]) for i in range(4)]
    figure = error_curves(RATIOS, lines, 40, title="t")
    check(figure)
    assert texts(figure) == ["25% hidden: 10%", "50% hidden: 20%", "75% hidden: 30%", "90% hidden: 40%"]
    assert len({(trace["line"]["color"], trace["line"]["dash"]) for trace in figure["data"]}) == 4
    assert figure["layout"]["xaxis"]["range"] == [0, 40]
