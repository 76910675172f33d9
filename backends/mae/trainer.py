"""The trainer: hide patches, paint them, and show how the painting of pictures that were never trained on sharpens."""

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

from backends.analysis.prober import PictureProber, Probed, as_tensor, map_pictures, spread_out
from backends.data.pictures import PictureError, PictureSet
from backends.data.splits import Split, load_split
from backends.engine.schedule import rate_at
from backends.engine.trainer import SLICE_SECONDS, BudgetedTrainer, Snapshot, TrainingDiverged, TrainingError
from backends.mae.config import MAEConfig
from backends.mae.masking import draw_mask, draw_masks, hidden_count
from backends.mae.model import MEAN, SPREAD, MaskedAutoencoder, patchify, standardised, unpatchify
from backends.nets.frozen import frozen_copy
from backends.nets.seeded import seeded

BETAS = (0.9, 0.95)
"""Of AdamW, as in the paper's appendix A."""
CLIP_NORM = 1.0
PATCHES_A_STEP = 16_384
"""Most patches that a step holds; with more of them it would take seconds, and whoever wants to stop would wait."""
CHUNK_PATCHES = 32_768
"""Patches that are encoded or painted at a time outside of training."""

PROBED_PICTURES = 500
"""Of the probes' bank, and as many to test. Nothing is hidden from the encoder here, so each costs four times what it
costs to train."""
PROBE_SHARE, ERROR_SHARE = 0.04, 0.03
"""Of the training time: probes and held-out errors wait until that much of it pays for them."""
PROBE_SECONDS, ERROR_SECONDS = 0.8, 0.5
"""At least so long from one to the next."""
ERROR_PICTURES, MOST_ERROR_PICTURES = 128, 1_000
"""Held-out pictures whose hidden patches are painted while training goes on, and at its end."""
FEWEST_PICTURES = 32
"""Of probes and errors where a net is so large that more of them would take seconds; see `affordable`."""
ERROR_SEED = 21
"""Of the masks over held-out pictures: the same for every run."""

FILM_PICTURES, FILM_FRAMES, FILM_SEED = 6, 60, 3
"""Held-out pictures in the film, frames that are kept of it at most, and the seed of their one mask."""


@dataclass(frozen=True)
class Reconstruction:
    """What a model paints for n pictures of S × S pixels and L patches.

    Attributes:
        painted: (n, S, S, 3) float32 in [0, 1]: the decoder's output for every patch, visible ones included. With
            normalised targets each patch as it comes out, 0.5 + z/4: to give it back its brightness and contrast would
            take the hidden patch's own.
        errors: (n, L) float32: mean squared error of each patch, of pixels in [0, 1] or of normalised ones.
        normalised: whether the model paints normalised patches.
    """

    painted: np.ndarray
    errors: np.ndarray
    normalised: bool


@dataclass(frozen=True)
class Frame:
    """One picture of the film.

    Attributes:
        step: when.
        painted: (K, S, S, 3) uint8: what the model paints for the film's pictures, visible patches included.
    """

    step: int
    painted: np.ndarray


