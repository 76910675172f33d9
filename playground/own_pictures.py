"""The pictures that a visitor brought: one set for each session, known in every tab that works with pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from backends.data.pictures import PictureSet
from backends.data.splits import Data, Shortcut, Split, load_split
from playground.session import Session, worth_keeping

OWN_DATA: Data = "own"
"""What the setting `data` is called for them, in every method's config."""
OWN_SIZE = 64
"""Pixels a side at which they are read."""
PICTURES, VERSION = worth_keeping("own_pictures"), "own_pictures_version"


class PictureConfig(Protocol):
    """The settings that decide on the pictures; `shortcut` counts where there is one."""

    @property
    def data(self) -> Data:
        """Which pictures: a built-in set's name, or `OWN_DATA`."""

    @property
    def image_size(self) -> str:
        """Pixels a side that the net takes."""


def own_pictures(session: Session) -> PictureSet | None:
    """The pictures that the visitor brought, or None."""
    pictures: PictureSet | None = session.uploads.get(PICTURES)
    return pictures


def own_version(session: Session) -> int:
    """How many sets the visitor has brought: says, without holding a set, whether it is still the same; 0: none."""
    return int(session.uploads.get(VERSION, 0))


def take_own_pictures(session: Session, pictures: PictureSet) -> None:
    """Keep a visitor's pictures in place of those before; runs on the old ones start anew at the next click."""
    session.uploads |= {PICTURES: pictures, VERSION: own_version(session) + 1}
    for run in session.runs.values():
        if getattr(run.config, "data", "") == OWN_DATA:
            run.stale = True


def split_of(session: Session, config: PictureConfig, size: int | None = None) -> Split:
    """The pictures of these settings: those to train on and those held out.

    Args:
        session: whose own pictures count.
        config: which pictures, and at which size.
        size: another size than the config's, in pixels; the split is the same at every size.

    Raises:
        PictureError: own pictures are asked for and there are none.
    """
    shortcut: Shortcut = getattr(config, "shortcut", "none")
    return load_split(config.data, size or int(config.image_size), own_pictures(session), shortcut)


def read_own_pictures(path: str) -> PictureSet:
    """Read an uploaded .zip of folders and delete the file, whatever comes of it.

    Raises:
        PictureError: it is none, or its pictures can't be trained on.
    """
    from backends.data.own_pictures import read_zip

    try:
        pictures = read_zip(path, OWN_SIZE)
        load_split(OWN_DATA, OWN_SIZE, pictures)  # what could not be trained on is refused here
        return pictures
    finally:
        Path(path).unlink(missing_ok=True)
