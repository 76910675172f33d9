"""The trainers of the pretext tasks: make puzzles of pictures, learn to solve them, and probe what that taught."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backends.analysis.prober import PictureProber, Probed, as_tensor
from backends.data.pictures import PictureError, PictureSet
from backends.data.splits import load_split
from backends.engine.schedule import rate_at
from backends.engine.trainer import SLICE_SECONDS, BudgetedTrainer, Snapshot, TrainingDiverged, TrainingError
from backends.nets.frozen import frozen_copy
from backends.nets.vision import embed
from backends.pretext.config import InpaintingConfig, JigsawConfig, PretextConfig, RotationConfig
from backends.pretext.frozen import Frozen, frozen_class
from backends.pretext.held_out import MOST_PICTURES, PICTURES, Measured, held_out_of, jigsaw_of, with_shortcuts
from backends.pretext.model import untrained
from backends.pretext.puzzles import draw_holes, draw_turns, rotate

PROBE_SHARE, MEASURE_SHARE = 0.05, 0.04
"""Of the training time: probes and held-out puzzles wait until that much of it pays for them."""
PROBE_SECONDS, MEASURE_SECONDS = 0.8, 0.5
"""At least so long from one to the next."""
CLIP_NORM = 5.0
TRIED = 8
"""Held-out pictures whose features must be numbers before a state is kept as good."""


class PretextTrainer(BudgetedTrainer):
    """What the three trainers share; each makes its own puzzles.

    Attributes:
        split: the pictures; without shortcuts.
        measured: the newest measures of the task on held-out pictures.
        measure_seconds: of the time so far, spent on measures and probes.
    """

    portable = True

    def __init__(
        self,
        config: PretextConfig,
        *,
        pictures: PictureSet | None = None,
        device: str = "cpu",
        seconds: float | None = None,
    ) -> None:
        """Load the pictures, build the nets, and measure what an untrained net and raw pixels know.

        Args:
            config: the settings.
            pictures: the visitor's own; needed when config.data is "own", ignored otherwise.
            device: "cpu", "cuda" or "mps".
            seconds: a time budget; the learning rate is fitted to it, and config.steps is not used.

        Raises:
            TrainingError: the pictures do not allow a run.
        """
        self.config: PretextConfig = config
        self.device = device
        self.budget = seconds
        try:
            self.split = load_split(config.data, config.size, pictures)
        except PictureError as error:
            raise TrainingError(str(error)) from None
        self.batch = min(config.batch, len(self.split.train))
        self.notes = _notes(config, self.split.train, self.batch)
        self.model: Any = untrained(config).to(device, memory_format=torch.channels_last)
        self._optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=device != "mps"
        )
        self._images = self._prepared(as_tensor(self.split.train.images, device))
        self._batches = np.random.default_rng(config.seed)
        self._order = np.zeros(0, np.int64)
        self._puzzles = torch.Generator(device).manual_seed(config.seed)
        self._prober = PictureProber(self.split, device)
        self._held_out = held_out_of(config, self.split, device)
        self.pixels = self._prober.pixels()
        self.step, self.seconds, self.measure_seconds = 0, 0.0, 0.0
        self._probed_at = self._measured_at = 0.0
        self.loss = math.nan
        self._good = frozen_copy(self.model)
        self.untrained = self.probed = self._probe()
        self.measured: Measured = self._held_out.measure(self._good)

    @abstractmethod
    def _advance(self, images: Tensor) -> Tensor:
        """The loss of puzzles made of (B, 3, S, S) uint8 pictures, still on the device."""

    def _prepared(self, images: Tensor) -> Tensor:
        """What training does to all (N, 3, S, S) uint8 pictures beforehand."""
        return images

    def steps(self) -> Iterator[Snapshot]:
        """Train; `step` counts batches. A snapshot's arrays are those of `Measured`.

        Raises:
            TrainingDiverged: loss or weights are no longer finite.
        """
        while not self._over():
            begun, before = time.perf_counter(), self.step
            losses = []
            while True:
                losses.append(self._step())
                self.step += 1
                passed = time.perf_counter() - begun
                if self._over(passed) or passed + passed / len(losses) > SLICE_SECONDS:  # the next would end too late
                    break
            self._check(losses)
            spent = time.perf_counter() - begun
            self.seconds += spent
            now = self.batch * (self.step - before) / spent
            self._keep_pace(now)
            self._look()
            metrics = {"loss": self.loss, **self.measured.metrics, "images_per_second": self.pace, **self.probed.scores}
            done = self._over()
            total = self.step if done else self._total()
            yield Snapshot(self.step, total, self.seconds, metrics, dict(self.measured.arrays), done=done)

    def freeze(self) -> Frozen:
        """Return a copy of the model, its newest probe and its newest measures."""
        return frozen_class(self.config)(
            self.config,  # type: ignore[arg-type]
            self.step,
            self._good,
            self.split,
            self.device,
            self.probed,
            self.untrained,
            self.pixels,
            self.measured.metrics,
        )

    def evaluate(self) -> dict[str, float]:
        """Measure on held-out pictures: how well the puzzles are solved, and what the features know.

        That is the task's own metrics, knn_<factor> and linear_<factor>, and the same of an untrained net and of the
        raw pixels.
        """
        return {
            **self._held_out.measure(self._good, MOST_PICTURES).metrics,
            **self._probe().scores,
            **{f"untrained_{name}": value for name, value in self.untrained.scores.items()},
            **{f"pixels_{name}": value for name, value in self.pixels.items()},
        }

    def save(self, directory: Path) -> list[Path]:
        """Write the whole net as model.safetensors with its card."""
        from backends.pretext.checkpoint import save_model

        return save_model(self.freeze(), directory, self.card())

    def card(self) -> dict[str, Any]:
        """What a checkpoint's card says."""
        train = self.split.train
        return {
            "method": self.method,
            "config": self.config.model_dump(),
            "data": {"source": train.source, "licence": train.licence, "pictures": len(train)},
            "step": self.step,
            "seconds": round(self.seconds, 3),
            "loss": self.loss if math.isfinite(self.loss) else None,
            "metrics": {name: value for name, value in self.evaluate().items() if math.isfinite(value)},
        }

    def _step(self) -> Tensor:
        """One step; returns the loss, still on the device."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.config.learning_rate * rate_at(self._share())
        self.model.train()
        loss = self._advance(self._images[torch.from_numpy(self._draw_batch()).to(self.device)])
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
        self._optimizer.step()
        return loss.detach()

    def _draw_batch(self) -> np.ndarray:
        """Every picture once before any comes again."""
        if len(self._order) < self.batch:
            self._order = self._batches.permutation(len(self._images))
        chosen, self._order = self._order[: self.batch], self._order[self.batch :]
        return chosen

    def _check(self, losses: list[Tensor]) -> None:
        """Keep the state as good, if its numbers are: finite weights can still make features that are not."""
        loss = float(torch.stack(losses).mean())
        newest = frozen_copy(self.model)
        finite = math.isfinite(loss) and all(
            bool(torch.isfinite(value).all()) for value in newest.state_dict().values() if value.is_floating_point()
        )
        if not finite or not bool(torch.isfinite(embed(newest.encoder, self._images[:TRIED])).all()):
            raise TrainingDiverged(
                f"The loss became NaN before step {self.step:,}, so training stopped and the last good state is kept. "
                f"Lower the learning rate (now {self.config.learning_rate:g}) and train again."
            )
        self.loss, self._good = loss, newest

    def _look(self) -> None:
        """Solve held-out puzzles and probe when their time has come, and at the end."""
        begun, over = time.perf_counter(), self._over()
        if over or self.seconds - self._measured_at > max(MEASURE_SECONDS, self._held_out.cost / MEASURE_SHARE):
            self.measured = self._held_out.measure(self._good, MOST_PICTURES if over else PICTURES)
            self._measured_at = self.seconds
        if over or self.seconds - self._probed_at > max(PROBE_SECONDS, self._prober.cost / PROBE_SHARE):
            self.probed = self._probe()
            self._probed_at = self.seconds
        spent = time.perf_counter() - begun
        self.measure_seconds += spent
        self.seconds += spent

    def _probe(self) -> Probed:
        good = self._good
        return self._prober.probe_features(lambda images: embed(good.encoder, images), self.step)


class RotationTrainer(PretextTrainer):
    """Learns which way is up."""

    method = "rotation"
    config: RotationConfig

    def _prepared(self, images: Tensor) -> Tensor:
        """Light and label are part of the pictures before they are turned."""
        if not self.config.has_shortcut:
            return images
        parts = [with_shortcuts(chunk.float() / 255, self.config) for chunk in images.split(1_000)]
        return (torch.cat(parts) * 255).round().byte()

    def _advance(self, images: Tensor) -> Tensor:
        turns = draw_turns(len(images), self._puzzles)
        turned = (rotate(images, turns).float() / 255).contiguous(memory_format=torch.channels_last)
        loss: Tensor = self.model.loss(turned, turns)
        return loss


class InpaintingTrainer(PretextTrainer):
    """Learns to fill holes."""

    method = "inpainting"
    config: InpaintingConfig

    def _advance(self, images: Tensor) -> Tensor:
        config = self.config
        holes = draw_holes(config.hole, config.hole_share, config.size, len(images), self._puzzles)
        loss: Tensor = self.model.loss((images.float() / 255).contiguous(memory_format=torch.channels_last), holes)
        return loss


class JigsawTrainer(PretextTrainer):
    """Learns where tiles belong."""

    method = "jigsaw"
    config: JigsawConfig

    def _advance(self, images: Tensor) -> Tensor:
        loss: Tensor = self.model.loss(*jigsaw_of(images.float() / 255, self.config, self._puzzles))
        return loss


TRAINERS: dict[str, type[PretextTrainer]] = {
    trainer.method: trainer for trainer in (RotationTrainer, InpaintingTrainer, JigsawTrainer)
}


def _notes(config: PretextConfig, train: PictureSet, batch: int) -> list[str]:
    notes = list(train.notes)
    if batch < config.batch:
        notes.append(f"The batch is {config.batch}, but there are {batch} pictures to train on: all are taken.")
    if isinstance(config, RotationConfig) and config.has_shortcut:
        notes.append(
            "The pictures to train on have a shortcut; held-out accuracy is measured with it and without it, and the "
            "probes look at pictures without it."
        )
    return notes
