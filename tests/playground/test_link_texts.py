"""What links carry of typed texts and numbers: bounded, checked, and the first ones left out."""

from __future__ import annotations

import urllib.parse
from types import SimpleNamespace

import numpy as np
import pytest

from playground.link_texts import MAX_LINK_TEXT, kept_texts, number_of, places_of, take_texts, text_of
from playground.links import LinkTarget, query_of, read_query
from playground.tabs import clip_search, language, language_ways, mae, mae_bench, word2vec, word2vec_questions


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


PLACES = places_of(
    "places", lambda session: session.uploads["at"], lambda session, at: session.uploads.update(at=at), 64
)


def test_places_come_back(session):
    session.uploads["at"] = {40, 3, 0}
    texts = kept_texts(session, (PLACES,))
    assert texts == {"places": "0.3.40"}
    session.uploads["at"] = set()
    assert kept_texts(session, (PLACES,)) == {}
    take_texts(session, (PLACES,), texts)
    assert session.uploads["at"] == {0, 3, 40}


@pytest.mark.parametrize("text", ["", ".", "1..2", "64", "-1", "1,2", "٣", "1" * 600, "<b>"])
def test_places_that_are_none_are_said(text):
    assert "numbers below 64" in PLACES.check(text)


def sent(tab, link, session, store):
    """What another visitor's session holds who follows the link of this one."""
    other = store.attach("other", None)
    query = query_of(tab, {}, kept_texts(session, link.kept))
    opened = read_query(dict(urllib.parse.parse_qsl(query)), {tab: link})
    assert opened.problems == []
    return opened, other


def test_the_words_of_the_questions_come_back(session, store):
    asked = word2vec_questions.asked_of(session)
    asked.a, asked.c, asked.axis_words, asked.odd = "aunt", "king & queen", "war peace", "<b> one two"
    opened, other = sent("word2vec", word2vec.LINK, session, store)
    word2vec.take_link(other, opened)
    assert word2vec_questions.asked_of(other) == asked


def test_a_search_comes_back(session, store):
    clip_search.found_views(session, "a  flag", "red", False)
    opened, other = sent("clip", word2vec.LinkTarget({}, kept=clip_search.TEXTS), session, store)
    take_texts(other, clip_search.TEXTS, opened.texts)
    assert clip_search.searched_values(other) == ["a flag", "red"]


def test_clicked_tokens_another_draw_and_the_way_of_breaking_come_back(session, store):
    ways = language_ways.kept_ways(session)
    ways.places, ways.seed, ways.shuffled = {1, 5}, 4, True
    opened, other = sent("language", language.LINK, session, store)
    take_texts(other, language.LINK.kept, opened.texts)
    assert language_ways.kept_ways(other) == ways
    assert "spans or sentences" in read_query({"broken": "x"}, {"language": language.LINK}).problems[0]


@pytest.mark.parametrize("side", [4, 7, 12])
def test_clicked_patches_come_back(session, store, side):
    hidden = np.random.default_rng(side).random(side * side) < 0.5
    mae_bench.bench_of(session).hidden = hidden
    opened, other = sent("mae", mae.LINK, session, store)
    mae.take_link(other, opened)
    taken = mae_bench.bench_of(other).hidden
    assert taken is not None
    assert taken.tolist() == hidden.tolist()


@pytest.mark.parametrize("mask", ["", "4", "4-", "4-ff", "4-fffg", "0-ff", "100-ff", "4-ffffff", "-4-ffff", "<b>"])
def test_a_mask_that_is_none_is_said(session, mask):
    link = read_query({"tab": "mae", "mask": mask}, {"mae": mae.LINK})
    assert "mask can't be read" in link.problems[0]
    mae.take_link(session, link)
    assert mae_bench.bench_of(session).hidden is None
