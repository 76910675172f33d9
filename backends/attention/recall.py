"""The trainer of "LSTM against transformer": both nets learn from the same sequences, step by step by turns."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import ThreadpoolController
from torch import Tensor
from torch.nn import functional as F

from backends.attention.recall_config import RecallConfig
from backends.attention.recall_data import DISTRACTORS, HELD_OUT_SEED, draw_sequences
from backends.attention.recall_frozen import FrozenRecall, accuracy
from backends.attention.recall_nets import LSTM, NETS, TRANSFORMER, RecallNet, build_nets
from backends.engine.checkpoints import save_checkpoint
from backends.engine.trainer import SLICE_SECONDS, BudgetedTrainer, Snapshot, TrainingDiverged
from backends.nets.vision import count_parameters

TESTED, TESTED_AT_THE_END = 256, 1_024
"""Held-out sequences while the nets train, and for `evaluate`."""
TEST_SHARE = 0.1
"""Of the training time: the next test waits until that much of it pays for the last."""
NAMES = {TRANSFORMER: "transformer", LSTM: "LSTM"}


@dataclass
class Side:
    """One net in training.

    Attributes:
        net: it.
        optimizer: of its weights.
        good: a copy of the net when its numbers were last seen to be finite.
        losses: of the steps since then.
        loss: their mean, when they were last looked at.
        accuracy: on held-out sequences, when it was last tested.
        seconds: spent on its steps.
    """

    net: RecallNet
    optimizer: torch.optim.Optimizer
    good: RecallNet
    losses: list[float] = field(default_factory=list)
    loss: float = math.nan
    accuracy: float = 0.0
    seconds: float = 0.0

    def learn(self, tokens: Tensor, answers: Tensor, clip: float) -> None:
        """Take one step."""
        begun = time.perf_counter()
        loss = F.cross_entropy(self.net(tokens), answers)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), clip)
        self.optimizer.step()
        self.losses.append(loss.item())  # waits for the device, so the clock is right there too
        self.seconds += time.perf_counter() - begun

    def settle(self) -> bool:
        """Keep the net if its numbers are finite; returns whether they are."""
        loss = float(np.mean(self.losses))
        self.losses = []
        if not (math.isfinite(loss) and all(bool(torch.isfinite(p).all()) for p in self.net.parameters())):
            return False
        self.loss = loss
        self.good = copy.deepcopy(self.net).eval()
        return True


class RecallTrainer(BudgetedTrainer):
    """A transformer and an LSTM of the same size learn to recall a sequence's first symbol.

    Each batch goes to both, so they take as many steps on the same sequences; only the time that a step takes is their
    own. The learning rates stay as they are: one that falls would end the search of the net that needs longer.

    On the CPU a slice keeps to one core. An LSTM's steps are many and small: measured at distance 100, a second core
    saves a third of the time while it is free, and doubles it as soon as another process wants that core (the browser
    that draws). It also makes the numbers the same on any number of cores.
    """

    method = "recall"

    def __init__(self, config: RecallConfig, *, device: str = "cpu", seconds: float | None = None) -> None:
        """Build both nets and draw the held-out sequences.

        Args:
            config: the settings.
            device: "cpu", "cuda" or "mps".
            seconds: a time budget of both together, in place of config.steps.
        """
        self.config: RecallConfig = config
        self.device = device
        self.budget = seconds
        rates = {TRANSFORMER: config.transformer_learning_rate, LSTM: config.lstm_learning_rate}
        self.sides = {
            name: _side(net.to(device), rates[name], fused=device != "mps") for name, net in build_nets(config).items()
        }
        self.parameters = {name: count_parameters(side.net) for name, side in self.sides.items()}
        self.notes = _notes(config, self.parameters)
        self._batches = torch.Generator().manual_seed(config.seed)
        held_out = torch.Generator().manual_seed(HELD_OUT_SEED + config.seed)
        self._held_out, self._right = draw_sequences(held_out, TESTED_AT_THE_END, config.distance, config.symbols)
        self._threads = ThreadpoolController().select(user_api="openmp")
        self.step, self.seconds = 0, 0.0
        self._test_cost = self._tested_at = 0.0
        self._test()

    def steps(self) -> Iterator[Snapshot]:
        """Train; `step` counts batches, each of which both nets have learned from.

        Raises:
            TrainingDiverged: a loss or a weight is no longer finite.
        """
        while not self._over():
            with self._threads.limit(limits=1):  # of this Python thread alone
                now = self._work()
                if self._over() or self.seconds - self._tested_at > self._test_cost / TEST_SHARE:
                    self._test()
            self._keep_pace(now)
            done = self._over()
            metrics = {**self._metrics(), "tokens_per_second": self.pace}
            yield Snapshot(self.step, self.step if done else self._total(), self.seconds, metrics, done=done)

    def freeze(self) -> FrozenRecall:
        """Return a copy of both nets, on the CPU."""
        nets = {name: copy.deepcopy(side.good).cpu() for name, side in self.sides.items()}
        return FrozenRecall(self.config, self.step, nets, self._held_out)

    def evaluate(self) -> dict[str, float]:
        """Test both nets on 1,024 held-out sequences: transformer_accuracy, lstm_accuracy, in [0, 1]."""
        tokens, right = self._held_out.to(self.device), self._right.to(self.device)
        return {f"{name}_accuracy": accuracy(side.good, tokens, right) for name, side in self.sides.items()}

    def save(self, directory: Path) -> list[Path]:
        """Write both nets as model.safetensors, each tensor's name led by its net's, with a card."""
        tensors = {
            f"{name}.{key}": value.cpu().numpy()
            for name, side in self.sides.items()
            for key, value in side.good.state_dict().items()
        }
        return save_checkpoint(directory / "model.safetensors", tensors, self.card())

    def card(self) -> dict[str, Any]:
        """What a checkpoint's card says."""
        numbers = {**self._metrics(), **self.evaluate()}
        return {
            "method": self.method,
            "config": self.config.model_dump(),
            "data": {"source": "Random sequences that this program draws.", "licence": "none needed"},
            "lstm_units": self.sides[LSTM].net.units,
            "step": self.step,
            "seconds": round(self.seconds, 3),
            "metrics": {name: value if math.isfinite(value) else None for name, value in numbers.items()},
        }

    def _work(self) -> float:
        """A slice's steps; returns how many tokens both nets read a second."""
        begun, tokens = time.perf_counter(), 0
        while True:
            tokens += self._advance()
            spent = time.perf_counter() - begun
            if self._over(spent) or spent > SLICE_SECONDS:
                break
        self._settle()
        spent = time.perf_counter() - begun
        self.seconds += spent
        return tokens / spent

    def _advance(self) -> int:
        """One step of both nets on one batch; returns how many tokens they have read together."""
        tokens, answers = self._draw_batch()
        tokens, answers = tokens.to(self.device), answers.to(self.device)
        for side in self.sides.values():
            side.learn(tokens, answers, self.config.clip)
        self.step += 1
        return len(self.sides) * tokens.numel()

    def _draw_batch(self) -> tuple[Tensor, Tensor]:
        """The next (batch, L + 2) tokens and (batch,) answers; with mixed distances each batch has one of its own."""
        distance = self.config.distance
        if self.config.distances == "mixed":
            distance = int(torch.randint(1, distance + 1, (), generator=self._batches))
        return draw_sequences(self._batches, self.config.batch, distance, self.config.symbols)

    def _settle(self) -> None:
        lost = [name for name, side in self.sides.items() if not side.settle()]
        if lost:
            name = lost[0]
            rate = getattr(self.config, f"{name}_learning_rate")
            raise TrainingDiverged(
                f"The {NAMES[name]}'s loss became NaN before step {self.step:,}, so training stopped and the last good "
                f"state is kept. Lower its learning rate (now {rate:g}) and train again."
            )

    def _test(self) -> None:
        begun = time.perf_counter()
        tokens, right = self._held_out[:TESTED].to(self.device), self._right[:TESTED].to(self.device)
        for side in self.sides.values():
            side.accuracy = accuracy(side.good, tokens, right)
        self._test_cost = time.perf_counter() - begun
        if self.step:
            self.seconds += self._test_cost
        self._tested_at = self.seconds

    def _metrics(self) -> dict[str, float]:
        sides = self.sides
        return {
            **{f"{name}_accuracy": sides[name].accuracy for name in NETS},
            **{f"{name}_loss": sides[name].loss for name in NETS},
            **{f"{name}_seconds": sides[name].seconds for name in NETS},
            **{f"{name}_parameters": float(self.parameters[name]) for name in NETS},
        }


def _side(net: RecallNet, learning_rate: float, *, fused: bool) -> Side:
    optimizer = torch.optim.Adam(net.parameters(), lr=learning_rate, fused=fused)
    return Side(net, optimizer, copy.deepcopy(net).eval())


def _notes(config: RecallConfig, parameters: dict[str, int]) -> list[str]:
    notes = [
        f"The LSTM is as wide as makes both nets equally large: {parameters[TRANSFORMER]:,} numbers to learn in the "
        f"transformer, {parameters[LSTM]:,} in the LSTM."
    ]
    different = config.symbols * DISTRACTORS**config.distance
    if different <= config.steps * config.batch:
        notes.append(
            f"At distance {config.distance} there are only {different:,} different sequences, so the nets have "
            "seen most of those that they are tested on."
        )
    return notes
