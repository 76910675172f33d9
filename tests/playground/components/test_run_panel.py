"""Train, pause, step and reset, driven without a browser."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from types import SimpleNamespace

import gradio as gr
import pytest

from playground.components.run_panel import BUSY
from playground.kept_runs import kept_of
from tests.playground.fakes import DIVERGED, TAB, FakeTab, FakeTrainer, alerts, collect, phases

VIEW = 1
RESTORED_BUTTONS, RESTORED_VIEW = slice(1, 5), 5
NAMES = ["train", "step", "reset"]


@pytest.fixture
def fake(store) -> FakeTab:
    return FakeTab(store)


def run(updates):
    async def within_time():
        return await asyncio.wait_for(collect(updates), 10)

    return asyncio.run(within_time())


async def until_first_slice(fake, updates):
    """Take updates until the first trainer has trained a slice."""
    while not (fake.built and fake.built[0].slices):
        await anext(updates)


def test_train_pulls_to_the_end(fake, session):
    updates = run(fake.train(session))
    assert phases(updates) == ["preparing", "training", "done"]
    assert updates[-1][VIEW] == 5
    assert 'aria-valuenow="100"' in updates[-1][0]
    assert session.runs[TAB].done
    assert not session.is_driven(TAB)
    assert fake.store.counts()["places"] == 0


def test_every_slice_is_drawn_while_the_next_one_trains(store, session):
    fake = FakeTab(store, slice_seconds=0.1)
    updates = run(fake.train(session, slices=4))
    assert [update[VIEW] for update in updates if isinstance(update[VIEW], int)] == [0, 1, 2, 3, 4]


def test_an_update_is_the_status_and_the_views_only(fake, session):
    """Buttons among the outputs of a stream cost every update its time."""
    assert {len(update) for update in run(fake.train(session))} == {1 + len(fake.tab.views)}


def test_buttons_follow_the_phase(store, session):
    fake = FakeTab(store, slice_seconds=0.01)

    async def watched():
        assert fake.buttons(session) == [True, False, True, True]
        updates = fake.train(session, slices=3)
        await until_first_slice(fake, updates)
        assert fake.buttons(session) == [False, True, False, True], "training"
        await collect(updates)

    asyncio.run(watched())
    assert fake.buttons(session) == [True, False, False, True], "done"
    assert fake.label(session) == "Train again"


def test_a_click_shows_the_buttons_of_a_training_before_the_server_has_answered(fake, session):
    clicked = [value == "true" for value in re.findall(r"interactive: (true|false)", BUSY)]

    async def watched():
        updates = fake.train(session)
        await anext(updates)
        training = fake.buttons(session)
        await updates.aclose()
        return training

    assert clicked == asyncio.run(watched())


def test_after_every_button_the_server_says_which_can_be_pressed_and_the_map_comes_to_rest(fake, session):
    """The page's own guess at a click must never be what stays, whatever became of the event."""
    functions = fake.wire()
    buttons = [button._id for button in fake.panel.buttons]
    for name in NAMES:
        (trained,) = [function for function in functions if function.api_name == f"fake_{name}"]
        (guess,) = [function for function in functions if function.js == BUSY and function.targets == trained.targets]
        (rested,) = [function for function in functions if function.trigger_after == trained._id]
        (moved,) = [function for function in functions if function.trigger_after == rested._id]
        assert [component._id for component in guess.outputs] == buttons
        assert [component._id for component in rested.outputs] == buttons
        assert not rested.trigger_only_on_success, "also when the training failed"
        assert moved.outputs == fake.tab.rest[1]
        assert moved.fn is fake.tab.rest[0]
        assert rested.fn(SimpleNamespace(session_hash="page")) == fake.panel.button_updates(fake.tab, session)


def test_a_tab_without_a_map_has_nothing_to_bring_to_rest(fake):
    fake.tab = dataclasses.replace(fake.tab, rest=None)
    after = [function.trigger_after for function in fake.wire() if function.trigger_after is not None]
    assert len(after) == len(NAMES)


def test_pause_ends_within_a_slice_and_training_goes_on_from_there(store, session):
    fake = FakeTab(store, slice_seconds=0.02)

    async def paused():
        updates = fake.train(session, slices=30)
        await until_first_slice(fake, updates)
        session.stop(TAB)
        pulled = fake.built[0].slices
        return pulled, await asyncio.wait_for(collect(updates), 5)

    pulled, rest = asyncio.run(paused())
    stopped_at = fake.built[0].slices
    assert stopped_at <= pulled + 1
    assert phases(rest)[-1] == "paused"
    assert rest[-1][VIEW] == stopped_at
    assert fake.label(session) == "Resume"
    assert fake.buttons(session) == [True, False, True, True]
    again = run(fake.train(session, slices=30))
    assert phases(again)[-1] == "done"
    assert len(fake.built) == 1, "the same trainer goes on"
    assert [snapshot.step for snapshot in session.runs[TAB].history] == list(range(1, 31))


