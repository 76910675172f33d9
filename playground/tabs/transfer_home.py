"""Take home: the points of the run, and the run itself as a notebook."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from backends.engine.checkpoints import write_text
from backends.transfer.config import TransferConfig
from backends.transfer.notebook import write_notebook
from playground.components import answers
from playground.session import Run, Session, SessionStore
from playground.tabs.picture_home import folder_of
from playground.tabs.transfer_state import TAB, TABLE

INTRODUCTION = "The points of your run, of the table, or the run itself as a notebook."
NO_RUN = "There are no points yet: press Train."
NO_TABLE = "The table is empty: press Run under Which pretext suits which task?"
NOTEBOOK_NAME, TABLE_NAME = "transfer.ipynb", "transfer-table.csv"
_START = "() => { document.querySelector('#transfer-home-file')?.click(); }"

Take = Callable[[Session, Path], tuple[Path | None, str]]


def take_points(session: Session, folder: Path) -> tuple[Path | None, str]:
    """Write a line for each point of the run as CSV."""
    run = session.runs.get(TAB)
    if run is None or not run.frozen:
        return None, NO_RUN
    return _csv(run, folder / "transfer.csv")


def take_card(session: Session, folder: Path) -> tuple[Path | None, str]:
    """Write settings, encoders, verdict and points of the run as JSON."""
    run = session.runs.get(TAB)
    if run is None or not run.frozen:
        return None, NO_RUN
    trainer: Any = run.trainer
    path = next(path for path in trainer.save(folder) if path.suffix == ".json")
    return path, f"{len(run.frozen)} points with settings, encoders and what they say."


def take_table(session: Session, folder: Path) -> tuple[Path | None, str]:
    """Write a line for each point of the table as CSV."""
    run = session.runs.get(TABLE)
    if run is None or not run.frozen:
        return None, NO_TABLE
    return _csv(run, folder / TABLE_NAME)


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
    # Gradio's button downloads what it held before the click; so a plain one makes the file and presses this one.
    file = gr.DownloadButton("Download", visible="hidden", elem_id="transfer-home-file")
    for button, take, name in buttons:

        def on_click(request: gr.Request, chosen: Take = take) -> list[Any]:
            session = store.of(str(request.session_hash))
            path, said = chosen(session, folder_of(session, file.GRADIO_CACHE).path)
            return [None, answers.problem(said)] if path is None else [str(path), answers.sentence(said)]

        made = button.click(
            on_click,
            None,
            [file, message],
            api_name=f"transfer_{name}",
            show_progress="hidden",
            concurrency_limit=2,
            concurrency_id="take-home",
            trigger_mode="once",
        )
        made.then(None, None, None, js=_START)


def _csv(run: Run, path: Path) -> tuple[Path, str]:
    from backends.transfer.points import as_csv

    return write_text(
        path, as_csv(run.frozen)
    ), f"{len(run.frozen)} points: encoder, task, way, labels, draw, accuracy, chance."
