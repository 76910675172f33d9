"""LSTM against transformer: both learn to recall the first symbol, live and on equal budgets."""

from __future__ import annotations

import asyncio
import html
import math
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from backends.attention.recall_config import PRESETS, RecallConfig
from backends.engine.config import MethodConfig
from backends.engine.trainer import Trainer
from playground import controls
from playground.components import answers
from playground.components.link_box import link_field
from playground.components.plotly_view import pack, plotly_view
from playground.components.run_panel import RunPanel, TabRun, device_name
from playground.figures import curves
from playground.figures.recall import COLOURS, DASHES, NAMES, distance_chart, gradient_chart
from playground.session import Run, Session, SessionStore
from playground.tabs.attention_home import build_take_home
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.attention.recall_frozen import Attended, FrozenRecall

TAB = "attention"
SWEEP = "attention_sweep"
EXAMPLE = "attention_example"
"""Number of the held-out sequence whose attention is drawn."""
LOOK_SECONDS = 1.0
"""Gradients and attention are computed anew at most so often while the nets train."""
NETS = ("transformer", "lstm")
PERFECT, POOR = 0.99, 0.3
GRADIENT_TITLE = "Gradient at each past step, share of the largest"
TASK = (
    "A sequence starts with one of {symbols} symbols, then come {distance} distractors, then a question mark. Which "
    "symbol was it? Both nets read the same sequences, as many, and are tested on others."
)
LSTM_NOTE = (
    "A fair word for the LSTM: with a forget gate that starts open it keeps a symbol far longer, and trained on short "
    "distances first it learns long ones. It can; a transformer need not be coaxed."
)


@dataclass
class RecallPart:
    """The components of this part."""

    widgets: dict[str, Any]
    panel: RunPanel
    copy_link: gr.Button
    link: gr.Textbox
    presets: dict[str, gr.Button]
    expectation: gr.HTML
    verdict: gr.HTML
    accuracy: gr.HTML
    table: gr.HTML
    gradients: gr.HTML
    strip: gr.HTML
    another: gr.Button
    sweep_panel: RunPanel
    distances: gr.HTML


@dataclass(frozen=True)
class Looked:
    """What was found out about a frozen pair of nets."""

    frozen: FrozenRecall
    example: int
    gradients: dict[str, Any]
    attended: Attended


def lay_out_recall(store: SessionStore) -> RecallPart:
    """Lay this part out where it is called."""
    with gr.Row(elem_classes=["tab-body"]):
        with gr.Column(scale=0, min_width=312, elem_classes=["ask-column"]):
            asked = _lay_out_settings(store)
        with gr.Column(scale=1, min_width=480, elem_classes=["view-column"]):
            shown = _lay_out_views(store)
    return RecallPart(**asked, **shown)


def _lay_out_settings(store: SessionStore) -> dict[str, Any]:
    widgets = controls.build_essential(RecallConfig, "recall")
    with gr.Accordion("Advanced", open=False):
        widgets |= controls.build_advanced(RecallConfig, "recall")
    panel = RunPanel(store, "recall")
    answers.html_area("<span>Try this</span>", elem_classes=["preset-name"])
    with gr.Row(elem_classes=["examples"]):
        presets = {
            name: gr.Button(preset.label, size="sm", elem_id=f"recall-try-{name}", min_width=120)
            for name, preset in PRESETS.items()
        }
    expectation = answers.html_area(elem_id="recall-expect", elem_classes=["note-line"])
    with gr.Row(elem_classes=["run-buttons"]):
        copy_link = gr.Button("Copy link", size="sm", elem_id="recall-copy-link", min_width=60)
    return {
        "widgets": widgets,
        "panel": panel,
        "presets": presets,
        "expectation": expectation,
        "copy_link": copy_link,
        "link": link_field("recall"),
    }


