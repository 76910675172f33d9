"""Which pretext suits which task? Frozen features of every encoder on every task, filled row by row."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.engine.config import MethodConfig
from backends.engine.trainer import Trainer
from backends.transfer.config import FROM_EMOJI, OWN_RUNS, PICTURE_TITLES, READ_CAPTIONS, TASKS, TITLES, WAY_TITLES
from backends.transfer.table_config import TableConfig
from playground import controls
from playground.components import answers
from playground.components.plotly_view import pack, plotly_view
from playground.components.run_panel import RunPanel, TabRun, device_name
from playground.controls import Controls
from playground.figures.transfer import task_table
from playground.own_pictures import own_pictures
from playground.session import Run, Session, SessionStore
from playground.tabs.tab import QUICK
from playground.tabs.transfer_state import TAB, TABLE, own_runs

if TYPE_CHECKING:
    from backends.transfer.points import Point

INTRODUCTION = (
    "Every encoder shipped here, and every run of yours, meets every task with the same few labels; only a probe is "
    "fitted. Predict first: which row wins in which column?"
)
WAITING = "Press Run: the table fills row by row, and a sentence says of each task which pretext suits it."
KINDS = {"linear": WAY_TITLES["linear"], "knn": WAY_TITLES["knn"]}
FIRST_KIND = "linear"
KIND = "transfer_table_kind"


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
    answers.html_area(f"<p class='prose'>{INTRODUCTION}</p>")
    with gr.Row(elem_classes=["transfer-table-ask"]):
        widgets = controls.build_essential(TableConfig, "transfer-table")
        widgets |= controls.build_advanced(TableConfig, "transfer-table")
    with gr.Row(elem_classes=["transfer-table-run"]):
        with gr.Column(min_width=300, elem_classes=["transfer-table-panel"]):
            panel = RunPanel(store, "transfer-table", "Run", pins=False)
        kind = gr.Radio(
            [(title, name) for name, title in KINDS.items()],
            value=FIRST_KIND,
            show_label=False,
            container=False,
            scale=0,
            min_width=340,
            elem_id="transfer-table-kind",
            elem_classes=["inline-radio"],
        )
    chart = plotly_view(
        empty_chart(),
        label="What a probe tells with few labels, for every encoder and task",
        height=430,
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
    """Chart and sentences; None each while no cell is new, no encoder is left out, and the run is not over."""
    points: Sequence[Point] = run.frozen
    trainer: Any = run.trainer
    shows = (len(points), len(trainer.encoders), run.done)
    if run.views.get("shows") == shows and not everything:
        return [None, None]
    run.views["shows"] = shows
    kind = kind_of(session)
    shown = [point for point in points if point.way == kind]
    chart = chart_of(shown, [encoder.name for encoder in trainer.encoders], list(trainer.tasks), run.config, kind)
    rows = complete_rows(points, list(trainer.tasks), trainer.config.seeds)
    whole = [point for point in shown if point.encoder in rows]
    return [pack(chart), findings_html(whole, done=run.done) if whole else answers.sentence(WAITING)]


def first_views(session: Session) -> list[Any]:
    """An empty chart, and what will appear."""
    return [pack(empty_chart()), answers.sentence(WAITING)]


def empty_chart() -> dict[str, Any]:
    """The chart before the first row: who competes, and in what."""
    rows = [name for name in PICTURE_TITLES if name not in (*OWN_RUNS, *FROM_EMOJI)]
    return chart_of([], rows, list(TASKS["apples"]), TableConfig(), FIRST_KIND)


def complete_rows(points: Sequence[Point], tasks: Sequence[str], draws: int) -> list[str]:
    """Names of the encoders of which every task is measured with every draw, in the order of measuring."""
    counted: dict[str, int] = {}
    for point in points:
        counted[point.encoder] = counted.get(point.encoder, 0) + 1
    whole = len(tasks) * draws * len(KINDS)
    return [name for name, count in counted.items() if count == whole]


def chart_of(
    points: Sequence[Point], encoders: Sequence[str], tasks: Sequence[str], config: Any, kind: str
) -> dict[str, Any]:
    """The table as cells: percent and spread; blank where nothing is measured yet."""
    mean, spread = (np.full((len(encoders), len(tasks)), np.nan) for _ in range(2))
    chance = dict.fromkeys(tasks, float("nan"))
    if points:
        from backends.transfer.points import curves

        for curve in curves(points):
            place = encoders.index(curve.encoder), tasks.index(curve.factor)
            mean[place], spread[place] = curve.mean[0], curve.spread[0]
            chance[curve.factor] = curve.chance
    labels = f"{config.labels} label{'' if config.labels == '1' else 's'} per class"
    return task_table(
        [TITLES[name] for name in encoders],
        [TASKS[config.data].get(name, name) for name in tasks],
        mean,
        spread,
        list(chance.values()),
        title=f"{KINDS[kind]}, {labels}: percent told right, ± standard deviation over the draws",
    )


def findings_html(points: Sequence[Point], *, done: bool) -> str:
    """A sentence for each task: who leads, and by what."""
    said = "" if done else answers.sentence("So far:")
    return said + "".join(
        f'<p class="answer"><b>{html.escape(task)}</b>: {html.escape(text)}</p>' for task, text in findings(points)
    )


def findings(points: Sequence[Point]) -> list[tuple[str, str]]:
    """Each task, and who leads there; where CLIP is named, also who leads of those that read no captions."""
    from backends.transfer.verdict import verdict

    said = []
    for factor in dict.fromkeys(point.factor for point in points):
        mine = [point for point in points if point.factor == factor]
        start, _, told = verdict(mine).partition(": ")
        wordless = [point for point in mine if point.encoder not in READ_CAPTIONS]
        if 0 < len(wordless) < len(mine) and any(TITLES[name] in told for name in READ_CAPTIONS):
            told += f" Without captions: {verdict(wordless).partition(': ')[2]}"
        said.append((start.partition(" with ")[0], told))
    return said


def describe(run: Run) -> str:
    """How many rows there are, on what, and the device."""
    trainer: Any = run.trainer
    rows = complete_rows(run.frozen, tuple(trainer.tasks), trainer.config.seeds)
    told = f"{len(rows)} of {len(trainer.encoders)} encoders · {len(trainer.tasks)} tasks"
    return f"{told} · {device_name(run.device)}"
