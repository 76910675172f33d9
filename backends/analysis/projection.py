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

N_NEIGHBORS = 15
MIN_DIST = 0.1
EPOCHS_PER_FRAME = 5
GRAPH_EVERY = 2
"""Frames that share one neighbour graph while the vectors move: it costs more than moving the points."""
MOVING_RATE = 0.3
"""Step size while the vectors still change (umap-learn starts a full fit at 1)."""
SETTLING_FRAMES = 24
NEGATIVE_SAMPLE_RATE = 5.0
START_SPREAD = 3.0
"""Standard deviation of the PCA that the first layout starts from: about that of a finished map."""

_umap_lock = threading.RLock()
"""Two threads inside umap's parallel kernels abort the process where numba has only its workqueue layer."""
_warm = threading.Event()


@dataclass(frozen=True)
class MapFrame:
    """One state of a map.

    Attributes:
        points: (n, 2) float32.
        method: "umap", or "pca" while UMAP is still compiling or there are too few points.
    """

    points: np.ndarray
    method: str


class LiveMap:
    """A map of the same n items, updated whenever their vectors have changed."""

    def __init__(self, seed: int = 0) -> None:
        """Start without a layout; the first frame is a PCA, or begins from one."""
        self._random = np.random.RandomState(seed)
        self._layout: np.ndarray | None = None
        self._graph: Any = None
        self._frames = 0
        self._axes: np.ndarray | None = None

    def update(self, unit: np.ndarray) -> MapFrame:
        """Move the map after the vectors.

        Args:
            unit: (n, D) float32 vectors of length one; n and their order stay the same.

        Returns:
            The new frame.
        """
        if not _warm.is_set() or len(unit) <= N_NEIGHBORS + 1:
            points, self._axes = pca(unit, self._axes)
            return MapFrame(points, "pca")
        if self._layout is None:
            points, self._axes = pca(unit, self._axes)
            self._layout = points * (START_SPREAD / max(float(points.std()), 1e-9))
        with _umap_lock:
            if self._graph is None or self._frames % GRAPH_EVERY == 0:
                self._graph = neighbour_graph(unit, self._random)
            self._frames += 1
            self._layout = _optimise(self._graph, self._layout, MOVING_RATE, self._random)
        return MapFrame(self._layout, "umap")

    def settle(self, unit: np.ndarray, frame: int) -> MapFrame | None:
        """Let the map of vectors that change no more come to rest: call with 0, 1, ... until it returns None."""
        if self._layout is None or frame >= SETTLING_FRAMES:
            return None
        with _umap_lock:
            if frame == 0:
                self._graph = neighbour_graph(unit, self._random)
            rate = MOVING_RATE * (1 - frame / SETTLING_FRAMES)
            self._layout = _optimise(self._graph, self._layout, rate, self._random)
        return MapFrame(self._layout, "umap")


def warm_up() -> None:
    """Import umap and compile what a map needs (10 to 60 s the first time on a machine, then 2 to 8 s)."""
    if _warm.is_set():
        return
    random = np.random.RandomState(0)
    points = random.standard_normal((64, 8)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    with _umap_lock:
        graph = neighbour_graph(points, random)
        _optimise(graph, points[:, :2].copy(), MOVING_RATE, random)
    _warm.set()


def is_warm() -> bool:
    """Whether `warm_up` is done, so that maps are UMAPs."""
    return _warm.is_set()


def pca(vectors: np.ndarray, previous_axes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Project onto the two directions of greatest variance.

    Args:
        vectors: (n, D).
        previous_axes: (2, D) axes of the frame before; signs follow it so that the map doesn't flip.

    Returns:
        points (n, 2) float32 and axes (2, D); missing directions are zero.
    """
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :2].T
    if previous_axes is not None and previous_axes.shape == axes.shape:
        axes = axes * np.where((axes * previous_axes).sum(axis=1, keepdims=True) < 0, -1, 1)
    points = centred @ axes.T
    if points.shape[1] < 2:
        points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    return points.astype(np.float32), axes


def trustworthiness(vectors: np.ndarray, points: np.ndarray) -> float:
    """How far neighbours on the map are neighbours in the space, in [0, 1] (Venna and Kaski, 2001)."""
    from sklearn import manifold

    return float(manifold.trustworthiness(vectors, points, n_neighbors=N_NEIGHBORS, metric="cosine"))


def nearest(unit: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Exact nearest neighbours by cosine, each item first among its own.

    Args:
        unit: (n, D) vectors of length one.
        count: neighbours to find, itself included.

    Returns:
        indices (n, count) int32 and cosine distances (n, count) float32, nearest first.
    """
    from backends.analysis.neighbour_kernel import best_per_row

    indices, cosines = best_per_row(unit @ unit.T, count - 1)
    itself = np.arange(len(unit), dtype=np.int32)[:, None]
    distances = np.maximum(0, 1 - cosines)
    return np.hstack([itself, indices]), np.hstack([np.zeros_like(distances[:, :1]), distances])


def neighbour_graph(unit: np.ndarray, random: np.random.RandomState) -> Any:
    """umap-learn's fuzzy graph of exact neighbours, as a scipy COO matrix."""
    import numba
    from umap.umap_ import fuzzy_simplicial_set

    numba.set_num_threads(1)  # of this Python thread only: helpers would spin on cores that train
    indices, distances = nearest(unit, N_NEIGHBORS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph, _, _ = fuzzy_simplicial_set(
            unit, N_NEIGHBORS, random, "cosine", knn_indices=indices, knn_dists=distances
        )
    return graph.tocoo()


def _optimise(graph: Any, layout: np.ndarray, rate: float, random: np.random.RandomState) -> np.ndarray:
    """Run umap-learn's optimiser for `EPOCHS_PER_FRAME` epochs from a layout.

    So short a run would never visit an edge whose weight asks for less than one visit. Each of those is drawn
    with the chance that its weight deserves, at a random moment, so that frames together do what one long run does.
    """
    visits = EPOCHS_PER_FRAME * graph.data / graph.data.max()
    drawn = (visits >= 1) | (random.random_sample(len(visits)) < visits)
    visits = visits[drawn]
    moment = EPOCHS_PER_FRAME * random.uniform(0.3, 0.999, len(visits))
    epochs_per_sample = np.where(visits >= 1, EPOCHS_PER_FRAME / np.maximum(visits, 1), moment)
    a, b = _curve()
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


@lru_cache(maxsize=1)
def _curve() -> tuple[float, float]:
    """umap-learn's curve parameters for `MIN_DIST`."""
    from umap.umap_ import find_ab_params

    a, b = find_ab_params(1.0, MIN_DIST)
    return float(a), float(b)
