"""The gap between pictures and captions: both in one plane, and how far apart their middles are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from backends.analysis.map_config import MapConfig
from backends.clip.zero_shot import modality_gap

Layout = Literal["pca", "umap"]
MOST_FRAMES = 200


@dataclass(frozen=True)
class Gap:
    """Where n pictures and their captions lie.

    Attributes:
        pictures: (n, 2) in the plane of the two directions that vary most among all 2n points, or on their UMAP.
        captions: (n, 2) likewise; row i belongs to picture i.
        explained: share of the variance that the plane shows, in [0, 1]; None of a UMAP, which has no such share.
        distance: between the mean picture and the mean caption in the whole space, in [0, 2].
        own: mean cosine of a picture with its caption.
        others: mean cosine of a picture with the captions of others.
    """

    pictures: np.ndarray
    captions: np.ndarray
    explained: float | None
    distance: float
    own: float
    others: float


def gap_of(pictures: np.ndarray, captions: np.ndarray, layout: Layout = "pca") -> Gap:
    """Lay pictures and captions on one map.

    Args:
        pictures: (n, P) of length 1, n at least 2.
        captions: (n, P) of length 1; row i belongs to picture i.
        layout: "pca", the plane of their principal components, or "umap", which keeps neighbours together.

    Raises:
        ValueError: there are fewer than two pairs, or the shapes differ.
    """
    if pictures.shape != captions.shape or len(pictures) < 2:
        raise ValueError(f"Two or more pairs are needed, not {pictures.shape} and {captions.shape}.")
    points = np.concatenate([pictures, captions])
    places, explained = _principal_plane(points) if layout == "pca" else (_umap(points), None)
    cosines = pictures @ captions.T
    n = len(pictures)
    own = float(np.trace(cosines)) / n
    return Gap(
        pictures=places[:n].astype(np.float32),
        captions=places[n:].astype(np.float32),
        explained=explained,
        distance=modality_gap(pictures, captions),
        own=own,
        others=(float(cosines.sum()) - n * own) / (n * (n - 1)),
    )


def _principal_plane(points: np.ndarray) -> tuple[np.ndarray, float]:
    """(N, 2) places, and the share of the variance that they keep."""
    centred = points.astype(np.float64) - points.mean(axis=0)
    left, strengths, _ = np.linalg.svd(centred, full_matrices=False)
    total = float((strengths**2).sum())
    return (left * strengths)[:, :2], float((strengths[:2] ** 2).sum()) / total if total else 1.0


def _umap(points: np.ndarray) -> np.ndarray:
    """(N, 2) places of a layout that rests; a PCA while UMAP is still compiling, or of very few points."""
    from backends.analysis.projection import LiveMap

    live, places = LiveMap(MapConfig(method="umap")), np.zeros((len(points), 2))
    for _ in range(MOST_FRAMES):
        frame = live.advance(points.astype(np.float32), 0, resting=True)
        if frame is None:
            break
        places = frame.points
    return places
