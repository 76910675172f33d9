"""What the parts of the Pretext tab share: which task is worked on, and which model answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.pretext.config import CONFIGS, TITLES, task_of
from playground.session import Session, worth_keeping

if TYPE_CHECKING:
    from backends.pretext.frozen import Frozen

TAB = "pretext"
LOADED = worth_keeping("pretext_loaded")
TASK = "pretext_task"
FIRST_TASK = "rotation"
PLACES = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")
"""Of a tile, in words, row by row."""


def chosen_task(session: Session) -> str:
    """The task that the visitor works on now."""
    task: str = session.uploads.get(TASK, FIRST_TASK)
    return task


def choose_task(session: Session, task: str) -> bool:
    """Let a task be worked on from now on; False: there is none of this name."""
    if task not in CONFIGS:
        return False
    session.uploads[TASK] = task
    return True


def model_of(session: Session) -> tuple[Frozen | None, str]:
    """The model of the chosen task that answers, and a line that says where it comes from; None where there is none."""
    return model_for(session, chosen_task(session))


def model_for(session: Session, task: str) -> tuple[Frozen | None, str]:
    """A task's model: the one that the visitor brought, else their own run's, else the one that this project ships."""
    from backends.engine.checkpoints import CheckpointError
    from backends.pretext import shipped

    loaded: tuple[Frozen, str] | None = session.uploads.get(LOADED)
    if loaded is not None and not session.is_driven(TAB) and task_of(loaded[0].config) == task:
        return loaded
    own = own_model(session, task)
    if own is not None:
        return own, f"Your own net answers, after {own.step:,} steps."
    try:
        return shipped.load(task), f"{shipped.origin(task)} Press Train to make your own."
    except CheckpointError:
        return None, f"There is no net for {TITLES[task]} yet: press Train."


def own_model(session: Session, task: str) -> Frozen | None:
    """The model of the visitor's run, if it is of this task."""
    run = session.runs.get(TAB)
    if run is None:
        return None
    frozen: Frozen = run.frozen
    return frozen if task_of(frozen.config) == task else None
