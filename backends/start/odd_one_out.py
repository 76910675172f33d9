"""Odd one out: four creatures, three of one species and one of another. To answer takes no name, only likeness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

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
Draw = Callable[[Sequence[int], int], np.ndarray]
"""Numbers of n rounds and a size to their pictures, (n, 4, size, size, 3) uint8."""


@dataclass(frozen=True, eq=False)
class Round:
    """Four pictures.

    Attributes:
        seen: (4, S, S, 3) uint8, as a model sees them.
        odd: which one is of another species, from 0.
        draw: the same creatures at another size: size -> (4, size, size, 3) uint8.
    """

    seen: np.ndarray
    odd: int
    draw: Callable[[int], np.ndarray] = field(repr=False)

    @property
    def shown(self) -> np.ndarray:
        """(4, SHOWN_SIZE, SHOWN_SIZE, 3) uint8, for the visitor; drawn at every call, for it is large."""
        return self.draw(SHOWN_SIZE)


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
    odd, draw = _draw(rounds, seed)
    seen = draw(range(rounds), size)
    return [Round(seen[number], int(odd[number]), partial(_one, draw, number)) for number in range(rounds)]


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
    odd, draw = _draw(rounds, seed)
    flat = draw(range(rounds), size)
    flat = flat.reshape(-1, *flat.shape[2:])
    shares = []
    for embed in embeds:
        features = embed(flat).reshape(rounds, PICTURES, -1)
        found = np.array([opinion(four).odd for four in features])
        shares.append(float((found == odd).mean()))
    return shares


def _one(draw: Draw, number: int, size: int) -> np.ndarray:
    pictures: np.ndarray = draw([number], size)[0]
    return pictures


def _draw(rounds: int, seed: int) -> tuple[np.ndarray, Draw]:
    """The odd ones (rounds,), and what draws some n rounds at a size: (n, 4, size, size, 3) uint8."""
    import torch

    from backends.data import creatures

    made = np.random.default_rng(seed)
    usual = made.integers(GAME_SPECIES, size=rounds)
    other = (usual + made.integers(1, GAME_SPECIES, size=rounds)) % GAME_SPECIES
    odd = made.integers(PICTURES, size=rounds)
    which = np.repeat(usual[:, None], PICTURES, axis=1)
    which[np.arange(rounds), odd] = other
    species = creatures.draw_species(GAME_SPECIES, GAME_SEED)
    individuals = creatures.draw_individuals(rounds * PICTURES, int(made.integers(1 << 31)))
    rows = np.arange(rounds * PICTURES).reshape(rounds, PICTURES)

    def draw(some: Sequence[int], size: int) -> np.ndarray:
        chosen = list(some)
        kinds = creatures.take(species, torch.from_numpy(which[chosen].reshape(-1)))
        each = creatures.take(individuals, torch.from_numpy(rows[chosen].reshape(-1)))
        return creatures.render_bytes(kinds, each, size).reshape(len(chosen), PICTURES, size, size, 3)

    return odd, draw
