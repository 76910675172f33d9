"""What each model is asked: batches from stretches of text, and the scores that the model gives at the places asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from backends.language.config import BERTConfig, GPTConfig, LanguageConfig, T5Config
from backends.language.corruption import (
    corrupt_spans,
    decoder_inputs,
    mask_tokens,
    next_tokens,
    shuffle_sentences,
    span_layout,
)
from backends.language.model import LanguageModel
from backends.language.tokens import END_ID, FIRST_ORDINARY, SENTINEL_ID, START_ID, TextTokenizer

SHORTEST = 8
"""Tokens of the shortest texts in training."""
T5_RATE = 1 / 3
"""Of the learning rate. With all of it T5 had learned nothing of the words after a minute, with a third 0.44 nats: one
seed each, on a machine with other work."""


@dataclass(frozen=True, eq=False)
class Batch:
    """A step's question.

    Attributes:
        inputs: (B, T) token numbers that the model, or its encoder, reads.
        targets: (B, A) what it has to say.
        places: (B, A) where; None where each place is asked.
        written: (B, A) what the decoder reads meanwhile; None without one.
        tokens: how many tokens are read in all.
    """

    inputs: Tensor
    targets: Tensor
    places: Tensor | None = None
    written: Tensor | None = None

    @property
    def tokens(self) -> int:
        """How many tokens are read, by encoder and decoder together."""
        return int(self.inputs.numel() + (0 if self.written is None else self.written.numel()))


class Objective(Protocol):
    """How a text labels itself."""

    @property
    def stretch(self) -> int:
        """Tokens of running text that a row is made of."""

    @property
    def shortest(self) -> int:
        """The fewest: short texts are asked too, so that a visitor's short sentence is nothing new."""

    @property
    def rate(self) -> float:
        """Share of the config's learning rate that suits the model."""

    def draw(self, stretches: np.ndarray, generator: np.random.Generator) -> Batch:
        """Break (B, T) stretches of text."""

    def logits(self, model: LanguageModel, batch: Batch) -> Tensor:
        """The model's (B, A, V) scores at the places asked."""

    def frequencies(self, counts: np.ndarray) -> np.ndarray:
        """How often each token is a target, (V,) summing to 1, from how often it stands in the text."""


def objective_of(config: LanguageConfig, tokenizer: TextTokenizer) -> Objective:
    """The objective that a config describes."""
    if isinstance(config, BERTConfig):
        return FillMasks(config, len(tokenizer))
    if isinstance(config, T5Config):
        return WriteMissing(config, tokenizer)
    assert isinstance(config, GPTConfig)
    return GuessNext(config)


class FillMasks:
    """Masked language modelling (Devlin et al., 2019): guess the hidden tokens from all others."""

    rate = 1.0

    def __init__(self, config: BERTConfig, vocabulary: int) -> None:
        self._config, self._vocabulary = config, vocabulary
        self.stretch = config.length - 1
        """One place is [START]'s."""
        self.shortest = min(SHORTEST, self.stretch)

    def draw(self, stretches: np.ndarray, generator: np.random.Generator) -> Batch:
        """Hide tokens anew."""
        masked = mask_tokens(
            stretches,
            generator,
            self._vocabulary,
            mask_ratio=self._config.mask_ratio,
            masked_share=self._config.masked_share,
        )
        starts = np.full((len(stretches), 1), START_ID, stretches.dtype)
        inputs = np.concatenate([starts, masked.inputs], axis=1)
        return Batch(_tensor(inputs), _tensor(masked.targets), _tensor(masked.places + 1))

    def logits(self, model: LanguageModel, batch: Batch) -> Tensor:
        """Only the hidden places are worked out in the last block."""
        x = model.stack.ask(model.embedding(batch.inputs), batch.places)
        logits: Tensor = model.embedding.logits(x)
        return logits

    def frequencies(self, counts: np.ndarray) -> np.ndarray:
        """Text tokens, as often as they come; special ones are almost never hidden."""
        text = counts.astype(np.float64)
        text[:FIRST_ORDINARY] = 0
        return _smoothed(text)


class GuessNext:
    """Next word (Radford et al., 2019): guess each token from those before it."""

    rate = 1.0

    def __init__(self, config: GPTConfig) -> None:
        self.stretch = self.shortest = config.length  # the beginning of a long text is a short one

    def draw(self, stretches: np.ndarray, generator: np.random.Generator) -> Batch:
        """Nothing is drawn: every place is asked."""
        asked = next_tokens(stretches)
        return Batch(_tensor(asked.inputs), _tensor(asked.targets))

    def logits(self, model: LanguageModel, batch: Batch) -> Tensor:
        """Scores of each next token."""
        logits: Tensor = model(batch.inputs)
        return logits

    def frequencies(self, counts: np.ndarray) -> np.ndarray:
        """As often as tokens come, line ends among them."""
        return _smoothed(counts.astype(np.float64))


class WriteMissing:
    """T5's objectives (Raffel et al., 2020): write cut-out spans, or a shuffled text in order."""

    rate = T5_RATE

    def __init__(self, config: T5Config, tokenizer: TextTokenizer) -> None:
        self._config, self._tokenizer = config, tokenizer
        self.stretch = config.length
        self.shortest = min(SHORTEST, self.stretch)

    def draw(self, stretches: np.ndarray, generator: np.random.Generator) -> Batch:
        """Cut out spans anew, or shuffle sentences; with "both" a coin decides for the whole batch."""
        config = self._config
        if config.objective == "spans" or (config.objective == "both" and generator.random() < 0.5):
            broken = corrupt_spans(
                stretches, generator, corruption_ratio=config.corruption_ratio, mean_span=config.mean_span
            )
            source, targets = broken.source, broken.targets
        else:
            shuffled = shuffle_sentences(stretches, generator, self._tokenizer.ends_sentence)
            source, targets = shuffled.source, shuffled.targets
        return Batch(_tensor(source), _tensor(targets), written=_tensor(decoder_inputs(targets)))

    def logits(self, model: LanguageModel, batch: Batch) -> Tensor:
        """Scores of each next token of what is to be written."""
        logits: Tensor = model(batch.inputs, batch.written)
        return logits

    def frequencies(self, counts: np.ndarray) -> np.ndarray:
        """Hidden text tokens, a sentinel for each span, an end for each text, all as of a whole stretch."""
        text = _smoothed(counts.astype(np.float64))
        config = self._config
        hidden, spans = span_layout(self.stretch, config.corruption_ratio, config.mean_span)
        share = {"spans": 1.0, "sentences": 0.0, "both": 0.5}[config.objective]
        expected = text * (share * hidden + (1 - share) * self.stretch)
        expected[END_ID] += 1
        expected[SENTINEL_ID : SENTINEL_ID + spans] += share
        return np.asarray(expected / expected.sum())


def _smoothed(counts: np.ndarray) -> np.ndarray:
    """Shares, after one more of each, so that none is 0."""
    return np.asarray((counts + 1) / (counts + 1).sum())


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.int64))
