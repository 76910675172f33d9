"""CLIP against open_clip in a plain loop, and what the page costs.

Both sides train on the same emoji and the same tokens with vision transformers and text transformers of equal widths,
depths, heads and patches, at the same batch, by turns within one run, without augmentation and dropout. Theirs is
`open_clip.CLIP` with `ClipLoss`, AdamW, and their own fixed context length, here that of the longest caption.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
import torch

from backends.clip.config import CLIPConfig
from backends.clip.losses import clip_loss
from backends.clip.model import PROJECTION, TEXT_HEADS, TEXT_WIDTH
from backends.clip.trainer import CLIPTrainer
from backends.clip.zero_shot import combine
from backends.nets.vision import VIT_DEPTH, VIT_HEADS, VIT_PATCH, VIT_WIDTH

THREADS = 2
PACE_SECONDS, LONG, EARLY = 10.0, 90.0, 15.0
QUICK = 0.05
PROMPTS = 30
WANTED = {"ratio": 1.3, "difference": 1e-5, "zero_shot": 0.60, "milliseconds": 150, "updates": 5}
PLAIN = {"image_encoder": "vit", "augmentation": 0, "outlines": 0, "dropout": 0, "steps": 50_000}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=2, help="how often both sides take their turn (default 2)")
    parser.add_argument("--quick", action="store_true", help="a twentieth of all times, to see that everything runs")


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    torch.set_num_threads(THREADS)
    share = QUICK if options.quick else 1.0
    yield compare_losses()
    yield compare_pace(share * PACE_SECONDS, options.rounds)
    yield from train_from_scratch(share)


def compare_losses() -> dict[str, Any]:
    """Loss and gradients of both on the same unit vectors."""
    from open_clip import ClipLoss

    generator = torch.Generator().manual_seed(0)
    sides = []
    for theirs in (False, True):
        generator.manual_seed(0)
        images, texts = (
            torch.nn.functional.normalize(torch.randn(192, PROJECTION, generator=generator), dim=1).requires_grad_()
            for _ in range(2)
        )
        scale = torch.tensor(14.3, requires_grad=True)
        loss = ClipLoss()(images, texts, scale) if theirs else clip_loss(images, texts, scale)
        loss.backward()
        sides.append((loss.detach(), images.grad, texts.grad, scale.grad))
    difference = float((sides[0][0] - sides[1][0]).abs())
    gradients = max(float((a - b).abs().max()) for a, b in zip(sides[0][1:], sides[1][1:], strict=True))
    met = max(difference, gradients) <= WANTED["difference"]
    return {"measure": "loss", "loss_difference": difference, "gradient_difference": gradients, "met": met}


def compare_pace(seconds: float, rounds: int) -> dict[str, Any]:
    """Pairs a second of both sides, by turns; the best round of each counts."""
    config = CLIPConfig().with_changes(**PLAIN)
    trainer = CLIPTrainer(config)
    theirs = open_clip_step(trainer)
    paces: dict[str, list[float]] = {"ours": [], "open_clip": []}
    for _ in range(rounds):
        paces["ours"].append(pace(trainer._advance, trainer.batch, seconds))
        paces["open_clip"].append(pace(theirs, trainer.batch, seconds))
    ratio = median(paces["ours"]) / median(paces["open_clip"])
    return {
        "measure": "pairs_per_second",
        **{name: round(median(values)) for name, values in paces.items()},
        "ratio": ratio,
        "met": ratio >= WANTED["ratio"],
    }


def open_clip_step(trainer: CLIPTrainer) -> Callable[[], object]:
    """One step of open_clip's model at our sizes on our pairs."""
    from open_clip import ClipLoss
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    size = int(trainer.config.image_size)
    longest = trainer._tokens.shape[-1]
    model = CLIP(
        PROJECTION,
        CLIPVisionCfg(
            layers=VIT_DEPTH,
            width=VIT_WIDTH,
            head_width=VIT_WIDTH // VIT_HEADS,
            patch_size=VIT_PATCH,
            image_size=size,
        ),
        CLIPTextCfg(
            context_length=longest,
            vocab_size=len(trainer.tokenizer),
            width=TEXT_WIDTH,
            heads=TEXT_HEADS,
            layers=trainer.config.text_depth,
        ),
    )
    loss_of = ClipLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.2)
    draws = np.random.default_rng(0)

    def step() -> None:
        chosen = torch.from_numpy(draws.integers(0, len(trainer._images), trainer.batch))
        images = trainer._images[chosen].float().div_(255)
        tokens = trainer._tokens[chosen, 0]
        loss = loss_of(*model(images, tokens))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def pace(step: Callable[[], object], batch: int, seconds: float) -> float:
    """Pairs a second, after two steps to warm up."""
    for _ in range(2):
        step()
    begun, steps = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        step()
        steps += 1
    return batch * steps / (time.perf_counter() - begun)


def train_from_scratch(share: float) -> Iterator[dict[str, Any]]:
    """Ninety seconds from a random start: the diagonal, both tests, updates a second, and what a prompt costs."""
    trainer = CLIPTrainer(CLIPConfig(), seconds=share * LONG)
    early = None
    begun, updates = time.perf_counter(), 0
    for snapshot in trainer.steps():
        updates += 1
        if early is None and snapshot.seconds >= share * EARLY:
            early = snapshot
            yield {"measure": "early", "seconds": snapshot.seconds, "diagonal": snapshot.metrics["diagonal"]}
    spent = time.perf_counter() - begun
    scores = trainer.evaluate()
    yield {
        "measure": "from_scratch",
        "seconds": snapshot.seconds,
        "pairs_per_second": snapshot.metrics["pairs_per_second"],
        **scores,
        "met": scores["zero_shot_unseen_artist"] >= WANTED["zero_shot"],
    }
    yield {"measure": "updates", "per_second": updates / spent, "met": updates / spent >= WANTED["updates"]}
    yield time_prompts(trainer)


def time_prompts(trainer: CLIPTrainer) -> dict[str, Any]:
    """Milliseconds from a prompt to the ranking of all pictures, whose vectors are there already."""
    frozen = trainer.freeze()
    begun = time.perf_counter()
    vectors = np.concatenate([frozen.embed_pictures(part.pictures.images) for part in trainer.pairs.every])
    embedding = time.perf_counter() - begun
    taken = []
    for number in range(PROMPTS):
        begun = time.perf_counter()
        vector = combine([(1.0, frozen.embed_prompts([f"a red thing number {number}"])[0])])
        np.argsort(-(vectors @ vector))[:24]
        taken.append(1000 * (time.perf_counter() - begun))
    return {
        "measure": "prompt",
        "pictures": len(vectors),
        "embed_all_seconds": embedding,
        "median_ms": median(taken),
        "slowest_ms": max(taken),
        "met": median(taken) <= WANTED["milliseconds"],
    }
