"""The Word2Vec tab: train on real text, watch words find their places, ask for analogies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from backends.analysis import analogies
from backends.analysis.map_config import MapConfig
from backends.analysis.word_vectors import WordQuestionError, WordVectors
from backends.data.corpora import BUILT_IN, OWN_TEXT
from backends.data.text import MAX_TEXT_BYTES, TextError, TokenisedText, read_text_file
from backends.engine.config import MethodConfig
from backends.engine.trainer import Trainer
from backends.word2vec.config import Word2VecConfig
from playground import controls
from playground.components import answers
from playground.components.embedding_explorer import Explorer, embedding_explorer
from playground.components.link_box import copied_query, link_field, wire_link
from playground.components.plotly_view import pack, plotly_view
from playground.components.run_panel import RunPanel, TabRun, device_name
from playground.components.word_fields import word_box, word_list
from playground.figures import curves
from playground.kept_runs import distinction
from playground.link_texts import kept_texts, take_texts
from playground.links import Link, LinkTarget
from playground.live_map import changed_map, map_of
from playground.pins import PinError, pins_of
from playground.session import Run, Session, SessionStore, worth_keeping
from playground.tabs.tab import QUICK, Tab
from playground.tabs.word2vec_by_hand import build_by_hand
from playground.tabs.word2vec_compare import Compare, build_compare, comparison, loss_points, pin_present
from playground.tabs.word2vec_home import LOADED, build_load, build_take_home
from playground.tabs.word2vec_map import (
    FIRST_WORD,
    TAB,
    asked_word,
    frames_at_rest,
    has_vectors,
    map_config,
    map_frame,
    map_items,
    map_marks,
    map_source,
    nearest_words,
    picked_word,
    vectors_of,
)
from playground.tabs.word2vec_presets import ButtonOf, lay_out_presets, wire_presets
from playground.tabs.word2vec_questions import TEXTS, asked_values, build_how_it_works, build_questions

QUESTION = "Do words that keep the same company mean the same?"
LEAD = "No labels: the text itself says which words stand together. Train, and watch king − man + woman become queen."
AT_REST: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "multiple", "concurrency_limit": 64}
"""Maps on their way to rest are drawn a frame at a time and wait for nothing."""
MAP_PREFIX = "map_"
OWN_TEXT_KEY = worth_keeping("text")
"""Where in `Session.uploads` the text that a visitor brought is."""
LINK = LinkTarget({"": Word2VecConfig, MAP_PREFIX: MapConfig}, ("word",), TEXTS)


@dataclass
class Parts:
    """The components of the tab that are wired to each other."""

    widgets: dict[str, Any]
    own_text: gr.File
    own_text_note: gr.HTML
    panel: RunPanel
    pin: gr.Button
    pin_note: gr.HTML
    copy_link: gr.Button
    link: gr.Textbox
    word_map: Explorer
    loss: gr.HTML
    checklist: gr.HTML
    word: gr.Textbox
    asked: list[gr.Textbox]
    neighbours: gr.HTML
    known_words: gr.HTML
    origin: gr.HTML
    compare_tab: gr.Tab
    compare: Compare
    load_events: list[Any]
    presets: ButtonOf
    expectation: gr.HTML


def build_tab(store: SessionStore) -> Tab:
    """Lay the tab out and wire it."""
    with gr.Row(elem_classes=["tab-body"]):
        with gr.Column(scale=0, min_width=312, elem_classes=["ask-column"]):
            asked = _lay_out_settings(store)
        with gr.Column(scale=1, min_width=480, elem_classes=["view-column"]):
            parts = Parts(**asked, **_lay_out_views(store))
    tab = _run_of(store, parts)
    parts.panel.wire(tab)
    wire_link(parts.copy_link, parts.link, tab.controls, partial(make_query, store, tab))
    _wire_own_text(store, parts)
    _wire_map(store, parts)
    _wire_pins(store, parts)
    shown = [parts.word, parts.word_map.marks, parts.neighbours]
    wire_presets(store, parts.presets, parts.expectation, tab.controls, ask_word, shown)

    def on_open(session: Session, link: Link | None) -> list[Any]:
        settings = take_link(session, link)
        words = [session.uploads.get("word", FIRST_WORD), *asked_values(session)]
        return [*parts.panel.restore(tab, session, settings), *words]

    return Tab([*parts.panel.outputs(tab), parts.word, *parts.asked], on_open, LINK)


def _lay_out_settings(store: SessionStore) -> dict[str, Any]:
    answers.html_area(f"<h2>{QUESTION}</h2><p>{LEAD}</p>", elem_classes=["lead"])
    widgets = controls.build_essential(Word2VecConfig, "w2v")
    own_text = gr.File(
        label=f"Your own text (.txt, UTF-8, {store.limits.up_to(MAX_TEXT_BYTES)})",
        file_types=[".txt"],
        visible=False,
        height=96,
        elem_id="w2v-own-text",
    )
    own_text_note = answers.html_area(_corpus_note("all"), elem_id="w2v-corpus-note", elem_classes=["note-line"])
    with gr.Accordion("Advanced", open=False):
        widgets |= controls.build_advanced(Word2VecConfig, "w2v")
    panel = RunPanel(store, "w2v", pins=False)
    with gr.Row(elem_classes=["run-buttons"]):
        pin = gr.Button("Pin this run", size="sm", elem_id="w2v-pin", min_width=60)
        copy_link = gr.Button("Copy link", size="sm", elem_id="w2v-copy-link", min_width=60)
    return {
        "widgets": widgets,
        "own_text": own_text,
        "own_text_note": own_text_note,
        "panel": panel,
        "pin": pin,
        "copy_link": copy_link,
        "link": link_field("w2v"),
        "pin_note": answers.html_area(elem_id="w2v-pin-note", elem_classes=["note-line"]),
    }


def _lay_out_views(store: SessionStore) -> dict[str, Any]:
    with gr.Row(elem_classes=["live-row"]):
        with gr.Column(min_width=340, elem_classes=["map-column"]):
            word_map = embedding_explorer(label="Map of the most frequent words", height=396, elem_id="w2v-map")
        with gr.Column(min_width=290, elem_classes=["side-column"]):
            loss = plotly_view(label="Loss over the words read", height=140, elem_id="w2v-loss")
            checklist = answers.html_area(elem_id="w2v-analogies")
            word = word_box("Nearest neighbours of", FIRST_WORD, "w2v-neighbour-word")
            neighbours = answers.html_area(elem_id="w2v-neighbours")
    known_words = word_list("w2v-known-words")
    origin = answers.html_area(elem_id="w2v-origin", elem_classes=["note-line"])
    with gr.Tabs(elem_classes=["questions"]):
        asked = build_questions(store, vectors_of)
        with gr.Tab("Try this", id="try"):
            presets, expectation = lay_out_presets()
        with gr.Tab("By hand", id="by-hand") as by_hand_tab:
            build_by_hand(store, by_hand_tab)
        with gr.Tab("Compare", id="compare") as compare_tab:
            compare = build_compare(store)
        with gr.Tab("Take home", id="home"):
            load_events = _lay_out_home(store, [word_map.frame, checklist, neighbours])
        with gr.Tab("How it works", id="how"):
            build_how_it_works()
    return {
        "word_map": word_map,
        "loss": loss,
        "checklist": checklist,
        "word": word,
        "asked": asked,
        "neighbours": neighbours,
        "known_words": known_words,
        "origin": origin,
        "compare_tab": compare_tab,
        "compare": compare,
        "load_events": load_events,
        "presets": presets,
        "expectation": expectation,
    }


def _lay_out_home(store: SessionStore, views: list[gr.components.Component]) -> list[Any]:
    def on_loaded(session: Session) -> list[Any]:
        session.stop(TAB)
        vectors, _ = vectors_of(session)
        return [map_frame(session, with_history=True), analogy_html(vectors), neighbour_html(session)]

    with gr.Row(elem_classes=["two-parts"]):
        with gr.Column():
            answers.html_area("<h3>Take it home</h3>")
            build_take_home(store, vectors_of, lambda session: session.runs.get(TAB))
        with gr.Column():
            answers.html_area("<h3>Bring other vectors</h3>")
            return build_load(store, on_loaded, views)


def _run_of(store: SessionStore, parts: Parts) -> TabRun:
    async def rest(request: gr.Request) -> AsyncIterator[str]:
        async for frame in frames_at_rest(store, store.of(str(request.session_hash))):
            yield frame

    for loaded in parts.load_events:
        loaded.then(rest, None, parts.word_map.frame, api_name=False, **AT_REST)
    return TabRun(
        tab=TAB,
        controls=controls.in_config_order(Word2VecConfig, parts.widgets),
        make_trainer=partial(make_trainer, store),
        views=[parts.word_map.frame, parts.loss, parts.checklist, parts.neighbours],
        draw=partial(draw, store),
        first_views=first_views,
        describe=describe,
        rest=(rest, [parts.word_map.frame]),
    )


def _wire_own_text(store: SessionStore, parts: Parts) -> None:
    def on_corpus(corpus: str, request: gr.Request) -> tuple[Any, Any]:
        own = corpus == OWN_TEXT
        session = store.of(str(request.session_hash))
        note = text_note(session.uploads.get(OWN_TEXT_KEY)) if own else _corpus_note(corpus)
        return gr.update(visible=own), note

    def on_upload(path: str | None, request: gr.Request) -> list[Any]:
        return [take_text(store.of(str(request.session_hash)), path), None]

    corpus, outputs = parts.widgets["corpus"], [parts.own_text, parts.own_text_note]
    corpus.change(on_corpus, corpus, outputs, api_name=False, **QUICK)
    parts.own_text.upload(
        on_upload, parts.own_text, [parts.own_text_note, parts.own_text], api_name="word2vec_own_text", **QUICK
    )


def _wire_map(store: SessionStore, parts: Parts) -> None:
    def on_word(typed_word: str, request: gr.Request) -> tuple[Any, str]:
        session = store.of(str(request.session_hash))
        _, marks, listing = ask_word(session, str(typed_word))
        return marks, listing

    def on_pick(event: gr.EventData, request: gr.Request) -> tuple[Any, Any, Any]:
        session = store.of(str(request.session_hash))
        picked = picked_word(session, event._data)
        return (picked, *on_word(picked, request)) if picked is not None else (gr.skip(), gr.skip(), gr.skip())

    async def on_layout(event: gr.EventData, request: gr.Request) -> AsyncIterator[str]:
        session = store.of(str(request.session_hash))
        session.uploads["map"] = changed_map(map_config(session), event._data)
        if not has_vectors(session):
            return
        yield map_frame(session)
        async for frame in frames_at_rest(store, session):
            yield frame

    def on_items(request: gr.Request) -> tuple[Any, Any, Any]:
        session = store.of(str(request.session_hash))
        return map_items(session) if has_vectors(session) else (gr.skip(), gr.skip(), gr.skip())

    async def on_seen(request: gr.Request) -> AsyncIterator[str]:
        async for frame in frames_at_rest(store, store.of(str(request.session_hash)), reopened=True):
            yield frame

    word, word_map, marked = parts.word, parts.word_map, [parts.word_map.marks, parts.neighbours]
    word.submit(on_word, word, marked, api_name="word2vec_neighbours", **QUICK)
    word.blur(on_word, word, marked, api_name=False, **QUICK)
    word_map.frame.pick(on_pick, None, [word, *marked], api_name=False, **QUICK)
    word_map.frame.layout(on_layout, None, word_map.frame, api_name=False, **AT_REST)
    named = [word_map.items, parts.known_words, parts.origin]
    seen = word_map.frame.items(on_items, None, named, api_name=False, **QUICK)
    seen.then(on_seen, None, word_map.frame, api_name=False, **AT_REST)  # nothing else does after a reload or a link


def _wire_pins(store: SessionStore, parts: Parts) -> None:
    def on_pin(request: gr.Request) -> str:
        try:
            pinned = pin_present(store.of(str(request.session_hash)))
        except PinError as error:
            return answers.problem(str(error))
        return answers.sentence(f"Pinned: {distinction(pinned.config)}. Change a setting, train, then open Compare.")

    def on_compare(request: gr.Request) -> list[Any]:
        return comparison(store.of(str(request.session_hash)))

    outputs = parts.compare.outputs
    pinned = parts.pin.click(on_pin, None, parts.pin_note, api_name="word2vec_pin", **QUICK)
    pinned.then(on_compare, None, outputs, api_name=False, **QUICK)
    parts.compare_tab.select(on_compare, None, outputs, api_name=False, **QUICK)


def ask_word(session: Session, word: str) -> list[Any]:
    """Ask for another word's neighbours; returns the word, its marks on the map, and the list."""
    session.uploads["word"] = word
    return [word, map_marks(session), neighbour_html(session)]


