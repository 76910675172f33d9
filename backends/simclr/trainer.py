"""The trainer: batches, views, loss, and probes of the frozen features while it goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backends.analysis.collapse import measure_collapse
from backends.analysis.prober import PictureProber, Probed, as_tensor, map_pictures
from backends.data.pictures import PictureError, PictureSet
from backends.data.splits import Split, load_split
from backends.engine.schedule import rate_at
from backends.engine.trainer import SLICE_SECONDS, BudgetedTrainer, Snapshot, TrainingDiverged, TrainingError
from backends.nets.frozen import frozen_copy
from backends.nets.seeded import seeded
from backends.nets.vision import embed
from backends.simclr.augment import two_views
from backends.simclr.augment_config import AUGMENTATIONS
from backends.simclr.checkpoint import save_model
from backends.simclr.config import SimCLRConfig
from backends.simclr.model import TwoViewModel

PROBE_SHARE = 0.07
"""Of the training time: the probes wait until that much of it pays for them."""
PROBE_SECONDS = 0.8
"""At least so long from one probe to the next."""
CLIP_NORM = 5.0


@dataclass(frozen=True)
class FrozenModel:
    """A copy of what a run had learned; later steps do not change it.

    Attributes:
        config: of the run.
        step: how far it was.
        model: in evaluation mode; not for training.
        split: the pictures of the run.
        device: where the model is.
        probed: the newest probe.
        untrained: the probe before the first step.
        pixels: the same probes of the raw pixels.
    """

    config: SimCLRConfig
    step: int
    model: TwoViewModel
    split: Split
    device: str
    probed: Probed
    untrained: Probed
    pixels: dict[str, float] = field(default_factory=dict)

    @property
    def map_pictures(self) -> PictureSet:
        """The held-out pictures whose features `probed` holds, in its order."""
        return map_pictures(self.split)

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Return the features of (n, S, S, 3) uint8 pictures: (n, D) float32."""
        return embed(self.model.encoder, as_tensor(images, self.device)).cpu().numpy()

    def project(self, views: np.ndarray) -> np.ndarray:
        """Return the projections of (n, S, S, 3) uint8 pictures, each of length 1: (n, P) float32."""
        with torch.no_grad():
            projections = self.model.project(as_tensor(views, self.device).float() / 255)
        return torch.nn.functional.normalize(projections, dim=1).cpu().numpy()

    def draw_views(self, indices: np.ndarray, seed: int) -> np.ndarray:
        """Draw two views of each of the n chosen training pictures: (2n, S, S, 3) uint8, a pair after the other."""
        generator = torch.Generator(self.device).manual_seed(seed)
        images = as_tensor(self.split.train.images[indices], self.device).float() / 255
        first, second = two_views(images, self.config, generator, images.shape[-1])
        pairs = torch.stack([first, second], dim=1).flatten(0, 1)
        return (pairs * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()


class SimCLRTrainer(BudgetedTrainer):
    """Learns an encoder from pairs of views."""

    method = "simclr"
    portable = True

    def __init__(
        self,
        config: SimCLRConfig,
        *,
        pictures: PictureSet | None = None,
        device: str = "cpu",
        seconds: float | None = None,
    ) -> None:
        """Load the pictures, build the nets, and probe what an untrained net and raw pixels know.

        Args:
            config: the settings.
            pictures: the visitor's own; needed when config.data is "own", ignored otherwise.
            device: "cpu", "cuda" or "mps".
            seconds: a time budget; the learning rate is fitted to it, and config.steps is not used.

        Raises:
            TrainingError: the pictures do not allow a run.
        """
        self.config: SimCLRConfig = config
        self.device = device
        self.budget = seconds
        try:
            self.split = load_split(config.data, int(config.image_size), pictures, config.shortcut)
        except PictureError as error:
            raise TrainingError(str(error)) from None
        self.batch = min(config.batch, len(self.split.train))
        self.notes = _notes(config, self.split)
        with seeded(config.seed):
            self.model = TwoViewModel(config).to(device, memory_format=torch.channels_last)
        self._optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=device != "mps"
        )
        self._images = as_tensor(self.split.train.images, device)
        self._batches = np.random.default_rng(config.seed)
        self._order = np.zeros(0, np.int64)
        self._views = torch.Generator(device).manual_seed(config.seed)
        self._prober = Prober(self.split, device)
        self.pixels = self._prober.pixels()
        self.untrained = self.probed = self._prober.probe(self.model, 0)
        self.step, self.seconds, self.probe_seconds = 0, 0.0, 0.0
        self._probed_at = 0.0
        self.loss = math.nan
        self._good = frozen_copy(self.model)

    def steps(self) -> Iterator[Snapshot]:
        """Train; `step` counts batches.

        Raises:
            TrainingDiverged: loss or weights are no longer finite.
        """
        while not self._over():
            begun, before = time.perf_counter(), self.step
            losses = []
            while True:
                first, second, loss = self._advance()
                losses.append(loss)
                self.step += 1
                passed = time.perf_counter() - begun
                if self._over(passed) or passed > SLICE_SECONDS:
                    break
            self._check(losses)
            spent = time.perf_counter() - begun
            self.seconds += spent
            now = 2 * self.batch * (self.step - before) / spent
            self._keep_pace(now)
            measures = measure_collapse(first, second)
            wait = max(PROBE_SECONDS, self._prober.cost / PROBE_SHARE)
            if self._over() or self.seconds - self._probed_at > wait:
                self._probe()
                self._probed_at = self.seconds
            metrics = {
                "loss": self.loss,
                "views_per_second": self.pace,
                "alignment": measures.alignment,
                "uniformity": measures.uniformity,
                "effective_rank": measures.effective_rank,
                "spread": measures.spread,
                "dimensions": measures.dimensions,
                **self.probed.scores,
            }
            done = self._over()
            yield Snapshot(self.step, self.step if done else self._total(), self.seconds, metrics, done=done)

    def freeze(self) -> FrozenModel:
        """Return a copy of the model and its newest probe."""
        return FrozenModel(
            self.config, self.step, self._good, self.split, self.device, self.probed, self.untrained, self.pixels
        )

    def evaluate(self) -> dict[str, float]:
        """Probe on held-out pictures: knn_<factor>, linear_<factor>, and the same of an untrained net and of pixels."""
        scores = self._prober.probe(self.model, self.step).scores
        return {
            **scores,
            **{f"untrained_{name}": value for name, value in self.untrained.scores.items()},
            **{f"pixels_{name}": value for name, value in self.pixels.items()},
        }

    def save(self, directory: Path) -> list[Path]:
        """Write encoder and head as model.safetensors with its card."""
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
            "metrics": self.evaluate(),
        }

    def _advance(self) -> tuple[Tensor, Tensor, Tensor]:
        """One step; returns both views' projections and the loss, still on the device."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.config.learning_rate * rate_at(self._share())
        images = self._images[torch.from_numpy(self._draw_batch()).to(self.device)].float().div_(255)
        views = torch.cat(two_views(images, self.config, self._views, images.shape[-1]))
        self.model.train()
        first, second = self.model.project(views.contiguous(memory_format=torch.channels_last)).chunk(2)
        loss = self.model.loss(first, second)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
        self._optimizer.step()
        return first.detach(), second.detach(), loss.detach()

    def _draw_batch(self) -> np.ndarray:
        """Every picture once before any comes again."""
        if len(self._order) < self.batch:
            self._order = self._batches.permutation(len(self._images))
        chosen, self._order = self._order[: self.batch], self._order[self.batch :]
        return chosen

    def _check(self, losses: list[Tensor]) -> None:
        loss = float(torch.stack(losses).mean())
        finite = math.isfinite(loss) and all(bool(torch.isfinite(p).all()) for p in self.model.parameters())
        if not finite:
            raise TrainingDiverged(
                f"The loss became NaN before step {self.step:,}, so training stopped and the last good state is kept. "
                f"Lower the learning rate (now {self.config.learning_rate:g}) and train again."
            )
        self.loss = loss
        self._good = frozen_copy(self.model)

    def _probe(self) -> None:
        begun = time.perf_counter()
        self.probed = self._prober.probe(self.model, self.step)
        spent = time.perf_counter() - begun
        self.probe_seconds += spent
        self.seconds += spent


class Prober(PictureProber):
    """Probes a model's features of the same pictures again and again."""

    def probe(self, model: TwoViewModel, step: int) -> Probed:
        """Embed and probe; notes what that costs in seconds."""
        training = model.training
        model.eval()
        probed = self.probe_features(lambda images: embed(model.encoder, images), step)
        model.train(training)
        return probed


def _notes(config: SimCLRConfig, split: Split) -> list[str]:
    notes = list(split.train.notes)
    if config.batch > len(split.train):
        notes.append(
            f"The batch is {config.batch}, but there are {len(split.train)} pictures to train on: all are taken."
        )
    if not any(getattr(config, name) for name in AUGMENTATIONS):
        notes.append("All augmentations are off: both views are the same picture, so the task is trivial.")
    return notes
