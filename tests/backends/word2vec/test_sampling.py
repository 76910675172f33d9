from __future__ import annotations

import math

import numpy as np
import pytest

from backends.word2vec import sampling


def distribution_of(threshold: np.ndarray, alias: np.ndarray) -> np.ndarray:
    """What a table draws, in closed form: an index keeps its threshold and gives the rest to its alias."""
    mass = threshold.copy()
    np.add.at(mass, alias, 1 - threshold)
    return mass / len(threshold)


@pytest.mark.parametrize(
    "weights",
    [
        [1.0],
        [1, 1, 1, 1],
        [1, 2, 3, 4],
        [1e-9, 1.0],
        [0, 0, 5, 0],
        list(np.random.default_rng(0).random(1000) ** 8),
        list(1 / np.arange(1, 20_000)),
    ],
    ids=["one", "even", "uneven", "tiny", "zeros", "random", "zipf"],
)
def test_the_alias_table_draws_exactly_its_distribution(weights):
    probabilities = np.array(weights, float) / np.sum(weights)
    before = probabilities.copy()
    threshold, alias = sampling.alias_table(probabilities)
    np.testing.assert_allclose(distribution_of(threshold, alias), before, atol=1e-12)
    assert np.array_equal(probabilities, before), "the caller's array was changed"
    assert threshold.min() >= 0
    assert threshold.max() <= 1


def test_keep_probability_follows_the_formula():
    counts = np.array([900, 90, 9, 1])
    kept = sampling.keep_probability(counts, 0.01)
    by_hand = [math.sqrt(0.01 / f) + 0.01 / f for f in (0.9, 0.09, 0.009, 0.001)]
    assert kept == pytest.approx([by_hand[0], by_hand[1], 1, 1])
    assert by_hand[0] == pytest.approx(0.11652, abs=1e-5)


def test_subsampling_zero_keeps_every_word():
    assert sampling.keep_probability(np.array([1000, 1]), 0).tolist() == [1, 1]


def test_negatives_follow_the_counts_to_the_three_quarters():
    assert sampling.noise_distribution(np.array([16, 1])) == pytest.approx([8 / 9, 1 / 9])


def test_a_threshold_is_a_share_of_all_32_bit_numbers():
    thresholds = sampling.as_uint32_threshold(np.array([0.0, 0.25, 1.0]))
    assert thresholds.dtype == np.uint32
    assert thresholds.tolist() == [0, 2**30, 2**32 - 1]
