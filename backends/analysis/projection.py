"""Maps of embeddings: a UMAP layout that moves along while the vectors change, and PCA while UMAP compiles.

UMAP (McInnes, Healy and Melville, 2018) is umap-learn's: its fuzzy graph and its optimiser, called here on exact
neighbours and from the previous layout, so that a new map costs milliseconds and looks like the one before.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from backends.analysis.map_config import MapConfig

EPOCHS_PER_FRAME = 5
MOVING_RATE = 0.3
"""Step size while the vectors still change (umap-learn starts a full fit at 1)."""
GRAPH_EVERY = 2
"""Frames that share one neighbour graph while the vectors change: it costs more than moving the points."""
MOVING_SCORES = 4_000_000
RESTING_SCORES = 40_000_000
"""Similarities computed anew a frame, while training and at rest: 2,000 × 2,000 is 4 million, some 15 ms."""
SETTLING_FRAMES = 24
FULL_FRAMES = 44
"""Frames until a layout rests: one that moved along with the training, and one that starts from a PCA."""
MOVED_ENOUGH = 20
"""A layout that has moved so often may settle gently."""
NEGATIVE_SAMPLE_RATE = 5.0
START_SPREAD = 3.0
"""Standard deviation of the PCA that the first layout starts from: about that of a finished map."""
TRUST_SAMPLE = 3_000
"""Above so many points trustworthiness is measured on a sample."""
CLUSTERS = 8

_umap_lock = threading.RLock()
"""Two threads inside umap's parallel kernels abort the process where numba has only its workqueue layer."""
_warm = threading.Event()


@dataclass(frozen=True)
class MapFrame:
    """One state of a map.

    Attributes:
        points: (n, dimensions) float32.
        method: "umap", or "pca" while UMAP is still compiling or there are too few points.
        progress: how far the layout is on its way to rest, in [0, 1]; None while the vectors still change.
        trust: trustworthiness of a layout that rests, in [0, 1]; None before.
    """

    points: np.ndarray
    method: str
    progress: float | None = None
    trust: float | None = None


class LiveMap:
    """A map of the same n items, updated whenever their vectors have changed."""

    def __init__(self, config: MapConfig | None = None, seed: int = 0) -> None:
        """Start without a layout; the first frame is a PCA, or begins from one."""
        self.config = config or MapConfig()
        self._random = np.random.RandomState(seed)
        self._layout: np.ndarray | None = None
        self._neighbours: NeighbourTable | None = None
        self._axes: np.ndarray | None = None
        self._version: object = None
        self._moved = 0
        self._settled = -1
        self._plan = FULL_FRAMES
        self._resting_frames = 0

    def advance(self, vectors: np.ndarray, version: object, *, resting: bool) -> MapFrame | None:
        """Make the next frame.

        Args:
            vectors: (n, D) float32, of length one unless the metric is euclidean; n and their order stay the same.
            version: changes whenever the vectors do.
            resting: nothing trains now, so the layout may come to rest.

        Returns:
            The frame, or None once a layout of these vectors rests.
        """
        if version != self._version:
            self._version, self._resting_frames = version, 0
            if self._neighbours is not None:
                self._neighbours.expire()
        if self.config.method == "pca" or len(vectors) <= self.config.n_neighbors + 1:
            return self._pca_frame(vectors, resting=resting)
        if not _warm.is_set():
            return None if self._resting_frames else self._pca_frame(vectors, resting=False)
        with _umap_lock:
            return self._umap_frame(vectors, resting=resting)

    @property
    def waits(self) -> bool:
        """Whether UMAP is wanted but still compiling, so that there is more to come."""
        return self.config.method == "umap" and not _warm.is_set()

    def _pca_frame(self, vectors: np.ndarray, *, resting: bool) -> MapFrame | None:
        if self._resting_frames and resting:
            return None
        points, self._axes = pca(vectors, self._axes, self.config.dimensions)
        if not resting:
            return MapFrame(points, "pca")
        self._resting_frames = 1
        return MapFrame(points, "pca", 1.0, self._trust(vectors, points))

    def _umap_frame(self, vectors: np.ndarray, *, resting: bool) -> MapFrame | None:
        if resting and self._resting_frames > self._plan:
            return None
        if self._layout is None:
            points, self._axes = pca(vectors, self._axes, self.config.dimensions)
            self._layout = points * (START_SPREAD / max(float(points.std()), 1e-9))
        if self._neighbours is None:
            self._neighbours = NeighbourTable(len(vectors), self.config.n_neighbors)
        known = 1.0
        if resting or not self._neighbours.complete:
            known = self._neighbours.refresh(vectors, RESTING_SCORES)
        elif self._moved % GRAPH_EVERY == 0:
            self._neighbours.refresh(vectors, MOVING_SCORES)
        if not self._neighbours.complete:
            return MapFrame(self._layout, "pca", 0.3 * known if resting else None)
        if not resting:
            self._resting_frames = 0
            self._step(vectors, MOVING_RATE)
            return MapFrame(self._layout, "umap")
        if known < 1:
            return MapFrame(self._layout, "umap", 0.3 * known)
        if self._resting_frames == 0:
            self._plan = SETTLING_FRAMES if self._moved >= MOVED_ENOUGH else FULL_FRAMES
        rate = MOVING_RATE if self._plan == SETTLING_FRAMES else 1.0
        share = self._resting_frames / self._plan
        self._resting_frames += 1
        if share < 1:
            self._step(vectors, rate * (1 - share))
            return MapFrame(self._layout, "umap", 0.3 + 0.7 * share)
        return MapFrame(self._layout, "umap", 1.0, self._trust(vectors, self._layout))

    def _step(self, vectors: np.ndarray, rate: float) -> None:
        assert self._neighbours is not None
        assert self._layout is not None
        graph = self._neighbours.graph(vectors, self._random)
        self._layout = _optimise(graph, self._layout, rate, self._random, self.config.min_dist)
        self._moved += 1

    def _trust(self, vectors: np.ndarray, points: np.ndarray) -> float | None:
        return trustworthiness(vectors, points) if len(points) > 2 else None


