"""What is taken down of a training: its curves, what it says, how it was made."""

from __future__ import annotations

import os

import pytest

from backends.engine import device
from backends.engine.checkpoints import CheckpointError
from backends.recordings import recorder
from backends.recordings.recipes import Curve
from backends.recordings.recording import FEWEST_POINTS


def test_a_curve_is_tested_now_and_then_and_keeps_its_ends(recorded):
    made = recorded()
    (line,) = made.lines
    assert FEWEST_POINTS < len(line.values) <= recorder.POINTS
    assert (line.seconds[0], line.values[0]) == (0.1, 0.005)
    assert (line.seconds[-1], line.steps[-1], line.values[-1]) == (20.0, 200, 1.0)
    gaps = [later - earlier for earlier, later in zip(line.steps, line.steps[1:], strict=False)]
    assert sum(gaps[: len(gaps) // 2]) < 0.4 * line.steps[-1], "denser at the start"


def test_the_card_says_how_it_was_made(recorded):
    card = recorded().card
    assert (card.method, card.settings) == ("toy", {"toy": {"seed": 3}})
    assert (card.seed, card.steps, card.seconds, card.step_unit) == (3, 200, 20.0, "batches")


@pytest.mark.parametrize(("cores", "told"), [(1, "1 CPU core, load 0.3 before"), (4, "4 CPU cores, load 0.3 before")])
def test_the_machine_is_what_is_known_of_it(recorded, monkeypatch, cores, told):
    monkeypatch.setattr(recorder, "available_cores", lambda: cores)
    monkeypatch.setattr(os, "getloadavg", lambda: (0.31, 1.0, 2.0), raising=False)
    assert recorded().card.machine == told


def test_where_the_load_is_not_known_nothing_is_said_of_it(recorded, monkeypatch):
    monkeypatch.delattr(os, "getloadavg", raising=False)
    assert recorded().card.machine.split(" CPU core")[0] == str(device.available_cores())
    assert "load" not in recorded().card.machine


def test_a_metric_may_be_divided_by_another(recorded):
    assert recorded(Curve("share", "right", over="below")).lines[0].values[-1] == 0.5


def test_a_guess_is_a_number_or_a_metric(recorded):
    assert recorded(guess=("chance", 0.25)).guess == ("chance", 0.25)
    assert recorded(guess=("below", "below")).guess == ("below", 2.0)


def test_what_is_said_is_kept_when_it_changes(recorded):
    seen = []

    def measure(_):
        seen.append(1)
        return {"asked": float(len(seen))}, "early" if len(seen) < 15 else "late"

    made = recorded(Curve("asked", "asked"), measure=measure)
    assert [one.text for one in made.said] == ["early", "late"]
    assert made.said[1].seconds == made.lines[0].seconds[14]
    assert made.lines[0].values[-1] == len(seen), "asked now and then, and at the end"


def test_a_run_of_too_few_slices_makes_no_curve(recorded):
    with pytest.raises(ValueError, match="at least 12 items"):
        recorded(count=5)


def test_an_unknown_name_is_refused(recorded):
    recorded()
    with pytest.raises(CheckpointError, match="no recording 'mae'; choose from word2vec"):
        recorder.record("mae")
