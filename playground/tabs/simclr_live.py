"""One run, live: the map of held-out pictures, the loss, what the probes say, whether the embedding collapses."""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.analysis.map_config import MapConfig
from backends.analysis.picture_vectors import PictureVectors
from backends.data.pictures import PictureError
from backends.engine.config import MethodConfig
from backends.engine.trainer import Snapshot, Trainer
from backends.simclr.config import SimCLRConfig
from playground.components import answers
from playground.components.embedding_explorer import Explorer, embedding_explorer
from playground.components.plotly_view import pack, plotly_view
from playground.components.run_panel import TabRun, device_name
from playground.components.sprites import data_url
from playground.controls import Controls
from playground.figures import curves, style
from playground.figures.knowledge import knowledge_table
from playground.live_map import (
    Source,
    changed_map,
    guests_of,
    map_of,
    packed_frame,
    packed_items,
    packed_marks,
    picked_index,
)
from playground.pins import pins_of
from playground.session import Run, Session, SessionStore
from playground.tabs.simclr_state import (
    ABLATION,
    ASKED,
    EXPERIMENT,
    GUEST,
    LOADED,
    MAP,
    TAB,
    labels_of,
    model_of,
    own_pictures,
    sprite_of_map,
    swatches_of,
)
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.simclr.trainer import FrozenModel

NEIGHBOURS_SHOWN = 7
NEIGHBOUR_SIDE = 64
GUEST_SIDE = 64
FIRST_MAP = MapConfig(points=500)
SETTLING_PAUSE_SECONDS = 0.1
AT_REST: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "multiple", "concurrency_limit": 64}
"""Maps on their way to rest are drawn a frame at a time and wait for nothing."""
CURVE_COLOURS = (style.ACCENT, style.HIGHLIGHT)


@dataclass(frozen=True)
class Live:
    """The components of the live view."""

    map: Explorer
    loss: gr.HTML
    curves: gr.HTML
    side: gr.HTML
    neighbours: gr.HTML
    own: gr.UploadButton
    forget: gr.Button
    origin: gr.HTML


def lay_out_live() -> Live:
    """Lay the view out where it is called."""
    with gr.Row(elem_classes=["live-row"]):
        with gr.Column(min_width=340, elem_classes=["map-column"]):
            picture_map = embedding_explorer(
                label="Map of held-out pictures by their features", height=380, elem_id="simclr-map"
            )
            neighbours = answers.html_area(elem_id="simclr-neighbours")
            with gr.Row(elem_classes=["actions"]):
                own = gr.UploadButton(
                    "Place a picture of your own",
                    size="sm",
                    file_types=["image"],
                    file_count="single",
                    elem_id="simclr-guest",
                    min_width=170,
                )
                forget = gr.Button("Remove it", size="sm", visible=False, elem_id="simclr-forget", min_width=80)
        with gr.Column(min_width=290, elem_classes=["side-column"]):
            loss = plotly_view(label="Loss over the steps", height=128, elem_id="simclr-loss")
            knowledge = plotly_view(label="Neighbours' accuracy over the steps", height=128, elem_id="simclr-curves")
            side = answers.html_area(elem_id="simclr-knowledge")
    origin = answers.html_area(elem_id="simclr-origin", elem_classes=["note-line"])
    return Live(picture_map, loss, knowledge, side, neighbours, own, forget, origin)


def run_of(store: SessionStore, parts: Live, controls: Controls) -> TabRun:
    """The tab's run, for its panel."""

    async def rest(request: gr.Request) -> AsyncIterator[str]:
        async for frame in frames_at_rest(store, store.of(str(request.session_hash))):
            yield frame

    return TabRun(
        tab=TAB,
        controls=controls,
        make_trainer=partial(make_trainer, store),
        views=[parts.map.frame, parts.loss, parts.curves, parts.side, parts.neighbours],
        draw=partial(draw, store),
        first_views=first_views,
        describe=describe,
        pauses=(EXPERIMENT, ABLATION),
        rest=(rest, [parts.map.frame]),
    )


