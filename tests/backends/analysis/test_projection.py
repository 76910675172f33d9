"""Maps: exact neighbours, a PCA that does not flip, and a layout that moves smoothly and comes to rest."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest

from backends.analysis import projection
from backends.analysis.map_config import MapConfig
from backends.analysis.projection import LiveMap, NeighbourTable

GROUPS, GROUP_SIZE = 8, 40


@pytest.fixture
def unit() -> np.ndarray:
    vectors = np.random.default_rng(0).standard_normal((60, 7)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def clustered() -> np.ndarray:
    """(320, 12) unit vectors in eight groups."""
    random = np.random.default_rng(0)
    middles = np.repeat(random.standard_normal((GROUPS, 12)), GROUP_SIZE, axis=0)
    vectors = (middles + 0.3 * random.standard_normal(middles.shape)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def warm() -> None:
    projection.warm_up()


@pytest.fixture
def cold(monkeypatch) -> threading.Event:
    """UMAP is still compiling until this event is set."""
    monkeypatch.setattr(projection, "_warm", threading.Event())
    return projection._warm


def euclidean(vectors: np.ndarray) -> np.ndarray:
    """(n, n) distances, worked out one pair of vectors at a time."""
    return np.array([[np.sqrt(((a - b) ** 2).sum()) for b in vectors.astype(float)] for a in vectors.astype(float)])


def cosine(vectors: np.ndarray) -> np.ndarray:
    return np.array([[1 - a @ b / np.sqrt((a @ a) * (b @ b)) for b in vectors] for a in vectors.astype(float)])


def correlation(vectors: np.ndarray) -> np.ndarray:
    return 1 - np.corrcoef(vectors.astype(float))


def sorted_neighbours(distances: np.ndarray, count: int) -> np.ndarray:
    """(n, count) by a full sort, each item first among its own."""
    apart = distances.copy()
    np.fill_diagonal(apart, -1)
    return np.argsort(apart, axis=1)[:, :count]


def frames_at_rest(live: LiveMap, vectors: np.ndarray, version: object = 1) -> list[projection.MapFrame]:
    frames = []
    while (frame := live.advance(vectors, version, resting=True)) is not None:
        frames.append(frame)
        assert len(frames) < 200
    return frames


def size(points: np.ndarray) -> float:
    return float(np.ptp(points, axis=0).max())


@pytest.mark.parametrize(
    ("metric", "distance"), [("cosine", cosine), ("euclidean", euclidean), ("correlation", correlation)]
)
def test_nearest_neighbours_in_a_metrics_space_are_those_of_a_full_sort(unit, metric, distance):
    lengths = np.random.default_rng(1).uniform(0.5, 3, (60, 1)).astype(np.float32)
    vectors = projection.space(unit * lengths, unit, metric)
    indices, distances = projection.nearest(vectors, 9)
    expected = sorted_neighbours(distance(unit * lengths), 9)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(
        distances, np.take_along_axis(euclidean(vectors), expected, axis=1), rtol=1e-3, atol=1e-3
    )


def test_metrics_differ_where_lengths_do(unit):
    lengths = np.random.default_rng(1).uniform(0.5, 3, (60, 1)).astype(np.float32)
    found = {
        metric: projection.nearest(projection.space(unit * lengths, unit, metric), 9)[0].tobytes()
        for metric in ("cosine", "euclidean", "correlation")
    }
    assert len(set(found.values())) == 3


def test_an_item_is_first_among_its_own_neighbours_even_if_another_is_the_same():
    twins = np.repeat(np.eye(6, dtype=np.float32), 2, axis=0)
    indices, distances = projection.nearest(twins, 3)
    np.testing.assert_array_equal(indices[:, 0], np.arange(12))
    np.testing.assert_array_equal(indices[:, 1], np.arange(12) ^ 1)
    np.testing.assert_array_equal(distances[:, :2], 0)


@pytest.mark.parametrize("scores", [1, 60, 500, 1_000_000])
def test_a_table_filled_in_parts_equals_one_filled_in_one_go(unit, scores):
    table, whole = NeighbourTable(60, 9), projection.nearest(unit, 9)
    shares = [table.refresh(unit, scores)]
    while shares[-1] < 1:
        assert not table.complete
        shares.append(table.refresh(unit, scores))
    assert len(shares) == -(-60 // max(1, min(60, scores // 60)))
    assert table.complete
    assert shares == sorted(shares)
    np.testing.assert_array_equal(table.indices, whole[0])
    np.testing.assert_allclose(table.distances, whole[1], atol=1e-6)


def test_a_table_goes_round_when_vectors_change_in_between(unit):
    """Expired in the middle, the next refreshes go on from there, so that no part is left behind for ever."""
    table = NeighbourTable(60, 9)
    table.refresh(unit, 60 * 60)
    other = np.ascontiguousarray(unit[::-1])
    table.expire()
    table.refresh(other, 25 * 60)
    table.expire()
    shares = [table.refresh(unit, 25 * 60)]
    while shares[-1] < 1:
        shares.append(table.refresh(unit, 25 * 60))
    np.testing.assert_array_equal(table.indices, projection.nearest(unit, 9)[0])


def test_the_graph_is_made_anew_only_when_neighbours_are(warm, clustered):
    table, random = NeighbourTable(len(clustered), 15), np.random.RandomState(0)
    table.refresh(clustered, 10**9)
    first = table.graph(clustered, random)
    table.refresh(clustered, 10**9)
    assert table.graph(clustered, random) is first
    table.expire()
    table.refresh(clustered, 10**9)
    assert table.graph(clustered, random) is not first


def test_pca_keeps_the_two_directions_of_greatest_variance(unit):
    points, axes = projection.pca(unit)
    values = np.linalg.eigvalsh(np.cov(unit.T))
    assert points.var(axis=0, ddof=1) == pytest.approx(values[::-1][:2], rel=1e-4)
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-5)


def test_pca_keeps_three_if_asked(unit):
    points, axes = projection.pca(unit, dimensions=3)
    values = np.linalg.eigvalsh(np.cov(unit.T))
    assert points.var(axis=0, ddof=1) == pytest.approx(values[::-1][:3], rel=1e-4)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-5)


def test_the_signs_of_a_pca_follow_the_frame_before(unit):
    points, axes = projection.pca(unit)
    flipped, _ = projection.pca(unit, -axes)
    np.testing.assert_allclose(flipped, -points, atol=1e-5)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_vectors_of_one_dimension_still_have_a_place_on_the_map(dimensions):
    points, axes = projection.pca(np.array([[1.0], [2.0], [4.0]], np.float32), dimensions=dimensions)
    assert points.shape == (3, dimensions)
    assert np.all(points[:, 1:] == 0)
    again, _ = projection.pca(np.array([[1.0], [2.0], [5.0]], np.float32), axes, dimensions)
    assert again.shape == (3, dimensions)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16])
def test_a_map_of_few_points_is_a_pca_and_rests_at_once(count):
    few = np.eye(16, dtype=np.float32)[:count]
    live = LiveMap()
    frame = live.advance(few, 1, resting=False)
    assert (frame.method, frame.points.shape, frame.progress) == ("pca", (count, 2), None)
    (rested,) = frames_at_rest(live, few, 2)
    assert (rested.method, rested.progress) == ("pca", 1.0)
    assert np.all(np.isfinite(rested.points))


def test_a_pca_that_is_asked_for_is_never_a_umap_and_moves_with_the_vectors(warm, clustered):
    live = LiveMap(MapConfig(method="pca"))
    (rested,) = frames_at_rest(live, clustered)
    np.testing.assert_allclose(rested.points, projection.pca(clustered)[0], atol=1e-5)
    assert rested.method == "pca"
    assert live.advance(clustered, 1, resting=True) is None
    other = np.roll(clustered, 1, axis=0)
    assert live.advance(other, 2, resting=True) is not None, "other vectors, another map"


def test_while_umap_compiles_the_map_is_a_pca_and_more_is_to_come(cold, clustered):
    live = LiveMap()
    frame = live.advance(clustered, 1, resting=True)
    assert (frame.method, frame.progress) == ("pca", None)
    assert live.waits
    cold.set()
    assert not live.waits
    assert frames_at_rest(live, clustered)[-1].method == "umap"


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_map_comes_to_rest_once_and_keeps_neighbours_together(warm, clustered, dimensions):
    live = LiveMap(MapConfig(dimensions=dimensions))
    frames = frames_at_rest(live, clustered)
    assert {frame.points.shape for frame in frames} == {(len(clustered), dimensions)}
    progress = [frame.progress for frame in frames]
    assert progress == sorted(progress)
    assert progress[-1] == 1
    assert all(frame.trust is None for frame in frames[:-1])
    assert frames[-1].trust == pytest.approx(projection.trustworthiness(clustered, frames[-1].points))
    assert frames[-1].trust > 0.9
    assert [live.advance(clustered, 1, resting=True) for _ in range(3)] == [None] * 3
    again = live.advance(clustered, 2, resting=True)
    assert again is not None, "other vectors move it again"


def test_a_map_that_rests_has_the_neighbours_of_the_last_vectors(warm, clustered):
    live, other = LiveMap(), np.roll(clustered, 7, axis=0)
    frames_at_rest(live, clustered, 1)
    frames_at_rest(live, other, 2)
    np.testing.assert_array_equal(live._neighbours.indices, projection.nearest(other, 15)[0])


def test_the_map_of_other_metrics_keeps_their_own_neighbours_together(warm, clustered):
    lengths = np.random.default_rng(1).uniform(0.2, 5, (len(clustered), 1)).astype(np.float32)
    vectors = projection.space(clustered * lengths, clustered, "euclidean")
    frames = frames_at_rest(LiveMap(MapConfig(metric="euclidean")), vectors)
    assert frames[-1].trust > 0.9


def test_a_frame_stays_near_the_one_before_while_vectors_change(warm, clustered):
    random, live, vectors = np.random.default_rng(2), LiveMap(), clustered
    frames = []
    for step in range(40):
        vectors = vectors + 0.01 * random.standard_normal(vectors.shape).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        frames.append(live.advance(vectors, step, resting=False).points.copy())
    moves = [
        np.median(np.linalg.norm((b - b.mean(0)) - (a - a.mean(0)), axis=1)) / size(b)
        for a, b in itertools.pairwise(frames[20:])
    ]
    assert max(moves) < 0.05
    random_pair = np.median(np.linalg.norm(frames[-1] - frames[-1][random.permutation(len(vectors))], axis=1))
    assert max(moves) * size(frames[-1]) < random_pair / 4


def test_coming_to_rest_begins_where_the_moving_map_stood(warm, clustered):
    live = LiveMap()
    for step in range(projection.MOVED_ENOUGH + 5):
        moving = live.advance(clustered, step, resting=False).points.copy()
    first, *later = frames_at_rest(live, clustered, step)
    moved = np.linalg.norm((first.points - first.points.mean(0)) - (moving - moving.mean(0)), axis=1)
    assert np.median(moved) < 0.05 * size(moving)
    assert len(later) == projection.SETTLING_FRAMES
    assert later[-1].trust > 0.9


def test_the_last_frames_of_a_map_hardly_move(warm, clustered):
    *_, before, last, _ = frames_at_rest(LiveMap(), clustered)
    moved = np.linalg.norm((last.points - last.points.mean(0)) - (before.points - before.points.mean(0)), axis=1)
    assert np.median(moved) < 0.01 * size(last.points)


def test_frames_are_finite_where_all_vectors_are_the_same(warm):
    same = np.tile(np.array([[1.0, 0, 0]], np.float32), (40, 1))
    frames = frames_at_rest(LiveMap(), same)
    assert all(np.all(np.isfinite(frame.points)) for frame in frames)


def test_one_seed_makes_one_map(warm, clustered):
    maps = [frames_at_rest(LiveMap(seed=seed), clustered)[-1].points for seed in (0, 0, 1)]
    np.testing.assert_array_equal(maps[0], maps[1])
    assert not np.array_equal(maps[0], maps[2])


def test_a_small_minimum_distance_packs_more_tightly(warm, clustered):
    def gap(min_dist):
        points = frames_at_rest(LiveMap(MapConfig(min_dist=min_dist)), clustered)[-1].points
        return np.median(projection.nearest(points, 2)[1][:, 1]) / size(points)

    assert gap(0.0) < gap(0.9) / 1.5


@pytest.mark.parametrize("count", [3, 4, 5, 40])
def test_a_map_that_is_the_space_is_trusted_in_full(count):
    points = np.random.default_rng(0).standard_normal((count, 2)).astype(np.float32)
    assert projection.trustworthiness(points, points) == pytest.approx(1)


def test_a_shuffled_map_is_not_trusted(clustered):
    points = projection.pca(clustered)[0]
    shuffled = points[np.random.default_rng(0).permutation(len(points))]
    assert projection.trustworthiness(clustered, shuffled) < 0.7 < projection.trustworthiness(clustered, points)


def test_trust_of_many_points_is_measured_on_a_sample(monkeypatch, clustered):
    monkeypatch.setattr(projection, "TRUST_SAMPLE", 100)
    points = projection.pca(clustered)[0]
    sampled = projection.trustworthiness(clustered, points)
    monkeypatch.undo()
    assert sampled == pytest.approx(projection.trustworthiness(clustered, points), abs=0.1)


def test_clusters_are_the_groups_that_there_are(clustered):
    labels = projection.clusters(clustered)
    found = {tuple(np.unique(labels[i * GROUP_SIZE : (i + 1) * GROUP_SIZE])) for i in range(GROUPS)}
    assert labels.dtype == np.uint8
    assert len(found) >= GROUPS - 1
    sizes = np.bincount(labels)
    assert list(sizes) == sorted(sizes, reverse=True), "the largest is the first"
    np.testing.assert_array_equal(labels, projection.clusters(clustered))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_few_vectors_make_few_clusters(count):
    labels = projection.clusters(np.eye(8, dtype=np.float32)[:count])
    assert len(set(labels.tolist())) <= count
    assert labels.max() < projection.CLUSTERS
