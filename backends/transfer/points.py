"""Accuracies over the number of labels: single points, and the curves with the spread that they make."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Point:
    """One measurement: an encoder, used in one way, with one set of labelled pictures.

    Attributes:
        encoder: its name; of a training from scratch, whose net it is.
        factor: what was to be told.
        way: "linear", "knn", "fine_tuning" or "scratch".
        labels: per class.
        draw: which of the draws of labelled pictures, from 0.
        accuracy: on held-out pictures, in [0, 1].
        chance: accuracy of always guessing their most frequent class.
    """

    encoder: str
    factor: str
    way: str
    labels: int
    draw: int
    accuracy: float
    chance: float


@dataclass(frozen=True, eq=False)
class Curve:
    """Accuracy over L numbers of labels.

    Attributes:
        encoder: as of `Point`; factor and way too.
        labels: (L,) int64 per class, rising.
        mean: (L,) over the draws, in [0, 1].
        spread: (L,) standard deviation over the draws; NaN where there is one.
        draws: (L,) int64, how many.
        chance: as of `Point`.
    """

    encoder: str
    factor: str
    way: str
    labels: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    draws: np.ndarray
    chance: float

    def at(self, labels: int) -> tuple[float, float]:
        """Mean and spread at a number of labels.

        Raises:
            KeyError: it was not measured.
        """
        found = np.flatnonzero(self.labels == labels)
        if not len(found):
            raise KeyError(labels)
        return float(self.mean[found[0]]), float(self.spread[found[0]])


def curves(points: Iterable[Point]) -> list[Curve]:
    """Join points into a curve for each encoder, factor and way, in the order in which they first come."""
    grouped: dict[tuple[str, str, str], dict[int, list[Point]]] = {}
    for point in points:
        grouped.setdefault((point.encoder, point.factor, point.way), {}).setdefault(point.labels, []).append(point)
    return [_curve(key, by_labels) for key, by_labels in grouped.items()]


def as_csv(points: Sequence[Point]) -> str:
    """A table with a line for each point."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(Point)], lineterminator="\n")
    writer.writeheader()
    for point in points:
        writer.writerow({**asdict(point), "accuracy": round(point.accuracy, 5), "chance": round(point.chance, 5)})
    return text.getvalue()


def _curve(key: tuple[str, str, str], by_labels: dict[int, list[Point]]) -> Curve:
    labels = sorted(by_labels)
    found = [np.array([point.accuracy for point in by_labels[count]]) for count in labels]
    return Curve(
        *key,
        labels=np.array(labels, np.int64),
        mean=np.array([values.mean() for values in found]),
        spread=np.array([values.std(ddof=1) if len(values) > 1 else np.nan for values in found]),
        draws=np.array([len(values) for values in found], np.int64),
        chance=by_labels[labels[0]][0].chance,
    )
