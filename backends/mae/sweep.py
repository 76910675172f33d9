"""Why 75 %? The same net trained from the same start at several mask ratios, and what its features know at each.

Source: He et al. (2022), figure 5: ImageNet accuracy over the mask ratio.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backends.data.pictures import PictureSet
from backends.engine.checkpoints import write_text
from backends.engine.trainer import Snapshot, Trainer
from backends.mae.config import MAEConfig
from backends.mae.sweep_config import RATIOS, sweep_configs
from backends.mae.trainer import MAETrainer

KEPT = ("masked_error", "visible_mean_error", "error_ratio")
MAX_CURVE = 400
"""Moments that a curve keeps; beyond them every second one goes."""


@dataclass(frozen=True)
class CurvePoint:
    """One moment of a run.

    Attributes:
        step: of this run.
        error_ratio: masked error over that of guessing the visible mean, on held-out pictures.
    """

    step: int
    error_ratio: float


@dataclass(frozen=True)
class RatioPoint:
    """One mask ratio, as far as its run has come.

    Attributes:
        mask_ratio: share of the patches that are hidden.
        step: how far.
        steps: of the whole run.
        errors: masked_error, visible_mean_error and error_ratio on held-out pictures, under this ratio.
        scores: knn_<factor> and linear_<factor>.
        untrained: the same before the first step, which all ratios share.
        curve: error_ratio over steps so far.
    """

    mask_ratio: float
    step: int
    steps: int
    errors: dict[str, float]
    scores: dict[str, float]
    untrained: dict[str, float]
    curve: tuple[CurvePoint, ...]

    @property
    def done(self) -> bool:
        """Whether the run is over."""
        return self.step >= self.steps


class MaskRatioSweep(Trainer):
    """One run per mask ratio, slice by slice by turns, so that all curves grow together."""

    method = "mae-ratios"
    portable = True

    def __init__(
        self,
        config: MAEConfig,
        *,
        pictures: PictureSet | None = None,
        device: str = "cpu",
        ratios: Sequence[float] = RATIOS,
    ) -> None:
        """Build the trainers.

        Args:
            config: of every run, but for the mask ratio; the runs share out its steps.
            pictures: the visitor's own; needed when config.data is "own", ignored otherwise.
            device: "cpu", "cuda" or "mps".
            ratios: as of `sweep_configs`.

        Raises:
            ConfigError: a ratio is out of range.
            TrainingError: the pictures do not allow a run.
            ValueError: there are no ratios, or too many.
        """
        self.config: MAEConfig = config
        self.device = device
        self.sides = {
            name: MAETrainer(each, pictures=pictures, device=device)
            for name, each in sweep_configs(config, ratios).items()
        }
        first = next(iter(self.sides.values()))
        self.split = first.split
        self.notes = list(first.notes)
        self._curves: dict[str, list[CurvePoint]] = {
            name: [CurvePoint(0, side.errors["error_ratio"])] for name, side in self.sides.items()
        }

    def steps(self) -> Iterator[Snapshot]:
        """Train by turns, whichever is furthest behind; metrics carry the percentage at their end.

        They are error_ratio_75, masked_error_75, knn_shape_75 and so on.

        Raises:
            TrainingDiverged: a run's numbers are no longer finite.
        """
        runs = {name: side.steps() for name, side in self.sides.items() if side.step < side.config.steps}
        total = sum(side.config.steps for side in self.sides.values())
        waiting = list(runs)
        while waiting:
            name = min(waiting, key=lambda each: self.sides[each].step)
            snapshot = next(runs[name])
            self._note(name, snapshot)
            if snapshot.done:
                waiting.remove(name)
            yield Snapshot(
                step=sum(side.step for side in self.sides.values()),
                total=total,
                seconds=sum(side.seconds for side in self.sides.values()),
                metrics=self._metrics(),
                done=not waiting,
            )

    def freeze(self) -> tuple[RatioPoint, ...]:
        """Return every ratio as far as it has come, the lowest first."""
        return tuple(
            RatioPoint(
                mask_ratio=side.config.mask_ratio,
                step=side.step,
                steps=side.config.steps,
                errors={kind: side.errors[kind] for kind in KEPT},
                scores=dict(side.probed.scores),
                untrained=dict(side.untrained.scores),
                curve=tuple(self._curves[name]),
            )
            for name, side in self.sides.items()
        )

    def evaluate(self) -> dict[str, float]:
        """Errors and probes of each ratio on held-out pictures, as in "error_ratio_75" and "knn_shape_75"."""
        return {
            f"{kind}_{name}": value
            for name, side in self.sides.items()
            for kind, value in side.evaluate().items()
            if not kind.startswith(("untrained_", "pixels_"))
        }

    def save(self, directory: Path) -> list[Path]:
        """Write the points as JSON."""
        points = [_without_nan(asdict(point)) for point in self.freeze()]
        text = json.dumps(points, indent=1, allow_nan=False) + "\n"
        return [write_text(directory / "mask_ratios.json", text)]

    def _metrics(self) -> dict[str, float]:
        return {
            f"{kind}_{name}": value
            for name, side in self.sides.items()
            for kind, value in {**{kind: side.errors[kind] for kind in KEPT}, **side.probed.scores}.items()
        }

    def _note(self, name: str, snapshot: Snapshot) -> None:
        """Add a moment to a curve, where something was measured since the last."""
        curve, newest = self._curves[name], snapshot.metrics["error_ratio"]
        if snapshot.done or newest != curve[-1].error_ratio:
            curve.append(CurvePoint(snapshot.step, newest))
        if len(curve) > MAX_CURVE:
            del curve[1:-1:2]


def _without_nan(value: Any) -> Any:
    """NaN, which JSON has no word for, as None; a ratio is NaN where guessing makes no error."""
    if isinstance(value, dict):
        return {name: _without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
