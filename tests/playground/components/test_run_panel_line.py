"""Several visitors train at once: who waits, what the line of waiting runs shows, and the status line itself."""

from __future__ import annotations

import asyncio
import html
import re

import pytest

from playground import session as session_module
from playground.components.run_panel import status_html
from tests.playground.fakes import TAB, FakeTab, FakeTrainer, collect, fake_run, phases

EVIL = "<img src=x onerror=alert(1)>\"'&"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(session_module, "QUEUE_POLL_SECONDS", 0.002)


def test_four_runs_on_two_places_all_finish_and_never_more_than_two_train(store):
    under_way, most = set(), []

    class Watched(FakeTrainer):
        def steps(self):
            for snapshot in super().steps():
                under_way.add(self)
                most.append(len(under_way))
                if snapshot.done:
                    under_way.discard(self)
                yield snapshot

    fake = FakeTab(store, slice_seconds=0.005, trainer=Watched)
    sessions = [store.attach(f"page {i}", None) for i in range(4)]

    async def all_four():
        return await asyncio.wait_for(asyncio.gather(*(collect(fake.train(s, slices=8)) for s in sessions)), 20)

    everything = asyncio.run(all_four())
    assert [phases(updates)[-1] for updates in everything] == ["done"] * 4
    assert max(most) == 2
    ahead = [set(re.findall(r"(\d+) ahead of you", "".join(str(u[0]) for u in updates))) for updates in everything]
    assert sorted(ahead, key=len) in ([set(), set(), {"1"}, {"1", "2"}], [set(), set(), {"1"}, {"2"}])
    waited = [phases(updates) for updates, numbers in zip(everything, ahead, strict=True) if numbers]
    assert waited == [["preparing", "waiting", "training", "done"]] * 2
    assert store.counts()["places"] == 0


def test_a_run_that_waits_can_be_paused(store):
    store.max_runs = 0
    fake = FakeTab(store)
    session = store.attach("page", None)

    async def paused():
        updates = fake.train(session)
        while phases([await anext(updates)]) != ["waiting"]:
            pass
        session.stop(TAB)
        return await asyncio.wait_for(collect(updates), 5)

    assert phases(asyncio.run(paused()))[-1] == "ready"
    assert fake.built[0].slices == 0
    assert store.counts()["places"] == 0


def test_who_waits_behind_a_closed_page_moves_up(store):
    store.max_runs = 1
    fake = FakeTab(store, slice_seconds=0.005)
    first, second = store.attach("first", None), store.attach("second", None)

    async def one_leaves():
        leaving = asyncio.create_task(collect(fake.train(first, slices=5000)))
        while not (fake.built and fake.built[0].slices):
            await asyncio.sleep(0.001)
        waiting = fake.train(second, slices=2)
        shown = [await anext(waiting), await anext(waiting)]
        store.detach("first")
        shown += await asyncio.wait_for(collect(waiting), 5)
        await asyncio.wait_for(leaving, 5)
        return shown

    assert phases(asyncio.run(one_leaves())) == ["preparing", "waiting", "training", "done"]


def test_one_that_pauses_does_not_wait_for_anothers_run(store):
    fake = FakeTab(store, slice_seconds=0.01)
    one, other = store.attach("one", None), store.attach("other", None)

    async def both():
        tasks = [asyncio.create_task(collect(fake.train(s, slices=200))) for s in (one, other)]
        while not (len(fake.built) == 2 and all(trainer.slices for trainer in fake.built)):
            await asyncio.sleep(0.001)
        one.stop(TAB)
        await asyncio.wait_for(tasks[0], 1.5)
        assert not tasks[1].done()
        other.stop(TAB)
        await asyncio.wait_for(tasks[1], 1.5)

    asyncio.run(both())


@pytest.mark.parametrize("argument", ["line", "alert", "hint"])
def test_the_status_line_escapes_every_argument(argument):
    shown = status_html("ready", **{argument: EVIL})
    assert "<img" not in shown
    assert html.escape(EVIL) in shown


def test_the_status_line_escapes_a_trainers_notes(store):
    run = fake_run(store)
    run.trainer.notes = [EVIL, "Another note."]
    shown = status_html("ready", run=run)
    assert "<img" not in shown
    assert html.escape(EVIL) in shown
    assert "Another note." in shown


def test_an_unknown_phase_is_a_defect_and_never_shown():
    with pytest.raises(KeyError):
        status_html(EVIL)


def test_the_status_line_shows_progress_and_time(store):
    run = fake_run(store, slices=4)
    run.pull()
    training = status_html("training", run=run)
    assert 'aria-valuenow="25"' in training
    assert "width:25.0%" in training
    assert "0:00 left" in training
    assert "0.1 s trained" in status_html("paused", run=run)
    assert 'aria-valuenow="0"' in status_html("ready")
