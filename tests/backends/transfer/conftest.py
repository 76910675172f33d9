from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from backends.data.pictures import Factor, PictureSet
from backends.engine.trainer import Snapshot
from backends.simclr.config import SimCLRConfig
from backends.simclr.trainer import FrozenModel, SimCLRTrainer
from backends.transfer.config import TransferConfig
from backends.transfer.encoder import Encoder
from backends.transfer.trainer import TransferTrainer
from tests.backends.simclr.conftest import PALETTE

SMALL = TransferConfig(
    data="own", factor="folder", encoder="untrained", against="pixels", most_labels="5", seeds=2, steps=5, batch=8
)
SQUARE = 10
"""Pixels a side."""
FROZEN = SMALL.with_changes(fine_tuning="off", scratch="off")


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums this small gain nothing from a second one, and wait for it where another process has the core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def toys(count: int = 200, seed: int = 0, size: int = 32) -> PictureSet:
    """Small squares anywhere on noisy grey, in folders named after their colour: no pixel by itself tells it."""
    random = np.random.default_rng(seed)
    colour = random.integers(0, len(PALETTE), count)
    images = random.integers(90, 130, (count, size, size, 3)).astype(np.uint8)
    for i, (y, x) in enumerate(random.integers(0, size - SQUARE, (count, 2))):
        images[i, y : y + SQUARE, x : x + SQUARE] = PALETTE[colour[i]]
    factors = {"folder": Factor("folder", "Folder", ("red", "green", "blue", "yellow"), colour)}
    return PictureSet("own", images, factors, tuple(f"toy {i}" for i in range(count)), "made for a test", "none")


def in_classes(*counts: int) -> PictureSet:
    """Noise in folders of so many pictures each."""
    values = np.repeat(np.arange(len(counts)), counts)
    images = np.random.default_rng(0).integers(0, 256, (len(values), 32, 32, 3)).astype(np.uint8)
    names = tuple(f"kind {c}" for c in range(len(counts)))
    factors = {"folder": Factor("folder", "Folder", names, values)}
    return PictureSet("own", images, factors, tuple(map(str, values)), "made for a test", "none")


def run_of(config: TransferConfig, **options: Any) -> tuple[TransferTrainer, list[Snapshot]]:
    """A whole run, on toys where nothing else is said: the trainer and all its snapshots."""
    options.setdefault("pictures", toys())
    trainer = TransferTrainer(config, **options)
    return trainer, list(trainer.steps())


@pytest.fixture(scope="session")
def learned() -> FrozenModel:
    """A short SimCLR run on the toys, in which colours count."""
    config = SimCLRConfig(data="own", steps=60, batch=64, hue=0, saturation=0, grayscale=0)
    trainer = SimCLRTrainer(config, pictures=toys())
    for _ in trainer.steps():
        pass
    return trainer.freeze()


def assert_starts_anew(encoder: Encoder) -> None:
    """A fresh net of an encoder has the same shapes, and other weights."""
    assert encoder.net is not None
    assert encoder.fresh is not None
    fresh = encoder.fresh()
    assert {key: value.shape for key, value in fresh.state_dict().items()} == {
        key: value.shape for key, value in encoder.net.state_dict().items()
    }
    pairs = zip(fresh.parameters(), encoder.net.parameters(), strict=True)
    assert any(not torch.equal(new, old) for new, old in pairs)