def test_train_after_the_end_begins_a_new_run(fake, session):
    run(fake.train(session))
    first = session.runs[TAB]
    run(fake.train(session))
    assert session.runs[TAB] is not first
    assert len(fake.built) == 2


def test_changed_settings_build_a_new_run(fake, session):
    run(fake.step(session))
    updates = run(fake.train(session, seed=2))
    assert [trainer.config.seed for trainer in fake.built] == [1, 2]
    assert session.runs[TAB].config.seed == 2
    assert updates[-1][VIEW] == 5


def test_a_run_made_stale_is_not_gone_on_with(fake, session):
    run(fake.step(session))
    session.runs[TAB].stale = True
    run(fake.train(session))
    assert len(fake.built) == 2


@pytest.mark.parametrize("refused", [{"slices": 0}, {"slices": 5001}, {"rate": float("nan")}, {"seed": "<b>x"}])
@pytest.mark.parametrize("action", ["train", "step", "reset"])
def test_a_refused_setting_says_so_once_and_leaves_the_run_alone(fake, session, action, refused):
    run(fake.step(session))
    kept = session.runs[TAB]
    updates = run(getattr(fake, action)(session, **refused))
    (sentence,) = alerts(updates[-1][0])
    assert "it must be" in sentence
    assert "<" not in sentence
    assert phases(updates)[-1] == "paused"
    assert session.runs[TAB] is kept
    assert kept.snapshot.step == 1
    assert len(fake.built) == 1
    assert not session.is_driven(TAB)
    assert fake.buttons(session)[0] is True


def test_a_refused_setting_before_any_run_says_so(fake, session):
    updates = run(fake.train(session, slices="many"))
    assert phases(updates) == ["preparing", "ready"]
    assert len(alerts(updates[-1][0])) == 1
    assert session.runs == {}


@pytest.mark.parametrize("action", ["train", "step", "reset"])
def test_a_trainer_that_can_not_be_built_says_why_and_the_old_run_stays(fake, session, action):
    run(fake.step(session))
    kept = session.runs[TAB]
    fake.refuse = "The text is <empty>."
    updates = run(getattr(fake, action)(session, seed=9))
    assert alerts(updates[-1][0]) == ["The text is &lt;empty&gt;."]
    assert session.runs[TAB] is kept


def test_too_little_memory_is_said_in_a_sentence(fake, session, monkeypatch):
    def too_large(*_):
        raise MemoryError

    monkeypatch.setattr(FakeTrainer, "freeze", too_large)
    updates = run(fake.train(session))
    assert "not enough memory" in alerts(updates[-1][0])[0]
    assert session.runs == {}


def test_step_pulls_exactly_one_slice(fake, session):
    for expected in (1, 2):
        updates = run(fake.step(session))
        assert fake.built[0].slices == expected
        assert updates[-1][VIEW] == expected
        assert phases(updates) == ["paused"]
    assert len(fake.built) == 1


def test_a_step_at_the_end_changes_nothing(fake, session):
    run(fake.train(session))
    updates = run(fake.step(session))
    assert phases(updates) == ["done"]
    assert fake.built[0].slices == 5
    assert len(fake.built) == 1


def test_a_step_while_training_pauses_it(store, session):
    fake = FakeTab(store, slice_seconds=0.02)

    async def stepped():
        updates = fake.train(session, slices=500)
        await until_first_slice(fake, updates)
        await collect(fake.step(session, slices=500))
        return await asyncio.wait_for(collect(updates), 5)

    assert phases(asyncio.run(stepped()))[-1] == "paused"
    assert len(fake.built) == 1


def test_reset_builds_anew_and_repeats_the_first_snapshot(fake, session):
    run(fake.step(session, seed=7))
    first = session.runs[TAB].snapshot
    run(fake.step(session, seed=7))
    updates = run(fake.reset(session, seed=7))
    assert phases(updates) == ["preparing", "ready"]
    assert updates[-1][VIEW] == 0
    assert session.runs[TAB].snapshot is None
    assert session.runs[TAB].config == fake.built[0].config
    run(fake.step(session, seed=7))
    assert session.runs[TAB].snapshot == first
    assert len(fake.built) == 2


def test_a_run_that_diverges_shows_its_sentence_and_keeps_what_was_learned(fake, session):
    updates = run(fake.train(session, rate=2.0))
    assert phases(updates)[-1] == "failed"
    assert alerts(updates[-1][0]) == [DIVERGED.replace("<", "&lt;").replace(">", "&gt;")]
    kept = session.runs[TAB]
    assert kept.frozen.slices == 2
    assert updates[-1][VIEW] == 2
    assert fake.buttons(session) == [True, False, True, True]
    assert fake.label(session) == "Train again"


def test_a_step_that_diverges_shows_its_sentence(fake, session):
    for _ in range(2):
        run(fake.step(session, rate=2.0))
    updates = run(fake.step(session, rate=2.0))
    assert phases(updates) == ["failed"]
    assert len(alerts(updates[-1][0])) == 1
    assert session.runs[TAB].frozen.slices == 2