def _lay_out_views(store: SessionStore) -> dict[str, Any]:
    verdict = answers.html_area(verdict_html(None), elem_id="recall-verdict", elem_classes=["verdict"])
    with gr.Row(elem_classes=["recall-row"]):
        accuracy = plotly_view(label="Held-out accuracy over the steps", height=170, elem_id="recall-accuracy")
        gradients = plotly_view(label="Gradient that reaches each past step", height=170, elem_id="recall-gradients")
    with gr.Row(elem_classes=["recall-row", "recall-sequence"]):
        strip = answers.html_area(strip_html(None), elem_id="recall-strip")
        another = gr.Button("Another", size="sm", elem_id="recall-another", min_width=80)
    with gr.Row(elem_classes=["recall-row"]):
        with gr.Column(min_width=300):
            table = answers.html_area(elem_id="recall-table")
            answers.html_area(answers.sentence(LSTM_NOTE))
            build_take_home(store, lambda session: session.runs.get(TAB))
        with gr.Column(min_width=300):
            sweep_panel = RunPanel(store, "recall-sweep", "Sweep distances", pins=False)
            distances = plotly_view(label="Accuracy over distance", height=170, elem_id="recall-distances")
    return {
        "verdict": verdict,
        "accuracy": accuracy,
        "table": table,
        "strip": strip,
        "gradients": gradients,
        "another": another,
        "distances": distances,
        "sweep_panel": sweep_panel,
    }


