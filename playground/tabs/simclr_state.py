"""What the parts of the SimCLR tab share: which pictures and which model a visitor works with now."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from playground.session import Session, worth_keeping
from playground.tabs import pictures

if TYPE_CHECKING:
    from backends.simclr.by_hand import Batch
    from backends.simclr.trainer import FrozenModel

TAB = "simclr"
EXPERIMENT = "simclr_experiment"
ABLATION = "simclr_ablation"
BENCH_PICTURE = "simclr_bench_picture"
LOADED = worth_keeping("simclr_loaded")
BATCH_PICTURES = 10
"""Of which the similarity matrix shows two views each."""


def picked(session: Session, data: str) -> int:
    """Index of the picture that was picked last, among the training pictures of this data set."""
    kept = pictures.picked(session, TAB, data)
    return kept.index if kept is not None else 0


def pick(session: Session, data: str, index: int) -> None:
    """Pick a training picture of this data set, to be augmented in place of what was on the bench."""
    pictures.pick(session, TAB, data, pictures.TRAINING, index)
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
