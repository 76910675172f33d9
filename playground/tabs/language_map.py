"""Sentences: news as points, near each other where a language model finds them alike; ask for one, or bring one."""

from __future__ import annotations

import asyncio
import html
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.analysis.map_config import MapConfig
from backends.language.config import TITLES
from backends.language.sentences import NEWS_SOURCE, SPACES, NewsVectors, has_read, read_news, read_sentence
from backends.language.use import LanguageError
from playground.components import answers
from playground.components.embedding_explorer import Explorer, embedding_explorer
from playground.components.pick_area import pick_area, picked_number
from playground.components.sprites import data_url
from playground.live_map import (
    Source,
    changed_map,
    guests_of,
    map_of,
    packed_frame,
    packed_items,
    packed_marks,
    picked_index,
)
from playground.session import Session, SessionStore
from playground.tabs.language_state import model_of
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.language.trainer import FrozenLanguage

KEPT = "language_sentences"
FIRST_METHOD, FIRST_SPACE = "bert", "whitened"
FIRST_MAP = MapConfig(points=1_000, colour="factor:topic")
FIRST_SENTENCE = "Australia has beaten South Africa by 246 runs in the first Test at the Adelaide Oval."
NEIGHBOURS_SHOWN = 5
MAP_HEIGHT = 384
MAX_TEXT = 100_000
SHOWN_CHARS = 220
SETTLING_PAUSE_SECONDS = 0.1
AT_REST: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "multiple", "concurrency_limit": 64}
"""A map on its way to rest is drawn a frame at a time and waits for nothing."""
TOPIC_COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#7b5ea7", "#8c6d31", "#b8336a", "#8a94a3",
)  # fmt: skip
"""Okabe and Ito's, and as many more as there are topics; the last is of "other"."""
GUEST_SIDE = 32
ABOUT_SPACES = {
    "plain": "Plain: the mean of a sentence's tokens in the last layer. All such means lean to one side.",
    "centred": "Centred: the mean of a sentence's tokens in the last layer, minus the mean of all sentences.",
    "whitened": "Whitened: the mean of a sentence's tokens in the last layer, minus that of all sentences, and every "
    "direction in which they differ counts the same.",
}
YOURS = "your sentence"


@dataclass(frozen=True)
class MapPart:
    """The components of this part."""

    explorer: Explorer
    method: gr.Radio
    space: gr.Radio
    own: gr.Textbox
    ask: gr.Button
    near: gr.HTML
    note: gr.HTML


@dataclass
class Kept:
    """What a session keeps of this part.

    Attributes:
        method: whose vectors are shown; space: what is done to them.
        config: of the map.
        asked: the sentence that was asked, an index; None for the visitor's own.
        own: the visitor's own sentence, its vector, and what is said of it.
        model: that read the news; line: where it comes from.
        found: what it made of them, or None.
        id: of `found`, for the page; views: where its map stands.
        driver: who brings the map to rest.
    """

    method: str = FIRST_METHOD
    space: str = FIRST_SPACE
    config: MapConfig = FIRST_MAP
    asked: int | None = None
    own: tuple[str, np.ndarray, str] | None = None
    model: FrozenLanguage | None = None
    line: str = ""
    found: NewsVectors | None = None
    id: str = ""
    views: dict[str, Any] = field(default_factory=dict)
    driver: object = None


# ---- Layout and wiring


def lay_out_map() -> MapPart:
    """Lay this part out where it is called."""
    with gr.Row(elem_classes=["live-row", "language-map"]):
        with gr.Column(min_width=340, elem_classes=["map-column"]):
            explorer = embedding_explorer(label="Map of sentences of news", height=MAP_HEIGHT, elem_id="language-map")
        with gr.Column(min_width=290, elem_classes=["side-column"]):
            method = gr.Radio(
                [(title, name) for name, title in TITLES.items()],
                value=FIRST_METHOD,
                label="Who reads",
                elem_id="language-map-method",
                elem_classes=["inline-radio", "one-row"],
            )
            space = gr.Radio(
                [(title, name) for name, title in SPACES.items()],
                value=FIRST_SPACE,
                label="Vectors",
                elem_id="language-map-space",
                elem_classes=["inline-radio", "one-row"],
            )
            with gr.Row(elem_classes=["own-sentence"]):
                own = gr.Textbox(
                    label="Your own",
                    placeholder="Write a sentence",
                    elem_classes=["one-row"],
                    max_lines=1,
                    max_length=MAX_TEXT,
                    elem_id="language-map-own",
                    min_width=180,
                )
                ask = gr.Button("Find", size="sm", elem_id="language-map-ask", min_width=60)
            near = pick_area(elem_id="language-map-near")
    note = answers.html_area(elem_id="language-map-note", elem_classes=["note-line"])
    return MapPart(explorer, method, space, own, ask, near, note)


