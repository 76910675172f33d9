"""On ZeroGPU the app starts, trains on the CPU, and says so; elsewhere nothing happens."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from backends.engine import zero_gpu


@pytest.fixture
def spaces(monkeypatch):
    """A stand-in for the package: remembers what was put under `GPU`."""
    registered: list[tuple[object, object]] = []

    def gpu(task=None, *, duration=60):
        if task is None:
            return lambda task: gpu(task, duration=duration)
        registered.append((task, duration))
        return task

    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=gpu))
    return registered


@pytest.mark.parametrize(("value", "answer"), [("true", True), ("1", True), ("", False), ("false", False)])
def test_zero_gpu_is_known_by_its_variable(value, answer):
    assert zero_gpu.is_zero_gpu({zero_gpu.VARIABLE: value}) is answer
    assert not zero_gpu.is_zero_gpu({})


def test_one_function_is_registered_that_holds_no_gpu(spaces):
    assert zero_gpu.register()
    ((task, duration),) = spaces
    assert task() is None
    assert duration == 1


def test_without_the_package_the_log_says_why_the_space_will_not_start(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "spaces", None)
    assert not zero_gpu.register()
    assert "spaces is missing" in caplog.text
