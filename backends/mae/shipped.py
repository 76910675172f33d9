"""The masked autoencoders that this project trained and ships, so that the page paints before the first training.

Made by `python -m backends.mae.shipped`; the card beside each file says how.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.data.pictures import PictureSet
from backends.data.splits import Split, load_split
from backends.engine.checkpoints import CheckpointError
from backends.engine.model_files import card_scores, read_card
from backends.mae.checkpoint import read_model, save_model
from backends.mae.config import MAEConfig

if TYPE_CHECKING:
    from backends.mae.trainer import FrozenMAE

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "mae"
ERRORS = ("masked_error", "visible_mean_error", "error_ratio")


@dataclass(frozen=True)
class ShippedModel:
    """A model that this project trains.

    Attributes:
        name: of its files.
        title: as the page calls it.
        config: what it is trained with.
    """

    name: str
    title: str
    config: MAEConfig

    @property
    def path(self) -> Path:
        """Of its .safetensors file; the card is beside it."""
        return FOLDER / f"{self.name}.safetensors"


MODELS: dict[str, ShippedModel] = {
    model.name: model
    for model in (
        ShippedModel("apples", "apples", MAEConfig(steps=5_000)),
        ShippedModel("emoji", "emoji", MAEConfig(data="emoji", steps=5_000)),
        ShippedModel("apples-64", "apples of 64 pixels", MAEConfig(image_size="64", patch="8", steps=5_000)),
    )
}
FIRST = "apples"
"""The one that stands on the page before the first training: it was trained with the page's own settings."""

_loading = threading.Lock()


class ApplesSplit(Split):
    """The built-in apples, of which the training pictures, slow to draw, are drawn when somebody asks for them."""

    def __init__(self, size: int) -> None:
        """Draw the held-out pictures, `size` pixels a side."""
        from backends.data.apples import apple_pictures
        from backends.data.splits import HELD_OUT_APPLES, HELD_OUT_SEED

        self.__dict__["held_out"] = apple_pictures(HELD_OUT_APPLES, HELD_OUT_SEED, size)

    @cached_property
    def train(self) -> PictureSet:
        """The pictures that were trained on."""
        return load_split("apples", self.held_out.size).train


def load(name: str, device: str = "cpu") -> FrozenMAE:
    """Read a shipped model, with the scores of its card and its map's features computed anew; it has no film.

    The model is shared by all that ask for it on this device. Who asks while another loads waits for it.

    Raises:
        CheckpointError: there is none of this name, or its files are missing or damaged.
    """
    _entry(name)
    with _loading:
        return _load(name, device)


def origin(name: str) -> str:
    """Say where a shipped model comes from, in one sentence; reads its card only.

    Raises:
        CheckpointError: there is none of this name, or its card is missing or damaged.
    """
    return str(_card(_entry(name))["origin"])


def errors_of(name: str) -> dict[str, float]:
    """masked_error, visible_mean_error and error_ratio on held-out pictures, as the card says.

    Raises:
        CheckpointError: there is none of this name, or its card is missing or damaged.
    """
    metrics = _card(_entry(name))["metrics"]
    return {kind: float(metrics[kind]) for kind in ERRORS if kind in metrics}


def _entry(name: str) -> ShippedModel:
    if name not in MODELS:
        raise CheckpointError(f"There is no model {name[:40]!r} here; choose from {', '.join(MODELS)}.")
    return MODELS[name]


@lru_cache(maxsize=2 * len(MODELS))
def _load(name: str, device: str) -> FrozenMAE:
    from backends.analysis.prober import Probed
    from backends.mae.trainer import FrozenMAE

    shipped = MODELS[name]
    stored, card = read_model(shipped.path, device), _card(shipped)
    nothing = np.zeros((0, int(stored.config.width)), np.float32)
    scores = {start: card_scores(card["metrics"], start) for start in ("", "untrained_", "pixels_")}
    frozen = FrozenMAE(
        config=stored.config,
        step=stored.step,
        model=stored.model,
        split=_split(stored.config),
        device=device,
        probed=Probed(stored.step, nothing, scores[""]),
        untrained=Probed(0, nothing, scores["untrained_"]),
        pixels=scores["pixels_"],
    )
    features = frozen.embed(frozen.map_pictures.images)
    return replace(frozen, probed=replace(frozen.probed, features=features))


def _split(config: MAEConfig) -> Split:
    size = int(config.image_size)
    return ApplesSplit(size) if config.data == "apples" else load_split(config.data, size)


def _card(shipped: ShippedModel) -> dict[str, Any]:
    path = shipped.path.with_suffix(".json")
    return read_card(path, shipped.name, path.name)


def make(shipped: ShippedModel) -> list[Path]:
    """Train a model and write its files."""
    from backends.mae.trainer import MAETrainer

    trainer = MAETrainer(shipped.config)
    for _ in trainer.steps():
        pass
    extent = f"{trainer.step:,} steps of {trainer.batch} pictures"
    card = {
        "origin": f"Trained earlier by this project: {shipped.title}, {extent}.",
        **trainer.card(),
        "made_by": f"python -m backends.mae.shipped {shipped.name}",
    }
    card["seconds"] = round(trainer.seconds, 1)
    card["loss"] = round(trainer.loss, 5)
    card["metrics"] = {name: round(value, 5) for name, value in card["metrics"].items()}
    return save_model(trainer.freeze(), shipped.path.parent, card, name=shipped.path.name)


def main(names: Sequence[str]) -> None:
    """Train the named models, or all of them."""
    for name in names or MODELS:
        for written in make(_entry(name)):
            print(f"{written.name}: {written.stat().st_size / 1e6:.2f} MB")
        print(f"{name}: masked error {errors_of(name)['error_ratio']:.3f} times that of guessing the visible mean")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
