"""What all encoders have in common, whatever they read: pictures or passages of text become rows of features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from backends.engine.trainer import TrainingError


class EncoderError(TrainingError):
    """An encoder can't be had, or doesn't fit the data. The message is one sentence that says what to do.

    Attributes:
        reason: its first half, for a page where something else is to be done than what the second half says.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        """Make the sentence "reason: remedy."."""
        super().__init__(f"{reason}: {remedy}.")
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Encoder(ABC):
    """Whose features are tried.

    Attributes:
        name: of `backends.transfer.config.TITLES`.
        title: as a chart calls it.
        net: a batch as `prepare` makes it to (B, D), in evaluation mode, not for training; None: the batch itself,
            made flat, is the features.
        fresh: builds the same net with random weights from torch's global generator; None where there is no net.
        trained_on: "apples", "emoji" or "own", of text a key of `backends.data.corpora.BUILT_IN` or "own"; "" where it
            was not trained.
        learned: whether the net's weights are other than random.
        steps: of a visitor's own run, how far it was; None of all others.
    """

    name: str
    title: str
    net: nn.Module | None
    fresh: Callable[[], nn.Module] | None
    trained_on: str = ""
    learned: bool = False
    steps: int | None = None

    @abstractmethod
    def read(self, examples: Any) -> Tensor:
        """Pictures or passages to (n, …): a row of each, which `embed` takes."""

    @abstractmethod
    def origin_notes(self, data: str) -> Iterator[str]:
        """Sentences on what the encoder has met before, and what that says of a task on these data."""

    def prepare(self, rows: Tensor) -> Tensor:
        """(B, …) rows as the net takes them."""
        return rows

    @torch.no_grad()
    def embed(self, rows: Tensor) -> Tensor:
        """(n, …) rows to (n, D) float32 features."""
        batch = self.prepare(rows)
        if self.net is None:
            return batch.flatten(1)
        features: Tensor = self.net(batch)
        return features
