"""Runs of several trainers: the colour experiment (two from the same start) and the ablation (one after the other)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backends.data.pictures import PictureSet
from backends.engine.trainer import Snapshot, Trainer
from backends.simclr.augment_config import AUGMENTATIONS, COLOUR_AUGMENTATIONS
from backends.simclr.config import SimCLRConfig
from backends.simclr.trainer import FrozenModel, SimCLRTrainer

WITHOUT, WITH = "without", "with"
"""The two sides of the colour experiment, as they prefix its metrics."""
FULL = "full"
"""The ablation's run that leaves nothing out."""
ABLATION_STEPS = 200


@dataclass(frozen=True)
class FrozenPair:
    """What both sides of the colour experiment had learned."""

    without: FrozenModel
    jittered: FrozenModel


@dataclass(frozen=True)
class AblationRow:
    """One run of the ablation.

    Attributes:
        left_out: the augmentation that was off, or `FULL`.
        scores: the probes of the finished run.
    """

    left_out: str
    scores: dict[str, float]


def without_colour(config: SimCLRConfig) -> SimCLRConfig:
    """The same settings with nothing that changes a colour into another."""
    return config.with_changes(**dict.fromkeys(COLOUR_AUGMENTATIONS, 0))


def with_colour(config: SimCLRConfig) -> SimCLRConfig:
    """The same settings with colour jitter: as strong as they say, or the default where they have none."""
    if any(getattr(config, name) for name in COLOUR_AUGMENTATIONS):
        return config
    defaults = SimCLRConfig()
    return config.with_changes(**{name: getattr(defaults, name) for name in COLOUR_AUGMENTATIONS})


class ColourExperiment(Trainer):
    """Two runs that differ in colour jitter alone, from the same weights, batch after batch by turns."""

    method = "simclr-colour"
    portable = True

    def __init__(
        self,
        config: SimCLRConfig,
        *,
        pictures: PictureSet | None = None,
        device: str = "cpu",
        seconds: float | None = None,
    ) -> None:
        """Build both trainers; a time budget is shared out evenly.

        Raises:
            TrainingError: the pictures do not allow a run.
        """
        half = None if seconds is None else seconds / 2
        self.config = config
        self.device = device
        self.sides = {
            WITHOUT: SimCLRTrainer(without_colour(config), pictures=pictures, device=device, seconds=half),
            WITH: SimCLRTrainer(with_colour(config), pictures=pictures, device=device, seconds=half),
        }
        self.notes = list(self.sides[WITH].notes)
        self._newest: dict[str, Snapshot] = {}

    def steps(self) -> Iterator[Snapshot]:
        """Train by turns; metrics carry the side's name in front, as in "with_knn_colour".

        Raises:
            TrainingDiverged: one side's numbers are no longer finite.
        """
        runs = {name: side.steps() for name, side in self.sides.items() if not self._is_done(name)}
        while runs:
            for name, run in tuple(runs.items()):
                self._newest[name] = next(run)
                if self._is_done(name):
                    del runs[name]
                yield _both(self._newest, self.sides)

    def _is_done(self, name: str) -> bool:
        return name in self._newest and self._newest[name].done

    def freeze(self) -> FrozenPair:
        """Return a copy of both sides."""
        return FrozenPair(self.sides[WITHOUT].freeze(), self.sides[WITH].freeze())

    def evaluate(self) -> dict[str, float]:
        """Probe both sides on held-out pictures."""
        return {f"{name}_{key}": value for name, side in self.sides.items() for key, value in side.evaluate().items()}

    def save(self, directory: Path) -> list[Path]:
        """Write both encoders, each with its card, into folders of their own."""
        return [path for name, side in self.sides.items() for path in side.save(directory / name)]


class Ablation(Trainer):
    """Short runs from the same start: all augmentations, then each of them left out in turn."""

    method = "simclr-ablation"

    def __init__(self, config: SimCLRConfig, *, pictures: PictureSet | None = None, device: str = "cpu") -> None:
        """Line the runs up.

        Raises:
            TrainingError: the pictures do not allow a run.
        """
        self.config = config
        self.device = device
        short = config.with_changes(steps=min(config.steps, ABLATION_STEPS))
        self.left_out = [name for name in AUGMENTATIONS if getattr(config, name)]
        self._configs = {FULL: short} | {name: short.with_changes(**{name: 0}) for name in self.left_out}
        self._pictures = pictures
        self._running = SimCLRTrainer(short, pictures=pictures, device=device)
        self.split = self._running.split
        self.notes = list(self._running.notes)
        if len(self.left_out) < 2:
            self.notes.append("Fewer than two augmentations are on, so there is little to leave out.")
        self.rows: list[AblationRow] = []

    def steps(self) -> Iterator[Snapshot]:
        """Train one run after the other.

        Raises:
            TrainingDiverged: the numbers of a run are no longer finite.
        """
        total = sum(config.steps for config in self._configs.values())
        before, seconds = 0, 0.0
        last = list(self._configs)[-1]
        for name, config in self._configs.items():
            if name != FULL:
                self._running = SimCLRTrainer(config, pictures=self._pictures, device=self.device)
            for snapshot in self._running.steps():
                if snapshot.done:
                    scores = {key: snapshot.metrics[key] for key in self._running.probed.scores}
                    self.rows = [*self.rows, AblationRow(name, scores)]
                step, spent = before + snapshot.step, seconds + snapshot.seconds
                over = snapshot.done and name == last
                yield Snapshot(step, total, spent, {**snapshot.metrics, "run": len(self.rows)}, done=over)
            before, seconds = step, spent

    def freeze(self) -> list[AblationRow]:
        """Return the finished runs."""
        return self.rows

    def evaluate(self) -> dict[str, float]:
        """What each augmentation is worth to each probe: full minus left out, as in "hue_knn_shape"."""
        rows = {row.left_out: row.scores for row in self.rows}
        full = rows.pop(FULL, {})
        return {f"{name}_{key}": full[key] - value for name, scores in rows.items() for key, value in scores.items()}

    def save(self, directory: Path) -> list[Path]:
        """Write the table as JSON."""
        import json

        from backends.engine.checkpoints import write_text

        text = json.dumps([{"left_out": row.left_out, **row.scores} for row in self.rows], indent=1)
        return [write_text(directory / "ablation.json", text + "\n")]


def _both(newest: dict[str, Snapshot], sides: dict[str, SimCLRTrainer]) -> Snapshot:
    metrics = {f"{name}_{key}": value for name, snapshot in newest.items() for key, value in snapshot.metrics.items()}
    rest = len(sides) - len(newest)
    total = sum(snapshot.total for snapshot in newest.values())
    done = not rest and all(snapshot.done for snapshot in newest.values())
    return Snapshot(
        step=sum(snapshot.step for snapshot in newest.values()),
        total=total * len(sides) // len(newest),
        seconds=sum(snapshot.seconds for snapshot in newest.values()),
        metrics=metrics,
        done=done,
    )