@dataclass(frozen=True)
class FrozenMAE:
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
        film: what was painted from before the first step until now, thinned to a few dozen frames.
    """

    config: MAEConfig
    step: int
    model: MaskedAutoencoder
    split: Split
    device: str
    probed: Probed
    untrained: Probed
    pixels: dict[str, float] = field(default_factory=dict)
    film: tuple[Frame, ...] = ()

    @property
    def map_pictures(self) -> PictureSet:
        """The held-out pictures whose features `probed` holds, in its order."""
        return map_pictures(self.split)

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Return the features of (n, S, S, 3) uint8 pictures: (n, D) float32."""
        return _embed(self.model, as_tensor(images, self.device)).cpu().numpy()

    def reconstruct(self, images: np.ndarray, hidden: np.ndarray) -> Reconstruction:
        """Paint pictures from their visible patches.

        Args:
            images: (n, S, S, 3) uint8, S as in the config.
            hidden: (L,) bool for all of them or (n, L), True = hidden; none and all are allowed.

        Raises:
            ValueError: the shapes do not fit the model.
        """
        masks = self._masks(images, hidden)
        painted, errors = _paint(self.model, as_tensor(images, self.device), masks)
        return Reconstruction(painted, errors, self.config.normalised)

    def visible_mean(self, images: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        """The errors of guessing the mean colour of what is visible: (n, L) float32; arguments as of `reconstruct`."""
        masks = self._masks(images, hidden)
        return _guess(self.model, as_tensor(images, self.device), masks)

    def _masks(self, images: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        size, patches = int(self.config.image_size), self.config.patches
        if images.ndim != 4 or images.shape[1:] != (size, size, 3):
            raise ValueError(f"Pictures must be (n, {size}, {size}, 3), not {images.shape}.")
        if hidden.shape not in ((patches,), (len(images), patches)):
            raise ValueError(f"The mask must be ({patches},) or ({len(images)}, {patches}), not {hidden.shape}.")
        return np.broadcast_to(np.asarray(hidden, bool), (len(images), patches))


class MAETrainer(BudgetedTrainer):
    """Learns to paint hidden patches."""

    method = "mae"
    portable = True

    def __init__(
        self,
        config: MAEConfig,
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
        self.config: MAEConfig = config
        self.device = device
        self.budget = seconds
        try:
            self.split = load_split(config.data, int(config.image_size), pictures)
        except PictureError as error:
            raise TrainingError(str(error)) from None
        self.batch = min(config.batch, len(self.split.train), PATCHES_A_STEP // config.patches)
        self.notes = _notes(config, self.split, self.batch)
        with seeded(config.seed):
            self.model = MaskedAutoencoder(config).to(device)
        self._optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=config.learning_rate,
            betas=BETAS,
            weight_decay=config.weight_decay,
            fused=device != "mps",
        )
        self._hidden = hidden_count(config.mask_ratio, config.patches)
        self._patches = patchify(as_tensor(self.split.train.images, device), int(config.patch))  # (N, L, P) uint8
        self._batches = np.random.default_rng(config.seed)
        self._masks = np.random.default_rng([config.seed, 1])
        self._order = np.zeros(0, np.int64)
        self._prober = prober_of(config, self.split, device)
        self._errors = HeldOut(config, self.split, device)
        self._film = Film(config, self.split, device)
        self.pixels = self._prober.pixels()
        self.step, self.seconds, self.measure_seconds = 0, 0.0, 0.0
        self._probed_at = self._measured_at = 0.0
        self.loss = math.nan
        self.untrained = self.probed = self._probe()
        self.errors = self._errors.measure(self.model)
        self._film.shoot(self.model, 0)
        self._good = frozen_copy(self.model)

    def steps(self) -> Iterator[Snapshot]:
        """Train; `step` counts batches. The array `painted` of a snapshot is what the film's newest frame shows.

        Raises:
            TrainingDiverged: loss or weights are no longer finite.
        """
        while not self._over():
            begun, before = time.perf_counter(), self.step
            losses = []
            while True:
                losses.append(self._advance())
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
            metrics = {"loss": self.loss, **self.errors, "images_per_second": self.pace, **self.probed.scores}
            done = self._over()
            total = self.step if done else self._total()
            arrays = {"painted": self._film.newest.painted}
            yield Snapshot(self.step, total, self.seconds, metrics, arrays, done=done)

    def freeze(self) -> FrozenMAE:
        """Return a copy of the model, its newest probe and the film so far."""
        return FrozenMAE(
            self.config,
            self.step,
            self._good,
            self.split,
            self.device,
            self.probed,
            self.untrained,
            self.pixels,
            self._film.frames,
        )

    def evaluate(self) -> dict[str, float]:
        """Measure on held-out pictures: masked_error, visible_mean_error, error_ratio, and what features know.

        That is knn_<factor> and linear_<factor>, and the same of an untrained net and of the raw pixels.
        """
        return {
            **self._errors.measure(self._good, MOST_ERROR_PICTURES),
            **self._prober.probe_features(lambda images: _embed(self._good, images), self.step).scores,
            **{f"untrained_{name}": value for name, value in self.untrained.scores.items()},
            **{f"pixels_{name}": value for name, value in self.pixels.items()},
        }

    def save(self, directory: Path) -> list[Path]:
        """Write encoder and decoder as model.safetensors with its card."""
        from backends.mae.checkpoint import save_model

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

    def _advance(self) -> Tensor:
        """One step; returns the loss, still on the device."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.config.learning_rate * rate_at(self._share())
        masks = draw_masks(self.config.masking, self._hidden, self.config.side, self.batch, self._masks)
        chosen = torch.from_numpy(self._draw_batch()).to(self.device)
        patches = standardised(self._patches[chosen].float().div_(255))
        loss = self.model.loss(patches, torch.from_numpy(masks).to(self.device))
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
        self._optimizer.step()
        return loss.detach()

    def _draw_batch(self) -> np.ndarray:
        """Every picture once before any comes again."""
        if len(self._order) < self.batch:
            self._order = self._batches.permutation(len(self._patches))
        chosen, self._order = self._order[: self.batch], self._order[self.batch :]
        return chosen

    def _check(self, losses: list[Tensor]) -> None:
        loss = float(torch.stack(losses).mean())
        finite = math.isfinite(loss + float(torch.nn.utils.get_total_norm(list(self.model.parameters()))))
        if not finite:
            raise self._diverged()
        self.loss = loss * self.model.error_scale

    def _diverged(self) -> TrainingDiverged:
        return TrainingDiverged(
            f"The loss became NaN before step {self.step:,}, so training stopped and the last good state is kept. "
            f"Lower the learning rate (now {self.config.learning_rate:g}) and train again."
        )

    def _look(self) -> None:
        """Paint the film's next frame; measure errors and probe when their time has come, and at the end.

        Only a state that paints numbers is kept as good: weights can be finite and too large to calculate with, and the
        loss of the step that made them does not show it.
        """
        begun, over = time.perf_counter(), self._over()
        newest = frozen_copy(self.model)
        if not self._film.shoot(newest, self.step):
            raise self._diverged()
        self._good = newest
        if over or self.seconds - self._measured_at > max(ERROR_SECONDS, self._errors.cost / ERROR_SHARE):
            self.errors = self._errors.measure(self._good, MOST_ERROR_PICTURES if over else ERROR_PICTURES)
            self._measured_at = self.seconds
        if over or self.seconds - self._probed_at > max(PROBE_SECONDS, self._prober.cost / PROBE_SHARE):
            self.probed = self._probe()
            self._probed_at = self.seconds
        spent = time.perf_counter() - begun
        self.measure_seconds += spent
        self.seconds += spent

    def _probe(self) -> Probed:
        return self._prober.probe_features(lambda images: _embed(self.model, images), self.step)


class HeldOut:
    """Held-out pictures under masks that stay the same, and how well their hidden patches are painted."""

    def __init__(self, config: MAEConfig, split: Split, device: str) -> None:
        """Choose the pictures and draw a mask of the run's kind and ratio over each."""
        pictures = spread_out(split.held_out, affordable(config, MOST_ERROR_PICTURES))
        hidden = hidden_count(config.mask_ratio, config.patches)
        random = np.random.default_rng(ERROR_SEED)
        self._images = as_tensor(pictures.images, device)
        self._masks = draw_masks(config.masking, hidden, config.side, len(pictures), random)
        self._guesses: np.ndarray | None = None
        self.cost = 0.0

    def measure(self, model: MaskedAutoencoder, pictures: int = ERROR_PICTURES) -> dict[str, float]:
        """Paint so many of the pictures, fewer where the net is large; notes what that costs in seconds.

        Returns:
            masked_error: mean squared error over hidden patches, of pixels in [0, 1] or of normalised patches.
            visible_mean_error: the same for guessing the mean colour of each picture's visible patches.
            error_ratio: the one over the other.
        """
        begun = time.perf_counter()
        pictures = affordable(model.config, pictures)
        images, masks = self._images[:pictures], self._masks[:pictures]
        if self._guesses is None:
            self._guesses = _guess(model, self._images, self._masks)
        _, errors = _paint(model, images, masks, show=False)
        masked, guessed = float(errors[masks].mean()), float(self._guesses[: len(masks)][masks].mean())
        self.cost = time.perf_counter() - begun
        ratio = masked / guessed if guessed > 0 else math.nan
        return {"masked_error": masked, "visible_mean_error": guessed, "error_ratio": ratio}


class Film:
    """What the model paints for a few held-out pictures, from the first step to the newest."""

    def __init__(self, config: MAEConfig, split: Split, device: str) -> None:
        """Choose the pictures and their one mask."""
        self._images = as_tensor(film_pictures(split), device)
        self._masks = np.broadcast_to(film_mask(config), (len(self._images), config.patches))
        self._kept: list[Frame] = []
        self._shots, self._stride = 0, 1
        self.newest = Frame(0, np.zeros((0, int(config.image_size), int(config.image_size), 3), np.uint8))

    def shoot(self, model: MaskedAutoencoder, step: int) -> bool:
        """Paint a frame. Of the earlier ones every so many-th is kept, so that they stay evenly spread and few.

        Returns:
            Whether it was painted; it is not where the model's output is no longer finite.
        """
        painted, errors = _paint(model, self._images, self._masks)
        if not np.isfinite(errors).all():
            return False
        self.newest = Frame(step, (painted * 255).round().astype(np.uint8))
        if self._shots % self._stride == 0:
            self._kept.append(self.newest)
        self._shots += 1
        if len(self._kept) >= FILM_FRAMES:
            self._kept = self._kept[::2]
            self._stride *= 2
        return True

    @property
    def frames(self) -> tuple[Frame, ...]:
        """At most FILM_FRAMES: the first is from before the first step, the last is the newest."""
        last = () if self._kept and self._kept[-1] is self.newest else (self.newest,)
        return (*self._kept, *last)


def affordable(config: MAEConfig, pictures: int) -> int:
    """How many of so many pictures are looked at outside of training: all of them by nets of the usual size.

    Larger nets or finer patches get fewer, so that what is measured costs about the same; at least `FEWEST_PICTURES`.
    """
    share = _work(MAEConfig()) / _work(config)
    return min(pictures, max(FEWEST_PICTURES, int(pictures * share)))


def prober_of(config: MAEConfig, split: Split, device: str) -> PictureProber:
    """The probes of a run with these settings."""
    count = affordable(config, PROBED_PICTURES)
    return PictureProber(split, device, bank=count, tested=count)


def film_pictures(split: Split) -> np.ndarray:
    """The K held-out pictures of the film: (K, S, S, 3) uint8, K at most FILM_PICTURES."""
    return spread_out(split.held_out, FILM_PICTURES).images


def film_mask(config: MAEConfig) -> np.ndarray:
    """The mask over all of the film's pictures: (L,) bool, True = hidden."""
    ratio = hidden_count(config.mask_ratio, config.patches) / config.patches
    return draw_mask(config.masking, ratio, config.side, FILM_SEED)


@torch.no_grad()
def _embed(model: MaskedAutoencoder, images: Tensor) -> Tensor:
    """(n, 3, S, S) uint8 to (n, D)."""
    chunk = max(1, CHUNK_PATCHES // model.side**2)
    parts = [model.features(some.float() / 255) for some in images.split(chunk)]
    return torch.cat(parts) if parts else torch.zeros(0, model.width)


@torch.no_grad()
def _paint(
    model: MaskedAutoencoder, images: Tensor, masks: np.ndarray, *, show: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Paint (n, 3, S, S) uint8 pictures under (n, L) masks: pictures as of `Reconstruction`, and (n, L) errors.

    Rows that hide equally many patches go through the model together. Without `show` the pictures are left empty.
    """
    size = images.shape[-1]
    painted = np.zeros((len(images) if show else 0, size, size, 3), np.float32)
    errors = np.zeros(masks.shape, np.float32)
    counts = masks.sum(axis=1)
    chunk = max(1, CHUNK_PATCHES // model.side**2)
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        for some in np.split(rows, range(chunk, len(rows), chunk)):
            patches = model.cut(images[torch.from_numpy(some).to(images.device)].float() / 255)
            output = model(patches, torch.from_numpy(masks[some]).to(images.device))
            wrong = (output - model.target(patches)).square().mean(dim=2) * model.error_scale
            errors[some] = wrong.cpu().numpy()
            if show:
                pictures = unpatchify(MEAN + SPREAD * output, model.patch).clamp(0, 1)
                painted[some] = pictures.permute(0, 2, 3, 1).cpu().numpy()
    return painted, errors


@torch.no_grad()
def _guess(model: MaskedAutoencoder, images: Tensor, masks: np.ndarray) -> np.ndarray:
    """(n, L) errors of guessing the mean colour of the visible targets; where nothing is visible, the middle grey."""
    target = model.target(model.cut(images.float() / 255))  # (n, L, P)
    colours = target.unflatten(2, (-1, 3))  # (n, L, patch², 3)
    visible = torch.from_numpy(~masks).to(images.device)[:, :, None]
    seen = visible.sum(dim=1).clamp_min(1)
    mean = (colours.mean(dim=2) * visible).sum(dim=1) / seen  # (n, 3)
    errors = (colours - mean[:, None, None]).square().mean(dim=(2, 3)) * model.error_scale
    return errors.cpu().numpy()


def _work(config: MAEConfig) -> int:
    """Multiplications for a picture of which nothing is hidden: linear layers and attention of every block."""
    blocks = ((config.depth, int(config.width)), (config.decoder_depth, int(config.decoder_width)))
    return config.patches * sum(depth * width * (12 * width + 2 * config.patches) for depth, width in blocks)


def _notes(config: MAEConfig, split: Split, batch: int) -> list[str]:
    notes = list(split.train.notes)
    if batch < config.batch and batch == len(split.train):
        notes.append(f"The batch is {config.batch}, but there are {batch} pictures to train on: all are taken.")
    elif batch < config.batch:
        notes.append(
            f"The batch is {config.batch}, but with {config.patches:,} patches a picture only {batch} are taken, so "
            "that a step stays short."
        )
    return notes
