"""What the Pretext tab has pictures for: any of them goes on the bench."""

from __future__ import annotations

from backends.pretext.task_config import TaskConfig
from playground.session import Session
from playground.tabs.pictures import HELD_OUT, TRAINING, Picked, PictureUse
from playground.tabs.pretext_bench import put_on_bench
from playground.tabs.pretext_state import TAB

TRAINING_NOTE = "Click a picture to make a puzzle of it. These are trained on."
HELD_OUT_NOTE = "Click a picture to make a puzzle of it. These are never trained on."


def to_bench(session: Session, picked: Picked, name: str) -> str:
    """Let the picked picture take the place of what was on the bench; returns what to say."""
    put_on_bench(session, picked)
    return f"Picked: {name}. Under Puzzle you see what becomes of it."


USE = PictureUse(
    prefix=TAB,
    config=TaskConfig,
    notes={TRAINING: TRAINING_NOTE, HELD_OUT: HELD_OUT_NOTE},
    on_pick=to_bench,
    at_first=None,
)
