"""Runs of any tab that a visitor has pinned for the Compare tab: settings and curves, and no model.

They live in the session. What comes from a file is checked like everything that a stranger sends (`kept_files.py`).
"""

from __future__ import annotations

import itertools
import math
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from backends.engine.config import MethodConfig, SettingInfo
from playground.session import Run, Session, worth_keeping

MAX_KEPT = 12
"""Per visitor."""
MAX_POINTS = 400
MAX_NUMBERS = 20_000
"""Of all curves of one run together: a run with very many measures keeps fewer points of each."""
MAX_METRICS, MAX_SETTINGS = 128, 80
MAX_NAME, MAX_SHOWN = 48, 120
MOST = 1e15
KEPT = worth_keeping("kept_runs")
TITLES = {
    "word2vec": "Word2Vec",
    "recall": "Recall",
    "recall-sweep": "Distances",
    "language": "BERT, T5, GPT",
    "pretext": "Pretext",
    "simclr": "SimCLR",
    "simclr-colour": "Colour experiment",
    "simclr-ablation": "Ablation",
    "mae": "MAE",
    "mae-ratios": "Mask ratios",
    "clip": "CLIP",
    "transfer": "Transfer",
    "transfer-table": "Transfer, table",
}
"""What the page calls a trainer's method."""

KEY_PATTERN = r"^[A-Za-z0-9_.-]{1,60}$"
Key = Annotated[str, StringConstraints(pattern=KEY_PATTERN)]
Shown = Annotated[str, StringConstraints(max_length=MAX_SHOWN)]
Number = Annotated[float, Field(ge=-MOST, le=MOST)]


class KeptError(ValueError):
    """A run can't be kept, named or read. The message is one sentence that says what to do."""


class KeptSetting(BaseModel):
    """A setting in words: what it is called on the page, and its value."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    label: Shown
    value: Shown


class KeptRun(BaseModel):
    """What is kept of a run, on the page and in files.

    Attributes:
        name: given by the visitor, or made from what sets the run apart.
        method: the trainer's method, such as "simclr".
        step_unit: what the steps count.
        settings: by the names in the config.
        total: steps of the whole run.
        done: whether it was over.
        steps, seconds: of each point, growing.
        metrics: curves by name, a number or None at each point.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME)]
    method: Key
    step_unit: Key
    settings: Annotated[dict[Key, KeptSetting], Field(max_length=MAX_SETTINGS)]
    total: Annotated[int, Field(ge=0, le=int(MOST))]
    done: bool
    steps: Annotated[tuple[Annotated[int, Field(ge=0, le=int(MOST))], ...], Field(min_length=1, max_length=MAX_POINTS)]
    seconds: Annotated[tuple[Annotated[float, Field(ge=0, le=1e9)], ...], Field(max_length=MAX_POINTS)]
    metrics: Annotated[
        dict[Key, Annotated[tuple[Number | None, ...], Field(max_length=MAX_POINTS)]], Field(max_length=MAX_METRICS)
    ]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        points = len(self.steps)
        if len(self.seconds) != points or any(len(values) != points for values in self.metrics.values()):
            raise ValueError("steps, seconds and every metric need the same number of points")
        if points * len(self.metrics) > MAX_NUMBERS:
            raise ValueError(f"all metrics together may hold up to {MAX_NUMBERS:,} numbers")
        for grown in (self.steps, self.seconds):
            if any(later < earlier for earlier, later in itertools.pairwise(grown)):
                raise ValueError("steps and seconds must not go backwards")
        return self

    @property
    def title(self) -> str:
        """The method as the page calls it."""
        return TITLES.get(self.method, self.method)

    @property
    def final(self) -> dict[str, float]:
        """The newest number of each metric that has one."""
        known = {name: [v for v in values if v is not None] for name, values in self.metrics.items()}
        return {name: values[-1] for name, values in known.items() if values}


@dataclass(frozen=True)
class Kept:
    """A kept run in a session.

    Attributes:
        from_file: it was read from a file, not trained here.
        origin: id of the run it was made from and its step, or None.
        shown: whether it is drawn.
        id: unguessable, differs for each.
    """

    run: KeptRun
    from_file: bool = False
    origin: tuple[str, int] | None = None
    shown: bool = True
    id: str = field(default_factory=lambda: secrets.token_hex(4))


def kept_of(session: Session) -> list[Kept]:
    """What a visitor has pinned, oldest first."""
    kept: list[Kept] = session.uploads.setdefault(KEPT, [])
    return kept


def keep(session: Session, run: Run | None) -> Kept:
    """Pin a run as it is now.

    Raises:
        KeptError: there is no run, it has not trained, it is pinned already, or the list is full.
    """
    if run is None or run.snapshot is None or not run.history:
        raise KeptError("There is nothing to pin yet: press Train first.")
    kept, origin = kept_of(session), (run.id, run.snapshot.step)
    before = next((each for each in kept if each.origin == origin), None)
    if before is not None:
        raise KeptError(f"This run is pinned already, as “{before.run.name}”: train on, or change a setting.")
    if len(kept) >= MAX_KEPT:
        raise KeptError(f"{MAX_KEPT} runs are pinned, and no more fit: remove one in the tab Compare.")
    made = Kept(light(run, taken=[each.run.name for each in kept]), origin=origin)
    kept.append(made)
    return made


