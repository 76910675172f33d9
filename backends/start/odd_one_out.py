"""Odd one out: four creatures, three of one species and one of another. To answer takes no name, only likeness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

PICTURES = 4
CHANCE = 1 / PICTURES
GAME_SPECIES, GAME_SEED = 200, 901
"""The species of the game; no model was trained on them (`shipped.TRAINING_SEED` is another)."""
SHOWN_SIZE = 176
TESTED_ROUNDS, TEST_SEED = 2_000, 17
"""Of a card's accuracy. The margin of error at 95 % is then at most 2.2 points."""

Embed = Callable[[np.ndarray], np.ndarray]
"""(n, S, S, 3) uint8 to (n, D) features."""


@dataclass(frozen=True, eq=False)
class Round:
    """Four pictures.

    Attributes:
        shown: (4, SHOWN_SIZE, SHOWN_SIZE, 3) uint8, for the visitor.
        seen: (4, S, S, 3) uint8, the same creatures as a model sees them.
        odd: which one is of another species, from 0.
    """

    shown: np.ndarray
    seen: np.ndarray
    odd: int


@dataclass(frozen=True, eq=False)
class Opinion:
    """What some features say of a round.

    Attributes:
        likeness: (4, 4) cosine of each picture with each other.
        mean: (4,) mean cosine of each with the other three.
        odd: the picture that is least like the others.
    """

    likeness: np.ndarray
    mean: np.ndarray
    odd: int


def deal(rounds: int, seed: int, size: int) -> list[Round]:
    """Draw rounds with species of the game; the same from the same seed.

    Args:
        rounds: how many, at least 1.
        seed: of species, individuals and places.
        size: side of the pictures that a model sees, in pixels.
    """
    odd, (shown, seen) = _draw(rounds, seed, (SHOWN_SIZE, size))
    return [Round(*pictures) for pictures in zip(shown, seen, odd.tolist(), strict=True)]


def opinion(features: np.ndarray) -> Opinion:
    """Find the odd one by features alone, (4, D): the one with the smallest mean cosine to the other three.

    A feature that is no number counts as 0, and so does a vector without length.
    """
    vectors = np.nan_to_num(features.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1)
    likeness = unit @ unit.T
    mean = (likeness.sum(axis=1) - np.diag(likeness)) / (PICTURES - 1)
    return Opinion(likeness, mean, int(mean.argmin()))


def pixels(images: np.ndarray) -> np.ndarray:
    """The floor: raw pixels as features, (n, S, S, 3) uint8 to (n, S · S · 3) float32 in [0, 1]."""
    return images.reshape(len(images), -1).astype(np.float32) / 255


def accuracy(embeds: Sequence[Embed], size: int, rounds: int = TESTED_ROUNDS, seed: int = TEST_SEED) -> list[float]:
    """How often features find the odd one, for several kinds of features on the same rounds.

    Args:
        embeds: make features of pictures.
        size: side of the pictures that they take, in pixels.
        rounds: how many to ask.
        seed: of the rounds.
    """
    odd, (seen,) = _draw(rounds, seed, (size,))
    flat = seen.reshape(-1, *seen.shape[2:])
    shares = []
    for embed in embeds:
        features = embed(flat).reshape(rounds, PICTURES, -1)
        found = np.array([opinion(four).odd for four in features])
        shares.append(float((found == odd).mean()))
    return shares


def _draw(rounds: int, seed: int, sizes: Sequence[int]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The odd ones (rounds,), and the same pictures at each size: (rounds, 4, size, size, 3) uint8."""
    import torch

    from backends.data import creatures

    made = np.random.default_rng(seed)
    usual = made.integers(GAME_SPECIES, size=rounds)
    other = (usual + made.integers(1, GAME_SPECIES, size=rounds)) % GAME_SPECIES
    odd = made.integers(PICTURES, size=rounds)
    which = np.repeat(usual[:, None], PICTURES, axis=1)
    which[np.arange(rounds), odd] = other
    species = creatures.take(creatures.draw_species(GAME_SPECIES, GAME_SEED), torch.from_numpy(which.reshape(-1)))
    individuals = creatures.draw_individuals(rounds * PICTURES, int(made.integers(1 << 31)))
    drawn = [creatures.render_bytes(species, individuals, size) for size in sizes]
    return odd, [pictures.reshape(rounds, PICTURES, *pictures.shape[1:]) for pictures in drawn]
