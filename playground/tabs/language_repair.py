"""Repair: T5 reads a broken text and writes what is missing, beside what stood there."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.language.corruption import CorruptionError, corrupt_spans, shuffle_sentences
from playground.components import answers
from playground.session import Session, SessionStore
from playground.tabs.language_state import marked_text, model_of
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.language.trainer import FrozenLanguage
    from backends.language.use import Repaired

KEPT = "language_repair"
METHOD = "t5"
EXAMPLES = (
    "The people of the United <X> want peace and <Y> of law.",
    "I am glad to report that the state of the <X> is strong.",
    "We must cut <X> and create <Y> for our children.",
)
WHOLE = (
    "The people of the United States want peace and the rule of law. We ask for no more than our share.",
    "I am glad to report that the state of the Union is strong. Our work is not done, and our people know it.",
    "Every nation has a right to choose its own government and to live in peace with its neighbors.",
)
MAX_TEXT = 100_000


@dataclass(frozen=True)
class RepairPart:
    """The components of this part."""

    text: gr.Textbox
    repair: gr.Button
    broken: gr.Button
    inside: gr.Button
    examples: list[gr.Button]
    answer: gr.HTML
    note: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `views_of` makes values for."""
        return [self.answer, self.note]


@dataclass
class Asked:
    """The broken text, and where the page broke it, what stood in its gaps, by their names."""

    text: str = EXAMPLES[0]
    truth: tuple[tuple[str, str], ...] = ()
    whole: str = WHOLE[0]
    broken: str = ""
    draws: int = 0


def lay_out_repair() -> RepairPart:
    """Lay this part out where it is called."""
    text = gr.Textbox(
        EXAMPLES[0],
        label="A broken text: <X>, <Y>, <Z> stand for what is missing",
        lines=2,
        max_lines=5,
        max_length=MAX_TEXT,
        elem_id="language-repair-text",
        elem_classes=["word-box"],
    )
    with gr.Row(elem_classes=["actions"]):
        repair = gr.Button("Repair", variant="primary", size="sm", elem_id="language-repair", min_width=80)
        broken = gr.Button("Break a sentence for me", size="sm", elem_id="language-break", min_width=160)
        inside = gr.Button("Look inside", size="sm", elem_id="language-repair-inside", min_width=100)
    with gr.Row(elem_classes=["example-row"]):
        examples = [
            gr.Button(example, size="sm", min_width=60, elem_id=f"language-repair-example-{number}")
            for number, example in enumerate(EXAMPLES)
        ]
    note = answers.html_area(elem_id="language-repair-note", elem_classes=["note-line"])
    answer = answers.html_area(elem_id="language-repaired")
    return RepairPart(text, repair, broken, inside, examples, answer, note)


def wire_repair(store: SessionStore, part: RepairPart, tabs: Sequence[gr.Tab]) -> None:
    """Wire the questions; the part is filled when one of its tabs is opened."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_open(request: gr.Request) -> list[Any]:
        return opened(session_of(request))

    def on_repair(text: Any, request: gr.Request) -> list[Any]:
        session = session_of(request)
        take_text(session, text)
        return views_of(session)

    def on_break(text: Any, request: gr.Request) -> list[Any]:
        session = session_of(request)
        take_text(session, text)
        problem = break_text(session)
        return [gr.skip(), gr.skip(), answers.problem(problem)] if problem else opened(session)

    outputs = [part.text, *part.views]
    gr.on([tab.select for tab in tabs], on_open, None, outputs, api_name=False, **QUICK)
    gr.on(
        [part.repair.click, part.text.submit],
        on_repair,
        part.text,
        part.views,
        trigger_mode="always_last",
        api_name="language_repair",
        **QUICK,
    )
    part.broken.click(on_break, part.text, outputs, api_name="language_break", **QUICK)
    for text, button in zip(EXAMPLES, part.examples, strict=True):

        def on_example(request: gr.Request, chosen: str = text) -> list[Any]:
            session = session_of(request)
            take_text(session, chosen)
            return opened(session)

        button.click(on_example, None, outputs, api_name=False, **QUICK)


def asked_of(session: Session) -> Asked:
    """What was asked last."""
    asked: Asked = session.uploads.setdefault(KEPT, Asked())
    return asked


def take_text(session: Session, text: Any) -> None:
    """Take a text from its field; one that the page did not break has no known truth."""
    asked = asked_of(session)
    asked.text = text if isinstance(text, str) else ""
    if asked.text != asked.broken:
        asked.truth, asked.broken = (), ""


def opened(session: Session) -> list[Any]:
    """Values of the text and of the views."""
    return [asked_of(session).text[:MAX_TEXT], *views_of(session)]


def break_text(session: Session) -> str:
    """Break the visitor's own whole text, or one of ours where theirs has gaps; return what is wrong, or ""."""
    from backends.language.config import T5Config
    from backends.language.use import LanguageError, read_text

    asked = asked_of(session)
    model, line = model_of(session, METHOD)
    if model is None:
        return line
    assert isinstance(model.config, T5Config)
    asked.draws += 1
    gapped = any(name in asked.text for name in ("<X>", "<Y>", "<Z>"))
    if not gapped and asked.text.strip() and asked.text != asked.broken:
        asked.whole = asked.text
    elif asked.broken != asked.text:
        asked.whole = WHOLE[asked.draws % len(WHOLE)]
    try:
        tokens = read_text(model, asked.whole)
        ids, generator = np.array([tokens.ids]), np.random.default_rng(asked.draws)
        if model.config.objective == "sentences":
            source = shuffle_sentences(ids, generator, model.tokenizer.ends_sentence).source[0]
            asked.truth = (("in order", model.tokenizer.decode(tokens.ids)),)
        else:
            spans = corrupt_spans(ids, generator, corruption_ratio=0.2, mean_span=model.config.mean_span)
            source = spans.source[0]
            asked.truth = gap_texts(model, spans.targets[0].tolist())
    except (LanguageError, CorruptionError) as error:
        return str(error)
    asked.text = asked.broken = model.tokenizer.decode(source.tolist())
    return ""


