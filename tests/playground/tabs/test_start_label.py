"""Label it yourself, without a browser."""

from __future__ import annotations

import math
import re

import gradio as gr
import pytest

from backends.start.labels import CATEGORIES, LEAST_SECONDS, MOST_SECONDS
from playground.tabs.start_label import BEGIN, KEPT, Labelling, label, label_views


def labelling_in(session) -> Labelling:
    return session.uploads[KEPT]


@pytest.fixture
def labelling(session) -> Labelling:
    """Ten pictures that wait for labels."""
    label(session, BEGIN)
    return labelling_in(session)


def say(session, category: int, seconds: float) -> None:
    mine = labelling_in(session)
    label(session, f"{mine.number}:{len(mine.given)}:{category}", now=mine.begun + seconds)


def test_before_the_first_click_the_chart_shows_a_stated_pace(session):
    board, chart, said = label_views(session)
    assert f'data-pick="{BEGIN}"' in board
    assert "At a stated pace: 1.0 s" in chart
    assert "1,800 hours" in said


def without_buttons(board: str) -> str:
    """What is said of a picture: the board without what can be pressed, and without classes and addresses."""
    return re.sub(r'<button.*?</button>|\b(src|class)="[^"]*"', "", board, flags=re.DOTALL)


def test_ten_labels_at_a_known_pace(session, labelling):
    for asked in labelling.pictures:
        board, chart, _ = label_views(session)
        assert board.count("data-key=") == len(CATEGORIES)
        assert not re.search(rf"\b{re.escape(asked.name)}\b", without_buttons(board))
        say(session, asked.category, 2.0)
    assert labelling.over
    assert labelling.seconds_per_label == pytest.approx(2.0)
    board, chart, said = label_views(session)
    assert "10 of 10" in board
    assert "At your pace: 2.0 s" in chart
    assert "4.4 working years" in said
    assert "1,810 working years" in said


def test_labels_that_are_not_the_datas_are_counted_and_named(session, labelling):
    for number, asked in enumerate(labelling.pictures):
        say(session, asked.category if number < 7 else (asked.category + 1) % len(CATEGORIES), 1.0)
    board, _, _ = label_views(session)
    assert "7 of 10" in board
    assert board.count("<small>the data says") == 3


def test_the_chart_stays_while_labels_come(session, labelling):
    say(session, 0, 1.0)
    assert label_views(session)[1] == gr.skip()


@pytest.mark.parametrize("seconds", [-1e9, 0.0, float("nan"), float("inf"), 1e9])
def test_whatever_the_clock_does_the_pace_is_a_sane_number(session, labelling, seconds):
    for _ in labelling.pictures:
        say(session, 0, seconds)
        labelling.begun = 0.0
    assert 0.99 * LEAST_SECONDS < labelling.seconds_per_label < 1.01 * MOST_SECONDS
    assert math.isfinite(labelling.seconds_per_label)
    for value in label_views(session):
        assert not re.search(r"\b(nan|inf)\b", re.sub(r'src="[^"]*"', "", str(value)).lower())


PICKS = [
    "",
    "1",
    "1:0",
    "1:0:5",
    "1:1:0",
    "2:0:0",
    "0:0:0",
    "1:0:-1",
    "1:0:0:0",
    "x" * 999,
    "1:0:\u0660",
    "<b>",
    "next",
]


def test_a_click_that_fits_nothing_on_the_page_changes_nothing(session, labelling):
    begun = labelling.begun
    for pick in PICKS:
        label(session, pick)
        assert labelling_in(session) is labelling, pick
        assert (labelling.given, labelling.begun) == ([], begun), pick


def test_a_label_without_a_picture_is_nothing(session):
    label(session, "1:0:0")
    assert KEPT not in session.uploads


def test_an_eleventh_label_is_not_taken_and_ten_others_can_be_labelled(session, labelling):
    for _ in range(12):
        say(session, 0, 1.0)
    assert len(labelling.given) == 10
    label(session, BEGIN)
    assert labelling_in(session).number == 2
    label(session, "1:0:0")
    assert labelling_in(session).given == []
