"""What the Transfer tab has pictures for: to see what is to be told apart, and to bring one's own."""

from __future__ import annotations

from backends.transfer.config import TransferConfig
from playground.tabs.pictures import HELD_OUT, TRAINING, PictureUse
from playground.tabs.transfer_state import TAB

TRAINING_NOTE = "Of these some are drawn and get their labels."
HELD_OUT_NOTE = "These are never trained on; accuracy is measured on them."

USE = PictureUse(
    prefix=TAB,
    config=TransferConfig,
    notes={TRAINING: TRAINING_NOTE, HELD_OUT: HELD_OUT_NOTE},
    at_first=None,
)
