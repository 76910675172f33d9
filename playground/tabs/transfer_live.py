"""One run, live: the curves over the number of labels, their numbers, and what they say."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from backends.engine.config import MethodConfig
from backends.engine.trainer import Trainer
from backends.transfer.config import EPOCHS, SPEECHES, TASKS, TITLES, WAY_TITLES, TransferConfig
from playground.components import answers
from playground.components.plotly_view import pack, plotly_view
from playground.components.run_panel import TabRun, device_name
from playground.controls import Controls
from playground.figures.transfer import LabelCurve, label_chart
from playground.own_pictures import own_pictures
from playground.session import Run, Session, SessionStore
from playground.tabs.transfer_state import TAB, TABLE, own_runs

if TYPE_CHECKING:
    from backends.transfer.points import Curve, Point

WAITING = (
    "Press Train. Probes and neighbours appear within seconds; fine-tuning and training from scratch follow, draw "
    "after draw, because they train a net for every point."
)
EMPTY_TITLE = "How much is told right from how few labels: appears here while you train"
SPREAD_NOTE = "Bars and ±: standard deviation over the draws of labelled examples."
TRAINED_NOTE = (
    f"Trained nets take Steps batches, and more where each labelled example would come less than {EPOCHS} times on "
    "average. With 100 labels of shape 400 steps in place of 200 brought a net from scratch from 83 to 86 %, SimCLR "
    "fine-tuned from 93 to 95 %: neither is trained to its end, so their distance says more than their height."
)


@dataclass(frozen=True)
class Live:
    """The components of the live view."""

    chart: gr.HTML
    said: gr.HTML
    numbers: gr.HTML


def lay_out_live() -> Live:
    """Lay sentence, chart and numbers out where it is called."""
    said = answers.html_area(answers.sentence(WAITING), elem_id="transfer-said")
    chart = plotly_view(
        empty_chart(), label="Accuracy over the number of labels per class", height=400, elem_id="transfer-chart"
    )
    numbers = answers.html_area(elem_id="transfer-numbers")
    return Live(chart, said, numbers)


def run_of(store: SessionStore, live: Live, controls: Controls) -> TabRun:
    """The tab's run, for its panel."""
    return TabRun(
        tab=TAB,
        controls=controls,
        make_trainer=partial(make_trainer, store),
        views=[live.chart, live.said, live.numbers],
        draw=draw,
        first_views=first_views,
        describe=describe,
        pauses=(TABLE,),
    )


def make_trainer(store: SessionStore, session: Session, config: MethodConfig) -> Trainer:
    """Build the trainer of a visitor's settings, with their pictures and runs if they ask for them."""
    from backends.transfer.trainer import TransferTrainer

    assert isinstance(config, TransferConfig)
    return TransferTrainer(config, pictures=own_pictures(session), runs=own_runs(session), device=store.device)


def draw(session: Session, run: Run, everything: bool) -> list[Any]:
    """Chart, sentences and numbers; None each while no point is new."""
    points: Sequence[Point] = run.frozen
    if run.views.get("points") == len(points) and not everything:
        return [None, None, None]
    run.views["points"] = len(points)
    if not points:
        return [empty_chart_packed(), answers.sentence(WAITING), ""]
    from backends.transfer.points import curves
    from backends.transfer.verdict import verdict

    config = run.config
    assert isinstance(config, TransferConfig)
    found = curves(points)
    chart = pack(label_chart(lines_of(found, config), found[0].chance, config.counts, title=title_of(config)))
    said = f"{verdict(points)}" if run.done else f"So far: {verdict(points)}"
    return [chart, f'<p class="transfer-verdict">{html.escape(said)}</p>', numbers_html(found, config)]


def first_views(session: Session) -> list[Any]:
    """The views before any training: what will appear."""
    return [empty_chart_packed(), answers.sentence(WAITING), ""]


def empty_chart() -> dict[str, Any]:
    """The chart before training."""
    return label_chart([], 0.0, TransferConfig().counts, title=EMPTY_TITLE)


def empty_chart_packed() -> str:
    """The same as a view's value."""
    return pack(empty_chart())


def title_of(config: TransferConfig) -> str:
    """What the chart shows."""
    task = TASKS[config.data][config.factor]
    if config.data == SPEECHES:
        return f"{task}: told right on held-out passages"
    pictures = {"own": "your pictures"}.get(config.data, config.data)
    return f"{task} of {pictures}: told right on held-out pictures"


def name_of(curve: Curve) -> str:
    """A line's name: the encoder and the way."""
    if curve.way == "scratch":
        return "From scratch"
    return f"{TITLES[curve.encoder]}, {SHORT_WAYS[curve.way]}"


SHORT_WAYS = {"linear": "linear", "knn": "neighbours", "fine_tuning": "fine-tuned", "scratch": "from scratch"}


def lines_of(found: Sequence[Curve], config: TransferConfig) -> list[LabelCurve]:
    """The curves as lines of the chart."""
    return [
        LabelCurve(
            name_of(curve),
            curve.way,
            int(curve.encoder != config.encoder),
            curve.labels.tolist(),
            curve.mean.tolist(),
            curve.spread.tolist(),
        )
        for curve in found
    ]


def numbers_html(found: Sequence[Curve], config: TransferConfig) -> str:
    """A table: a row a curve, a column a number of labels, in percent; the best of a column is bold."""
    counts = config.counts
    best = {
        count: max(curve.at(count)[0] for curve in found if count in curve.labels)
        for count in counts
        if any(count in curve.labels for curve in found)
    }
    head = "".join(f'<th scope="col" class="num">{count}</th>' for count in counts)
    rows = ""
    for curve in found:
        cells = "".join(_cell(curve, count, best.get(count)) for count in counts)
        rows += f'<tr><th scope="row">{html.escape(row_name(curve))}</th>{cells}</tr>'
    draws = max(int(curve.draws.max()) for curve in found)
    caption = (
        f"Percent told right, by labels per class; {draws} of {config.seeds} draws; guessing {found[0].chance:.0%}"
    )
    notes = f'<p class="note">{SPREAD_NOTE}</p>'
    if any(curve.way in ("scratch", "fine_tuning") for curve in found):
        notes += f'<p class="note">{TRAINED_NOTE}</p>'
    return (
        f'<table class="transfer-numbers"><caption>{caption}</caption>'
        f'<thead><tr><th scope="col">Labels per class</th>{head}</tr></thead><tbody>{rows}</tbody></table>{notes}'
    )


def row_name(curve: Curve) -> str:
    """Of a row of the table."""
    if curve.way == "scratch":
        return f"{WAY_TITLES['scratch']} (net of {TITLES[curve.encoder]})"
    return name_of(curve)


def _cell(curve: Curve, count: int, best: float | None) -> str:
    if count not in curve.labels:
        return '<td class="num">–</td>'
    mean, spread = curve.at(count)
    number = f"{100 * mean:.0f}"
    if best is not None and round(100 * mean) == round(100 * best):
        number = f"<b>{number}</b>"
    around = "" if math.isnan(spread) else f" <small>± {100 * spread:.0f}</small>"
    return f'<td class="num">{number}{around}</td>'


def describe(run: Run) -> str:
    """How many points are measured, and the device."""
    trainer: Any = run.trainer
    return f"{len(run.frozen)} of {trainer.planned} points · {device_name(run.device)}"
