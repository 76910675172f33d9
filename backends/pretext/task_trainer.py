"""The chosen task's trainer, behind the settings of all three."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from backends.data.pictures import PictureSet
from backends.data.splits import Split
from backends.engine.trainer import Snapshot, Trainer
from backends.pretext.frozen import Frozen
from backends.pretext.task_config import TaskConfig
from backends.pretext.trainer import TRAINERS


class TaskTrainer(Trainer):
    """Trains what `TaskConfig` chooses; all it does is done by that task's own trainer."""

    method: ClassVar[str] = "pretext"
    portable = True

    def __init__(self, config: TaskConfig, *, pictures: PictureSet | None = None, device: str = "cpu") -> None:
        """Build the task's trainer; see `PretextTrainer`.

        Raises:
            TrainingError: the pictures do not allow a run.
        """
        self.config: TaskConfig = config
        self.device = device
        self._trainer = TRAINERS[config.task](config.chosen, pictures=pictures, device=device)
        self.notes = self._trainer.notes

    @property
    def split(self) -> Split:
        """The pictures."""
        return self._trainer.split

    def steps(self) -> Iterator[Snapshot]:
        """Train, as the task's trainer does."""
        return self._trainer.steps()

    def freeze(self) -> Frozen:
        """Return a copy of the model, its newest probe and its newest measures."""
        return self._trainer.freeze()

    def evaluate(self) -> dict[str, float]:
        """Measure, as the task's trainer does."""
        return self._trainer.evaluate()

    def save(self, directory: Path) -> list[Path]:
        """Write the whole net with its card."""
        return self._trainer.save(directory)
