"""The two sides of a task: what is labelled in part, and what answers are tested on; of pictures or of passages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backends.data.passages import PassageSet, load_passages
from backends.data.pictures import PictureError, PictureSet
from backends.data.splits import Data, load_split
from backends.data.text import TextError
from backends.engine.trainer import TrainingError
from backends.transfer.config import SPEECHES

Examples = PictureSet | PassageSet


@dataclass(frozen=True)
class TaskData:
    """Examples of which some get their labels, and examples that are held out."""

    train: Examples
    held_out: Examples


def load_task(data: Data | Literal["speeches"], size: int, pictures: PictureSet | None) -> TaskData:
    """Return the examples of a task.

    Args:
        data: a key of `backends.transfer.config.DATA`.
        size: side of pictures in pixels.
        pictures: the visitor's own; needed when `data` is "own", ignored otherwise.

    Raises:
        TrainingError: they can't be had, or there are too few to hold some out.
    """
    try:
        if data == SPEECHES:
            return TaskData(*load_passages())
        split = load_split(data, size, pictures)
    except (PictureError, TextError) as error:
        raise TrainingError(str(error)) from None
    return TaskData(split.train, split.held_out)
