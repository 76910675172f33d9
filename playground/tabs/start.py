"""The Start tab: labels do not scale, creatures without names, and a tile for every other tab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from playground.components import answers
from playground.links import Link, LinkTarget
from playground.session import Session, SessionStore
from playground.tabs import start_game, start_label, start_tiles
from playground.tabs.tab import Tab

TAB = "start"
QUESTION = "What is self-supervised learning?"
LEAD = (
    "A model learns from data that nobody has labelled. It hides a part of the data from itself, or changes it, and "
    "learns to answer for that part: the data are question and answer in one. What it learns so serves other tasks, "
    "with few labels or none."
)
LINK = LinkTarget({})


def build_tab(store: SessionStore, others: Sequence[tuple[str, str]]) -> Tab:
    """Lay the tab out and wire it.

    Args:
        store: holds the visitors' sessions.
        others: name and label of every other tab, in the page's order.
    """
    answers.html_area(f"<h2>{QUESTION}</h2><p>{LEAD}</p>", elem_classes=["lead", "wide-lead", "start-lead"])
    with gr.Tabs(elem_classes=["questions"], elem_id="start-views-tabs"):
        with gr.Tab("Labels do not scale", id="labels"):
            label = start_label.lay_out_label()
        with gr.Tab("Can you name these?", id="creatures") as creatures:
            game = start_game.lay_out_game()
    start_tiles.lay_out_tiles(others)
    start_label.wire_label(store, label)
    start_game.wire_game(store, game, creatures)

    def on_open(session: Session, link: Link | None) -> list[Any]:
        return start_label.label_views(session)

    return Tab(label.views, on_open, LINK)
