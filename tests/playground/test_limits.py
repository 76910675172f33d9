"""What strangers get on a hosted server, and that each number is kept by whoever owns it."""

from __future__ import annotations

import asyncio
import dataclasses
import re

import gradio as gr
import pytest

from playground import shell
from playground.components.run_panel import PAUSED_FOR_OTHERS
from playground.limits import HOSTED, OWN, Limits, is_space
from playground.session import SessionStore
from tests.playground.fakes import TAB, FakeTab, alerts, collect, fake_run, phases


def test_strangers_get_no_more_than_a_lecture_in_anything():
    for field in dataclasses.fields(Limits):
        assert getattr(HOSTED, field.name) <= getattr(OWN, field.name), field.name
    assert HOSTED.session_runs < HOSTED.max_runs, "one visitor can't take every place"


def test_limits_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        HOSTED.max_runs = 64  # type: ignore[misc]


@pytest.mark.parametrize(
    ("environment", "answer"), [({}, False), ({"SPACE_ID": ""}, False), ({"SPACE_ID": "a/b"}, True)]
)
def test_a_space_is_known_by_its_variable(environment, answer):
    assert is_space(environment) is answer


def test_labels_promise_no_more_than_an_upload_may_have():
    assert HOSTED.up_to(200 << 20) == "up to 32 MB"
    assert HOSTED.up_to(20 << 20) == "up to 20 MB"
    store = SessionStore(1, "cpu", limits=dataclasses.replace(HOSTED, file_bytes=3 << 20))
    demo = shell.build(store, ["word2vec", "language", "mae", "compare"])
    promised = [re.search(r"(\d+) MB", block.label) for block in demo.blocks.values() if isinstance(block, gr.File)]
    assert [int(found[1]) for found in promised if found] == [3] * 7
    store.close()


def test_a_session_that_trains_as_much_as_it_may_is_refused_more_in_a_sentence(store):
    store.limits = dataclasses.replace(OWN, session_runs=2)
    session, fake = store.attach("page", None), FakeTab(store)
    session.drive("one")
    session.drive("two")
    updates = asyncio.run(collect(fake.train(session)))
    assert "pause one first" in alerts(updates[-1][0])[0]
    assert fake.built == []
    assert not session.is_driven(TAB)
    session.stop("one")
    assert phases(asyncio.run(collect(fake.train(session))))[-1] == "done"


def test_other_sessions_are_not_counted(store):
    store.limits = dataclasses.replace(OWN, session_runs=1)
    store.attach("other", None).drive("tab")
    updates = asyncio.run(collect(FakeTab(store).train(store.attach("page", None))))
    assert phases(updates)[-1] == "done"


def test_a_run_that_trained_long_enough_pauses_by_itself_and_can_be_resumed(store):
    store.limits = dataclasses.replace(OWN, stretch_seconds=0.1)
    session, fake = store.attach("page", None), FakeTab(store, slice_seconds=0.03)
    updates = asyncio.run(collect(fake.train(session, slices=12)))
    assert phases(updates)[-1] == "paused"
    assert PAUSED_FOR_OTHERS in updates[-1][0]
    done = session.runs[TAB].snapshot.step
    assert 1 <= done < 12
    store.limits = OWN
    assert phases(asyncio.run(collect(fake.train(session, slices=12))))[-1] == "done"
    assert len(fake.built) == 1, "the same run went on"
    assert PAUSED_FOR_OTHERS not in str(updates[0])


def test_the_time_in_the_queue_does_not_count_as_training(store):
    store.limits = dataclasses.replace(OWN, stretch_seconds=0.4)
    session, fake = store.attach("page", None), FakeTab(store)

    async def scenario():
        async with store.place(lambda: True), store.place(lambda: True):
            waiting = asyncio.create_task(collect(fake.train(session)))
            await asyncio.sleep(0.6)
        return await waiting

    assert phases(asyncio.run(scenario()))[-2:] == ["training", "done"]


def test_empty_sessions_make_room_before_any_that_holds_a_run(store):
    store.limits = dataclasses.replace(OWN, sessions=10)
    first = store.attach("page", None)
    first.runs[TAB] = run = fake_run(store)
    for i in range(200):
        store.of(f"stranger {i}")
    assert store.counts()["sessions"] == 10
    assert store.of("page") is first
    assert first.runs[TAB] is run


@pytest.mark.parametrize("nobody", ["None", ""])
def test_requests_that_name_no_page_share_nothing(store, nobody):
    first = store.of(nobody)
    first.uploads["text"] = "mine"
    assert "text" not in store.of(nobody).uploads
    assert store.counts()["sessions"] == 0


def test_a_store_keeps_the_limits_that_it_is_given():
    store = SessionStore(1, "cpu", limits=HOSTED)
    session = store.attach("page", None)
    store.sweep(session.touched + HOSTED.idle_seconds + 1)
    assert store.counts()["sessions"] == 0
    store.close()
