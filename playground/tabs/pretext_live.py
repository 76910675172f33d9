"""One run, live: what is taken for what, or holes that fill; how often the net is right; what its features know."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.engine.config import MethodConfig
from backends.engine.trainer import Snapshot, Trainer
from backends.pretext.config import QUESTIONS, TILES, TURNS, task_of
from backends.pretext.task_config import TaskConfig
from playground import probe_views
from playground.components import answers
from playground.components.plotly_view import pack, plotly_view
from playground.components.run_panel import TabRun, device_name
from playground.components.sprites import exact_url
from playground.controls import Controls
from playground.figures import curves, style
from playground.figures.confusion import confusion_table
from playground.own_pictures import own_pictures
from playground.picture_map import MapPart, PictureMap
from playground.session import Run, Session, SessionStore
from playground.tabs import pretext_bench, pretext_game
from playground.tabs.pretext_bench import BenchPart
from playground.tabs.pretext_game import GamePart
from playground.tabs.pretext_state import LOADED, PLACES, TAB, chosen_task, model_of

if TYPE_CHECKING:
    from backends.pretext.frozen import FrozenInpainting

MAP = PictureMap(TAB, model_of)
WAITING = (
    "Press Train: which answers the net mixes up, or how it fills holes, appears here and is made anew about every "
    "second, always on the same held-out pictures."
)
TITLES = {
    "rotation": "Held-out pictures turned upright",
    "inpainting": "Error in holes, share of guessing’s",
    "jigsaw": "Held-out tiles given their place",
}
GUESSING = {"rotation": 1 / TURNS, "inpainting": 1.0, "jigsaw": 1 / TILES}
"""What a guesser gets: a share of right answers, or the error of filling holes with the border's mean."""
GUESSER = {"rotation": "guessing", "inpainting": "the border’s mean", "jigsaw": "guessing"}
WITHOUT = "accuracy_without_shortcut"
FILMED = 3
"""Earlier paintings that stay beside the newest one."""


@dataclass(frozen=True)
class Live:
    """The components of the live view."""

    shown: gr.HTML
    curve: gr.HTML
    side: gr.HTML


def lay_out_live() -> Live:
    """Lay answers, curve and probes out where it is called."""
    with gr.Row(elem_classes=["live-row", "mae-live"]):
        with gr.Column(min_width=380, elem_classes=["map-column"]):
            shown = answers.html_area(answers.sentence(WAITING), elem_id="pretext-shown")
        with gr.Column(min_width=290, elem_classes=["side-column"]):
            curve = plotly_view(label="How well held-out puzzles are solved", height=190, elem_id="pretext-curve")
            side = answers.html_area(elem_id="pretext-knowledge")
    return Live(shown, curve, side)


def run_of(
    store: SessionStore, live: Live, shown: MapPart, bench: BenchPart, game: GamePart, controls: Controls
) -> TabRun:
    """The tab's run, for its panel."""
    return TabRun(
        tab=TAB,
        controls=controls,
        make_trainer=partial(make_trainer, store),
        views=[live.shown, live.curve, live.side, shown.explorer.frame, shown.neighbours, bench.area, game.live],
        draw=partial(draw, store),
        first_views=first_views,
        describe=describe,
        rest=(at_rest(store), [*bench.views, shown.explorer.frame]),
    )


def at_rest(store: SessionStore) -> Callable[[gr.Request], AsyncIterator[Any]]:
    """Make the handler that follows a training: the bench, then the map until it rests."""

    async def on_rest(request: gr.Request) -> AsyncIterator[Any]:
        session = store.of(str(request.session_hash))
        yield [*pretext_bench.bench_views(session), gr.skip()]
        async for frame in MAP.frames_at_rest(store, session):
            yield [gr.skip(), gr.skip(), frame]

    return on_rest


def make_trainer(store: SessionStore, session: Session, config: MethodConfig) -> Trainer:
    """Build the trainer of a visitor's settings, with their pictures if they ask for them."""
    from backends.pretext.task_trainer import TaskTrainer

    assert isinstance(config, TaskConfig)
    return TaskTrainer(config, pictures=own_pictures(session), device=store.device)


def draw(store: SessionStore, session: Session, run: Run, everything: bool) -> list[Any]:
    """Values of the views for a run; `everything` draws also what has not changed."""
    if session.is_driven(TAB):
        session.uploads.pop(LOADED, None)  # what is being trained is what answers
    shown: dict[str, Any] = run.views.setdefault("shown", {})
    here = task_of(run.frozen.config) == chosen_task(session)
    if here and (MAP.poll(store, session) or everything or "frame" not in shown):
        shown["frame"] = MAP.frame(session, with_history=everything)
    measured = dict(run.frozen.metrics)
    if everything or measured != shown.get("measured"):
        shown |= {"measured": measured, "answers": answers_html(run), "curve": curve_figure(run)}
    probed = run.frozen.probed
    if everything or probed is not shown.get("probed"):
        shown |= {"probed": probed, "side": probe_views.knowledge_html(run.frozen)}
        if here:
            shown["neighbours"] = MAP.neighbours_html(session)
            shown["bench"] = pretext_bench.bench_views(session)[0]
    of_model = [shown.get(name) if here else None for name in ("frame", "neighbours", "bench")]
    return [shown["answers"], shown["curve"], shown["side"], *of_model, pretext_game.live_view(session)]