def make_query(store: SessionStore, tab: TabRun, request: gr.Request, values: list[Any]) -> str:
    """The link to a visitor's settings, map and word.

    Raises:
        ConfigError: a setting is out of its range.
    """
    session = store.of(str(request.session_hash))
    word = asked_word(session)
    return copied_query(
        session,
        TAB,
        LINK,
        {"": tab.controls.read(values), MAP_PREFIX: map_config(session)},
        kept_texts(session, LINK.kept) | ({"word": word} if word != FIRST_WORD else {}),
    )


def take_link(session: Session, link: Link | None) -> MethodConfig | None:
    """Take map and word of a link into the session; returns the settings for the widgets, or None without a link."""
    if link is None:
        return None
    session.uploads["map"] = link.configs[MAP_PREFIX]
    if "word" in link.texts:
        session.uploads["word"] = link.texts["word"]
    take_texts(session, LINK.kept, link.texts)
    return link.configs[""]


def make_trainer(store: SessionStore, session: Session, config: MethodConfig) -> Trainer:
    """Build the trainer of a visitor's settings, with the visitor's text if they ask for it."""
    from backends.word2vec.trainer import Word2VecTrainer

    assert isinstance(config, Word2VecConfig)
    return Word2VecTrainer(config, text=session.uploads.get(OWN_TEXT_KEY), device=store.device)


