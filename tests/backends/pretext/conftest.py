from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from backends.engine.trainer import Snapshot
from backends.pretext.config import InpaintingConfig, JigsawConfig, PretextConfig, RotationConfig
from backends.pretext.trainer import TRAINERS, PretextTrainer
from tests.backends.simclr.conftest import toy_pictures

CONFIGS: dict[str, PretextConfig] = {
    "rotation": RotationConfig(data="own", steps=10, batch=16),
    "inpainting": InpaintingConfig(data="own", steps=10, batch=16),
    "jigsaw": JigsawConfig(data="own", steps=10, batch=16),
}
"""Short runs on toy pictures."""


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums this small gain nothing from a second one, and wait for it where another process has the core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def trainer_of(method: str, **options: Any) -> PretextTrainer:
    """A trainer on 60 toy pictures; settings by name, `pictures` and `seconds` as of the trainer."""
    extra = {name: options.pop(name) for name in ("pictures", "seconds") if name in options}
    extra.setdefault("pictures", toy_pictures(60))
    return TRAINERS[method](CONFIGS[method].with_changes(**options), **extra)


def run(method: str, **options: Any) -> tuple[PretextTrainer, Snapshot]:
    """A whole run: the trainer and its last snapshot."""
    trainer = trainer_of(method, **options)
    *_, last = trainer.steps()
    return trainer, last