def test_training_after_a_failure_begins_a_new_run(fake, session):
    run(fake.train(session, rate=2.0))
    updates = run(fake.train(session, rate=0.5))
    assert phases(updates)[-1] == "done"
    assert alerts(updates[-1][0]) == []


class Broken(FakeTrainer):
    """Fails in its second slice, in a way that nobody has foreseen."""

    def steps(self):
        yield next(super().steps())
        raise ZeroDivisionError("a defect")


def test_an_unforeseen_error_ends_the_run_in_a_sentence(store, session):
    fake = FakeTab(store, trainer=Broken)

    async def trained():
        try:
            return await asyncio.wait_for(collect(fake.train(session)), 1)
        except ZeroDivisionError:
            return await asyncio.wait_for(collect(fake.train(session)), 1)

    updates = asyncio.run(trained())
    assert phases(updates)[-1] == "failed"
    assert len(alerts(updates[-1][0])) == 1


def test_a_second_train_while_one_drives_does_nothing(store, session):
    fake = FakeTab(store, slice_seconds=0.01)

    async def trained_twice():
        first = fake.train(session)
        await until_first_slice(fake, first)
        assert await collect(fake.train(session, seed=2)) == []
        return await collect(first)

    assert phases(asyncio.run(trained_twice()))[-1] == "done"
    assert len(fake.built) == 1


def test_a_closed_page_ends_its_training(store, session):
    fake = FakeTab(store, slice_seconds=0.01)

    async def closed():
        updates = fake.train(session, slices=500)
        await until_first_slice(fake, updates)
        store.detach("page")
        return await asyncio.wait_for(collect(updates), 5)

    asyncio.run(closed())
    assert fake.built[0].slices < 50
    assert store.counts()["places"] == 0


def test_a_cancelled_training_gives_back_its_place(store, session):
    fake = FakeTab(store, slice_seconds=0.01)

    async def cancelled():
        task = asyncio.create_task(collect(fake.train(session, slices=500)))
        while not (fake.built and fake.built[0].slices):
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(0.03)

    asyncio.run(cancelled())
    assert fake.built[0].slices < 50
    assert not session.is_driven(TAB)
    assert store.counts()["places"] == 0
    assert session.runs[TAB].snapshot is not None, "what was trained is kept"


def test_a_page_opened_before_any_training_shows_the_first_views(fake, session):
    values = fake.panel.restore(fake.tab, session)
    assert len(values) == len(fake.panel.outputs(fake.tab))
    assert values[RESTORED_VIEW] == "untrained"


def test_a_reloaded_page_shows_its_run_and_its_settings(fake, session):
    run(fake.step(session, slices=9, seed=4))
    values = fake.panel.restore(fake.tab, session)
    assert len(values) == len(fake.panel.outputs(fake.tab))
    assert phases([values]) == ["paused"]
    assert values[RESTORED_BUTTONS] == fake.panel.button_updates(fake.tab, session)
    assert values[RESTORED_VIEW] == 1
    assert values[RESTORED_VIEW + 1 :] == fake.values(slices=9, seed=4)


def test_the_train_button_says_what_it_will_do(fake, session):
    def label(**changes):
        return fake.panel._train_label(fake.tab, session, fake.values(**changes))

    assert label() == "Train"
    run(fake.step(session))
    assert label() == "Resume"
    assert label(seed=2) == "Train anew"
    assert label(seed="garbage") == "Train"
    run(fake.train(session))
    assert label() == "Train again"


def test_a_step_can_be_taken_after_the_end_where_another_setting_makes_another_run(fake, session):
    def can_step(**changes):
        return fake.panel._changed(fake.tab, session, fake.values(**changes))[1]["interactive"]

    assert can_step()
    run(fake.train(session))
    assert not can_step()
    assert can_step(seed=2)
    assert not can_step()
    before = session.runs["fake"]
    run(fake.step(session, seed=2))
    assert session.runs["fake"] is not before
    session.drive("fake")
    assert fake.panel._changed(fake.tab, session, fake.values())[1] == gr.skip()


def test_a_run_is_pinned_from_its_panel_and_a_new_training_takes_the_sentence_away(fake, session):
    functions = fake.wire()
    (pin,) = [function for function in functions if function.api_name == "fake_pin"]
    page = SimpleNamespace(session_hash="page")
    assert "press Train first" in pin.fn(page)
    assert kept_of(session) == []
    run(fake.step(session))
    assert "Pinned as “fake”" in pin.fn(page)
    assert [kept.run.steps for kept in kept_of(session)] == [(1,)]
    note = pin.outputs[0]
    (cleared,) = [function for function in functions if function.outputs == [note] and function is not pin]
    assert {target for target, _ in cleared.targets} == {
        button._id for button in (fake.panel.train, fake.panel.step, fake.panel.reset)
    }
