"""The models that this project trained and ships, so that masks are filled before the first training.

Made by `python -m backends.language.shipped`; the card beside each file says how.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.engine.checkpoints import CheckpointError
from backends.engine.model_files import MODEL_NAME, read_card
from backends.language.checkpoint import load_model, save_model
from backends.language.config import CONFIGS, TITLES, LanguageConfig

if TYPE_CHECKING:
    from backends.language.trainer import FrozenLanguage

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "language"
PRINT_EVERY = 50
"""Steps between two lines of a training's log."""


@dataclass(frozen=True)
class ShippedModel:
    """A model that this project trains.

    Attributes:
        name: of its folder, and of the method: "bert", "t5" or "gpt".
        title: as the page calls it.
        config: what it is trained with.
        remark: ends the line that says where it comes from.
    """

    name: str
    title: str
    config: LanguageConfig
    remark: str = ""

    @property
    def path(self) -> Path:
        """Of its .safetensors file; the card is beside it."""
        return FOLDER / self.name / MODEL_NAME


def _shipped(method: str, remark: str = "", **settings: Any) -> ShippedModel:
    sizes = {"corpus": "all", "vocabulary": 2_048, "width": "128", "depth": 3, "length": 64, "batch": 48}
    return ShippedModel(method, TITLES[method], CONFIGS[method].parse({**sizes, **settings}), remark)


T5_REMARK = (
    " It puts shuffled sentences in order; the words of a gap it reads from those around it, but is often wrong."
)
"""Measured on 512 held-out texts: 0.14 nats a token in sorting; in gaps (25 %, of three) 4.93 nats a word with its own
broken text, 5.83 with another one's, 6.46 by frequency."""
MODELS: dict[str, ShippedModel] = {
    model.name: model
    for model in (
        _shipped("bert", steps=3_000),
        _shipped(
            "t5",
            T5_REMARK,
            objective="both",
            corruption_ratio=0.25,
            mean_span=3,
            depth=2,
            batch=32,
            learning_rate=0.006,
            steps=2_000,
        ),
        _shipped("gpt", steps=1_500),
    )
}
"""By method."""

_loading = threading.Lock()


def load(name: str) -> FrozenLanguage:
    """Read a shipped model with the scores of its card. It is shared by all that ask; who asks while it loads, waits.

    The text that it was trained on is not read with it: `text` is None.

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
def _load(name: str) -> FrozenLanguage:
    shipped = MODELS[name]
    scores = {key: float(value) for key, value in _card(shipped)["metrics"].items()}
    return replace(load_model(shipped.path, method=name), scores=scores)


def _card(shipped: ShippedModel) -> dict[str, Any]:
    path = shipped.path.with_suffix(".json")
    return read_card(path, shipped.name, f"{shipped.name}/{path.name}")


def make(shipped: ShippedModel) -> list[Path]:
    """Train a model and write its files."""
    from backends.language.trainer import TRAINERS

    trainer = TRAINERS[shipped.name](shipped.config)
    printed = 0
    for last in trainer.steps():
        if last.step >= printed + PRINT_EVERY:
            printed = last.step
            told = ("loss", "heldout_loss", "text_loss", "tokens_per_second")
            metrics = "  ".join(f"{name} {last.metrics[name]:.3f}" for name in told if name in last.metrics)
            print(f"step {last.step}  {last.seconds:.0f} s  {metrics}", flush=True)
    card = trainer.card()
    card = {
        "origin": f"{shipped.title}, trained earlier by this project on {len(trainer.data.train) / 1e6:.1f} million "
        f"tokens, {last.step:,} steps.{shipped.remark}",
        **card,
        "made_by": f"python -m backends.language.shipped {shipped.name}",
    }
    card["metrics"] = {name: round(value, 4) for name, value in card["metrics"].items()}
    return save_model(trainer.freeze(), shipped.path.parent, card)


def main(names: Sequence[str]) -> None:
    """Train the named models, or all of them.

    Raises:
        CheckpointError: there is none of a name.
    """
    for shipped in [_entry(name) for name in names or MODELS]:
        for written in make(shipped):
            print(f"{written.parent.name}/{written.name}: {written.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    import sys

    from backends.engine.threads import wait_politely

    wait_politely()
    main(sys.argv[1:])
