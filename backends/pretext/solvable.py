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
CLOSER = 4.0
"""So many times nearer than usual an apple is seen in a close-up."""
SMOOTH = {"shape": 0, "leaf": 0, "size": 2}
"""Classes of the apples of close-ups: round, without a leaf, large."""


@dataclass(frozen=True)
class Unsolvable:
    """A picture that looks the same when it is turned.

    Attributes:
        index: in its set.
        name: what it shows; may be a visitor's, so untrusted.
        turn: the quarter turns, 1 to 3, after which it looks most like itself.
        distance: how much it then differs: root mean squared difference of pixels in [0, 1].
    """

    index: int
    name: str
    turn: int
    distance: float


@dataclass(frozen=True)
class RotationByKind:
    """How often a model is right about pictures that can be solved, and about those that can't.

    Attributes:
        solvable: accuracy in [0, 1] over all four turns of each; NaN where there are none.
        unsolvable: the same of the others; NaN where there are none.
        unsolvable_share: of all pictures.
    """

    solvable: float
    unsolvable: float
    unsolvable_share: float


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


def find_unsolvable(pictures: PictureSet, count: int, nearly_equal: float = NEARLY_EQUAL) -> list[Unsolvable]:
    """At most so many of the pictures that can't be solved, those that are most like their turned copies first."""
    distances = turn_distances(pictures.images)
    nearest, turns = distances.min(axis=1), distances.argmin(axis=1) + 1
    order = [int(i) for i in np.argsort(nearest, kind="stable") if nearest[i] <= nearly_equal]
    return [Unsolvable(i, pictures.names[i], int(turns[i]), float(nearest[i])) for i in order[:count]]


def rotation_by_kind(model: FrozenRotation, images: np.ndarray, nearly_equal: float = NEARLY_EQUAL) -> RotationByKind:
    """How often a model is right about solvable and about unsolvable pictures, each in all four ways.

    Args:
        model: which answers.
        images: (n, S, S, 3) uint8, upright.
        nearly_equal: as of `unsolvable`.
    """
    hopeless = unsolvable(images, nearly_equal)
    right = np.stack(
        [model.answer(np.rot90(images, turn, (1, 2)).copy()).argmax(axis=1) == turn for turn in range(TURNS)], axis=1
    )
    return RotationByKind(_mean(right[~hopeless]), _mean(right[hopeless]), float(hopeless.mean()))


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


def _mean(right: np.ndarray) -> float:
    return float(right.mean()) if right.size else float("nan")
