"""The nets of pretext tasks that this project trained and ships, so that a visitor can play before the first training.

Made by `python -m backends.pretext.shipped`; the card beside each file says how.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.engine.checkpoints import CheckpointError
from backends.engine.model_files import card_scores, read_card
from backends.pretext.checkpoint import read_model, save_model, unprobed
from backends.pretext.config import InpaintingConfig, JigsawConfig, PretextConfig, RotationConfig, task_of

if TYPE_CHECKING:
    from backends.data.splits import Split
    from backends.pretext.frozen import Frozen

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "pretext"
MEASURES = ("accuracy", "accuracy_without_shortcut", "hole_error", "border_mean_error", "error_ratio", "blank_share")


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
    config: PretextConfig

    @property
    def path(self) -> Path:
        """Of its .safetensors file; the card is beside it."""
        return FOLDER / f"{self.name}.safetensors"

    @property
    def method(self) -> str:
        """The task: "rotation", "inpainting" or "jigsaw"."""
        return task_of(self.config)


MODELS: dict[str, ShippedModel] = {
    model.name: model
    for model in (
        ShippedModel("rotation", "which way is up, on apples", RotationConfig(steps=1_500)),
        ShippedModel("inpainting", "what stood in the hole, on apples", InpaintingConfig(steps=1_000)),
        ShippedModel("jigsaw", "where each tile belongs, on apples", JigsawConfig(gap=2, steps=1_500)),
    )
}
FIRST = "rotation"
"""What stands on the page before the first training; the other tasks' models have their tasks' names too."""

_loading = threading.Lock()


def load(name: str, device: str = "cpu") -> Frozen:
    """Read a shipped model, with the scores of its card and its map's features computed anew.

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


def measures_of(name: str) -> dict[str, float]:
    """How well a shipped model solves held-out puzzles, as its card says; the names are those of `MEASURES`.

    Raises:
        CheckpointError: there is none of this name, or its card is missing or damaged.
    """
    return _measures(_card(_entry(name)))


def scores_of(name: str) -> dict[str, dict[str, float]]:
    """knn_<factor> and linear_<factor> as the card says, by whose features they are: "", "untrained_" and "pixels_".

    Raises:
        CheckpointError: there is none of this name, or its card is missing or damaged.
    """
    metrics = _card(_entry(name))["metrics"]
    return {start: card_scores(metrics, start) for start in ("", "untrained_", "pixels_")}


def _entry(name: str) -> ShippedModel:
    if name not in MODELS:
        raise CheckpointError(f"There is no model {name[:40]!r} here; choose from {', '.join(MODELS)}.")
    return MODELS[name]


@lru_cache(maxsize=2 * len(MODELS))
def _load(name: str, device: str) -> Frozen:
    from backends.analysis.prober import Probed

    shipped = MODELS[name]
    stored, card = read_model(shipped.path, device), _card(shipped)
    nothing = np.zeros((0, int(stored.model.encoder.width)), np.float32)
    scores = {start: card_scores(card["metrics"], start) for start in ("", "untrained_", "pixels_")}
    frozen = unprobed(
        stored,
        _split(stored.config),
        device,
        Probed(stored.step, nothing, scores[""]),
        Probed(0, nothing, scores["untrained_"]),
        pixels=scores["pixels_"],
        metrics=_measures(card),
    )
    features = frozen.embed(frozen.map_pictures.images)
    return replace(frozen, probed=replace(frozen.probed, features=features))


def _split(config: PretextConfig) -> Split:
    from backends.data.splits import load_split
    from backends.mae.shipped import ApplesSplit

    return ApplesSplit(config.size) if config.data == "apples" else load_split(config.data, config.size)


def _card(shipped: ShippedModel) -> dict[str, Any]:
    path = shipped.path.with_suffix(".json")
    return read_card(path, shipped.name, path.name)


def _measures(card: dict[str, Any]) -> dict[str, float]:
    return {name: float(card["metrics"][name]) for name in MEASURES if name in card["metrics"]}


def make(shipped: ShippedModel) -> list[Path]:
    """Train a model and write its files."""
    from backends.pretext.trainer import TRAINERS

    trainer = TRAINERS[shipped.method](shipped.config)
    for _ in trainer.steps():
        pass
    extent = f"{trainer.step:,} steps of {trainer.batch} pictures"
    card = {
        "origin": f"Trained earlier by this project: {shipped.title}, {extent}.",
        **trainer.card(),
        "made_by": f"python -m backends.pretext.shipped {shipped.name}",
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
        print(f"{name}: " + ", ".join(f"{kind} {value:.3g}" for kind, value in measures_of(name).items()))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
