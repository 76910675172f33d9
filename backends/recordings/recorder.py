"""Trains what a recipe says and takes it down."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

import numpy as np

from backends.engine.checkpoints import CheckpointError
from backends.engine.device import available_cores
from backends.engine.trainer import Snapshot, Trainer
from backends.recordings import sheets
from backends.recordings.recipes import COMMAND, Curve, Track, recipes
from backends.recordings.recording import MAX_SAID, Card, Line, Recording, Said

POINTS = 24
"""Of a curve, fewer where a training has fewer slices. Each is a whole test on what is held out, which the clock of the
training leaves out."""
EARLY = 1.6
"""Points are denser at the start, where most changes: their places are even ones of the run to this power."""


@dataclass
class _Taken:
    """What is taken down of one training: points of each curve by its label as (seconds, step, value), and so on."""

    last: Snapshot
    points: dict[str, list[tuple[float, int, float]]] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    painted: list[sheets.Painted] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)


def record(name: str) -> Recording:
    """Train what the recipe of this name says, and take it down.

    Raises:
        CheckpointError: there is no such recipe.
        ValidationError: what came of it is no recording, as a curve of too few points.
    """
    import torch

    recipe = recipes().get(name)
    if recipe is None:
        raise CheckpointError(f"There is no recording {name!r}; choose from {', '.join(recipes())}.")
    machine = _machine()
    trainers = {track.name: track.build() for track in recipe.tracks}
    takes = {track.name: _watch(trainers[track.name], track) for track in recipe.tracks}
    settings = {track: trainer.config.model_dump() for track, trainer in trainers.items()}
    (unit,) = {trainer.step_unit for trainer in trainers.values()}
    (seed,) = {int(values["seed"]) for values in settings.values()}
    newest = takes[recipe.tracks[-1].name]
    pictures = None
    if recipe.pictures is not None:
        pictures = sheets.pack(*recipe.pictures(trainers[recipe.tracks[-1].name]), newest.painted)
    card = Card(
        made_by=f"{COMMAND} {name}",
        method=", ".join(trainer.method for trainer in trainers.values()),
        settings=settings,
        seed=seed,
        seconds=round(sum(taken.last.seconds for taken in takes.values()), 1),
        steps=sum(taken.last.step for taken in takes.values()),
        step_unit=unit,
        torch=torch.__version__,
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        machine=machine,
    )
    guess = None
    if recipe.guess is not None:
        label, value = recipe.guess
        guess = (label, round(newest.metrics[value] if isinstance(value, str) else value, 4))
    return Recording(
        name=name,
        title=recipe.title,
        value_title=recipe.value_title,
        share=recipe.share,
        lines=tuple(
            _line(curve, takes[track.name].points[curve.label]) for track in recipe.tracks for curve in track.curves
        ),
        guess=guess,
        said=tuple(said for taken in takes.values() for said in taken.said)[:MAX_SAID],
        pictures=pictures,
        card=card,
    )


def _watch(trainer: Trainer, track: Track) -> _Taken:
    """Train to the end, and measure now and then."""
    taken = None
    due = [*np.linspace(0, 1, POINTS) ** EARLY]
    for snapshot in trainer.steps():
        taken = taken or _Taken(snapshot)
        taken.last = snapshot
        painted = snapshot.arrays.get("painted")
        if painted is not None and (not taken.painted or painted is not taken.painted[-1][2]):
            taken.painted.append((snapshot.seconds, snapshot.step, painted))
        if snapshot.done or snapshot.step >= due[0] * snapshot.total:
            while len(due) > 1 and snapshot.step >= due[0] * snapshot.total:
                del due[0]
            _measure(trainer, track, taken)
    assert taken is not None
    return taken


def _measure(trainer: Trainer, track: Track, taken: _Taken) -> None:
    """Add a point to each curve, and what is said if it is new."""
    taken.metrics, words = track.measure(trainer)
    now = round(taken.last.seconds, 2)
    for curve in track.curves:
        value = curve.value(taken.metrics)
        if value is not None:
            taken.points.setdefault(curve.label, []).append((now, taken.last.step, value))
    if words and (not taken.said or taken.said[-1].text != words):
        taken.said.append(Said(seconds=now, text=words))


def _line(curve: Curve, points: list[tuple[float, int, float]]) -> Line:
    seconds, steps, values = zip(*points, strict=True)
    return Line(
        label=curve.label,
        seconds=seconds,
        steps=steps,
        values=tuple(float(f"{value:.4g}") for value in values),
        dashed=curve.dashed,
        colour=curve.colour,
    )


def _machine() -> str:
    """What a reader of the times has to know of the machine: its cores, and how busy others keep them."""
    cores = available_cores()
    told = f"{cores} CPU core{'' if cores == 1 else 's'}"
    if not hasattr(os, "getloadavg"):  # Windows
        return told
    return f"{told}, load {os.getloadavg()[0]:.1f} before"
