"""Pretext tasks: batched puzzles against a per-image torchvision pipeline, and what is learned within the budgets.

Both sides train the same net on the same apples with the same loss, optimiser and batch, by turns within one run.
Theirs gets its puzzles from a `DataLoader` with two workers, whose data set makes each picture's puzzle with
torchvision's functions on PIL images: `rotate` and `to_tensor`; `to_tensor` and `erase`; nine `crop`s and `to_tensor`s.
Rendering the apples, building the nets and starting the workers are left out of all clocks. `puzzles` is the pace of
making puzzles alone, without a net.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from backends.data.splits import load_split
from backends.pretext.config import TILES, TURNS, InpaintingConfig, JigsawConfig, PretextConfig, RotationConfig
from backends.pretext.held_out import confusion_of_turns, jigsaw_of, share_right
from backends.pretext.model import untrained
from backends.pretext.puzzles import blank_tiles, draw_holes, draw_turns, rotate, tile_side
from backends.pretext.trainer import CLIP_NORM, TRAINERS, PretextTrainer

THREADS = WORKERS = 2
PACE_SECONDS, PUZZLE_SECONDS = 8.0, 2.0
BUDGETS = {"rotation": 30.0, "inpainting": 60.0, "jigsaw": 60.0}
QUICK = 0.05
"""The share of all times that --quick takes: to see that everything runs, not to measure."""
CHANCE = 1 / TILES
WANTED = {"ratio": 4.0, "updates": 5.0, "accuracy_with_leaf": 0.9, "error_ratio": 0.5, "jigsaw_accuracy": 3 * CHANCE}
CONFIGS: dict[str, PretextConfig] = {
    "rotation": RotationConfig(),
    "inpainting": InpaintingConfig(),
    "jigsaw": JigsawConfig(),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=2, help="how often both sides take their turn (default 2)")
    parser.add_argument("--quick", action="store_true", help="a twentieth of all times, to see that everything runs")


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    torch.set_num_threads(THREADS)
    share = QUICK if options.quick else 1.0
    load_split("apples", 32)
    for name in CONFIGS:
        yield compare_pace(name, share * PACE_SECONDS, options.rounds)
    for name in CONFIGS:
        yield compare_puzzles(name, share * PUZZLE_SECONDS)
    for name, seconds in BUDGETS.items():
        yield from_scratch(name, share * seconds)


def compare_pace(name: str, seconds: float, rounds: int) -> dict[str, Any]:
    """Training images a second of both sides, by turns; medians over the rounds."""
    config = CONFIGS[name]
    trainer = TRAINERS[name](config, seconds=1e9)
    theirs = TheirRun(config)
    paces: dict[str, list[float]] = {"ours": [], "torchvision": []}
    try:
        for number in range(rounds):
            sides: list[tuple[str, Callable[[], object]]] = [("ours", trainer._step), ("torchvision", theirs.step)]
            for side, step in sides if number % 2 == 0 else sides[::-1]:
                paces[side].append(pace(step, trainer.batch, seconds))
    finally:
        theirs.close()
    ours, other = median(paces["ours"]), median(paces["torchvision"])
    return {
        "measure": "images_per_second",
        "task": name,
        "batch": trainer.batch,
        "ours": round(ours),
        "torchvision_2_workers": round(other),
        "ratio": ours / other,
        "wanted": WANTED["ratio"],
        "met": ours / other >= WANTED["ratio"],
    }


def compare_puzzles(name: str, seconds: float) -> dict[str, Any]:
    """Puzzles a second without a net: a batch at a time on the device, and a picture at a time in one process."""
    config, images = CONFIGS[name], load_split("apples", 32).train.images
    generator, draws = torch.Generator().manual_seed(0), np.random.default_rng(0)
    tensor, puzzles = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()), Puzzles(images, config)

    def batched() -> None:
        make_puzzles(config, tensor[torch.from_numpy(draws.integers(0, len(images), config.batch))], generator)

    def one_by_one() -> None:
        torch.utils.data.default_collate([puzzles[int(i)] for i in draws.integers(0, len(images), config.batch)])

    ours, theirs = pace(batched, config.batch, seconds), pace(one_by_one, config.batch, seconds)
    return {
        "measure": "puzzles_per_second",
        "task": name,
        "ours": round(ours),
        "torchvision_one_process": round(theirs),
        "ratio": ours / theirs,
    }


def make_puzzles(config: PretextConfig, images: Tensor, generator: torch.Generator) -> object:
    """Puzzles of (B, 3, S, S) uint8 pictures, as the trainers make them."""
    if isinstance(config, RotationConfig):
        return rotate(images, draw_turns(len(images), generator)).float() / 255
    if isinstance(config, InpaintingConfig):
        holes = draw_holes(config.hole, config.hole_share, config.size, len(images), generator)
        return images.float() / 255, holes
    assert isinstance(config, JigsawConfig)
    return jigsaw_of(images.float() / 255, config, generator)


class Puzzles(Dataset):
    """A picture's puzzle at a time, by torchvision from a PIL image."""

    def __init__(self, images: np.ndarray, config: PretextConfig) -> None:
        self.images, self.config = images, config

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        from PIL import Image

        picture, config = Image.fromarray(self.images[index]), self.config
        if isinstance(config, RotationConfig):
            return _turned(picture)
        if isinstance(config, InpaintingConfig):
            return _cut(picture, config)
        assert isinstance(config, JigsawConfig)
        return _shuffled(picture, config)


