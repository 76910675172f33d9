from __future__ import annotations

import numpy as np

from playground.figures.painting import BASELINE, error_curve, position_maps
from tests.playground.figures.figure_checks import check

NAMES = {"title": "t", "value_title": "squared error"}


def test_the_level_of_guessing_goes_through_the_whole_run_and_is_named():
    figure = error_curve([1, 2, 3], [0.05, 0.02, 0.01], [0.06, 0.02, 0.01], 0.03, 100, **NAMES)
    assert len(figure["data"]) == 3
    texts = [note["text"] for note in figure["layout"]["annotations"]]
    assert texts == ["0.01, 33% of guessing", f"{BASELINE} 0.03"]
    assert figure["layout"]["xaxis"]["range"] == [0, 100]
    assert figure["layout"]["yaxis"]["range"][1] > 0.03
    check(figure)


def test_the_first_error_of_an_untrained_net_does_not_flatten_the_rest():
    figure = error_curve([0, 1, 2], [5.0, 0.02, 0.01], [5.0, 0.02, 0.01], 0.03, 100, **NAMES)
    assert figure["layout"]["yaxis"]["range"][1] < 0.1


def test_before_training_there_is_an_empty_chart():
    figure = error_curve([], [], [], None, 1, **NAMES)
    assert figure["data"] == []
    check(figure)


def test_a_baseline_of_nothing_divides_by_nothing():
    figure = error_curve([1], [0.0], [0.0], 0.0, 10, **NAMES)
    assert figure["layout"]["annotations"][0]["text"] == "0"
    assert figure["layout"]["yaxis"]["range"][1] > 0


def test_each_places_small_map_stands_where_the_place_is():
    side = 3
    similarity = np.arange(81, dtype=float).reshape(9, 9) / 81
    figure = position_maps(similarity, side)
    rows = figure["data"][0]["z"][::-1]  # plotly counts from below
    assert len(rows) == len(rows[0]) == 3 * 4 - 1
    assert rows[0][3] is None, "a gap between two maps"
    middle = np.array([row[4:7] for row in rows[4:7]])
    assert np.allclose(middle, similarity[4].reshape(3, 3), atol=1e-3)
    check(figure)
