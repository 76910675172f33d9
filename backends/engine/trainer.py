"""The one contract of every technique: a trainer that is pulled, and the snapshots that it yields."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

import numpy as np

from backends.engine.config import MethodConfig

SLICE_SECONDS = 0.17
"""How long a trainer aims to work between two snapshots: five updates a second with time left to draw."""

PACE_MEMORY = 0.7
"""How much of the pace so far stays when a slice has ended."""


class TrainingError(RuntimeError):
    """Training can't start or go on. The message says in one sentence what to change."""


class TrainingDiverged(TrainingError):
    """The loss or the weights are no longer finite; the last good state is kept."""


@dataclass(frozen=True)
class Snapshot:
    """What a trainer shows between two slices of work: numbers and detached CPU arrays, never a live model.

    Attributes:
        step: units of work done so far (the unit is the trainer's, `step_unit`).
        total: units of work in the whole run; an estimate while a time budget rules the run.
        seconds: time spent training, pauses left out.
        metrics: flat scalars, names in snake_case.
        arrays: arrays for plots.
        done: whether the run is complete.
    """

    step: int
    total: int
    seconds: float
    metrics: dict[str, float]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    done: bool = False

    @property
    def seconds_left(self) -> float | None:
        """Time left at the pace so far, or None before the first step."""
        if self.done:
            return 0.0
        return self.seconds * (self.total - self.step) / self.step if self.step else None


class Trainer(ABC):
    """A run of one method. Pause = stop pulling `steps()`; resume = pull again; reset = build it anew.

    A trainer knows no user interface, prints nothing, takes no callbacks, and keeps all its randomness in
    generators seeded from its config. Its `notes` are sentences about what the settings mean for these data
    where that isn't obvious.
    """

    method: ClassVar[str]
    step_unit: ClassVar[str] = "steps"
    portable: ClassVar[bool] = False
    """Whether a copy in another process, on another device, can go on with the run: all that `steps()` needs stands in
    attributes that can be pickled, and `steps()` called anew goes on where the last one was left."""
    config: MethodConfig
    device: str
    notes: list[str]

    @abstractmethod
    def steps(self) -> Iterator[Snapshot]:
        """Train, yielding a Snapshot about every `SLICE_SECONDS`; the last one has `done` set.

        Raises:
            TrainingDiverged: the numbers are no longer finite.
        """

    @abstractmethod
    def freeze(self) -> Any:
        """Return a copy of what was learned that later steps do not change. Call it between steps only."""

    @abstractmethod
    def evaluate(self) -> dict[str, float]:
        """Measure what was learned with the method's own test: flat scalars, names in snake_case."""

    @abstractmethod
    def save(self, directory: Path) -> list[Path]:
        """Write what was learned, with its card, into a directory; return the files."""


class _Stepped(Protocol):
    """A config that says how many steps a run has."""

    @property
    def steps(self) -> int:
        """At least 1."""


class BudgetedTrainer(Trainer):
    """One whose run is over after `config.steps`, or where a time budget is set, after that many seconds.

    Attributes:
        budget: seconds of training, or None where the steps count.
        step: steps done.
        seconds: spent training.
        pace: of late, in what the trainer counts a second; NaN before the first slice.
    """

    budget: float | None
    step: int
    seconds: float
    pace: float = math.nan

    def _keep_pace(self, now: float) -> None:
        """Smooth the pace of the slice that has just ended."""
        self.pace = now if math.isnan(self.pace) else PACE_MEMORY * self.pace + (1 - PACE_MEMORY) * now

    def _share(self) -> float:
        """How much of the run is over, in [0, 1]."""
        return self.step / self._planned if self.budget is None else min(1.0, self.seconds / self.budget)

    def _over(self, spent: float = 0.0) -> bool:
        """Whether the run is complete, `spent` seconds into a slice; a budget allows at least one step."""
        if self.budget is None:
            return self.step >= self._planned
        return self.step > 0 and self.seconds + spent >= self.budget

    def _total(self) -> int:
        """Steps of the whole run; an estimate where a budget rules."""
        if self.budget is None:
            return self._planned
        return max(self.step, int(self.step * self.budget / max(self.seconds, 1e-9)))

    @property
    def _planned(self) -> int:
        return cast("_Stepped", self.config).steps
