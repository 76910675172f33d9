"""The apples: how many are drawn and rendered a second, by size."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any

COUNTS = {32: 7000, 64: 2000, 160: 300}
"""Pictures by their size; 7,000 at 32 pixels is what the app makes when it starts."""
ROUNDS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One flag: where to render."""
    parser.add_argument("--apples-device", default="cpu", help="device that renders the apples: cpu, cuda or mps")


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Time a whole picture set, from the seed to bytes in memory; the best of some rounds."""
    import torch

    from backends.data.apples import apple_pictures

    for size, count in COUNTS.items():
        apple_pictures(50, 0, size, device=options.apples_device)
        best = min(_seconds(count, seed, size, options.apples_device) for seed in range(ROUNDS))
        yield {
            "benchmark": "apples",
            "device": options.apples_device,
            "threads": torch.get_num_threads(),
            "size": size,
            "count": count,
            "seconds": round(best, 3),
            "apples_per_second": round(count / best),
        }


def _seconds(count: int, seed: int, size: int, device: str) -> float:
    from backends.data.apples import apple_pictures

    begun = time.perf_counter()
    apple_pictures(count, seed, size, device=device)
    return time.perf_counter() - begun
