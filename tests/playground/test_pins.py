"""Pins: bounded, frozen, and the difference between two runs in one line."""

from __future__ import annotations

import pytest

from playground.kept_runs import distinction
from playground.pins import MAX_PINS, PinError, pin_run, pins_of, settings_line
from tests.playground.fakes import TAB, FakeConfig, fake_run


def test_an_untrained_run_can_not_be_pinned(store, session):
    for run in (None, fake_run(store)):
        with pytest.raises(PinError, match="press Train first"):
            pin_run(session, TAB, run, None, "")
    assert pins_of(session, TAB) == []


def test_a_pin_stays_as_it_was_when_its_run_goes_on(store, session):
    run = fake_run(store)
    run.pull()
    pin = pin_run(session, TAB, run, None, "")
    run.pull()
    assert (pin.snapshot.step, len(pin.history), pin.frozen.slices) == (1, 1, 1)
    assert run.snapshot.step == 2


def test_beyond_the_cap_the_oldest_pin_goes(store, session):
    made = []
    for seed in range(MAX_PINS + 2):
        run = fake_run(store, seed=seed)
        run.pull()
        made.append(pin_run(session, TAB, run, None, "").id)
    assert [pin.id for pin in pins_of(session, TAB)] == made[-MAX_PINS:]
    assert len(set(made)) == len(made)


def test_the_difference_in_settings_is_one_line():
    assert settings_line(FakeConfig(slices=2), FakeConfig(slices=10, shape="square")) == (
        "Slices: 2 against 10 · Shape: Round against Square"
    )
    assert settings_line(FakeConfig(), FakeConfig()) == "the same settings"


def test_a_pin_is_named_after_what_sets_it_apart():
    assert distinction(FakeConfig()) == "default settings"
    assert distinction(FakeConfig(slices=2, rate=0.1)) == "slices 2, rate 0.1"
