from __future__ import annotations

import re

import numpy as np

from playground.figures.confusion import confusion_table

COUNTS = np.array([[8, 2], [0, 5]])


def cells(table: str) -> list[str]:
    return re.findall(r"<td[^>]*>([^<]*)</td>", table)


def test_counts_stand_in_the_row_of_the_truth():
    assert cells(confusion_table(COUNTS, ["a", "b"], "c")) == ["8", "2", "", "5"]


def test_shares_are_percent_of_the_row():
    assert cells(confusion_table(COUNTS, ["a", "b"], "c", shares=True)) == ["80", "20", "", "100"]


def test_a_class_that_never_came_divides_by_nothing():
    assert cells(confusion_table(np.zeros((2, 2), int), ["a", "b"], "c", shares=True)) == ["", "", "", ""]


def test_right_answers_are_told_apart_and_names_are_text():
    table = confusion_table(COUNTS, ["<img src=x>", "b"], "<b>")
    assert table.count('class="num right"') == 2
    assert "<img" not in table
    assert "<b>" not in table
