"""Turns, runs and what a session says about who trains."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from backends.engine.trainer import TrainingDiverged, TrainingError
from playground.session import HISTORY_POINTS, FairLock, Run, Session
from tests.playground.fakes import DIVERGED, FakeConfig, FakeTrainer


def until(condition, seconds=60.0):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.001)


def test_turns_are_given_in_the_order_of_asking():
    lock, order = FairLock(), []

    def take(number):
        with lock:
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(12)]
    with lock:
        for number, thread in enumerate(threads):
            thread.start()
            until(lambda asked=number + 1: len(lock._waiting) == asked)
    for thread in threads:
        thread.join(60)
    assert order == list(range(12))


def test_who_asks_again_goes_behind_those_who_wait():
    lock, order = FairLock(), []

    def take():
        with lock:
            order.append("other")

    waiting = threading.Thread(target=take)
    with lock:
        waiting.start()
        until(lambda: lock._waiting)
    with lock:
        order.append("again")
    waiting.join(60)
    assert order == ["other", "again"]


def test_only_one_is_inside_at_a_time():
    lock, inside, most = FairLock(), [], []

    def work():
        for _ in range(20):
            with lock:
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.0005)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(most) == 80
    assert max(most) == 1


def test_an_error_inside_gives_the_turn_back():
    lock = FairLock()
    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError
    with lock:
        assert lock._taken
    assert not lock._taken


def test_a_pull_keeps_snapshot_history_and_a_frozen_state():
    run = Run(FakeTrainer(FakeConfig(slices=2)), FairLock())
    assert (run.snapshot, run.history, run.frozen.slices, run.done) == (None, [], 0, False)
    first = run.pull()
    assert run.snapshot is first
    assert run.frozen.slices == 1
    assert not run.done
    second = run.pull()
    assert run.history == [first, second]
    assert run.frozen.slices == 2
    assert run.done


def test_a_run_that_is_done_gives_none_and_keeps_its_end():
    run = Run(FakeTrainer(FakeConfig(slices=1)), FairLock())
    last = run.pull()
    assert run.pull() is None
    assert run.snapshot is last
    assert run.history == [last]


def test_a_run_that_diverges_keeps_its_last_good_state_and_the_sentence():
    run = Run(FakeTrainer(FakeConfig(rate=2.0)), FairLock())
    run.pull()
    good = run.pull()
    kept = run.frozen
    with pytest.raises(TrainingDiverged):
        run.pull()
    assert run.failure == DIVERGED
    assert run.frozen is kept
    assert kept.slices == 2
    assert run.snapshot is good
    assert run.pull() is None, "a failed run is over"


class Broken(FakeTrainer):
    """Fails in its second slice, in a way that nobody has foreseen."""

    def steps(self):
        yield next(super().steps())
        raise ZeroDivisionError("a defect")


def test_an_unforeseen_error_ends_the_run_like_a_foreseen_one():
    run = Run(Broken(FakeConfig()), FairLock())
    run.pull()
    with pytest.raises(TrainingError):
        run.pull()
    assert run.failure
    assert run.pull() is None


@pytest.mark.parametrize("slices", [HISTORY_POINTS, HISTORY_POINTS + 1, 3777, 5000])
def test_a_long_history_is_thinned_and_keeps_the_last_point(slices):
    run = Run(FakeTrainer(FakeConfig(slices=slices)), FairLock())
    longest = 0
    while run.pull() is not None:
        longest = max(longest, len(run.history))
    steps = [snapshot.step for snapshot in run.history]
    assert HISTORY_POINTS / 2 <= longest <= HISTORY_POINTS
    assert len(steps) >= HISTORY_POINTS / 2
    assert steps == sorted(set(steps))
    assert steps[-1] == slices
    gaps = [after - before for before, after in itertools.pairwise(steps)]
    assert max(gaps) <= 2 * slices / HISTORY_POINTS + 2, "the points left lie evenly"


def test_the_newest_event_drives_and_the_one_before_knows():
    session = Session("token")
    first = session.drive("a")
    assert session.is_driver("a", first)
    second = session.drive("a")
    assert not session.is_driver("a", first)
    session.stop("a", first)
    assert session.is_driver("a", second), "who no longer drives can't stop who does"
    session.stop("a")
    assert not session.is_driver("a", second)
    assert not session.is_driven("a")


def test_tabs_are_driven_apart():
    session = Session("token")
    one, other = session.drive("a"), session.drive("b")
    session.stop("a")
    assert not session.is_driver("a", one)
    assert session.is_driver("b", other)
    session.stop_all()
    assert not session.is_driven("b")
