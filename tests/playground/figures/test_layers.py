"""Words on their way through the layers, as figures."""

from __future__ import annotations

import numpy as np
import pytest

from playground.figures import layers, style
from playground.figures.layers import Path, cosines_over_layers, label_places, word_paths

ATTACK = "<img src=x onerror=alert(1)>"
LEVELS = ("table", "+ place", "block 1")


def chart(lines: list, others: object = (0.0, 0.1, 0.2)) -> dict:
    return cosines_over_layers(lines, np.array(others), LEVELS, title="Alike")


def test_each_shared_word_is_named_at_the_end_of_its_line_with_its_last_cosine():
    figure = chart([("bank", np.array([1, 0.7, 0.4])), ("the", np.array([1, 0.9, -0.25]))])
    assert [note["text"] for note in figure["layout"]["annotations"]] == ["bank 0.40", "the −0.25", "other words 0.20"]
    assert figure["data"][-1]["line"]["color"] == style.ACCENT  # drawn last, so on top
    assert figure["layout"]["yaxis"]["range"][0] < -0.25
    assert figure["layout"]["xaxis"]["ticktext"] == list(LEVELS)


def test_names_at_the_ends_do_not_stand_on_each_other():
    figure = chart([(f"w{number}", np.array([1, 0.9, 0.8])) for number in range(6)])
    heights = sorted(note["y"] for note in figure["layout"]["annotations"])
    assert min(np.diff(heights)) >= layers.LABEL_APART * 0.99


def test_without_other_words_their_line_is_left_out():
    figure = chart([("wave", np.array([1, 1, 1]))], (np.nan, np.nan, np.nan))
    assert len(figure["data"]) == 1


def test_markup_in_words_stays_text_in_both_figures():
    drawn = [
        chart([(ATTACK, np.array([1, 0.7, 0.4]))]),
        word_paths([Path(ATTACK, np.zeros((3, 2)))], title="Paths"),
    ]
    assert all("<img" not in str(figure) for figure in drawn)
    assert all("&lt;img" in str(figure) for figure in drawn)


def test_marked_paths_lie_on_top_and_end_in_a_large_dot():
    paths = [Path("bank", np.ones((3, 2)), style.ACCENT), Path("river", np.zeros((3, 2)))]
    data = word_paths(paths, title="Paths")["data"]
    assert [trace["line"]["color"] for trace in data if "line" in trace] == [style.MUTED, style.ACCENT]
    assert data[-1]["marker"]["size"] > data[-2]["marker"]["size"]


@pytest.mark.parametrize("seed", range(4))
def test_names_of_some_words_cover_no_other_and_no_end(seed):
    ends = np.random.default_rng(seed).random((6, 2))
    names = [f"word{number}" for number in range(6)]
    size = np.array(layers.PLANE)
    places = np.array(label_places(ends, names, np.zeros(2), np.ones(2)))
    middles = ends * size + places
    half = layers.LABEL_CHAR * 5 / 2
    for i in range(6):
        apart = np.abs(np.delete(middles, i, axis=0) - middles[i])
        assert ((apart[:, 0] >= 2 * half - 1e-6) | (apart[:, 1] >= 14 - 1e-6)).all()


def test_no_path_makes_an_empty_figure():
    assert word_paths([], title="Paths")["data"] == []
