"""What the parts of the SimCLR tab share: which pictures and which model a visitor works with now."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from backends.data.pictures import PictureSet
from backends.simclr.config import SimCLRConfig
from playground.components.sprites import sprite_of
from playground.session import Session

if TYPE_CHECKING:
    from backends.simclr.by_hand import Batch
    from backends.simclr.data import Split
    from backends.simclr.trainer import FrozenModel

TAB = "simclr"
EXPERIMENT = "simclr_experiment"
ABLATION = "simclr_ablation"
RUNS = (TAB, EXPERIMENT, ABLATION)
"""The names under which a session keeps this tab's runs."""
OWN = "simclr_pictures"
PICKED, BENCH_PICTURE = "simclr_picked", "simclr_bench_picture"
ASKED, GUEST, MAP = "simclr_asked", "simclr_guest", "simclr_map"
LOADED = "simclr_loaded"
BATCH_PICTURES = 10
"""Of which the similarity matrix shows two views each."""
THUMBNAIL = 48
"""Pixels of a picture on the map."""


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
    """Pick a training picture of this data set, to be augmented in place of what was on the bench."""
    session.uploads[PICKED] = (data, index)
    session.uploads.pop(BENCH_PICTURE, None)


def model_of(session: Session) -> tuple[FrozenModel | None, str]:
    """The model that answers questions, and a line that says where it comes from; None where there is none."""
    from backends.engine.checkpoints import CheckpointError
    from backends.simclr import shipped

    loaded = session.uploads.get(LOADED)
    if loaded is not None and not session.is_driven(TAB):
        return loaded
    run = session.runs.get(TAB)
    if run is not None:
        return run.frozen, f"Answers come from your own run{'' if run.snapshot else ', before its first step'}."
    try:
        model = shipped.load(shipped.FIRST)
    except CheckpointError:
        return None, "There is no model yet: press Train."
    return model, f"{shipped.origin(shipped.FIRST)} Press Train to make your own."


def draw_batch(session: Session) -> Batch | None:
    """Two views each of a few training pictures, and what the present model makes of them; None without a model."""
    import numpy as np

    from backends.simclr.by_hand import Batch

    model, _ = model_of(session)
    if model is None or not len(model.split.train):
        return None
    random = np.random.default_rng(secrets.randbits(32))
    train = model.split.train
    chosen = random.permutation(len(train))[: min(BATCH_PICTURES, len(train))]
    views = model.draw_views(chosen, int(random.integers(2**31)))
    label = f"{len(chosen)} pictures, two views each, as the model sees them after {model.step:,} steps"
    return Batch(views, model.project(views), model.config.temperature, label)


def labels_of(pictures: PictureSet) -> dict[str, str]:
    """The factors' labels by name, in the set's order."""
    return {name: factor.label for name, factor in pictures.factors.items()}


def swatches_of(pictures: PictureSet) -> dict[str, tuple[str, ...]]:
    """The colours that classes have of their own, for a map's key."""
    if pictures.name != "apples":
        return {}
    from backends.data.apples import COLOUR_SWATCHES

    return {"colour": COLOUR_SWATCHES}


def sprite_of_map(pictures: PictureSet) -> dict[str, Any]:
    """The map's pictures as one sheet."""
    import numpy as np

    return sprite_of(pictures.at_size(np.arange(len(pictures)), THUMBNAIL))