def wire_map(store: SessionStore, part: MapPart, tab: gr.Tab) -> None:
    """Wire this part; it is filled when its tab is opened."""
    _wire_drawing(store, part, tab)
    _wire_asking(store, part)


def _wire_drawing(store: SessionStore, part: MapPart, tab: gr.Tab) -> None:
    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_open(request: gr.Request) -> Iterator[list[Any]]:
        session = session_of(request)
        kept = kept_of(session)
        for views in read_and_opened(session):
            yield [kept.method, kept.space, *views]

    def on_choice(method: Any, space: Any, request: gr.Request) -> Iterator[list[Any]]:
        session = session_of(request)
        choose(session, method, space)
        yield from read_and_opened(session)

    async def on_layout(event: gr.EventData, request: gr.Request) -> AsyncIterator[Any]:
        session = session_of(request)
        kept = kept_of(session)
        kept.config = changed_map(kept.config, event._data)
        yield frame(session)
        async for one in frames_at_rest(store, session):
            yield one

    async def on_rest(request: gr.Request) -> AsyncIterator[Any]:
        async for one in frames_at_rest(store, session_of(request)):
            yield one

    def on_items(request: gr.Request) -> Any:
        return items(session_of(request))

    shown, choices = part.explorer.frame, [part.method, part.space]
    views = [shown, part.near, part.note]
    seen = tab.select(on_open, None, [*choices, *views], api_name=False, **QUICK)
    chosen = gr.on(
        [part.method.input, part.space.input],
        on_choice,
        choices,
        views,
        trigger_mode="always_last",
        api_name="language_sentence_map",
        **QUICK,
    )
    for event in (seen, chosen):
        event.then(on_rest, None, shown, api_name=False, **AT_REST)
    shown.layout(on_layout, None, shown, api_name=False, **AT_REST)
    shown.items(on_items, None, part.explorer.items, api_name=False, **QUICK)


