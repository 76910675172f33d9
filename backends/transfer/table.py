"""Which pretext suits which task? Every encoder's frozen features on every task, at one number of labels."""

from __future__ import annotations

import itertools
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backends.analysis.prober import spread_out
from backends.data.pictures import Factor, PictureSet
from backends.engine.checkpoints import write_text
from backends.engine.trainer import SLICE_SECONDS, Snapshot, Trainer, TrainingError
from backends.transfer.config import FROM_EMOJI, FROZEN_WAYS, OWN_RUNS, titles_of
from backends.transfer.embedding import embedded
from backends.transfer.encoder import Encoder, EncoderError
from backends.transfer.encoders import load_encoder
from backends.transfer.labels import LabelledSets, check_task, draw_labelled
from backends.transfer.pace import PROBE, READ, Kind, Pace
from backends.transfer.points import Point, as_csv
from backends.transfer.probing import frozen_accuracy
from backends.transfer.table_config import TableConfig
from backends.transfer.task_data import load_task
from backends.transfer.trainer import CSV_NAME, Unit

TESTED = 1_000
"""Held-out pictures at most: here no net is trained, so that all are cheap."""
SIZE = 32
"""Side in pixels that all shipped encoders of the table take."""


class TableTrainer(Trainer):
    """Fills the table encoder by encoder."""

    method = "transfer-table"
    config: TableConfig

    def __init__(
        self,
        config: TableConfig,
        *,
        pictures: PictureSet | None = None,
        runs: Mapping[str, Any] | None = None,
        device: str = "cpu",
    ) -> None:
        """Load pictures and encoders, and draw which pictures are labelled.

        Encoders that can't be had are left out, and the notes say so. Of apples those that were trained on emoji are
        not asked for.

        Args:
            config: the settings.
            pictures: the visitor's own; needed when config.data is "own", ignored otherwise.
            runs: frozen copies of the visitor's own runs by their names in `OWN_RUNS`: rows of their own.
            device: "cpu", "cuda" or "mps".

        Raises:
            TrainingError: the pictures or the number of labels do not allow a table.
        """
        self.config, self.device = config, device
        self.split = load_task(config.data, SIZE, pictures)
        self.notes = list(self.split.train.notes)
        self.tasks: dict[str, Factor] = {}
        refusals = []
        for name, factor in self.split.train.factors.items():
            try:
                check_task(factor, int(config.labels), "Labels (labels)")
            except TrainingError as error:
                refusals.append(str(error))
            else:
                self.tasks[name] = factor
        if not self.tasks:
            raise TrainingError(refusals[0] if refusals else "These pictures have no classes: bring a .zip of folders.")
        self.notes += refusals
        self.encoders = self._encoders(runs or {})
        self.sets: dict[str, list[LabelledSets]] = {
            name: [
                draw_labelled(factor.values, len(factor.classes), int(config.labels), config.seed, draw)
                for draw in range(config.seeds)
            ]
            for name, factor in self.tasks.items()
        }
        every = [drawn.order.reshape(-1) for sets in self.sets.values() for drawn in sets]
        self._bank_idx = np.unique(np.concatenate(every))
        self._bank = self.split.train.subset(self._bank_idx)
        self._tested = spread_out(self.split.held_out, TESTED)
        self._truth = self._tested.factors
        self.points: list[Point] = []
        self.step, self.seconds = 0, 0.0
        self._pace, self._amounts = Pace(), self._planned_amounts()
        self._work = self._units()
        self._finished = False

    def steps(self) -> Iterator[Snapshot]:
        """Fill cell after cell; `step` counts pieces of work, `total` is an estimate by the time that they take.

        An encoder whose features are not finite loses its row, and the notes say so; the others go on.
        """
        while not self._finished:
            begun, passed = time.perf_counter(), 0.0
            while passed <= SLICE_SECONDS:
                unit = next(self._work, None)
                before, passed = passed, time.perf_counter() - begun
                if unit is None:
                    self._finished = True
                    break
                self.step += 1
                self._pace.note(*unit, passed - before)
            self.seconds += passed
            left = 0.0 if self._finished else self._pace.left(self._amounts)
            total = self.step + math.ceil(self.step * left / max(self.seconds, 1e-9))
            yield Snapshot(self.step, total, self.seconds, self._metrics(), done=self._finished)

    def freeze(self) -> tuple[Point, ...]:
        """Return the points so far; `backends.transfer.points.curves` joins them."""
        return tuple(self.points)

    def evaluate(self) -> dict[str, float]:
        """How many points are measured."""
        return self._metrics()

    def save(self, directory: Path) -> list[Path]:
        """Write the points as transfer.csv."""
        return [write_text(directory / CSV_NAME, as_csv(self.points))]

    def _encoders(self, runs: Mapping[str, Any]) -> list[Encoder]:
        found = []
        for name in titles_of(self.config.data):
            if (name in OWN_RUNS and name not in runs) or (name in FROM_EMOJI and self.config.data == "apples"):
                continue
            try:
                found.append(
                    load_encoder(name, size=SIZE, data=self.config.data, run=runs.get(name), device=self.device)
                )
            except EncoderError as error:
                self.notes.append(_no_row(error))
        return found

    def _planned_amounts(self) -> Counter[Kind]:
        amounts: Counter[Kind] = Counter()
        for encoder in self.encoders:
            amounts[encoder.name, READ] += len(self._bank) + len(self._tested)
            amounts[encoder.name, PROBE] += len(self.tasks) * self.config.seeds * len(FROZEN_WAYS)
        return amounts

    def _units(self) -> Iterator[Unit]:
        for encoder in self.encoders:
            try:
                bank = yield from embedded(encoder, encoder.read(self._bank).to(self.device))
                tested = yield from embedded(encoder, encoder.read(self._tested).to(self.device))
            except EncoderError as error:
                self._leave_out(encoder, error)
                continue
            for (name, factor), draw in itertools.product(self.tasks.items(), range(self.config.seeds)):
                chosen = self.sets[name][draw].first(int(self.config.labels))
                places = np.searchsorted(self._bank_idx, chosen)
                truth = self._truth[name]
                for way in FROZEN_WAYS:
                    accuracy = frozen_accuracy(
                        way,
                        bank[places],
                        factor.values[chosen],
                        tested,
                        truth.values,
                        len(factor.classes),
                        int(self.config.labels),
                    )
                    self.points.append(
                        Point(encoder.name, name, way, int(self.config.labels), draw, accuracy, truth.chance)
                    )
                    yield (encoder.name, PROBE), 1

    def _leave_out(self, encoder: Encoder, error: EncoderError) -> None:
        """Go on without an encoder, and say why."""
        self.encoders = [
            other for other in self.encoders if other is not encoder
        ]  # the page may be reading the old list
        self.notes.append(_no_row(error))
        self._amounts = self._planned_amounts()

    def _metrics(self) -> dict[str, float]:
        planned = len(self.encoders) * len(self.tasks) * self.config.seeds * len(FROZEN_WAYS)
        return {"points": float(len(self.points)), "points_planned": float(planned)}


def _no_row(error: EncoderError) -> str:
    """Why an encoder is left out, and what follows from it; that it could be another one is of no use here."""
    return f"{error.reason}: it has no row here."
