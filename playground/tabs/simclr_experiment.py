"""The colour experiment: a room votes, then two runs from the same start show what colour jitter does."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

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
from playground.components.run_panel import RunPanel, TabRun, device_name
from playground.components.sprites import data_url
from playground.controls import Controls
from playground.figures import curves, style
from playground.figures.knowledge import factors_of, versus_table
from playground.live_map import Source, map_of, packed_frame, packed_items
from playground.own_pictures import own_pictures, split_of
from playground.picture_map import sprite_of_map, swatches_of
from playground.probe_views import labels_of
from playground.session import Run, Session, SessionStore
from playground.tabs.simclr_state import ABLATION, EXPERIMENT, TAB
from playground.tabs.tab import QUICK

WITHOUT, WITH = "without", "with"
SIDE_NAMES = {WITHOUT: "Colours kept", WITH: "Colours jittered"}
SIDE_COLOURS = {WITHOUT: style.ACCENT, WITH: style.HIGHLIGHT}
VOTES = "simclr_votes"
CHOICES = {
    "yes": "Yes, for robust features",
    "no": "No, it destroys colour",
    "same": "No difference",
}
NOTICEABLE = 0.05
"""Five points: smaller differences are called none."""
MAX_VOTES = 9_999
QUESTIONS = {
    "apples": "You want to sort apples by colour. Would you jitter the colours in training?",
    "emoji": "You want to sort emoji by category. Would you jitter the colours in training?",
    "own": "You want to sort your pictures by folder. Would you jitter the colours in training?",
}
GLANCES = 3
GLANCE_SIDE = 64
"""Training pictures of which two views stand over each map, and their pixels."""


@dataclass(frozen=True)
class Experiment:
    """The components of the experiment."""

    question: gr.HTML
    votes: dict[str, gr.Button]
    clear: gr.Button
    panel: RunPanel
    verdict: gr.HTML
    chart: gr.HTML
    table: gr.HTML
    glances: dict[str, gr.HTML]
    maps: dict[str, Explorer]


def lay_out_experiment(store: SessionStore) -> Experiment:
    """Lay the experiment out where it is called."""
    with gr.Row(elem_classes=["experiment-row"]):
        with gr.Column(min_width=420, elem_classes=["experiment-ask"]):
            question = answers.html_area(question_html("apples"), elem_id="simclr-exp-question")
            with gr.Row(elem_classes=["votes"]):
                votes = {
                    name: gr.Button(label, size="sm", elem_id=f"simclr-vote-{name}", min_width=90)
                    for name, label in CHOICES.items()
                }
                clear = gr.Button("Clear", size="sm", elem_id="simclr-vote-clear", min_width=50)
        with gr.Column(min_width=300, elem_classes=["experiment-run"]):
            panel = RunPanel(store, "simclr-exp", "Run")
    verdict = answers.html_area(verdict_html(None, {}), elem_id="simclr-verdict", elem_classes=["verdict"])
    with gr.Row(elem_classes=["experiment-views"]):
        maps, glances = {}, {}
        for side, name in SIDE_NAMES.items():
            with gr.Column(min_width=240):
                glances[side] = answers.html_area(elem_id=f"simclr-exp-sees-{side}")
                maps[side] = embedding_explorer(
                    label=f"Map of held-out pictures, {name.lower()}",
                    height=236,
                    elem_id=f"simclr-exp-{side}",
                    tools=False,
                )
        with gr.Column(min_width=300, elem_classes=["experiment-numbers"]):
            table = answers.html_area(elem_id="simclr-exp-table")
            chart = plotly_view(
                label="What nearest neighbours know of colour and shape, over the training",
                height=150,
                elem_id="simclr-exp-chart",
            )
    return Experiment(question, votes, clear, panel, verdict, chart, table, glances, maps)


def wire_experiment(store: SessionStore, parts: Experiment, controls: Controls) -> TabRun:
    """Wire votes, run and maps; returns the run for the tab's restoring."""
    run = TabRun(
        tab=EXPERIMENT,
        controls=controls,
        make_trainer=partial(make_trainer, store),
        views=[parts.verdict, parts.table, parts.chart, *(explorer.frame for explorer in parts.maps.values())],
        draw=partial(draw, store),
        first_views=first_views,
        describe=describe,
        pauses=(TAB, ABLATION),
    )
    parts.panel.wire(run)

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    shown = [*parts.votes.values(), parts.verdict]
    for name, button in parts.votes.items():

        def on_vote(request: gr.Request, chosen: str = name) -> list[Any]:
            session = session_of(request)
            votes = votes_of(session)
            votes[chosen] = min(MAX_VOTES, votes[chosen] + 1)
            return vote_values(session)

        button.click(on_vote, None, shown, trigger_mode="multiple", api_name=False, **QUICK)

    def on_clear(request: gr.Request) -> list[Any]:
        session = session_of(request)
        session.uploads.pop(VOTES, None)
        return vote_values(session)

    parts.clear.click(on_clear, None, shown, api_name=False, **QUICK)
    for side, explorer in parts.maps.items():

        def on_items(request: gr.Request, chosen: str = side) -> Any:
            return map_items(session_of(request), chosen)

        explorer.frame.items(on_items, None, explorer.items, api_name=False, **QUICK)
    return run


