"""One run, live: the similarity matrix whose diagonal grows, the loss, and tests on what is never trained on."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from backends.clip.config import CLIPConfig
from backends.engine.config import MethodConfig
from backends.engine.trainer import Trainer
from playground.components import answers
from playground.components.plotly_view import pack, plotly_view
from playground.components.run_panel import TabRun, device_name
from playground.components.sprites import data_url
from playground.controls import Controls
from playground.figures import curves, style
from playground.own_pictures import own_pictures
from playground.session import Run, Session, SessionStore
from playground.tabs.clip_state import GROUP_TITLES, LOADED, TAB, model_of

THUMB = 48
LOW = np.array([255, 255, 255])
HIGH = np.array([79, 70, 229])
BELOW = np.array([194, 65, 12])
TEST_COLOURS = (style.ACCENT, style.HIGHLIGHT)
WAITING = (
    "Press Train: sixteen pictures stand against their sixteen captions, and a diagonal grows where each finds its own."
)


@dataclass(frozen=True)
class Live:
    """The components of the live view."""

    matrix: gr.HTML
    tests: gr.HTML
    loss: gr.HTML
    table: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `draw` makes values for."""
        return [self.matrix, self.tests, self.loss, self.table]


def lay_out_live() -> Live:
    """Lay matrix, tests and loss out where it is called."""
    with gr.Row(elem_classes=["live-row", "clip-live"]):
        with gr.Column(min_width=420, elem_classes=["map-column"]):
            matrix = answers.html_area(elem_id="clip-matrix")
        with gr.Column(min_width=290, elem_classes=["side-column"]):
            tests = plotly_view(label="Zero-shot accuracy over the steps", height=190, elem_id="clip-tests")
            loss = plotly_view(label="Loss over the steps", height=150, elem_id="clip-loss")
            table = answers.html_area(elem_id="clip-scores")
    return Live(matrix, tests, loss, table)


def run_of(store: SessionStore, live: Live, controls: Controls) -> TabRun:
    """The tab's run, for its panel."""
    return TabRun(
        tab=TAB,
        controls=controls,
        make_trainer=partial(make_trainer, store),
        views=live.views,
        draw=draw,
        first_views=first_views,
        describe=describe,
    )


def make_trainer(store: SessionStore, session: Session, config: MethodConfig) -> Trainer:
    """Build the trainer of a visitor's settings, with their pictures if they ask for them."""
    from backends.clip.trainer import CLIPTrainer

    assert isinstance(config, CLIPConfig)
    return CLIPTrainer(config, pictures=own_pictures(session), device=store.device)


def draw(session: Session, run: Run, everything: bool) -> list[Any]:
    """Values of the views for a run; `everything` draws also what has not changed."""
    if session.is_driven(TAB):
        session.uploads.pop(LOADED, None)  # what is being trained is what answers
    shown: dict[str, Any] = run.views.setdefault("shown", {})
    snapshot = run.snapshot
    if everything or snapshot is not shown.get("snapshot"):
        scores = None if snapshot is None else [v for k, v in snapshot.metrics.items() if k.startswith("zero_shot_")]
        shown |= {"snapshot": snapshot, "matrix": matrix_html(run), "loss": loss_figure(run)}
        if everything or scores != shown.get("scores"):
            shown |= {"scores": scores, "tests": tests_figure(run), "table": scores_html(run.frozen.scores, run)}
    return [shown.get(name) for name in ("matrix", "tests", "loss", "table")]


def first_views(session: Session) -> list[Any]:
    """The views before any training."""
    return [
        answers.sentence(WAITING),
        empty_figure("Zero-shot: appears while you train"),
        None,
        table_of(session),
    ]


def table_of(session: Session) -> str:
    """The tests of the model that answers, and where it comes from."""
    model, line = model_of(session)
    return scores_html(model.scores, None) + answers.sentence(line) if model is not None else ""


def matrix_html(run: Run) -> str:
    """Pictures down the side, their captions along the top, cosines between them."""
    if run.snapshot is None or "matrix" not in run.snapshot.arrays:
        return answers.sentence(WAITING)
    matrix = run.snapshot.arrays["matrix"]
    if "matrix_frame" not in run.views:
        run.views["matrix_frame"] = _frame(run)
    rows, columns = run.views["matrix_frame"]
    gain = run.snapshot.metrics["diagonal"]
    told = (
        f"Own captions {np.diag(matrix).mean():.2f}, others {np.diag(matrix).mean() - gain:.2f}: "
        f"temperature {1 / run.snapshot.metrics['logit_scale']:.3f}"
    ).replace("-", "−")
    return (
        '<div class="clip-matrix">'
        f'<div class="clip-columns">{columns}</div><div class="clip-rows">{rows}</div>'
        f'<img class="clip-cells" src="{png_of(matrix)}" alt="Cosines of {len(matrix)} pictures and their captions: '
        f'{html.escape(told)}"><p class="note">{html.escape(told)}. Each row is a picture, each column a caption; '
        "the diagonal is where they belong together.</p></div>"
    )


