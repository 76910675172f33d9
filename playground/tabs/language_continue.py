"""Continue: GPT writes token by token; every token's distribution can be looked at."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.components import answers
from playground.components.pick_area import pick_area, picked_number
from playground.session import Session, SessionStore
from playground.tabs.language_state import model_of
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.language.use import Step

KEPT = "language_continued"
METHOD = "gpt"
FIRST_PROMPT = "The people of the United States"
MAX_TEXT = 100_000
SHOWN_PROMPT = 600
"""Characters of a long prompt that are repeated before what was written."""
FIRST_COUNT, FIRST_TEMPERATURE, FIRST_TOP_K, FIRST_TOP_P = 40, 0.8, 0, 1.0
MOST_COUNT, MOST_TEMPERATURE, MOST_TOP_K = 200, 3.0, 100
SHOWN_SECONDS = 0.1
"""Between two updates of the page."""
WRITING: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": 16, "trigger_mode": "multiple"}


@dataclass(frozen=True)
class ContinuePart:
    """The components of this part."""

    text: gr.Textbox
    settings: list[gr.components.Component]
    write: gr.Button
    stop: gr.Button
    inside: gr.Button
    written: gr.HTML
    distribution: gr.HTML
    note: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `views_of` makes values for."""
        return [self.written, self.distribution, self.note]


@dataclass
class Written:
    """What was written last, or is being written.

    Attributes:
        number: of the writing, so that an older one ends when a newer begins.
        chosen: the token whose distribution is shown; None: the newest.
    """

    prompt: str = FIRST_PROMPT
    steps: list[Step] = field(default_factory=list)
    number: int = 0
    chosen: int | None = None


def lay_out_continue() -> ContinuePart:
    """Lay this part out where it is called."""
    with gr.Row(elem_classes=["ways-ask"]):
        with gr.Column(scale=3, min_width=360):
            text = gr.Textbox(
                FIRST_PROMPT,
                label="The beginning of a text",
                lines=2,
                max_lines=5,
                max_length=MAX_TEXT,
                elem_id="language-prompt",
                elem_classes=["word-box"],
            )
            with gr.Row(elem_classes=["actions"]):
                write = gr.Button("Write", variant="primary", size="sm", elem_id="language-write", min_width=80)
                stop = gr.Button("Stop", size="sm", elem_id="language-stop", min_width=60)
                inside = gr.Button("Look inside", size="sm", elem_id="language-continue-inside", min_width=100)
        with gr.Column(scale=2, min_width=300, elem_classes=["ways-settings"]):
            settings = _settings()
    note = answers.html_area(elem_id="language-continue-note", elem_classes=["note-line"])
    with gr.Row(elem_classes=["live-row"]):
        with gr.Column(min_width=420, elem_classes=["map-column"]):
            written = pick_area(elem_id="language-written")
        with gr.Column(min_width=260, elem_classes=["side-column"]):
            distribution = answers.html_area(elem_id="language-distribution")
    return ContinuePart(text, settings, write, stop, inside, written, distribution, note)


def _settings() -> list[gr.components.Component]:
    def slider(name: str, value: float, least: float, most: float, step: float, label: str, info: str) -> gr.Slider:
        return gr.Slider(
            least,
            most,
            value,
            step=step,
            label=label,
            info=info,
            elem_id=f"language-{name}",
            elem_classes=["setting"],
        )

    return [
        slider("count", FIRST_COUNT, 1, MOST_COUNT, 1, "Tokens", "How many tokens are written."),
        slider(
            "temperature",
            FIRST_TEMPERATURE,
            0,
            MOST_TEMPERATURE,
            0.1,
            "Temperature",
            "Scores are divided by it: near 0 always the likeliest token, above 1 unlikely ones come up more.",
        ),
        slider("top-k", FIRST_TOP_K, 0, MOST_TOP_K, 1, "Top-k", "Draw from the likeliest k tokens only; 0: from all."),
        slider(
            "top-p",
            FIRST_TOP_P,
            0.05,
            1,
            0.05,
            "Top-p",
            "Draw from the fewest tokens that together have this probability; 1: from all.",
        ),
        gr.Number(
            1,
            label="Seed",
            info="The same seed draws the same text.",
            precision=0,
            elem_id="language-write-seed",
            elem_classes=["setting", "one-line"],
        ),
    ]


