from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier

from backends.analysis.probes import nearest, probe_factors, vote


def blobs(count, seed, dimensions=12, classes=4, noise=1.0):
    centres = np.random.default_rng(99).normal(size=(classes, dimensions))
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count)
    return torch.from_numpy(centres[labels] + noise * random.normal(size=(count, dimensions))).float(), labels


def test_knn_agrees_with_scikit_learn():
    bank, labels = blobs(300, 1)
    test, truth = blobs(200, 2)
    found = probe_factors(bank, {"blob": labels}, test, {"blob": truth})["knn_blob"]
    unit = torch.nn.functional.normalize
    reference = KNeighborsClassifier(10).fit(unit(bank, dim=1), labels).score(unit(test, dim=1), truth)
    assert found == pytest.approx(reference, abs=0.03), "only ties may differ"


@pytest.mark.parametrize("dimensions", [12, 400])
def test_the_linear_probe_agrees_with_ridge_regression_on_classes(dimensions):
    bank, labels = blobs(200, 1, dimensions, noise=3.0)
    test, truth = blobs(500, 2, dimensions, noise=3.0)
    found = probe_factors(bank, {"blob": labels}, test, {"blob": truth})["linear_blob"]
    centre, spread = bank.mean(0), bank.std(0, correction=0)
    reference = RidgeClassifier(alpha=0.01 * 200).fit((bank - centre) / spread, labels)
    assert found == pytest.approx(reference.score((test - centre) / spread, truth), abs=0.01)


def test_factors_do_not_disturb_each_other_and_noise_stays_at_chance():
    bank, labels = blobs(600, 1, noise=0.2)
    test, truth = blobs(600, 2, noise=0.2)
    random = np.random.default_rng(5)
    noise, noise_truth = random.integers(0, 2, 600), random.integers(0, 2, 600)
    scores = probe_factors(bank, {"blob": labels, "coin": noise}, test, {"blob": truth, "coin": noise_truth})
    assert scores["knn_blob"] > 0.98
    assert scores["linear_blob"] > 0.98
    assert abs(scores["knn_coin"] - 0.5) < 0.08
    assert abs(scores["linear_coin"] - 0.5) < 0.08


def test_a_factor_of_one_class_is_left_out():
    bank, labels = blobs(20, 1)
    assert probe_factors(bank, {"one": labels * 0}, bank, {"one": labels * 0}) == {}


def test_a_class_that_the_bank_lacks_counts_as_wrong():
    bank, labels = blobs(50, 1, noise=0.1)
    scores = probe_factors(bank, {"blob": labels}, bank, {"blob": np.full(50, 7)})
    assert scores == {"knn_blob": 0.0, "linear_blob": 0.0}


def test_the_nearest_neighbour_decides_a_tie():
    assert vote(np.array([[2, 1, 1, 2], [1, 2, 2, 1], [3, 1, 1, 2]]), 4).tolist() == [2, 1, 1]


def test_fewer_pictures_than_neighbours_are_enough():
    bank, _ = blobs(3, 1)
    assert nearest(bank, bank, 10).shape == (3, 3)
    assert nearest(bank, bank, 1).ravel().tolist() == [0, 1, 2]


def test_constant_and_empty_features_are_survived():
    bank, labels = blobs(40, 1)
    bank[:, 3] = 5.0
    scores = probe_factors(bank * 0, {"blob": labels}, bank * 0, {"blob": labels})
    assert all(np.isfinite(value) for value in scores.values())
