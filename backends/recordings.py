"""Recorded runs: what a training of this project looked like, small enough to be played while the live one starts.

Made by `python -m backends.recordings NAME ...` (without a name: all), one after another, by the trainers that the page
has too. A recording holds its curves, for pictures a few frames, and a card: settings, seed, seconds, steps, versions.
"""

from __future__ import annotations

import argparse
import base64
import io
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backends.engine.checkpoints import CheckpointError, write_atomically
from backends.engine.config import MethodConfig
from backends.engine.trainer import Snapshot, Trainer

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "recordings"
COMMAND = "python -m backends.recordings"
MAX_FILE_BYTES = 200_000
MAX_POINTS = 80
"""Of a line."""
FRAMES = 12
MAX_SAID = 40
LANGUAGE = (("bert", "BERT", 120), ("t5", "T5", 60), ("gpt", "GPT", 100))
"""Method, title, and steps that take each about as long."""
ASKED_SECONDS = 0.4
"""Between two questions to a frozen copy."""
PICTURES = 4
MASK_COLOUR = (201, 198, 244)
"""Where a net sees nothing: a colour that no light on an apple has."""


class _Part(BaseModel):
    """What all parts of a recording have in common: nothing unknown, no NaN, and it doesn't change."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Line(_Part):
    """One curve.

    Attributes:
        label: what is measured, in words.
        seconds: (n,) of training, rising.
        steps: (n,) work done.
        values: (n,).
        dashed: whether it is drawn dashed, to be told from a line that belongs to it.
        colour: lines of one number have one colour.
    """

    label: str = Field(max_length=60)
    seconds: tuple[float, ...] = Field(max_length=MAX_POINTS + 1)
    steps: tuple[int, ...] = Field(max_length=MAX_POINTS + 1)
    values: tuple[float, ...] = Field(max_length=MAX_POINTS + 1)
    dashed: bool = False
    colour: int = Field(0, ge=0, le=3)


class Frame(_Part):
    """Held-out pictures side by side as the net paints them after so many seconds: a data URL."""

    seconds: float = Field(ge=0)
    steps: int = Field(ge=0)
    src: str = Field(pattern=r"^data:image/(png|webp);base64,[A-Za-z0-9+/=]+$")


class Pictures(_Part):
    """What the net sees of a few held-out pictures, what they are, and how they are painted in time."""

    count: int = Field(ge=1, le=8)
    seen: str = Field(pattern=r"^data:image/png;base64,[A-Za-z0-9+/=]+$")
    whole: str = Field(pattern=r"^data:image/png;base64,[A-Za-z0-9+/=]+$")
    frames: tuple[Frame, ...] = Field(min_length=1, max_length=FRAMES + 1)


class Said(_Part):
    """What the net answered to one question from then on."""

    seconds: float = Field(ge=0)
    text: str = Field(max_length=120)


class Card(_Part):
    """How the recording was made.

    Attributes:
        made_by: the command.
        method: name of the trainer.
        settings: of each training, all of them.
        seed: of them all.
        seconds: of training in all.
        steps: done in all, in `step_unit`.
        torch: its version.
        date: of the day, UTC.
        machine: in words, without names.
    """

    made_by: str
    method: str
    settings: dict[str, dict[str, Any]]
    seed: int
    seconds: float
    steps: int
    step_unit: str = "steps"
    torch: str
    date: str
    machine: str


class Recording(_Part):
    """One recorded run.

    Attributes:
        name: of its file.
        title: what the curves show.
        value_title: name and unit of the vertical axis.
        share: whether the values are shares of one.
        lines: the curves.
        guess: what one gets without learning, and its name.
        said: what it answered, or nothing.
        pictures: what it painted, or None.
        card: how it was made.
    """

    name: str
    title: str = Field(max_length=80)
    value_title: str = Field(max_length=60)
    share: bool
    lines: tuple[Line, ...] = Field(min_length=1, max_length=6)
    guess: tuple[str, float] | None = None
    said: tuple[Said, ...] = Field((), max_length=MAX_SAID)
    pictures: Pictures | None = None
    card: Card


@dataclass(frozen=True)
class Curve:
    """A line of a recipe: which metric it follows, or `over` which other one it is divided by."""

    label: str
    metric: str
    over: str = ""
    dashed: bool = False
    colour: int = 0

    def value(self, metrics: dict[str, float]) -> float | None:
        """The point that a snapshot's metrics give, or None."""
        value = metrics.get(self.metric)
        below = metrics.get(self.over, 0.0) if self.over else 1.0
        return None if value is None or not below or not math.isfinite(value / below) else value / below