def question_html(data: str) -> str:
    """The question that is voted on, for a kind of pictures."""
    return (
        f"<h3>{QUESTIONS.get(data, QUESTIONS['own'])}</h3>"
        '<p class="answer">Vote first: a click counts a hand. Then both nets train from the same start.</p>'
    )


def glance_values(session: Session, config: SimCLRConfig) -> list[str]:
    """For each side what its net gets to see: pairs of views of the same few pictures."""
    from backends.simclr.experiments import with_colour, without_colour
    from backends.simclr.preview import preview

    try:
        train = split_of(session, config).train
    except PictureError:
        return [""] * len(SIDE_NAMES)
    pictures = train.at_size(np.arange(min(GLANCES, len(train))), GLANCE_SIDE)
    values = []
    for side, change in ((WITHOUT, without_colour), (WITH, with_colour)):
        pairs = [preview(picture, change(config), seed + 1, 1) for seed, picture in enumerate(pictures)]
        images = "".join(
            f'<span class="bench-pair"><img src="{data_url(one)}" alt="a view"><img src="{data_url(other)}" '
            'alt="another view of it"></span>'
            for one, other in pairs
        )
        values.append(f'<div class="glance"><b class="{side}">{SIDE_NAMES[side]}</b><div>{images}</div></div>')
    return values


def make_trainer(store: SessionStore, session: Session, config: MethodConfig) -> Trainer:
    """Build both sides from the tab's settings."""
    from backends.simclr.experiments import ColourExperiment

    assert isinstance(config, SimCLRConfig)
    return ColourExperiment(config, pictures=own_pictures(session), device=store.device)


def draw(store: SessionStore, session: Session, run: Run, everything: bool) -> list[Any]:
    """Verdict, table, curves and both maps."""
    frames = []
    for side in SIDE_NAMES:
        source = side_source(session, run, side)
        view = map_of(source, map_config(source))
        fresh, _ = view.poll(store, source)
        kept = run.views[side]
        if fresh or everything or "frame" not in kept:
            kept["frame"] = packed_frame(source, view, None, [], with_history=everything)
        frames.append(kept["frame"])
    scores = scores_of(run.snapshot)
    labels = labels_of(run.frozen.without.split.held_out)
    charted = (scores, run.snapshot is not None and run.snapshot.done)
    if run.views.get("charted") != charted:  # redrawing a chart costs the page more than a step costs the net
        run.views |= {"charted": charted, "chart": experiment_curves(run, labels)}
    return [
        verdict_html(run, votes_of(session)),
        experiment_table(scores, labels),
        run.views["chart"],
        *frames,
    ]


def first_views(session: Session) -> list[Any]:
    """What stands there before the experiment."""
    return [verdict_html(None, votes_of(session)), "", empty_curves(), None, None]


def side_source(session: Session, run: Run, side: str) -> Source[PictureVectors]:
    """One side's features of the map's pictures, as a map's source."""
    frozen = run.frozen.without if side == WITHOUT else run.frozen.jittered
    kept = run.views.setdefault(side, {})
    probed = frozen.probed
    if kept.get("probed") is not probed:
        pictures = frozen.map_pictures
        kept |= {"probed": probed, "vectors": PictureVectors(probed.features, pictures.names, pictures.factors)}
    vectors = kept["vectors"]
    return Source(
        f"{run.id}-{side}",
        vectors,
        probed.step,
        f"{probed.step:,} steps",
        not session.is_driven(EXPERIMENT),
        kept,
        lambda n: SIDE_NAMES[side],
        factors=vectors.factors,
    )


def map_config(source: Source[PictureVectors]) -> MapConfig:
    """Small maps, coloured by the first factor."""
    first = next(iter(source.factors), None)
    return MapConfig(points=500, colour=f"factor:{first}" if first else "plain")


def map_items(session: Session, side: str) -> Any:
    """Pictures and factors of one side's map."""
    run = session.runs.get(EXPERIMENT)
    if run is None:
        return gr.skip()
    source = side_source(session, run, side)
    frozen = run.frozen.without
    return packed_items(
        source,
        map_of(source, map_config(source)),
        noun="picture",
        sprite=sprite_of_map(frozen.map_pictures),
        swatches=swatches_of(frozen.map_pictures),
    )


def scores_of(snapshot: Snapshot | None) -> dict[str, dict[str, float]]:
    """The probes of each side that has been probed."""
    if snapshot is None:
        return {}
    sides: dict[str, dict[str, float]] = {}
    for side in SIDE_NAMES:
        found = {
            name.removeprefix(f"{side}_"): value
            for name, value in snapshot.metrics.items()
            if name.startswith((f"{side}_knn_", f"{side}_linear_"))
        }
        if found:
            sides[side] = found
    return sides


