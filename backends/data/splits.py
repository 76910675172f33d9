"""Which pictures a run trains on and which are held out, for every method that learns from pictures."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Literal

import numpy as np

from backends.data.pictures import Factor, PictureError, PictureSet, resize

Data = Literal["apples", "emoji", "both", "own"]
Shortcut = Literal["none", "colour", "shape"]
OWN = "own"
TRAINING_APPLES, HELD_OUT_APPLES = 6_000, 1_000
TRAINING_SEED, HELD_OUT_SEED = 11, 12
"""The pictures are the same for every run; a run's own seed decides on weights, batches, views and masks."""
HELD_OUT_SHARE = 0.2
SPLIT_SEED = 0
_loading = threading.Lock()


@dataclass(frozen=True)
class Split:
    """Pictures to train on and pictures that the net never sees in training, at the size that the net takes."""

    train: PictureSet
    held_out: PictureSet


def load_split(data: Data, size: int, pictures: PictureSet | None = None, shortcut: Shortcut = "none") -> Split:
    """Return the pictures of a run; those that are built in are drawn once and shared.

    Args:
        data: "apples", "emoji", "both" of them, or the visitor's "own".
        size: side in pixels.
        pictures: the visitor's own; needed when `data` is "own", ignored otherwise.
        shortcut: the factor that the background of the apples to train on gives away, or "none".

    Raises:
        PictureError: own pictures are asked for and there are none, or too few to hold some out.
    """
    if data != OWN:
        with _loading:  # two first visitors would draw the same apples twice
            return _built_in(data, size, shortcut)
    if pictures is None:
        raise PictureError("No pictures of your own are here yet: choose a .zip of folders, or pick apples or emoji.")
    return _split(pictures, size)


def no_pictures(size: int) -> Split:
    """What stands in for the pictures of whoever trained a model, which did not come with it: none."""
    none = PictureSet(
        name=OWN,
        images=np.zeros((0, size, size, 3), np.uint8),
        factors={},
        names=(),
        source="Pictures that whoever trained the model had; they are not here.",
        licence="unknown",
    )
    return Split(none, none)


def at_training_size(pictures: PictureSet, size: int) -> PictureSet:
    """The set with smaller pictures; what it can draw or show at other sizes stays as it was."""
    if pictures.size == size:
        return pictures
    return replace(pictures, images=resize(pictures.images, size), draw=pictures.at_size)


@lru_cache(maxsize=8)
def _built_in(data: Data, size: int, shortcut: Shortcut) -> Split:
    if data == "apples":
        from backends.data.apples import apple_pictures

        return Split(
            apple_pictures(TRAINING_APPLES, TRAINING_SEED, size, shortcut),
            apple_pictures(HELD_OUT_APPLES, HELD_OUT_SEED, size),
        )
    if data == "both":
        apples, emoji = _built_in("apples", size, shortcut), _built_in("emoji", size, "none")
        return Split(_joined(apples.train, emoji.train), _joined(apples.held_out, emoji.held_out))
    from backends.data.emoji import load_emoji

    return _split(load_emoji(), size)


def _split(pictures: PictureSet, size: int) -> Split:
    train, held_out = pictures.split(HELD_OUT_SHARE, SPLIT_SEED)
    return Split(at_training_size(train, size), at_training_size(held_out, size))


def _joined(apples: PictureSet, emoji: PictureSet) -> PictureSet:
    """Both in one set. Of their factors none fits all; which of the two a picture is, is the one that does."""
    sets = (apples, emoji)
    kind = np.repeat(np.arange(2), [len(part) for part in sets])
    groups = [np.arange(len(part)) if part.groups is None else part.groups for part in sets]
    return PictureSet(
        name="both",
        images=np.concatenate([part.images for part in sets]),
        factors={"kind": Factor("kind", "Kind", ("apple", "emoji"), kind)},
        names=apples.names + emoji.names,
        source=" ".join(f"{part.name.capitalize()}: {part.source.rstrip('.')}." for part in sets),
        licence=f"apples: {apples.licence}; emoji: {emoji.licence}",
        groups=np.concatenate([groups[0], groups[1] + groups[0].max(initial=-1) + 1]),
        notes=apples.notes + emoji.notes,
        draw=partial(_draw_joined, apples, emoji),
    )


def _draw_joined(apples: PictureSet, emoji: PictureSet, indices: np.ndarray, size: int) -> np.ndarray:
    chosen, first = np.asarray(indices, dtype=np.int64), len(apples)
    drawn = np.zeros((len(chosen), size, size, 3), np.uint8)
    for part, start, mine in zip((apples, emoji), (0, first), (chosen < first, chosen >= first), strict=True):
        if mine.any():
            drawn[mine] = part.at_size(chosen[mine] - start, size)
    return drawn
