"""What frozen features know: k-nearest-neighbours and linear probes of every factor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

NEIGHBOURS = 10
RIDGE = 1e-2
"""Strength of the linear probe's regularisation, as a share of the features' mean variance times their number."""


def probe_factors(
    bank: Tensor, bank_labels: Mapping[str, np.ndarray], test: Tensor, test_labels: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Probe frozen features for every factor: {"knn_colour": accuracy, "linear_colour": accuracy, …}.

    Args:
        bank: (N, D) features whose labels the probes may use.
        bank_labels: (N,) classes by factor.
        test: (M, D) features to be classified.
        test_labels: (M,) their classes by factor.

    Returns:
        Accuracies in [0, 1]; nothing for a factor of one class, which can't be told from anything.
    """
    neighbours = nearest(bank, test, NEIGHBOURS)
    solve = linear_probe(bank, test)
    results: dict[str, float] = {}
    for name, labels in bank_labels.items():
        classes = int(max(labels.max(initial=0), test_labels[name].max(initial=0))) + 1
        if classes < 2:
            continue
        truth = test_labels[name]
        results[f"knn_{name}"] = _accuracy(vote(labels[neighbours], classes), truth)
        results[f"linear_{name}"] = _accuracy(solve(labels, classes), truth)
    return results


def nearest(bank: Tensor, test: Tensor, count: int) -> np.ndarray:
    """(M, count) int64: the bank's vectors of highest cosine to each test vector, nearest first."""
    from torch.nn import functional as F

    similarity = F.normalize(test, dim=1) @ F.normalize(bank, dim=1).T
    found: np.ndarray = similarity.topk(min(count, len(bank)), dim=1).indices.cpu().numpy()
    return found


def vote(labels: np.ndarray, classes: int) -> np.ndarray:
    """(M,) the most frequent class among each row's neighbours; the nearest of them decides a tie.

    Args:
        labels: (M, k) classes of the neighbours, nearest first.
        classes: how many there are.
    """
    rows, k = labels.shape
    weights = 1 + 1e-3 * 0.5 ** np.arange(k)  # all together they tip a tie and nothing else
    votes = np.zeros((rows, classes))
    np.add.at(votes, (np.arange(rows)[:, None], labels), weights)
    winners: np.ndarray = votes.argmax(axis=1)
    return winners


def linear_probe(bank: Tensor, test: Tensor) -> Callable[[np.ndarray, int], np.ndarray]:
    """Solve for all factors at once: least squares on one-hot classes, in whichever of N and D is smaller.

    A least-squares classifier stands in for logistic regression: it has a closed form, and is solved once for all.

    Args:
        bank: (N, D) features to learn from.
        test: (M, D) features to be classified.

    Returns:
        What takes the bank's (N,) classes and their number, and gives the (M,) predicted classes.
    """
    import torch

    centre, spread = bank.mean(dim=0), bank.std(dim=0, correction=0).clamp_min(1e-6)
    known, asked = (bank - centre) / spread, (test - centre) / spread
    n, d = known.shape
    known, asked = known.double(), asked.double()
    if d <= n:
        gram = known.T @ known + RIDGE * n * torch.eye(d, dtype=known.dtype, device=known.device)
        factor = torch.linalg.cholesky(gram)
    else:
        gram = known @ known.T + RIDGE * n * torch.eye(n, dtype=known.dtype, device=known.device)
        factor = torch.linalg.cholesky(gram)

    def solve(labels: np.ndarray, classes: int) -> np.ndarray:
        target = torch.nn.functional.one_hot(torch.from_numpy(labels).to(known.device), classes).to(known.dtype)
        mean = target.mean(dim=0)
        if d <= n:
            weights = torch.cholesky_solve(known.T @ (target - mean), factor)
        else:
            weights = known.T @ torch.cholesky_solve(target - mean, factor)
        predicted: np.ndarray = (asked @ weights + mean).argmax(dim=1).cpu().numpy()
        return predicted

    return solve


def _accuracy(predicted: np.ndarray, truth: np.ndarray) -> float:
    return float((predicted == truth).mean())