def take_text(session: Session, path: str | None) -> str:
    """Read an uploaded text into the session; returns the line to show under the file."""
    if not path:
        return answers.problem("No file arrived: choose a .txt file.")
    try:
        text = read_text_file(Path(path))
    except TextError as error:
        return answers.problem(str(error))
    finally:
        Path(path).unlink(missing_ok=True)
    session.uploads[OWN_TEXT_KEY] = text
    run = session.runs.get(TAB)
    if run is not None and run.config.model_dump()["corpus"] == OWN_TEXT:
        run.stale = True
    return text_note(text)


def text_note(text: TokenisedText | None) -> str:
    """What is known about a visitor's text."""
    if text is None:
        return answers.sentence("Choose a .txt file; it stays on this server only while this page is open.")
    return answers.sentence(f"{len(text):,} words, {len(text.words):,} of them different. Press Train.")


def draw(store: SessionStore, session: Session, run: Run, everything: bool) -> list[Any]:
    """Values of the views for a run; `everything` draws also what has not changed.

    Curve and answers take turns, which leaves cores to train. What has not changed is given again: the page sees that
    it is the same, and Gradio spends less on it than on a skip.
    """
    if session.is_driven(TAB):
        session.uploads.pop(LOADED, None)  # what is being trained is what is shown
    source = map_source(session)
    fresh, _ = map_of(source, map_config(session)).poll(store, source)
    shown: dict[str, Any] = run.views.setdefault("shown", {"drawn": 0})
    if fresh or everything or "frame" not in shown:
        shown["frame"] = map_frame(session, with_history=everything)
    if run.snapshot is not shown.get("snapshot") or everything:
        shown |= {"snapshot": run.snapshot, "drawn": shown["drawn"] + 1}
        if everything or "loss" not in shown or shown["drawn"] % 2:
            shown["loss"] = loss_figure(session, run)
        if everything or "answers" not in shown or not shown["drawn"] % 2:
            shown["answers"] = [analogy_html(vectors_of(session)[0]), neighbour_html(session)]
    return [shown["frame"], shown["loss"], *shown["answers"]]