def wire_continue(store: SessionStore, part: ContinuePart, tabs: Sequence[gr.Tab]) -> None:
    """Wire the questions; the part is filled when one of its tabs is opened."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_open(request: gr.Request) -> list[Any]:
        return opened(session_of(request))

    def on_write(
        text: Any, count: Any, temperature: Any, top_k: Any, top_p: Any, seed: Any, request: gr.Request
    ) -> Iterator[list[Any]]:
        yield from write(session_of(request), text, (count, temperature, top_k, top_p, seed))

    def on_stop(request: gr.Request) -> None:
        written_of(session_of(request)).number += 1

    def on_pick(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = session_of(request)
        kept = written_of(session)
        chosen = picked_number(event._data, len(kept.steps))
        if chosen is not None:
            kept.chosen = chosen
        return views_of(session)

    gr.on([tab.select for tab in tabs], on_open, None, [part.text, *part.views], api_name=False, **QUICK)
    gr.on(
        [part.write.click, part.text.submit],
        on_write,
        [part.text, *part.settings],
        part.views,
        api_name="language_continue",
        **WRITING,
    )
    part.stop.click(on_stop, None, None, api_name="language_stop", **QUICK)
    part.written.pick(on_pick, None, part.views, api_name=False, **QUICK)


def written_of(session: Session) -> Written:
    """What was written last."""
    kept: Written = session.uploads.setdefault(KEPT, Written())
    return kept


def opened(session: Session) -> list[Any]:
    """Values of the prompt and of the views; the first time, the shipped model writes something."""
    kept = written_of(session)
    if kept.steps:
        return [kept.prompt[:MAX_TEXT], *views_of(session)]
    first = (FIRST_COUNT, FIRST_TEMPERATURE, FIRST_TOP_K, FIRST_TOP_P, 1)
    *_, views = write(session, kept.prompt, first)
    return [kept.prompt[:MAX_TEXT], *views]


def write(session: Session, text: Any, values: Sequence[Any]) -> Iterator[list[Any]]:
    """Continue a text; yields the views as it grows, and ends when it is done, stopped, or another begins."""
    from backends.language.use import LanguageError, continue_text

    kept = written_of(session)
    model, line = model_of(session, METHOD)
    if model is None:
        yield ["", "", answers.sentence(line)]
        return
    count, temperature, top_k, top_p, seed = values
    try:
        steps = continue_text(model, text, count=count, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    except LanguageError as error:
        yield [gr.skip(), gr.skip(), answers.problem(str(error))]
        return
    kept.number += 1
    mine = kept.number
    kept.prompt, kept.steps, kept.chosen = text, [], None
    shown = 0.0
    for step in steps:
        if kept.number != mine:
            break
        kept.steps.append(step)
        if time.monotonic() - shown > SHOWN_SECONDS:
            shown = time.monotonic()
            yield views_of(session)
    yield views_of(session)


def views_of(session: Session) -> list[Any]:
    """Values of what was written, of the chosen token's distribution, and of the line."""
    kept = written_of(session)
    _, line = model_of(session, METHOD)
    if not kept.steps:
        return ["", "", answers.sentence(line)]
    chosen = len(kept.steps) - 1 if kept.chosen is None else min(kept.chosen, len(kept.steps) - 1)
    notes = [kept.steps[0].note] if kept.steps[0].note else []
    return [
        written_html(kept.prompt, kept.steps, chosen),
        distribution_html(kept.steps[chosen], chosen),
        "".join(answers.sentence(note) for note in [*notes, line]),
    ]


def written_html(prompt: str, steps: Sequence[Step], chosen: int) -> str:
    """The prompt, and each written token as a button, the darker the likelier it was."""
    start = ("… " if len(prompt) > SHOWN_PROMPT else "") + prompt[-SHOWN_PROMPT:]
    parts, before = [], None
    for number, step in enumerate(steps):
        text, before = _added(before, step), step.text
        parts.append(
            f'<button type="button" data-pick="{number}" aria-pressed="{"true" if number == chosen else "false"}" '
            f'style="--p:{step.probability:.2f}" title="{step.probability:.0%}">{html.escape(text)}</button>'
        )
    return f'<p class="written"><span>{html.escape(start)}</span>{"".join(parts)}</p>'


def _added(before: str | None, step: Step) -> str:
    """What a step added to the text, with the space before it."""
    if before is None:
        return f" {step.token}" if step.text.endswith(f" {step.token}") else step.token
    if step.text.startswith(before):
        return step.text[len(before) :] or step.token
    return step.token


def distribution_html(step: Step, number: int) -> str:
    """What a token was drawn from."""
    rows = "".join(
        f'<tr{" class=drawn" if guess.id == step.id else ""}><th scope="row">{html.escape(guess.token)}</th>'
        f'<td class="bar"><span style="width:{100 * guess.probability:.1f}%"></span></td>'
        f'<td class="num">{guess.probability:.1%}</td></tr>'
        for guess in step.guesses
    )
    drawn = html.escape(step.token)
    if step.id not in [guess.id for guess in step.guesses]:
        rows += (
            f'<tr class="drawn"><th scope="row">{drawn}</th><td class="bar"><span style="width:'
            f'{100 * step.probability:.1f}%"></span></td><td class="num">{step.probability:.1%}</td></tr>'
        )
    return (
        f'<table class="ranked"><caption>Token {number + 1}: “{drawn}” was drawn</caption><tbody>{rows}</tbody></table>'
        f'<p class="note">{step.kept:,} {"token" if step.kept == 1 else "tokens"} could be drawn. At temperature 1 the '
        f"model wavers among {2**step.entropy:,.0f} equally likely tokens ({step.entropy:.1f} bits). Click a token to "
        "see what it was drawn from.</p>"
    )