class NeighbourTable:
    """The exact nearest neighbours of n items, computed anew a part at a time as their vectors change."""

    def __init__(self, n: int, count: int) -> None:
        """Make room for `count` neighbours of each of the n items, each item first among its own."""
        self.indices = np.zeros((n, count), np.int32)
        self.distances = np.zeros((n, count), np.float32)
        self._next = 0
        self._fresh = 0
        self._filled = 0
        self._graph: Any = None

    @property
    def complete(self) -> bool:
        """Whether every item's neighbours have been found at least once."""
        return self._filled >= len(self.indices)

    def expire(self) -> None:
        """Say that the vectors have changed."""
        self._fresh = 0

    def refresh(self, vectors: np.ndarray, scores: int) -> float:
        """Find the neighbours of the next items, about `scores` comparisons; returns the share that is up to date."""
        n = len(vectors)
        rows = min(n - self._fresh, max(1, scores // n), n - self._next)
        if rows > 0:
            part = slice(self._next, self._next + rows)
            self.indices[part], self.distances[part] = nearest(vectors, self.indices.shape[1], part)
            self._next = (self._next + rows) % n
            self._fresh += rows
            self._filled += rows
            self._graph = None
        return self._fresh / n

    def graph(self, vectors: np.ndarray, random: np.random.RandomState) -> Any:
        """umap-learn's fuzzy graph of these neighbours, as a scipy COO matrix."""
        if self._graph is None:
            self._graph = fuzzy_graph(vectors, self.indices, self.distances, random)
        return self._graph


def warm_up() -> None:
    """Import umap and compile what a map needs (10 to 60 s the first time on a machine, then 2 to 8 s)."""
    if _warm.is_set():
        return
    random = np.random.RandomState(0)
    points = random.standard_normal((64, 8)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    table = NeighbourTable(len(points), MapConfig().n_neighbors)
    with _umap_lock:
        table.refresh(points, RESTING_SCORES)
        for dimensions in (2, 3):
            start = points[:, :dimensions].copy()
            _optimise(table.graph(points, random), start, MOVING_RATE, random, MapConfig().min_dist)
    _warm.set()


def is_warm() -> bool:
    """Whether `warm_up` is done, so that maps are UMAPs."""
    return _warm.is_set()


def space(vectors: np.ndarray, unit: np.ndarray, metric: str) -> np.ndarray:
    """The vectors in which a metric is plain distance.

    Args:
        vectors: (n, D) float32; unit: (n, D) the same at length one.
        metric: "cosine", "euclidean" or "correlation".
    """
    if metric == "cosine":
        return unit
    if metric == "euclidean":
        return vectors
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12), np.float32)


def pca(
    vectors: np.ndarray, previous_axes: np.ndarray | None = None, dimensions: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Project onto the directions of greatest variance.

    Args:
        vectors: (n, D).
        previous_axes: (dimensions, D) axes of the frame before; signs follow it so that the map doesn't flip.
        dimensions: of the map.

    Returns:
        points (n, dimensions) float32 and axes (min(dimensions, D), D).
    """
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :dimensions].T
    if previous_axes is not None and previous_axes.shape == axes.shape:
        axes = axes * np.where((axes * previous_axes).sum(axis=1, keepdims=True) < 0, -1, 1)
    points = centred @ axes.T
    if points.shape[1] < dimensions:
        points = np.pad(points, ((0, 0), (0, dimensions - points.shape[1])))
    return points.astype(np.float32), axes


def trustworthiness(vectors: np.ndarray, points: np.ndarray, n_neighbors: int = 15) -> float:
    """How far neighbours on the map are neighbours in the space, in [0, 1] (Venna and Kaski, 2001).

    Args:
        vectors: (n, D); points: (n, 2 or 3). Of more than `TRUST_SAMPLE` a sample is taken.
        n_neighbors: how many neighbours count; fewer where there are few points.
    """
    from sklearn import manifold

    if len(points) > TRUST_SAMPLE:
        chosen = np.random.default_rng(0).choice(len(points), TRUST_SAMPLE, replace=False)
        vectors, points = vectors[chosen], points[chosen]
    count = max(1, min(n_neighbors, (len(points) - 1) // 2))
    return float(manifold.trustworthiness(vectors, points, n_neighbors=count))


def clusters(vectors: np.ndarray) -> np.ndarray:
    """Group vectors into at most `CLUSTERS` by k-means; the label of each is in [0, CLUSTERS), the largest group 0."""
    from sklearn.cluster import MiniBatchKMeans

    count = min(CLUSTERS, len(vectors))
    labels = MiniBatchKMeans(count, random_state=0, n_init=3, batch_size=2048).fit_predict(vectors)
    rank = np.argsort(np.argsort(-np.bincount(labels, minlength=count), kind="stable"))
    return np.asarray(rank[labels], np.uint8)


def nearest(vectors: np.ndarray, count: int, part: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
    """Exact nearest neighbours by euclidean distance, which orders vectors of length one as their cosines do.

    Args:
        vectors: (n, D).
        count: neighbours to find, itself included.
        part: the rows to find them for (m of them).

    Returns:
        indices (m, count) int32, each item first among its own, and distances (m, count) float32, nearest first.
    """
    from backends.analysis.neighbour_kernel import best_per_row

    rows = np.arange(len(vectors), dtype=np.int32)[part]
    halves = 0.5 * np.einsum("nd,nd->n", vectors, vectors).astype(np.float32)
    scores = vectors[part] @ vectors.T - halves
    indices, best = best_per_row(np.ascontiguousarray(scores, np.float32), int(rows[0]), count - 1)
    distances = np.sqrt(np.maximum(0, 2 * (halves[part, None] - best)))
    return np.hstack([rows[:, None], indices]), np.hstack([np.zeros_like(distances[:, :1]), distances])


def fuzzy_graph(vectors: np.ndarray, indices: np.ndarray, distances: np.ndarray, random: np.random.RandomState) -> Any:
    """umap-learn's fuzzy graph of exact neighbours, as a scipy COO matrix."""
    import numba
    from umap.umap_ import fuzzy_simplicial_set

    numba.set_num_threads(1)  # of this Python thread only: helpers would spin on cores that train
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph, _, _ = fuzzy_simplicial_set(
            vectors, indices.shape[1], random, "euclidean", knn_indices=indices, knn_dists=distances
        )
    return graph.tocoo()


def _optimise(
    graph: Any, layout: np.ndarray, rate: float, random: np.random.RandomState, min_dist: float
) -> np.ndarray:
    """Run umap-learn's optimiser for `EPOCHS_PER_FRAME` epochs from a layout.

    So short a run would never visit an edge whose weight asks for less than one visit. Each of those is drawn
    with the chance that its weight deserves, at a random moment, so that frames together do what one long run does.
    """
    visits = EPOCHS_PER_FRAME * graph.data / graph.data.max()
    drawn = (visits >= 1) | (random.random_sample(len(visits)) < visits)
    visits = visits[drawn]
    moment = EPOCHS_PER_FRAME * random.uniform(0.3, 0.999, len(visits))
    epochs_per_sample = np.where(visits >= 1, EPOCHS_PER_FRAME / np.maximum(visits, 1), moment)
    a, b = _curve(min_dist)
    moved = layout - layout.mean(axis=0)  # a layout drifts: nothing holds its centre
    return np.asarray(
        _optimiser()(
            moved,
            moved,
            graph.row[drawn].astype(np.int32),
            graph.col[drawn].astype(np.int32),
            EPOCHS_PER_FRAME,
            len(moved),
            epochs_per_sample,
            a,
            b,
            random.randint(0, 1 << 30, 3).astype(np.int64),
            1.0,
            rate,
            NEGATIVE_SAMPLE_RATE,
            parallel=False,
            move_other=True,
        )
    )


@lru_cache(maxsize=1)
def _optimiser() -> Callable[..., Any]:
    """umap-learn's optimiser, its inner loop compiled anew so that it lets go of Python's lock.

    Otherwise every frame of a map would hold up the training threads of all visitors.
    """
    import numba
    from umap import layouts

    loop = getattr(layouts, "_optimize_layout_euclidean_single_epoch", None)
    if loop is not None and hasattr(layouts, "_nb_optimize_layout_euclidean_single_epoch"):
        layouts._nb_optimize_layout_euclidean_single_epoch = numba.njit(loop, fastmath=True, nogil=True)
    return layouts.optimize_layout_euclidean


@lru_cache(maxsize=64)
def _curve(min_dist: float) -> tuple[float, float]:
    """umap-learn's curve parameters for a minimum distance."""
    from umap.umap_ import find_ab_params

    a, b = find_ab_params(1.0, min_dist)
    return float(a), float(b)