def gap_texts(model: FrozenLanguage, targets: list[int]) -> tuple[tuple[str, str], ...]:
    """For each gap its name and what stood there."""
    from backends.language.corruption import is_sentinel
    from backends.language.tokens import END_ID

    gaps: list[tuple[str, list[int]]] = []
    for number in targets:
        if is_sentinel(number):
            gaps.append((model.tokenizer.piece(number), []))
        elif number != END_ID and gaps:
            gaps[-1][1].append(number)
    return tuple((name, model.tokenizer.decode(ids)) for name, ids in gaps)


def views_of(session: Session) -> list[Any]:
    """Values of the answer and of the line."""
    from backends.language.use import LanguageError, repair

    asked = asked_of(session)
    model, line = model_of(session, METHOD)
    if model is None:
        return ["", answers.sentence(line)]
    try:
        repaired = repair(model, asked.text)
    except LanguageError as error:
        return [gr.skip(), answers.problem(str(error))]
    notes = [repaired.note] if repaired.note else []
    pieces = [model.tokenizer.piece(number) for number in repaired.written]
    shown = answer_html(repaired, pieces, dict(asked.truth))
    return [shown, "".join(answers.sentence(note) for note in [*notes, line])]


def answer_html(repaired: Repaired, pieces: Sequence[str], truth: Mapping[str, str]) -> str:
    """The whole text with what was written marked, each gap for itself, and the pieces as the decoder wrote them."""
    if not repaired.answers:
        told = truth.get("in order", "")
        stood = f'<p class="note">It was: {html.escape(told)}</p>' if told else ""
        return f'<p class="filled">{html.escape(repaired.text)}</p>{stood}'
    said = dict(repaired.answers)
    text = marked_text(
        repaired.tokens,
        {
            place: f"<mark>{html.escape(said[piece]) or 'nothing'}</mark>"
            for place, piece in enumerate(repaired.tokens.pieces)
            if piece in said
        },
    )
    head = "<tr><th>gap</th><th>T5 writes</th>" + ("<th>stood there</th>" if truth else "") + "</tr>"
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td><b>{html.escape(answer) or "nothing"}</b></td>'
        + (f"<td>{html.escape(truth.get(name, ''))}</td>" if truth else "")
        + "</tr>"
        for name, answer in repaired.answers
    )
    written = " ".join(
        f'<span class="chip" style="--p:{probability:.2f}" title="{probability:.0%} sure">{html.escape(piece)}</span>'
        for piece, probability in zip(pieces, repaired.probabilities, strict=True)
    )
    return (
        f'<p class="filled">{text}</p><table class="gap-table"><thead>{head}</thead><tbody>{rows}</tbody></table>'
        f'<p class="note">What the decoder wrote; the darker, the surer:</p><div class="chips sure">{written}'
        "</div>"
    )
