"""SimCLR against lightly's reference loop, the colour experiment over five seeds, and what the page costs.

Both sides train the same encoder and head on the same apples, at the same batch and size, by turns within one run:
lightly once with SimCLRTransform as it comes, once with our augmentations' strengths (no blur, so it is faster).
Loading, rendering and importing are left out of all clocks.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from backends.data.pictures import PictureSet
from backends.data.splits import load_split
from backends.simclr.config import SimCLRConfig
from backends.simclr.experiments import WITH, WITHOUT, ColourExperiment
from backends.simclr.losses import nt_xent
from backends.simclr.model import TwoViewModel
from backends.simclr.preview import preview
from backends.simclr.trainer import Prober, SimCLRTrainer

WORKERS = 2
LIGHTLY_SECONDS = 60.0
PACE_SECONDS = 10.0
SEEDS = (1, 2, 3, 4, 5)
PACES = ("views_per_second", "lightly_views_per_second", "lightly_same_strengths")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=2, help="how often each side's pace is measured (default 2)")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="seeds of the colour experiment (default 5)")


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    torch.set_num_threads(WORKERS)
    yield compare_losses()
    config = SimCLRConfig()
    load_split(config.data, int(config.image_size))
    lines = []
    for number in range(1, options.rounds + 1):
        line = {
            "what": "pace",
            "round": number,
            **measure_ours(config, PACE_SECONDS),
            "lightly_views_per_second": train_lightly(config, PACE_SECONDS, reference_transform(config))[0],
            "lightly_same_strengths": train_lightly(config, PACE_SECONDS, equal_transform(config))[0],
        }
        lines.append(line)
        yield line
    middle = {name: median(line[name] for line in lines) for name in PACES}
    yield {
        "what": "pace, medians",
        **middle,
        "ratio": middle["views_per_second"] / middle["lightly_views_per_second"],
        "wanted": 5,
        "ratio_same_strengths": middle["views_per_second"] / middle["lightly_same_strengths"],
    }
    yield climb(config)
    for seed in SEEDS[: options.seeds]:
        yield colour_experiment(config.with_changes(seed=seed))
    yield time_preview(config)


def compare_losses() -> dict[str, Any]:
    """NT-Xent and its gradient, ours and lightly's, on the same embeddings."""
    from lightly.loss import NTXentLoss

    worst_loss = worst_gradient = 0.0
    for temperature in (0.1, 0.5):
        views = torch.randn(2, 96, 128, generator=torch.Generator().manual_seed(1))
        ours, theirs = views.clone().requires_grad_(), views.clone().requires_grad_()
        mine, other = nt_xent(*ours, temperature), NTXentLoss(temperature)(*theirs)
        mine.backward()
        other.backward()
        worst_loss = max(worst_loss, abs(mine.item() - other.item()))
        worst_gradient = max(worst_gradient, float((ours.grad - theirs.grad).abs().max()))
    return {"what": "NT-Xent against lightly", "loss_difference": worst_loss, "gradient_difference": worst_gradient}


def measure_ours(config: SimCLRConfig, seconds: float) -> dict[str, Any]:
    """Pull a run as the app does."""
    trainer = SimCLRTrainer(config, seconds=seconds)
    begun, snapshots = time.perf_counter(), 0
    for snapshot in trainer.steps():
        snapshots += 1
        steps = snapshot.step
    spent = time.perf_counter() - begun
    return {
        "views_per_second": 2 * trainer.batch * steps / spent,
        "updates_per_second": snapshots / spent,
        "probe_share": trainer.probe_seconds / trainer.seconds,
    }


class Apples(Dataset):
    """Pictures as lightly's loader wants them: one at a time, as PIL images, two views each."""

    def __init__(self, pictures: PictureSet, transform: Any) -> None:
        self.images, self.transform = pictures.images, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Any:
        from PIL import Image

        return self.transform(Image.fromarray(self.images[index]))


def reference_transform(config: SimCLRConfig) -> Any:
    """SimCLRTransform as it comes."""
    from lightly.transforms import SimCLRTransform

    return SimCLRTransform(input_size=int(config.image_size))


