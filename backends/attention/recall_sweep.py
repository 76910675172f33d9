"""Accuracy over distance: both nets trained from scratch at each of several distances, on equal steps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from backends.attention.recall import RecallTrainer
from backends.attention.recall_config import RecallConfig
from backends.attention.recall_frozen import DistancePoint
from backends.engine.checkpoints import write_text
from backends.engine.trainer import Snapshot, Trainer

DISTANCES = (5, 10, 20, 40, 80)
"""With the default settings they take 47 s on two busy cores; 160 would take as long again by itself."""
MAX_DISTANCES = 20


@dataclass(frozen=True)
class SweepPoint(DistancePoint):
    """A finished pair.

    Attributes:
        steps: of each net.
        seconds: of both together.
    """

    steps: int
    seconds: float


class RecallSweep(Trainer):
    """One pair after the other, the shortest distance first. `step` counts tokens: a long sequence is more work."""

    method = "recall-sweep"
    step_unit = "tokens"

    def __init__(self, config: RecallConfig, *, distances: Sequence[int] = DISTANCES, device: str = "cpu") -> None:
        """Line the pairs up.

        Args:
            config: of every pair, but for the distance.
            distances: at most 20, each from 1 to 200; they are put into order, and each is taken once.
            device: "cpu", "cuda" or "mps".

        Raises:
            ConfigError: a distance is out of range.
            ValueError: there are none, or too many.
        """
        self.config: RecallConfig = config
        self.device = device
        self.distances = tuple(sorted(set(distances)))
        if not 1 <= len(self.distances) <= MAX_DISTANCES:
            raise ValueError(f"There are {len(self.distances)} distances; a sweep takes from 1 to {MAX_DISTANCES}.")
        self._configs = [config.with_changes(distance=distance) for distance in self.distances]
        self._running = RecallTrainer(self._configs[0], device=device)
        self.points: tuple[SweepPoint, ...] = ()
        self.notes: list[str] = []

    def steps(self) -> Iterator[Snapshot]:
        """Train one pair after the other; the metrics are the running pair's, and its distance.

        Raises:
            TrainingDiverged: a loss or a weight is no longer finite.
        """
        sizes = [config.steps * config.batch * (config.distance + 2) for config in self._configs]
        before, seconds = 0, 0.0
        for number, (config, size) in enumerate(zip(self._configs, sizes, strict=True)):
            if number:
                self._running = RecallTrainer(config, device=self.device)
            for snapshot in self._running.steps():
                if snapshot.done:
                    self.points = (*self.points, self._point(snapshot))
                yield Snapshot(
                    step=before + size * snapshot.step // config.steps,
                    total=sum(sizes),
                    seconds=seconds + snapshot.seconds,
                    metrics={**snapshot.metrics, "distance": float(config.distance)},
                    done=snapshot.done and number == len(sizes) - 1,
                )
            before, seconds = before + size, seconds + snapshot.seconds

    def freeze(self) -> tuple[SweepPoint, ...]:
        """Return the finished pairs' points."""
        return self.points

    def evaluate(self) -> dict[str, float]:
        """Both accuracies at each finished distance, as in "lstm_accuracy_10"."""
        scores = {}
        for point in self.points:
            scores[f"transformer_accuracy_{point.distance}"] = point.transformer_accuracy
            scores[f"lstm_accuracy_{point.distance}"] = point.lstm_accuracy
        return scores

    def save(self, directory: Path) -> list[Path]:
        """Write the points as JSON."""
        text = json.dumps([asdict(point) for point in self.points], indent=1) + "\n"
        return [write_text(directory / "distances.json", text)]

    def _point(self, last: Snapshot) -> SweepPoint:
        scores = self._running.evaluate()
        return SweepPoint(
            distance=self._running.config.distance,
            transformer_accuracy=scores["transformer_accuracy"],
            lstm_accuracy=scores["lstm_accuracy"],
            steps=last.step,
            seconds=last.seconds,
        )
