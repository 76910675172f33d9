"""Probing the same pictures again and again while a net trains."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import numpy as np

from backends.analysis.probes import probe_factors
from backends.data.pictures import PictureSet
from backends.data.splits import Split

if TYPE_CHECKING:
    from torch import Tensor

BANK, TESTED = 1_000, 1_000
"""Pictures that the probes learn from, and held-out ones that they are tested on."""
MAP_PICTURES = 400


class Examples(Protocol):
    """Pictures, or whatever else comes in sets."""

    def __len__(self) -> int:
        """How many there are."""

    def subset(self, indices: Sequence[int] | np.ndarray) -> Self:
        """Return only these, in this order."""


ExamplesT = TypeVar("ExamplesT", bound=Examples)


@dataclass(frozen=True)
class Probed:
    """Frozen features at one moment and what they know.

    Attributes:
        step: when.
        features: (M, D) float32 of the map's pictures, which are held out.
        scores: knn_<factor> and linear_<factor>, on held-out pictures.
    """

    step: int
    features: np.ndarray
    scores: dict[str, float]


class PictureProber:
    """Probes features of the same pictures again and again."""

    def __init__(self, split: Split, device: str, *, bank: int = BANK, tested: int = TESTED) -> None:
        """Choose the pictures: an even selection of those to train on as bank, and of the held-out ones as test."""
        known, asked = spread_out(split.train, bank), spread_out(split.held_out, tested)
        self.map_size = min(MAP_PICTURES, len(asked))
        self._bank, self._tested = as_tensor(known.images, device), as_tensor(asked.images, device)
        self._bank_labels = {name: factor.values for name, factor in known.factors.items()}
        self._test_labels = {name: factor.values for name, factor in asked.factors.items()}
        self.cost = 0.0

    def probe_features(self, embed: Callable[[Tensor], Tensor], step: int) -> Probed:
        """Embed and probe; notes what that costs in seconds.

        Args:
            embed: (n, 3, S, S) uint8 to (n, D) features.
            step: when.
        """
        begun = time.perf_counter()
        bank, tested = embed(self._bank), embed(self._tested)
        scores = probe_factors(bank, self._bank_labels, tested, self._test_labels)
        self.cost = time.perf_counter() - begun
        return Probed(step, tested[: self.map_size].cpu().numpy(), scores)

    def pixels(self) -> dict[str, float]:
        """Probe the raw pixels."""
        bank, tested = (images.flatten(1).float() / 255 for images in (self._bank, self._tested))
        return probe_factors(bank, self._bank_labels, tested, self._test_labels)


def map_pictures(split: Split) -> PictureSet:
    """The held-out pictures whose features `Probed.features` holds, in its order."""
    return spread_out(split.held_out, MAP_PICTURES)


def spread_out(examples: ExamplesT, count: int) -> ExamplesT:
    """At most so many, drawn evenly and in random order, the same ones every time; fewer are the first of more."""
    chosen = np.random.default_rng(0).permutation(len(examples))[:count]
    return examples.subset(chosen)


def as_tensor(images: np.ndarray, device: str) -> Tensor:
    """(n, S, S, 3) uint8 array to an (n, 3, S, S) uint8 tensor."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(device)