def wire_live(store: SessionStore, parts: Live) -> None:
    """Wire map, picked picture and own picture."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_pick(event: gr.EventData, request: gr.Request) -> tuple[Any, Any]:
        session = session_of(request)
        index = picked_picture(session, event._data)
        if index is None:
            return gr.skip(), gr.skip()
        session.uploads[ASKED] = index
        return map_marks(session), neighbours_html(session)

    async def on_layout(event: gr.EventData, request: gr.Request) -> AsyncIterator[Any]:
        session = session_of(request)
        session.uploads[MAP] = changed_map(map_config(session), event._data)
        yield map_frame(session)
        async for frame in frames_at_rest(store, session):
            yield frame

    async def on_seen(request: gr.Request) -> AsyncIterator[str]:
        async for frame in frames_at_rest(store, session_of(request), reopened=True):
            yield frame

    def on_items(request: gr.Request) -> tuple[Any, str]:
        session = session_of(request)
        return map_items(session), origin_html(session)

    def on_guest(path: str | None, request: gr.Request) -> list[Any]:
        session = session_of(request)
        problem = take_guest(session, path)
        if problem:
            return [gr.skip(), problem, gr.skip()]
        return [map_frame(session), neighbours_html(session), gr.update(visible=True)]

    def on_forget(request: gr.Request) -> list[Any]:
        session = session_of(request)
        session.uploads.pop(GUEST, None)
        return [map_frame(session), neighbours_html(session), gr.update(visible=False)]

    parts.map.frame.pick(on_pick, None, [parts.map.marks, parts.neighbours], api_name=False, **QUICK)
    parts.map.frame.layout(on_layout, None, parts.map.frame, api_name=False, **AT_REST)
    seen = parts.map.frame.items(on_items, None, [parts.map.items, parts.origin], api_name=False, **QUICK)
    seen.then(on_seen, None, parts.map.frame, api_name=False, **AT_REST)
    guest = [parts.map.frame, parts.neighbours, parts.forget]
    parts.own.upload(on_guest, parts.own, guest, api_name="simclr_place_picture", **QUICK)
    parts.forget.click(on_forget, None, guest, api_name=False, **QUICK)


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
    source = map_source(session)
    fresh = False
    if source is not None:
        fresh, _ = map_of(source, map_config(session)).poll(store, source)
    shown: dict[str, Any] = run.views.setdefault("shown", {"drawn": 0})
    if fresh or everything or "frame" not in shown:
        shown["frame"] = map_frame(session, with_history=everything)
    if run.snapshot is not shown.get("snapshot") or everything:
        shown |= {"snapshot": run.snapshot, "drawn": shown["drawn"] + 1}
        if everything or "loss" not in shown or shown["drawn"] % 2:
            shown |= {"loss": loss_figure(session, run), "side": side_html(run.frozen, run.snapshot)}
        probed = run.frozen.probed
        if everything or probed is not shown.get("probed"):
            shown |= {"probed": probed, "curves": knowledge_figure(run), "neighbours": neighbours_html(session)}
    return [shown[name] for name in ("frame", "loss", "curves", "side", "neighbours")]


def first_views(session: Session) -> list[Any]:
    """The views before any training: a shipped model's, or what will appear."""
    side, neighbours, _ = answers_of(session)
    return [map_frame(session, with_history=True), empty_loss(), empty_knowledge(), side, neighbours]


def answers_of(session: Session) -> list[str]:
    """What the present model knows, the asked picture's neighbours, and where the model comes from."""
    model, _ = model_of(session)
    waiting = answers.sentence("Press Train: what the features know appears here.")
    return [waiting if model is None else side_html(model, None), neighbours_html(session), origin_html(session)]


def map_config(session: Session) -> MapConfig:
    """The visitor's settings of the map; at first coloured by the first factor."""
    kept: MapConfig | None = session.uploads.get(MAP)
    if kept is not None:
        return kept
    model, _ = model_of(session)
    first = next(iter(model.map_pictures.factors), None) if model is not None else None
    return FIRST_MAP.with_changes(colour=f"factor:{first}") if first else FIRST_MAP


