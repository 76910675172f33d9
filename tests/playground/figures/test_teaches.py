"""The chart of "What each teaches"."""

from __future__ import annotations

import numpy as np
import pytest

from playground.figures.teaches import teaches_chart
from tests.playground.figures.figure_checks import EVIL, check, rendered

VALUES = np.array([[0.42, 0.9], [0.95, 0.2], [0.63, 0.904]])


def chart(titles=("Rotation", "Inpainting", "Untrained net"), labels=("Colour", "Shape"), values=VALUES, **options):
    told = {"chance": [0.14, 0.18][: len(labels)], "reference": 2, "title": "t", **options}
    return teaches_chart(titles, labels, values, told["chance"], reference=told["reference"], title=told["title"])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_plotly_accepts_the_chart(count):
    titles = ["Rotation"] * count
    figure = chart(titles, values=np.full((count, 2), 0.5), reference=0 if count else None)
    check(figure)
    assert bool(figure["data"]) == bool(count)


def test_every_number_stands_in_its_cell_with_its_distance_from_the_reference():
    text = chart()["data"][0]["text"]
    assert text[0][0].startswith("42 ")
    assert ">−21<" in text[0][0]
    assert ">0<" in text[0][1], "less than half a point is none"
    assert ">+32<" in text[1][0]
    assert text[2][0] == "63", "the reference is compared with nothing"


def test_the_best_of_a_column_is_bold_and_so_is_who_shows_the_same_number():
    bold = [["<b>" in cell for cell in row] for row in chart()["data"][0]["text"]]
    assert bold == [[False, True], [True, False], [False, True]]


def test_without_a_reference_there_are_only_numbers():
    assert chart(reference=None)["data"][0]["text"][0] == ["42", "<b>90</b>"]


def test_columns_say_what_guessing_gives_and_rows_who_it_is():
    figure = chart()
    assert figure["layout"]["xaxis"]["ticktext"] == ["Colour<br>chance 14%", "Shape<br>chance 18%"]
    assert figure["layout"]["yaxis"]["ticktext"] == ["Rotation", "Inpainting", "Untrained net"]
    assert figure["layout"]["yaxis"]["autorange"] == "reversed", "the first is on top"
    assert figure["data"][0]["hovertext"][1][0] == "Inpainting, Colour: 95.0%"


def test_two_of_the_same_title_have_a_row_each():
    figure = chart(("A", "A", "B"))
    assert figure["data"][0]["y"] == [0, 1, 2]


def test_names_are_escaped():
    texts = rendered(chart((EVIL, "b", "c"), (EVIL, "y")))
    assert not any("<img" in text for text in texts)
    assert any("&lt;img" in text for text in texts)
