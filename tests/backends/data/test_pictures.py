"""White margins are cut off, and nothing of the drawing."""

from __future__ import annotations

import numpy as np
import pytest

from backends.data.pictures import MARGIN, trim


def drawing(top: int, left: int, height: int, width: int, side: int = 64) -> np.ndarray:
    """A red rectangle on white paper: (1, side, side, 3)."""
    image = np.full((1, side, side, 3), 255, np.uint8)
    image[0, top : top + height, left : left + width] = (200, 20, 20)
    return image


def extent(image: np.ndarray) -> tuple[int, int]:
    """Height and width of what is not white."""
    drawn = (image < 200).any(axis=2)
    return int(drawn.any(axis=1).sum()), int(drawn.any(axis=0).sum())


@pytest.mark.parametrize("place", [(2, 2), (20, 30), (43, 43), (0, 43)])
def test_a_small_drawing_fills_the_picture_wherever_it_stood(place):
    height, width = extent(trim(drawing(*place, 20, 20), 32)[0])
    assert height == width
    assert 28 <= height <= 32


def test_its_shape_stays_and_it_stands_in_the_middle():
    trimmed = trim(drawing(10, 30, 10, 20), 40)[0]
    height, width = extent(trimmed)
    assert width / height == pytest.approx(2, abs=0.15)
    rows = np.flatnonzero((trimmed < 200).any(axis=(1, 2)))
    assert abs((rows[0] + rows[-1]) / 2 - 19.5) <= 1


def test_nothing_of_the_drawing_is_lost_at_the_edge():
    image = drawing(0, 0, 30, 6)
    trimmed = trim(image, 64)[0]
    assert extent(trimmed)[0] >= 64 * 30 / (30 + 2 * MARGIN * 64) - 1
    assert tuple(trimmed[0, 0]) == (200, 20, 20), "where there is no room for a margin, there is none"


@pytest.mark.parametrize("value", [255, 40])
def test_a_picture_all_white_or_without_margins_stays_whole(value):
    image = np.full((2, 16, 16, 3), value, np.uint8)
    np.testing.assert_array_equal(trim(image, 16), image)


def test_no_pictures_are_none():
    assert trim(np.zeros((0, 16, 16, 3), np.uint8), 8).shape == (0, 8, 8, 3)