def map_source(session: Session) -> Source[PictureVectors] | None:
    """The features that the map shows, or None where there are none."""
    model, _ = model_of(session)
    if model is None or not len(model.probed.features):
        return None
    run = session.runs.get(TAB)
    own = run is not None and run.frozen is model
    views = run.views if own and run is not None else session.uploads.setdefault("simclr_other_map", {})
    if views.get("probed_of") is not model.probed:
        pictures = model.map_pictures
        vectors = PictureVectors(model.probed.features, pictures.names, pictures.factors)
        views |= {"probed_of": model.probed, "vectors": vectors}
        if not own:
            views.pop("map", None)
    vectors = views["vectors"]
    return Source(
        run.id if own and run is not None else f"model-{id(model.probed):x}",
        vectors,
        model.probed.step if own else 1,
        f"{model.probed.step:,} steps",
        not session.is_driven(TAB),
        views,
        lambda n: f"{n:,} held-out pictures",
        factors=vectors.factors,
    )


def map_frame(session: Session, *, with_history: bool = False) -> Any:
    """The map as it is now, with the asked picture, its neighbours and the visitor's own picture."""
    source = map_source(session)
    if source is None:
        return None
    view = map_of(source, map_config(session))
    asked, near = asked_and_near(session, source)
    guests = []
    brought = session.uploads.get(GUEST)
    model, _ = model_of(session)
    if brought is not None and model is not None:
        vector = embed_one(model, brought)
        guests = guests_of(source, view, vector[None], ["your picture"], [data_url(brought)])
        asked, near = None, []
    return packed_frame(source, view, asked, near, with_history=with_history, guests=guests)


def map_marks(session: Session) -> Any:
    """The asked picture and its neighbours, for the map that the page shows."""
    source = map_source(session)
    if source is None:
        return gr.skip()
    return packed_marks(source, map_of(source, map_config(session)), *asked_and_near(session, source))


def map_items(session: Session) -> Any:
    """Pictures, names and factors of the map's points."""
    source, (model, _) = map_source(session), model_of(session)
    if source is None or model is None:
        return gr.skip()
    pictures = model.map_pictures
    view = map_of(source, map_config(session))
    return packed_items(source, view, noun="picture", sprite=sprite_of_map(pictures), swatches=swatches_of(pictures))


def asked_and_near(session: Session, source: Source[PictureVectors]) -> tuple[int | None, list[int]]:
    """The picture that was clicked last and its nearest neighbours."""
    asked = session.uploads.get(ASKED, 0)
    if asked >= len(source.vectors):
        return None, []
    return asked, [index for index, _ in source.vectors.nearest(asked, NEIGHBOURS_SHOWN)]


def picked_picture(session: Session, data: Any) -> int | None:
    """The picture behind a point that was clicked, if page and server speak of the same map."""
    source = map_source(session)
    return None if source is None else picked_index(source, map_of(source, map_config(session)), data)


def take_guest(session: Session, path: str | None) -> str:
    """Keep a visitor's picture for the map; returns a problem, or nothing."""
    from backends.data.own_pictures import read_picture

    if not path:
        return answers.problem("No picture arrived: choose a JPEG, PNG, WebP or GIF file.")
    try:
        session.uploads[GUEST] = read_picture(Path(path), GUEST_SIDE)
    except PictureError as error:
        return answers.problem(str(error))
    finally:
        Path(path).unlink(missing_ok=True)
    return ""


def embed_one(model: FrozenModel, picture: np.ndarray) -> np.ndarray:
    """(D,) features of one (S, S, 3) picture of any size."""
    from backends.data.pictures import resize

    return model.embed(resize(picture[None], int(model.config.image_size)))[0]


def neighbours_html(session: Session) -> str:
    """The asked picture (or the visitor's own) and the held-out pictures whose features are most like its."""
    source, (model, _) = map_source(session), model_of(session)
    if source is None or model is None:
        return answers.sentence(
            "After the first steps a map of held-out pictures appears; click one for its neighbours."
        )
    pictures = model.map_pictures
    brought = session.uploads.get(GUEST)
    if brought is not None:
        found = source.vectors.nearest_to(embed_one(model, brought), NEIGHBOURS_SHOWN)
        asked_name, asked_src = "your picture", data_url(brought)
    else:
        asked, _ = asked_and_near(session, source)
        if asked is None:
            return answers.sentence("Click a picture on the map for its neighbours.")
        found = source.vectors.nearest(asked, NEIGHBOURS_SHOWN)
        asked_name, asked_src = pictures.names[asked], data_url(pictures.at_size([asked], NEIGHBOUR_SIDE)[0])
    images = pictures.at_size([index for index, _ in found], NEIGHBOUR_SIDE)
    near = "".join(
        f'<figure title="{html.escape(pictures.names[index], quote=True)}">'
        f'<img src="{data_url(image)}" alt="{html.escape(pictures.names[index], quote=True)}">'
        f'<figcaption class="num">{cosine:.2f}</figcaption></figure>'
        for (index, cosine), image in zip(found, images, strict=True)
    )
    name = html.escape(asked_name, quote=True)
    return (
        f'<div class="picture-neighbours"><figure class="asked" title="{name}">'
        f'<img src="{asked_src}" alt="{name}"><figcaption>nearest:</figcaption></figure>{near}</div>'
    )


