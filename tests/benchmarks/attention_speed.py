"""Training tokens a second: our decoder against transformers' GPT-2 of the same shape in its plain loop.

Both train on the same tokens, at the same batch, with AdamW at the same rate, by turns within one run. Ours takes the
step that this project's trainers take: torch's fused AdamW, and the cross entropy on the logits as they are. Theirs is
the loop of the library's documentation: `model(input_ids, labels=...)`, `loss.backward()`, AdamW's `step()`; once
without dropout, as ours, and once as GPT2Config comes, with a tenth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import torch
from torch.nn import functional as F

from backends.nets.seeded import seeded
from backends.nets.transformer import Decoder

VOCABULARY, WIDTH, HEADS, DEPTH, LENGTH, BATCH = 2048, 128, 4, 4, 64, 32
SHAPE = f"vocabulary {VOCABULARY}, width {WIDTH}, {DEPTH} layers, {HEADS} heads, {LENGTH} tokens, batch {BATCH}"
LEARNING_RATE = 1e-3
WARM_STEPS, STEPS, ROUNDS = 3, 8, 7
WANTED = 1.2

Step = Callable[[torch.Tensor], float]


def our_step() -> Step:
    """A step of our decoder, which predicts each next token of (B, T + 1)."""
    with seeded(1):
        model = Decoder(VOCABULARY, WIDTH, HEADS, DEPTH, LENGTH).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, fused=True)

    def step(tokens: torch.Tensor) -> float:
        loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def their_step(**dropout: float) -> Step:
    """A step of transformers' GPT-2, which shifts the labels itself."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(vocab_size=VOCABULARY, n_positions=LENGTH, n_embd=WIDTH, n_layer=DEPTH, n_head=HEADS, **dropout)
    with seeded(1):
        model = GPT2LMHeadModel(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)

    def step(tokens: torch.Tensor) -> float:
        loss = model(input_ids=tokens[:, :-1], labels=tokens[:, :-1]).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return step


def speed_lines(rounds: int = ROUNDS) -> Iterator[dict[str, Any]]:
    """Tokens a second of each, round by round and as medians, with the ratio of ours to theirs."""
    no_dropout = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    steps = {"ours": our_step(), "gpt2": their_step(**no_dropout), "gpt2_as_it_comes": their_step()}
    generator = torch.Generator().manual_seed(1)
    batches = [torch.randint(0, VOCABULARY, (BATCH, LENGTH + 1), generator=generator) for _ in range(STEPS)]
    for step in steps.values():
        for tokens in batches[:WARM_STEPS]:
            step(tokens)
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds):
        order = list(steps)[number % len(steps) :] + list(steps)[: number % len(steps)]
        for name in order:
            seconds[name].append(_seconds(steps[name], batches))
        yield {"what": "training pace, a round", "round": number + 1, **_paces({n: s[-1] for n, s in seconds.items()})}
    paces = _paces({name: median(spent) for name, spent in seconds.items()})
    yield {
        "what": "training pace, medians",
        **paces,
        "ratio": paces["ours_tokens_per_second"] / paces["gpt2_tokens_per_second"],
        "ratio_as_it_comes": paces["ours_tokens_per_second"] / paces["gpt2_as_it_comes_tokens_per_second"],
        "wanted": WANTED,
        "shape": SHAPE,
        "threads": torch.get_num_threads(),
    }


def _seconds(step: Step, batches: list[torch.Tensor]) -> float:
    begun = time.perf_counter()
    for tokens in batches:
        step(tokens)
    return time.perf_counter() - begun


def _paces(seconds: dict[str, float]) -> dict[str, float]:
    return {f"{name}_tokens_per_second": STEPS * BATCH * LENGTH / spent for name, spent in seconds.items()}
