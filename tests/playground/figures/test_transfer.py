"""The chart of the transfer: a line for each curve, named at its end, chance, and nothing before any point."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from playground.figures import style
from playground.figures.transfer import SCRATCH, TOP, LabelCurve, label_chart, task_table
from tests.playground.figures.figure_checks import check

COUNTS = (1, 10, 50)


def line(name: str = "SimCLR, linear", way: str = "linear", place: int = 0, mean: tuple[float, ...] = (0.3, 0.6, 0.8)):
    return LabelCurve(name, way, place, COUNTS[: len(mean)], mean, [0.05] * len(mean))


def test_every_line_is_named_at_its_end_with_its_last_number():
    figure = label_chart([line(), line("Raw pixels, neighbours", "knn", 1, (0.2, 0.4))], 0.2, COUNTS, title="Shape")
    check(figure)
    texts = [note["text"] for note in figure["layout"]["annotations"]]
    assert texts == ["SimCLR, linear 80%", "Raw pixels, neighbours 40%", "guessing 20%"]
    colours = [trace["line"]["color"] for trace in figure["data"]]
    assert colours == [style.MUTED, style.ACCENT, style.HIGHLIGHT]


def test_ways_differ_in_more_than_their_colour():
    ways = ("linear", "knn", "fine_tuning", "scratch")
    figure = label_chart([line(way, way) for way in ways], 0.2, COUNTS, title="Shape")
    assert len({trace["line"]["dash"] for trace in figure["data"][1:]}) == len(ways)
    assert len({trace["marker"]["symbol"] for trace in figure["data"][1:]}) == len(ways)
    assert figure["data"][-1]["line"]["color"] == SCRATCH


def test_names_at_equal_heights_stand_apart_and_inside():
    figure = label_chart([line(f"line {i}", mean=(0.5, 0.9, 1.0)) for i in range(6)], 0.2, COUNTS, title="Shape")
    heights = sorted(note["y"] for note in figure["layout"]["annotations"])
    assert min(high - low for low, high in itertools.pairwise(heights)) > 0.05
    assert heights[-1] <= TOP


def test_one_draw_has_no_bars_and_names_are_text():
    only = LabelCurve("<b>x", "linear", 0, [1, 10], [0.3, 0.4], [math.nan, math.nan])
    figure = label_chart([only], 0.2, COUNTS, title="Shape")
    check(figure)
    assert figure["layout"]["annotations"][0]["text"] == "&lt;b&gt;x 40%"


def test_the_axis_stands_still_while_the_chart_fills():
    ranges = [label_chart(lines, 0.2, COUNTS, title="Shape")["layout"]["xaxis"]["range"] for lines in ([], [line()])]
    assert ranges[0] == pytest.approx(ranges[1])


def test_before_any_point_there_is_a_title_and_no_line():
    figure = label_chart([], 0.0, COUNTS, title="Appears here")
    assert figure["data"] == []
    assert figure["layout"]["title"]["text"] == "Appears here"


def test_cells_of_the_table_have_their_spread_and_the_best_of_a_column_is_bold():
    mean = np.array([[0.614, math.nan], [0.4, math.nan]])
    spread = np.array([[0.04, math.nan], [math.nan, math.nan]])
    figure = task_table(["<b>", "Raw pixels"], ["Shape", "Leaf"], mean, spread, [0.2, math.nan], title="Table")
    check(figure)
    (heat,) = figure["data"]
    assert heat["text"][0][0].startswith("<b>61</b> ")
    assert "± 4" in heat["text"][0][0]
    assert heat["text"][1] == ["40", ""]
    assert heat["z"][0] == [0.614, None]
    assert figure["layout"]["yaxis"]["ticktext"][0] == "&lt;b&gt;"
    assert "guessing 20%" in figure["layout"]["xaxis"]["ticktext"][0]
    assert "guessing" not in figure["layout"]["xaxis"]["ticktext"][1]
