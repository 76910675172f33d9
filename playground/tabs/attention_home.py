"""Take home of "LSTM against transformer": the run as a notebook, and its curves as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import gradio as gr

from backends.attention.notebook import Standing, write_notebook
from backends.attention.recall_config import RecallConfig
from backends.engine.checkpoints import write_text
from playground.components import answers
from playground.components.downloads import download_button, wire_download
from playground.session import Run, Session, SessionStore

NO_RUN = "There is no run yet: press Train."
NOTEBOOK_NAME, CURVE_NAME = "recall.ipynb", "recall.csv"
CURVES = (
    "transformer_accuracy",
    "lstm_accuracy",
    "transformer_loss",
    "lstm_loss",
    "transformer_seconds",
    "lstm_seconds",
)

RunOf = Callable[[Session], Run | None]
Take = Callable[[Run | None, Path], tuple[Path | None, str]]


def take_notebook(run: Run | None, folder: Path) -> tuple[Path | None, str]:
    """Write the notebook that repeats the run as far as it is, with its numbers to compare; return what to say too."""
    frozen = run.frozen if run is not None else None  # once: a run that trains has another one the next moment
    if frozen is None or not frozen.step:
        return None, NO_RUN
    config = frozen.config
    assert isinstance(config, RecallConfig)
    scores = frozen.scores()
    standing = Standing(
        frozen.step,
        {net: accuracy for net, (accuracy, _) in scores.items()},
        {net: loss for net, (_, loss) in scores.items()},
    )
    path = write_notebook(config, folder / NOTEBOOK_NAME, standing)
    told = (
        f"{NOTEBOOK_NAME}: your run up to step {frozen.step:,}, seed {config.seed}. Its first cell says how to run it, "
    )
    return path, told + "its last compares the numbers."


def take_curve(run: Run | None, folder: Path) -> tuple[Path | None, str]:
    """Write a line for each point of the curves as CSV; return what to say too."""
    points = list(run.history) if run is not None else []
    if not points:
        return None, NO_RUN
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("step", "seconds", *CURVES))
    for point in points:
        writer.writerow((point.step, f"{point.seconds:.3f}", *(repr(point.metrics[name]) for name in CURVES)))
    path = write_text(folder / CURVE_NAME, text.getvalue())
    return path, f"{CURVE_NAME}: {len(points):,} points with accuracy, loss and seconds of both nets."


TAKES: tuple[tuple[str, Take, str], ...] = (
    ("Notebook (.ipynb)", take_notebook, "notebook"),
    ("Curves (.csv)", take_curve, "curve"),
)


def build_take_home(store: SessionStore, run_of: RunOf) -> None:
    """Lay out and wire the downloads.

    Args:
        store: the sessions.
        run_of: the visitor's run, if any.
    """
    answers.html_area("<span>Take home</span>", elem_classes=["preset-name"])
    with gr.Row(elem_classes=["actions"]):
        buttons = [
            (gr.Button(title, size="sm", elem_id=f"recall-home-{name}", min_width=120), take, name)
            for title, take, name in TAKES
        ]
    message = answers.html_area(elem_id="recall-home-note", elem_classes=["note-line"])
    file = download_button("recall-home-file")
    for button, take, name in buttons:

        def make(session: Session, folder: Path, chosen: Take = take) -> tuple[Path | None, str]:
            path, said = chosen(run_of(session), folder)
            return path, answers.problem(said) if path is None else answers.sentence(said)

        wire_download(store, button, make, file, message, f"attention_{name}")
