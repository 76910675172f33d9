"""What the Transfer tab has pictures for: to see what is to be told apart, and to bring one's own."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from backends.engine.config import MethodConfig, setting
from backends.transfer.config import SPEECHES
from playground.tabs.pictures import HELD_OUT, TRAINING, PictureUse
from playground.tabs.transfer_state import TAB

TRAINING_NOTE = "Of these some are drawn and get their labels."
HELD_OUT_NOTE = "These are never trained on; accuracy is measured on them."


class ShownPictures(MethodConfig):
    """The settings that decide on the pictures: what is asked of them, and of whom, is no matter here."""

    data: Literal["apples", "emoji", "own", "speeches"] = setting("apples", "The pictures of the task.", label="Data")
    image_size: Literal["32", "48", "64"] = setting("32", "Side of the pictures.", label="Image size", unit="pixels")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.data == SPEECHES:
            raise ValueError("Speeches are text: their passages stand under Passages.")
        return self


USE = PictureUse(
    prefix=TAB,
    config=ShownPictures,
    notes={TRAINING: TRAINING_NOTE, HELD_OUT: HELD_OUT_NOTE},
    at_first=None,
)