def side_html(model: FrozenModel, snapshot: Snapshot | None) -> str:
    """What the features know, and how the embedding is spread."""
    if not model.probed.scores:
        table = answers.sentence("These pictures have one class only, so there is nothing to probe.")
    else:
        table = knowledge_table(
            model.probed.scores,
            model.untrained.scores,
            model.pixels,
            labels_of(model.split.held_out),
            f"What the features know, {model.probed.step:,} steps",
        )
    return table + (spread_html(snapshot.metrics) if snapshot is not None else "")


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
    total = run.snapshot.total if run.snapshot else 1
    pins = [pin for pin in pins_of(session, TAB) if pin.id == session.uploads.get("simclr_pinned")]
    figure = curves.metric_curve(
        *loss_points(run.history),
        total,
        title="Loss" + (" (dotted: pinned)" if pins else ""),
        step_title="steps",
        value_title="",
        pinned=loss_points(pins[0].history) if pins else None,
    )
    return pack(figure)


def loss_points(history: list[Snapshot]) -> tuple[list[float], list[float]]:
    """Steps, and the loss there."""
    return [float(snapshot.step) for snapshot in history], [snapshot.metrics["loss"] for snapshot in history]


def empty_loss() -> str:
    """The loss chart before training."""
    title = "Loss: appears here while you train"
    return pack(curves.metric_curve([], [], 1.0, title=title, step_title="steps", value_title=""))


def knowledge_figure(run: Run) -> str:
    """The first two factors' neighbour accuracy over the steps."""
    labels = labels_of(run.frozen.split.held_out)
    lines = []
    for factor, colour in zip(list(labels)[:2], CURVE_COLOURS, strict=False):
        points = [(s.step, s.metrics[f"knn_{factor}"]) for s in run.history if f"knn_{factor}" in s.metrics]
        lines.append((labels[factor], [p[0] for p in points], [p[1] for p in points], colour, "solid"))
    total = run.snapshot.total if run.snapshot else 1
    title = "Held-out pictures whose neighbours agree"
    return pack(curves.named_curves(lines, total, title=title, step_title="steps", share=True))


def empty_knowledge() -> str:
    """The chart of the probes before training."""
    title = "Probes: appear here while you train"
    return pack(curves.named_curves([], 1.0, title=title, step_title="steps", share=True))


def origin_html(session: Session) -> str:
    """Where the answers come from."""
    return answers.sentence(model_of(session)[1])


def describe(run: Run) -> str:
    """Pace and device in one line."""
    trainer: Any = run.trainer
    device = device_name(trainer.device)
    pictures = f"{len(trainer.split.train):,} pictures"
    if run.snapshot is None:
        return f"{pictures} · {device}"
    return f"{run.snapshot.metrics['views_per_second']:,.0f} views/s · {pictures} · {device}"


async def frames_at_rest(store: SessionStore, session: Session, *, reopened: bool = False) -> AsyncIterator[Any]:
    """The map while it comes to rest; ends when it does, when a training draws it, or when the page is gone.

    On a page that was opened just now the last frame brings the history once more: the first may have come too early.
    """
    mine = session.uploads["simclr_map_driver"] = object()
    more = True
    while more and session.uploads.get("simclr_map_driver") is mine and session.left is None:
        source = map_source(session)
        if source is None or session.is_driven(TAB):
            return
        fresh, more = map_of(source, map_config(session)).poll(store, source)
        if fresh or not more:
            yield map_frame(session, with_history=reopened and not more)
        await asyncio.sleep(SETTLING_PAUSE_SECONDS)
