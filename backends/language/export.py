"""What each token is to a model, as tables for the Embedding Projector."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backends.analysis.picture_export import write_vectors
from backends.language.tokens import FIRST_ORDINARY

if TYPE_CHECKING:
    from backends.language.trainer import FrozenLanguage

HEADER = ("token", "begins a word", "number")


def write_token_vectors(frozen: FrozenLanguage, path: Path) -> Path:
    """Write a .zip with the vector that stands for each token of text where it enters the model, and its name.

    Special tokens such as [MASK] are left out.
    """
    tokenizer = frozen.tokenizer
    vectors = frozen.model.embedding.tokens.weight.detach().float().cpu().numpy()[FIRST_ORDINARY:]
    labels: list[tuple[str, ...]] = [HEADER]
    for number in range(FIRST_ORDINARY, FIRST_ORDINARY + len(vectors)):
        labels.append((tokenizer.piece(number), "yes" if tokenizer.begins_word(number) else "no", str(number)))
    return write_vectors(vectors, labels, path)
