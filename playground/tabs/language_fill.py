"""Fill a mask: what BERT finds likely at each [MASK], and a click that accepts it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.components import answers
from playground.components.pick_area import pick_area, picked
from playground.session import Session, SessionStore
from playground.tabs.language_state import marked_text, model_of
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.language.use import Filled

KEPT = "language_filled"
METHOD = "bert"
EXAMPLES = (
    "The people of the United [MASK] want peace.",
    "We must cut [MASK] and create new jobs.",
    "The Congress of the [MASK] States passed a [MASK].",
    "Our soldiers fought in the [MASK].",
)
MASK = "[MASK]"
MAX_TEXT = 100_000
GUESSES = 8


@dataclass(frozen=True)
class FillPart:
    """The components of this part."""

    text: gr.Textbox
    fill: gr.Button
    inside: gr.Button
    examples: list[gr.Button]
    guesses: gr.HTML
    note: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `views_of` makes values for."""
        return [self.guesses, self.note]


@dataclass
class Asked:
    """The text that was asked, and the answer if there is one."""

    text: str = EXAMPLES[0]
    filled: Filled | None = None


def lay_out_fill() -> FillPart:
    """Lay this part out where it is called."""
    text = gr.Textbox(
        EXAMPLES[0],
        label=f"A text with {MASK} where a word is hidden",
        lines=2,
        max_lines=5,
        max_length=MAX_TEXT,
        elem_id="language-fill-text",
        elem_classes=["word-box"],
    )
    with gr.Row(elem_classes=["actions"]):
        fill = gr.Button("Fill", variant="primary", size="sm", elem_id="language-fill", min_width=80)
        inside = gr.Button("Look inside", size="sm", elem_id="language-fill-inside", min_width=100)
    with gr.Row(elem_classes=["example-row"]):
        examples = [
            gr.Button(example, size="sm", min_width=60, elem_id=f"language-fill-example-{number}")
            for number, example in enumerate(EXAMPLES)
        ]
    note = answers.html_area(elem_id="language-fill-note", elem_classes=["note-line"])
    guesses = pick_area(elem_id="language-guesses")
    return FillPart(text, fill, inside, examples, guesses, note)


def wire_fill(store: SessionStore, part: FillPart, tabs: Sequence[gr.Tab]) -> None:
    """Wire the questions; the part is filled when one of its tabs is opened."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_open(request: gr.Request) -> list[Any]:
        return opened(session_of(request))

    def on_fill(text: Any, request: gr.Request) -> list[Any]:
        session = session_of(request)
        asked_of(session).text = text if isinstance(text, str) else ""
        return views_of(session)

    def on_pick(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = session_of(request)
        accept(session, picked(event._data))
        return opened(session)

    gr.on([tab.select for tab in tabs], on_open, None, [part.text, *part.views], api_name=False, **QUICK)
    gr.on(
        [part.fill.click, part.text.submit],
        on_fill,
        part.text,
        part.views,
        trigger_mode="always_last",
        api_name="language_fill",
        **QUICK,
    )
    part.guesses.pick(on_pick, None, [part.text, *part.views], api_name=False, **QUICK)
    for text, button in zip(EXAMPLES, part.examples, strict=True):

        def on_example(request: gr.Request, chosen: str = text) -> list[Any]:
            session = session_of(request)
            asked_of(session).text = chosen
            return opened(session)

        button.click(on_example, None, [part.text, *part.views], api_name=False, **QUICK)


def asked_of(session: Session) -> Asked:
    """What was asked last."""
    asked: Asked = session.uploads.setdefault(KEPT, Asked())
    return asked


def opened(session: Session) -> list[Any]:
    """Values of the text and of the views."""
    return [asked_of(session).text[:MAX_TEXT], *views_of(session)]


def accept(session: Session, pick: str) -> None:
    """Put a guess in its mask's place; a pick that names none changes nothing."""
    asked = asked_of(session)
    model, _ = model_of(session, METHOD)
    mask, _, guess = pick.partition(":")
    if asked.filled is None or model is None or not (mask.isdecimal() and guess.isdecimal()):
        return
    filled = asked.filled
    if int(mask) < len(filled.places) and int(guess) < len(filled.guesses[int(mask)]):
        ids = list(filled.tokens.ids)
        ids[filled.places[int(mask)]] = filled.guesses[int(mask)][int(guess)].id
        if max(ids) < len(model.tokenizer):  # another model may have come since
            asked.text = model.tokenizer.decode(ids)


def views_of(session: Session) -> list[Any]:
    """Values of the guesses and of the line."""
    from backends.language.use import LanguageError, fill_masks

    asked = asked_of(session)
    model, line = model_of(session, METHOD)
    if model is None:
        return ["", answers.sentence(line)]
    if asked.filled is not None and MASK not in asked.text and asked.text.strip():
        whole = f'<p class="filled">{html.escape(asked.text[:2_000])}</p>'
        asked.filled = None
        return [whole, answers.sentence(f"Every mask is filled. Write {MASK} in place of another word to go on.")]
    try:
        asked.filled = fill_masks(model, asked.text, guesses=GUESSES)
    except LanguageError as error:
        return [gr.skip(), answers.problem(str(error))]
    notes = [asked.filled.note] if asked.filled.note else []
    return [guesses_html(asked.filled), "".join(answers.sentence(note) for note in [*notes, line])]


def guesses_html(filled: Filled) -> str:
    """The text with its masks numbered, and for each the likeliest tokens, each a button that accepts it."""
    marks = {place: number for number, place in enumerate(filled.places)}
    best = {
        place: f"<mark>{html.escape(filled.guesses[number][0].token)}</mark><sub>{number + 1}</sub>"
        for place, number in marks.items()
    }
    text = marked_text(filled.tokens, best)
    lists = "".join(
        f'<table class="ranked picks"><caption>Mask {number + 1}</caption><tbody>'
        + "".join(
            f'<tr><th scope="row"><button type="button" data-pick="{number}:{rank}" '
            f'title="put it there">{html.escape(guess.token)}</button></th>'
            f'<td class="bar"><span style="width:{100 * guess.probability:.1f}%"></span></td>'
            f'<td class="num">{guess.probability:.1%}</td></tr>'
            for rank, guess in enumerate(guesses)
        )
        + "</tbody></table>"
        for number, guesses in enumerate(filled.guesses)
    )
    return f'<p class="filled">{text}</p><div class="pick-lists">{lists}</div>'
