"""The Transfer tab: an encoder, a task, a few labels; what each way of using it tells right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from backends.engine.config import MethodConfig
from backends.transfer.config import FIRST, FOLLOWERS, SPEECHES, TASKS, TransferConfig, offered
from backends.transfer.table_config import TableConfig
from playground import controls
from playground.components import answers
from playground.components.link_box import copied_query, link_field, wire_link
from playground.components.run_panel import RunPanel, TabRun
from playground.links import Link, LinkTarget
from playground.own_pictures import OWN_DATA, own_pictures
from playground.session import Session, SessionStore
from playground.tabs import (
    pictures,
    transfer_home,
    transfer_live,
    transfer_passages,
    transfer_pictures,
    transfer_table,
)
from playground.tabs.presets import ButtonOf, wire_presets
from playground.tabs.tab import QUICK, Tab
from playground.tabs.transfer_how import build_how_it_works
from playground.tabs.transfer_presets import lay_out_presets
from playground.tabs.transfer_state import TAB, TABLE, missing_run

QUESTION = "What is an encoder worth when labels are few?"
LEAD = "It learned without labels. Label a few examples: how much does it tell right?"
TABLE_PREFIX = "table_"
LINK = LinkTarget({"": TransferConfig, TABLE_PREFIX: TableConfig})
BRING = "Bring a .zip of folders under Pictures."
EMOJI_LABELS = "20"
"""As many labels per class as every category of emoji has pictures to train on: there are few flags."""
LABELS_ABOVE = ("50", "100")
SHOW_RUN = "() => ({__type__: 'update', selected: 'live'})"


@dataclass
class Parts:
    """The components of the tab that are wired to each other; `opened` is True once the page shows its settings."""

    opened: gr.State
    widgets: dict[str, Any]
    note: gr.HTML
    panel: RunPanel
    copy_link: gr.Button
    link: gr.Textbox
    views: gr.Tabs
    live: transfer_live.Live
    table: transfer_table.TablePart
    pictures: pictures.PicturesPart
    passages_view: gr.Tab
    passages: transfer_passages.PassagesPart
    presets: ButtonOf
    expectation: gr.HTML


def build_tab(store: SessionStore) -> Tab:
    """Lay the tab out and wire it."""
    with gr.Row(elem_classes=["tab-body"]):
        with gr.Column(scale=0, min_width=312, elem_classes=["ask-column"]):
            asked = _lay_out_settings(store)
        with gr.Column(scale=1, min_width=480, elem_classes=["view-column"]):
            shown = _lay_out_views(store)
    parts = Parts(**asked, **shown)
    settings = controls.in_config_order(TransferConfig, parts.widgets)
    run = transfer_live.run_of(store, parts.live, settings)
    for button in (parts.panel.train, parts.panel.step, parts.panel.reset):
        button.click(None, None, parts.views, js=SHOW_RUN)  # before the training, whose end it would wait for
    parts.panel.wire(run)
    table = transfer_table.wire_table(store, parts.table)
    pictures.wire_pictures(store, transfer_pictures.USE, parts.pictures, settings)
    transfer_passages.wire_passages(store, parts.passages, parts.passages_view)
    _wire_task(store, parts)
    wire_link(parts.copy_link, parts.link, settings, partial(make_query, store, run))
    wire_presets(store, parts.presets, parts.expectation, settings)

    def on_open(session: Session, link: Link | None) -> list[Any]:
        config = None if link is None else link.configs[""]
        table_config = None if link is None else link.configs[TABLE_PREFIX]
        return [
            *parts.panel.restore(run, session, config),
            *parts.table.panel.restore(table, session, table_config),
            transfer_table.kind_of(session),
            True,
        ]

    outputs = [*parts.panel.outputs(run), *parts.table.panel.outputs(table), parts.table.kind, parts.opened]
    return Tab(outputs, on_open, LINK)


def _lay_out_settings(store: SessionStore) -> dict[str, Any]:
    answers.html_area(f"<h2>{QUESTION}</h2><p>{LEAD}</p>", elem_classes=["lead"])
    widgets = controls.build_essential(TransferConfig, "transfer")
    note = answers.html_area(elem_id="transfer-note", elem_classes=["note-line"])
    with gr.Accordion("Advanced", open=False):
        widgets |= controls.build_advanced(TransferConfig, "transfer")
    panel = RunPanel(store, "transfer")
    with gr.Row(elem_classes=["run-buttons"]):
        copy_link = gr.Button("Copy link", size="sm", elem_id="transfer-copy-link", min_width=60)
    return {
        "opened": gr.State(False),
        "widgets": widgets,
        "note": note,
        "panel": panel,
        "copy_link": copy_link,
        "link": link_field("transfer"),
    }


def _lay_out_views(store: SessionStore) -> dict[str, Any]:
    with gr.Tabs(elem_classes=["questions"], elem_id="transfer-views-tabs") as views:
        with gr.Tab("Curves", id="live"):
            live = transfer_live.lay_out_live()
        with gr.Tab("Which pretext suits which task?", id="table"):
            table = transfer_table.lay_out_table(store)
        with gr.Tab("Pictures", id="pictures"):
            brought = pictures.lay_out_pictures(transfer_pictures.USE, store.limits)
        with gr.Tab("Passages", id="passages", visible=False) as passages_view:
            passages = transfer_passages.lay_out_passages()
        with gr.Tab("Try this", id="try"):
            presets, expectation = lay_out_presets()
        with gr.Tab("Take home", id="home"):
            transfer_home.build_take_home(store)
        with gr.Tab("How it works", id="how"):
            build_how_it_works()
    return {
        "views": views,
        "live": live,
        "table": table,
        "pictures": brought,
        "passages_view": passages_view,
        "passages": passages,
        "presets": presets,
        "expectation": expectation,
    }


def _wire_task(store: SessionStore, parts: Parts) -> None:
    """Only tasks and encoders of the data are on offer; what is missing is said, and where to bring it."""

    def on_choice(data: str, factor: str, encoder: str, against: str, most: str, request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        missing = str(data) == OWN_DATA and own_pictures(session) is None
        told = BRING if missing else missing_run(session, str(encoder), str(against))
        note = answers.sentence(told) if told else ""
        return [note, *choices(str(data), str(factor), str(encoder), str(against)), fewer(str(data), str(most))]

    def on_data(data: str, request: gr.Request) -> list[Any]:
        missing = str(data) == OWN_DATA and own_pictures(store.of(str(request.session_hash))) is None
        return [gr.Tabs(selected="pictures") if missing else gr.skip(), gr.Tab(visible=str(data) == SPEECHES)]

    follow = [parts.widgets[name] for name in (*FOLLOWERS, "most_labels")]
    for chosen in (parts.opened, *(parts.widgets[name] for name in ("data", "encoder", "against"))):
        chosen.change(
            on_choice,
            [parts.widgets["data"], *follow],
            [parts.note, *follow],
            preprocess=False,  # a preset's task comes before the pictures' own tasks are on offer, and would be refused
            api_name=False,
            trigger_mode="always_last",
            **QUICK,
        )
    shown = [parts.views, parts.passages_view]
    parts.widgets["data"].change(on_data, parts.widgets["data"], shown, api_name=False, **QUICK)


def choices(data: str, factor: str, encoder: str, against: str) -> list[Any]:
    """The tasks that these data have, and the encoders that can read them; what is chosen stays if it is among them."""
    if data not in TASKS:
        return [gr.skip()] * len(FOLLOWERS)
    return [
        gr.update(choices=[(label, name) for name, label in each.items()], value=value if value in each else first)
        for each, value, first in zip(offered(data).values(), (factor, encoder, against), FIRST[data], strict=True)
    ]


def fewer(data: str, most: str) -> Any:
    """Of pictures whose rarest class is small, no more labels than it has."""
    return EMOJI_LABELS if data == "emoji" and most in LABELS_ABOVE else gr.skip()


def make_query(store: SessionStore, tab: TabRun, request: gr.Request, values: list[Any]) -> str:
    """The link to a visitor's settings, and those of their table.

    Raises:
        ConfigError: a setting is out of its range.
    """
    session = store.of(str(request.session_hash))
    table = session.runs.get(TABLE)
    configs: dict[str, MethodConfig] = {"": tab.controls.read(values)}
    if table is not None:
        configs[TABLE_PREFIX] = table.config
    return copied_query(session, TAB, LINK, configs)
