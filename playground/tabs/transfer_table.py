"""Which pretext suits which task? Frozen features of every encoder on every task, filled row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.engine.config import MethodConfig
from backends.engine.trainer import Trainer
from backends.transfer.config import TASKS, TITLES, UNTRAINED, WAY_TITLES
from backends.transfer.table_config import TableConfig
from playground import controls
from playground.components import answers
from playground.components.plotly_view import pack, plotly_view
from playground.components.run_panel import RunPanel, TabRun, device_name
from playground.controls import Controls
from playground.figures.teaches import teaches_chart
from playground.own_pictures import own_pictures
from playground.session import Run, Session, SessionStore
from playground.tabs.tab import QUICK
from playground.tabs.transfer_state import TAB, TABLE, own_runs

if TYPE_CHECKING:
    from backends.transfer.points import Point

INTRODUCTION = (
    "Every encoder that this project ships, and every run of yours, meets every task with the same few labels. Nothing "
    "but a probe is trained. Predict first: which row wins in which column?"
)
WAITING = "Press Run: the table fills row by row, and a sentence says of each task which pretext suits it."
EMPTY_TITLE = "Encoders against tasks: appears here"
KINDS = {"linear": WAY_TITLES["linear"], "knn": WAY_TITLES["knn"]}
FIRST_KIND = "linear"
KIND = "transfer_table_kind"
TOLD = ("clip", "clip-emoji", "own-clip")
"""Encoders that have read captions, which name some of what is asked."""


@dataclass(frozen=True)
class TablePart:
    """The components of this part."""

    controls: Controls
    kind: gr.Radio
    panel: RunPanel
    chart: gr.HTML
    findings: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `draw` makes values for."""
        return [self.chart, self.findings]


def lay_out_table(store: SessionStore) -> TablePart:
    """Lay this part out where it is called."""
    with gr.Row(elem_classes=["ablation-row"]):
        with gr.Column(scale=0, min_width=280, elem_classes=["ablation-ask", "transfer-table-ask"]):
            answers.html_area(f"<p class='prose'>{INTRODUCTION}</p>")
            widgets = controls.build_essential(TableConfig, "transfer-table")
            widgets |= controls.build_advanced(TableConfig, "transfer-table")
            kind = gr.Radio(
                [(title, name) for name, title in KINDS.items()],
                value=FIRST_KIND,
                show_label=False,
                container=False,
                elem_id="transfer-table-kind",
                elem_classes=["inline-radio"],
            )
            panel = RunPanel(store, "transfer-table", "Run")
        with gr.Column(min_width=420):
            chart = plotly_view(
                empty_chart(),
                label="What a probe tells with few labels, for every encoder and task",
                height=480,
                elem_id="transfer-table-chart",
            )
            findings = answers.html_area(answers.sentence(WAITING), elem_id="transfer-table-findings")
    return TablePart(controls.in_config_order(TableConfig, widgets), kind, panel, chart, findings)


