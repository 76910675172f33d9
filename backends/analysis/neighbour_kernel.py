"""Picking the best of each row: numpy's partition takes eight times as long on the sizes of a live map."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def best_per_row(scores, count):
    """Return the `count` highest scores of each row, the diagonal left out.

    Args:
        scores: (n, n) float32, n > count.
        count: how many to keep.

    Returns:
        indices (n, count) int32 and scores (n, count) float32, highest first.
    """
    n = scores.shape[0]
    indices = np.zeros((n, count), np.int32)
    best = np.full((n, count), -np.inf, np.float32)
    for i in range(n):
        for j in range(n):
            score = scores[i, j]
            if j == i or not score > best[i, count - 1]:
                continue
            place = count - 1
            while place > 0 and best[i, place - 1] < score:
                best[i, place] = best[i, place - 1]
                indices[i, place] = indices[i, place - 1]
                place -= 1
            best[i, place] = score
            indices[i, place] = j
    return indices, best
