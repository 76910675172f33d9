"""The two nets that recall: a causal transformer and an LSTM of the same size. Both answer from the last place."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from backends.attention.recall_config import RecallConfig
from backends.attention.recall_data import vocabulary_size
from backends.nets.seeded import seeded
from backends.nets.transformer import DECODER, INIT_SPREAD, Look, Stack
from backends.nets.vision import count_parameters

TRANSFORMER, LSTM = "transformer", "lstm"
NETS = (TRANSFORMER, LSTM)
MAX_UNITS = 1024


class RecallNet(nn.Module):
    """Tokens to scores of the symbols, in two steps, so that the gradient between them can be asked for."""

    @abstractmethod
    def embed(self, tokens: Tensor) -> Tensor:
        """(B, T) tokens to (B, T, D)."""

    @abstractmethod
    def answer(self, embedded: Tensor, *, look: Look | None = None) -> Tensor:
        """(B, T, D) to (B, S) logits of the symbols, read at the last place."""

    def forward(self, tokens: Tensor, *, look: Look | None = None) -> Tensor:
        """(B, T) tokens to (B, S) logits of the symbols."""
        return self.answer(self.embed(tokens), look=look)


class RecallTransformer(RecallNet):
    """GPT's arrangement: learned positions counted from the start, causal blocks, the last place's features scored."""

    def __init__(self, config: RecallConfig) -> None:
        super().__init__()
        width = int(config.width)
        self.tokens = nn.Embedding(vocabulary_size(config.symbols), width)
        self.positions = nn.Embedding(config.distance + 2, width)
        self.stack = Stack(DECODER, width, int(config.heads), config.depth)
        self.head = nn.Linear(width, config.symbols)
        nn.init.normal_(self.tokens.weight, std=INIT_SPREAD)
        nn.init.normal_(self.positions.weight, std=INIT_SPREAD)

    def embed(self, tokens: Tensor) -> Tensor:
        """(B, T) tokens to (B, T, D), with their positions added."""
        embedded: Tensor = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        return embedded

    def answer(self, embedded: Tensor, *, look: Look | None = None) -> Tensor:
        """(B, T, D) to (B, S) logits; a `look` keeps the attention weights."""
        logits: Tensor = self.head(self.stack(embedded, causal=True, look=look)[:, -1])
        return logits


class RecallLSTM(RecallNet):
    """One layer of LSTM (Hochreiter and Schmidhuber, 1997), as torch starts it but for the forget gates.

    Its embeddings start wider than the transformer's, as torch does it too: with narrow ones it learns more slowly.
    """

    def __init__(self, config: RecallConfig, units: int) -> None:
        """`units` is the size of its state; `matched_units` finds it."""
        super().__init__()
        width = int(config.width)
        self.units = units
        self.tokens = nn.Embedding(vocabulary_size(config.symbols), width)
        self.lstm = nn.LSTM(width, units, batch_first=True)
        self.head = nn.Linear(units, config.symbols)
        with torch.no_grad():  # torch keeps the gates' biases in the order input, forget, cell, output
            self.lstm.bias_hh_l0[units : 2 * units] += config.forget_bias

    def embed(self, tokens: Tensor) -> Tensor:
        """(B, T) tokens to (B, T, D)."""
        embedded: Tensor = self.tokens(tokens)
        return embedded

    def answer(self, embedded: Tensor, *, look: Look | None = None) -> Tensor:
        """(B, T, D) to (B, S) logits; there is nothing to look at."""
        states, _ = self.lstm(embedded)  # (B, T, units)
        logits: Tensor = self.head(states[:, -1])
        return logits


def build_nets(config: RecallConfig) -> dict[str, RecallNet]:
    """Both nets by name, equally large as far as whole units allow; each starts from the seed alone."""
    with seeded(config.seed):
        transformer = RecallTransformer(config)
    units = matched_units(config, count_parameters(transformer))
    with seeded(config.seed):
        lstm = RecallLSTM(config, units)
    return {TRANSFORMER: transformer, LSTM: lstm}


def matched_units(config: RecallConfig, parameters: int) -> int:
    """The LSTM's units with which its number of parameters comes closest."""
    return min(range(1, MAX_UNITS), key=lambda units: abs(lstm_parameters(config, units) - parameters))


def lstm_parameters(config: RecallConfig, units: int) -> int:
    """How many numbers an LSTM of so many units learns: embeddings, four gates with two biases each, read-out."""
    width = int(config.width)
    gates = 4 * units * (width + units + 2)
    return vocabulary_size(config.symbols) * width + gates + (units + 1) * config.symbols
