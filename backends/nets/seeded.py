"""Weights that depend on a seed alone, however many runs are being built at the same time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

_lock = threading.Lock()


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Build layers in here: torch draws their weights from one global generator, which is put back afterwards."""
    import torch

    # A CUDA that nobody has used has no state yet; on ZeroGPU there is none to be asked for it.
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with _lock, torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
