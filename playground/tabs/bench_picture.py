"""The one picture that stands on a tab's bench: a held-out one, one that was picked, or the visitor's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from backends.data.pictures import PictureError, resize
from playground.components import answers
from playground.own_pictures import own_version, split_of
from playground.picture_map import PictureModel
from playground.session import Session
from playground.tabs.pictures import HELD_OUT, Picked

OWN_NAME = "your picture"
MAX_TURN = 10_000
"""Of the number of a picture that a link names; benches go round through those that they have."""
NEXT_APPLES = 100
"""Where there is no model, so many apples are gone through."""


class PictureBench(Protocol):
    """A bench that keeps which picture stands on it.

    Attributes:
        turn: which of the model's held-out pictures is shown where none was picked or brought.
        picked: a picture that was picked from a data set.
        own: (side, side, 3) uint8, the visitor's own.
    """

    turn: int
    picked: Picked | None
    own: np.ndarray | None


def picture_on(bench: PictureBench, session: Session, model: PictureModel | None, size: int) -> tuple[np.ndarray, str]:
    """The picture: (size, size, 3) uint8, and its name, which may be a visitor's."""
    if bench.own is not None:
        return resize(bench.own[None], size)[0], OWN_NAME
    if bench.picked is not None:
        try:
            return _picked_picture(session, bench.picked, model, size)
        except PictureError:
            bench.picked = None
    if model is not None and len(model.split.held_out):
        pictures = model.map_pictures
        index = bench.turn % len(pictures)
    else:
        from backends.data.apples import apple_pictures
        from backends.data.splits import HELD_OUT_SEED

        pictures = apple_pictures(bench.turn % NEXT_APPLES + 1, HELD_OUT_SEED, 32)
        index = len(pictures) - 1
    return pictures.at_size([index], size)[0], pictures.names[index]


def take_own_picture(bench: PictureBench, path: str | None, side: int) -> str:
    """Put a visitor's picture on a bench and delete its file; returns what to say where it can't be read, or nothing.

    Args:
        bench: where to.
        path: of the uploaded file; None: nothing arrived.
        side: pixels at which it is kept.
    """
    from backends.data.own_pictures import read_picture

    if not path:
        return answers.problem("No picture arrived: choose a JPEG, PNG, WebP or GIF file.")
    try:
        bench.own = read_picture(Path(path), side)
    except PictureError as error:
        return answers.problem(str(error))
    finally:
        Path(path).unlink(missing_ok=True)
    return ""


def _picked_picture(session: Session, chosen: Picked, model: PictureModel | None, size: int) -> tuple[np.ndarray, str]:
    """A picture of a data set.

    Raises:
        PictureError: it was one of the visitor's own, and they are gone.
    """
    if chosen.version and chosen.version != own_version(session):
        raise PictureError("These pictures are gone.")
    if model is not None and model.config.data == chosen.data and chosen.side == HELD_OUT:
        side = model.split.held_out
    else:
        split = split_of(session, _Data(chosen.data))
        side = split.held_out if chosen.side == HELD_OUT else split.train
    if chosen.index >= len(side):
        raise PictureError("This picture is gone.")
    return side.at_size([chosen.index], size)[0], side.names[chosen.index]


@dataclass(frozen=True)
class _Data:
    """Settings that name a data set, at the size at which it is at hand."""

    data: Any
    image_size: str = "32"
