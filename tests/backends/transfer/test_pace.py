"""How long the rest takes: by what was done, and by what the same encoder took for something else."""

from __future__ import annotations

import pytest

from backends.transfer.pace import BACKWARD, PROBE, READ, SURE, TRAIN, Pace


def test_the_rest_of_a_kind_goes_at_the_pace_so_far():
    pace = Pace()
    pace.note(("mae", READ), 100, 2.0)
    assert pace.left({("mae", READ): 400}) == pytest.approx(300 * 0.02)
    assert pace.left({("mae", READ): 50}) == 0.0


def test_before_any_training_a_step_is_taken_to_cost_what_reading_costs_and_the_way_back():
    pace = Pace()
    pace.note(("mae", READ), 100, 2.0)
    pace.note(("pixels", READ), 100, 0.0)
    assert pace.left({("mae", TRAIN): 1_000}) == pytest.approx(1_000 * BACKWARD * 0.02)
    assert pace.left({("pixels", TRAIN): 1_000}) == 0.0


def test_one_slow_first_step_does_not_decide_but_many_do():
    pace = Pace()
    pace.note(("mae", READ), 100, 0.1)
    expected = BACKWARD * 0.001
    pace.note(("mae", TRAIN), 10, 1.0)
    assert pace.rate(("mae", TRAIN)) < 0.1 / 10
    pace.note(("mae", TRAIN), 100 * SURE, 100 * SURE * 0.05)
    assert pace.rate(("mae", TRAIN)) == pytest.approx(0.05, rel=0.05)
    assert expected < 0.05


def test_a_probe_that_was_not_fitted_yet_is_taken_to_cost_what_others_did():
    pace = Pace()
    before = pace.rate(("mae", PROBE))
    pace.note(("simclr", PROBE), 4, 2.0)
    assert before < pace.rate(("mae", PROBE)) == pytest.approx(0.5)
