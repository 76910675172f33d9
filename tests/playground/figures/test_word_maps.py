"""Arrows, axes and bars of words: in plotly's schema, escaped, and with each word where it belongs."""

from __future__ import annotations

import html

import numpy as np
import pytest

from playground.figures import word_maps
from tests.playground.figures.figure_checks import EVIL, check, rendered

WORDS = [f"word{i}" for i in range(400)]

CORNERS = np.array([[2, 3], [0, 1], [5, 0], [7, 2.5]], np.float32)
TARGET = np.array([7, 2], np.float32)


def plane(words=("king", "man", "woman", "queen"), points=CORNERS, target=TARGET):
    return word_maps.analogy_plane(words, points, target, 0.93)


@pytest.mark.parametrize("points", [CORNERS, np.zeros((4, 2), np.float32)])
def test_plotly_accepts_the_arrows(points):
    check(plane(points=points))


def test_the_arrows_go_from_b_to_a_and_from_c_to_the_target():
    arrows = plane()["layout"]["annotations"]
    ends = [((a["ax"], a["ay"]), (a["x"], a["y"])) for a in arrows]
    assert ends == [((0, 1), (2, 3)), ((5, 0), (7, 2))]
    steps = [np.subtract(head, tail) for tail, head in ends]
    np.testing.assert_array_equal(steps[0], steps[1])
    assert {(a["xref"], a["yref"], a["axref"], a["ayref"]) for a in arrows} == {("x", "y", "x", "y")}


def test_the_plane_names_each_word_at_its_place_and_the_answer_in_bold():
    named = {trace["text"][0]: (trace["x"][0], trace["y"][0]) for trace in plane()["data"]}
    assert named == {
        "king": (2, 3),
        "man": (0, 1),
        "woman": (5, 0),
        "<b>queen</b>": (7, 2.5),
        "king − man + woman": (7, 2),
    }
    assert "93%" in plane()["layout"]["title"]["text"]


def test_the_plane_escapes_its_words():
    figure = plane([EVIL + str(i) for i in range(4)])
    check(figure)
    assert not any("<img" in text for text in rendered(figure))
    assert html.escape(EVIL) in figure["layout"]["title"]["text"]


@pytest.mark.parametrize("count", [0, 1, 30])
def test_plotly_accepts_the_axis(count):
    check(word_maps.word_axis("he", "she", WORDS[:count], np.linspace(-1, 1, count)))


def test_the_axis_has_a_bar_per_word_and_room_for_the_longest():
    figure = word_maps.word_axis("he", "she", ["king", "queen"], [-0.25, 0.5])
    assert figure["data"][0]["x"] == [-0.25, 0.5]
    assert figure["data"][0]["y"] == ["king", "queen"]
    assert figure["data"][0]["text"] == ["-0.25", "+0.50"]
    assert figure["layout"]["xaxis"]["range"] == [-0.625, 0.625]


def test_the_axis_escapes_its_ends_and_its_words():
    figure = word_maps.word_axis(EVIL, EVIL, [EVIL], [0.1])
    check(figure)
    assert not any("<img" in text for text in rendered(figure))


@pytest.mark.parametrize("count", [0, 1, 14])
def test_plotly_accepts_the_sections(count):
    check(word_maps.section_scores(WORDS[:count], [1] * count, [2] * count, [4] * count))


def test_sections_show_their_share_from_top_to_bottom():
    figure = word_maps.section_scores(["capitals", EVIL, "unasked"], [1, 3, 0], [4, 4, 0], [8, 4, 5])
    check(figure)
    bars = figure["data"][0]
    assert bars["x"] == [0.0, 0.75, 0.25]
    assert bars["y"] == ["unasked", html.escape(EVIL), "capitals"]
    assert bars["text"][2] == "25%  (1 of 4; 50% covered)"
    assert "4 of the 8 questions" in figure["layout"]["title"]["text"]