def _wire_asking(store: SessionStore, part: MapPart) -> None:
    def on_own(text: Any, request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        problem = ask_own(session, text)
        return [gr.skip(), problem] if problem else [frame(session), near_html(session)]

    def on_pick(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        return ask_news(session, picked_of(kept_of(session), event._data))

    def on_near(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        return ask_news(session, picked_number(event._data, len(kept_of(session).found or ())))

    explorer = part.explorer
    gr.on(
        [part.ask.click, part.own.submit],
        on_own,
        part.own,
        [explorer.frame, part.near],
        trigger_mode="always_last",
        api_name="language_near_sentences",
        **QUICK,
    )
    asked = [explorer.frame, explorer.marks, part.near]
    explorer.frame.pick(on_pick, None, asked, api_name=False, **QUICK)
    part.near.pick(on_near, None, asked, api_name=False, **QUICK)


# ---- What is kept


def kept_of(session: Session) -> Kept:
    """What the session keeps of this part."""
    kept: Kept = session.uploads.setdefault(KEPT, Kept())
    return kept


def choose(session: Session, method: Any, space: Any) -> None:
    """Let these count from now on; what is none of the choices changes nothing."""
    kept = kept_of(session)
    kept.method = method if isinstance(method, str) and method in TITLES else kept.method
    kept.space = space if isinstance(space, str) and space in SPACES else kept.space


def refresh(session: Session) -> None:
    """Take the vectors of the model that answers now; where neither it nor the space has changed, nothing is done."""
    kept = kept_of(session)
    model, kept.line = model_of(session, kept.method)
    if model is None:
        kept.model = kept.found = kept.own = None
        return
    found = read_news(model).in_space(kept.space)
    if found is kept.found:
        return
    if kept.own is not None and model is not kept.model:
        vector, note = read_sentence(model, kept.own[0])
        kept.own = (kept.own[0], vector, note)
    if kept.asked is None and kept.own is None:
        sentences = found.news.sentences
        kept.asked = sentences.index(FIRST_SENTENCE) if FIRST_SENTENCE in sentences else 0
    kept.model, kept.found, kept.id, kept.views = model, found, secrets.token_hex(4), {}


def read_and_opened(session: Session) -> Iterator[list[Any]]:
    """The same as `opened`, after a line that asks for patience where a model must read the news first."""
    model, _ = model_of(session, kept_of(session).method)
    if model is not None and not has_read(model):
        yield [gr.skip(), answers.sentence(f"{TITLES[kept_of(session).method]} reads the news…"), gr.skip()]
    yield opened(session)


def opened(session: Session) -> list[Any]:
    """Values of the map, the neighbours and the line."""
    try:
        refresh(session)
    except LanguageError as error:
        return [gr.skip(), answers.problem(str(error)), gr.skip()]
    return [frame(session), near_html(session), note_html(session)]


def ask_own(session: Session, text: Any) -> str:
    """Keep a visitor's sentence and its vector; returns a problem, or nothing."""
    kept = kept_of(session)
    if kept.found is None:
        refresh(session)
    if kept.model is None:
        return answers.problem(kept.line)
    try:
        vector, note = read_sentence(kept.model, text)
    except LanguageError as error:
        return answers.problem(str(error))
    kept.own, kept.asked = (text[:MAX_TEXT], vector, note), None
    return ""


def ask_news(session: Session, index: int | None) -> list[Any]:
    """Ask for a sentence of the map; returns values of the map, its marks and the neighbours."""
    if index is None:
        return [gr.skip(), gr.skip(), gr.skip()]
    kept = kept_of(session)
    had_own, kept.own, kept.asked = kept.own is not None, None, index
    return [frame(session) if had_own else gr.skip(), marks(session), near_html(session)]


# ---- The map


def source_of(kept: Kept) -> Source[NewsVectors] | None:
    """The sentences that the map shows, or None where there is no model."""
    if kept.found is None:
        return None
    return Source(
        f"sentences-{kept.id}",
        kept.found,
        1,
        "",
        True,
        kept.views,
        lambda n: f"{n:,} sentences of news, read by {TITLES[kept.method]}",
        factors=kept.found.factors,
    )


def frame(session: Session) -> Any:
    """The map as it is now, with what was asked and its neighbours."""
    kept = kept_of(session)
    source = source_of(kept)
    if source is None:
        return None
    view = map_of(source, kept.config)
    guests = []
    if kept.own is not None:
        vector = source.vectors.space.of(kept.own[1][None])
        guests = guests_of(source, view, vector, [YOURS], [guest_picture()], NEIGHBOURS_SHOWN)
    return packed_frame(source, view, kept.asked, [index for index, _ in nearest(kept)], guests=guests)


def marks(session: Session) -> Any:
    """What was asked and its neighbours, for the map that the page shows."""
    kept = kept_of(session)
    source = source_of(kept)
    if source is None:
        return gr.skip()
    return packed_marks(source, map_of(source, kept.config), kept.asked, [index for index, _ in nearest(kept)])


def items(session: Session) -> Any:
    """The sentences and their topics."""
    kept = kept_of(session)
    source = source_of(kept)
    if source is None:
        return gr.skip()
    return packed_items(source, map_of(source, kept.config), noun="sentence", swatches={"topic": TOPIC_COLOURS})


def picked_of(kept: Kept, data: Any) -> int | None:
    """The sentence behind a point that was clicked, if page and server speak of the same map."""
    source = source_of(kept)
    return None if source is None else picked_index(source, map_of(source, kept.config), data)


async def frames_at_rest(store: SessionStore, session: Session) -> AsyncIterator[Any]:
    """The map while it comes to rest; ends when it does, when another event draws it, or when the page is gone."""
    kept = kept_of(session)
    mine = kept.driver = object()
    more = True
    while more and kept.driver is mine and session.left is None:
        source = source_of(kept)
        if source is None:
            return
        fresh, more = map_of(source, kept.config).poll(store, source)
        if fresh:
            yield frame(session)
        await asyncio.sleep(SETTLING_PAUSE_SECONDS)


@lru_cache(maxsize=1)
def guest_picture() -> str:
    """What stands for a visitor's sentence on the map: a white diamond."""
    across = np.abs(np.arange(GUEST_SIDE) - (GUEST_SIDE - 1) / 2)
    inside = across[:, None] + across[None] < GUEST_SIDE / 4
    picture = np.full((GUEST_SIDE, GUEST_SIDE, 3), (194, 65, 12), np.uint8)
    picture[inside] = 255
    return data_url(picture)


# ---- The neighbours and the line


def nearest(kept: Kept) -> list[tuple[int, float]]:
    """Index and cosine of the sentences nearest to what was asked, nearest first."""
    if kept.found is None:
        return []
    if kept.own is not None:
        return kept.found.nearest_to(kept.found.space.of(kept.own[1][None])[0], NEIGHBOURS_SHOWN)
    return [] if kept.asked is None else kept.found.nearest(kept.asked, NEIGHBOURS_SHOWN)


def near_html(session: Session) -> str:
    """What was asked, and the sentences nearest to it, each a button that asks for it."""
    kept = kept_of(session)
    if kept.found is None:
        return answers.sentence(kept.line)
    if kept.own is None and kept.asked is None:
        return answers.sentence("Click a sentence on the map for its nearest.")
    news = kept.found.news
    text, note, story = YOURS, "", -1
    if kept.own is not None:
        text, note = kept.own[0], kept.own[2]
    elif kept.asked is not None:
        text, story = news.sentences[kept.asked], int(news.stories[kept.asked])
    rows = [(index, news.sentences[index], _told(kept.found, index, story), cosine) for index, cosine in nearest(kept)]
    said = answers.sentence(note) if note else ""
    return f'<p class="asked-sentence">{html.escape(shortened(text))}</p>{said}{_list(rows)}'


def _told(found: NewsVectors, index: int, story: int) -> str:
    """What is known of a neighbour: of the same story, or its story's topic."""
    topic = found.news.topic
    return "same story" if int(found.news.stories[index]) == story else topic.classes[topic.values[index]]


def _list(rows: Sequence[tuple[int, str, str, float]]) -> str:
    body = "".join(
        f'<li><button type="button" data-pick="{index}" title="its nearest">{html.escape(text)}</button>'
        f'<span class="told">{html.escape(told)}</span>'
        f'<span class="bar"><i style="width:{100 * max(0.0, min(1.0, cosine)):.0f}%"></i></span>'
        f'<span class="num">{f"{cosine:.2f}".replace("-", "−")}</span></li>'
        for index, text, told, cosine in rows
    )
    return f'<ol class="near-sentences" aria-label="nearest sentences, with cosine">{body}</ol>'


def shortened(text: str) -> str:
    """A sentence that fits beside the map."""
    plain = " ".join(text[: 4 * SHOWN_CHARS].split())
    return plain if len(plain) <= SHOWN_CHARS else f"{plain[: SHOWN_CHARS - 1]}…"


def note_html(session: Session) -> str:
    """Where vectors and sentences come from, and how far the neighbours can be trusted."""
    kept = kept_of(session)
    if kept.found is None or kept.model is None:
        return ""
    reading = read_news(kept.model)
    shares = ", ".join(f"{title} {_percent(reading.in_space(name).same_story)}" for name, title in SPACES.items())
    return "".join(
        answers.sentence(text)
        for text in (
            f"How often the nearest sentence is of the same story: {shares}; by chance {_percent(kept.found.chance)}. "
            f"{ABOUT_SPACES[kept.space]}",
            f"{kept.line} {NEWS_SOURCE}. Colours: what its story has most words of; no model is told.",
        )
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