@dataclass(frozen=True)
class Track:
    """One training of a recipe: its trainer, and the curves that follow it."""

    name: str
    build: Callable[[], Trainer]
    curves: tuple[Curve, ...]
    measure: Callable[[Any], tuple[dict[str, float], str]] | None = None
    """Asks a frozen copy: further metrics, and what it says."""


@dataclass(frozen=True)
class Recipe:
    """What is recorded.

    Attributes:
        title, value_title, share: as in `Recording`.
        tracks: trainings, one after the other.
        guess: name and value of what guessing gives; a text in place of the value names the last metric of that name.
        paint: whether the snapshots' `painted` are kept.
        pictures: makes the pictures that are painted, and what is hidden of them, from a trainer.
    """

    title: str
    value_title: str
    share: bool
    tracks: tuple[Track, ...]
    guess: tuple[str, float | str] | None = None
    pictures: Callable[[Any], tuple[np.ndarray, np.ndarray]] | None = None


@dataclass
class _Taken:
    """What is taken down of one training."""

    points: dict[str, list[tuple[float, int, float]]] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    painted: list[tuple[float, int, np.ndarray]] = field(default_factory=list)
    last: Snapshot | None = None


def record(name: str) -> Recording:
    """Train what the recipe of this name says, and take it down.

    Raises:
        CheckpointError: there is no such recipe.
    """
    import torch

    recipe = recipes().get(name)
    if recipe is None:
        raise CheckpointError(f"There is no recording {name!r}; choose from {', '.join(recipes())}.")
    lines: list[Line] = []
    said: list[Said] = []
    settings, seeds, seconds, steps = {}, set(), 0.0, 0
    pictures, metrics, method, unit = None, {}, "", ""
    for track in recipe.tracks:
        trainer = track.build()
        taken = _watch(trainer, track)
        assert taken.last is not None
        lines += [_line(curve, taken.points.get(curve.label, [])) for curve in track.curves]
        said += [taken.said[i] for i in _spread(len(taken.said), MAX_SAID)]
        if recipe.pictures is not None:
            pictures = _pictures(*recipe.pictures(trainer), taken.painted)
        settings[track.name] = trainer.config.model_dump()
        seeds.add(int(settings[track.name]["seed"]))
        seconds, steps = seconds + taken.last.seconds, steps + taken.last.step
        metrics, method, unit = taken.last.metrics, trainer.method, trainer.step_unit
    card = Card(
        made_by=f"{COMMAND} {name}",
        method=method if len(recipe.tracks) == 1 else ", ".join(settings),
        settings=settings,
        seed=min(seeds),
        seconds=round(seconds, 1),
        steps=steps,
        step_unit=unit,
        torch=torch.__version__,
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        machine=f"{_cores()} busy CPU cores",
    )
    guess = None
    if recipe.guess is not None:
        label, value = recipe.guess
        guess = (label, round(metrics[value] if isinstance(value, str) else value, 4))
    return Recording(
        name=name,
        title=recipe.title,
        value_title=recipe.value_title,
        share=recipe.share,
        lines=tuple(lines),
        guess=guess,
        said=tuple(said),
        pictures=pictures,
        card=card,
    )