def equal_transform(config: SimCLRConfig) -> Any:
    """lightly's SimCLRTransform at our strengths; ours jitters every view, so theirs does too."""
    from lightly.transforms import SimCLRTransform

    return SimCLRTransform(
        input_size=int(config.image_size),
        cj_prob=1.0,
        cj_strength=1.0,
        cj_bright=config.brightness,
        cj_contrast=config.contrast,
        cj_sat=config.saturation,
        cj_hue=config.hue,
        min_scale=1 - config.crop,
        random_gray_scale=config.grayscale,
        gaussian_blur=config.blur,
        hf_prob=config.flip,
        normalize=None,
    )


def train_lightly(config: SimCLRConfig, seconds: float, transform: Any) -> tuple[float, TwoViewModel]:
    """lightly's loop with our nets; returns views a second and the model."""
    from lightly.loss import NTXentLoss

    split = load_split(config.data, int(config.image_size))
    torch.manual_seed(config.seed)
    model = TwoViewModel(config).train()
    criterion = NTXentLoss(temperature=config.temperature)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    loader = DataLoader(
        Apples(split.train, transform),
        batch_size=config.batch,
        shuffle=True,
        drop_last=True,
        num_workers=WORKERS,
        persistent_workers=True,
    )
    views, begun = 0, None
    while True:
        for first, second in loader:
            if begun is None:
                begun = time.perf_counter()  # the workers have started
            loss = criterion(model.project(first), model.project(second))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            views += 2 * len(first)
            if time.perf_counter() - begun > seconds:
                return views / (time.perf_counter() - begun), model


def climb(config: SimCLRConfig) -> dict[str, Any]:
    """How long we take to the shape accuracy that lightly's loop has after a minute."""
    split = load_split(config.data, int(config.image_size))
    prober = Prober(split, "cpu")
    _, theirs = train_lightly(config, LIGHTLY_SECONDS, equal_transform(config))
    wanted = prober.probe(theirs, 0).scores["knn_shape"]
    reached, best = None, 0.0
    trainer = SimCLRTrainer(config, seconds=LIGHTLY_SECONDS / 4)
    begun = time.perf_counter()
    for snapshot in trainer.steps():
        best = max(best, snapshot.metrics["knn_shape"])
        if reached is None and snapshot.metrics["knn_shape"] >= wanted:
            reached = time.perf_counter() - begun
    return {
        "what": "time to lightly's shape accuracy",
        "lightly_knn_shape": wanted,
        "lightly_seconds": LIGHTLY_SECONDS,
        "knn_shape": best,
        "seconds": reached if reached is not None else -1.0,
        "ratio": reached / LIGHTLY_SECONDS if reached is not None else -1.0,
        "wanted_ratio": 0.25,
    }


def colour_experiment(config: SimCLRConfig) -> dict[str, Any]:
    """Both runs of the experiment as the page starts them: how long, and what each has learned."""
    begun = time.perf_counter()
    experiment = ColourExperiment(config)
    for _ in experiment.steps():
        pass
    spent = time.perf_counter() - begun
    scores = {side: experiment.sides[side].probed.scores for side in (WITHOUT, WITH)}
    return {
        "what": "colour experiment",
        "seed": config.seed,
        "seconds": spent,
        **{f"{side}_{key}": scores[side][key] for side in scores for key in ("knn_colour", "knn_shape")},
        "colour_falls_by": 100 * (scores[WITHOUT]["knn_colour"] - scores[WITH]["knn_colour"]),
        "shape_rises_by": 100 * (scores[WITH]["knn_shape"] - scores[WITHOUT]["knn_shape"]),
    }


def time_preview(config: SimCLRConfig) -> dict[str, Any]:
    """The bench's views of one picture with everything on, as the page asks for them."""
    from playground.session import Session
    from playground.tabs.simclr_augment import bench_of

    everything = config.with_changes(rotation=30, blur=0.5, cutout=0.3, noise=0.1, solarise=0.2)
    session, times = Session("benchmark"), []
    for _ in range(21):
        begun = time.perf_counter()
        bench_of(session, everything)
        times.append(1000 * (time.perf_counter() - begun))
    picture = np.zeros((128, 128, 3), np.uint8)
    begun = time.perf_counter()
    preview(picture, everything, 1, 4)
    return {
        "what": "augmentation preview",
        "median_ms": median(times),
        "slowest_ms": max(times),
        "views_alone_ms": 1000 * (time.perf_counter() - begun),
        "wanted_ms": 150,
    }
