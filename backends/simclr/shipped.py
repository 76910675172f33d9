"""The models that this project trained and ships, so that map, probes and questions work before the first training.

Made by `python -m backends.simclr.shipped`; the card beside each file says how.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.engine.checkpoints import CheckpointError
from backends.engine.model_files import MODEL_NAME, card_scores, read_card
from backends.simclr.augment_config import COLOUR_AUGMENTATIONS
from backends.simclr.checkpoint import card_of, read_model, save_model
from backends.simclr.config import SimCLRConfig

if TYPE_CHECKING:
    from backends.simclr.trainer import FrozenModel

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "simclr"
STEPS = 2_500
JITTER = {"hue": 0.1, "saturation": 0.4, "grayscale": 0.2}
"""Of emoji: their colours are part of what they are, so hues are turned by a little only."""


@dataclass(frozen=True)
class ShippedModel:
    """A model that this project trains.

    Attributes:
        name: of its folder.
        title: as the page calls it.
        config: what it is trained with.
    """

    name: str
    title: str
    config: SimCLRConfig

    @property
    def path(self) -> Path:
        """Of its .safetensors file; the card is beside it."""
        return FOLDER / self.name / MODEL_NAME


MODELS: dict[str, ShippedModel] = {
    model.name: model
    for model in (
        ShippedModel(
            "apples-without-jitter",
            "apples, without colour jitter",
            SimCLRConfig(steps=STEPS).with_changes(**dict.fromkeys(COLOUR_AUGMENTATIONS, 0)),
        ),
        ShippedModel("apples-with-jitter", "apples, with colour jitter", SimCLRConfig(steps=STEPS)),
        ShippedModel("emoji", "emoji", SimCLRConfig(data="emoji", steps=STEPS).with_changes(**JITTER)),
    )
}
FIRST = "apples-with-jitter"
"""The one that stands on the page before the first training: it was trained with the page's own settings."""

_loading = threading.Lock()


def load(name: str) -> FrozenModel:
    """Read a shipped model, with the scores of its card and its map's features computed anew.

    The model is shared by all that ask. Who asks while another loads waits for it.

    Raises:
        CheckpointError: there is none of this name, or its files are missing or damaged.
    """
    _entry(name)
    with _loading:
        return _load(name)


def origin(name: str) -> str:
    """Say where a shipped model comes from, in one sentence; reads its card only.

    Raises:
        CheckpointError: there is none of this name, or its card is missing or damaged.
    """
    return str(_card(_entry(name))["origin"])


def _entry(name: str) -> ShippedModel:
    if name not in MODELS:
        raise CheckpointError(f"There is no model {name[:40]!r} here; choose from {', '.join(MODELS)}.")
    return MODELS[name]


@lru_cache(maxsize=len(MODELS))
def _load(name: str) -> FrozenModel:
    from backends.data.splits import load_split
    from backends.simclr.trainer import FrozenModel, Probed, map_pictures

    shipped = MODELS[name]
    stored, card = read_model(shipped.path), _card(shipped)
    split = load_split(stored.config.data, int(stored.config.image_size), shortcut=stored.config.shortcut)
    nothing = np.zeros((0, int(stored.model.encoder.width)), np.float32)
    scores = {start: card_scores(card["metrics"], start) for start in ("", "untrained_", "pixels_")}
    frozen = FrozenModel(
        config=stored.config,
        step=stored.step,
        model=stored.model,
        split=split,
        device="cpu",
        probed=Probed(stored.step, nothing, scores[""]),
        untrained=Probed(0, nothing, scores["untrained_"]),
        pixels=scores["pixels_"],
    )
    features = frozen.embed(map_pictures(split).images)
    return _with_features(frozen, features)


def _with_features(frozen: FrozenModel, features: np.ndarray) -> FrozenModel:
    from dataclasses import replace

    return replace(frozen, probed=replace(frozen.probed, features=features))


def _card(shipped: ShippedModel) -> dict[str, Any]:
    path = shipped.path.with_suffix(".json")
    return read_card(path, shipped.name, f"{shipped.name}/{path.name}")


def make(shipped: ShippedModel) -> list[Path]:
    """Train a model and write its files."""
    from backends.simclr.trainer import SimCLRTrainer

    trainer = SimCLRTrainer(shipped.config)
    for snapshot in trainer.steps():
        last = snapshot
    frozen = trainer.freeze()
    sentence = f"Trained earlier by this project: {shipped.title}, {last.step:,} steps of {trainer.batch} pictures."
    card = {
        "origin": sentence,
        **card_of(frozen),
        "seconds": round(last.seconds, 1),
        "loss": round(last.metrics["loss"], 4),
        "made_by": f"python -m backends.simclr.shipped {shipped.name}",
    }
    card["metrics"] = {name: round(value, 4) for name, value in card["metrics"].items()}
    return save_model(frozen, shipped.path.parent, card)


def main(names: Sequence[str]) -> None:
    """Train the named models, or all of them."""
    for name in names or MODELS:
        for written in make(MODELS[name]):
            print(f"{written.parent.name}/{written.name}: {written.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
