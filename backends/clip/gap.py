"""The gap between pictures and captions: both in one plane, and how far apart their middles are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.clip.zero_shot import modality_gap


@dataclass(frozen=True)
class Gap:
    """Where n pictures and their captions lie.

    Attributes:
        pictures: (n, 2) in the plane of the two directions that vary most among all 2n points.
        captions: (n, 2) likewise; row i belongs to picture i.
        explained: share of the variance that the plane shows, in [0, 1].
        distance: between the mean picture and the mean caption in the whole space, in [0, 2].
        own: mean cosine of a picture with its caption.
        others: mean cosine of a picture with the captions of others.
    """

    pictures: np.ndarray
    captions: np.ndarray
    explained: float
    distance: float
    own: float
    others: float


def gap_of(pictures: np.ndarray, captions: np.ndarray) -> Gap:
    """Lay pictures and captions into one plane (principal components).

    Args:
        pictures: (n, P) of length 1, n at least 2.
        captions: (n, P) of length 1; row i belongs to picture i.

    Raises:
        ValueError: there are fewer than two pairs, or the shapes differ.
    """
    if pictures.shape != captions.shape or len(pictures) < 2:
        raise ValueError(f"Two or more pairs are needed, not {pictures.shape} and {captions.shape}.")
    points = np.concatenate([pictures, captions]).astype(np.float64)
    centred = points - points.mean(axis=0)
    left, strengths, _ = np.linalg.svd(centred, full_matrices=False)
    plane = (left * strengths)[:, :2]
    total = float((strengths**2).sum())
    cosines = pictures @ captions.T
    n = len(pictures)
    own = float(np.trace(cosines)) / n
    return Gap(
        pictures=plane[:n].astype(np.float32),
        captions=plane[n:].astype(np.float32),
        explained=float((strengths[:2] ** 2).sum()) / total if total else 1.0,
        distance=modality_gap(pictures, captions),
        own=own,
        others=(float(cosines.sum()) - n * own) / (n * (n - 1)),
    )
