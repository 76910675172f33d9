"""The CLIP tab: train pictures against captions, ask with any label, search, sort ten names at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from backends.clip.config import CLIPConfig
from backends.data.pictures import PictureError
from backends.engine.config import MethodConfig
from playground import controls
from playground.components import answers
from playground.components.link_box import copied_query, link_field, wire_link
from playground.components.run_panel import RunPanel, TabRun
from playground.link_texts import kept_texts, take_texts
from playground.links import Link, LinkTarget
from playground.own_pictures import OWN_DATA, own_pictures, read_own_pictures, take_own_pictures
from playground.session import Session, SessionStore
from playground.tabs import clip_ask, clip_composition, clip_game, clip_gap, clip_live, clip_presets, clip_search
from playground.tabs.clip_how import build_how_it_works
from playground.tabs.clip_models import build_models
from playground.tabs.clip_state import TAB
from playground.tabs.pictures import UPLOAD
from playground.tabs.presets import ButtonOf, wire_presets
from playground.tabs.tab import QUICK, Tab

QUESTION = "Can a classifier be made of words alone?"
LEAD = (
    "Pictures and captions, no labels: each picture must find its own caption. Afterwards any words you type are a "
    "classifier."
)
LINK = LinkTarget({"": CLIPConfig}, kept=clip_ask.TEXTS + clip_search.TEXTS)
SHOW_TRAINING = "() => ({__type__: 'update', selected: 'live'})"
DOOR = (
    "A .zip with a folder for each caption, or with a captions.csv (columns file and caption). Your pictures stay in "
    "this server's memory only, and only while this page is open."
)


@dataclass
class Parts:
    """The components of the tab that are wired to each other."""

    widgets: dict[str, Any]
    panel: RunPanel
    own: gr.File
    own_note: gr.HTML
    copy_link: gr.Button
    link: gr.Textbox
    views: gr.Tabs
    ask: clip_ask.AskPart
    search: clip_search.SearchPart
    game: clip_game.GamePart
    game_tab: gr.Tab
    composition: clip_composition.CompositionPart
    composition_tab: gr.Tab
    gap: clip_gap.GapPart
    gap_tab: gr.Tab
    live: clip_live.Live
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
    settings = controls.in_config_order(CLIPConfig, parts.widgets)
    run = clip_live.run_of(store, parts.live, settings)
    for button in (parts.panel.train, parts.panel.step, parts.panel.reset):
        button.click(None, None, parts.views, js=SHOW_TRAINING)  # before the training, whose end it would wait for
    parts.panel.wire(run)
    clip_ask.wire_ask(store, parts.ask)
    clip_search.wire_search(store, parts.search, parts.views, parts.ask.views)
    clip_game.wire_game(store, parts.game, parts.game_tab)
    clip_gap.wire_gap(store, parts.gap, parts.gap_tab)
    answering = _answering_views(parts.ask, parts.live)
    clip_composition.wire_composition(store, parts.composition, parts.composition_tab, on_loaded, answering)
    wire_presets(store, parts.presets, parts.expectation, settings)
    _wire_own(store, parts)
    wire_link(parts.copy_link, parts.link, settings, partial(make_query, store, run))

    def on_open(session: Session, link: Link | None) -> list[Any]:
        config = link.configs[""] if link is not None else None
        if link is not None:
            take_texts(session, LINK.kept, link.texts)
        return [
            *parts.panel.restore(run, session, config),
            *clip_search.searched_values(session),
            *clip_ask.texts_of(session),
            *clip_ask.views_of(session),
        ]

    ask, search = parts.ask, parts.search
    return Tab(
        [*parts.panel.outputs(run), search.plus, search.minus, ask.labels, ask.templates, *ask.views], on_open, LINK
    )


def _lay_out_settings(store: SessionStore) -> dict[str, Any]:
    answers.html_area(f"<h2>{QUESTION}</h2><p>{LEAD}</p>", elem_classes=["lead"])
    widgets = controls.build_essential(CLIPConfig, "clip")
    with gr.Accordion("Your own pictures", open=False):
        answers.html_area(f'<p class="note">{DOOR}</p>')
        own = gr.File(label="A .zip of pictures", file_types=[".zip"], file_count="single", elem_id="clip-zip")
    own_note = answers.html_area(elem_id="clip-zip-note", elem_classes=["note-line"])
    with gr.Accordion("Advanced", open=False):
        widgets |= controls.build_advanced(CLIPConfig, "clip")
    panel = RunPanel(store, "clip")
    with gr.Row(elem_classes=["run-buttons"]):
        copy_link = gr.Button("Copy link", size="sm", elem_id="clip-copy-link", min_width=60)
    return {
        "widgets": widgets,
        "own": own,
        "own_note": own_note,
        "panel": panel,
        "copy_link": copy_link,
        "link": link_field("clip"),
    }


def _lay_out_views(store: SessionStore) -> dict[str, Any]:
    with gr.Tabs(elem_classes=["questions"], elem_id="clip-views-tabs") as views:
        with gr.Tab("Ask", id="ask"):
            ask = clip_ask.lay_out_ask()
        with gr.Tab("Search", id="search"):
            search = clip_search.lay_out_search()
        with gr.Tab("Ten names", id="game") as game_tab:
            game = clip_game.lay_out_game()
        with gr.Tab("Composition", id="composition") as composition_tab:
            composition = clip_composition.lay_out_composition()
        with gr.Tab("The gap", id="gap") as gap_tab:
            gap = clip_gap.lay_out_gap()
        with gr.Tab("Your run", id="live"):
            live = clip_live.lay_out_live()
        with gr.Tab("Try this", id="try"):
            presets, expectation = clip_presets.lay_out_presets()
        with gr.Tab("Models", id="models"):
            build_models(store, on_loaded, _answering_views(ask, live))
        with gr.Tab("How it works", id="how"):
            build_how_it_works()
    return {
        "views": views,
        "ask": ask,
        "search": search,
        "game": game,
        "game_tab": game_tab,
        "composition": composition,
        "composition_tab": composition_tab,
        "gap": gap,
        "gap_tab": gap_tab,
        "live": live,
        "presets": presets,
        "expectation": expectation,
    }


def _answering_views(ask: clip_ask.AskPart, live: clip_live.Live) -> list[gr.components.Component]:
    """What `on_loaded` makes values for; the other parts are filled when their tabs are seen."""
    return [ask.labels, ask.templates, *ask.views, live.table]


def on_loaded(session: Session) -> list[Any]:
    """The views that show which model answers, after another one came or went."""
    session.stop(TAB)
    clip_ask.forget_first_labels(session)
    return [*clip_ask.texts_of(session), *clip_ask.views_of(session), clip_live.table_of(session)]


def _wire_own(store: SessionStore, parts: Parts) -> None:
    """A .zip of one's own becomes what is trained on."""

    def on_upload(path: str | None, request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        if not path:
            return [
                gr.skip(),
                answers.problem("No file arrived: choose a .zip of pictures, in folders or with a captions.csv."),
                None,
            ]
        try:
            pictures = read_own_pictures(path)
        except PictureError as error:
            return [gr.skip(), answers.problem(str(error)), None]
        take_own_pictures(session, pictures)
        return [OWN_DATA, answers.sentence(f"{len(pictures):,} pictures are here. Press Train."), None]

    def on_data(data: str, labels: str, request: gr.Request) -> list[Any]:
        missing = data == OWN_DATA and own_pictures(store.of(str(request.session_hash))) is None
        note = answers.sentence("Bring a .zip under Your own pictures.") if missing else ""
        untouched = labels in clip_ask.FIRST_LABELS.values()
        return [note, clip_ask.first_labels(data) if untouched else gr.skip()]

    data = parts.widgets["data"]
    parts.own.upload(on_upload, parts.own, [data, parts.own_note, parts.own], api_name="clip_own_pictures", **UPLOAD)
    data.input(on_data, [data, parts.ask.labels], [parts.own_note, parts.ask.labels], api_name=False, **QUICK)


def make_query(store: SessionStore, tab: TabRun, request: gr.Request, values: list[Any]) -> str:
    """The link to a visitor's settings.

    Raises:
        ConfigError: a setting is out of its range.
    """
    session = store.of(str(request.session_hash))
    config: MethodConfig = tab.controls.read(values)
    return copied_query(session, TAB, LINK, {"": config}, kept_texts(session, LINK.kept))
