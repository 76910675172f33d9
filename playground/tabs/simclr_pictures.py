"""What the SimCLR tab has pictures for: a training picture goes on the augmentation bench."""

from __future__ import annotations

from backends.simclr.config import SimCLRConfig
from playground.session import Session
from playground.tabs.pictures import HELD_OUT, TRAINING, Picked, PictureUse
from playground.tabs.simclr_state import BENCH_PICTURE, TAB

TRAINING_NOTE = "Click a picture to put it on the augmentation bench."
HELD_OUT_NOTE = "Held-out pictures only measure; to put one on the augmentation bench, show those to train on."


def put_on_bench(session: Session, picked: Picked, name: str) -> str:
    """Let the picked picture take the place of what was on the bench; returns what to say."""
    session.uploads.pop(BENCH_PICTURE, None)
    return f"Picked: {name}. Under Augmentations you see its views."


USE = PictureUse(
    prefix=TAB,
    config=SimCLRConfig,
    notes={TRAINING: TRAINING_NOTE, HELD_OUT: HELD_OUT_NOTE},
    on_pick=put_on_bench,
    pickable=(TRAINING,),
)
