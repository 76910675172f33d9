"""What each way to learn without labels teaches about each factor of the apples: the table behind one chart.

Pretext tasks, SimCLR, a masked autoencoder, an untrained net and raw pixels, all probed in the same way on the same
held-out apples. Scores of cards are not used: methods probe with different numbers of pictures while they train.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np

from backends.engine.checkpoints import CheckpointError

DATA: Final = "apples"
UNTRAINED, PIXELS = "untrained", "pixels"

_comparing = threading.Lock()


class Sized(Protocol):
    """A config that says which pictures its net takes."""

    @property
    def image_size(self) -> str:
        """Side in pixels."""


class Embedder(Protocol):
    """Whatever makes features of pictures: a frozen copy of any method."""

    @property
    def config(self) -> Sized:
        """Of the run."""

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Return the features of (n, S, S, 3) uint8 pictures: (n, D) float32."""


@dataclass(frozen=True)
class Contender:
    """One of those that are compared.

    Attributes:
        name: in code.
        title: as a chart calls it.
        model: its features.
    """

    name: str
    title: str
    model: Embedder


@dataclass(frozen=True, eq=False)
class Comparison:
    """What M contenders know of F factors: accuracies in [0, 1] on the same held-out apples.

    Attributes:
        names: (M,) of the contenders; titles: the same as a chart calls them.
        factors: (F,) names; labels: the same as a person would say them.
        chance: (F,) accuracy of always guessing the most frequent class.
        knn: (M, F) of ten nearest neighbours.
        linear: (M, F) of a linear probe.
    """

    names: tuple[str, ...]
    titles: tuple[str, ...]
    factors: tuple[str, ...]
    labels: tuple[str, ...]
    chance: np.ndarray
    knn: np.ndarray
    linear: np.ndarray

    def rows(self) -> list[dict[str, Any]]:
        """A flat dictionary for each contender and factor: name, title, factor, label, chance, knn, linear."""
        return [
            {
                "name": name,
                "title": self.titles[m],
                "factor": factor,
                "label": self.labels[f],
                "chance": float(self.chance[f]),
                "knn": float(self.knn[m, f]),
                "linear": float(self.linear[m, f]),
            }
            for m, name in enumerate(self.names)
            for f, factor in enumerate(self.factors)
        ]

    def joined(self, other: Comparison) -> Comparison:
        """Both in one table; where a name stands in both, the other's row counts.

        Raises:
            ValueError: they are of different factors.
        """
        if self.factors != other.factors:
            raise ValueError("Comparisons of different factors don't go into one table.")
        kept = [m for m, name in enumerate(self.names) if name not in other.names]
        return Comparison(
            tuple(self.names[m] for m in kept) + other.names,
            tuple(self.titles[m] for m in kept) + other.titles,
            self.factors,
            self.labels,
            self.chance,
            np.concatenate([self.knn[kept], other.knn]),
            np.concatenate([self.linear[kept], other.linear]),
        )


def compare(contenders: Sequence[Contender]) -> Comparison:
    """Probe contenders on the same apples, each at the size that it takes.

    Raises:
        ValueError: there are none, or two have the same name.
    """
    names = tuple(contender.name for contender in contenders)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"Contenders need names of their own, at least one; they have {', '.join(names) or 'none'}.")
    probers: dict[int, tuple[Any, Any]] = {}
    scores = [_scores(contender.model, probers) for contender in contenders]
    factors = next(iter(probers.values()))[1]
    kept = tuple(name for name in factors if f"knn_{name}" in scores[0])
    knn, linear = (
        np.array([[each[f"{kind}_{name}"] for name in kept] for each in scores]) for kind in ("knn", "linear")
    )
    return Comparison(
        names,
        tuple(contender.title for contender in contenders),
        kept,
        tuple(factors[name].label for name in kept),
        np.array([factors[name].chance for name in kept]),
        knn,
        linear,
    )


