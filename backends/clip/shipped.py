"""The models that this project trained and ships, so that prompts are answered before the first training.

Made by `python -m backends.clip.shipped`; the card beside each file says how.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.clip.checkpoint import load_model, save_model
from backends.clip.config import CLIPConfig
from backends.engine.checkpoints import CheckpointError
from backends.engine.model_files import MODEL_NAME, read_card

if TYPE_CHECKING:
    from backends.clip.trainer import FrozenCLIP

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "clip"


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
    config: CLIPConfig

    @property
    def path(self) -> Path:
        """Of its .safetensors file; the card is beside it."""
        return FOLDER / self.name / MODEL_NAME


MODELS: dict[str, ShippedModel] = {
    model.name: model
    for model in (
        ShippedModel(
            "emoji",
            "emoji and their names",
            CLIPConfig(steps=2_600, batch=192, image_encoder="wide", augmentation=1.0, outlines=0.7, dropout=0.2),
        ),
        ShippedModel("apples", "apples and their captions", CLIPConfig(data="apples", steps=500)),
    )
}
FIRST = "emoji"
"""The one that answers before the first training."""

_loading = threading.Lock()


def load(name: str) -> FrozenCLIP:
    """Read a shipped model with the scores of its card. It is shared by all that ask; who asks while it loads, waits.

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
def _load(name: str) -> FrozenCLIP:
    shipped = MODELS[name]
    card = _card(shipped)
    scores = {key: float(value) for key, value in card["metrics"].items()}
    return replace(load_model(shipped.path), scores=scores)


def _card(shipped: ShippedModel) -> dict[str, Any]:
    path = shipped.path.with_suffix(".json")
    return read_card(path, shipped.name, f"{shipped.name}/{path.name}")


def make(shipped: ShippedModel) -> list[Path]:
    """Train a model and write its files."""
    from backends.clip.trainer import CLIPTrainer

    trainer = CLIPTrainer(shipped.config)
    for snapshot in trainer.steps():
        last = snapshot
        if last.step % 50 == 0:
            scores = {name: value for name, value in last.metrics.items() if name.startswith("zero_shot")}
            tests = "  ".join(f"{name} {value:.3f}" for name, value in scores.items())
            print(f"step {last.step}  {last.seconds:.0f} s  loss {last.metrics['loss']:.3f}  {tests}", flush=True)
    card = trainer.card()
    card = {
        "origin": f"Trained earlier by this project: {shipped.title}, {last.step:,} steps of {trainer.batch} pairs.",
        **card,
        "made_by": f"python -m backends.clip.shipped {shipped.name}",
    }
    card["metrics"] = {name: round(value, 4) for name, value in card["metrics"].items()}
    return save_model(trainer.freeze(), shipped.path.parent, card)


def main(names: Sequence[str]) -> None:
    """Train the named models, or all of them."""
    for name in names or MODELS:
        for written in make(MODELS[name]):
            print(f"{written.parent.name}/{written.name}: {written.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    import sys

    from backends.engine.threads import wait_politely

    wait_politely()
    main(sys.argv[1:])
