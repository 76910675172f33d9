"""The gap between two clouds whose distance is known."""

from __future__ import annotations

import numpy as np
import pytest

from backends.clip.gap import gap_of
from backends.clip.zero_shot import unit


def test_two_clouds_apart_are_apart_in_the_plane_too():
    random = np.random.default_rng(0)
    base = np.eye(8)[:2]
    pictures = unit(base[0] + 0.1 * random.normal(size=(40, 8)))
    captions = unit(base[1] + 0.1 * random.normal(size=(40, 8)))
    gap = gap_of(pictures, captions)
    assert gap.distance == pytest.approx(2**0.5, abs=0.15)
    assert gap.explained > 0.7
    between = np.linalg.norm(gap.pictures.mean(axis=0) - gap.captions.mean(axis=0))
    assert between == pytest.approx(gap.distance, abs=0.05)


def test_pairs_that_meet_have_no_gap():
    points = unit(np.random.default_rng(1).normal(size=(20, 6)))
    gap = gap_of(points, points)
    assert gap.distance == 0
    assert gap.own == pytest.approx(1)
    assert gap.others < 0.5
    assert np.allclose(gap.pictures, gap.captions, atol=1e-5)


def test_one_pair_is_too_few():
    with pytest.raises(ValueError, match="Two or more"):
        gap_of(np.ones((1, 3)), np.ones((1, 3)))


def test_equal_points_divide_by_nothing():
    gap = gap_of(np.ones((3, 2)) / 2**0.5, np.ones((3, 2)) / 2**0.5)
    assert gap.explained == 1
    assert np.isfinite(gap.pictures).all()


def test_a_umap_places_all_and_claims_no_share():
    random = np.random.default_rng(0)
    pictures, captions = (random.normal(size=(40, 8)).astype(np.float32) for _ in range(2))
    flat, neighbours = gap_of(pictures, captions), gap_of(pictures, captions, "umap")
    assert neighbours.pictures.shape == neighbours.captions.shape == (40, 2)
    assert np.isfinite(neighbours.pictures).all()
    assert neighbours.explained is None
    assert (neighbours.distance, neighbours.own) == (flat.distance, flat.own)
