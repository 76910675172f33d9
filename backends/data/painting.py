"""Pictures that are painted by computing: in chunks that fit a device, as floats there or as bytes in main memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    Painter = Callable[[slice, Tensor], None]
    """Paints the pictures of these numbers into (n, 3, size, size) float32, every pixel to [0, 1]."""

PIXELS_PER_CHUNK = {"cpu": 1 << 17, "mps": 1 << 22, "cuda": 1 << 22}
"""Pixels worked on at once. On a CPU the planes of a chunk (512 KB each) should stay in its cache."""


def paint(count: int, size: int, device: str, painter: Painter) -> Tensor:
    """Paint so many pictures: (count, 3, size, size) float32 in [0, 1], on the device.

    Args:
        count: how many.
        size: side of the pictures in pixels, at least 1.
        device: "cpu", "cuda" or "mps".
        painter: is called for one chunk after another.
    """
    import torch

    pictures = torch.empty((count, 3, size, size), device=device)
    for chosen in _chunks(count, size, device):
        painter(chosen, pictures[chosen])
    return pictures


def paint_bytes(count: int, size: int, device: str, painter: Painter) -> np.ndarray:
    """Paint as `paint` does, to (count, size, size, 3) uint8 in main memory; on the device is one chunk at a time."""
    import torch

    pictures = np.empty((count, size, size, 3), np.uint8)
    for chosen in _chunks(count, size, device):
        chunk = torch.empty((chosen.stop - chosen.start, 3, size, size), device=device)
        painter(chosen, chunk)
        pictures[chosen] = chunk.mul_(255).add_(0.5).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return pictures


def _chunks(count: int, size: int, device: str) -> Iterator[slice]:
    at_once = max(1, PIXELS_PER_CHUNK[device.partition(":")[0]] // size**2)
    for start in range(0, count, at_once):
        yield slice(start, min(start + at_once, count))
