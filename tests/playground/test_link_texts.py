"""What links carry of typed texts and numbers: bounded, checked, and the first ones left out."""

from __future__ import annotations

import urllib.parse
from types import SimpleNamespace

import pytest

from playground.link_texts import MAX_LINK_TEXT, kept_texts, number_of, take_texts, text_of
from playground.links import LinkTarget, query_of, read_query


def bench(session):
    return session.uploads.setdefault("bench", SimpleNamespace(text="first", turn=0, ratio=0.5))


KEPT = (
    text_of("text", bench, "text", "first"),
    number_of("turn", bench, "turn", 0, least=0, most=10),
    number_of("ratio", bench, "ratio", 0.5, least=0.1, most=0.9),
)
TARGETS = {"tab": LinkTarget({}, kept=KEPT)}


def test_what_is_as_at_first_makes_no_link_longer(session):
    assert kept_texts(session, KEPT) == {}


def test_texts_and_numbers_come_back(session, store):
    held = bench(session)
    held.text, held.turn, held.ratio = "<b> & é", 7, 0.25
    other = store.attach("other", None)
    query = query_of("tab", {}, kept_texts(session, KEPT))
    link = read_query(dict(urllib.parse.parse_qsl(query)), TARGETS)
    assert link.problems == []
    take_texts(other, KEPT, link.texts)
    assert bench(other) == held


@pytest.mark.parametrize("turn", ["11", "-1", "1.5", "nan", "x", "1e400"])
def test_a_number_that_is_none_of_these_is_said_and_not_taken(session, turn):
    link = read_query({"tab": "tab", "turn": turn}, TARGETS)
    assert "it must be a whole number from 0 to 10" in link.problems[0]
    take_texts(session, KEPT, link.texts)
    assert bench(session).turn == 0


@pytest.mark.parametrize("ratio", ["nan", "inf", "0.95", ""])
def test_a_ratio_out_of_bounds_is_said(ratio):
    assert "a number from 0.1 to 0.9" in read_query({"tab": "tab", "ratio": ratio}, TARGETS).problems[0]


def test_a_text_that_is_too_long_stays_out_of_a_link_and_is_cut_where_it_comes_from_one(session):
    bench(session).text = "x" * (MAX_LINK_TEXT + 1)
    assert kept_texts(session, KEPT) == {}
    assert len(read_query({"tab": "tab", "text": "y" * 10_000}, TARGETS).texts["text"]) == MAX_LINK_TEXT
