"""Who gets which session back, and when what is freed."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import time
import weakref

import pytest

from playground import kept_runs
from playground import session as session_module
from playground.limits import OWN
from playground.own_pictures import PICTURES
from playground.pins import pins_of
from playground.tabs import mae_state, word2vec_home
from playground.tabs.word2vec import OWN_TEXT_KEY
from tests.playground.fakes import fake_run


def test_a_reloaded_page_finds_its_session_by_the_token(store):
    session = store.attach("page", None)
    store.detach("page")
    again = store.attach("page after reload", session.token)
    assert again is session
    assert again.left is None
    assert store.of("page after reload") is session


def test_a_second_open_page_with_the_same_token_gets_a_session_of_its_own(store):
    first = store.attach("page", None)
    second = store.attach("copy of the page", first.token)
    assert second is not first
    assert second.token != first.token
    assert store.of("page") is first


def test_a_page_that_opens_twice_keeps_its_session(store):
    session = store.attach("page", None)
    assert store.attach("page", session.token) is session


@pytest.mark.parametrize("token", [None, "a" * 32])
def test_what_is_done_before_a_page_has_opened_is_kept_and_trains_on(store, token):
    early = store.of("page")
    early.runs["mae"] = run = fake_run(store)
    driver = early.drive("mae")
    early.uploads["game"] = "begun"
    opened = store.attach("page", token)
    assert opened is early
    assert opened.is_driver("mae", driver)
    assert (opened.runs, opened.uploads) == ({"mae": run}, {"game": "begun"})


def test_a_reloaded_page_keeps_what_it_had_and_adds_what_was_done_before_it_had_opened(store):
    saved = store.attach("page", None)
    saved.runs["mae"] = old = fake_run(store)
    saved.uploads["game"] = "half played"
    store.detach("page")
    early = store.of("page after reload")
    early.runs |= {"mae": fake_run(store), "clip": (new := fake_run(store))}
    early.uploads |= {"game": "begun", "labels": "two"}
    assert store.attach("page after reload", saved.token) is saved
    assert saved.runs == {"mae": old, "clip": new}
    assert saved.uploads == {"game": "half played", "labels": "two"}
    assert saved.training() == 0


@pytest.mark.parametrize("token", [None, "", "a" * 32, "x" * 100_000, 7, 1.5, True, ["a"], {"token": "a"}])
def test_a_wrong_token_gets_a_new_session(store, token):
    other = store.attach("another page", None)
    session = store.attach("page", token)
    assert session is not other
    assert session.token not in (other.token, token)


def test_tokens_can_not_be_guessed(store):
    tokens = {store.attach(f"page {i}", None).token for i in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 32, "192 bits in base64"
    assert len({token[:4] for token in tokens}) > 90, "they have no common beginning"


def test_a_client_that_never_loaded_the_page_has_a_session(store):
    session = store.of("script")
    assert store.of("script") is session
    assert store.counts()["sessions"] == 1


def test_a_closed_page_pauses_at_once(store, session):
    driver = session.drive("tab")
    store.detach("page")
    assert not session.is_driver("tab", driver)
    assert not session.is_driven("tab")
    later = session.drive("tab")
    assert not session.is_driver("tab", later), "nothing trains without a page"


def test_closing_an_unknown_page_changes_nothing(store, session):
    store.detach("another page")
    assert store.of("page") is session
    assert session.left is None


def test_a_closed_page_is_freed_after_the_grace_time(store, session):
    session.runs["tab"], session.uploads["text"] = fake_run(store), "a text"
    trainer = weakref.ref(session.runs["tab"].trainer)
    store.detach("page")
    store.sweep(session.left + OWN.grace_seconds - 1)
    assert store.counts()["runs"] == 1
    store.sweep(session.left + OWN.grace_seconds + 1)
    assert store.counts() == {"sessions": 0, "runs": 0, "places": 0}
    assert session.uploads == {}
    gc.collect()
    assert trainer() is None
    assert store.attach("page after reload", session.token) is not session


def test_an_open_page_that_nobody_touches_is_freed_later(store, session):
    driver = session.drive("tab")
    store.sweep(session.touched + OWN.idle_seconds - 1)
    assert session.is_driver("tab", driver)
    store.sweep(session.touched + OWN.idle_seconds + 1)
    assert store.counts()["sessions"] == 0
    assert not session.is_driver("tab", driver)
    assert store.of("page") is not session, "the page goes on with a new session"


def test_a_touch_keeps_a_session(store, session):
    before = session.touched
    time.sleep(0.01)
    store.touch(session)
    assert session.touched > before
    store.sweep(before + OWN.idle_seconds + 0.005)
    assert store.counts()["sessions"] == 1


def test_freeing_a_session_that_a_page_gave_up_leaves_the_page_its_own(store):
    saved = store.attach("page", None)
    store.detach("page")
    early = store.of("page after reload")
    assert store.attach("page after reload", saved.token) is saved
    early.touched -= OWN.idle_seconds
    store.sweep(saved.touched + 1)
    assert store.of("page after reload") is saved


def test_a_session_that_a_page_gave_up_is_freed_after_the_grace_time(store):
    saved = store.attach("page", None)
    store.detach("page")
    early = store.of("page after reload")
    store.attach("page after reload", saved.token)
    store.sweep(time.monotonic() + OWN.grace_seconds + 1)
    assert early.token not in store._sessions
    assert saved.token in store._sessions


def test_many_sessions_leave_no_more_than_the_caps_and_their_models_are_gone(store):
    models = []
    for i in range(300):
        session = store.attach(f"page {i}", None)
        session.runs["tab"] = fake_run(store)
        models += [weakref.ref(session.runs["tab"].trainer), weakref.ref(session.runs["tab"].frozen)]
        if i % 2:
            store.detach(f"page {i}")
    store.evict()
    del session
    gc.collect()
    assert store.counts() == {"sessions": OWN.sessions, "runs": OWN.held_runs, "places": 0}
    assert sum(model() is not None for model in models) == 2 * OWN.held_runs
    assert len(store._by_owner) <= OWN.sessions
    store.sweep(time.monotonic() + OWN.idle_seconds + 1)
    gc.collect()
    assert store.counts() == {"sessions": 0, "runs": 0, "places": 0}
    assert store._by_owner == {}
    assert not any(model() for model in models)


def test_the_sessions_unused_for_longest_make_room(store):
    store.limits = dataclasses.replace(OWN, sessions=3)
    sessions = [store.attach(f"page {i}", None) for i in range(3)]
    store.of("page 0")
    newest = store.attach("page 3", None)
    assert list(store._sessions) == [sessions[2].token, sessions[0].token, newest.token]


@pytest.mark.parametrize(
    "key", [kept_runs.KEPT, PICTURES, mae_state.LOADED, word2vec_home.LOADED, OWN_TEXT_KEY, "mae_pins"]
)
def test_who_has_something_of_their_own_stays_while_there_are_empty_sessions(store, key):
    store.limits = dataclasses.replace(OWN, sessions=3)
    oldest = store.attach("page 0", None)
    pins_of(oldest, "mae")
    kept_runs.kept_of(oldest)
    assert not oldest.holds_something, "a list without anything in it"
    oldest.uploads[key] = ["something"]
    for i in range(1, 6):
        store.attach(f"page {i}", None)
    assert oldest.token in store._sessions


def test_runs_that_do_not_train_make_room_and_those_that_train_stay(store):
    store.limits = dataclasses.replace(OWN, held_runs=3)
    sessions = [store.attach(f"page {i}", None) for i in range(6)]
    for i, session in enumerate(sessions):
        session.runs["tab"] = fake_run(store)
        if i in (0, 2):
            session.drive("tab")
    store.evict()
    assert [bool(session.runs) for session in sessions] == [True, False, True, False, False, True]


def test_runs_that_all_train_stay_even_above_the_cap(store):
    store.limits = dataclasses.replace(OWN, held_runs=1)
    for i in range(3):
        session = store.attach(f"page {i}", None)
        session.runs["tab"] = fake_run(store)
        session.drive("tab")
    store.evict()
    assert store.counts()["runs"] == 3


@pytest.fixture
def quick_queue(monkeypatch):
    monkeypatch.setattr(session_module, "QUEUE_POLL_SECONDS", 0.001)


@pytest.mark.usefixtures("quick_queue")
def test_the_first_in_line_go_ahead_and_the_others_hear_how_many_are_before_them(store):
    async def scenario():
        async with store.place(lambda: True) as a, store.place(lambda: True) as b:
            async with store.place(lambda: True) as c, store.place(lambda: True) as d:
                assert [await ahead() for ahead in (a, b, c, d)] == [0, 0, 1, 2]
                assert store.counts()["places"] == 4
            async with store.place(lambda: True) as late:
                assert await late() == 1
        assert store.counts()["places"] == 0

    asyncio.run(scenario())


@pytest.mark.usefixtures("quick_queue")
def test_a_cancelled_holder_gives_its_place_back(store):
    async def hold(holding, forever):
        async with store.place(lambda: True):
            holding.set()
            await forever.wait()

    async def scenario():
        forever = asyncio.Event()
        events = [asyncio.Event() for _ in range(2)]
        holders = [asyncio.create_task(hold(event, forever)) for event in events]
        await asyncio.gather(*(event.wait() for event in events))
        async with store.place(lambda: True) as ahead:
            assert await ahead() == 1
            holders[0].cancel()
            await asyncio.wait(holders[:1])
            assert await ahead() == 0
            holders[1].cancel()
            await asyncio.wait(holders)
        assert store.counts()["places"] == 0

    asyncio.run(scenario())


def test_who_no_longer_wants_a_place_does_not_wait_for_the_next_look(store, monkeypatch):
    monkeypatch.setattr(session_module, "QUEUE_POLL_SECONDS", 60)
    store.max_runs = 0

    async def scenario():
        async with store.place(lambda: False) as ahead:
            assert await asyncio.wait_for(ahead(), 1) == 1

    asyncio.run(scenario())


def test_a_closed_store_holds_nothing(store, session):
    driver = session.drive("tab")
    session.runs["tab"] = fake_run(store)
    store.close()
    assert store.counts() == {"sessions": 0, "runs": 0, "places": 0}
    assert not session.is_driver("tab", driver)
    with pytest.raises(RuntimeError):
        store.submit(lambda: None)
