"""Whatever a word, a file or a message holds, it is shown as text."""

from __future__ import annotations

import html
import math
from html.parser import HTMLParser

import pytest

from playground.components import answers

EVIL = "<img src=x onerror=alert(1)>\"'&</table><script>alert(2)</script>"

WITH_EVIL = {
    "ranked word": answers.ranked_words([(EVIL, 0.5)]),
    "ranked caption": answers.ranked_words([("word", 0.5)], EVIL),
    "question": answers.checklist([(EVIL, "a", "b", True)], "caption"),
    "answer": answers.checklist([("q", EVIL, "b", False)], "caption"),
    "note": answers.checklist([("q", "a", EVIL, None)], "caption"),
    "checklist caption": answers.checklist([("q", "a", "b", True)], EVIL),
    "problem": answers.problem(EVIL),
    "sentence": answers.sentence(EVIL),
}


class Reader(HTMLParser):
    """Collects what a browser would: tags, the names of their attributes, and text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def test_the_reader_sees_an_attack():
    assert {"img", "script"} <= Reader(EVIL).tags
    assert "onerror" in Reader(EVIL).attributes


@pytest.mark.parametrize("place", WITH_EVIL)
def test_markup_from_outside_is_shown_as_text(place):
    shown = Reader(WITH_EVIL[place])
    assert not shown.tags & {"img", "script"}
    assert "onerror" not in shown.attributes
    assert EVIL in shown.text
    assert html.escape(EVIL) in WITH_EVIL[place]


def test_ranked_words_have_a_bar_as_long_as_the_cosine():
    shown = answers.ranked_words([("queen", 0.75), ("far", -0.5), ("over", 1.2)])
    assert [f"width:{share}%" in shown for share in (75, 0, 100)] == [True] * 3
    assert ">0.75<" in shown
    assert ">-0.50<" in shown
    assert "<caption>" not in shown


def test_a_value_that_is_no_number_still_makes_a_table():
    assert "nan" in answers.ranked_words([("word", math.nan)])


def test_a_checklist_marks_right_wrong_and_unknown():
    shown = answers.checklist([("a", "b", "", True), ("c", "d", "", False), ("e", "f", "", None)], "caption")
    assert [f'aria-label="{mark}"' in shown for mark in ("right", "wrong", "unknown")] == [True] * 3


def test_a_problem_is_announced_and_a_sentence_is_not():
    assert 'role="alert"' in answers.problem("No.")
    assert "alert" not in answers.sentence("Yes.")
