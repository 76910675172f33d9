"""Odd one out: rounds that can be answered, and answers that come from the features alone."""

from __future__ import annotations

import numpy as np
import pytest

from backends.data.creatures import draw_species
from backends.start import odd_one_out, shipped
from backends.start.odd_one_out import CHANCE, SHOWN_SIZE, accuracy, deal, opinion, pixels


def test_the_same_seed_deals_the_same_rounds_at_both_sizes():
    first, again = deal(3, 8, 32), deal(3, 8, 32)
    for one, other in zip(first, again, strict=True):
        assert one.shown.shape == (4, SHOWN_SIZE, SHOWN_SIZE, 3)
        assert one.seen.shape == (4, 32, 32, 3)
        assert one.odd == other.odd
        assert np.array_equal(one.seen, other.seen)
        small = one.shown[:, : SHOWN_SIZE // 32 * 32, : SHOWN_SIZE // 32 * 32].mean(axis=(1, 2))
        assert np.abs(small - one.seen.mean(axis=(1, 2))).max() < 12, "the same creatures at both sizes"


def test_every_place_can_be_the_odd_one():
    assert {one.odd for one in deal(24, 1, 8)} == {0, 1, 2, 3}


def test_the_odd_one_is_that_of_the_smallest_mean_cosine():
    features = np.array([[1, 0.1], [1, 0], [0, 1], [0.9, 0]])
    said = opinion(features)
    naive = [
        np.mean(
            [
                features[i] @ features[j] / np.linalg.norm(features[i]) / np.linalg.norm(features[j])
                for j in range(4)
                if i != j
            ]
        )
        for i in range(4)
    ]
    assert said.odd == 2
    assert said.mean == pytest.approx(naive)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0])
def test_odd_numbers_give_an_answer_and_no_nan(value):
    features = np.ones((4, 3))
    features[1] = value
    said = opinion(features)
    assert np.isfinite(said.likeness).all()
    assert said.odd == 1


def test_features_that_know_nothing_are_at_chance_and_those_that_know_the_species_are_always_right(monkeypatch):
    drawn = {}
    draw = odd_one_out._draw

    def remembered(*args):
        drawn["odd"], pictures = draw(*args)
        return drawn["odd"], pictures

    monkeypatch.setattr(odd_one_out, "_draw", remembered)

    def knows(images):
        features = np.zeros((len(images) // 4, 4, 2))
        features[..., 0] = 1
        features[np.arange(len(features)), drawn["odd"]] = (0, 1)
        return features.reshape(len(images), 2)

    noise = np.random.default_rng(0)
    always, never = accuracy([knows, lambda images: noise.normal(size=(len(images), 16))], 8, rounds=600)
    assert always == 1
    assert abs(never - CHANCE) < 0.06


def test_the_shipped_model_beats_pixels_on_species_that_it_never_saw():
    learned, raw = accuracy([shipped.features, pixels], shipped.SIZE, rounds=300, seed=3)
    assert learned > raw + 0.1
    card = shipped.card()["metrics"]
    assert learned == pytest.approx(card["odd_one_out"], abs=0.08)
    assert raw == pytest.approx(card["pixels_odd_one_out"], abs=0.08)
    assert card["odd_one_out"] > card["pixels_odd_one_out"] + 0.1
    assert card["rounds"] >= 500


def test_no_species_of_the_game_was_trained_on():
    game = draw_species(odd_one_out.GAME_SPECIES, odd_one_out.GAME_SEED).colours.flatten(1)
    trained = draw_species(shipped.TRAINING_SPECIES, shipped.TRAINING_SEED).colours.flatten(1)
    assert (game[:, None] - trained[None]).abs().amax(dim=2).min() > 0.01