def experiment_table(scores: Mapping[str, Mapping[str, float]], labels: Mapping[str, str]) -> str:
    """Both sides' knowledge, factor by factor."""
    if len(scores) < 2:
        return ""
    caption = "10 nearest neighbours, held-out pictures"
    return versus_table([(SIDE_NAMES[side], scores[side]) for side in SIDE_NAMES], labels, caption)


def experiment_curves(run: Run, labels: Mapping[str, str]) -> str:
    """The first two factors over the steps, both sides."""
    lines = []
    for factor, dash in zip(list(labels)[:2], ("solid", "dot"), strict=False):
        for side, colour in SIDE_COLOURS.items():
            name = f"{side}_knn_{factor}"
            points = [(s.seconds, s.metrics[name]) for s in run.history if name in s.metrics]
            label = f"{labels[factor]}, {'kept' if side == WITHOUT else 'jittered'}"
            lines.append((label, [p[0] for p in points], [p[1] for p in points], colour, dash))
    last = run.snapshot
    total = last.seconds + (last.seconds_left or 0) if last is not None else 1.0
    return pack(curves.named_curves(lines, total, title="", step_title="seconds, both runs together", share=True))


def empty_curves() -> str:
    """The chart before the experiment."""
    return pack(curves.named_curves([], 1.0, title="", step_title="seconds, both runs together", share=True))


def votes_of(session: Session) -> dict[str, int]:
    """How the room has voted."""
    votes: dict[str, int] = session.uploads.setdefault(VOTES, dict.fromkeys(CHOICES, 0))
    return votes


def vote_values(session: Session) -> list[Any]:
    """The vote buttons with their counts, and the verdict, which mentions the vote."""
    return [*vote_labels(session), verdict_html(session.runs.get(EXPERIMENT), votes_of(session))]


def vote_labels(session: Session) -> list[str]:
    """What stands on the vote buttons: the choice, and how many hands it has got."""
    votes = votes_of(session)
    return [f"{label} · {votes[name]}" if votes[name] else label for name, label in CHOICES.items()]


def verdict_html(run: Run | None, votes: Mapping[str, int]) -> str:
    """The answer in a sentence with its numbers, once there are some; before that, what will happen."""
    if run is None or run.snapshot is None:
        return answers.sentence(
            "Both nets will see the same pictures, start from the same weights and differ in one thing: whether hue, "
            "saturation and grey of a view are changed at random. Held-out pictures then tell what each has learned."
        )
    scores = scores_of(run.snapshot)
    labels = labels_of(run.frozen.without.split.held_out)
    if len(scores) < 2 or not factors_of(scores[WITHOUT]):
        return answers.sentence("Training: the first numbers come within seconds.")
    answer, text = verdict(scores, labels)
    state = "" if run.done else '<span class="so-far">so far</span> '
    return f'<p class="verdict-line">{state}{html.escape(text)}</p>{_vote_line(answer, votes) if run.done else ""}'


def _said(label: str, kept: float, jittered: float) -> str:
    return f"the {label} in {100 * jittered:.0f}\u00a0% of cases, not {100 * kept:.0f}\u00a0%"


def verdict(scores: Mapping[str, Mapping[str, float]], labels: Mapping[str, str]) -> tuple[str, str]:
    """Which of the three votes was right, and the sentence that says why.

    Args:
        scores: of both sides.
        labels: of the factors; the first is what is to be sorted by, the second what is traded for it.
    """
    kept, jittered = scores[WITHOUT], scores[WITH]
    labels = {name: label.lower() for name, label in labels.items()}
    names = [name for name in labels if f"knn_{name}" in kept]
    first = names[0]
    change = jittered[f"knn_{first}"] - kept[f"knn_{first}"]
    parts = [_said(labels[first], kept[f"knn_{first}"], jittered[f"knn_{first}"])]
    if len(names) > 1:
        second = names[1]
        parts.append(_said(labels[second], kept[f"knn_{second}"], jittered[f"knn_{second}"]))
    numbers = f"With jitter, neighbours tell {' and '.join(parts)}."
    if change <= -NOTICEABLE:
        return (
            "no",
            f"{numbers} Features overlook what the augmentation varies: to sort by {labels[first]}, leave it out.",
        )
    if change >= NOTICEABLE:
        return "yes", f"{numbers} In this run jitter helped to sort by {labels[first]}."
    return "same", f"{numbers} In this run jitter made no difference for {labels[first]}."


def _vote_line(answer: str, votes: Mapping[str, int]) -> str:
    total = sum(votes.values())
    if not total:
        return ""
    said = f"{votes[answer]} of {total} {'hand' if total == 1 else 'hands'} had it right: “{CHOICES[answer]}”."
    return f'<p class="answer">{html.escape(said)}</p>'


def describe(run: Run) -> str:
    """Pace of both sides and device."""
    device = device_name(run.device)
    if run.snapshot is None:
        return device
    pace = run.snapshot.metrics.get("with_views_per_second") or run.snapshot.metrics["without_views_per_second"]
    return f"{pace:,.0f} views/s · two runs by turns · {device}"