def wire_recall(store: SessionStore, parts: RecallPart, settings: controls.Controls) -> tuple[TabRun, TabRun]:
    """Wire both runs, presets and the drawing of attention; returns the runs for the tab's restoring."""
    looks = [parts.gradients, parts.strip]

    async def rest(request: gr.Request) -> AsyncIterator[Any]:
        session = store.of(str(request.session_hash))
        run = session.runs.get(TAB)
        if run is not None and run.frozen is not None:
            looked = await asyncio.wrap_future(store.submit(partial(look, run.frozen, example_of(session))))
            run.views["looked"] = looked
            yield look_values(looked)

    run = TabRun(
        tab=TAB,
        controls=settings,
        make_trainer=partial(make_trainer, store),
        views=[parts.verdict, parts.accuracy, parts.table, *looks],
        draw=partial(draw, store),
        first_views=first_views,
        describe=describe,
        pauses=(SWEEP,),
        rest=(rest, looks),
    )
    sweep = TabRun(
        tab=SWEEP,
        controls=settings,
        make_trainer=partial(make_sweep, store),
        views=[parts.distances],
        draw=draw_sweep,
        first_views=lambda session: [pack(distance_chart([], 0, title="Accuracy over distance, trained anew at each"))],
        describe=describe_sweep,
        pauses=(TAB,),
    )
    parts.panel.wire(run)
    parts.sweep_panel.wire(sweep)

    def on_another(request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        held = session.runs.get(TAB)
        if held is None or held.frozen is None:
            return [gr.skip(), answers.sentence("Train first: then the attention on a sequence is drawn here.")]
        session.uploads[EXAMPLE] = example_of(session) + 1
        held.views["looked"] = look(held.frozen, example_of(session))
        return look_values(held.views["looked"])

    parts.another.click(on_another, None, looks, api_name=False, **QUICK)
    for name, button in parts.presets.items():

        def on_preset(chosen: str = name) -> list[Any]:
            preset = PRESETS[chosen]
            values = preset.config().model_dump()
            return [answers.sentence(preset.expectation), *(values[name] for name in settings.widgets)]

        button.click(on_preset, None, [parts.expectation, *settings.inputs], api_name=False, **QUICK)
    return run, sweep


def make_trainer(store: SessionStore, session: Session, config: MethodConfig) -> Trainer:
    """Build both nets."""
    from backends.attention.recall import RecallTrainer

    assert isinstance(config, RecallConfig)
    return RecallTrainer(config, device=store.device)


def make_sweep(store: SessionStore, session: Session, config: MethodConfig) -> Trainer:
    """Line the distances up."""
    from backends.attention.recall_sweep import RecallSweep

    assert isinstance(config, RecallConfig)
    return RecallSweep(config, device=store.device)


def draw(store: SessionStore, session: Session, run: Run, everything: bool) -> list[Any]:
    """Verdict, curves, table, and what was last found out about gradients and attention."""
    views = run.views
    job = views.get("job")
    if job is not None and job.done():
        views |= {"job": None, "looked": job.result()}
    due = time.monotonic() - views.get("asked_at", -math.inf) > LOOK_SECONDS
    if views.get("job") is None and run.frozen is not None and due:
        views |= {"job": store.submit(partial(look, run.frozen, example_of(session))), "asked_at": time.monotonic()}
    looked = views.get("looked")
    tested = [run.snapshot.metrics[f"{net}_accuracy"] for net in NETS] if run.snapshot is not None else []
    if views.get("tested") != tested or run.done:  # redrawing a chart costs the page more than a step costs the nets
        views |= {"tested": tested, "chart": accuracy_chart(run)}
    fresh = looked is not None and (everything or views.get("drawn") is not looked)
    views["drawn"] = looked
    return [
        verdict_html(run),
        views["chart"],
        table_html(run),
        *(look_values(looked) if fresh and looked is not None else [None, None]),
    ]


def first_views(session: Session) -> list[Any]:
    """What stands there before the training."""
    empty = pack(curves.named_curves([], 1.0, title="Held-out accuracy", step_title="steps of both", share=True))
    waiting = pack(gradient_chart({}, title=GRADIENT_TITLE))
    return [verdict_html(None), empty, "", waiting, strip_html(None)]


def example_of(session: Session) -> int:
    """Number of the sequence that is drawn."""
    return int(session.uploads.get(EXAMPLE, 0))


def look(frozen: FrozenRecall, example: int) -> Looked:
    """Find out what gradients reach, and where the transformer looks. Takes tenths of a second."""
    return Looked(frozen, example, frozen.gradients(), frozen.attention(example))


def look_values(looked: Looked) -> list[Any]:
    """The chart of gradients, and the sequence with its attention."""
    chart = gradient_chart(looked.gradients, title=GRADIENT_TITLE)
    return [pack(chart), strip_html(looked.attended)]


def verdict_html(run: Run | None) -> str:
    """The task, and once there are numbers what they say."""
    config = run.config if run is not None else RecallConfig()
    assert isinstance(config, RecallConfig)
    task = answers.sentence(TASK.format(symbols=config.symbols, distance=config.distance))
    if run is None or run.snapshot is None:
        return f"{task}{answers.sentence('Press Train and watch which of them finds it.')}"
    scores = {net: run.snapshot.metrics[f"{net}_accuracy"] for net in NETS}
    so_far = "" if run.done else '<span class="so-far">so far</span> '
    said = html.escape(verdict(config.distance, scores, 1 / config.symbols))
    return f'{task}<p class="verdict-line">{so_far}{said}</p>'


def verdict(distance: int, scores: Mapping[str, float], chance: float) -> str:
    """What the accuracies say, in a sentence with its numbers."""
    numbers = (
        f"Over {distance} distractors the transformer is right in {scores['transformer']:.0%} of cases, "
        f"the LSTM in {scores['lstm']:.0%}; guessing gives {chance:.0%}."
    )
    if scores["transformer"] >= PERFECT and scores["lstm"] <= POOR:
        return f"{numbers} The first symbol is one look away for the one, and {distance + 1} steps away for the other."
    if min(scores.values()) >= PERFECT:
        return f"{numbers} At this distance and with these settings, both can do it."
    return numbers


def accuracy_chart(run: Run) -> str:
    """Both nets' held-out accuracy over the steps."""
    lines = []
    for net in NETS:
        points = [(s.step, s.metrics[f"{net}_accuracy"]) for s in run.history]
        lines.append((NAMES[net], [p[0] for p in points], [p[1] for p in points], COLOURS[net], DASHES[net]))
    total = run.snapshot.total if run.snapshot is not None else 1
    return pack(curves.named_curves(lines, total, title="Held-out accuracy", step_title="steps of both", share=True))


def table_html(run: Run) -> str:
    """What each net costs: parameters, steps, seconds."""
    snapshot = run.snapshot
    if snapshot is None:
        return ""
    m = snapshot.metrics
    config = run.config
    assert isinstance(config, RecallConfig)
    rows = [
        ("accuracy", [f"{m[f'{net}_accuracy']:.1%}" for net in NETS]),
        ("loss", [f"{m[f'{net}_loss']:.3f}" for net in NETS]),
        ("parameters", [f"{m[f'{net}_parameters']:,.0f}" for net in NETS]),
        ("sequences read", [f"{snapshot.step * config.batch:,}"] * 2),
        ("seconds", [f"{m[f'{net}_seconds']:.1f}" for net in NETS]),
    ]
    body = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td class=num>{value}</td>" for value in values)}</tr>'
        for name, values in rows
    )
    head = "".join(f'<th scope="col" class="num net-{net}">{NAMES[net]}</th>' for net in NETS)
    return (
        f'<table class="knowledge budget"><caption>Equal budgets</caption><thead><tr><th scope="col"></th>{head}</tr>'
        f"</thead><tbody>{body}</tbody></table>"
    )


