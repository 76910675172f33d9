"""Vectors of pictures: neighbours against a naive search, places of new pictures, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from backends.analysis.picture_vectors import PictureVectors, common_class, place_among, unit_of
from backends.data.pictures import Factor, PictureError

N, D = 40, 6


def vectors(count: int = N, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, D)).astype(np.float32)


def names(count: int = N) -> tuple[str, ...]:
    return tuple(f"picture {i}" for i in range(count))


def shape(count: int = N) -> Factor:
    return Factor("shape", "Shape", ("round", "square"), np.arange(count) % 2)


def pictures(made: np.ndarray | None = None) -> PictureVectors:
    made = vectors() if made is None else made
    return PictureVectors(made, names(len(made)), {"shape": shape(len(made))})


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_neighbours_are_those_of_a_naive_search_without_the_picture_itself():
    made = vectors()
    expected = sorted((i for i in range(N) if i != 7), key=lambda i: -cosine(made[i], made[7]))[:5]
    found = pictures(made).nearest(7, 5)
    assert [i for i, _ in found] == expected
    assert [c for _, c in found] == pytest.approx([cosine(made[i], made[7]) for i in expected], abs=1e-5)


def test_neighbours_of_a_new_vector_do_not_depend_on_its_length():
    made = vectors()
    found = pictures(made).nearest_to(1000 * made[3], 4)
    assert found[0] == (3, pytest.approx(1))
    assert found == pytest.approx(np.array(pictures(made).nearest_to(made[3], 4)))
    assert [i for i, _ in found[1:]] == [i for i, _ in pictures(made).nearest(3, 3)]


@pytest.mark.parametrize("count", [0, -1, 39, 400])
def test_there_are_never_more_neighbours_than_pictures(count):
    assert len(pictures().nearest(0, count)) == max(0, min(count, N - 1))
    assert len(pictures().nearest_to(np.ones(D), count)) == max(0, min(count, N))


@pytest.mark.parametrize("index", [-1, N, 10**9, True, None, 1.5, "3"])
def test_an_index_that_is_none_is_refused(index):
    with pytest.raises(PictureError, match="no picture"):
        pictures().nearest(index, 3)


@pytest.mark.parametrize("vector", [np.ones(D + 1), np.ones((1, D)), np.full(D, np.nan), np.full(D, np.inf), 3.0])
def test_a_vector_that_is_none_is_refused(vector):
    with pytest.raises(PictureError, match=f"{D} finite numbers"):
        pictures().nearest_to(vector, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_finite_are_refused(value):
    made = vectors()
    made[3, 2] = value
    with pytest.raises(PictureError, match="not finite"):
        pictures(made)


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(PictureError, match="but 39 of names"):
        PictureVectors(vectors(), names(39), {})
    with pytest.raises(PictureError, match="but 39 of Shape"):
        PictureVectors(vectors(), names(), {"shape": shape(39)})
    with pytest.raises(PictureError, match="1 dimensions"):
        PictureVectors(np.zeros(3), names(3), {})


def test_vectors_are_a_copy_that_nobody_changes():
    made = vectors()
    frozen = pictures(made)
    before = frozen.vectors.copy()
    made += 1
    np.testing.assert_array_equal(frozen.vectors, before)
    with pytest.raises(ValueError, match="read-only"):
        frozen.vectors[0] = 0


def test_units_are_of_length_one_and_zero_stays_zero_and_large_numbers_do_not_overflow():
    made = vectors()
    made[4], made[5] = 0, 1e30
    unit = pictures(made).unit
    assert not unit[4].any()
    np.testing.assert_allclose(np.linalg.norm(np.delete(unit, 4, axis=0), axis=1), 1, atol=1e-6)
    assert {c for _, c in pictures(made).nearest(4, 3)} == {0.0}


def test_no_pictures_have_no_neighbours():
    none = PictureVectors(np.zeros((0, D)), (), {})
    assert len(none) == 0
    assert none.unit.shape == (0, D)
    assert none.nearest_to(np.ones(D), 3) == []


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_copy_lands_on_the_picture_itself_and_others_between_their_neighbours(dimensions):
    unit, points = unit_of(vectors()), np.random.default_rng(1).normal(size=(N, dimensions))
    np.testing.assert_allclose(place_among(unit[:9], unit, points), points[:9], atol=0.02)
    new = unit_of(vectors(9, seed=2))
    placed = place_among(new, unit, points, k=4)
    for place, vector in zip(placed, new, strict=True):
        nearest = np.argsort(-unit @ vector)[:4]
        assert np.all(place >= points[nearest].min(axis=0) - 1e-6)
        assert np.all(place <= points[nearest].max(axis=0) + 1e-6)


def test_the_nearer_neighbour_pulls_more():
    unit = unit_of(np.array([[1, 0], [0, 1]], np.float32))
    points = np.array([[0, 0], [1, 0]])
    near_first = place_among(unit_of(np.array([[3, 1]])), unit, points, k=2)[0, 0]
    between = place_among(unit_of(np.array([[1, 1]])), unit, points, k=2)[0, 0]
    assert between == pytest.approx(0.5, abs=1e-6)
    closeness = 1 / np.sqrt(2 - 2 * np.array([3, 1]) / np.sqrt(10))
    assert near_first == pytest.approx(closeness[1] / closeness.sum(), abs=1e-6)


def test_few_pictures_and_none_to_place():
    one = unit_of(vectors(1))
    np.testing.assert_allclose(place_among(unit_of(vectors(3, 1)), one, np.array([[2.0, 5.0]])), [[2, 5]] * 3)
    assert place_among(np.zeros((0, D)), one, np.zeros((1, 2))).shape == (0, 2)
    assert np.isfinite(place_among(np.zeros((1, D)), unit_of(vectors()), np.zeros((N, 2)))).all()


@pytest.mark.parametrize(
    ("new", "unit", "points", "k"),
    [
        (np.ones((1, 3)), np.ones((4, 2)), np.ones((4, 2)), 5),
        (np.ones((1, 2)), np.ones((4, 2)), np.ones((3, 2)), 5),
        (np.ones((1, 2)), np.ones((0, 2)), np.ones((0, 2)), 5),
        (np.ones((1, 2)), np.ones((4, 2)), np.ones((4, 2)), 0),
        (np.ones(2), np.ones((4, 2)), np.ones((4, 2)), 5),
        (np.full((1, 2), np.nan), np.ones((4, 2)), np.ones((4, 2)), 5),
        (np.ones((1, 2)), np.ones((4, 2)), np.full((4, 2), np.inf), 5),
    ],
)
def test_what_can_not_be_placed_is_refused(new, unit, points, k):
    with pytest.raises(ValueError, match=r"\."):
        place_among(new, unit, points, k)


def test_a_group_is_named_after_the_class_that_stands_out_most():
    colour = Factor("colour", "Colour", ("red", "green"), np.arange(N) // (N // 2))
    factors = {"shape": shape(), "colour": colour}
    assert common_class(factors, np.arange(10)) == "red 100 %"
    assert common_class(factors, np.array([0, 2, 4, 22, 24, 26])) == "round 100 %"
    assert common_class(factors, np.array([0, 2, 4, 1, 20, 22])) == "round 83 %"
    assert common_class(factors, np.arange(N)) == ""
    assert common_class(factors, np.zeros(0, int)) == ""
    assert common_class({}, np.arange(3)) == ""
