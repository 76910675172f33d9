"""Maps, arrows, axes and bars of words: in plotly's schema, escaped, and with each word where it belongs."""

from __future__ import annotations

import html

import numpy as np
import pytest

from playground.figures import word_maps
from playground.figures.word_maps import CHARACTER_SHARE, LABELS, LINE_SHARE, spread_labels
from tests.playground.figures.figure_checks import EVIL, array, check, rendered

POINTS = np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32)
WORDS = [f"word{i}" for i in range(400)]
DOTS, LABEL_TRACE, MARKED, MARKED_LABELS = range(4)


def word_map(count, *, asked=None, neighbours=(), words=WORDS):
    return word_maps.word_map(POINTS[:count], words[:count], title="Map", asked=asked, neighbours=neighbours)


@pytest.mark.parametrize("count", [0, 1, 2, 400])
@pytest.mark.parametrize(("asked", "neighbours"), [(None, []), (0, [1, 399])])
def test_plotly_accepts_the_map(count, asked, neighbours):
    check(word_map(count, asked=asked, neighbours=neighbours))


def test_points_that_all_coincide_still_make_a_map():
    figure = word_maps.word_map(np.zeros((3, 2), np.float32), WORDS[:3], title="Map", asked=0, neighbours=[1])
    check(figure)
    low, high = figure["layout"]["xaxis"]["range"]
    assert low < 0 < high


def test_the_map_has_every_word_at_its_place():
    dots = word_map(400)["data"][DOTS]
    np.testing.assert_array_equal(array(dots["x"]), POINTS[:, 0])
    np.testing.assert_array_equal(array(dots["y"]), POINTS[:, 1])
    assert dots["customdata"] == WORDS


def test_the_asked_word_and_its_neighbours_are_marked_and_named():
    data = word_map(400, asked=7, neighbours=[3, 9])["data"]
    assert data[MARKED]["customdata"] == ["word7", "word3", "word9"]
    np.testing.assert_array_equal(array(data[MARKED]["x"]), POINTS[[7, 3, 9], 0])
    assert data[MARKED_LABELS]["text"] == ["<b>word7</b>", "<b>word3</b>", "<b>word9</b>"]
    assert not set(data[LABEL_TRACE]["text"]) & {"word7", "word3", "word9"}, "no word is named twice"


def test_neighbours_that_are_not_on_the_map_are_left_out():
    assert word_map(10, asked=2, neighbours=[9, 10, 5000])["data"][MARKED]["customdata"] == ["word2", "word9"]


def test_the_map_escapes_words_and_hands_them_back_raw():
    figure = word_map(3, asked=0, neighbours=[1], words=[EVIL, EVIL + "2", "plain"])
    check(figure)
    assert not any("<img" in text for text in rendered(figure))
    assert html.escape(EVIL) in figure["data"][DOTS]["text"]
    assert f"<b>{html.escape(EVIL)}</b>" in figure["data"][MARKED_LABELS]["text"]
    assert figure["data"][DOTS]["customdata"] == [EVIL, EVIL + "2", "plain"]
    assert figure["data"][MARKED]["customdata"] == [EVIL, EVIL + "2"]


def boxes(points, words, chosen):
    """Label boxes, worked out anew: centre and width as shares of the map's extent."""
    low, high = np.quantile(points, [0.002, 0.998], axis=0)
    margin = np.maximum(0.06 * (high - low), 1e-3)
    places = (points - (low - margin)) / (high - low + 2 * margin)
    return [(*places[i], CHARACTER_SHARE * (len(words[i]) + 1)) for i in chosen]


def overlaps(one, other):
    return abs(one[0] - other[0]) <= (one[2] + other[2]) / 2 and abs(one[1] - other[1]) <= LINE_SHARE


def test_no_chosen_label_stands_on_another_or_on_one_that_is_taken():
    taken = [5, 6]
    chosen = spread_labels(POINTS, WORDS, taken, LABELS)
    assert len(chosen) > 20
    assert not set(chosen) & set(taken)
    new, old = boxes(POINTS, WORDS, chosen), boxes(POINTS, WORDS, taken)
    assert not any(overlaps(box, other) for i, box in enumerate(new) for other in [*new[:i], *old])


def test_labels_without_a_choice_do_overlap():
    all_boxes = boxes(POINTS, WORDS, range(60))
    assert any(overlaps(box, other) for i, box in enumerate(all_boxes) for other in all_boxes[:i])


def test_the_more_frequent_word_gets_the_label():
    points = np.array([[0, 0], [0, 0], [1, 1]], np.float32)
    assert spread_labels(points, ["often", "seldom", "apart"], [], 10) == [0, 2]
    assert spread_labels(points, ["often", "seldom", "apart"], [], 1) == [0]
    assert spread_labels(points, ["often", "seldom", "apart"], [1], 10) == [2]


def test_no_points_give_no_labels():
    assert spread_labels(np.zeros((0, 2), np.float32), [], [], 10) == []


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
