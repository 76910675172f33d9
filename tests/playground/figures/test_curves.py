from __future__ import annotations

import math

import numpy as np
import pytest

from playground.figures.curves import metric_curve
from tests.playground.figures.figure_checks import array, check


def curve(steps, values, total=10.0):
    return metric_curve(steps, values, total, title="Loss", step_title="words", value_title="nats")


@pytest.mark.parametrize("count", [0, 1, 50])
@pytest.mark.parametrize("total", [0.0, 1e-12, 10.0])
def test_plotly_accepts_the_curve(count, total):
    check(curve(list(range(count)), [0.5] * count, total))


def test_the_curve_holds_the_points_and_names_the_last_value():
    figure = curve([1, 2, 3], [3.0, 2.0, 1.25])
    np.testing.assert_array_equal(array(figure["data"][0]["x"]), [1, 2, 3])
    np.testing.assert_array_equal(array(figure["data"][0]["y"]), [3.0, 2.0, 1.25])
    assert [(a["x"], a["text"]) for a in figure["layout"]["annotations"]] == [(3.0, "1.25")]


def test_values_that_are_not_finite_are_left_out():
    figure = curve([1, 2, 3, 4], [math.nan, 2.0, math.inf, -math.inf])
    check(figure)
    np.testing.assert_array_equal(array(figure["data"][0]["x"]), [2])
    np.testing.assert_array_equal(array(figure["data"][0]["y"]), [2.0])
    assert figure["layout"]["annotations"][0]["text"] == "2.00"


def test_a_curve_without_a_finite_value_is_empty():
    figure = curve([1], [math.nan])
    check(figure)
    assert len(array(figure["data"][0]["x"])) == 0
    assert figure["layout"]["annotations"] == []


def test_the_step_axis_spans_the_whole_run_from_the_start():
    assert curve([1], [1.0], total=40)["layout"]["xaxis"]["range"] == [0, 40]


def test_the_last_value_is_written_where_there_is_room():
    assert curve([1], [1.0])["layout"]["annotations"][0]["xanchor"] == "left"
    assert curve([9], [1.0])["layout"]["annotations"][0]["xanchor"] == "right"
