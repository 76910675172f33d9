"""What can be asked of both nets between two steps: their gradients over time, their answers, and where they look."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from backends.attention.recall_config import RecallConfig
from backends.attention.recall_data import HELD_OUT_SEED, QUERY, draw_sequences, letters_of
from backends.attention.recall_nets import LSTM, TRANSFORMER, RecallNet
from backends.nets.transformer import DECODER, SELF, Look

GRADIENT_SEQUENCES = 64
DISTANCE_SEQUENCES = 256
EVALUATION_CHUNK = 128


@dataclass(frozen=True)
class Attended:
    """One held-out sequence, where the transformer looks for the answer, and what both nets say.

    Attributes:
        number: of the sequence.
        symbols: (L + 2) letters, as `letters_of` writes them.
        weights: (depth, heads, L + 2) float32 attention of the question on every place; each row sums to 1.
        answers: by net, the letter that it finds likeliest and its probability.
    """

    number: int
    symbols: tuple[str, ...]
    weights: np.ndarray
    answers: dict[str, tuple[str, float]]

    @property
    def right(self) -> str:
        """The right answer."""
        return self.symbols[0]


@dataclass(frozen=True)
class DistancePoint:
    """Held-out accuracy at one distance, in [0, 1]."""

    distance: int
    transformer_accuracy: float
    lstm_accuracy: float


@dataclass(frozen=True)
class FrozenRecall:
    """A copy of both nets; later steps do not change it.

    Attributes:
        config: of the run.
        step: how far it was.
        nets: by name, on the CPU, in evaluation mode; not for training.
        tokens: (N, L + 2) held-out sequences, on the CPU.
    """

    config: RecallConfig
    step: int
    nets: dict[str, RecallNet]
    tokens: Tensor

    @property
    def places(self) -> tuple[str, ...]:
        """What stands at each of the L + 2 places: the symbol, the distractors by number, the question."""
        return ("symbol", *(f"distractor {i}" for i in range(1, self.config.distance + 1)), QUERY)

    def gradients(self) -> dict[str, np.ndarray]:
        """How strongly the loss pulls at each input step, by net: (L + 2,) float64, the symbol's place first.

        The norm of the gradient of -log p(right answer) by the step's embedding, a mean over held-out sequences. In
        double precision: over 200 steps an LSTM's gradient shrinks below what float32 can hold.
        """
        tokens = self.tokens[:GRADIENT_SEQUENCES]
        return {name: gradient_norms(net, tokens) for name, net in self.nets.items()}

    def attention(self, number: int = 0) -> Attended:
        """Show how one held-out sequence is answered.

        Args:
            number: of the sequence, from 0; past the last one it starts again.
        """
        number %= len(self.tokens)
        tokens = self.tokens[number : number + 1]
        look = Look()
        with torch.no_grad():
            logits = {
                TRANSFORMER: self.nets[TRANSFORMER](tokens, look=look),
                LSTM: self.nets[LSTM](tokens),
            }
        weights = [look.weights[DECODER, SELF, layer][0, :, -1] for layer in range(self.config.depth)]
        answers = {name: self._answer(scores[0]) for name, scores in logits.items()}
        return Attended(number, letters_of(tokens[0], self.config.symbols), torch.stack(weights).numpy(), answers)

    def scores(self) -> dict[str, tuple[float, float]]:
        """Test both nets on all held-out sequences, by net: accuracy in [0, 1], and mean cross-entropy in nats."""
        return {name: score(net, self.tokens, self.tokens[:, 0]) for name, net in self.nets.items()}

    def accuracy_over_distance(self, distances: Sequence[int]) -> list[DistancePoint]:
        """Test these very nets with fewer distractors than they have places for.

        A sequence starts at the first place, whatever its length, and is answered from its own last one.

        Args:
            distances: each from 1 to the run's own.

        Raises:
            ValueError: a distance is out of range.
        """
        longest = self.config.distance
        for distance in distances:
            if not 1 <= distance <= longest:
                raise ValueError(f"The distance is {distance}; these nets can be tested from 1 to {longest}.")
        points = []
        for distance in distances:
            generator = torch.Generator().manual_seed(HELD_OUT_SEED + self.config.seed)
            tokens, answers = draw_sequences(generator, DISTANCE_SEQUENCES, distance, self.config.symbols)
            scores = {name: accuracy(net, tokens, answers) for name, net in self.nets.items()}
            points.append(DistancePoint(distance, scores[TRANSFORMER], scores[LSTM]))
        return points

    def _answer(self, logits: Tensor) -> tuple[str, float]:
        probability, symbol = logits.softmax(0).max(0)
        return letters_of(symbol[None], self.config.symbols)[0], float(probability)


def gradient_norms(net: RecallNet, tokens: Tensor) -> np.ndarray:
    """Norms of the loss's gradient by each step's embedding, a mean over the sequences.

    Args:
        net: on the CPU.
        tokens: (N, T), the right answer first.

    Returns:
        (T,) float64.
    """
    net = copy.deepcopy(net).double()
    embedded = net.embed(tokens).detach().requires_grad_()
    loss = F.cross_entropy(net.answer(embedded), tokens[:, 0], reduction="sum")  # each sequence's own gradient
    (gradient,) = torch.autograd.grad(loss, embedded)
    return gradient.norm(dim=2).mean(dim=0).numpy()


def accuracy(net: RecallNet, tokens: Tensor, answers: Tensor) -> float:
    """Share of the sequences (N, T) that a net answers right, in [0, 1]."""
    return score(net, tokens, answers)[0]


@torch.no_grad()
def score(net: RecallNet, tokens: Tensor, answers: Tensor) -> tuple[float, float]:
    """Share of the sequences (N, T) that a net answers right, in [0, 1], and the mean cross-entropy in nats."""
    logits = torch.cat([net(part) for part in tokens.split(EVALUATION_CHUNK)])
    return float((logits.argmax(dim=1) == answers).float().mean()), float(F.cross_entropy(logits, answers))
