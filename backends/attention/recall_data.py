"""Sequences of the recall task: a symbol, distractors from an alphabet of their own, and a question."""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase

import torch
from torch import Tensor

from backends.engine.config import MAX_SEED

DISTRACTORS = len(ascii_lowercase)
QUERY = "?"
HELD_OUT_SEED = MAX_SEED + 1
"""Added to a run's seed for the held-out sequences. All training seeds lie below, so no stream is both; and the sum
stays below 2³², beyond which torch's CPU generator forgets the upper bits and would draw the training's sequences."""


def vocabulary_size(symbols: int) -> int:
    """How many tokens there are: symbols 0 to symbols - 1, then the distractors, the question last."""
    return symbols + DISTRACTORS + 1


def draw_sequences(generator: torch.Generator, count: int, distance: int, symbols: int) -> tuple[Tensor, Tensor]:
    """Draw sequences and their right answers, all evenly likely.

    Args:
        generator: of the CPU.
        count: N.
        distance: distractors in each, L.
        symbols: S.

    Returns:
        (N, L + 2) tokens and (N,) answers in 0 to S - 1, both int64.
    """
    answers = torch.randint(symbols, (count,), generator=generator)
    distractors = torch.randint(symbols, symbols + DISTRACTORS, (count, distance), generator=generator)
    query = torch.full((count, 1), symbols + DISTRACTORS)
    return torch.cat([answers[:, None], distractors, query], dim=1), answers


def letters_of(tokens: Tensor, symbols: int) -> tuple[str, ...]:
    """Write (T,) tokens: symbols as A, B, …, distractors as a, b, …, the question as "?"."""
    letters = ascii_uppercase[:symbols] + ascii_lowercase + QUERY
    return tuple(letters[token] for token in tokens.tolist())
