"""The trainer: point by point, the cheap ways first, until every curve over the number of labels is there."""

from __future__ import annotations

import itertools
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backends.analysis.prober import spread_out
from backends.data.pictures import Factor, PictureSet
from backends.engine.checkpoints import write_text
from backends.engine.trainer import SLICE_SECONDS, Snapshot, Trainer, TrainingError
from backends.transfer.config import FROZEN_WAYS, TUNED_WAYS, TransferConfig
from backends.transfer.embedding import embedded
from backends.transfer.encoder import Encoder
from backends.transfer.encoders import load_encoder
from backends.transfer.labels import check_task, draw_labelled
from backends.transfer.pace import PROBE, READ, STEP_PICTURES, TRAIN, Kind, Pace
from backends.transfer.points import Point, as_csv, curves
from backends.transfer.probing import frozen_accuracy
from backends.transfer.task_data import Examples, load_task
from backends.transfer.tuning import Tuning
from backends.transfer.verdict import verdict

TESTED = 500
"""Held-out examples at most; every trained net has to read them all."""
Unit = tuple[Kind, float]
"""A piece of work: its kind, and how much of it."""
CSV_NAME, CARD_NAME = "transfer.csv", "transfer.json"


class TransferTrainer(Trainer):
    """Measures what encoders are worth over the number of labels."""

    method = "transfer"

    def __init__(
        self,
        config: TransferConfig,
        *,
        pictures: PictureSet | None = None,
        runs: Mapping[str, Any] | None = None,
        device: str = "cpu",
        seconds: float | None = None,
    ) -> None:
        """Load examples and encoders, and draw which examples are labelled.

        Args:
            config: the settings.
            pictures: the visitor's own; needed when config.data is "own", ignored otherwise.
            runs: frozen copies of the visitor's own runs by their names in `OWN_RUNS`; those that config.encoder and
                config.against name are needed.
            device: "cpu", "cuda" or "mps".
            seconds: a time budget; the points that are not measured by then are left out.

        Raises:
            TrainingError: the examples, the encoders or the number of labels do not allow a comparison.
        """
        self.config: TransferConfig = config
        self.device = device
        self.budget = seconds
        self.split = load_task(config.data, config.size, pictures)
        self.factor = self._factor(self.split.train)
        check_task(self.factor, config.counts[-1], "Most labels (most_labels)")
        self.encoders = [
            load_encoder(name, size=config.size, data=config.data, run=(runs or {}).get(name), device=device)
            for name in config.encoders
        ]
        self.sets = [
            draw_labelled(self.factor.values, len(self.factor.classes), config.counts[-1], config.seed, draw)
            for draw in range(config.seeds)
        ]
        self._bank_idx = np.unique(np.concatenate([drawn.order.reshape(-1) for drawn in self.sets]))
        self._bank = self.split.train.subset(self._bank_idx)
        self._tested = spread_out(self.split.held_out, TESTED)
        self._test_factor = self._factor(self._tested)
        self._rows: dict[Callable[[Any], Tensor], tuple[Tensor, Tensor]] = {}
        self._features: dict[str, tuple[Tensor, Tensor]] = {}
        self._frozen, self._tuned = self._plan()
        self.notes = [*self.split.train.notes, *self._notes()]
        self.planned = len(self._frozen) + len(self._tuned)
        if not self.planned:
            raise TrainingError(
                "Nothing is left to measure, because raw pixels, bags of words and word vectors have no net to train "
                "and to fine-tune an untrained net is to train it from scratch: choose another encoder, or switch on "
                "another way."
            )
        self.points: list[Point] = []
        self.step, self.seconds = 0, 0.0
        self._pace, self._amounts = Pace(), self._planned_amounts()
        self._work = self._units()
        self._finished = False

    def steps(self) -> Iterator[Snapshot]:
        """Measure point after point; `step` counts pieces of work, `total` is an estimate by the time that they take.

        Metrics are means over the draws so far: "linear_10" with 10 labels per class, "against_knn_5" of the encoder
        that it is compared with; `points` says how many are measured.

        Raises:
            TrainingDiverged: a net's numbers are no longer finite; the points so far are kept.
            EncoderError: an encoder's features are not finite.
        """
        while not self._finished:
            begun = time.perf_counter()
            passed = 0.0
            while True:
                unit = next(self._work, None)
                self._finished = unit is None
                before, passed = passed, time.perf_counter() - begun
                if unit is not None:
                    self.step += 1
                    self._pace.note(*unit, passed - before)
                self._finished |= self._spent(passed)
                if self._finished or passed > SLICE_SECONDS:
                    break
            self.seconds += passed
            total = self.step if self._finished else self._total()
            yield Snapshot(self.step, total, self.seconds, self._metrics(), done=self._finished)

    def freeze(self) -> tuple[Point, ...]:
        """Return the points so far; `backends.transfer.points.curves` joins them."""
        return tuple(self.points)

    def evaluate(self) -> dict[str, float]:
        """Mean accuracy at each number of labels, as in "linear_10", its spread ("linear_10_spread") and chance."""
        spreads = {
            f"{self._name(curve.encoder)}{curve.way}_{count}_spread": float(value)
            for curve in curves(self.points)
            for count, value in zip(curve.labels, curve.spread, strict=True)
            if math.isfinite(value)
        }
        return {**self._metrics(), **spreads, "chance": self._test_factor.chance}

    def save(self, directory: Path) -> list[Path]:
        """Write the points as transfer.csv, and transfer.json: the card, with the points too."""
        table = as_csv(self.points)
        card = json.dumps(self.card(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        return [write_text(directory / CSV_NAME, table), write_text(directory / CARD_NAME, card)]

    def card(self) -> dict[str, Any]:
        """What was compared, on what, and what came out."""
        train = self.split.train
        return {
            "method": self.method,
            "config": self.config.model_dump(),
            "data": {"source": train.source, "licence": train.licence, "examples": len(train)},
            "task": {"name": self.factor.name, "classes": list(self.factor.classes)},
            "tested": len(self._tested),
            "encoders": [
                {"name": encoder.name, "title": encoder.title, "trained_on": encoder.trained_on}
                for encoder in self.encoders
            ],
            "seconds": round(self.seconds, 3),
            "verdict": verdict(self.points),
            "metrics": {name: round(value, 5) for name, value in self.evaluate().items()},
            "points": [
                {
                    "encoder": point.encoder,
                    "way": point.way,
                    "labels": point.labels,
                    "draw": point.draw,
                    "accuracy": round(point.accuracy, 5),
                }
                for point in self.points
            ],
        }

    def _factor(self, examples: Examples) -> Factor:
        if self.config.factor not in examples.factors:
            raise TrainingError(
                f"These pictures have no {self.config.factor}: choose one of {', '.join(examples.factors) or 'others'}."
            )
        return examples.factors[self.config.factor]

    def _plan(self) -> tuple[list[tuple[int, int, Encoder, str]], list[tuple[int, int, Encoder, str]]]:
        """All points as (draw, labels, encoder, way): frozen ones, and those for which a net is trained.

        A whole curve of each comes before the next draw. From scratch is trained the net of the first encoder that has
        one. A net that never learned is not fine-tuned: that would be training from scratch.
        """
        config = self.config
        frozen = [
            (draw, count, encoder, way)
            for draw, count in itertools.product(range(config.seeds), config.counts)
            for encoder in self.encoders
            for way in config.ways
            if way in FROZEN_WAYS
        ]
        nets = [encoder for encoder in self.encoders if encoder.net is not None]
        pairs = [(encoder, way) for encoder in nets for way in config.ways if way in TUNED_WAYS]
        pairs = [(e, way) for e, way in pairs if (e.learned if way == "fine_tuning" else e is nets[0])]
        trained = itertools.product(range(config.seeds), config.trained_counts, pairs)
        return frozen, [(draw, count, encoder, way) for draw, count, (encoder, way) in trained]

    def _planned_amounts(self) -> Counter[Kind]:
        """How much work of each kind there is."""
        amounts: Counter[Kind] = Counter()
        for encoder in self.encoders:
            amounts[encoder.name, READ] += len(self._bank) + len(self._tested)
        for _, _, encoder, _ in self._frozen:
            amounts[encoder.name, PROBE] += 1
        for _, count, encoder, _ in self._tuned:
            labelled = count * len(self.factor.classes)
            amounts[encoder.name, TRAIN] += self.config.steps_for(labelled) * self._step_amount(labelled)
            amounts[encoder.name, READ] += len(self._tested)
        return amounts

    def _notes(self) -> Iterator[str]:
        config = self.config
        for encoder in self.encoders:
            if encoder.steps is not None:
                yield f"{encoder.title} is taken as it was after {encoder.steps:,} steps."
            yield from encoder.origin_notes(config.data)
            if encoder.net is not None and not encoder.learned and config.fine_tuning == "on":
                yield "To fine-tune an untrained net is to train it from scratch, so it has no curve of its own."

    def _step_amount(self, labelled: int) -> int:
        """How much work a step is where so many examples are labelled."""
        return STEP_PICTURES + min(self.config.batch, labelled)

    def _units(self) -> Iterator[Unit]:
        """All the work, in pieces that take less than a slice; yields each after it was done."""
        for encoder in self.encoders:
            yield from self._embed(encoder)
        for draw, count, encoder, way in self._frozen:
            chosen, labels = self._labelled(draw, count)
            bank, tested = self._features[encoder.name]
            truth, classes = self._test_factor.values, len(self.factor.classes)
            accuracy = frozen_accuracy(way, bank[chosen], labels, tested, truth, classes, count)
            self._note(draw, count, encoder, way, accuracy)
            yield (encoder.name, PROBE), 1
        for planned in self._tuned:
            yield from self._tune(*planned)

    def _embed(self, encoder: Encoder) -> Iterator[Unit]:
        """Embed labelled and held-out examples once for all points."""
        bank, tested = self._read(encoder)
        features = yield from embedded(encoder, bank)
        self._features[encoder.name] = features, (yield from embedded(encoder, tested))

    def _read(self, encoder: Encoder) -> tuple[Tensor, Tensor]:
        """The rows of the bank and of the held-out examples, on the device; encoders that read alike share them."""
        if encoder.read not in self._rows:
            bank, tested = (encoder.read(examples).to(self.device) for examples in (self._bank, self._tested))
            self._rows[encoder.read] = bank, tested
        return self._rows[encoder.read]

    def _tune(self, draw: int, count: int, encoder: Encoder, way: str) -> Iterator[Unit]:
        """Train a net and test it."""
        chosen, labels = self._labelled(draw, count)
        bank, tested = self._read(encoder)
        tuning = Tuning(
            encoder,
            way,
            self.config,
            bank[chosen],
            torch.from_numpy(labels).to(self.device),
            len(self.factor.classes),
            seen=None if way == "scratch" else self._features[encoder.name][0],
            draw=draw,
        )
        for _ in range(tuning.steps):
            tuning.advance()
            yield (encoder.name, TRAIN), self._step_amount(len(chosen))
        predicted = []
        for part in tuning.predict(tested):
            predicted.append(part)
            yield (encoder.name, READ), len(part)
        self._note(draw, count, encoder, way, float((np.concatenate(predicted) == self._test_factor.values).mean()))

    def _labelled(self, draw: int, count: int) -> tuple[Tensor, np.ndarray]:
        """Places in the bank of the labelled examples, on the device, and their classes."""
        chosen = self.sets[draw].first(count)
        places = np.searchsorted(self._bank_idx, chosen)
        return torch.from_numpy(places).to(self.device), self.factor.values[chosen]

    def _note(self, draw: int, count: int, encoder: Encoder, way: str, accuracy: float) -> None:
        chance = self._test_factor.chance
        self.points.append(Point(encoder.name, self.factor.name, way, count, draw, accuracy, chance))

    def _metrics(self) -> dict[str, float]:
        means = {
            f"{self._name(curve.encoder)}{curve.way}_{count}": float(value)
            for curve in curves(self.points)
            for count, value in zip(curve.labels, curve.mean, strict=True)
        }
        return {"points": float(len(self.points)), "points_planned": float(self.planned), **means}

    def _name(self, encoder: str) -> str:
        """What the metrics of an encoder begin with."""
        return "" if encoder == self.config.encoder else "against_"

    def _spent(self, passed: float) -> bool:
        """Whether the budget is used up; it allows at least one point."""
        return self.budget is not None and bool(self.points) and self.seconds + passed >= self.budget

    def _total(self) -> int:
        """`step` at the end, were all pieces to take the same time: so the share that is done is one of time."""
        left = self._pace.left(self._amounts)
        if self.budget is not None:
            left = min(left, self.budget - self.seconds)
        return self.step + math.ceil(self.step * max(0.0, left) / max(self.seconds, 1e-9))
