"""A pinned run beside the present one."""

from __future__ import annotations

import html
import json
import re
import urllib.parse
from types import SimpleNamespace

import pytest

from backends.data.text import tokenise
from backends.word2vec.config import Word2VecConfig
from playground.links import read_query
from playground.pins import PinError, pins_of
from playground.session import Run
from playground.tabs import word2vec
from playground.tabs.word2vec_compare import EMPTY, comparison, pin_present, word_of_pick
from playground.tabs.word2vec_map import TAB
from tests.playground.figures.figure_checks import check

EVIL = "<img src=x onerror=alert(1)>"
OWN = Word2VecConfig(corpus="own", dim=8, window=2, min_count=1, epochs=20, threads=1, subsample=0.0)
CHOICE, LINE, LOSS, TABLE, LEFT_ITEMS, LEFT, RIGHT_ITEMS, RIGHT = range(8)


@pytest.fixture
def trained(store, session, topic_text):
    """Train a run of the visitor's with these changes; returns it."""

    def train(**changes) -> Run:
        session.uploads.setdefault("text", topic_text)
        run = Run(word2vec.make_trainer(store, session, OWN.with_changes(**changes)), store.device_lock)
        run.pull()
        session.runs[TAB] = run
        return run

    return train


def test_before_any_pin_a_sentence_says_what_to_do(session):
    values = comparison(session)
    assert html.escape(EMPTY) in values[LINE]
    check(json.loads(values[LOSS]))
    assert values[LEFT:] == [None, None, None]


def test_an_untrained_run_is_not_pinned(session):
    with pytest.raises(PinError, match="press Train"):
        pin_present(session)


def test_both_runs_stand_side_by_side(session, trained):
    trained()
    pin_present(session)
    trained(window=5, dim=12)
    values = comparison(session)
    assert "Dimensions: 8 against 12 · Window: 2 against 5" in values[LINE]
    loss = json.loads(values[LOSS])
    check(loss)
    assert len(loss["data"]) == 2
    assert values[TABLE].count('<th scope="col">') == 2
    left, right = json.loads(values[LEFT]), json.loads(values[RIGHT])
    assert (left["title"], right["title"]) == ("Pinned", "Now")
    assert left["q"] != right["q"]
    for items, frame in ((LEFT_ITEMS, left), (RIGHT_ITEMS, right)):
        named = json.loads(values[items])
        assert named["id"] == frame["items"]
        assert len(named["names"]) == frame["n"]


def test_the_same_word_is_marked_in_both_maps(session, trained):
    word = trained().frozen.words[3]
    pin_present(session)
    trained(window=5)
    session.uploads["word"] = word
    values = comparison(session)
    assert [json.loads(values[side])["asked"] for side in (LEFT, RIGHT)] == [3, 3]
    assert f"neighbours of {word}" in values[TABLE]


def test_a_click_in_either_map_asks_for_that_word_and_a_forged_one_is_ignored(session, trained):
    words = trained().frozen.words
    pin_present(session)
    trained(window=5)
    values = comparison(session)
    for side in (LEFT, RIGHT):
        items = json.loads(values[side])["items"]
        assert word_of_pick(session, {"index": 2, "items": items}) == words[2]
        for forged in (-1, 10**9, True, "2", None):
            assert word_of_pick(session, {"index": forged, "items": items}) is None
    assert word_of_pick(session, {"index": 2, "items": "another"}) is None
    assert word_of_pick(session, "x") is None


def test_a_pin_without_a_present_run_still_shows(session, trained):
    trained()
    pin_present(session)
    session.runs.clear()
    values = comparison(session)
    assert "press Train" in values[LINE]
    assert values[RIGHT] is None
    assert values[LEFT] is not None


def test_the_newest_pin_is_shown_and_an_older_one_can_be_chosen(session, trained):
    trained(dim=4)
    first = pin_present(session)
    trained(dim=6)
    pin_present(session)
    assert "6 against 6" not in comparison(session)[LINE]
    session.uploads["pinned"] = first.id
    assert "Dimensions: 4 against 6" in comparison(session)[LINE]
    session.uploads["pinned"] = "forged"
    assert comparison(session)[CHOICE]["value"] == pins_of(session, TAB)[-1].id


def test_words_of_a_strangers_text_are_escaped(session, trained):
    session.uploads["text"] = tokenise([f"{EVIL} apple pear plum {EVIL} cherry"] * 300)
    trained()
    pin_present(session)
    session.uploads["word"] = EVIL
    assert "<img" not in comparison(session)[TABLE]


def test_the_live_curve_carries_the_pinned_one(session, trained):
    trained()
    pin_present(session)
    run = trained(window=5)
    figure = json.loads(word2vec.loss_figure(session, run))
    check(figure)
    assert [trace["line"]["dash"] for trace in figure["data"]] == ["dot", "solid"]


def test_a_link_carries_settings_map_and_word_and_is_taken_once(store, session):
    session.uploads["word"] = "Paris"
    session.uploads["map"] = word2vec.MapConfig(method="pca")
    tab = SimpleNamespace(controls=SimpleNamespace(read=lambda values: Word2VecConfig(dim=24)))
    request = SimpleNamespace(session_hash="page")
    query = word2vec.make_query(store, tab, request, [])
    assert re.fullmatch(r"[\w=&%.+-]+", query)
    link = read_query(dict(urllib.parse.parse_qsl(query)), {TAB: word2vec.LINK})
    assert session.uploads["link"] == link.query, "a reload of the page that copied it is no new link"
    other = store.attach("other", None)
    assert word2vec.take_link(other, link) == Word2VecConfig(dim=24)
    assert other.uploads["word"] == "paris"
    assert other.uploads["map"].method == "pca"
    assert word2vec.take_link(other, None) is None
