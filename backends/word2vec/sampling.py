"""What is drawn at random: which frequent words to skip, and which negatives to contrast with."""

from __future__ import annotations

import numpy as np

NOISE_POWER = 0.75
"""Negatives are drawn from the counts to this power (Mikolov et al., 2013, section 2.2)."""


def keep_probability(counts: np.ndarray, subsample: float) -> np.ndarray:
    """Chance that an occurrence of a word is kept, min(1, sqrt(t/f) + t/f) as in the authors' code.

    Args:
        counts: (V,) occurrences of each word.
        subsample: t, the share of the text above which words are thinned out; 0 keeps everything.

    Returns:
        (V,) float64 in (0, 1].
    """
    if subsample == 0:
        return np.ones(len(counts))
    frequency = counts / counts.sum()
    return np.minimum(1.0, np.sqrt(subsample / frequency) + subsample / frequency)


def noise_distribution(counts: np.ndarray) -> np.ndarray:
    """(V,) float64: the distribution that negatives are drawn from, counts^0.75 normalised."""
    weights = counts.astype(np.float64) ** NOISE_POWER
    return weights / weights.sum()


def alias_table(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walker's alias table: draw from any distribution with one random index and one comparison.

    Args:
        probabilities: (V,) summing to 1.

    Returns:
        threshold: (V,) float64 in [0, 1]; keep index i with this chance,
        alias: (V,) int32; otherwise take alias[i].
    """
    size = len(probabilities)
    scaled = probabilities * size
    threshold = np.ones(size)
    alias = np.arange(size, dtype=np.int32)
    small = [int(i) for i in np.flatnonzero(scaled < 1)]
    large = [int(i) for i in np.flatnonzero(scaled >= 1)]
    while small and large:
        poor, rich = small.pop(), large[-1]
        threshold[poor], alias[poor] = scaled[poor], rich
        scaled[rich] -= 1 - scaled[poor]
        if scaled[rich] < 1:
            small.append(large.pop())
    return threshold, alias


def as_uint32_threshold(probabilities: np.ndarray) -> np.ndarray:
    """Scale chances to the full range of a 32-bit random number: keep when the draw is <= the threshold."""
    return np.clip(probabilities * 2.0**32, 0, 2**32 - 1).astype(np.uint32)
