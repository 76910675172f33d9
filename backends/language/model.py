"""The three models, which differ in who sees whom: one shared transformer in three arrangements.

Pre-norm blocks, the token vectors also score the output (tied weights), and the output's bias starts at how often each
token comes, so that a fresh model guesses by frequency alone and all that it gains is from context.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from backends.language.config import BERTConfig, GPTConfig, LanguageConfig, T5Config
from backends.language.corruption import SENTINELS
from backends.nets.seeded import seeded
from backends.nets.transformer import Decoder, Encoder, EncoderDecoder, Stack, start_small

REACH = 8
"""Tokens up to which each head learns a score for each distance. On the speeches, a BERT of the default size has a
held-out loss of 4.8 nats after 600 steps without these scores, and of 3.7 after 400 with them (batches all of one
length; by frequency alone: 6.0)."""

LanguageModel = Encoder | Decoder | EncoderDecoder


def build(config: LanguageConfig, vocabulary: int) -> LanguageModel:
    """A fresh model for `vocabulary` tokens; its weights depend on the seed alone."""
    with seeded(config.seed):
        return assemble(config, vocabulary)


def assemble(config: LanguageConfig, vocabulary: int) -> LanguageModel:
    """A fresh model for `vocabulary` tokens, with weights from torch's global generator."""
    model: LanguageModel
    sizes = (vocabulary, int(config.width), int(config.heads), config.depth, longest_of(config))
    if isinstance(config, BERTConfig):
        model = Encoder(*sizes, reach=REACH)
    elif isinstance(config, T5Config):
        model = EncoderDecoder(*sizes, reach=REACH)
    elif isinstance(config, GPTConfig):
        model = Decoder(*sizes, reach=REACH)
    else:
        raise TypeError(f"There is no model for {type(config).__name__}.")
    start_small(model, config.depth)
    return model


def longest_of(config: LanguageConfig) -> int:
    """How many tokens the model has positions for.

    What T5 writes can be longer than what it reads: a token for each gap and an end come on top.
    """
    return config.length + SENTINELS + 1 if isinstance(config, T5Config) else config.length


@torch.no_grad()
def start_from(model: LanguageModel, frequencies: np.ndarray) -> None:
    """Let the output begin at (V,) frequencies of the targets, and every guess from context at nothing."""
    model.embedding.bias.copy_(torch.from_numpy(np.log(frequencies)))


def features(model: LanguageModel, tokens: Tensor, *, seen: Tensor | None = None) -> Tensor:
    """(B, T) token numbers to the last layer's (B, T, D); of T5, the encoder's. `seen` (B, T) is False for padding."""
    if isinstance(model, EncoderDecoder):
        return model.encode(tokens, seen=seen)
    if isinstance(model, Decoder):
        return model.features(tokens)  # padding stands at the end, where no token looks
    return model.features(tokens, seen=seen)


def mean_features(model: LanguageModel, tokens: Tensor, seen: Tensor, skipped: int) -> Tensor:
    """(B, D): the mean of the last layer over each text's tokens.

    Args:
        model: any.
        tokens: (B, T) numbers.
        seen: (B, T) False for padding.
        skipped: tokens at the start that say nothing of the text.
    """
    x = features(model, tokens, seen=seen)[:, skipped:]
    weight = seen[:, skipped:, None].float()
    return (x * weight).sum(1) / weight.sum(1)


def layers(model: LanguageModel, tokens: Tensor) -> Iterator[Tensor]:
    """The (B, T, D) vectors of (B, T) tokens as they enter the first block and as they leave each.

    Of T5, the encoder's. The last are normed, as the output reads them.
    """
    stack: Stack = model.encoder if isinstance(model, EncoderDecoder) else model.stack
    x = model.embedding(tokens)
    yield x
    *blocks, last = stack.blocks
    causal = isinstance(model, Decoder)
    for block in blocks:
        x = block(x, causal=causal)
        yield x
    yield stack.norm(last(x, causal=causal))
