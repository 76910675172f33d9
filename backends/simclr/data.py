"""Which pictures a run trains on and which are held out."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from backends.data.pictures import PictureError, PictureSet, resize
from backends.simclr.config import OWN_PICTURES, SimCLRConfig

TRAINING_APPLES, HELD_OUT_APPLES = 6_000, 1_000
TRAINING_SEED, HELD_OUT_SEED = 11, 12
"""The pictures are the same for every run; a run's own seed decides on weights, batches and views."""
HELD_OUT_SHARE = 0.2
SPLIT_SEED = 0
_loading = threading.Lock()


@dataclass(frozen=True)
class Split:
    """Pictures to train on and pictures that the net never sees in training, at the size that the net takes."""

    train: PictureSet
    held_out: PictureSet


def load_split(config: SimCLRConfig, pictures: PictureSet | None = None) -> Split:
    """Return the pictures of a config.

    Args:
        config: says which, and at which size.
        pictures: the visitor's own; needed when config.data is "own", ignored otherwise.

    Raises:
        PictureError: own pictures are asked for and there are none.
    """
    size = int(config.image_size)
    if config.data != OWN_PICTURES:
        with _loading:  # two first visitors would draw the same apples twice
            return _built_in(config.data, size, config.shortcut)
    if pictures is None:
        raise PictureError("No pictures of your own are here yet: choose a .zip of folders, or pick apples or emoji.")
    return _split(pictures, size)


@lru_cache(maxsize=6)
def _built_in(name: str, size: int, shortcut: Literal["none", "colour", "shape"]) -> Split:
    if name == "apples":
        from backends.data.apples import apple_pictures

        return Split(
            apple_pictures(TRAINING_APPLES, TRAINING_SEED, size, shortcut),
            apple_pictures(HELD_OUT_APPLES, HELD_OUT_SEED, size),
        )
    from backends.data.emoji import load_emoji

    return _split(load_emoji(), size)


def _split(pictures: PictureSet, size: int) -> Split:
    train, held_out = pictures.split(HELD_OUT_SHARE, SPLIT_SEED)
    return Split(at_training_size(train, size), at_training_size(held_out, size))


def at_training_size(pictures: PictureSet, size: int) -> PictureSet:
    """The set with smaller pictures; what it can draw or show at other sizes stays as it was."""
    from dataclasses import replace

    if pictures.size == size:
        return pictures
    large = pictures
    return replace(
        pictures,
        images=resize(pictures.images, size),
        draw=lambda some, shown: large.at_size(np.asarray(some, dtype=np.int64), shown),
    )
