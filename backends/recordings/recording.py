"""What a recorded run consists of, checked wherever one is made or read."""

from __future__ import annotations

import itertools
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

FEWEST_POINTS, MAX_POINTS = 12, 80
"""Of a line: with fewer it would jump rather than grow."""
MAX_FRAMES = 13
MAX_SAID = 40


class _Part(BaseModel):
    """What all parts of a recording have in common: nothing unknown, no NaN, and it doesn't change."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Line(_Part):
    """One curve.

    Attributes:
        label: what is measured, in words.
        seconds: (n,) of training, rising: no two points stand at the same time.
        steps: (n,) work done, rising too.
        values: (n,).
        dashed: whether it is drawn dashed, to be told from a line that belongs to it.
        colour: lines of one number have one colour.
    """

    label: str = Field(max_length=60)
    seconds: tuple[float, ...] = Field(min_length=FEWEST_POINTS, max_length=MAX_POINTS)
    steps: tuple[int, ...]
    values: tuple[float, ...]
    dashed: bool = False
    colour: int = Field(0, ge=0, le=3)

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse columns of different lengths, and a point that is not later than the one before it."""
        if not len(self.seconds) == len(self.steps) == len(self.values):
            raise ValueError(f"The line {self.label} has columns of different lengths.")
        for column in (self.seconds, self.steps):
            if any(later <= earlier for earlier, later in itertools.pairwise(column)):
                raise ValueError(f"The line {self.label} has a point that is not later than the one before it.")
        return self


class Frame(_Part):
    """Held-out pictures side by side as the net paints them after so many seconds: a data URL."""

    seconds: float = Field(ge=0)
    steps: int = Field(ge=0)
    src: str = Field(pattern=r"^data:image/(png|webp);base64,[A-Za-z0-9+/=]+$")


class Pictures(_Part):
    """What the net sees of a few held-out pictures, what they are, and how they are painted in time."""

    count: int = Field(ge=1, le=8)
    seen: str = Field(pattern=r"^data:image/png;base64,[A-Za-z0-9+/=]+$")
    whole: str = Field(pattern=r"^data:image/png;base64,[A-Za-z0-9+/=]+$")
    frames: tuple[Frame, ...] = Field(min_length=1, max_length=MAX_FRAMES)


class Said(_Part):
    """What the net answered to one question from then on."""

    seconds: float = Field(ge=0)
    text: str = Field(max_length=120)


class Card(_Part):
    """How the recording was made.

    Attributes:
        made_by: the command.
        method: name of the trainer.
        settings: of each training, all of them.
        seed: of them all.
        seconds: of training in all.
        steps: done in all, in `step_unit`.
        torch: its version.
        date: of the day, UTC.
        machine: in words, without names.
    """

    made_by: str
    method: str
    settings: dict[str, dict[str, Any]]
    seed: int
    seconds: float
    steps: int
    step_unit: str
    torch: str
    date: str
    machine: str


class Recording(_Part):
    """One recorded run.

    Attributes:
        name: of its file.
        title: what the curves show.
        value_title: name and unit of the vertical axis.
        share: whether the values are shares of one.
        lines: the curves.
        guess: what one gets without learning, and its name.
        said: what it answered, or nothing.
        pictures: what it painted, or None.
        card: how it was made.
    """

    name: str
    title: str = Field(max_length=80)
    value_title: str = Field(max_length=60)
    share: bool
    lines: tuple[Line, ...] = Field(min_length=1, max_length=6)
    guess: tuple[str, float] | None = None
    said: tuple[Said, ...] = Field((), max_length=MAX_SAID)
    pictures: Pictures | None = None
    card: Card
