from __future__ import annotations

import os

import pytest
import torch

from backends.engine import device
from backends.engine.device import DeviceError, available_cores, choose_device


def test_the_cpu_is_always_there():
    assert choose_device("cpu") == "cpu"


def test_auto_takes_an_accelerator_where_there_is_one():
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert choose_device("auto") == expected


def test_an_unknown_device_is_refused_with_those_that_exist():
    with pytest.raises(DeviceError, match="The device is tpu; choose from auto, cpu, cuda, mps"):
        choose_device("tpu")


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_missing_device_is_refused(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=f"finds no {name} device here; use --device auto"):
        choose_device(name)


def test_a_present_device_is_taken(monkeypatch):
    monkeypatch.setattr(device, "_accelerator_possible", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == choose_device("cuda") == "cuda"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not tell a process's cores")
def test_only_the_cores_of_this_process_count(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3})
    assert available_cores() == 1
