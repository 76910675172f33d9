from __future__ import annotations

import numpy as np
import pytest

from backends.analysis import projection


@pytest.fixture
def unit() -> np.ndarray:
    vectors = np.random.default_rng(0).standard_normal((60, 7)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_nearest_neighbours_are_those_of_a_full_sort(unit):
    indices, distances = projection.nearest(unit, 9)
    cosine_distances = 1 - unit @ unit.T
    np.fill_diagonal(cosine_distances, 0)
    order = np.argsort(cosine_distances, axis=1)[:, :9]
    assert np.array_equal(indices, order)
    np.testing.assert_allclose(distances, np.take_along_axis(cosine_distances, order, axis=1), atol=1e-6)


def test_pca_keeps_the_two_directions_of_greatest_variance(unit):
    points, axes = projection.pca(unit)
    values = np.linalg.eigvalsh(np.cov(unit.T))
    assert points.var(axis=0, ddof=1) == pytest.approx(values[::-1][:2], rel=1e-4)
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-5)


def test_the_signs_of_a_pca_follow_the_frame_before(unit):
    points, axes = projection.pca(unit)
    flipped, _ = projection.pca(unit, -axes)
    np.testing.assert_allclose(flipped, -points, atol=1e-5)


def test_vectors_of_one_dimension_still_have_a_place_in_the_plane():
    points, _ = projection.pca(np.array([[1.0], [2.0], [4.0]], np.float32))
    assert points.shape == (3, 2)
    assert np.all(points[:, 1] == 0)


def test_a_map_of_few_points_is_a_pca():
    few = np.eye(5, dtype=np.float32)
    frame = projection.LiveMap().update(few)
    assert (frame.method, frame.points.shape) == ("pca", (5, 2))


def test_before_the_first_frame_there_is_nothing_to_settle():
    assert projection.LiveMap().settle(np.eye(20, dtype=np.float32), 0) is None
