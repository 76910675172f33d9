"""The page around the tabs: theme, header, tabs in lecture order, and what happens when a page opens or closes."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from playground import api
from playground.components import (
    answers,
    attention_bench,
    embedding_explorer,
    figure_save,
    head_view,
    lecture_bar,
    mask_bench,
    page_tabs,
    picture_grid,
    plotly_view,
    similarity_grid,
    webcam,
)
from playground.components.plotly_view import plotly_js_path, static_url
from playground.door import Door
from playground.guard import Page
from playground.kept_answers import KeptAnswers
from playground.lecture import Lecture
from playground.lecture_page import build_stage, is_busy, served
from playground.limits import OWN, Limits
from playground.links import LINK_KEY, Link
from playground.page_scripts import MendedScripts
from playground.session import SessionStore
from playground.streams import keep_streams_open
from playground.tabs import (
    attention,
    attention_recall,
    clip,
    clip_state,
    compare,
    language,
    language_state,
    mae,
    mae_state,
    pretext,
    pretext_state,
    simclr,
    simclr_state,
    start,
    transfer,
    transfer_state,
    word2vec,
    word2vec_map,
)
from playground.tabs.tab import Tab
from playground.threads import off_the_loop

TITLE = "SSL Playground"
TAGLINE = "Self-supervised learning, trained live"
CSS_PATH = Path(__file__).parent / "style.css"
FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"]
MONO_FONTS = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
CACHE_SWEEP_SECONDS = 600
SCRIPTED: tuple[Any, ...] = (
    embedding_explorer,
    similarity_grid,
    picture_grid,
    attention_bench,
    head_view,
    mask_bench,
    webcam,
    figure_save,
    lecture_bar,
)
"""Components that bring scripts and styles of their own."""


def _build_start(store: SessionStore) -> Tab:
    return start.build_tab(store, [(name, label) for name, (label, _) in TABS.items() if name != start.TAB])


TABS: dict[str, tuple[str, Callable[[SessionStore], Tab]]] = {
    start.TAB: ("Start", _build_start),
    word2vec_map.TAB: ("Word2Vec", word2vec.build_tab),
    attention_recall.TAB: ("Attention", attention.build_tab),
    language_state.TAB: ("Language", language.build_tab),
    pretext_state.TAB: ("Pretext", pretext.build_tab),
    simclr_state.TAB: ("SimCLR", simclr.build_tab),
    mae_state.TAB: ("MAE", mae.build_tab),
    clip_state.TAB: ("CLIP", clip.build_tab),
    transfer_state.TAB: ("Transfer", transfer.build_tab),
    compare.TAB: ("Compare", compare.build_tab),
}
"""In lecture order. A tab's views are filled when it is first seen: what nobody looks at costs nothing."""
UNNAMED = word2vec_map.TAB
"""The tab of a link that names none: links were written before there were others."""
SHOWN_TAB, OPENED, OPENING = "shown_tab", "opened_tabs", "opening_tab"
TOKEN_KEY = "ssl-playground-session"
RETURN_LOOKS = 15
RETURN_PAUSE_SECONDS = 0.1
OPENING_SECONDS, OPENING_PAUSE_SECONDS = 60.0, 0.1
"""How long a tab that was clicked waits for the page to have its session, and how often it looks."""
READ_TOKEN = f"""(saved) => {{
    try {{
        const own = sessionStorage.getItem("{TOKEN_KEY}");
        const reloaded = performance.getEntriesByType("navigation")[0]?.type === "reload";
        return [{{ token: own ?? saved, reloaded: own !== null && reloaded }}];
    }} catch {{
        return [{{ token: saved, reloaded: false }}];
    }}
}}"""
"""A browser's tab remembers its own session, and falls back on the one that the browser used last."""
KEEP_TOKEN = f"""(token) => {{
    try {{
        sessionStorage.setItem("{TOKEN_KEY}", token);
    }} catch {{}}
}}"""