def first_views(session: Session) -> list[Any]:
    """The views before any training: a shipped model's, or what will appear."""
    model, _ = model_of(session)
    return [
        answers.sentence(WAITING),
        empty_curve(),
        probe_views.knowledge_html(model),
        MAP.frame(session, with_history=True),
        MAP.neighbours_html(session),
        None,
        None,
    ]


def model_views(session: Session) -> list[Any]:
    """What follows when another model answers: probes, its map, the asked picture's neighbours, its origin.

    The probes stand beside the visitor's run, so they are the run's, if there is one.
    """
    model, run = model_of(session)[0], session.runs.get(TAB)
    known = probe_views.knowledge_html(model if run is None else run.frozen)
    return [known, MAP.frame(session, with_history=True), MAP.neighbours_html(session), MAP.origin_html(session)]


def answers_html(run: Run) -> str:
    """What a run's net answers to held-out puzzles."""
    task = task_of(run.frozen.config)
    if task == "inpainting":
        return paintings_html(run)
    snapshot = run.snapshot
    if snapshot is None or "confusion" not in snapshot.arrays:
        return answers.sentence(WAITING)
    names = [f"{90 * turn}°" for turn in range(TURNS)] if task == "rotation" else list(PLACES)
    told = "by how much it was turned" if task == "rotation" else "where the tile belongs"
    caption = f"Step {snapshot.step:,}. Rows: {told}. Columns: what the net says, in percent of the row."
    table = confusion_table(snapshot.arrays["confusion"], names, caption, shares=True)
    return f'<div class="pt-confusion of-{task}">{table}</div>{_blank_note(snapshot)}'


def _blank_note(snapshot: Snapshot) -> str:
    share = snapshot.metrics.get("blank_share")
    if share is None:
        return ""
    return f'<p class="note">{share:.0%} of the tiles are blank and left out of the count: nobody can place them.</p>'


def paintings_html(run: Run) -> str:
    """Held-out pictures: with their holes, as they were painted earlier and now, and as they were."""
    from backends.pretext.held_out import shown_holes
    from backends.pretext.puzzles import UNSEEN

    frozen: FrozenInpainting = run.frozen
    if "whole" not in run.views:
        run.views["whole"] = shown_holes(frozen.config, frozen.split, frozen.device)
    whole, holes = run.views["whole"]
    unseen = np.array([round(255 * value) for value in UNSEEN], np.uint8)
    rows = [("with its hole", np.where(holes[..., None], unseen, whole))]
    rows += [(f"step {snapshot.step:,}", snapshot.arrays["painted"]) for snapshot in paintings(run.history)]
    rows.append(("as it was", whole))
    drawn = "".join(
        f'<tr><th scope="row">{name}</th><td><img src="{exact_url(np.concatenate(list(pictures), axis=1))}" '
        f'alt="{len(pictures)} held-out pictures: {name}"></td></tr>'
        for name, pictures in rows
        if len(pictures)
    )
    return f'<table class="pt-paintings"><tbody>{drawn}</tbody></table>'


def paintings(history: Sequence[Snapshot]) -> list[Snapshot]:
    """The snapshots whose paintings are shown: the first, some on the way, each after about half of the next, the last.

    A painting stays until the next measurement, so only the first snapshot of each counts.
    """
    fresh: list[Snapshot] = []
    for snapshot in history:
        painted = snapshot.arrays.get("painted")
        if painted is not None and not (fresh and painted is fresh[-1].arrays["painted"]):
            fresh.append(snapshot)
    if len(fresh) <= FILMED + 1:
        return fresh
    chosen = [len(fresh) - 1]
    while len(chosen) < FILMED and chosen[-1] > 1:
        chosen.append(chosen[-1] // 2)
    return [fresh[i] for i in sorted({0, *chosen})]


def curve_figure(run: Run) -> str:
    """How well held-out puzzles were solved over the steps, and what guessing gives."""
    task = task_of(run.frozen.config)
    name = "error_ratio" if task == "inpainting" else "accuracy"
    total = float(run.snapshot.total if run.snapshot else 1)
    lines = [_line(run.history, name, "held out" if WITHOUT not in run.frozen.metrics else "with the shortcut")]
    if WITHOUT in run.frozen.metrics:
        lines.append(_line(run.history, WITHOUT, "without it", style.HIGHLIGHT))
    level = GUESSING[task]
    lines.append((GUESSER[task], [0.0, total], [level, level], style.MUTED, "dash"))
    return pack(curves.named_curves(lines, total, title=TITLES[task], step_title="steps", share=True))


def _line(
    history: Sequence[Snapshot], name: str, title: str, colour: str = style.ACCENT
) -> tuple[str, list[float], list[float], str, str]:
    points = [(float(s.step), s.metrics[name]) for s in history if math.isfinite(s.metrics.get(name, math.nan))]
    return title, [step for step, _ in points], [value for _, value in points], colour, "solid"


def empty_curve() -> str:
    """The chart before training."""
    title = "Solved: appears while you train"
    return pack(curves.named_curves([], 1.0, title=title, step_title="steps", share=True))


def describe(run: Run) -> str:
    """Task, pace and device in one line."""
    trainer: Any = run.trainer
    pictures = f"{QUESTIONS[task_of(run.frozen.config)].capitalize()} {len(trainer.split.train):,} pictures"
    device = device_name(run.device)
    if run.snapshot is None:
        return f"{pictures} · {device}"
    return f"{pictures} · {run.snapshot.metrics['images_per_second']:,.0f}/s · {device}"
