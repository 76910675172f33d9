"""What is recorded: which trainings, which of their numbers become curves, and what is asked of them on the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.engine.config import MethodConfig
from backends.engine.trainer import Trainer

COMMAND = "python -m backends.recordings"
LANGUAGE = (("bert", "BERT", 120), ("t5", "T5", 60), ("gpt", "GPT", 100))
"""Method, title, and steps that take each about as long."""

Measured = tuple[dict[str, float], str]
"""Metrics, and what the net says, or ""."""


@dataclass(frozen=True)
class Curve:
    """A line of a recipe: which metric it follows, or `over` which other one it is divided by."""

    label: str
    metric: str
    over: str = ""
    dashed: bool = False
    colour: int = 0

    def value(self, metrics: dict[str, float]) -> float | None:
        """The point that metrics give, or None."""
        value = metrics.get(self.metric)
        below = metrics.get(self.over, 0.0) if self.over else 1.0
        return None if value is None or not below or not math.isfinite(value / below) else value / below


def held_out_test(trainer: Trainer) -> Measured:
    """The method's own test on what it never trained on."""
    return trainer.evaluate(), ""


@dataclass(frozen=True)
class Track:
    """One training of a recipe.

    Attributes:
        name: of it.
        build: makes its trainer.
        curves: lines that follow it.
        measure: what is measured for a point of these.
    """

    name: str
    build: Callable[[], Trainer]
    curves: tuple[Curve, ...]
    measure: Callable[[Any], Measured] = held_out_test


@dataclass(frozen=True)
class Recipe:
    """What is recorded.

    Attributes:
        title, value_title, share: as in `Recording`.
        tracks: trainings, one after the other; they share a seed, and what their steps count.
        guess: name and value of what guessing gives; a text in place of the value names a metric of the last training.
        pictures: from the last trainer, whose snapshots have an array `painted`: (K, S, S, 3) uint8 held-out pictures,
            and (K, S, S) bool, True where the net may not see.
    """

    title: str
    value_title: str
    share: bool
    tracks: tuple[Track, ...]
    guess: tuple[str, float | str] | None = None
    pictures: Callable[[Any], tuple[np.ndarray, np.ndarray]] | None = None


def recipes() -> dict[str, Recipe]:
    """Every recording that there is, by name."""
    return {
        "word2vec": Recipe(
            "The lecture’s six analogies, while the vectors are learned", "answered right", False,
            (
                Track(
                    "word2vec", lambda: _method("word2vec", epochs=6), (Curve("of six analogies", "right"),), _analogies
                ),
            ),
        ),
        "recall": Recipe(
            "Recall the first of 100 symbols", "answers right", True,
            (
                Track(
                    "recall",
                    lambda: _method("recall", steps=150),
                    (Curve("transformer", "transformer_accuracy"), Curve("LSTM", "lstm_accuracy", colour=1)),
                ),
            ),
            ("guessing", 1 / 8),
        ),
        "language": Recipe(
            "Surprise at held-out text, as a share of a counter’s", "loss / unigram entropy", True,
            tuple(
                Track(
                    name,
                    lambda name=name, steps=steps: _method(name, steps=steps),  # type: ignore[misc]
                    (Curve(title, "heldout_loss", "unigram_entropy", colour=colour),),
                )
                for colour, (name, title, steps) in enumerate(LANGUAGE)
            ),
            ("counting words", 1.0),
        ),
        "rotation": Recipe(
            "Which way is up? Held-out pictures turned upright", "answers right", True,
            (Track("rotation", lambda: _method("rotation", steps=120), (Curve("rotation net", "accuracy"),)),),
            ("guessing", 0.25),
        ),
        "inpainting": Recipe(
            "What stood in the hole?", "error, share of the border’s mean", False,
            (Track("inpainting", lambda: _method("inpainting", steps=150), (Curve("painted", "error_ratio"),)),),
            ("the border’s mean", 1.0), _holes,
        ),
        "simclr": Recipe(
            "Would you jitter colours? What nearest neighbours know", "held-out apples right", True,
            (
                Track(
                    "simclr",
                    _colour_experiment,
                    (
                        Curve("colour, kept", "without_knn_colour"),
                        Curve("colour, jittered", "with_knn_colour", colour=1),
                        Curve("shape, kept", "without_knn_shape", dashed=True),
                        Curve("shape, jittered", "with_knn_shape", dashed=True, colour=1),
                    ),
                ),
            ),
        ),
        "mae": Recipe(
            "Held-out apples, three quarters hidden", "squared error in hidden patches", False,
            (Track("mae", lambda: _method("mae", steps=150), (Curve("painted", "masked_error"),)),),
            ("visible mean", "visible_mean_error"), _patches,
        ),
        "clip": Recipe(
            "Ten names for a picture, none trained on as a class", "right of ten", True,
            (
                Track(
                    "clip",
                    lambda: _method("clip", steps=120),
                    (
                        Curve("unseen artist", "zero_shot_unseen_artist"),
                        Curve("unseen concepts", "zero_shot_unseen_concepts", colour=1),
                    ),
                ),
            ),
            ("guessing", 0.1),
        ),
    }  # fmt: skip


def _method(name: str, **settings: Any) -> Trainer:
    from backends.engine.methods import METHODS

    method = METHODS[name]
    config: MethodConfig = method.config.parse(settings)
    return method.build(config, data=None, device="cpu", seconds=None)


def _colour_experiment() -> Trainer:
    from backends.simclr.config import SimCLRConfig
    from backends.simclr.experiments import ColourExperiment

    return ColourExperiment(SimCLRConfig(steps=120))


def _analogies(trainer: Any) -> Measured:
    """How many of the lecture's analogies are right, and what the first is answered."""
    from backends.analysis import analogies

    results = analogies.ask(trainer.freeze())
    first = results[0]
    words = (
        "" if first.answer is None else f"{first.analogy.a} − {first.analogy.b} + {first.analogy.c} = {first.answer}"
    )
    return {"right": float(sum(result.correct for result in results))}, words


def _holes(trainer: Any) -> tuple[np.ndarray, np.ndarray]:
    from backends.pretext.held_out import shown_holes

    return shown_holes(trainer.config, trainer.split, trainer.device)


def _patches(trainer: Any) -> tuple[np.ndarray, np.ndarray]:
    from backends.mae.trainer import film_mask, film_pictures

    whole = film_pictures(trainer.split)
    patch = int(trainer.config.patch)
    side = whole.shape[1] // patch
    hidden = film_mask(trainer.config).reshape(side, side).repeat(patch, 0).repeat(patch, 1)
    return whole, np.broadcast_to(hidden, whole.shape[:3])


NAMES = tuple(recipes())
