"""The masked autoencoder against transformers' ViT-MAE in a plain loop, and what the page costs.

Both sides train on the same apples at equal widths, depths, heads, patch and batch, by turns within one run. Theirs is
the plain loop of the library's documentation: pictures drawn by index from a tensor, `model(...).loss`, `zero_grad`,
`backward`, AdamW's `step`; in the race at a constant rate of 1e-3 with betas (0.9, 0.95) and a weight decay of 0.05.
Its model starts as it comes and, in a run of its own, with sine positions, as the paper's does: there are versions of
the library whose fresh models have zeros for positions (`vit_mae_starts_with_positions` says so) and can't know what is
where, which makes the race easy. Rendering the apples, building the models and importing are left out of all clocks.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backends.analysis.prober import as_tensor
from backends.data.splits import load_split
from backends.mae.config import MAEConfig
from backends.mae.masking import MASKINGS, draw_mask, draw_masks, hidden_count
from backends.mae.model import MaskedAutoencoder, standardised, unpatchify
from backends.mae.trainer import ERROR_PICTURES, MOST_ERROR_PICTURES, HeldOut, MAETrainer
from backends.nets.seeded import seeded
from tests.backends.mae.transformers_twin import copy_positions, twin_config, twin_of

THREADS = 2
MATRIX, MATRIX_ROUNDS = 2048, 9
PACE_SECONDS = 10.0
SHORT, MIDDLE, LONG = 9.0, 15.0, 90.0
"""Seconds: in which the other side's error is to be reached, and after which quality is measured."""
QUICK = 0.05
"""The share of all times that --quick takes: to see that everything runs, not to measure."""
ANSWERS, WARM_ANSWERS = 50, 3
WANTED_RATIO, WANTED_MIDDLE, WANTED_LONG, WANTED_MS, WANTED_UPDATES, WANTED_DIFFERENCE = 1.3, 0.35, 0.17, 150, 5, 1e-4
RACE = {"lr": 1e-3, "betas": (0.9, 0.95), "weight_decay": 0.05}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=2, help="how often both sides take their turn (default 2)")
    parser.add_argument("--quick", action="store_true", help="a twentieth of all times, to see that everything runs")


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    torch.set_num_threads(THREADS)
    share = QUICK if options.quick else 1.0
    config = MAEConfig()
    load_split(config.data, int(config.image_size))
    yield measure_machine()
    yield compare_losses()
    yield from pace_lines(config, share * PACE_SECONDS, options.rounds)
    yield from race_lines(config, share, options.rounds)
    yield time_answers(config)


def measure_machine() -> dict[str, Any]:
    """What the machine gives right now, so that seconds can be judged."""
    left, right = torch.randn(2, MATRIX, MATRIX, generator=torch.Generator().manual_seed(1))
    times = []
    for _ in range(MATRIX_ROUNDS):
        begun = time.perf_counter()
        left @ right
        times.append(time.perf_counter() - begun)
    return {
        "what": "machine",
        "threads": torch.get_num_threads(),
        "matrix": MATRIX,
        "gflops": 2e-9 * MATRIX**3 / median(times),
        "best_gflops": 2e-9 * MATRIX**3 / min(times),
    }


def compare_losses() -> dict[str, Any]:
    """The loss of our model and of theirs with copied weights, for both kinds of targets and some masks."""
    worst = 0.0
    for targets in ("pixels", "normalised"):
        config = MAEConfig(targets=targets)
        with seeded(1):
            ours = MaskedAutoencoder(config, class_token=True)
        images = torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(1))
        for hidden in (8, 32, 48, 60):
            theirs = twin_of(ours, hidden)
            for kind in MASKINGS:
                masks = torch.from_numpy(draw_masks(kind, hidden, config.side, 16, np.random.default_rng(hidden)))
                with torch.no_grad():
                    other = theirs(pixel_values=standardised(images), noise=masks.float()).loss
                    worst = max(worst, abs(float(ours.loss(ours.cut(images), masks) - other)))
    return {"what": "loss with copied weights", "difference": worst, "wanted_difference": WANTED_DIFFERENCE}


