"""Probing while a net trains: which pictures, in which order, and what features score that know the answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from backends.analysis import prober
from backends.analysis.prober import PictureProber, as_tensor, map_pictures, spread_out
from backends.data.splits import Split, load_split
from tests.backends.simclr.conftest import toy_pictures


@pytest.fixture(scope="module")
def split() -> Split:
    return load_split("own", 32, toy_pictures(150))


def brightness(images: Tensor) -> Tensor:
    """(n, 3, S, S) uint8 to (n, 3)."""
    return images.float().mean(dim=(2, 3))


def test_probes_of_features_that_know_nothing_and_everything(split):
    made = PictureProber(split, "cpu")
    colours = {
        image.tobytes(): part.factors["colour"].values[i]
        for part in (split.train, split.held_out)
        for i, image in enumerate(part.images)
    }
    assert len(colours) == 150

    def knowing(images: Tensor) -> Tensor:
        keys = [image.numpy().tobytes() for image in images.permute(0, 2, 3, 1).contiguous()]
        return torch.nn.functional.one_hot(torch.tensor([int(colours[key]) for key in keys]), 4).float()

    known = made.probe_features(knowing, 7)
    assert known.step == 7
    assert set(known.scores) == {"knn_colour", "linear_colour", "knn_form", "linear_form"}
    assert known.scores["knn_colour"] == known.scores["linear_colour"] == 1
    assert known.scores["linear_form"] < 0.8
    ignorant = made.probe_features(lambda images: torch.zeros(len(images), 4), 0)
    assert max(ignorant.scores.values()) <= 0.75
    assert made.cost > 0


def test_the_features_of_the_map_are_those_of_its_pictures_in_their_order(split, monkeypatch):
    monkeypatch.setattr(prober, "MAP_PICTURES", 12)
    made = PictureProber(split, "cpu", bank=30, tested=20)
    assert made.map_size == 12
    probed = made.probe_features(brightness, 0)
    pictures = map_pictures(split)
    assert len(pictures) == 12
    expected = pictures.images.astype(np.float32).mean(axis=(1, 2))
    np.testing.assert_allclose(probed.features, expected, rtol=1e-5)
    assert probed.features.dtype == np.float32


def test_probes_learn_from_the_trained_on_and_are_tested_on_the_held_out(split):
    made = PictureProber(split, "cpu", bank=40, tested=25)
    asked: list[Tensor] = []
    made.probe_features(lambda images: asked.append(images) or brightness(images), 0)
    bank, tested = ({image.tobytes() for image in part.images} for part in (split.train, split.held_out))
    for images, known, count in zip(asked, (bank, tested), (40, 25), strict=True):
        assert images.dtype == torch.uint8
        taken = {image.numpy().tobytes() for image in images.permute(0, 2, 3, 1).contiguous()}
        assert len(taken) == count
        assert taken <= known


def test_raw_pixels_are_probed_as_features_of_their_own(split):
    made = PictureProber(split, "cpu", bank=60, tested=30)
    as_features = made.probe_features(lambda images: images.flatten(1).float() / 255, 0)
    assert made.pixels() == as_features.scores


def test_a_set_without_factors_has_no_scores(split):
    bare = Split(replace(split.train, factors={}), replace(split.held_out, factors={}))
    made = PictureProber(bare, "cpu")
    probed = made.probe_features(brightness, 3)
    assert probed.scores == made.pixels() == {}
    assert probed.features.shape == (30, 3)


def test_a_selection_is_the_same_every_time_and_a_smaller_one_the_first_of_it():
    pictures = toy_pictures(50)
    some, more = spread_out(pictures, 10), spread_out(pictures, 25)
    assert some.names == spread_out(pictures, 10).names == more.names[:10]
    assert some.names != pictures.names[:10]
    assert sorted(spread_out(pictures, 99).names) == sorted(pictures.names)


def test_a_tensor_has_its_colours_first():
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3)).astype(np.uint8)
    made = as_tensor(images, "cpu")
    assert made.shape == (2, 3, 4, 5)
    assert made.dtype == torch.uint8
    assert all(int(made[i, c, y, x]) == images[i, y, x, c] for i, c, y, x in np.ndindex(2, 3, 4, 5))
