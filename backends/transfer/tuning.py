"""The two ways that train a whole net on the labelled examples: fine-tuning an encoder, and the same net from scratch.

Both take the same steps over the same batches, without augmentation: what differs is what the weights start from.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backends.engine.schedule import rate_at
from backends.engine.trainer import TrainingDiverged
from backends.nets.seeded import seeded
from backends.transfer.config import TransferConfig
from backends.transfer.encoder import Encoder

WEIGHT_DECAY = 1e-4
CLIP_NORM = 1.0
HEAD_RATE = 10.0
"""So many times faster than the encoder learns its new linear layer, which starts at zero."""
VARIANCE_FLOOR = 1e-3
"""Share of the features' mean variance below which none of them is taken to vary: dead features would be blown up."""
TEST_CHUNK = 50
"""Examples that are classified at a time."""


class Tuning:
    """One training on one set of labelled examples."""

    def __init__(
        self,
        encoder: Encoder,
        way: str,
        config: TransferConfig,
        rows: Tensor,
        labels: Tensor,
        classes: int,
        *,
        seen: Tensor | None,
        draw: int,
    ) -> None:
        """Copy the encoder, or draw its net anew, and put a linear layer on top.

        A trained encoder's batch norms keep their statistics, because a handful of examples has none; one from scratch
        learns its own.

        Args:
            encoder: with a net; it is not changed.
            way: "fine_tuning" or "scratch".
            config: steps, learning rate, batch and seed.
            rows: (N, …) as the encoder reads the examples, on the device, N at least 2.
            labels: (N,) int64 on the device.
            classes: how many there are.
            seen: (K, D) the encoder's frozen features of examples whose labels it doesn't need, to bring them to one
                scale; None from scratch.
            draw: which draw of labelled examples, from 0.
        """
        assert encoder.net is not None
        assert encoder.fresh is not None
        self._config, self._rows, self._labels, self._prepare = config, rows, labels, encoder.prepare
        self._batch = min(config.batch, len(rows))
        self._random = np.random.default_rng([config.seed, draw, len(rows)])
        self._order = np.zeros(0, np.int64)
        self._scratch = way == "scratch"
        if self._scratch:
            with seeded(config.seed + draw):
                net = encoder.fresh()
        else:
            net = copy.deepcopy(encoder.net)
        self.net = net.requires_grad_().to(rows.device, memory_format=torch.channels_last)
        width = _width(encoder, rows)
        self.head = _head(width, classes, seen).to(rows.device)
        rate = config.learning_rate
        self._optimizer = torch.optim.AdamW(
            [
                {"params": list(self.net.parameters()), "peak": rate},
                {"params": list(self.head.parameters()), "peak": HEAD_RATE * rate},
            ],
            lr=rate,
            weight_decay=WEIGHT_DECAY,
            fused=rows.device.type != "mps",
        )
        self.step, self.steps, self.loss = 0, config.steps_for(len(rows)), math.nan

    def advance(self) -> None:
        """One step on a batch of labelled examples.

        Raises:
            TrainingDiverged: the loss is no longer finite.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * rate_at(self.step / self.steps)
        self.net.train(self._scratch)
        self.head.train(self._scratch)
        chosen = torch.from_numpy(self._draw_batch()).to(self._rows.device)
        loss = F.cross_entropy(self._logits(self._rows[chosen]), self._labels[chosen])
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parameters = [*self.net.parameters(), *self.head.parameters()]
        norm = torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
        if not math.isfinite(float(loss.detach()) + float(norm)):
            raise self._diverged()
        self._optimizer.step()
        self.step += 1
        self.loss = float(loss.detach())

    def predict(self, rows: Tensor) -> Iterator[np.ndarray]:
        """Classify (M, …) rows, some at a time: (m,) int64 classes, the next at each pull.

        Raises:
            TrainingDiverged: the net answers with NaN or infinity.
        """
        for chunk in rows.split(TEST_CHUNK):
            yield self._classes(chunk)

    @torch.no_grad()
    def _classes(self, rows: Tensor) -> np.ndarray:
        self.net.eval()
        self.head.eval()
        logits = self._logits(rows)
        if not bool(torch.isfinite(logits).all()):
            raise self._diverged()
        found: np.ndarray = logits.argmax(dim=1).cpu().numpy()
        return found

    def _logits(self, rows: Tensor) -> Tensor:
        """(B, …) rows to (B, C)."""
        class_logits: Tensor = self.head(self.net(self._prepare(rows)))
        return class_logits

    def _draw_batch(self) -> np.ndarray:
        """Every labelled example once before any comes again."""
        if len(self._order) < self._batch:
            self._order = self._random.permutation(len(self._rows))
        chosen, self._order = self._order[: self._batch], self._order[self._batch :]
        return chosen

    def _diverged(self) -> TrainingDiverged:
        return TrainingDiverged(
            f"The loss became NaN at step {self.step + 1:,} of a training, so it stopped and the points so far are "
            f"kept. Lower the learning rate (now {self._config.learning_rate:g}) and start again."
        )


def _width(encoder: Encoder, rows: Tensor) -> int:
    """D of an encoder's features."""
    return int(encoder.embed(rows[:1]).shape[1])


def _head(width: int, classes: int, seen: Tensor | None) -> nn.Module:
    """Features brought to one scale by a batch norm without weights, as in He et al. (2022), A.1; then a linear layer.

    The linear layer starts at zero, so that every class is as likely at first. Where features have been seen, the norm
    takes its statistics from them.
    """
    norm = nn.BatchNorm1d(width, affine=False)
    linear = nn.Linear(width, classes)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    if seen is not None and norm.running_mean is not None and norm.running_var is not None:
        variance = seen.var(dim=0, correction=0)
        norm.running_mean.copy_(seen.mean(dim=0))
        norm.running_var.copy_(variance.clamp_min(VARIANCE_FLOOR * float(variance.mean()) + 1e-12))
    return nn.Sequential(norm, linear)
