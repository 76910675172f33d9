"""Train, pause, step and reset, driven without a browser."""

from __future__ import annotations

import asyncio

import pytest

from playground.components import run_panel
from tests.playground.fakes import DIVERGED, TAB, FakeTab, FakeTrainer, alerts, collect, phases

BUTTONS = slice(1, 5)
VIEW = 5


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(run_panel, "SETTLING_PAUSE_SECONDS", 0.001)


@pytest.fixture
def fake(store) -> FakeTab:
    return FakeTab(store)


def run(updates):
    async def within_time():
        return await asyncio.wait_for(collect(updates), 10)

    return asyncio.run(within_time())


def interactive(update):
    return [button.get("interactive") for button in update[BUTTONS]]


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


def test_buttons_follow_the_phase(fake, session):
    updates = run(fake.train(session))
    by_phase = {phases([update])[0]: update for update in updates if interactive(update)[0] is not None}
    assert interactive(by_phase["preparing"]) == [False, False, False, False]
    assert interactive(by_phase["training"]) == [False, True, False, True]
    assert interactive(by_phase["done"]) == [True, False, False, True]
    assert by_phase["done"][1]["value"] == "Train again"


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
    assert rest[-1][1]["value"] == "Resume"
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
    assert interactive(updates[-1])[0] is True


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
    assert interactive(updates[-1])[0] is True
    assert updates[-1][1]["value"] == "Train again"


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


def test_views_that_still_move_are_drawn_after_the_training_until_they_rest(fake, session):
    left = [3]

    def draw(session, run, everything):
        left[0] -= run.done and not everything
        return [f"moves left: {left[0]}"], left[0] > 0

    object.__setattr__(fake.tab, "draw", draw)
    updates = run(fake.train(session, slices=1))
    assert [update[VIEW] for update in updates[-3:]] == ["moves left: 2", "moves left: 1", "moves left: 0"]


def test_a_page_opened_before_any_training_shows_the_first_views(fake, session):
    values = fake.panel.restore(fake.tab, session)
    assert len(values) == len(fake.panel.outputs(fake.tab))
    assert values[VIEW] == "untrained"


def test_a_reloaded_page_shows_its_run_and_its_settings(fake, session):
    run(fake.step(session, slices=9, seed=4))
    values = fake.panel.restore(fake.tab, session)
    assert len(values) == len(fake.panel.outputs(fake.tab))
    assert phases([values]) == ["paused"]
    assert values[VIEW] == 1
    assert values[VIEW + 1 :] == fake.values(slices=9, seed=4)


def test_the_train_button_says_what_it_will_do(fake, session):
    def label(**changes):
        return fake.panel._train_label(fake.tab, session, fake.values(**changes))

    assert label() == "Train"
    run(fake.step(session))
    assert label() == "Resume"
    assert label(seed=2) == "Train new"
    assert label(seed="garbage") == "Train"
    run(fake.train(session))
    assert label() == "Train again"
