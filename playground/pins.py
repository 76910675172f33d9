"""Runs that a visitor has pinned, to be compared with what is trained next."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backends.engine.config import MethodConfig
from backends.engine.trainer import Snapshot
from playground.kept_runs import KeptError, keep, value_in_words
from playground.session import Run, Session, worth_keeping

MAX_PINS = 4
"""Per visitor: each holds a frozen copy of what its run had learned."""


@dataclass(frozen=True)
class Pin:
    """A run as it was when it was pinned.

    Attributes:
        id: unguessable, differs for every pin.
        tab: the tab it belongs to.
        config: its settings.
        frozen: what it had learned.
        history: its curve.
        snapshot: where it stood, or None before its first step.
        points: (n, 2 or 3) its map, or None.
        map_note: how that map was laid out.
    """

    tab: str
    config: MethodConfig
    frozen: Any
    history: list[Snapshot]
    snapshot: Snapshot | None
    points: np.ndarray | None
    map_note: str
    id: str = field(default_factory=lambda: secrets.token_hex(4))


class PinError(ValueError):
    """A run can't be pinned. The message is one sentence that says what to do."""


def pins_of(session: Session, tab: str) -> list[Pin]:
    """The pins of a tab, oldest first."""
    pins: list[Pin] = session.uploads.setdefault(worth_keeping(f"{tab}_pins"), [])
    return pins


def pin_run(session: Session, tab: str, run: Run | None, points: np.ndarray | None, map_note: str) -> Pin:
    """Pin a run, for the tab Compare too; beyond `MAX_PINS` the tab's oldest pin goes.

    Raises:
        PinError: there is no run, or it has not trained yet.
    """
    if run is None or run.snapshot is None:
        raise PinError("There is nothing to pin yet: press Train first.")
    pin = Pin(tab, run.config, run.frozen, list(run.history), run.snapshot, points, map_note)
    pins = pins_of(session, tab)
    pins.append(pin)
    del pins[:-MAX_PINS]
    with contextlib.suppress(KeptError):  # pinned there already, or no place is left: this tab's own pin is enough
        keep(session, run)
    return pin


def settings_line(one: MethodConfig, other: MethodConfig) -> str:
    """In which settings two runs differ, in one line: "Window: 2 against 10"."""
    known = {info.name: info for info in type(one).settings()}
    parts = [
        f"{known[name].label}: {value_in_words(known[name], mine)} against {value_in_words(known[name], theirs)}"
        for name, (mine, theirs) in one.differences(other).items()
    ]
    return " · ".join(parts) if parts else "the same settings"
