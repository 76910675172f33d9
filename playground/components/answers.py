"""Answers as small pieces of HTML. Every word in them is escaped: it may be a visitor's."""

from __future__ import annotations

import html
from collections.abc import Sequence

import gradio as gr


def html_area(value: str = "", *, elem_id: str | None = None, elem_classes: list[str] | None = None) -> gr.HTML:
    """A place for a piece of HTML, free of Gradio's own text styles."""
    return gr.HTML(value, apply_default_css=False, elem_id=elem_id, elem_classes=elem_classes)


def ranked_words(pairs: Sequence[tuple[str, float]], caption: str = "") -> str:
    """Words with a bar and the cosine in figures, best first."""
    rows = "".join(
        f'<tr><th scope="row">{html.escape(word)}</th>'
        f'<td class="bar"><span style="width:{100 * max(0.0, min(1.0, value)):.0f}%"></span></td>'
        f'<td class="num">{value:.2f}</td></tr>'
        for word, value in pairs
    )
    heading = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f'<table class="ranked">{heading}<tbody>{rows}</tbody></table>'


def checklist(rows: Sequence[tuple[str, str, str, bool | None]], caption: str) -> str:
    """Questions with their present answers.

    Args:
        rows: (question, answer now, note, right: True, False or None for "can't be asked").
        caption: heading of the table.
    """
    marks = {True: ("right", "✓"), False: ("wrong", "✗"), None: ("unknown", "–")}
    body = "".join(
        f'<tr class="{marks[right][0]}"><td class="mark" aria-label="{marks[right][0]}">{marks[right][1]}</td>'
        f"<td>{html.escape(question)}</td><td><b>{html.escape(answer)}</b></td>"
        f'<td class="note">{html.escape(note)}</td></tr>'
        for question, answer, note, right in rows
    )
    columns = '<colgroup><col class="mark"><col class="question"><col><col class="note"></colgroup>'
    return f'<table class="checklist"><caption>{html.escape(caption)}</caption>{columns}<tbody>{body}</tbody></table>'


def problem(message: str) -> str:
    """A sentence that says what to do."""
    return f'<p class="problem" role="alert">{html.escape(message)}</p>'


def sentence(text: str) -> str:
    """A plain sentence."""
    return f'<p class="answer">{html.escape(text)}</p>'
