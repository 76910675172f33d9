"""Passages of the speeches, by century: what is to be told apart where the task is of text."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from playground.components import answers
from playground.session import Session, SessionStore
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.data.passages import PassageSet

SHOWN_EACH = 3
"""Passages of each century."""
PAGE = "transfer_passages_page"
INTRODUCTION = (
    "Cut from State of the Union addresses, all of one length and none that names a year. Which words would give the "
    "century away?"
)
FEW_PRESIDENTS = (
    "No year is on both sides of the split, but presidents are: of the 1700s there are only Washington and Adams, so "
    "there the century and the man can't be told apart."
)


@dataclass(frozen=True)
class PassagesPart:
    """The components of this part."""

    others: gr.Button
    shown: gr.HTML


def lay_out_passages() -> PassagesPart:
    """Lay this part out where it is called."""
    with gr.Row(elem_classes=["actions"]):
        answers.html_area(answers.sentence(INTRODUCTION), elem_classes=["note-line"])
        others = gr.Button("Show others", size="sm", min_width=110, scale=0, elem_id="transfer-passages-others")
    return PassagesPart(others, answers.html_area(elem_id="transfer-passages"))


def wire_passages(store: SessionStore, part: PassagesPart, view: gr.Tab) -> None:
    """Show passages where the view comes into sight, and others at each click."""

    def on_view(request: gr.Request) -> str:
        return passages_html(store.of(str(request.session_hash)), turn=False)

    def on_others(request: gr.Request) -> str:
        return passages_html(store.of(str(request.session_hash)), turn=True)

    view.select(on_view, None, part.shown, api_name=False, **QUICK)
    part.others.click(on_others, None, part.shown, api_name=False, trigger_mode="multiple", **QUICK)


def passages_html(session: Session, *, turn: bool) -> str:
    """The passages that the session has come to; `turn` goes on to the next ones."""
    from backends.data.passages import load_passages
    from backends.data.text import TextError

    page = session.uploads[PAGE] = int(session.uploads.get(PAGE, 0)) + int(turn)
    try:
        train, _ = load_passages()
    except TextError as error:
        return answers.problem(str(error))
    source = f"Source: {train.source}. Licence: {train.licence}."
    return columns_html(train, page) + answers.sentence(FEW_PRESIDENTS) + answers.sentence(source)


def columns_html(passages: PassageSet, page: int) -> str:
    """A column a century: SHOWN_EACH of its passages, each with its speech; the pages come round."""
    (factor,) = passages.factors.values()
    columns = ""
    for number, name in enumerate(factor.classes):
        mine = np.random.default_rng(number).permutation(np.flatnonzero(factor.values == number))
        chosen = mine.take(range(page * SHOWN_EACH, (page + 1) * SHOWN_EACH), mode="wrap")
        columns += f"<section><h3>{html.escape(name)}</h3>{''.join(_passage(passages, i) for i in chosen)}</section>"
    return f'<div class="transfer-passages">{columns}</div>'


def _passage(passages: PassageSet, index: int) -> str:
    text, speech = html.escape(passages.texts[index]), html.escape(passages.names[index])
    return f"<figure><blockquote>… {text} …</blockquote><figcaption>{speech}</figcaption></figure>"