def write(recording: Recording, folder: Path = FOLDER) -> Path:
    """Write a recording's file.

    Raises:
        CheckpointError: it is larger than what a page should be sent.
    """
    text = recording.model_dump_json(indent=None) + "\n"
    if len(text) > MAX_FILE_BYTES:
        raise CheckpointError(
            f"The recording {recording.name} has {len(text):,} bytes; {MAX_FILE_BYTES:,} are allowed."
        )

    def fill(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    return write_atomically(folder / f"{recording.name}.json", fill)


@lru_cache(maxsize=32)
def load(name: str, folder: Path = FOLDER) -> Recording:
    """Read a recording that this project made.

    Raises:
        CheckpointError: there is none of this name, or its file is missing or damaged.
    """
    if name not in NAMES:
        raise CheckpointError(f"There is no recording {name[:40]!r}; choose from {', '.join(NAMES)}.")
    path = folder / f"{name}.json"
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CheckpointError(f"{path.name} is too large to be what {COMMAND} writes; run that again.")
        return Recording.model_validate_json(path.read_bytes())
    except OSError:
        raise CheckpointError(f"{path.name} is missing; {COMMAND} {name} makes it.") from None
    except ValidationError:
        raise CheckpointError(f"{path.name} is damaged; {COMMAND} {name} makes it anew.") from None


def _watch(trainer: Trainer, track: Track) -> _Taken:
    """Train to the end and take down what changes."""
    taken, asked = _Taken(), -math.inf
    for snapshot in trainer.steps():
        taken.last = snapshot
        metrics = dict(snapshot.metrics)
        if track.measure is not None and (snapshot.done or snapshot.seconds - asked >= ASKED_SECONDS):
            asked = snapshot.seconds
            more, words = track.measure(trainer.freeze())
            metrics |= more
            if words and (not taken.said or taken.said[-1].text != words):
                taken.said.append(Said(seconds=round(snapshot.seconds, 2), text=words))
        for curve in track.curves:
            value = curve.value(metrics)
            points = taken.points.setdefault(curve.label, [])
            if value is not None and (snapshot.done or not points or value != points[-1][2]):
                points.append((snapshot.seconds, snapshot.step, value))
        painted = snapshot.arrays.get("painted")
        if painted is not None and (not taken.painted or painted is not taken.painted[-1][2]):
            taken.painted.append((snapshot.seconds, snapshot.step, painted))
    return taken


def _line(curve: Curve, points: Sequence[tuple[float, int, float]]) -> Line:
    kept = [points[i] for i in _spread(len(points), MAX_POINTS)]
    return Line(
        label=curve.label,
        seconds=tuple(round(seconds, 2) for seconds, _, _ in kept),
        steps=tuple(step for _, step, _ in kept),
        values=tuple(float(f"{value:.4g}") for _, _, value in kept),
        dashed=curve.dashed,
        colour=curve.colour,
    )


def _pictures(whole: np.ndarray, hidden: np.ndarray, painted: Sequence[tuple[float, int, np.ndarray]]) -> Pictures:
    """Pack the first few pictures.

    Args:
        whole: (K, S, S, 3) uint8.
        hidden: (K, S, S) bool, True where the net may not see.
        painted: seconds, step and (K, S, S, 3) uint8 of each frame; what the net may see is copied in.
    """
    whole, hidden = whole[:PICTURES], hidden[:PICTURES]
    seen = np.where(hidden[..., None], np.array(MASK_COLOUR, np.uint8), whole)
    frames = []
    for i in _spread(len(painted), FRAMES):
        seconds, step, pixels = painted[i]
        shown = np.where(hidden[..., None], pixels[:PICTURES], whole)
        frames.append(Frame(seconds=round(seconds, 2), steps=step, src=_sheet(shown, "WEBP")))
    return Pictures(count=len(whole), seen=_sheet(seen, "PNG"), whole=_sheet(whole, "PNG"), frames=tuple(frames))


def _sheet(pictures: np.ndarray, kind: Literal["PNG", "WEBP"]) -> str:
    """(K, S, S, 3) uint8 side by side as a data URL."""
    from PIL import Image

    buffer = io.BytesIO()
    options = {"quality": 90} if kind == "WEBP" else {"optimize": True}
    Image.fromarray(np.ascontiguousarray(np.concatenate(list(pictures), axis=1))).save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _spread(count: int, most: int) -> list[int]:
    """At most so many of `count` places, the last among them, denser at the start, where most changes."""
    if count <= most:
        return list(range(count))
    shares = np.linspace(0, 1, most) ** 1.6
    return sorted({round(share * (count - 1)) for share in shares})


def _cores() -> str:
    count = os.cpu_count() or 1
    return {1: "one", 2: "two", 4: "four", 8: "eight"}.get(count, str(count))


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
            (Track("mae", lambda: _method("mae", steps=150), (Curve("in training", "loss"),)),),
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


def _analogies(vectors: Any) -> tuple[dict[str, float], str]:
    """How many of the lecture's analogies are right, and what the first is answered."""
    from backends.analysis import analogies

    results = analogies.ask(vectors)
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


def make(names: Sequence[str], folder: Path = FOLDER) -> Iterator[Path]:
    """Record one after another, and write each when it is there."""
    for name in names or NAMES:
        yield write(record(name), folder)


def main(arguments: list[str] | None = None) -> int:
    """Record the named runs, or all; return the exit status (2: there is none of a name)."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Record runs for the lecture.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; none: all")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files go")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        print(f"There is no recording {unknown[0][:40]!r}; choose from {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    from backends.engine.threads import wait_politely

    wait_politely()
    for path in make(options.names, options.folder):
        print(f"{path.name}: {path.stat().st_size:,} bytes", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
