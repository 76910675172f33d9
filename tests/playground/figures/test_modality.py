from __future__ import annotations

import numpy as np

from playground.figures.modality import modality_map
from tests.playground.figures.figure_checks import check


def test_each_picture_is_joined_to_its_caption():
    figure = modality_map(np.zeros((3, 2)), np.ones((3, 2)), ["a", "<b>", "c"], title="t")
    lines, pictures, captions = figure["data"]
    assert lines["mode"] == "lines"
    assert pictures["text"] == captions["text"] == ["a", "&lt;b&gt;", "c"]
    check(figure)


def test_nothing_is_an_empty_chart():
    figure = modality_map(np.zeros((0, 2)), np.zeros((0, 2)), [], title="")
    assert figure["data"] == []
    check(figure)
