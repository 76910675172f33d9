"""Which pictures nobody can put upright, and why they teach nothing: they look the same when they are turned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from backends.data.pictures import PictureSet
from backends.pretext.config import TURNS

if TYPE_CHECKING:
    from backends.pretext.frozen import FrozenRotation

NEARLY_EQUAL = 0.05
"""Root mean squared difference of pixels in [0, 1] up to which a picture and its turned copy look the same: round
emoji, squares, crosses, clocks at six; no whole apple, which stands on its shadow."""
WHY = (
    "These pictures look nearly the same when they are turned, so each of several answers is as right as another. "
    "Whatever the net says, it is wrong once in two or three times in four, and what it is wrong about has nothing to "
    "do with what the picture shows: such a picture teaches nothing."
)
LEAST = 1e-9
"""Probabilities count as at least this much, so that every loss is a number."""
CLOSER = 4.0
"""So many times nearer than usual an apple is seen in a close-up."""
SMOOTH = {"shape": 0, "leaf": 0, "size": 2}
"""Classes of the apples of close-ups: round, without a leaf, large."""


@dataclass(frozen=True)
class Graded:
    """How a net does on some pictures, each in all four ways.

    Attributes:
        title: which pictures.
        count: of the pictures.
        right: share of right answers.
        loss: mean cross-entropy of the net.
        floor: mean of the least that there can be.
        equal: mean share of right answers of whoever guesses among equal ones.
    """

    title: str
    count: int
    right: float
    loss: float
    floor: float
    equal: float


def turn_distances(images: np.ndarray) -> np.ndarray:
    """How much pictures differ from their own turned copies.

    Args:
        images: (n, S, S, 3) uint8.

    Returns:
        (n, 3) float32: root mean squared difference of pixels in [0, 1] from the copy turned by 1, 2 and 3 quarters.
        That of 1 and of 3 is the same number.

    Raises:
        ValueError: the pictures are not square.
    """
    if images.ndim != 4 or images.shape[1] != images.shape[2]:
        raise ValueError(f"Pictures must be (n, S, S, 3), not {images.shape}.")
    pixels = images.astype(np.float32) / 255
    wrong = [np.square(np.rot90(pixels, turn, (1, 2)) - pixels).mean(axis=(1, 2, 3)) for turn in range(1, TURNS)]
    return np.sqrt(np.stack(wrong, axis=1)).astype(np.float32)


def unsolvable(images: np.ndarray, nearly_equal: float = NEARLY_EQUAL) -> np.ndarray:
    """(n,) bool: which pictures look nearly the same after some turn; arguments as of `turn_distances`."""
    found: np.ndarray = turn_distances(images).min(axis=1) <= nearly_equal
    return found


def loss_floor(images: np.ndarray, nearly_equal: float = NEARLY_EQUAL) -> np.ndarray:
    """(n,) float64: the cross-entropy that a net can't stay below without luck; arguments as of `unsolvable`.

    0 for a picture that can be solved, log 2 for one that looks the same upside down, log 4 for a ball.
    """
    distances = turn_distances(images)
    quarter, half = distances[:, 0] <= nearly_equal, distances[:, 1] <= nearly_equal
    return np.log(np.where(quarter, 4.0, np.where(half, 2.0, 1.0)))


def graded(title: str, model: FrozenRotation, images: np.ndarray) -> Graded:
    """Ask a net about (n, S, S, 3) uint8 upright pictures, at least one, each in all four ways."""
    said = np.stack([model.answer(np.rot90(images, turn, (1, 2)).copy()) for turn in range(TURNS)], axis=1)
    truth = said[:, np.arange(TURNS), np.arange(TURNS)]
    floor = loss_floor(images)
    return Graded(
        title,
        len(images),
        float((said.argmax(axis=2) == np.arange(TURNS)).mean()),
        float(-np.log(np.maximum(truth, LEAST)).mean()),
        float(floor.mean()),
        float(np.exp(-floor).mean()),
    )


def close_ups(count: int, seed: int, size: int) -> PictureSet:
    """Draw apples seen from so near that stem, leaf and ground are outside of the picture, lit from the front.

    What is left says next to nothing about which way is up: streaks from stem to foot, at most.

    Args:
        count: how many, at least 0.
        seed: of the draw, at least 0.
        size: side of the pictures in pixels.
    """
    from backends.data.apple_renderer import render_bytes
    from backends.data.apples import LICENCE, SOURCE, apple_factors, draw_apples

    apples = draw_apples(count, seed, classes=SMOOTH)
    near = replace(
        apples,
        radius=CLOSER * apples.radius,
        centre=np.full_like(apples.centre, 0.5),
        lean=np.zeros_like(apples.lean),
        light=np.tile(np.array([0, 0, 1], np.float32), (count, 1)),
    )

    def draw(indices: np.ndarray | Sequence[int], side: int) -> np.ndarray:
        return render_bytes(near.take(np.asarray(indices, np.int64)), side)

    factors = apple_factors(near)
    return PictureSet(
        name="apples",
        images=render_bytes(near, size),
        factors={"colour": factors["colour"]},
        names=tuple(f"close-up, {name.split(',')[0]}" for name in near.describe()),
        source=SOURCE,
        licence=LICENCE,
        draw=draw,
    )
