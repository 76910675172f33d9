"""Where to compute: CUDA, Apple's MPS, or the CPU and how many of its cores."""

from __future__ import annotations

import os
import platform
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
DEVICE_NAMES: tuple[str, ...] = ("auto", "cpu", "cuda", "mps")


class DeviceError(ValueError):
    """The device that was asked for is not there."""


def available_cores() -> int:
    """Cores that this process may use (its affinity, not the machine's count)."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def choose_device(name: str = "auto") -> str:
    """Return "cpu", "cuda" or "mps".

    torch is imported only where an accelerator can be: on a plain CPU machine it costs half a gigabyte of
    memory and three seconds, and word2vec does not need it there.

    Raises:
        DeviceError: the name is unknown, or that device is missing.
    """
    if name not in DEVICE_NAMES:
        raise DeviceError(f"The device is {name}; choose from {', '.join(DEVICE_NAMES)}.")
    if name == "cpu" or (name == "auto" and not _accelerator_possible()):
        return "cpu"
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next((kind for kind, there in present.items() if there), "cpu")
    if not present[name]:
        raise DeviceError(f"torch finds no {name} device here; use --device auto or --device cpu.")
    return name


def mixed_precision(device: str) -> AbstractContextManager[object]:
    """Autocast to bfloat16 on a CUDA card that computes in it; elsewhere do nothing (measured: no gain on CPU)."""
    if device != "cuda":
        return nullcontext()
    import torch

    if not torch.cuda.is_bf16_supported():
        return nullcontext()
    return torch.autocast("cuda", dtype=torch.bfloat16)


def _accelerator_possible() -> bool:
    if platform.system() == "Linux":
        return any(Path(path).exists() for path in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd"))
    return platform.system() in ("Darwin", "Windows")
