"""Sentences of the Language tab: the map of the news, what is asked of it, and one's own sentence."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from backends.language.sentences import SPACES, load_news
from backends.language.trainer import TRAINERS, FrozenLanguage
from playground.session import Session
from playground.tabs import language_map
from playground.tabs.language_state import LOADED
from tests.backends.language.conftest import CONFIGS, chain_lines

ATTACK = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def models() -> dict[str, FrozenLanguage]:
    """Fresh models, by method: what is asked here needs none that has learned something."""
    return {method: TRAINERS[method](config, text=chain_lines(100)).freeze() for method, config in CONFIGS.items()}


@pytest.fixture
def ready(session, models) -> Session:
    """A visitor whom small models answer, with the news open."""
    session.uploads[LOADED] = {method: (model, f"A {method} for a test answers.") for method, model in models.items()}
    language_map.opened(session)
    return session


def text(value: str) -> str:
    return re.sub(r"<[^>]+>", " ", value)


def frame(session: Session) -> dict:
    return json.loads(language_map.frame(session))


def test_without_a_model_a_line_says_what_to_do(session, monkeypatch):
    monkeypatch.setattr(language_map, "model_of", lambda session, method: (None, "Press Train."))
    shown, near, _ = language_map.opened(session)
    assert shown is None
    assert "Press Train" in text(near)
    assert "Press Train" in text(language_map.ask_own(session, "The team won."))
    assert asyncio.run(frames(None, session)) == []


def test_the_map_opens_with_a_sentence_and_its_neighbours_from_the_original_space(ready):
    kept = language_map.kept_of(ready)
    told = frame(ready)
    assert told["n"] == len(load_news())
    assert told["asked"] == load_news().sentences.index(language_map.FIRST_SENTENCE)
    unit = kept.found.unit
    cosines = unit @ unit[told["asked"]]
    cosines[told["asked"]] = -2
    assert told["near"] == np.argsort(-cosines, kind="stable")[: language_map.NEIGHBOURS_SHOWN].tolist()
    near = language_map.near_html(ready)
    assert language_map.FIRST_SENTENCE in text(near)
    assert f"{cosines[told['near'][0]]:.2f}" in text(near)


def test_the_line_names_source_licence_model_and_how_often_the_story_is_found(ready):
    note = text(language_map.note_html(ready))
    assert "Lee, Pincombe and Welsh" in note
    assert "free for research" in note
    assert "A bert for a test answers" in note
    assert len(re.findall(r"\d+\.\d %", note)) == len(SPACES) + 1


def test_points_carry_topics_and_short_names(ready):
    items = json.loads(language_map.items(ready))
    assert items["id"] == frame(ready)["items"]
    assert items["groupings"][0]["name"] == "topic"
    assert len(items["groupings"][0]["colours"]) == len(items["groupings"][0]["classes"])
    assert max(map(len, items["names"])) <= 24


def test_a_click_asks_for_a_sentence_and_a_strange_one_changes_nothing(ready):
    kept = language_map.kept_of(ready)
    asked = frame(ready)
    index = language_map.picked_of(kept, {"index": 5, "items": asked["items"]})
    _, marks, near = language_map.ask_news(ready, index)
    assert json.loads(marks)["asked"] == 5
    assert load_news().sentences[5] in near.replace("&#x27;", "'")
    for strange in ({"index": 5, "items": "other"}, {"index": -1, "items": asked["items"]}, {"index": True}, None, "x"):
        assert language_map.picked_of(kept, strange) is None
    language_map.ask_news(ready, None)
    assert kept.asked == 5


def test_nothing_is_worked_out_anew_while_model_and_space_stay(ready):
    kept = language_map.kept_of(ready)
    before = (kept.found, kept.id, kept.views["map"].map_id)
    language_map.opened(ready)
    assert (kept.found, kept.id, kept.views["map"].map_id) == before
    language_map.choose(ready, "bert", "centred")
    language_map.opened(ready)
    assert kept.id != before[1]


def test_another_model_brings_another_map_and_keeps_what_was_asked(ready):
    language_map.ask_news(ready, 7)
    before = frame(ready)
    language_map.choose(ready, "gpt", "whitened")
    language_map.opened(ready)
    after = frame(ready)
    assert after["run"] != before["run"]
    assert after["asked"] == 7
    assert "GPT" in after["title"]


@pytest.mark.parametrize(("method", "space"), [("no", "no"), (None, 3), ([], {})])
def test_strange_choices_change_nothing(ready, method, space):
    language_map.choose(ready, method, space)
    kept = language_map.kept_of(ready)
    assert (kept.method, kept.space) == (language_map.FIRST_METHOD, language_map.FIRST_SPACE)


def test_an_own_sentence_stands_among_its_nearest_and_a_click_takes_it_away(ready):
    assert language_map.ask_own(ready, "The team won the match.") == ""
    told = frame(ready)
    assert told["asked"] is None
    assert told["guests"][0]["near"] == told["near"]
    assert "The team won the match." in language_map.near_html(ready)
    shown, _, _ = language_map.ask_news(ready, 3)
    assert json.loads(shown)["guests"] == []


def test_a_copy_of_a_news_sentence_is_nearest_to_itself(ready):
    sentence = load_news().sentences[11]
    assert language_map.ask_own(ready, sentence) == ""
    index, cosine = language_map.nearest(language_map.kept_of(ready))[0]
    assert index == 11
    assert cosine == pytest.approx(1, abs=1e-3)


def test_an_own_sentence_is_read_anew_by_another_model(ready):
    language_map.ask_own(ready, load_news().sentences[11])
    language_map.choose(ready, "t5", "whitened")
    language_map.opened(ready)
    assert language_map.nearest(language_map.kept_of(ready))[0][0] == 11


@pytest.mark.parametrize("own", ["", "  ", "wave", None, 5])
def test_what_is_no_sentence_is_answered_with_one_and_the_last_answer_stays(ready, own):
    before = frame(ready)["asked"]
    problem = language_map.ask_own(ready, own)
    assert "problem" in problem
    assert "write a sentence" in text(problem)
    assert frame(ready)["asked"] == before


def test_ten_thousand_words_are_cut_and_that_is_said(ready):
    assert language_map.ask_own(ready, "wave sail " * 5_000) == ""
    near = language_map.near_html(ready)
    assert "10,000 words were cut" in near
    assert len(near) < 10_000


def test_markup_in_an_own_sentence_stays_text(ready):
    assert language_map.ask_own(ready, f"{ATTACK} won the match") == ""
    assert "<img" not in language_map.near_html(ready)
    assert "&lt;img" in language_map.near_html(ready)
    assert "onerror" not in language_map.frame(ready)


async def frames(store, session: Session) -> list:
    return [one async for one in language_map.frames_at_rest(store, session)]


def test_the_map_comes_to_rest_and_then_costs_nothing(store, ready):
    kept = language_map.kept_of(ready)
    kept.config = kept.config.with_changes(method="pca")
    drawn = asyncio.run(frames(store, ready))
    assert drawn
    assert json.loads(drawn[-1])["busy"] is False
    assert asyncio.run(frames(store, ready)) == []


def test_a_model_that_has_not_read_the_news_asks_for_patience(ready, models):
    ready.uploads[LOADED]["bert"] = (replace(models["bert"]), "Another answers.")
    first, second = language_map.read_and_opened(ready)
    assert "reads the news" in text(first[1])
    assert "nearest sentences" in second[1]
    assert len(list(language_map.read_and_opened(ready))) == 1