def build(
    store: SessionStore,
    techniques_shown: Sequence[str] | None = None,
    lecture: Lecture | None = None,
    note: str = "",
) -> gr.Blocks:
    """Build the page.

    Args:
        store: holds the visitors' sessions.
        techniques_shown: names of the tabs, of `TABS`; None: all. The first is the one that is seen at first.
        lecture: the steps of lecture mode; None: this project's own.
        note: a sentence about this server that stands above the tabs.

    Raises:
        LectureError: a step of the lecture can't be shown.
    """
    names = list(TABS) if techniques_shown is None else list(techniques_shown)
    gr.set_static_paths(static_files())
    kept_seconds = store.limits.upload_seconds
    with Page(
        title=TITLE,
        analytics_enabled=False,
        delete_cache=(min(CACHE_SWEEP_SECONDS, kept_seconds), kept_seconds),
        fill_width=True,
    ) as demo:
        token = gr.BrowserState(None, storage_key=TOKEN_KEY)
        answered = gr.State(False)  # whether this page's opening has been answered
        header = f"<h1>{TITLE}</h1><span>{TAGLINE}</span>{lecture_bar.SWITCH}"
        answers.html_area(header, elem_classes=["page-header"])
        gr.HTML(answers.sentence(note), apply_default_css=False, elem_classes=["note-line"], visible=bool(note))
        notice = answers.html_area(elem_id="notice")
        tabs: dict[str, Tab] = {}
        places: dict[str, gr.Tab] = {}
        with gr.Tabs(elem_classes=["techniques"]) as techniques:
            for name in names:
                label, build_tab = TABS[name]
                with gr.Tab(label, id=name) as places[name]:
                    tabs[name] = build_tab(store)
        parts = {name: parts_of(place) for name, place in places.items()}
        targets = {name: replace(tab.link, views=tuple(parts[name])) for name, tab in tabs.items()}
        unnamed = UNNAMED if UNNAMED in targets else None
        groups = list(
            {group._id: group for part in parts.values() for path in part.values() for group, _ in path}.values()
        )
        stage = build_stage(lecture, tabs, labels(), targets, unnamed)

        async def on_page_open(saved: Any, request: gr.Request) -> list[Any]:
            page = str(request.session_hash)
            known, reloaded = saved_token(saved)
            for _ in range(RETURN_LOOKS):  # who returns by a link may come before the old page is known to be gone
                if reloaded or not store.is_taken(known, page):
                    break
                await asyncio.sleep(RETURN_PAUSE_SECONDS)
            session = store.attach(page, known, reloaded)
            link = stage.opened(dict(request.query_params))
            opened_part = dict(parts[link.tab].get(link.view, ())) if link.tab and link.view else {}
            if session.uploads.get(LINK_KEY) == link.query:  # a reload: what was done since then counts
                link = Link()
            session.uploads[LINK_KEY] = link.query or session.uploads.get(LINK_KEY)
            shown = link.tab or session.uploads.get(SHOWN_TAB, names[0])
            session.uploads |= {SHOWN_TAB: shown, OPENED: (page, {shown})}
            taken = link if link.configs or link.texts else None  # a step may open a tab and set nothing
            async with session.uploads.setdefault(OPENING, asyncio.Lock()):  # a step that is walked to comes after
                values = await off_the_loop(tabs[shown].open, session, taken)
            opened = [values if name == shown else unchanged(tab) for name, tab in tabs.items()]
            return [
                session.token,
                True,
                answers.problem(" ".join(link.problems)) if link.problems else "",
                gr.skip() if shown == names[0] else gr.update(selected=shown),
                *itertools.chain.from_iterable(opened),
                *(gr.update(selected=opened_part[group]) if group in opened_part else gr.skip() for group in groups),
            ]

        async def on_select(name: str, is_answered: bool, request: gr.Request, link: Link | None = None) -> list[Any]:
            page = str(request.session_hash)
            first = name == names[0] and link is None
            if not is_answered and (first or not await has_session(store, page)):
                return unchanged(tabs[name])  # a page that opens selects its first tab itself, before it has a session
            session = store.of(page)
            session.uploads |= {SHOWN_TAB: name} if link is None else {SHOWN_TAB: name, LINK_KEY: link.query}
            async with session.uploads.setdefault(OPENING, asyncio.Lock()):  # a step's settings come last
                opened_on, seen = session.uploads.get(OPENED, ("", set()))
                known = opened_on == page and name in seen and not tabs[name].every_time
                if known and (link is None or is_busy(session, name)):
                    return unchanged(tabs[name])
                session.uploads[OPENED] = (page, {name, *(seen if opened_on == page else ())})
                return await off_the_loop(tabs[name].open, session, link)

        def on_page_close(request: gr.Request) -> None:
            store.detach(str(request.session_hash))

        outputs = [token, answered, notice, techniques, *(output for tab in tabs.values() for output in tab.outputs)]
        outputs += groups  # last, for a tab may have opened a part of its own accord
        opening = demo.load(on_page_open, token, outputs, js=READ_TOKEN, show_progress="hidden", api_name=False)
        opening.then(None, token, None, js=KEEP_TOKEN, api_name=False)
        demo.unload(on_page_close)
        for name, place in places.items():

            async def on_this(is_answered: bool, request: gr.Request, chosen: str = name) -> list[Any]:
                return await on_select(chosen, is_answered, request)

            place.select(on_this, answered, tabs[name].outputs, show_progress="hidden", api_name=False)
        stage.wire(answered, on_select)
    keep_no_status(demo)
    api.describe(demo)
    demo.queue(max_size=store.limits.queue, default_concurrency_limit=8)
    keep_streams_open(demo)
    keep_no_statistics(demo)
    return demo


