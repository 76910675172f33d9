"""Take home: the points of the run, and the run itself as a notebook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from backends.engine.checkpoints import write_text
from backends.transfer.config import TransferConfig
from backends.transfer.notebook import write_notebook
from playground.components import answers
from playground.components.downloads import download_button, wire_download
from playground.session import Session, SessionStore
from playground.tabs.transfer_state import TAB, TABLE

if TYPE_CHECKING:
    from backends.transfer.points import Point

INTRODUCTION = "The points of your run, of the table, or the run itself as a notebook."
NO_RUN = "There are no points yet: press Train."
NO_TABLE = "The table is empty: press Run under Which pretext suits which task?"
NOTEBOOK_NAME, TABLE_NAME = "transfer.ipynb", "transfer-table.csv"

Take = Callable[[Session, Path], tuple[Path | None, str]]


def take_points(session: Session, folder: Path) -> tuple[Path | None, str]:
    """Write a line for each point of the run as CSV."""
    from backends.transfer.trainer import CSV_NAME

    points = _points(session, TAB)
    return _csv(points, folder / CSV_NAME) if points else (None, NO_RUN)


def take_card(session: Session, folder: Path) -> tuple[Path | None, str]:
    """Write settings, encoders, verdict and points of the run as JSON."""
    run = session.runs.get(TAB)
    points = _points(session, TAB)
    if run is None or not points:
        return None, NO_RUN
    trainer: Any = run.trainer
    path = next(path for path in trainer.save(folder) if path.suffix == ".json")
    return path, f"{len(points)} points with settings, encoders and what they say."


def take_table(session: Session, folder: Path) -> tuple[Path | None, str]:
    """Write a line for each point of the table as CSV."""
    points = _points(session, TABLE)
    return _csv(points, folder / TABLE_NAME) if points else (None, NO_TABLE)


def take_notebook(session: Session, folder: Path) -> tuple[Path | None, str]:
    """Write the notebook that repeats the run, or before any run the default one."""
    run = session.runs.get(TAB)
    config = TransferConfig() if run is None else run.config
    assert isinstance(config, TransferConfig)
    told = "It repeats the default run, because there is none of yours yet." if run is None else "It repeats your run."
    return write_notebook(config, folder / NOTEBOOK_NAME), told


TAKES: tuple[tuple[str, Take, str], ...] = (
    ("Points (.csv)", take_points, "points"),
    ("Points and settings (.json)", take_card, "card"),
    ("Table (.csv)", take_table, "table"),
    ("Notebook", take_notebook, "notebook"),
)


def build_take_home(store: SessionStore) -> None:
    """Lay out and wire the downloads."""
    answers.html_area(answers.sentence(INTRODUCTION), elem_classes=["note-line"])
    with gr.Row(elem_classes=["actions"]):
        buttons = [
            (gr.Button(title, size="sm", elem_id=f"transfer-home-{name}", min_width=120), take, name)
            for title, take, name in TAKES
        ]
    message = answers.html_area(elem_id="transfer-home-note")
    file = download_button("transfer-home-file")
    for button, take, name in buttons:

        def make(session: Session, folder: Path, chosen: Take = take) -> tuple[Path | None, str]:
            path, said = chosen(session, folder)
            return path, answers.problem(said) if path is None else answers.sentence(said)

        wire_download(store, button, make, file, message, f"transfer_{name}")


def _points(session: Session, tab: str) -> Sequence[Point]:
    """What is measured by now, read once: a run that trains has more the next moment."""
    run = session.runs.get(tab)
    return () if run is None else run.frozen


def _csv(points: Sequence[Point], path: Path) -> tuple[Path, str]:
    from backends.transfer.points import as_csv

    told = f"{len(points)} points: encoder, task, way, labels, draw, accuracy, chance."
    return write_text(path, as_csv(points)), told
