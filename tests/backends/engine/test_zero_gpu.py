"""On ZeroGPU a run trains in stretches on what is lent, and on the CPU where nothing is; elsewhere nothing happens."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from backends.engine import zero_gpu
from backends.engine.trainer import Snapshot, TrainingDiverged
from playground.session import FairLock, Run
from tests.playground.fakes import FakeConfig, FakeTrainer

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(("value", "answer"), [("true", True), ("1", True), ("", False), ("false", False)])
def test_zero_gpu_is_known_by_its_variable(value, answer):
    assert zero_gpu.is_zero_gpu({zero_gpu.VARIABLE: value}) is answer
    assert not zero_gpu.is_zero_gpu({})


def test_without_the_package_the_log_says_why_the_space_will_not_start(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "spaces", None)
    assert zero_gpu.register() is None
    assert "spaces is missing" in caplog.text


@pytest.fixture(scope="module")
def told():
    """What the package's own processes and queues made of three runs; see `lent_gpu`."""
    command = [sys.executable, "-m", "tests.backends.engine.lent_gpu"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_stretches_in_other_processes_learn_what_one_process_learns(told):
    lent = told["lent"]
    assert lent["weights"] == told["alone"]["weights"]
    assert lent["shown"] == sorted(set(lent["shown"]))
    assert lent["shown"][-1] == lent["frozen_step"] == lent["steps"]
    assert lent["notes"] == []


@pytest.mark.slow
def test_a_stretch_asks_for_its_time_is_let_in_and_gives_back(told):
    asked = told["lent"]["asked"]
    assert len(asked) >= 6
    assert asked == ["/schedule", "/allow", "/release"] * (len(asked) // 3)
    assert set(told["lent"]["seconds_asked"]) == {str(zero_gpu.ASKED_SECONDS)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "asked"), [("killed", ["/schedule", "/allow", "/release"]), ("refused", ["/schedule"])]
)
def test_a_run_that_loses_its_gpu_or_gets_none_goes_on_on_the_cpu_and_says_so(told, name, asked):
    run = told[name]
    assert run["shown"][-1] == run["frozen_step"] == run["steps"]
    assert run["asked"][: len(asked)] == asked
    assert run["asked"].count("/schedule") == 1
    assert run["weights"] == told["alone"]["weights"]
    assert run["notes"] == [zero_gpu.NONE_LENT]


def test_a_run_that_diverges_there_ends_here_with_its_sentence():
    def lent(parcel):
        yield Snapshot(1, 10, 0.1, {"loss": 1.0})
        yield TrainingDiverged("The loss became NaN.")

    steps = zero_gpu.LentSteps(FakeTrainer(FakeConfig()), lent)
    assert next(steps).step == 1
    with pytest.raises(TrainingDiverged, match=r"^The loss became NaN\.$"):
        next(steps)


def test_it_says_where_it_trains_also_from_the_moment_when_no_gpu_is_lent():
    def lent(parcel):
        yield Snapshot(1, 10, 0.1, {"loss": 1.0})
        raise RuntimeError("GPU task aborted")

    trainer = FakeTrainer(FakeConfig())
    steps = zero_gpu.LentSteps(trainer, lent)
    run = Run(trainer, FairLock(), steps)
    assert run.pull().step == 1
    assert run.device == zero_gpu.LENT
    assert run.pull() is not None
    assert run.device == trainer.device == "cpu"
    assert trainer.notes[-1] == zero_gpu.NONE_LENT


def test_a_run_that_nobody_watches_any_more_gives_its_gpu_back():
    closed = []

    def lent(parcel):
        try:
            while True:
                yield Snapshot(1, 10, 0.1, {"loss": 1.0})
        finally:
            closed.append(True)

    steps = zero_gpu.LentSteps(FakeTrainer(FakeConfig()), lent)
    next(steps)
    steps.close()
    assert closed == [True]
