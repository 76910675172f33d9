"""Vectors of pictures: who stands near whom, and where a new picture belongs on a map of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backends.data.pictures import Factor, PictureError

PLACED_BY = 5
"""A new picture is placed by so many of its nearest neighbours."""


@dataclass(frozen=True, eq=False)
class PictureVectors:
    """A frozen copy of what an encoder makes of some pictures; later training does not change it.

    Attributes:
        vectors: (n, D) float32, finite.
        names: (n,) what each picture shows; may be a visitor's, so untrusted.
        factors: by name, what is known of each picture.
    """

    vectors: np.ndarray
    names: tuple[str, ...]
    factors: Mapping[str, Factor]

    def __post_init__(self) -> None:
        """Copy and check.

        Raises:
            PictureError: the shapes don't fit each other, or a number is NaN or infinite.
        """
        vectors = np.array(self.vectors, np.float32)
        if vectors.ndim != 2:
            raise PictureError(f"Vectors of pictures have the shape (n, D); these have {vectors.ndim} dimensions.")
        if not np.isfinite(vectors).all():
            raise PictureError("Some vectors are not finite: lower the learning rate, and train again.")
        for what, count in [("names", len(self.names)), *((f.label, len(f.values)) for f in self.factors.values())]:
            if count != len(vectors):
                raise PictureError(f"There are {len(vectors)} vectors of pictures, but {count} of {what}.")
        vectors.setflags(write=False)
        object.__setattr__(self, "vectors", vectors)
        object.__setattr__(self, "names", tuple(self.names))

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def dim(self) -> int:
        """Numbers per picture."""
        return int(self.vectors.shape[1])

    @cached_property
    def unit(self) -> np.ndarray:
        """(n, D) float32: the vectors at length one; a zero vector stays zero."""
        return unit_of(self.vectors)

    def nearest(self, index: int, count: int) -> list[tuple[int, float]]:
        """Return the pictures most like one of these, itself left out: (index, cosine), the nearest first.

        Raises:
            PictureError: there is no picture of that index.
        """
        if isinstance(index, bool) or not isinstance(index, int | np.integer) or not 0 <= index < len(self):
            raise PictureError(f"There is no picture {index}; there are {len(self)}, counted from 0.")
        return self._nearest(self.unit[index], count, leave_out=int(index))

    def nearest_to(self, vector: np.ndarray, count: int) -> list[tuple[int, float]]:
        """Return the pictures most like a new vector: (index, cosine in [-1, 1]), the nearest first.

        Args:
            vector: (D,) of any length but finite.
            count: how many; fewer where there are fewer pictures.

        Raises:
            PictureError: the vector has another shape or is not finite.
        """
        vector = np.asarray(vector, np.float32)
        if vector.shape != (self.dim,) or not np.isfinite(vector).all():
            raise PictureError(f"To compare a vector with these pictures it takes {self.dim} finite numbers.")
        return self._nearest(unit_of(vector[None])[0], count)

    def _nearest(self, unit: np.ndarray, count: int, leave_out: int | None = None) -> list[tuple[int, float]]:
        cosines = np.clip(self.unit @ unit, -1, 1)
        order = np.argsort(-cosines, kind="stable")
        order = order[order != leave_out] if leave_out is not None else order
        return [(int(i), float(cosines[i])) for i in order[: max(0, count)]]


def unit_of(vectors: np.ndarray) -> np.ndarray:
    """(n, D) float32: vectors at length one; a zero vector stays zero."""
    vectors = np.asarray(vectors, np.float32)
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0)
    scaled = vectors / np.where(largest > 0, largest, 1)  # squares of very large numbers would overflow
    lengths = np.sqrt(np.einsum("nd,nd->n", scaled, scaled))
    return np.asarray(scaled / np.where(lengths > 0, lengths, 1)[:, None], np.float32)


def place_among(unit_new: np.ndarray, unit: np.ndarray, points: np.ndarray, k: int = PLACED_BY) -> np.ndarray:
    """Place new items on a map of others: each at the weighted mean of its k nearest neighbours' places.

    UMAP's `transform` starts from such means (McInnes, Healy and Melville, 2018). Weights here are inverse distances
    (Shepard, 1968), so that a copy of a picture lands on the picture itself.

    Args:
        unit_new: (m, D) the new items' vectors at length one; unit: (n, D) the others'.
        points: (n, d) the others' places.
        k: neighbours that count; fewer where there are fewer.

    Returns:
        (m, d) float32 places, none outside the box of the others.

    Raises:
        ValueError: shapes don't fit, a number is not finite, or there is nothing to be placed among.
    """
    new, known, places = (np.asarray(a, np.float64) for a in (unit_new, unit, points))
    if new.ndim != 2 or known.ndim != 2 or places.ndim != 2 or new.shape[1] != known.shape[1]:
        raise ValueError("Places need vectors of the same width and points of the shape (n, d).")
    if len(known) != len(places) or not len(known) or k < 1:
        raise ValueError(f"{len(known)} vectors and {len(places)} points: each needs its own, and there must be some.")
    if not all(np.isfinite(a).all() for a in (new, known, places)):
        raise ValueError("Vectors and points must be finite.")
    cosines = new @ known.T
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    distances = np.sqrt(np.maximum(0, 2 - 2 * np.take_along_axis(cosines, nearest, axis=1)))
    weights = 1 / np.maximum(distances, 1e-9)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("mk,mkd->md", weights, places[nearest]).astype(np.float32)


def common_class(factors: Mapping[str, Factor], members: np.ndarray) -> str:
    """Say what some pictures have in common: the class that is most over-represented among them, with its share.

    Args:
        factors: what is known of all pictures.
        members: indices of some.

    Returns:
        "red 82 %", or "" where nothing stands out by ten points or more.
    """
    best, said = 0.1, ""
    for factor in factors.values():
        if not len(members) or not factor.classes:
            continue
        size = len(factor.classes)
        share = np.bincount(factor.values[members], minlength=size) / len(members)
        excess = share - np.bincount(factor.values, minlength=size) / len(factor.values)
        top = int(excess.argmax())
        if excess[top] > best:
            best, said = float(excess[top]), f"{factor.classes[top]} {100 * share[top]:.0f} %"
    return said
