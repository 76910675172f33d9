"""One run, live: the map of held-out pictures, the loss, what the probes say, whether the embedding collapses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from backends.engine.config import MethodConfig
from backends.engine.trainer import Snapshot, Trainer
from backends.simclr.config import SimCLRConfig
from playground import probe_views
from playground.components import answers
from playground.components.plotly_view import plotly_view
from playground.components.run_panel import TabRun, device_name
from playground.controls import Controls
from playground.own_pictures import own_pictures
from playground.picture_map import MapPart, PictureMap
from playground.pins import pins_of
from playground.session import Run, Session, SessionStore
from playground.tabs.simclr_state import ABLATION, EXPERIMENT, LOADED, TAB, model_of

if TYPE_CHECKING:
    from backends.simclr.trainer import FrozenModel

MAP = PictureMap(TAB, model_of)


@dataclass(frozen=True)
class Live:
    """The components of the live view."""

    map: MapPart
    loss: gr.HTML
    curves: gr.HTML
    side: gr.HTML
    origin: gr.HTML

    @property
    def answers(self) -> list[gr.components.Component]:
        """What `loaded_views` makes values for."""
        return [self.map.explorer.frame, self.side, self.map.neighbours, self.origin]


def lay_out_live() -> Live:
    """Lay the view out where it is called."""
    with gr.Row(elem_classes=["live-row"]):
        shown = MAP.lay_out()
        with gr.Column(min_width=290, elem_classes=["side-column"]):
            loss = plotly_view(label="Loss over the steps", height=128, elem_id="simclr-loss")
            knowledge = plotly_view(label="Neighbours' accuracy over the steps", height=128, elem_id="simclr-curves")
            side = answers.html_area(elem_id="simclr-knowledge")
    return Live(shown, loss, knowledge, side, MAP.lay_out_origin())


def run_of(store: SessionStore, parts: Live, controls: Controls) -> TabRun:
    """The tab's run, for its panel."""
    return TabRun(
        tab=TAB,
        controls=controls,
        make_trainer=partial(make_trainer, store),
        views=[parts.map.explorer.frame, parts.loss, parts.curves, parts.side, parts.map.neighbours],
        draw=partial(draw, store),
        first_views=first_views,
        describe=describe,
        pauses=(EXPERIMENT, ABLATION),
        rest=(MAP.rest(store), [parts.map.explorer.frame]),
    )


def wire_live(store: SessionStore, parts: Live) -> None:
    """Wire map, picked picture and own picture."""
    MAP.wire(store, parts.map, parts.origin)


def make_trainer(store: SessionStore, session: Session, config: MethodConfig) -> Trainer:
    """Build the trainer of a visitor's settings, with their pictures if they ask for them."""
    from backends.simclr.trainer import SimCLRTrainer

    assert isinstance(config, SimCLRConfig)
    return SimCLRTrainer(config, pictures=own_pictures(session), device=store.device)


def draw(store: SessionStore, session: Session, run: Run, everything: bool) -> list[Any]:
    """Values of the views for a run; `everything` draws also what has not changed.

    Curves take turns with the rest, which leaves cores to train; what has not changed is given again.
    """
    if session.is_driven(TAB):
        session.uploads.pop(LOADED, None)  # what is being trained is what is shown
    shown: dict[str, Any] = run.views.setdefault("shown", {"drawn": 0})
    if MAP.poll(store, session) or everything or "frame" not in shown:
        shown["frame"] = MAP.frame(session, with_history=everything)
    if run.snapshot is not shown.get("snapshot") or everything:
        shown |= {"snapshot": run.snapshot, "drawn": shown["drawn"] + 1}
        if everything or "loss" not in shown or shown["drawn"] % 2:
            shown |= {"loss": loss_figure(session, run), "side": side_html(run.frozen, run.snapshot)}
        probed = run.frozen.probed
        if everything or probed is not shown.get("probed"):
            curves, near = probe_views.knowledge_figure(run), MAP.neighbours_html(session)
            shown |= {"probed": probed, "curves": curves, "neighbours": near}
    return [shown[name] for name in ("frame", "loss", "curves", "side", "neighbours")]


def first_views(session: Session) -> list[Any]:
    """The views before any training: a shipped model's, or what will appear."""
    frame, side, neighbours, _ = loaded_views(session)
    return [frame, probe_views.empty_loss(), probe_views.empty_knowledge(), side, neighbours]


def loaded_views(session: Session) -> list[Any]:
    """The present model's map, what it knows, the asked picture's neighbours, and where the model comes from."""
    model, _ = model_of(session)
    frame = MAP.frame(session, with_history=True)
    return [frame, side_html(model, None), MAP.neighbours_html(session), MAP.origin_html(session)]


def side_html(model: FrozenModel | None, snapshot: Snapshot | None) -> str:
    """What the features know, and how the embedding is spread."""
    return probe_views.knowledge_html(model) + (spread_html(snapshot.metrics) if snapshot is not None else "")


def spread_html(metrics: Mapping[str, float]) -> str:
    """Alignment, uniformity, effective rank and spread, and collapse in words."""
    from backends.analysis.collapse import CollapseMeasures

    names = ("alignment", "uniformity", "effective_rank", "spread")
    alignment, uniformity, rank, spread = (metrics[name] for name in names)
    measures = CollapseMeasures(alignment, uniformity, rank, spread, int(metrics["dimensions"]))
    figures = (
        ("alignment", f"{measures.alignment:.2f}", "mean squared distance of two views of one picture; 0 is perfect"),
        ("uniformity", f"{measures.uniformity:.2f}", "how evenly all views fill the sphere; 0 is collapse, -4 even"),
        ("rank", f"{measures.effective_rank:.0f} of {measures.dimensions}", "effective rank: dimensions in use"),
        ("spread", f"{measures.spread:.2f}", "standard deviation of a coordinate; 0 is collapse, 1 an even spread"),
    )
    listed = "".join(
        f'<span title="{explained}"><small>{name}</small> <b class="num">{value}</b></span>'
        for name, value, explained in figures
    )
    return f'<div class="spread">{listed}</div>{collapse_html(measures.kind, measures.effective_rank)}'


def collapse_html(kind: str, rank: float) -> str:
    """Collapse in words, or nothing."""
    if kind == "complete":
        return answers.problem("Collapsed: all pictures get the same embedding, so the loss has nothing left to teach.")
    if kind == "dimensional":
        return answers.problem(f"Dimensional collapse: the embedding lives in about {rank:.0f} directions.")
    return ""


def loss_figure(session: Session, run: Run) -> str:
    """The loss so far, with the pinned run's behind it."""
    pinned = [pin for pin in pins_of(session, TAB) if pin.id == session.uploads.get("simclr_pinned")]
    return probe_views.loss_figure(run, pinned[0].history if pinned else None)


def describe(run: Run) -> str:
    """Pace and device in one line."""
    trainer: Any = run.trainer
    device = device_name(run.device)
    pictures = f"{len(trainer.split.train):,} pictures"
    if run.snapshot is None:
        return f"{pictures} · {device}"
    return f"{run.snapshot.metrics['views_per_second']:,.0f} views/s · {pictures} · {device}"
