"""The Language tab: raw text labels itself three ways; BERT, T5 and GPT train on it, and are asked, live."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from backends.data.corpora import BUILT_IN, OWN_TEXT
from backends.data.text import MAX_TEXT_BYTES, TextError
from backends.language.text import read_text_lines
from backends.language.trio_config import TrioConfig
from playground import controls
from playground.components import answers
from playground.components.link_box import copied_query, link_field, wire_link
from playground.components.run_panel import RunPanel, TabRun
from playground.link_texts import kept_texts, take_texts
from playground.links import Link, LinkTarget
from playground.session import Session, SessionStore
from playground.tabs import (
    language_continue,
    language_fill,
    language_layers,
    language_live,
    language_map,
    language_presets,
    language_repair,
    language_scale,
    language_texts,
    language_ways,
)
from playground.tabs.attention_heads import wire_inside
from playground.tabs.language_how import build_how_it_works
from playground.tabs.language_live import OWN_TEXT_KEY
from playground.tabs.language_models import build_models
from playground.tabs.language_state import TAB
from playground.tabs.presets import ButtonOf, wire_presets
from playground.tabs.tab import QUICK, Tab

QUESTION = "What can be learned from text that nobody labelled?"
LEAD = "Hide a part of a text: the text itself is the answer. BERT, T5 and GPT hide different parts."
LINK = LinkTarget({"": TrioConfig}, kept=language_texts.TEXTS)
SHOW_TRAINING = "() => ({__type__: 'update', selected: 'live'})"
HIDING = ("mask_ratio", "masked_share", "objective", "corruption_ratio", "mean_span")
"""Settings of what is hidden, which one of the models has and the others have not."""
ESSENTIAL = ("models", "corpus", "steps")


@dataclass
class Parts:
    """The components of the tab that are wired to each other."""

    widgets: dict[str, Any]
    panel: RunPanel
    own_text: gr.File
    own_text_note: gr.HTML
    copy_link: gr.Button
    link: gr.Textbox
    views: gr.Tabs
    tabs: dict[str, gr.Tab]
    ways: language_ways.WaysPart
    live: language_live.Live
    fill: language_fill.FillPart
    repair: language_repair.RepairPart
    go_on: language_continue.ContinuePart
    sentences: language_map.MapPart
    layers: language_layers.LayersPart
    scale: language_scale.ScalePart
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
    settings = controls.in_config_order(TrioConfig, parts.widgets)
    run = language_live.run_of(store, parts.live, settings)
    for button in (parts.panel.train, parts.panel.step, parts.panel.reset):
        button.click(None, None, parts.views, js=SHOW_TRAINING)  # before the training, whose end it would wait for
    parts.panel.wire(run)
    language_ways.wire_ways(store, parts.ways)
    tabs = parts.tabs
    language_fill.wire_fill(store, parts.fill, [tabs["ask"], tabs["fill"]])
    language_repair.wire_repair(store, parts.repair, [tabs["ask"], tabs["repair"]])
    language_continue.wire_continue(store, parts.go_on, [tabs["ask"], tabs["continue"]])
    for part, method in ((parts.fill, "bert"), (parts.repair, "t5"), (parts.go_on, "gpt")):
        wire_inside(store, part.inside, part.note, method)
    language_map.wire_map(store, parts.sentences, tabs["sentences"])
    language_layers.wire_layers(store, parts.layers, tabs["layers"])
    language_scale.wire_scale(store, parts.scale, tabs["scale"])
    wire_presets(store, parts.presets, parts.expectation, settings)
    _wire_own_text(store, parts)
    wire_link(parts.copy_link, parts.link, settings, partial(make_query, store, run))

    def on_open(session: Session, link: Link | None) -> list[Any]:
        config = link.configs[""] if link is not None else None
        if link is not None:
            take_texts(session, LINK.kept, link.texts)
        kept = language_ways.kept_ways(session)
        bench = [kept.text, kept.ratio, kept.span, language_ways.broken_of(kept)]
        return [*parts.panel.restore(run, session, config), *bench, *language_ways.views_of(session)]

    return Tab([*parts.panel.outputs(run), *parts.ways.inputs, *parts.ways.views], on_open, LINK)


def _lay_out_settings(store: SessionStore) -> dict[str, Any]:
    answers.html_area(f"<h2>{QUESTION}</h2><p>{LEAD}</p>", elem_classes=["lead"])
    widgets = {name: controls.build_one(TrioConfig, name, "language") for name in ESSENTIAL}
    own_text = gr.File(
        label=f"Your own text (.txt, UTF-8, {store.limits.up_to(MAX_TEXT_BYTES)})",
        file_types=[".txt"],
        visible=False,
        height=96,
        elem_id="language-own-text",
    )
    own_text_note = answers.html_area(
        corpus_note("speeches"), elem_id="language-corpus-note", elem_classes=["note-line"]
    )
    with gr.Accordion("What is hidden", open=False):
        widgets |= {name: controls.build_one(TrioConfig, name, "language") for name in HIDING}
    with gr.Accordion("Advanced", open=False):
        others = [info.name for info in TrioConfig.settings() if info.name not in widgets]
        widgets |= {name: controls.build_one(TrioConfig, name, "language") for name in others}
    panel = RunPanel(store, "language")
    with gr.Row(elem_classes=["run-buttons"]):
        copy_link = gr.Button("Copy link", size="sm", elem_id="language-copy-link", min_width=60)
    return {
        "widgets": widgets,
        "own_text": own_text,
        "own_text_note": own_text_note,
        "panel": panel,
        "copy_link": copy_link,
        "link": link_field("language"),
    }


def _lay_out_views(store: SessionStore) -> dict[str, Any]:
    tabs: dict[str, gr.Tab] = {}
    with gr.Tabs(elem_classes=["questions"], elem_id="language-views-tabs") as views:
        with gr.Tab("Three ways", id="ways"):
            ways = language_ways.lay_out_ways()
        with gr.Tab("Your run", id="live"):
            live = language_live.lay_out_live()
        with (
            gr.Tab("Ask", id="ask") as tabs["ask"],
            gr.Tabs(elem_classes=["questions", "inner"], elem_id="language-ask-tabs"),
        ):
            with gr.Tab("BERT: fill a mask", id="fill") as tabs["fill"]:
                fill = language_fill.lay_out_fill()
            with gr.Tab("T5: repair", id="repair") as tabs["repair"]:
                repair = language_repair.lay_out_repair()
            with gr.Tab("GPT: continue", id="continue") as tabs["continue"]:
                go_on = language_continue.lay_out_continue()
        with gr.Tab("Sentences", id="sentences") as tabs["sentences"]:
            sentences = language_map.lay_out_map()
        with gr.Tab("Layers", id="layers") as tabs["layers"]:
            layers = language_layers.lay_out_layers()
        with gr.Tab("Why it scales", id="scale") as tabs["scale"]:
            scale = language_scale.lay_out_scale()
        with gr.Tab("Try this", id="try"):
            presets, expectation = language_presets.lay_out_presets()
        with gr.Tab("Models", id="models"):
            build_models(store, on_loaded, ways.views)
        with gr.Tab("How it works", id="how"):
            build_how_it_works()
    return {
        "views": views,
        "tabs": tabs,
        "ways": ways,
        "live": live,
        "fill": fill,
        "repair": repair,
        "go_on": go_on,
        "sentences": sentences,
        "layers": layers,
        "scale": scale,
        "presets": presets,
        "expectation": expectation,
    }


def on_loaded(session: Session) -> list[Any]:
    """The bench after other models came or went; whose tab is opened later shows them then."""
    session.stop(TAB)
    return language_ways.views_of(session)


def _wire_own_text(store: SessionStore, parts: Parts) -> None:
    """A text of one's own becomes what is trained on."""

    def on_corpus(corpus: str, request: gr.Request) -> tuple[Any, str]:
        own = corpus == OWN_TEXT
        lines = store.of(str(request.session_hash)).uploads.get(OWN_TEXT_KEY)
        return gr.update(visible=own), own_note(lines) if own else corpus_note(corpus)

    def on_upload(path: str | None, request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        return [take_text(session, path), None]

    corpus = parts.widgets["corpus"]
    corpus.change(on_corpus, corpus, [parts.own_text, parts.own_text_note], api_name=False, **QUICK)
    parts.own_text.upload(
        on_upload, parts.own_text, [parts.own_text_note, parts.own_text], api_name="language_own_text", **QUICK
    )


def corpus_note(corpus: str) -> str:
    """Where a built-in text comes from, and its licence."""
    info = BUILT_IN.get(corpus)
    return answers.sentence(f"{info.source}. {info.licence}.") if info is not None else ""


def own_note(lines: tuple[str, ...] | None) -> str:
    """What is known of a visitor's text."""
    if lines is None:
        return answers.sentence("Choose a .txt file. It stays in this server's memory only while this page is open.")
    words = sum(len(line.split()) for line in lines)
    return answers.sentence(f"{words:,} words are here, in {len(lines):,} lines. Press Train.")


def take_text(session: Session, path: str | None) -> str:
    """Read an uploaded text into the session and delete its file; returns the line to show under it."""
    from backends.language.text import load_text

    if not path:
        return answers.problem("No file arrived: choose a .txt file.")
    try:
        lines = read_text_lines(Path(path))
        load_text(OWN_TEXT, lines)
    except TextError as error:
        return answers.problem(str(error))
    finally:
        Path(path).unlink(missing_ok=True)
    session.uploads[OWN_TEXT_KEY] = lines
    run = session.runs.get(TAB)
    if run is not None and run.config.model_dump()["corpus"] == OWN_TEXT:
        run.stale = True
    return own_note(lines)


def make_query(store: SessionStore, tab: TabRun, request: gr.Request, values: list[Any]) -> str:
    """The link to a visitor's settings.

    Raises:
        ConfigError: a setting is out of its range.
    """
    session = store.of(str(request.session_hash))
    return copied_query(session, TAB, LINK, {"": tab.controls.read(values)}, kept_texts(session, LINK.kept))
