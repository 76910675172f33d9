"""The model that plays odd-one-out: SimCLR on creatures of other species than those of the game.

Made by `python -m backends.start.shipped`; the card beside the file says how.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.engine.checkpoints import CheckpointError
from backends.engine.model_files import MODEL_NAME, read_card
from backends.simclr.config import SimCLRConfig

if TYPE_CHECKING:
    from backends.data.pictures import PictureSet
    from backends.simclr.checkpoint import StoredModel

PATH = Path(__file__).resolve().parents[2] / "assets" / "start" / "creatures" / MODEL_NAME
TRAINING_SPECIES, TRAINING_SEED = 3_000, 1
EACH, PICTURES_SEED = 2, 2
SIZE = 32
CONFIG = SimCLRConfig(data="own", steps=900).with_changes(
    crop=0.75, hue=0.05, saturation=0.3, grayscale=0.1, rotation=20, brightness=0.6
)
"""Hues are turned by a little only: a creature's colours are part of what it is."""
SCORES = ("odd_one_out", "untrained_odd_one_out", "pixels_odd_one_out")
_loading = threading.Lock()


def features(images: np.ndarray) -> np.ndarray:
    """The shipped model's features of (n, SIZE, SIZE, 3) uint8 pictures: (n, D) float32.

    Raises:
        CheckpointError: the model's files are missing or damaged.
    """
    from backends.analysis.prober import as_tensor
    from backends.nets.vision import embed

    found: np.ndarray = embed(load().model.encoder, as_tensor(images, "cpu")).numpy()
    return found


def load() -> StoredModel:
    """Read the shipped model; it is shared by all that ask. Who asks while it loads, waits.

    Raises:
        CheckpointError: its files are missing or damaged.
    """
    with _loading:
        return _load()


@lru_cache(maxsize=1)
def card() -> dict[str, Any]:
    """Read the card alone: `origin`, `size` in pixels, and `metrics` with SCORES (shares of `rounds`).

    Raises:
        CheckpointError: it is missing or damaged.
    """
    found = read_card(PATH.with_suffix(".json"), "the creatures' model", "start/creatures/model.json")
    metrics = found["metrics"]
    if not all(isinstance(metrics.get(name), int | float) for name in (*SCORES, "rounds")) or "size" not in found:
        raise CheckpointError("The card of the creatures' model is damaged.")
    return found


@lru_cache(maxsize=1)
def _load() -> StoredModel:
    from backends.simclr.checkpoint import read_model

    return read_model(PATH)


def training_pictures() -> PictureSet:
    """What it was trained on; the species are drawn from another seed than those of the game."""
    from backends.data import creatures

    species = creatures.draw_species(TRAINING_SPECIES, TRAINING_SEED)
    return creatures.creature_pictures(species, EACH, PICTURES_SEED, SIZE)


def make(config: SimCLRConfig = CONFIG, path: Path = PATH) -> list[Path]:
    """Train the model, ask it rounds of odd-one-out, and write its files."""
    from backends.simclr.checkpoint import card_of, save_model
    from backends.simclr.trainer import SimCLRTrainer
    from backends.start.odd_one_out import TESTED_ROUNDS, accuracy, pixels

    trainer = SimCLRTrainer(config, pictures=training_pictures())
    untrained = trainer.freeze()
    for snapshot in trainer.steps():
        last = snapshot
    frozen = trainer.freeze()
    found = accuracy([frozen.embed, untrained.embed, pixels], SIZE)
    about = (
        f"SimCLR, trained earlier by this project: {last.step:,} steps of {trainer.batch} creatures "
        f"of {TRAINING_SPECIES:,} other species."
    )
    written = {
        **card_of(frozen),
        "origin": about,
        "size": SIZE,
        "seconds": round(last.seconds, 1),
        "loss": round(last.metrics["loss"], 4),
        "metrics": {
            **{name: round(share, 4) for name, share in zip(SCORES, found, strict=True)},
            "rounds": TESTED_ROUNDS,
        },
        "made_by": "python -m backends.start.shipped",
    }
    return save_model(frozen, path.parent, written)


def main() -> None:
    """Train the model anew and say what it can."""
    for written in make():
        print(f"{written.name}: {written.stat().st_size / 1e6:.2f} MB")
    card.cache_clear()
    print(card()["metrics"])


if __name__ == "__main__":
    main()