def png_of(matrix: np.ndarray) -> str:
    """(n, n) cosines as a picture of n × n pixels, which the page enlarges: white at 0, the accent at 1."""
    from PIL import Image

    up, down = np.clip(matrix, 0, 1)[..., None], np.clip(-matrix, 0, 1)[..., None]
    pixels = LOW + up * (HIGH - LOW) + down * (BELOW - LOW)
    buffer = io.BytesIO()
    Image.fromarray(pixels.round().astype(np.uint8)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _frame(run: Run) -> tuple[str, str]:
    """The pictures and the captions beside the matrix; they stay the same for the whole run."""
    trainer: Any = run.trainer
    train = trainer.pairs.train
    pictures = train.pictures.at_size(trainer.shown, THUMB)
    names = [train.classes[train.class_idx[i]] for i in trainer.shown]
    rows = "".join(
        f'<img src="{data_url(picture)}" alt="{html.escape(name, quote=True)}" title="{html.escape(name, quote=True)}">'
        for picture, name in zip(pictures, names, strict=True)
    )
    columns = "".join(f"<span>{html.escape(name[:26])}</span>" for name in names)
    return rows, columns


def tests_figure(run: Run) -> str:
    """Zero-shot accuracy on each test over the steps, and chance."""
    history = run.history
    names = [name for name in run.frozen.scores if name.startswith("zero_shot_")]
    total = float(run.snapshot.total if run.snapshot else 1)
    lines = []
    for name, colour in zip(names, TEST_COLOURS, strict=False):
        points = [(float(s.step), s.metrics[name]) for s in history if name in s.metrics]
        title = GROUP_TITLES[name.removeprefix("zero_shot_")]
        lines.append((title, [p[0] for p in points], [p[1] for p in points], colour, "solid"))
    chance = 1 / ways_of(run)
    lines.append(("chance", [0.0, total], [chance, chance], style.MUTED, "dot"))
    title = f"Zero-shot: one of {ways_of(run)} names"
    return pack(curves.named_curves(lines, total, title=title, step_title="steps", share=True))


def ways_of(run: Run) -> int:
    """How many names there are to choose from."""
    trainer: Any = run.trainer
    return min([10, *(len(test.classes) for test in trainer.pairs.tests.values())])


def loss_figure(run: Run) -> str:
    """The loss over the steps."""
    history = run.history
    return pack(
        curves.metric_curve(
            [float(s.step) for s in history],
            [s.metrics["loss"] for s in history],
            float(run.snapshot.total if run.snapshot else 1),
            title="Loss",
            step_title="steps",
            value_title="nats",
        )
    )


def empty_figure(title: str) -> str:
    """A chart before training."""
    return pack(curves.named_curves([], 1.0, title=title, step_title="steps", share=True))


def scores_html(scores: dict[str, float], run: Run | None) -> str:
    """The tests as a table: one of ten names (or all, of fewer), the first five of all, the first of all."""
    tests = [name.removeprefix("zero_shot_") for name in scores if name.startswith("zero_shot_")]
    if not tests:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{GROUP_TITLES[test]}</th>'
        + "".join(f'<td class="num">{scores[f"{kind}_{test}"]:.0%}</td>' for kind in ("zero_shot", "top5", "top1"))
        + "</tr>"
        for test in tests
        if f"top1_{test}" in scores
    )
    when = "live, on some of the pictures" if run is not None and not run.done else "on pictures never trained on"
    ways = 10 if run is None else ways_of(run)
    head = f"<tr><th></th><th>one of {ways}</th><th>top 5</th><th>top 1</th></tr>"
    caption = f"<caption>Right names, {when}</caption>"
    return f'<table class="clip-scores">{caption}<thead>{head}</thead><tbody>{rows}</tbody></table>'


def describe(run: Run) -> str:
    """Pace and device in one line."""
    trainer: Any = run.trainer
    device = device_name(run.device)
    pairs = f"{len(trainer.pairs.train):,} pairs"
    if run.snapshot is None:
        return f"{pairs} · {device}"
    return f"{run.snapshot.metrics['pairs_per_second']:,.0f} pairs/s of {pairs} · {device}"