def pace_lines(config: MAEConfig, seconds: float, rounds: int) -> Iterator[dict[str, Any]]:
    """Pictures a second, round by round and as medians. `ratio` is training against training; theirs does no more.

    "as_pulled" is our run as the app pulls it, held-out errors, probes and the film included.
    """
    lines = []
    for number in range(1, rounds + 1):
        sides: list[Callable[[], dict[str, float]]] = [
            lambda: our_pace(config, seconds),
            lambda: {"vit_mae_images_per_second": TheirRun(config).train(seconds)},
        ]
        line: dict[str, Any] = {"what": "pace, a round", "round": number}
        for side in sides if number % 2 else sides[::-1]:
            line.update(side())
        lines.append(line)
        yield line
    middle = {name: median(line[name] for line in lines) for name in lines[0] if name.endswith("per_second")}
    theirs = middle["vit_mae_images_per_second"]
    yield {
        "what": "pace, medians",
        "batch": config.batch,
        **middle,
        "ratio": middle["images_per_second"] / theirs,
        "wanted_ratio": WANTED_RATIO,
        "ratio_as_pulled": middle["as_pulled_images_per_second"] / theirs,
    }


def our_pace(config: MAEConfig, seconds: float) -> dict[str, float]:
    """Pull a run as the app does."""
    trainer = MAETrainer(config, seconds=seconds)
    begun = time.perf_counter()
    for _ in trainer.steps():
        pass
    spent, images = time.perf_counter() - begun, trainer.batch * trainer.step
    return {
        "images_per_second": images / (trainer.seconds - trainer.measure_seconds),
        "as_pulled_images_per_second": images / spent,
    }


class TheirRun:
    """transformers' ViT-MAE in its plain loop."""

    def __init__(self, config: MAEConfig, *, positions: bool = False) -> None:
        """Build it as it comes, or with our sine positions; it has no dropout either way."""
        from transformers import ViTMAEForPreTraining

        self.config, self.split = config, load_split(config.data, int(config.image_size))
        with seeded(config.seed):
            self.ours = MaskedAutoencoder(config)  # lends its positions, and cuts the pictures when errors are measured
            self.model = ViTMAEForPreTraining(twin_config(config, hidden_count(config.mask_ratio, config.patches)))
        self.starts_with_positions = bool(self.model.vit.embeddings.position_embeddings.any())
        if positions:
            copy_positions(self.model, self.ours)

    def train(self, seconds: float) -> float:
        """Train for so long; returns pictures a second."""
        config, images = self.config, standardised(as_tensor(self.split.train.images, "cpu").float() / 255)
        optimizer = torch.optim.AdamW(self.model.parameters(), **RACE)
        generator = torch.Generator().manual_seed(config.seed)
        self.model.train()
        steps, begun = 0, time.perf_counter()
        with seeded(config.seed):  # its masks come from torch's global generator
            while time.perf_counter() - begun < seconds:
                chosen = torch.randint(len(images), (config.batch,), generator=generator)
                loss = self.model(pixel_values=images[chosen]).loss
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                steps += 1
        return config.batch * steps / (time.perf_counter() - begun)

    def masked_error(self) -> float:
        """On the held-out pictures and masks that ours is measured on, while it trains or at its end: the lower."""
        held_out, model = HeldOut(self.config, self.split, "cpu"), AsOurs(self.model.eval(), self.ours)
        return min(held_out.measure(model, count)["masked_error"] for count in (ERROR_PICTURES, MOST_ERROR_PICTURES))


class AsOurs:
    """Their model where ours is asked to paint."""

    def __init__(self, theirs: Any, ours: MaskedAutoencoder) -> None:
        self.theirs, self.patch, self.side = theirs, ours.patch, ours.side
        self.config, self.cut, self.target, self.error_scale = ours.config, ours.cut, ours.target, ours.error_scale

    def __call__(self, patches: Tensor, hidden: Tensor) -> Tensor:
        painted: Tensor = self.theirs(pixel_values=unpatchify(patches, self.patch), noise=hidden.float()).logits
        return painted


@dataclass
class OurRun:
    """A run within a time budget from a fresh start, as the app pulls it.

    Attributes:
        course: (seconds since it was started, masked error) of every snapshot.
        last: the metrics at its end.
        updates_per_second: snapshots.
    """

    course: list[tuple[float, float]]
    last: dict[str, float]
    updates_per_second: float

    @classmethod
    def of(cls, config: MAEConfig, seconds: float) -> OurRun:
        trainer = MAETrainer(config, seconds=seconds)
        course, last, begun = [], {}, time.perf_counter()
        for snapshot in trainer.steps():
            last = snapshot.metrics
            course.append((time.perf_counter() - begun, last["masked_error"]))
        return cls(course, last, len(course) / course[-1][0])

    def seconds_to(self, error: float) -> float | None:
        """When it had reached an error, or None."""
        return next((seconds for seconds, reached in self.course if reached <= error), None)


