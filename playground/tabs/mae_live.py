"""One run, live: held-out pictures that grow out of a quarter of their patches, the error, what the features know."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.engine.config import MethodConfig
from backends.engine.trainer import Trainer
from backends.mae.config import MAEConfig
from playground import probe_views
from playground.components import answers
from playground.components.mask_bench import NEWEST_FRAMES, film, lacks_frames, pack_film
from playground.components.plotly_view import pack, plotly_view
from playground.components.run_panel import TabRun, device_name
from playground.controls import Controls
from playground.figures.painting import error_curve
from playground.own_pictures import own_pictures
from playground.picture_map import MapPart, PictureMap
from playground.session import Run, Session, SessionStore
from playground.tabs import mae_bench
from playground.tabs.mae_bench import BenchPart
from playground.tabs.mae_state import LOADED, RATIOS, TAB, model_of
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.mae.trainer import FrozenMAE

MAP = PictureMap(TAB, model_of)
BENCH_TURNS = 3
"""Of the updates in training, every so many-th brings what the bench's picture looks like now."""
CURVE_TITLE = "Error on hidden patches"
FIRST_TITLE = "Error: appears while you train"


@dataclass(frozen=True)
class Live:
    """The components of the live view and of the map."""

    film: gr.HTML
    curve: gr.HTML
    side: gr.HTML


def lay_out_live() -> Live:
    """Lay film, error and probes out where it is called."""
    with gr.Row(elem_classes=["live-row", "mae-live"]):
        with gr.Column(min_width=380, elem_classes=["map-column"]):
            shown = film("Held-out pictures while the net learns", "mae-film")
        with gr.Column(min_width=290, elem_classes=["side-column"]):
            curve = plotly_view(label="Error on hidden patches over the steps", height=190, elem_id="mae-curve")
            side = answers.html_area(elem_id="mae-knowledge")
    return Live(shown, curve, side)


def run_of(store: SessionStore, live: Live, shown: MapPart, bench: BenchPart, controls: Controls) -> TabRun:
    """The tab's run, for its panel."""
    return TabRun(
        tab=TAB,
        controls=controls,
        make_trainer=partial(make_trainer, store),
        views=[live.film, live.curve, live.side, shown.explorer.frame, shown.neighbours, bench.area],
        draw=partial(draw, store),
        first_views=first_views,
        describe=describe,
        pauses=(RATIOS,),
        rest=(at_rest(store), [*bench.views, shown.explorer.frame]),
    )


def at_rest(store: SessionStore) -> Callable[[gr.Request], AsyncIterator[Any]]:
    """Make the handler that follows a training: the bench with its strip, then the map until it rests."""

    async def on_rest(request: gr.Request) -> AsyncIterator[Any]:
        session = store.of(str(request.session_hash))
        unchanged = [gr.skip()] * 3
        yield [*mae_bench.bench_views(store, session), gr.skip()]
        async for frame in MAP.frames_at_rest(store, session):
            yield [*unchanged, frame]

    return on_rest


def wire_live(store: SessionStore, live: Live) -> None:
    """Send a page the frames of the film that it has missed."""

    def on_lacking(event: gr.EventData, request: gr.Request) -> Any:
        run = store.of(str(request.session_hash)).runs.get(TAB)
        if run is None or not lacks_frames(event._data, run.id):
            return gr.skip()
        return film_of(run, whole=True)

    live.film.lacking(on_lacking, None, live.film, api_name=False, **QUICK)


def make_trainer(store: SessionStore, session: Session, config: MethodConfig) -> Trainer:
    """Build the trainer of a visitor's settings, with their pictures if they ask for them."""
    from backends.mae.trainer import MAETrainer

    assert isinstance(config, MAEConfig)
    return MAETrainer(config, pictures=own_pictures(session), device=store.device)


def draw(store: SessionStore, session: Session, run: Run, everything: bool) -> list[Any]:
    """Values of the views for a run; `everything` draws also what has not changed."""
    if session.is_driven(TAB):
        session.uploads.pop(LOADED, None)  # what is being trained is what is shown
    shown: dict[str, Any] = run.views.setdefault("shown", {"drawn": 0})
    if MAP.poll(store, session) or everything or "frame" not in shown:
        shown["frame"] = MAP.frame(session, with_history=everything)
    if run.snapshot is not shown.get("snapshot") or everything:
        shown |= {"snapshot": run.snapshot, "drawn": shown["drawn"] + 1, "film": film_of(run, whole=everything)}
        if everything or "bench" not in shown or shown["drawn"] % BENCH_TURNS == 0:
            shown["bench"] = mae_bench.live_view(store, session)
        measured = run.snapshot.metrics["masked_error"] if run.snapshot is not None else None
        if everything or measured != shown.get("measured"):
            shown |= {"measured": measured, "curve": error_figure(run)}
        probed = run.frozen.probed
        if everything or probed is not shown.get("probed"):
            side, near = probe_views.knowledge_html(run.frozen), MAP.neighbours_html(session)
            shown |= {"probed": probed, "side": side, "neighbours": near}
    return [shown.get(name) for name in ("film", "curve", "side", "frame", "neighbours", "bench")]


def first_views(session: Session) -> list[Any]:
    """The views before any training: a shipped model's, or what will appear."""
    model, _ = model_of(session)
    frame = MAP.frame(session, with_history=True)
    return [None, empty_curve(), probe_views.knowledge_html(model), frame, MAP.neighbours_html(session), None]


def loaded_views(session: Session) -> list[Any]:
    """What the present model knows, its map, the asked picture's neighbours, and where it comes from."""
    model, _ = model_of(session)
    frame = MAP.frame(session, with_history=True)
    return [probe_views.knowledge_html(model), frame, MAP.neighbours_html(session), MAP.origin_html(session)]


def film_of(run: Run, *, whole: bool) -> str | None:
    """What the run has painted so far; in training only its newest frames travel."""
    from backends.mae.trainer import film_mask, film_pictures

    frozen: FrozenMAE = run.frozen
    if not frozen.film:
        return None
    if "film" not in run.views:
        run.views["film"] = (film_pictures(frozen.split), film_mask(frozen.config))
    originals, hidden = run.views["film"]
    steps = [frame.step for frame in frozen.film]
    return pack_film(
        originals,
        hidden,
        int(frozen.config.patch),
        steps,
        np.stack([frame.painted for frame in frozen.film]),
        run=run.id,
        normalised=frozen.config.normalised,
        newest=None if whole else NEWEST_FRAMES,
    )


def error_figure(run: Run) -> str:
    """Held-out error, loss, and what guessing would give."""
    history = run.history
    last = run.snapshot
    return pack(
        error_curve(
            [float(snapshot.step) for snapshot in history],
            [snapshot.metrics["masked_error"] for snapshot in history],
            [snapshot.metrics["loss"] for snapshot in history],
            last.metrics["visible_mean_error"] if last is not None else None,
            last.total if last is not None else 1,
            title=CURVE_TITLE,
            value_title="squared error, normalised" if run.frozen.config.normalised else "squared error",
        )
    )


def empty_curve() -> str:
    """The chart before training."""
    return pack(error_curve([], [], [], None, 1, title=FIRST_TITLE, value_title=""))


def describe(run: Run) -> str:
    """Pace and device in one line."""
    trainer: Any = run.trainer
    device = device_name(run.device)
    pictures = f"{len(trainer.split.train):,} pictures"
    if run.snapshot is None:
        return f"{pictures} · {device}"
    return f"{run.snapshot.metrics['images_per_second']:,.0f} pictures/s of {pictures} · {device}"
