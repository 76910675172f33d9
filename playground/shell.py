"""The page around the tabs: theme, header, tabs in lecture order, and what happens when a page opens or closes."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import gradio as gr

from playground.components import answers, embedding_explorer
from playground.components.plotly_view import plotly_js_path, static_url
from playground.links import Link, read_query
from playground.session import SessionStore
from playground.tabs import word2vec

TITLE = "SSL Playground"
TAGLINE = "Self-supervised learning, trained live"
CSS_PATH = Path(__file__).parent / "style.css"
FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"]
MONO_FONTS = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
MAX_QUEUE = 128
MAX_UPLOAD = "210mb"
"""Above the largest file that is accepted (vectors, 200 MB), so that a slightly larger one gets our sentence."""
UPLOADS_KEPT_SECONDS = 3600
RELOAD_LOOKS = 6
RELOAD_PAUSE_SECONDS = 0.1


def build(store: SessionStore) -> gr.Blocks:
    """Build the whole page."""
    gr.set_static_paths([plotly_js_path(), *embedding_explorer.SCRIPTS.values(), embedding_explorer.STYLE])
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=(600, UPLOADS_KEPT_SECONDS), fill_width=True
    ) as demo:
        token = gr.BrowserState(None, storage_key="ssl-playground-session")
        answers.html_area(f"<h1>{TITLE}</h1><span>{TAGLINE}</span>", elem_classes=["page-header"])
        notice = answers.html_area(elem_id="notice")
        with gr.Tabs(elem_classes=["techniques"]) as techniques, gr.Tab("Word2Vec", id=word2vec.TAB):
            tabs = {word2vec.TAB: word2vec.build_tab(store)}
        targets = {name: tab.link for name, tab in tabs.items()}

        async def on_open(saved: Any, request: gr.Request) -> list[Any]:
            page = str(request.session_hash)
            for _ in range(RELOAD_LOOKS):  # a quick reload may come before its old page is known to be gone
                if not store.is_taken(saved, page):
                    break
                await asyncio.sleep(RELOAD_PAUSE_SECONDS)
            session = store.attach(page, saved)
            link = read_query(dict(request.query_params), targets)
            if session.uploads.get("link") == link.query:  # a reload: what was done since then counts
                link = Link()
            session.uploads["link"] = link.query or session.uploads.get("link")
            chosen = gr.skip() if link.tab is None else gr.update(selected=link.tab)
            opened = [tab.open(session, link if link.tab == name else None) for name, tab in tabs.items()]
            return [
                session.token,
                answers.problem(" ".join(link.problems)) if link.problems else "",
                chosen,
                *itertools.chain.from_iterable(opened),
            ]

        def on_close(request: gr.Request) -> None:
            store.detach(str(request.session_hash))

        outputs = [token, notice, techniques, *(output for tab in tabs.values() for output in tab.outputs)]
        demo.load(on_open, token, outputs, show_progress="hidden", api_name=False)
        demo.unload(on_close)
    demo.queue(max_size=MAX_QUEUE, default_concurrency_limit=8)
    return demo


def launch_options() -> dict[str, Any]:
    """What `launch()` must be given for the page to look and behave as meant."""
    return {
        "theme": theme(),
        "css_paths": [CSS_PATH],
        "head": f'<script src="{static_url(plotly_js_path())}" defer></script>{embedding_explorer.head()}',
        "max_file_size": MAX_UPLOAD,
        "show_error": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "footer_links": [],
        "quiet": True,
    }


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