def _turned(picture: Any) -> tuple[Tensor, int]:
    from torchvision.transforms import functional

    turn = int(torch.randint(TURNS, ()))
    return functional.to_tensor(functional.rotate(picture, 90 * turn)), turn


def _cut(picture: Any, config: InpaintingConfig) -> tuple[Tensor, Tensor]:
    """The picture and its hole; the net cuts it out itself, as on our side."""
    from torchvision.transforms import RandomErasing, functional

    image = functional.to_tensor(picture)
    row, column, high, wide, _ = RandomErasing.get_params(
        image, (config.hole_share, config.hole_share), (1 / 1.5, 1.5), [0.0]
    )
    hole = functional.erase(torch.zeros(1, *image.shape[1:]), row, column, high, wide, torch.ones(()))
    return image, hole[0] > 0


def _shuffled(picture: Any, config: JigsawConfig) -> tuple[Tensor, Tensor]:
    from torchvision.transforms import functional

    side, order = tile_side(config.size, config.gap), torch.randperm(TILES)
    cell = side + config.gap
    first = (config.size - 3 * cell) // 2 + config.gap // 2
    tiles = [
        functional.to_tensor(functional.crop(picture, first + cell * (i // 3), first + cell * (i % 3), side, side))
        for i in order.tolist()
    ]
    return torch.stack(tiles), order


class TheirRun:
    """The same net in a plain loop over a DataLoader."""

    def __init__(self, config: PretextConfig) -> None:
        self.config = config
        self.model: Any = untrained(config).to(memory_format=torch.channels_last).train()
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.loader = DataLoader(
            Puzzles(load_split("apples", config.size).train.images, config),
            batch_size=config.batch,
            shuffle=True,
            drop_last=True,
            num_workers=WORKERS,
            persistent_workers=True,
        )
        self._batches: Iterator[Any] = iter(self.loader)

    def step(self) -> None:
        """One batch from the workers, one step."""
        try:
            batch = next(self._batches)
        except StopIteration:
            self._batches = iter(self.loader)
            batch = next(self._batches)
        if isinstance(self.config, JigsawConfig):
            tiles, places = batch
            loss = self.model.loss(tiles, places, blank_tiles(tiles))
        else:
            images, solution = batch
            loss = self.model.loss(images.contiguous(memory_format=torch.channels_last), solution)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
        self.optimizer.step()

    def close(self) -> None:
        """Let the workers go."""
        del self._batches, self.loader


def pace(step: Callable[[], object], batch: int, seconds: float) -> float:
    """Pictures a second, after three steps to warm up."""
    for _ in range(3):
        step()
    begun, steps = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        step()
        steps += 1
    return batch * steps / (time.perf_counter() - begun)


def from_scratch(name: str, seconds: float) -> dict[str, Any]:
    """A run within its budget from a random start, as the page pulls it: quality, updates a second, pace."""
    trainer = TRAINERS[name](CONFIGS[name], seconds=seconds)
    begun = time.perf_counter()
    snapshots = list(trainer.steps())
    spent = time.perf_counter() - begun
    updates = len(snapshots)
    return {
        "measure": "from_scratch",
        "task": name,
        "seconds": spent,
        "steps": trainer.step,
        "images_per_second": snapshots[-1].metrics["images_per_second"],
        **quality(name, trainer),
        "updates_per_second": updates / spent,
        "updates_met": updates / spent >= WANTED["updates"],
    }


def quality(name: str, trainer: PretextTrainer) -> dict[str, Any]:
    """The marks of a task on held-out apples."""
    measured = trainer._held_out.measure(trainer._good, 1_000).metrics
    if name == "inpainting":
        return {**measured, "wanted": WANTED["error_ratio"], "met": measured["error_ratio"] <= WANTED["error_ratio"]}
    if name == "jigsaw":
        wanted = WANTED["jigsaw_accuracy"]
        return {**measured, "chance": CHANCE, "wanted": wanted, "met": measured["accuracy"] >= wanted}
    held_out = trainer.split.held_out
    leafy = held_out.images[held_out.factors["leaf"].values > 0]
    with torch.no_grad():
        confusion = confusion_of_turns(trainer._good, torch.from_numpy(leafy).permute(0, 3, 1, 2).float() / 255)
    with_leaf, wanted = share_right(confusion), WANTED["accuracy_with_leaf"]
    return {**measured, "accuracy_with_leaf": with_leaf, "wanted": wanted, "met": with_leaf >= wanted}
