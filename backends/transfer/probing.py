"""The two ways that leave the encoder as it is: a linear probe and nearest neighbours on frozen features."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from backends.analysis.probes import NEIGHBOURS, linear_probe, nearest, vote


def frozen_accuracy(
    way: str, bank: Tensor, labels: np.ndarray, test: Tensor, truth: np.ndarray, classes: int, per_class: int
) -> float:
    """Accuracy in [0, 1] of one of the frozen ways.

    Neighbours vote as many as there are labels per class, at most ten: ten of them would outvote the one right label.

    Args:
        way: "linear" or "knn".
        bank: (N, D) features of the labelled pictures.
        labels: (N,) int64 their classes.
        test: (M, D) features to be classified.
        truth: (M,) int64 their classes.
        classes: how many there are.
        per_class: labelled pictures of each class, at least 1.
    """
    if way == "linear":
        predicted = linear_probe(bank, test)(labels, classes)
    else:
        neighbours = nearest(bank, test, min(NEIGHBOURS, per_class))
        predicted = vote(labels[neighbours], classes)
    return float((predicted == truth).mean())
