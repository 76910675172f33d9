"""What the parts of the SimCLR tab share: which pictures and which model a visitor works with now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.data.pictures import PictureSet
from backends.simclr.config import SimCLRConfig
from playground.session import Session

if TYPE_CHECKING:
    from backends.simclr.data import Split
    from backends.simclr.trainer import FrozenModel

TAB = "simclr"
EXPERIMENT = "simclr_experiment"
ABLATION = "simclr_ablation"
RUNS = (TAB, EXPERIMENT, ABLATION)
"""The names under which a session keeps this tab's runs."""
OWN = "simclr_pictures"
PICKED = "simclr_picked"


def own_pictures(session: Session) -> PictureSet | None:
    """The pictures that the visitor brought, or None."""
    pictures: PictureSet | None = session.uploads.get(OWN)
    return pictures


def take_own_pictures(session: Session, pictures: PictureSet) -> None:
    """Keep a visitor's pictures; runs that were trained on earlier ones start anew at the next click."""
    session.uploads[OWN] = pictures
    session.uploads.pop(PICKED, None)
    for name in RUNS:
        run = session.runs.get(name)
        if run is not None and getattr(run.config, "data", "") == "own":
            run.stale = True


def split_of(session: Session, config: SimCLRConfig) -> Split:
    """The pictures of these settings: those to train on and those held out.

    Raises:
        PictureError: own pictures are asked for and there are none.
    """
    from backends.simclr.data import load_split

    return load_split(config, own_pictures(session))


def picked(session: Session, data: str) -> int:
    """Index of the picture that was picked last, among the training pictures of this data set."""
    kept = session.uploads.get(PICKED)
    return kept[1] if kept is not None and kept[0] == data else 0


def pick(session: Session, data: str, index: int) -> None:
    """Pick a training picture of this data set, to be augmented."""
    session.uploads[PICKED] = (data, index)


def frozen_of(session: Session) -> FrozenModel | None:
    """The model that answers questions: the visitor's own run, or None before there is one."""
    run = session.runs.get(TAB)
    return None if run is None else run.frozen
