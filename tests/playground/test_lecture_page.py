"""What an address with a step opens, what the bar is sent, and what it sends back."""

from __future__ import annotations

import json

import pytest

from playground.components.lecture_bar import asked_step, opens, pack_lecture
from playground.lecture import parse_lecture, stage
from playground.lecture_page import LIVE, Stage, is_busy, served
from playground.session import SessionStore
from tests.playground.fakes import TAB, fake_run
from tests.playground.test_lecture import GOOD, TARGETS

ATTACK = "</script><img src=x onerror=window.hacked=1>"
TEXT = GOOD + 'settings = "steps=40"\n\n' + GOOD.replace("one", "two")


@pytest.fixture
def staged() -> Stage:
    return Stage(stage(parse_lecture(TEXT, "mine.toml"), TARGETS, ("toy",)), {}, TARGETS, None, None)  # type: ignore[arg-type]


def test_a_step_opens_its_tab_with_what_it_sets(staged):
    link = staged.opened({"step": "one", "__theme": "dark"})
    assert link.tab == "toy"
    assert link.configs[""].steps == 40
    assert link.query == "step=one"
    assert staged.opened({"step": "1"}) == link


def test_a_step_that_sets_nothing_names_its_tab_alone(staged):
    link = staged.opened({"step": "two"})
    assert (link.tab, link.configs, link.problems) == ("toy", {}, [])


@pytest.mark.parametrize("nonsense", ["0", "3", "x" * 5_000, ATTACK, "one two"])
def test_nonsense_is_one_sentence_and_opens_nothing(staged, nonsense):
    link = staged.opened({"step": nonsense})
    assert link.tab is None
    assert len(link.problems) == 1
    assert "the lecture has the steps 1 to 2" in link.problems[0]
    assert len(link.problems[0]) < 200


def test_an_address_without_a_step_is_a_link_as_ever(staged):
    assert staged.opened({"tab": "toy", "steps": "50"}).configs[""].steps == 50
    assert staged.opened({}).query == ""


def test_texts_reach_the_page_as_they_are_and_hold_no_tag():
    packed = pack_lecture(ATTACK, [{"say": ATTACK}], {}, ATTACK)
    assert "<" not in packed
    assert json.loads(packed)["steps"][0]["say"] == ATTACK


@pytest.mark.parametrize("sent", [None, 3, [], {}, {"step": 3}, {"step": "x" * 41}])
def test_an_event_that_names_no_step_asks_for_none(sent):
    assert asked_step(sent) == ""


def test_an_event_names_its_step():
    assert asked_step({"step": "one"}) == "one"
    assert opens("toy") == "opens_toy"


def test_every_recording_is_served_and_knows_where_the_live_run_shows():
    assert {path.stem for path in served()} == set(LIVE)


def test_a_tab_is_busy_while_any_of_its_runs_trains():
    store = SessionStore(1, "cpu")
    try:
        session = store.attach("page", None)
        session.runs[f"{TAB}_sweep"] = fake_run(store)
        assert not is_busy(session, TAB)
        session.drive(f"{TAB}_sweep")
        assert is_busy(session, TAB)
        assert not is_busy(session, "another")
    finally:
        store.close()