def first_views(session: Session) -> list[Any]:
    """The views before any training: the shipped vectors, or a sentence where they are missing."""
    try:
        vectors, _ = vectors_of(session)
    except WordQuestionError as error:
        return [None, empty_loss(), answers.problem(str(error)), ""]
    return [map_frame(session, with_history=True), empty_loss(), analogy_html(vectors), neighbour_html(session)]


def loss_figure(session: Session, run: Run) -> str:
    """The loss over the words read so far, with the pinned run's behind it."""
    total = run.snapshot.total / 1e6 if run.snapshot else 1.0
    pins = [pin for pin in pins_of(session, TAB) if pin.id == session.uploads.get("pinned")]
    figure = curves.metric_curve(
        *loss_points(run.history),
        total,
        title="Loss per prediction" + (" (dotted: pinned)" if pins else ""),
        step_title="million words read",
        value_title="",
        pinned=loss_points(pins[0].history) if pins else None,
    )
    return pack(figure)


def empty_loss() -> str:
    """The loss chart before training."""
    title = "Loss: appears here while you train"
    return pack(curves.metric_curve([], [], 1.0, title=title, step_title="million words read", value_title=""))


def analogy_html(vectors: WordVectors) -> str:
    """The lecture's analogies with what the vectors answer now."""
    rows: list[tuple[str, str, str, bool | None]] = []
    for result in analogies.ask(vectors):
        question = f"{result.analogy.a} − {result.analogy.b} + {result.analogy.c}"
        if result.answer is None:
            rows.append((question, "word unknown", "", None))
            continue
        note = "" if result.correct else _rank_note(result)
        rows.append((question, result.answer, note, result.correct))
    right = sum(1 for row in rows if row[3])
    return answers.checklist(rows, f"Analogies: {right} of {len(rows)} right")


