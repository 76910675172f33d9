"""Why it scales, in small: GPTs of several sizes on all of a text, and one size on more and more of it.

Made by `python -m backends.language.scaling`. All runs share text, tokenizer, held-out text, batch and steps, so that
their losses compare; what differs is the number of parameters, or of tokens that there are to learn from. Kaplan et al.
(2020, "Scaling laws for neural language models") found straight lines over many factors of ten. Deviation: every run
has as many steps, so that a large model is not trained to its end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backends.engine.checkpoints import CheckpointError, write_text
from backends.language.config import GPTConfig

PATH = Path(__file__).resolve().parents[2] / "assets" / "language" / "scaling.json"
COMMAND = "python -m backends.language.scaling"
MAX_FILE_BYTES = 100_000
STEPS = 300
BASE = GPTConfig(steps=STEPS)
SIZES = (("64", 1), ("64", 2), ("96", 2), ("128", 2), ("192", 2))
"""Width and blocks."""
TEXTS = (10_000, 40_000, 160_000, 640_000)
"""Tokens to learn from, beside all there are; each for the default size."""
BLOCK = 500
"""Tokens in a row, when a part of the text is taken."""


class ScalingRun(BaseModel):
    """One small run.

    Attributes:
        width: of the model.
        depth: blocks.
        parameters: all, embeddings too.
        train_tokens: that there were to learn from.
        tokens_read: in training; a small text is read many times.
        heldout_loss: the lowest that was measured while it trained, in nats a token; a text that is too small is soon
            known by heart, and the loss rises again.
        seconds: of training, on the machine that made the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    width: int = Field(gt=0)
    depth: int = Field(gt=0)
    parameters: int = Field(gt=0)
    train_tokens: int = Field(gt=0)
    tokens_read: int = Field(gt=0)
    heldout_loss: float = Field(gt=0)
    seconds: float = Field(gt=0)


class ScalingFile(BaseModel):
    """The file of all runs: how it was made, and the loss of guessing by frequency alone."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    made_by: str
    source: str
    steps: int = Field(gt=0)
    unigram_entropy: float = Field(gt=0)
    runs: tuple[ScalingRun, ...] = Field(min_length=1, max_length=100)


@lru_cache(maxsize=1)
def load_file() -> ScalingFile:
    """Read the runs that this project made.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        if PATH.stat().st_size > MAX_FILE_BYTES:
            raise CheckpointError(f"{PATH.name} is too large to be what {COMMAND} writes; run that again.")
        return ScalingFile.model_validate_json(PATH.read_bytes())
    except OSError:
        raise CheckpointError(f"{PATH.name} is missing; {COMMAND} makes it.") from None
    except ValidationError:
        raise CheckpointError(f"{PATH.name} is damaged; {COMMAND} makes it anew.") from None


def load_runs() -> tuple[ScalingRun, ...]:
    """The runs of `load_file`."""
    return load_file().runs


def part_of(stream: np.ndarray, tokens: int) -> np.ndarray:
    """About so many tokens of a (N,) stream: blocks from all over it, so that a small text is no older than a large."""
    count = max(1, tokens // BLOCK)
    starts = np.linspace(0, max(0, len(stream) - BLOCK), count).round().astype(int)
    return np.concatenate([stream[start : start + BLOCK] for start in starts]) if tokens < len(stream) else stream


def runs(
    base: GPTConfig = BASE, sizes: tuple[tuple[str, int], ...] = SIZES, texts: tuple[int, ...] = TEXTS
) -> Iterator[ScalingRun]:
    """Train all runs, one after the other."""
    for width, depth in sizes:
        yield train(base.with_changes(width=width, depth=depth), None)
    for tokens in texts:
        yield train(base, tokens)


def train(config: GPTConfig, tokens: int | None) -> ScalingRun:
    """Train one run on about so many tokens; None: on all."""
    from backends.language.trainer import GPTTrainer

    trainer = GPTTrainer(config)
    if tokens is not None:
        trainer.data = replace(trainer.data, train=part_of(trainer.data.train, tokens))
    lowest = trainer.scores["heldout_loss"]
    for snapshot in trainer.steps():
        lowest = min(lowest, snapshot.metrics["heldout_loss"])
    return ScalingRun(
        width=int(config.width),
        depth=config.depth,
        parameters=sum(parameter.numel() for parameter in trainer.model.parameters()),
        train_tokens=len(trainer.data.train),
        tokens_read=trainer.step * config.batch * config.length,
        heldout_loss=round(lowest, 4),
        seconds=round(trainer.seconds, 1),
    )


def main() -> None:
    """Train everything and write the file."""
    from backends.language.trainer import GPTTrainer

    first = GPTTrainer(BASE)
    made = []
    for run in runs():
        made.append(run)
        print(run.model_dump_json(), flush=True)
    file = ScalingFile(
        made_by=COMMAND,
        source=first.data.text.source,
        steps=STEPS,
        unigram_entropy=round(first.untrained["unigram_entropy"], 4),
        runs=tuple(made),
    )
    write_text(PATH, json.dumps(file.model_dump(mode="json"), indent=1) + "\n")


if __name__ == "__main__":
    from backends.engine.threads import wait_politely

    wait_politely()
    main()
