from __future__ import annotations

import numpy as np
import pytest

from backends.data.pictures import Factor, PictureSet

PALETTE = np.array([[200, 40, 40], [40, 180, 60], [50, 70, 210], [210, 190, 40]], np.uint8)


def toy_pictures(count: int = 120, seed: int = 0, size: int = 32) -> PictureSet:
    """Plain squares and bars in four colours on noisy grey: both factors can be read from the pixels."""
    random = np.random.default_rng(seed)
    colour, form = random.integers(0, 4, count), random.integers(0, 2, count)
    images = random.integers(90, 130, (count, size, size, 3)).astype(np.uint8)
    for i in range(count):
        y, x = random.integers(2, size // 2 - 2, 2)
        height, width = (size // 2, size // 2) if form[i] == 0 else (size // 5, size // 2)
        images[i, y : y + height, x : x + width] = PALETTE[colour[i]]
    factors = {
        "colour": Factor("colour", "colour", ("red", "green", "blue", "yellow"), colour),
        "form": Factor("form", "form", ("square", "bar"), form),
    }
    return PictureSet("own", images, factors, tuple(f"toy {i}" for i in range(count)), "made for a test", "none")


@pytest.fixture
def toys() -> PictureSet:
    return toy_pictures()
