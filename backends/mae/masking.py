"""Which patches are hidden: at random, one block, or all but an even grid (He et al., 2022, figure 6).

Each kind gives every patch a rank; those of the lowest rank are hidden, so that each kind hides exactly as many. Two of
them differ from the paper: its block grows from many rectangles (Bao et al., 2022) and its grid exists at 75 % only,
where ours is the same; at other ratios ours stays as even as it can be.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

Masking = Literal["random", "block", "grid"]
MASKINGS: tuple[Masking, ...] = get_args(Masking)
MAX_STRETCH = 1.5
"""A block is up to so many times √2 longer than wide, or wider than long."""


def draw_mask(kind: Masking, ratio: float, side: int, seed: int) -> np.ndarray:
    """Draw which patches of a picture are hidden: (side²,) bool, row by row, True = hidden.

    Args:
        kind: "random", "block" or "grid".
        ratio: share to hide, in [0, 1]; round(ratio · side²) patches are hidden.
        side: patches side by side, at least 1.
        seed: of the draw, at least 0.

    Raises:
        ValueError: an argument is out of its range, NaN included.
    """
    if not 0 <= ratio <= 1:
        raise ValueError(f"The mask ratio is {ratio}; it must be a number from 0 to 1.")
    if seed < 0:
        raise ValueError(f"The seed is {seed}; it must be at least 0.")
    return draw_masks(kind, round(ratio * side * side), side, 1, np.random.default_rng(seed))[0]


def draw_masks(kind: Masking, hidden: int, side: int, pictures: int, random: np.random.Generator) -> np.ndarray:
    """Draw a mask for each of some pictures: (pictures, side²) bool, True = hidden, the same number in each.

    Args:
        kind: "random", "block" or "grid".
        hidden: how many patches of each picture to hide, 0 to side².
        side: patches side by side, at least 1.
        pictures: how many masks.
        random: what to draw from.

    Raises:
        ValueError: an argument is out of its range.
    """
    if side < 1 or not 0 <= hidden <= side * side:
        raise ValueError(f"{hidden} of {side} × {side} patches can't be hidden.")
    ranks = _ranks(kind, side, pictures, random)
    masks = np.zeros((pictures, side * side), bool)
    if hidden:
        chosen = np.argpartition(ranks, hidden - 1, axis=1)[:, :hidden]
        np.put_along_axis(masks, chosen, True, axis=1)
    return masks


def hidden_count(ratio: float, patches: int) -> int:
    """How many patches training hides: round(ratio · patches), but at least one is hidden and one is seen."""
    return min(patches - 1, max(1, round(ratio * patches)))


def _ranks(kind: Masking, side: int, pictures: int, random: np.random.Generator) -> np.ndarray:
    """(pictures, side²): the lower a patch's rank, the sooner it is hidden; no two of a picture are equal."""
    if kind == "random":
        return random.random((pictures, side * side))
    if kind == "block":
        return _distances(side, pictures, random)
    if kind == "grid":
        return _evenness(side, pictures, random)
    raise ValueError(f"The masking is {kind}; choose from {', '.join(MASKINGS)}.")


def _distances(side: int, pictures: int, random: np.random.Generator) -> np.ndarray:
    """How far a patch is from a random middle, so that the nearest make a rectangle; at the border it grows inwards."""
    middle = random.uniform(0, side - 1, (pictures, 2, 1))
    stretch = MAX_STRETCH ** random.uniform(-1, 1, (pictures, 1, 1))
    rows, columns = (np.abs(np.arange(side) - middle[:, [axis]]) for axis in (0, 1))  # (pictures, 1, side)
    distances = np.maximum(rows.transpose(0, 2, 1) * stretch, columns / stretch).reshape(pictures, -1)
    return distances + 1e-6 * random.random(distances.shape)  # ties are broken by chance


def _evenness(side: int, pictures: int, random: np.random.Generator) -> np.ndarray:
    """An ordered dither's ranks (Bayer, 1973) from a random corner: what stays at any ratio is spread evenly."""
    order = _bayer(side)
    large = len(order)
    down, right = random.integers(0, large, (2, pictures, 1))
    rows, columns = (np.arange(side) + down) % large, (np.arange(side) + right) % large
    return -order[rows[:, :, None], columns[:, None, :]].reshape(pictures, -1)


def _bayer(side: int) -> np.ndarray:
    """The Bayer matrix of the smallest power of two that is not below `side`: 0 to n² - 1, int64."""
    order = np.zeros((1, 1), np.int64)
    while len(order) < side:
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    return order
