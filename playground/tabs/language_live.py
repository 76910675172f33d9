"""One run, live: the three losses against guessing by frequency, and what each model makes of one held-out line."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from backends.engine.config import MethodConfig
from backends.engine.trainer import Trainer
from backends.language.config import TITLES
from backends.language.trio_config import METHODS, TrioConfig
from playground.components import answers
from playground.components.plotly_view import pack, plotly_view
from playground.components.run_panel import TabRun, device_name
from playground.controls import Controls
from playground.figures.language import LossLine, held_out_chart
from playground.session import Run, Session, SessionStore, worth_keeping
from playground.tabs.language_state import COLOURS, LOADED, TAB

if TYPE_CHECKING:
    from backends.language.samples import Part, Sample
    from backends.language.trio import FrozenTrio

OWN_TEXT_KEY = worth_keeping("language_text")
SHOWN_SAMPLES = 4
WAITING = (
    "Press Train: BERT, T5 and GPT learn from the same text by turns, and what each makes of one line that it never "
    "trained on appears here as it changes."
)
TASKS = {
    "bert": "fills what is hidden",
    "t5": "writes what is missing",
    "gpt": "goes on",
}


@dataclass(frozen=True)
class Live:
    """The components of the live view."""

    loss: gr.HTML
    table: gr.HTML
    samples: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `draw` makes values for."""
        return [self.loss, self.table, self.samples]


def lay_out_live() -> Live:
    """Lay chart, table and samples out where it is called."""
    with gr.Row(elem_classes=["live-row"]):
        with gr.Column(min_width=420, elem_classes=["map-column"]):
            loss = plotly_view(label="Held-out loss of each model over its steps", height=240, elem_id="language-loss")
        with gr.Column(min_width=290, elem_classes=["side-column"]):
            table = answers.html_area(elem_id="language-table")
    samples = answers.html_area(answers.sentence(WAITING), elem_id="language-samples")
    return Live(loss, table, samples)


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
    """Build the trainer of a visitor's settings, with their text if they ask for it."""
    from backends.language.trio import TrioTrainer

    assert isinstance(config, TrioConfig)
    return TrioTrainer(config, text=session.uploads.get(OWN_TEXT_KEY), device=store.device)


def draw(session: Session, run: Run, everything: bool) -> list[Any]:
    """Values of the views for a run; `everything` draws also what has not changed."""
    if session.is_driven(TAB):
        session.uploads.pop(LOADED, None)  # what is being trained is what answers
    frozen: FrozenTrio = run.frozen
    shown: dict[str, Any] = run.views.setdefault("shown", {})
    losses = tuple(model.scores.get("heldout_loss") for model in frozen.models.values())
    newest = tuple(samples[-1].step for samples in frozen.samples.values() if samples)
    if everything or losses != shown.get("losses"):
        shown |= {"losses": losses, "loss": loss_figure(run), "table": table_html(frozen, run)}
    if everything or newest != shown.get("newest"):
        shown |= {"newest": newest, "samples": samples_html(frozen.samples)}
    return [shown["loss"], shown["table"], shown["samples"]]


def first_views(session: Session) -> list[Any]:
    """The views before any training."""
    return [pack(held_out_chart([], 1.0)), "", answers.sentence(WAITING)]


def loss_figure(run: Run) -> str:
    """Each model's held-out loss over its own steps."""
    frozen: FrozenTrio = run.frozen
    config: TrioConfig = frozen.config
    lines = []
    for method, before in frozen.untrained.items():
        steps, losses = [0.0], [before["heldout_loss"]]
        for snapshot in run.history:
            loss = snapshot.metrics.get(f"{method}_heldout_loss")
            if loss is not None and loss != losses[-1]:
                steps.append(snapshot.metrics[f"{method}_step"])
                losses.append(loss)
        lines.append(LossLine(TITLES[method], COLOURS[method], steps, losses, before["unigram_entropy"]))
    return pack(held_out_chart(lines, float(config.steps)))


def table_html(frozen: FrozenTrio, run: Run) -> str:
    """The newest measures of each model."""
    metrics = run.snapshot.metrics if run.snapshot is not None else {}
    rows = []
    for method, model in frozen.models.items():
        scores = model.scores
        gain = scores["unigram_entropy"] - scores["heldout_loss"]
        pace = metrics.get(f"{method}_tokens_per_second")
        rows.append(
            f'<tr class="of-{method}"><th scope="row">{TITLES[method]}</th>'
            f'<td class="num"><b>{_signed(gain)}</b></td><td class="num">{scores["perplexity"]:,.0f}</td>'
            f'<td class="num">{scores["heldout_accuracy"]:.0%}</td>'
            f'<td class="num">{"" if pace is None else f"{pace:,.0f}"}</td>'
            f'<td class="num">{metrics.get(f"{method}_seconds", 0.0):.0f} s</td></tr>'
        )
    head = (
        '<tr><th></th><th title="nats a token below a guesser that knows only how often each token comes">gained</th>'
        '<th title="among so many equally likely tokens it still wavers">perplexity</th>'
        '<th title="of the answers, first guess">right</th><th title="of text read in training">tokens/s</th>'
        '<th title="that this model has trained for; all have as many steps">time</th></tr>'
    )
    return (
        '<table class="language-scores"><caption>On text never trained on: nats gained over guessing by frequency'
        f"</caption><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>{_t5_note(frozen)}"
    )


def _t5_note(frozen: FrozenTrio) -> str:
    """What of T5's gain is text: its gaps' names and its ends are learned in no time."""
    model = frozen.models.get("t5")
    if model is None or "text_loss" not in model.scores:
        return ""
    gain = model.scores["text_unigram_entropy"] - model.scores["text_loss"]
    return (
        f'<p class="note">T5 also has to write the gaps’ names and the end, which is soon learned; on the words alone '
        f"it has gained {_signed(gain)}.</p>"
    )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def samples_html(samples: Mapping[str, Sequence[Sample]]) -> str:
    """Each model's samples side by side, newest last."""
    columns = "".join(
        f'<section class="of-{method}"><h3>{TITLES[method]} <small>{TASKS[method]}</small></h3>'
        f"{''.join(_sample_html(sample) for sample in _some(samples[method]))}</section>"
        for method in METHODS
        if method in samples
    )
    return f'<div class="language-samples">{columns}</div>'


def _some(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The first and the newest ones, at most `SHOWN_SAMPLES`."""
    if len(samples) <= SHOWN_SAMPLES:
        return samples
    return [samples[0], *samples[1 - SHOWN_SAMPLES :]]


def _sample_html(sample: Sample) -> str:
    text = " ".join(_part_html(part) for part in sample.parts)
    return f'<p><span class="num step">step {sample.step:,}</span> {text}</p>'


def _part_html(part: Part) -> str:
    if not part.written:
        return html.escape(part.text)
    kind = "right" if part.right else "written"
    title = f' title="stood there: {html.escape(part.truth, quote=True)}"' if part.truth else ""
    mark = "✓" if part.right else ""
    return f'<mark class="{kind}"{title}>{html.escape(part.text) or "nothing"}{mark}</mark>'


def describe(run: Run) -> str:
    """Sizes and device in one line."""
    trainer: Any = run.trainer
    counts = [sum(p.numel() for p in one.model.parameters()) / 1e6 for one in trainer.trainers.values()]
    return f"{', '.join(f'{count:.2f}' for count in counts)} M parameters · {device_name(run.device)}"
