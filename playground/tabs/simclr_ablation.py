"""The ablation: leave out one augmentation at a time and see what each factor loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from backends.engine.config import MethodConfig
from backends.engine.trainer import Trainer
from backends.simclr.augment_config import AugmentConfig
from backends.simclr.config import SimCLRConfig
from playground.components import answers
from playground.components.plotly_view import pack, plotly_view
from playground.components.run_panel import RunPanel, TabRun, device_name
from playground.controls import Controls
from playground.figures.ablation import ablation_chart
from playground.own_pictures import own_pictures
from playground.probe_views import labels_of
from playground.session import Run, Session, SessionStore
from playground.tabs.simclr_state import ABLATION, EXPERIMENT, TAB

LABELS = {info.name: info.label for info in AugmentConfig.settings()}
INTRODUCTION = (
    "Short runs from the same start, one after the other: first with all augmentations that are on, then without each "
    "of them. A cell says how many points a factor's nearest neighbours gain or lose without it."
)


@dataclass(frozen=True)
class AblationPart:
    """The components of the ablation."""

    panel: RunPanel
    chart: gr.HTML
    line: gr.HTML


def lay_out_ablation(store: SessionStore) -> AblationPart:
    """Lay the ablation out where it is called."""
    with gr.Row(elem_classes=["ablation-row"]):
        with gr.Column(scale=0, min_width=280, elem_classes=["ablation-ask"]):
            answers.html_area(f"<p class='prose'>{INTRODUCTION}</p>")
            panel = RunPanel(store, "simclr-abl", "Run", pins=False)
            line = answers.html_area(elem_id="simclr-abl-line")
        with gr.Column(min_width=420):
            chart = plotly_view(
                label="What leaving out an augmentation changes", height=420, elem_id="simclr-abl-chart"
            )
    return AblationPart(panel, chart, line)


def wire_ablation(store: SessionStore, parts: AblationPart, controls: Controls) -> TabRun:
    """Wire the ablation; returns its run for the tab's restoring."""
    run = TabRun(
        tab=ABLATION,
        controls=controls,
        make_trainer=partial(make_trainer, store),
        views=[parts.chart, parts.line],
        draw=draw,
        first_views=first_views,
        describe=describe,
        pauses=(TAB, EXPERIMENT),
    )
    parts.panel.wire(run)
    return run


def make_trainer(store: SessionStore, session: Session, config: MethodConfig) -> Trainer:
    """Line the runs up for the tab's settings."""
    from backends.simclr.experiments import Ablation

    assert isinstance(config, SimCLRConfig)
    return Ablation(config, pictures=own_pictures(session), device=store.device)


def draw(session: Session, run: Run, everything: bool) -> list[Any]:
    """The chart of the finished runs, and what stands out."""
    shown = run.views.setdefault("shown", {})
    if shown.get("rows") is not run.frozen or everything:
        trainer: Any = run.trainer
        labels = labels_of(trainer.split.held_out)
        shown |= {"rows": run.frozen, "chart": pack(chart_of(run.frozen, labels, trainer.left_out))}
        shown["line"] = answers.sentence(conclusion(run.frozen, labels))
    return [shown["chart"], shown["line"]]


def first_views(session: Session) -> list[Any]:
    """An empty chart that says what will appear."""
    return [pack(ablation_chart([], [], [], title="Appears here, a row a run")), ""]


def chart_of(rows: Sequence[Any], labels: Mapping[str, str], left_out: Sequence[str]) -> dict[str, Any]:
    """The chart of the finished runs; those to come are rows without numbers."""
    changes = changes_of(rows)
    names = [f"without {label_of(name)}" for name in left_out]
    cells = [[changes.get(name, {}).get(f"knn_{factor}") for factor in labels] for name in left_out]
    title = "Points gained or lost by a factor's neighbours"
    return ablation_chart(names, list(labels.values()), cells, title=title)


def changes_of(rows: Sequence[Any]) -> dict[str, dict[str, float]]:
    """By left-out augmentation, each probe's change in points against the full run."""
    if not rows:
        return {}
    full, *others = rows
    return {
        row.left_out: {key: 100 * (value - full.scores[key]) for key, value in row.scores.items()} for row in others
    }


def conclusion(rows: Sequence[Any], labels: Mapping[str, str]) -> str:
    """The largest loss and the largest gain so far, in a sentence."""
    changes = [
        (points, name, factor)
        for name, scores in changes_of(rows).items()
        for factor, label in labels.items()
        if (points := scores.get(f"knn_{factor}")) is not None
    ]
    if not changes:
        return "The first run, with everything on, is what the others are measured against."
    worst, best = min(changes), max(changes)
    parts = []
    if worst[0] <= -1:
        parts.append(f"without {label_of(worst[1])}, {labels[worst[2]]} loses {-worst[0]:.0f} points")
    if best[0] >= 1:
        parts.append(f"without {label_of(best[1])}, {labels[best[2]]} gains {best[0]:.0f}")
    if not parts:
        return "No augmentation has made a difference of a point so far."
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}."


def label_of(name: str) -> str:
    """An augmentation's name in the middle of a sentence."""
    return LABELS[name].lower()


def describe(run: Run) -> str:
    """Which run it is, pace and device."""
    trainer: Any = run.trainer
    device = device_name(run.device)
    done, count = len(run.frozen), len(trainer.left_out) + 1
    if run.snapshot is None:
        return f"{count} runs · {device}"
    return f"run {min(done + 1, count)} of {count} · {run.snapshot.metrics['views_per_second']:,.0f} views/s · {device}"