def compare_shipped() -> Comparison:
    """The models that this project ships for apples, an untrained net and raw pixels; a missing model is left out.

    Measured once, which takes some seconds; who asks while it is being measured waits for it.
    """
    with _comparing:
        return _compare_shipped()


def shipped_contenders() -> list[Contender]:
    """The shipped models for apples, of every method that makes features of pictures; a missing one is left out."""
    from backends.mae import shipped as mae
    from backends.pretext import shipped as pretext
    from backends.simclr import shipped as simclr

    known: list[tuple[str, str, Any, str]] = [
        ("rotation", "Rotation", pretext, "rotation"),
        ("inpainting", "Inpainting", pretext, "inpainting"),
        ("jigsaw", "Jigsaw", pretext, "jigsaw"),
        ("simclr", "SimCLR", simclr, "apples-with-jitter"),
        ("simclr-without-jitter", "SimCLR without colour jitter", simclr, "apples-without-jitter"),
        ("mae", "Masked autoencoder", mae, "apples"),
    ]
    found = []
    for name, title, module, model in known:
        try:
            found.append(Contender(name, title, module.load(model)))
        except CheckpointError:
            continue
    return found


def untrained_contender() -> Contender:
    """The small conv net before its first step, which all but the masked autoencoder start from."""
    return Contender(UNTRAINED, "Untrained net", _Untrained())


def pixels_contender() -> Contender:
    """Raw pixels."""
    return Contender(PIXELS, "Raw pixels", _Pixels())


@lru_cache(maxsize=1)
def _compare_shipped() -> Comparison:
    return compare([*shipped_contenders(), untrained_contender(), pixels_contender()])


def _scores(model: Embedder, probers: dict[int, tuple[Any, Any]]) -> dict[str, float]:
    """knn_<factor> and linear_<factor>; keeps the prober and the factors of each size."""
    import torch
    from torch import Tensor

    from backends.analysis.prober import PictureProber
    from backends.data.splits import load_split

    size = int(model.config.image_size)
    if size not in probers:
        split = load_split(DATA, size)
        probers[size] = PictureProber(split, "cpu"), split.held_out.factors

    def embed(images: Tensor) -> Tensor:
        return torch.from_numpy(model.embed(images.permute(0, 2, 3, 1).numpy()))

    scores: dict[str, float] = probers[size][0].probe_features(embed, 0).scores
    return scores


class _Untrained:
    """The net that a run with the default settings starts from."""

    def __init__(self) -> None:
        from backends.pretext.config import RotationConfig
        from backends.pretext.model import untrained

        self.config = RotationConfig()
        self._encoder = untrained(self.config).encoder.eval()

    def embed(self, images: np.ndarray) -> np.ndarray:
        """(n, S, S, 3) uint8 to (n, D) float32."""
        from backends.analysis.prober import as_tensor
        from backends.nets.vision import embed

        made: np.ndarray = embed(self._encoder, as_tensor(images, "cpu")).numpy()
        return made


class _Pixels:
    """Pictures as they are."""

    def __init__(self) -> None:
        from backends.pretext.config import RotationConfig

        self.config = RotationConfig()

    def embed(self, images: np.ndarray) -> np.ndarray:
        """(n, S, S, 3) uint8 to (n, 3 S²) float32."""
        return images.reshape(len(images), -1).astype(np.float32) / 255


def main() -> None:
    """Print the table of the shipped models: neighbours' and linear probes' accuracies, a line for each contender."""
    table = compare_shipped()
    width = max(map(len, table.titles))
    print(" " * width, *(f"{factor:>13}" for factor in table.factors))
    for m, title in enumerate(table.titles):
        print(
            f"{title:<{width}}", *(f"{k:>6.3f} {v:>6.3f}" for k, v in zip(table.knn[m], table.linear[m], strict=True))
        )
    print(f"{'Chance':<{width}}", *(f"{chance:>6.3f} {chance:>6.3f}" for chance in table.chance))


if __name__ == "__main__":
    main()
