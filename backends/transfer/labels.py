"""Which pictures are labelled: sets that grow, so that a curve is over the number of labels and over nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.data.pictures import Factor
from backends.engine.trainer import TrainingError
from backends.transfer.config import LABELS

SHOWN_CLASS_CHARS = 40


@dataclass(frozen=True, eq=False)
class LabelledSets:
    """The labelled pictures of one draw. The set of few labels is part of the set of more.

    Attributes:
        order: (C, most) int64 indices of pictures; row c holds those of class c as they come to be
            labelled.
    """

    order: np.ndarray

    def first(self, count: int) -> np.ndarray:
        """(C · count,) int64: `count` pictures of each class, class by class, `count` from 1 to most.

        Raises:
            ValueError: `count` is out of range.
        """
        if not 1 <= count <= self.order.shape[1]:
            raise ValueError(f"{count} labels per class were asked for; there are from 1 to {self.order.shape[1]}.")
        return self.order[:, :count].reshape(-1)


def draw_labelled(values: np.ndarray, classes: int, most: int, seed: int, draw: int) -> LabelledSets:
    """Draw pictures to be labelled, as many of each class.

    Args:
        values: (N,) int64 classes of the pictures.
        classes: C.
        most: labels per class, at most as many as the rarest class has pictures.
        seed: of the run, at least 0.
        draw: which draw of it, at least 0.
    """
    rows = [
        np.random.default_rng([seed, draw, c]).permutation(np.flatnonzero(values == c))[:most] for c in range(classes)
    ]
    return LabelledSets(np.stack(rows).astype(np.int64))


def check_task(factor: Factor, most: int, asked: str) -> None:
    """Refuse a task of one class, and one with a class of fewer pictures than labels.

    Args:
        factor: of the pictures to train on; names of its classes may be a visitor's.
        most: labels per class.
        asked: label and name of the setting that says how many.

    Raises:
        TrainingError: in one sentence.
    """
    counts = np.bincount(factor.values, minlength=len(factor.classes))
    if len(counts) < 2:
        raise TrainingError(
            f"{factor.label} has only one class, so there is nothing to tell apart: bring pictures of at least two."
        )
    rarest = int(counts.argmin())
    if counts[rarest] < most:
        fitting = max((few for few in LABELS if few <= counts[rarest]), default=0)
        name = factor.classes[rarest][:SHOWN_CLASS_CHARS]
        raise TrainingError(
            f"{asked} is {most} per class, but the class {name!r} has {counts[rarest]} to train on: "
            f"{f'choose at most {fitting}, or ' if fitting else ''}bring more pictures."
        )