def race_lines(config: MAEConfig, share: float, rounds: int) -> Iterator[dict[str, Any]]:
    """Quality after each budget, and how soon ours has the error that theirs has at the end of the longest."""
    lines = []
    for number in range(1, rounds + 1):
        seeds = config.with_changes(seed=number)
        theirs = [TheirRun(seeds), TheirRun(seeds, positions=True)]
        errors = []
        ours = {SHORT: OurRun.of(seeds, share * SHORT), MIDDLE: OurRun.of(seeds, share * MIDDLE)}
        for run in theirs:
            run.train(share * LONG)
            errors.append(run.masked_error())
        ours[LONG] = OurRun.of(seeds, share * LONG)
        line = {
            "what": "quality and race, a round",
            "round": number,
            **{f"error_ratio_{seconds:.0f}_s": run.last["error_ratio"] for seconds, run in ours.items()},
            **{f"masked_error_{seconds:.0f}_s": run.last["masked_error"] for seconds, run in ours.items()},
            "visible_mean_error": ours[LONG].last["visible_mean_error"],
            **_race("vit_mae", errors[0], ours),
            "vit_mae_starts_with_positions": theirs[0].starts_with_positions,
            **_race("vit_mae_with_positions", errors[1], ours),
            "updates_per_second": min(run.updates_per_second for run in ours.values()),
        }
        lines.append(line)
        yield line
    yield {
        "what": "quality, the worst round",
        "error_ratio_15_s": max(line["error_ratio_15_s"] for line in lines),
        "wanted_15_s": WANTED_MIDDLE,
        "error_ratio_90_s": max(line["error_ratio_90_s"] for line in lines),
        "wanted_90_s": WANTED_LONG,
    }
    yield {
        "what": "race, the worst round",
        **{
            name: _worst([line[name] for line in lines])
            for side in ("vit_mae", "vit_mae_with_positions")
            for name in (f"{side}_reached_in", f"{side}_reached_in_short_run")
        },
        "wanted_seconds": SHORT,
    }
    yield {
        "what": "updates, the worst run",
        "updates_per_second": min(line["updates_per_second"] for line in lines),
        "wanted_updates_per_second": WANTED_UPDATES,
    }


def _race(name: str, error: float, ours: dict[float, OurRun]) -> dict[str, Any]:
    """Their error, and when our longest and our shortest run had it."""
    return {
        f"{name}_error": error,
        f"{name}_reached_in": ours[LONG].seconds_to(error),
        f"{name}_reached_in_short_run": ours[SHORT].seconds_to(error),
    }


def _worst(seconds: list[float | None]) -> float | None:
    """The longest time; None where it was not reached once."""
    reached = [value for value in seconds if value is not None]
    return max(reached) if len(reached) == len(seconds) else None


def time_answers(config: MAEConfig) -> dict[str, Any]:
    """A moved ratio: draw the mask, paint one picture, measure the baseline, and pack the five panels for the page."""
    from playground.components.mask_bench import pack_bench

    frozen = MAETrainer(config).freeze()
    pictures = frozen.split.held_out
    times = []
    for number in range(WARM_ANSWERS + ANSWERS):
        begun = time.perf_counter()
        hidden = draw_mask(config.masking, (number % 20) / 20, config.side, number)
        image = pictures.images[number : number + 1]
        made = frozen.reconstruct(image, hidden)
        guess = frozen.visible_mean(image, hidden)[0]
        pack_bench(
            image[0],
            made.painted[0],
            made.errors[0],
            hidden,
            int(config.patch),
            id=str(number),
            name=pictures.names[number],
            baseline=float(guess[hidden].mean()) if hidden.any() else None,
        )
        times.append(1000 * (time.perf_counter() - begun))
    return {
        "what": "answer to a moved ratio, on the server",
        "median_ms": median(times[WARM_ANSWERS:]),
        "slowest_ms": max(times[WARM_ANSWERS:]),
        "wanted_ms": WANTED_MS,
    }