def light(run: Run, taken: Sequence[str] = ()) -> KeptRun:
    """Make what is kept of a run, with a name that is not among those taken."""
    history = list(run.history)
    newest = run.snapshot
    if newest is not None and history[-1] is not newest:
        history.append(newest)
    measured = dict.fromkeys(name for snapshot in history for name in snapshot.metrics)
    names = [name for name in measured if re.fullmatch(KEY_PATTERN, name)][:MAX_METRICS]
    history = thinned(history, min(MAX_POINTS, MAX_NUMBERS // max(1, len(names))))
    method = str(run.trainer.method)
    return KeptRun(
        name=unique_name(_first_name(method, run.config), taken),
        method=method,
        step_unit=run.trainer.step_unit,
        settings={info.name: _setting(info, run.config) for info in type(run.config).settings()},
        total=history[-1].total,
        done=history[-1].done,
        steps=tuple(snapshot.step for snapshot in history),
        seconds=tuple(snapshot.seconds for snapshot in history),
        metrics={name: tuple(_finite(snapshot.metrics.get(name)) for snapshot in history) for name in names},
    )


def thinned(points: Sequence[Any], most: int) -> list[Any]:
    """At most so many points, evenly spread, with the first and the last."""
    if len(points) <= most:
        return list(points)
    places = [round(i * (len(points) - 1) / (most - 1)) for i in range(most)]
    return [points[place] for place in places]


def distinction(config: MethodConfig) -> str:
    """What sets a run apart from the defaults, in a few words."""
    known = {info.name: info for info in type(config).settings()}
    changes = config.differences(type(config)())
    parts = [f"{known[name].label.lower()} {value_in_words(known[name], mine)}" for name, (mine, _) in changes.items()]
    return ", ".join(parts) if parts else "default settings"


def value_in_words(info: SettingInfo, value: Any) -> str:
    """A setting's value as the page shows it."""
    return info.choices[value] if info.choices and value in info.choices else f"{value}"


def _first_name(method: str, config: MethodConfig) -> str:
    title = TITLES.get(method, method)
    return title if config == type(config)() else f"{title}, {distinction(config)}"


def unique_name(name: str, taken: Iterable[str]) -> str:
    """A name cut to `MAX_NAME` that is not taken yet: "mae", "mae (2)", "mae (3)"."""
    clean = plain(name) or "A run"
    names = {each.casefold() for each in taken}
    if clean.casefold() not in names:
        return clean
    for number in range(2, len(names) + 3):
        ending = f" ({number})"
        candidate = clean[: MAX_NAME - len(ending)].rstrip() + ending
        if candidate.casefold() not in names:
            return candidate
    raise AssertionError("one of so many names is free")


def plain(name: str) -> str:
    """A name on one line, without control characters, at most `MAX_NAME` long."""
    text = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return text if len(text) <= MAX_NAME else text[: MAX_NAME - 1].rstrip() + "…"


def rename(session: Session, kept_id: str, name: str) -> Kept:
    """Give a kept run another name.

    Raises:
        KeptError: the name is empty, too long or taken, or the run is gone.
    """
    kept = kept_of(session)
    place = next((i for i, each in enumerate(kept) if each.id == kept_id), None)
    if place is None:
        raise KeptError("That run is not pinned any more: choose another.")
    if not plain(name):
        raise KeptError("The name is empty: type one.")
    if len(" ".join(name.split())) > MAX_NAME:
        raise KeptError(f"The name has {len(name)} characters: {MAX_NAME} fit.")
    if any(each.run.name.casefold() == plain(name).casefold() for i, each in enumerate(kept) if i != place):
        raise KeptError(f"“{plain(name)}” is another run’s name: choose one of its own.")
    kept[place] = replace(kept[place], run=kept[place].run.model_copy(update={"name": plain(name)}))
    return kept[place]


def remove(session: Session, kept_id: str) -> None:
    """Let a kept run go."""
    kept = kept_of(session)
    kept[:] = [each for each in kept if each.id != kept_id]


def toggle(session: Session, kept_id: str) -> None:
    """Draw a kept run, or leave it out."""
    kept = kept_of(session)
    kept[:] = [replace(each, shown=not each.shown) if each.id == kept_id else each for each in kept]


def add_from_file(session: Session, runs: Sequence[KeptRun]) -> tuple[int, int]:
    """Add runs that were read from a file, as far as they fit; returns how many were added and how many were left."""
    kept = kept_of(session)
    fitting = list(runs)[: max(0, MAX_KEPT - len(kept))]
    for run in fitting:
        name = unique_name(run.name, [each.run.name for each in kept])
        kept.append(Kept(run.model_copy(update={"name": name}), from_file=True))
    return len(fitting), len(runs) - len(fitting)


def _setting(info: SettingInfo, config: MethodConfig) -> KeptSetting:
    return KeptSetting(label=info.label[:MAX_SHOWN], value=value_in_words(info, getattr(config, info.name))[:MAX_SHOWN])


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) and abs(value) <= MOST else None