def strip_html(attended: Attended | None) -> str:
    """One held-out sequence, each symbol as dark as the question's attention on it, and both nets' answers."""
    if attended is None:
        return answers.sentence(
            "Here a held-out sequence will stand, and where the transformer looks when it is asked."
        )
    weights = attended.weights.mean(axis=(0, 1))
    strongest = int(weights.argmax())
    cells = "".join(
        _cell(symbol, float(weight), i == strongest)
        for i, (symbol, weight) in enumerate(zip(attended.symbols, weights, strict=True))
    )
    said = ", ".join(
        f'{NAMES[net]}: <b class="net-{net}">{html.escape(answer)}</b> ({probability:.0%})'
        for net, (answer, probability) in attended.answers.items()
    )
    return (
        f'<div class="recall-strip" role="img" aria-label="A sequence of {len(attended.symbols)} symbols; the question '
        f'looks most at number {strongest + 1}, with {weights[strongest]:.0%} of its attention">{cells}</div>'
        f'<p class="answer">Attention of the question mark on each symbol: {weights[0]:.0%} on the first, '
        f"<b>{html.escape(attended.symbols[0])}</b>. Answers: {said}.</p>"
    )


def _cell(symbol: str, weight: float, strongest: bool) -> str:
    mark = ' class="most"' if strongest else ""
    return f'<span{mark} style="--w:{weight:.3f}" title="{weight:.1%}">{html.escape(symbol)}</span>'


def draw_sweep(session: Session, run: Run, everything: bool) -> list[Any]:
    """Accuracy over distance as far as it is known."""
    points: Sequence[Any] = run.frozen or ()
    config = run.config
    assert isinstance(config, RecallConfig)
    shown = run.views.setdefault("shown", {})
    if shown.get("points") != len(points) or everything:
        lines = [(net, [p.distance for p in points], [getattr(p, f"{net}_accuracy") for p in points]) for net in NETS]
        title = "Accuracy over distance, trained anew at each"
        shown |= {"points": len(points), "chart": pack(distance_chart(lines, 1 / config.symbols, title=title))}
    return [shown["chart"]]


def describe(run: Run) -> str:
    """Pace and device."""
    device = device_name(run.device)
    if run.snapshot is None:
        return device
    return f"{run.snapshot.metrics['tokens_per_second']:,.0f} symbols/s · both by turns · {device}"


def describe_sweep(run: Run) -> str:
    """How many distances are done."""
    trainer: Any = run.trainer
    done, count = len(run.frozen or ()), len(trainer.distances)
    return f"distance {min(done + 1, count)} of {count}" if run.snapshot is not None else f"{count} distances"
