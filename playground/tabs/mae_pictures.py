"""What the MAE tab has pictures for: any of them goes on the bench."""

from __future__ import annotations

from backends.mae.config import MAEConfig
from playground.session import Session
from playground.tabs.mae_bench import put_on_bench
from playground.tabs.mae_state import TAB
from playground.tabs.pictures import HELD_OUT, TRAINING, Picked, PictureUse

TRAINING_NOTE = "Click a picture to put it on the bench. These are trained on, so what is painted may be remembered."
HELD_OUT_NOTE = "Click a picture to put it on the bench. These are never trained on."


def to_bench(session: Session, picked: Picked, name: str) -> str:
    """Let the picked picture take the place of what was on the bench; returns what to say."""
    put_on_bench(session, picked)
    return f"Picked: {name}. Under Reconstruct you see what is painted of it."


USE = PictureUse(
    prefix=TAB,
    config=MAEConfig,
    notes={TRAINING: TRAINING_NOTE, HELD_OUT: HELD_OUT_NOTE},
    on_pick=to_bench,
    at_first=None,
)
