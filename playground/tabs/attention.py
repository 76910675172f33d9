"""The Attention tab: the sum by hand, LSTM against transformer, and the heads of a trained model."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from backends.attention.recall_config import RecallConfig
from playground import controls
from playground.components import answers
from playground.components.attention_bench import attention_bench
from playground.components.link_box import copied_query, wire_link
from playground.link_texts import kept_texts, take_texts, text_of
from playground.links import Link, LinkTarget
from playground.session import Session, SessionStore
from playground.tabs import attention_heads, attention_recall
from playground.tabs.attention_how import build_how_it_works
from playground.tabs.attention_recall import TAB
from playground.tabs.tab import Tab

QUESTION = "How does a word find the words that matter to it?"
LEAD = (
    "By comparing its query with every word's key: one sum, no recurrence. Work it out, see it remember where an LSTM "
    "forgets, look into trained heads."
)
LINK = LinkTarget(
    {"": RecallConfig},
    kept=(text_of("text", attention_heads.asked_of, "text", attention_heads.Asked().text),),
)


def build_tab(store: SessionStore) -> Tab:
    """Lay the tab out and wire it."""
    with gr.Column(elem_classes=["view-column"]):
        answers.html_area(f"<h2>{QUESTION}</h2><p>{LEAD}</p>", elem_classes=["lead", "wide-lead"])
        with gr.Tabs(elem_classes=["questions"], elem_id="attention-views-tabs") as views:
            with gr.Tab("The sum by hand", id="by-hand"):
                attention_bench(elem_id="attention-bench")
            with gr.Tab("LSTM against transformer", id="recall"):
                recall = attention_recall.lay_out_recall(store)
            with gr.Tab(attention_heads.HEADS_TITLE, id="heads") as heads_tab:
                heads = attention_heads.lay_out_heads(store)
            with gr.Tab("How it works", id="how"):
                build_how_it_works()
    settings = controls.in_config_order(RecallConfig, recall.widgets)
    run, sweep = attention_recall.wire_recall(store, recall, settings)
    attention_heads.wire_heads(store, heads, heads_tab)
    wire_link(recall.copy_link, recall.link, settings, partial(make_query, store, settings))

    def on_open(session: Session, link: Link | None) -> list[Any]:
        config = link.configs[""] if link is not None else None
        if link is not None:
            take_texts(session, LINK.kept, link.texts)
        return [
            gr.update(selected="recall") if link is not None else gr.skip(),
            *recall.panel.restore(run, session, config),
            *recall.sweep_panel.restore_run(sweep, session),
        ]

    outputs = [views, *recall.panel.outputs(run), *recall.sweep_panel.own_outputs(sweep)]
    return Tab(outputs, on_open, LINK)


def make_query(store: SessionStore, settings: controls.Controls, request: gr.Request, values: list[Any]) -> str:
    """The link to a visitor's settings.

    Raises:
        ConfigError: a setting is out of its range.
    """
    session = store.of(str(request.session_hash))
    return copied_query(session, TAB, LINK, {"": settings.read(values)}, kept_texts(session, LINK.kept))