PartPath = list[tuple[gr.Tabs, str]]


def parts_of(place: gr.Tab) -> dict[str, PartPath]:
    """The parts of a tab by name, each with what must be selected to see it: groups of parts from the outside in."""
    found: dict[str, PartPath] = {}

    def look(block: Any, above: PartPath) -> None:
        for child in getattr(block, "children", ()):
            inside = above
            if isinstance(child, gr.Tab) and isinstance(block, gr.Tabs) and isinstance(child.id, str):
                inside = [*above, (block, child.id)]
                found.setdefault(child.id, inside)
            look(child, inside)

    look(place, [])
    return found


def static_files() -> list[Path]:
    """What the page fetches by itself: plotly.js, `openTab`, scripts and styles of components, recorded runs."""
    scripted = [path for part in SCRIPTED for path in (*part.SCRIPTS.values(), part.STYLE)]
    return [plotly_js_path(), plotly_view.READER, page_tabs.SCRIPT, *scripted, *served()]


def labels() -> dict[str, str]:
    """What each tab is called."""
    return {name: label for name, (label, _) in TABS.items()}


async def has_session(store: SessionStore, page: str) -> bool:
    """Wait until a page that is opening has its session; False where it never opened."""
    end = time.monotonic() + OPENING_SECONDS
    while not store.knows(page) and time.monotonic() < end:
        await asyncio.sleep(OPENING_PAUSE_SECONDS)
    return store.knows(page)


def keep_no_status(demo: gr.Blocks) -> None:
    """Let events whose progress is hidden touch the components they change, and no others.

    For each message of a running event, Gradio's page looks up every component that has ever been the output of any
    event, to pass on a loading status. With hundreds of components that held the browser for 150 to 400 ms per message.
    """
    for event in demo.fns.values():
        if event.show_progress == "hidden":
            event.show_progress_on = []


def keep_no_statistics(demo: gr.Blocks) -> None:
    """Let nobody work out how long the last thousand events took, again after every event; call after `demo.queue()`.

    Gradio does so for a page of figures that is closed here (`playground.door`).
    """
    demo._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize


def saved_token(saved: Any) -> tuple[str | None, bool]:
    """Read what `READ_TOKEN` sent: the token of the tab's last session, and whether the page was reloaded."""
    if not isinstance(saved, dict) or not isinstance(saved.get("token"), str):
        return None, False
    return saved["token"], saved.get("reloaded") is True


def unchanged(tab: Tab) -> list[Any]:
    """Leave a tab's components as they are."""
    return [gr.skip()] * len(tab.outputs)


def launch_options(limits: Limits = OWN) -> dict[str, Any]:
    """What `launch()` must be given for the page to look and behave as meant."""
    return {
        "theme": theme(),
        "css_paths": [CSS_PATH],
        "head": page_tabs.head() + plotly_view.head() + "".join(part.head() for part in SCRIPTED),
        "max_file_size": limits.file_bytes,
        "show_error": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "state_session_capacity": 2 * limits.sessions,
        "footer_links": [],
        "quiet": True,
        "app_kwargs": {
            "middleware": [
                Middleware(Door, limits=limits),
                Middleware(KeptAnswers, static_urls=[static_url(path) for path in static_files()]),
                Middleware(MendedScripts),
            ]
        },
    } | ({"run_history": False} if "run_history" in inspect.signature(gr.Blocks.launch).parameters else {})


def theme() -> gr.themes.Base:
    """One accent, the system's own fonts, no shadows."""
    return gr.themes.Base(
        primary_hue="indigo",
        secondary_hue="indigo",
        neutral_hue="slate",
        font=FONTS,
        font_mono=MONO_FONTS,
        radius_size="sm",
        spacing_size="sm",
        text_size="md",
    ).set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
    )
