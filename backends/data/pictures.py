"""Sets of labelled pictures: what the apples, the emoji and a visitor's own folders have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

WHITE_FROM = 245
"""Of red, green and blue, from which on a pixel counts as white paper."""
MARGIN = 0.02
"""That `trim` leaves around a drawing, as a share of the picture's side."""


class PictureError(ValueError):
    """Pictures can't be used. The message is one sentence that says what to do."""


@dataclass(frozen=True)
class Factor:
    """Something that differs from picture to picture and is known: a label for probes, never for training.

    Attributes:
        name: snake_case, as in "knn_colour".
        label: as a person would say it.
        classes: names of the classes; of a visitor's folders, so untrusted.
        values: (N,) int64, each picture's class.
    """

    name: str
    label: str
    classes: tuple[str, ...]
    values: np.ndarray

    @property
    def chance(self) -> float:
        """Accuracy of always guessing the most frequent class."""
        return float(np.bincount(self.values, minlength=1).max() / max(1, len(self.values)))


@dataclass(frozen=True)
class PictureSet:
    """Pictures with their factors.

    Attributes:
        name: of the set: "apples", "emoji" or "own".
        images: (N, S, S, 3) uint8, sRGB.
        factors: by name.
        names: (N,) what each picture shows; may be a visitor's, so untrusted.
        source: where the pictures come from, in one sentence.
        licence: under which licence.
        groups: (N,) int64; pictures of one group never stand on both sides of a split. None: each is its own group.
        notes: sentences about what was left out or changed on the way in.
        draw: renders some of the pictures anew at another size: (indices, size) -> (n, size, size, 3) uint8. None
            where only `images` exist.
        captions: (N,) of each picture those that a visitor's captions.csv gives it, () where it gives none; untrusted.
            () as a whole where there is no such file.
    """

    name: str
    images: np.ndarray
    factors: dict[str, Factor]
    names: tuple[str, ...]
    source: str
    licence: str
    groups: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    draw: Callable[[np.ndarray, int], np.ndarray] | None = field(default=None, repr=False)
    captions: tuple[tuple[str, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> int:
        """Side of the pictures in pixels."""
        return int(self.images.shape[1])

    def subset(self, indices: Sequence[int] | np.ndarray) -> PictureSet:
        """Return only these pictures, in this order."""
        chosen = np.asarray(indices, dtype=np.int64)
        return replace(
            self,
            images=self.images[chosen],
            factors={name: replace(factor, values=factor.values[chosen]) for name, factor in self.factors.items()},
            names=tuple(self.names[i] for i in chosen),
            groups=None if self.groups is None else self.groups[chosen],
            draw=None if self.draw is None else partial(_draw_chosen, self.draw, chosen),
            captions=tuple(self.captions[i] for i in chosen) if self.captions else (),
        )

    def at_size(self, indices: Sequence[int] | np.ndarray, size: int) -> np.ndarray:
        """Return some pictures at a size for display, rendered anew where possible: (n, size, size, 3) uint8."""
        chosen = np.asarray(indices, dtype=np.int64)
        if self.draw is not None:
            return self.draw(chosen, size)
        return resize(self.images[chosen], size)

    def split(self, held_out: float, seed: int) -> tuple[PictureSet, PictureSet]:
        """Split into pictures to train on and pictures held out; see `split_indices`."""
        train, out = self.split_indices(held_out, seed)
        return self.subset(train), self.subset(out)

    def split_indices(self, held_out: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Which pictures to train on and which to hold out, whole groups at a time: int64 indices, rising.

        Args:
            held_out: share of the groups to hold out, in (0, 1).
            seed: of the draw.

        Raises:
            PictureError: there are not enough pictures for both sides.
        """
        groups = np.arange(len(self)) if self.groups is None else self.groups
        names = np.unique(groups)
        count = max(1, round(held_out * len(names)))
        if len(names) - count < 1:
            raise PictureError("There are too few pictures to hold some out: bring at least four.")
        out = np.isin(groups, np.random.default_rng(seed).permutation(names)[:count])
        return np.flatnonzero(~out), np.flatnonzero(out)


def _draw_chosen(
    draw: Callable[[np.ndarray, int], np.ndarray], chosen: np.ndarray, some: np.ndarray, size: int
) -> np.ndarray:
    return draw(chosen[np.asarray(some, dtype=np.int64)], size)


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Resize (N, S, S, 3) uint8 pictures to (N, size, size, 3): by area downwards, bicubic upwards."""
    from PIL import Image

    if images.shape[1] == size:
        return images
    method = Image.Resampling.BOX if images.shape[1] % size == 0 else Image.Resampling.LANCZOS
    if images.shape[1] < size:
        method = Image.Resampling.BICUBIC
    sized = [np.asarray(Image.fromarray(image).resize((size, size), method)) for image in images]
    return np.stack(sized) if sized else np.zeros((0, size, size, 3), np.uint8)


def trim(images: np.ndarray, size: int) -> np.ndarray:
    """Cut white margins off, so that what is drawn fills each picture: (N, S, S, 3) to (N, size, size, 3) uint8.

    What is left is a square that holds all that is drawn, and `MARGIN` around it where the picture has room; a picture
    without white margins, or all white, stays whole.
    """
    from PIL import Image

    side = images.shape[1]
    drawn: np.ndarray = images.min(axis=3) < WHITE_FROM
    top, bottom = _ends(np.any(drawn, axis=2))
    left, right = _ends(np.any(drawn, axis=1))
    cut = np.minimum(np.maximum(bottom - top, right - left) + 2 * MARGIN * side, side)
    corners = np.stack(((left + right - cut) / 2, (top + bottom - cut) / 2), 1).clip(0, (side - cut)[:, None])
    trimmed = np.zeros((len(images), size, size, 3), np.uint8)
    for place, (image, (x, y), width) in enumerate(zip(images, corners, cut, strict=True)):
        method = Image.Resampling.BOX if width >= size else Image.Resampling.BICUBIC
        box = (float(x), float(y), float(x + width), float(y + width))
        trimmed[place] = np.asarray(Image.fromarray(image).resize((size, size), method, box))
    return trimmed


def _ends(marked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the marks of each row (N, S) begin, and one beyond where they end; 0 and S where there are none."""
    side = marked.shape[1]
    end = side - marked[:, ::-1].argmax(axis=1)
    return marked.argmax(axis=1), end
