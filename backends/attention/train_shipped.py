"""Train the transformer that this project ships: `python -m backends.attention.train_shipped`."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backends.attention.heads import DECODER, read_heads
from backends.attention.shipped import (
    FOLDER,
    MODEL_NAME,
    START,
    TOKENIZER_NAME,
    Recipe,
    ShippedDecoder,
    build,
    start_of,
)
from backends.engine.checkpoints import save_checkpoint, write_text

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from backends.nets.transformer import Decoder

HELD_OUT_EVERY, LINES_PER_BLOCK = 20, 100
"""Of every twenty blocks of a hundred lines, the last is kept for measuring."""
SHORTEST_PASSAGE = 4
MEASURED_WINDOWS = 256
REPORTED_EVERY = 100


def training_lines() -> tuple[list[str], list[str]]:
    """The lines to learn from, and those held out, of which none stands among the former.

    Some speeches are in the text twice.
    """
    from backends.data.corpora import speech_lines

    learned: list[str] = []
    held_out: list[str] = []
    for number, line in enumerate(line for line in speech_lines() if line.strip()):
        last_block = number // LINES_PER_BLOCK % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
        (held_out if last_block else learned).append(line)
    known = set(learned)
    return learned, [line for line in held_out if line not in known]


def train_tokenizer(lines: list[str], vocabulary: int) -> Tokenizer:
    """Byte-pair encoding over bytes, learned from these lines."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[START],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def encode_lines(tokenizer: Tokenizer, lines: list[str]) -> np.ndarray:
    """(N,) int64: the lines' tokens one after the other, each line ended by a line feed."""
    encodings = tokenizer.encode_batch([f"{line}\n" for line in lines], add_special_tokens=False)
    return np.concatenate([np.array(encoding.ids, np.int64) for encoding in encodings])


def windows(stream: np.ndarray, start: int, recipe: Recipe, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Batches of random windows, (batch, longest + 1): the start, then running tokens.

    A share of the windows is one passage of `SHORTEST_PASSAGE` tokens up to half a window, again and again; every
    other such passage is of tokens drawn from the text at random, so that only what came before tells what follows.
    """
    length = recipe.longest
    while True:
        places = random.integers(0, len(stream) - length, recipe.batch)
        batch = np.stack([stream[place : place + length] for place in places])
        for row in np.flatnonzero(random.random(recipe.batch) < recipe.repeats):
            size = int(random.integers(SHORTEST_PASSAGE, length // 2 + 1))
            passage = random.choice(stream, size) if random.random() < 0.5 else batch[row, :size].copy()
            batch[row] = np.resize(passage, length)
        yield np.concatenate([np.full((recipe.batch, 1), start), batch], axis=1)


def learning_rate_at(step: int, recipe: Recipe) -> float:
    """Rising in a line over the warm-up, then falling along a cosine to a twentieth; `step` from 0."""
    if step < recipe.warm_up:
        return recipe.learning_rate * (step + 1) / recipe.warm_up
    gone = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return recipe.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * gone)))


def train(recipe: Recipe, stream: np.ndarray, start: int) -> tuple[Decoder, float]:
    """Train a model to guess each next token; returns it and the mean loss of the last hundred steps."""
    import torch
    from torch.nn import functional as F

    model = build(recipe)
    with torch.no_grad():  # begin from how often each token comes, and learn only what goes beyond it
        counts = np.bincount(stream, minlength=recipe.vocabulary) + 1.0
        model.embedding.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.95), weight_decay=recipe.weight_decay, fused=True
    )
    batches = windows(stream, start, recipe, np.random.default_rng(recipe.seed))
    losses: list[float] = []
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, recipe)
        batch = torch.from_numpy(next(batches))
        loss = F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step % REPORTED_EVERY == 0:
            print(f"step {step:,}: loss {np.mean(losses[-REPORTED_EVERY:]):.3f}", flush=True)
    return model.eval(), float(np.mean(losses[-REPORTED_EVERY:]))


def measure(model: Decoder, stream: np.ndarray, start: int) -> dict[str, float]:
    """Perplexity a token of running text, and of the second half of windows whose halves are alike.

    Windows of running text follow one another; at most `MEASURED_WINDOWS` are read. The second measure is of random
    tokens that come twice: only a head that looks for repeats can guess those.
    """
    import torch
    from torch.nn import functional as F

    longest = model.embedding.longest
    count = min(MEASURED_WINDOWS, len(stream) // longest)
    running = stream[: count * longest].reshape(count, longest)
    half = np.random.default_rng(0).choice(stream, (32, longest // 2))
    repeated = np.concatenate([half, half], axis=1)

    def loss_of(rows: np.ndarray, begin: int) -> float:
        tokens = torch.from_numpy(np.concatenate([np.full((len(rows), 1), start), rows], axis=1))
        with torch.inference_mode():
            logits = torch.cat([model(part[:, :-1])[:, begin:] for part in tokens.split(32)])
        return float(F.cross_entropy(logits.flatten(0, 1), tokens[:, 1 + begin :].flatten()))

    return {
        "held_out_perplexity": math.exp(loss_of(running, 0)),
        "repeated_perplexity": math.exp(loss_of(repeated, longest // 2 + 1)),
    }


SAMPLE = (
    "The Congress of the United States met in the city of Washington, and the President spoke of peace. "
    "Then the Congress of the United States met again, and the President spoke of war."
)
"""What the card's roles are computed on."""


def roles_on(model: ShippedDecoder, text: str = SAMPLE) -> list[list[str]]:
    """What each head of each layer does on a text, with its figure."""
    roles = read_heads(model, text).stack(DECODER).roles
    return [[f"{role.name} {role.figure:.2f}" for role in layer] for layer in roles]


def make(recipe: Recipe, folder: Path) -> list[Path]:
    """Train a model and write its files."""
    from backends.data.corpora import SPEECHES

    learned, held_out = training_lines()
    tokenizer = train_tokenizer(learned, recipe.vocabulary)
    stream, measured = encode_lines(tokenizer, learned), encode_lines(tokenizer, held_out)
    start = start_of(tokenizer)
    begun = time.perf_counter()
    model, loss = train(recipe, stream, start)
    seconds = time.perf_counter() - begun
    title = f"this project's small GPT ({recipe.depth} layers × {recipe.heads} heads)"
    card = {
        "title": title,
        "origin": (
            f"Trained earlier by this project on the speeches, {recipe.steps:,} steps of {recipe.batch} windows; "
            f"{recipe.repeats:.0%} of them repeat a passage, so that heads learn to look for repeats."
        ),
        "method": "next token, decoder (GPT)",
        "recipe": asdict(recipe),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "data": {
            "title": SPEECHES.title,
            "source": SPEECHES.source,
            "licence": SPEECHES.licence,
            "tokens": len(stream),
            "held_out_tokens": len(measured),
        },
        "loss": round(loss, 4),
        "metrics": {name: round(value, 2) for name, value in measure(model, measured, start).items()},
        "sample": SAMPLE,
        "roles_on_sample": roles_on(ShippedDecoder(model, tokenizer, title, {})),
        "seconds": round(seconds, 1),
        "made_by": "python -m backends.attention.train_shipped",
    }
    tensors = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    written = write_text(folder / TOKENIZER_NAME, json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False))
    return [written, *save_checkpoint(folder / MODEL_NAME, tensors, card)]


def main() -> None:
    """Train the model and write it."""
    for written in make(Recipe(), FOLDER):
        print(f"{written.name}: {written.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
