"""Features of many examples, made in pieces short enough to be one of many things that a run does by turns."""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor

from backends.transfer.encoder import Encoder, EncoderError
from backends.transfer.pace import READ, Kind

EMBED_CHUNK = 50
"""Examples that are embedded at a time, so that no slice gets long."""


def embedded(encoder: Encoder, rows: Tensor) -> Generator[tuple[Kind, float], None, Tensor]:
    """Make (n, D) features of (n, …) rows that the encoder has read; yields each piece of work after it was done.

    Raises:
        EncoderError: a feature is not finite.
    """
    parts = []
    for chunk in rows.split(EMBED_CHUNK):
        parts.append(encoder.embed(chunk))
        yield (encoder.name, READ), len(chunk)
    features = torch.cat(parts)
    if not bool(torch.isfinite(features).all()):
        raise EncoderError(
            f"{encoder.title} makes features that are NaN or infinite",
            "take an earlier state of it, or another encoder",
        )
    return features