def wire_table(store: SessionStore, part: TablePart) -> TabRun:
    """Wire panel and radio; returns the run for the tab's restoring."""
    run = TabRun(
        tab=TABLE,
        controls=part.controls,
        make_trainer=partial(make_trainer, store),
        views=part.views,
        draw=draw,
        first_views=first_views,
        describe=describe,
        pauses=(TAB,),
    )
    part.panel.wire(run)

    def on_kind(kind: str, request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        session.uploads[KIND] = kind if kind in KINDS else FIRST_KIND
        held = session.runs.get(TABLE)
        return first_views(session) if held is None else draw(session, held, True)

    part.kind.input(on_kind, part.kind, part.views, api_name="transfer_table_kind", trigger_mode="always_last", **QUICK)
    return run


def make_trainer(store: SessionStore, session: Session, config: MethodConfig) -> Trainer:
    """Line the encoders up, with the visitor's own pictures and runs."""
    from backends.transfer.table import TableTrainer

    assert isinstance(config, TableConfig)
    return TableTrainer(config, pictures=own_pictures(session), runs=own_runs(session), device=store.device)


def kind_of(session: Session) -> str:
    """Which probe is shown."""
    return str(session.uploads.get(KIND, FIRST_KIND))


def draw(session: Session, run: Run, everything: bool) -> list[Any]:
    """Chart and sentences; None each while no row is new."""
    trainer: Any = run.trainer
    points: Sequence[Point] = run.frozen
    rows = complete_rows(points, tuple(trainer.tasks), run.config.seeds)  # type: ignore[attr-defined]
    if run.views.get("rows") == rows and not everything:
        return [None, None]
    run.views["rows"] = rows
    if not rows:
        return first_views(session)
    kind = kind_of(session)
    shown = [point for point in points if point.encoder in rows and point.way == kind]
    return [pack(chart_of(shown, run.config, kind)), findings_html(shown, done=run.done)]


def first_views(session: Session) -> list[Any]:
    """An empty chart, and what will appear."""
    return [pack(empty_chart()), answers.sentence(WAITING)]


def empty_chart() -> dict[str, Any]:
    """The chart before the first row."""
    return teaches_chart([], [], np.zeros((0, 0)), [], reference=None, title=EMPTY_TITLE)


def complete_rows(points: Sequence[Point], tasks: Sequence[str], draws: int) -> list[str]:
    """Names of the encoders of which every task is measured with every draw, in the order of measuring."""
    counted: dict[str, int] = {}
    for point in points:
        counted[point.encoder] = counted.get(point.encoder, 0) + 1
    whole = len(tasks) * draws * len(KINDS)
    return [name for name, count in counted.items() if count == whole]


def chart_of(points: Sequence[Point], config: Any, kind: str) -> dict[str, Any]:
    """The table as cells: percent, and points above or below the untrained net."""
    from backends.transfer.points import curves

    found = curves(points)
    encoders = list(dict.fromkeys(curve.encoder for curve in found))
    tasks = list(dict.fromkeys(curve.factor for curve in found))
    values = np.zeros((len(encoders), len(tasks)))
    chance = dict.fromkeys(tasks, 0.0)
    for curve in found:
        values[encoders.index(curve.encoder), tasks.index(curve.factor)] = curve.mean[0]
        chance[curve.factor] = curve.chance
    labels = f"{config.labels} label{'' if config.labels == '1' else 's'} per class"
    return teaches_chart(
        [TITLES[name] for name in encoders],
        [TASKS[config.data][name] for name in tasks],
        values,
        list(chance.values()),
        reference=encoders.index(UNTRAINED) if UNTRAINED in encoders else None,
        title=f"{KINDS[kind]} with {labels}: percent told right; small: points above or below the untrained net",
    )


def findings_html(points: Sequence[Point], *, done: bool) -> str:
    """A sentence for each task: who leads, and by what."""
    return "".join(answers.sentence(text) for text in findings(points, done=done))


def findings(points: Sequence[Point], *, done: bool) -> list[str]:
    """The sentences of `findings_html`."""
    from backends.transfer.verdict import verdict

    said = [] if done else ["So far:"]
    for task in dict.fromkeys(point.factor for point in points):
        mine = [point for point in points if point.factor == task]
        told = verdict(mine)
        wordless = [point for point in mine if point.encoder not in TOLD]
        if TITLES["clip"] in told and 0 < len(wordless) < len(mine):
            told += f" Without captions: {verdict(wordless).partition(': ')[2]}"
        said.append(told)
    return said


def describe(run: Run) -> str:
    """How many rows there are, on what, and the device."""
    trainer: Any = run.trainer
    rows = complete_rows(run.frozen, tuple(trainer.tasks), trainer.config.seeds)
    told = f"{len(rows)} of {len(trainer.encoders)} encoders · {len(trainer.tasks)} tasks"
    return f"{told} · {device_name(trainer.device)}"