def neighbour_html(session: Session) -> str:
    """The neighbours of the visitor's word, or what is wrong with it."""
    try:
        vectors, _ = vectors_of(session)
        found = nearest_words(session, vectors, asked_word(session))
    except WordQuestionError as error:
        return answers.problem(str(error))
    return answers.ranked_words([(answer.word, answer.cosine) for answer in found])


def describe(run: Run) -> str:
    """Pace, epoch and device in one line."""
    device = device_name(run.device)
    vocabulary = f"{len(run.frozen):,} words known"
    if run.snapshot is None:
        return f"{vocabulary} · {device}"
    pace = run.snapshot.metrics["words_per_second"]
    shown = f"{pace / 1e6:.2f} M words/s" if pace >= 1e5 else f"{pace:,.0f} words/s"
    epoch = run.snapshot.metrics["epoch"]
    return f"{shown} · epoch {epoch:.2f} of {run.config.model_dump()['epochs']} · {vocabulary} · {device}"


def _rank_note(result: analogies.AnalogyResult) -> str:
    if result.rank is None:
        return f"{result.analogy.answer}: unknown"
    return f"{result.analogy.answer} {_ordinal(result.rank)}"


def _ordinal(rank: int) -> str:
    ending = "th" if 10 <= rank % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending}"


def _corpus_note(corpus: str) -> str:
    info = BUILT_IN.get(corpus)
    return "" if info is None else answers.sentence(f"{info.source}. {info.licence}.")
