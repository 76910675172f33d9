"""A tile for every other tab: its picture, its name and one line; a click opens the tab."""

from __future__ import annotations

import html
from collections.abc import Sequence

import gradio as gr

from backends.start.tiles import picture_of

LINES = {
    "word2vec": "Words become places, learned from their neighbours.",
    "attention": "Each word looks at the words that matter to it.",
    "language": "Raw text sets its own questions: masks, gaps, the next word.",
    "pretext": "Turn a picture: the turn is the label.",
    "simclr": "Two views of one picture should be alike.",
    "mae": "Hide three quarters of a picture and paint them.",
    "clip": "Pictures and their captions meet in one space.",
    "transfer": "What was learned without labels makes a few labels enough.",
    "compare": "Runs side by side: what one learned, another did not.",
}
"""By the tab's name."""
OPEN = """
element.addEventListener("click", (event) => {
  const tile = event.target.closest("[data-tab]");
  if (tile && element.contains(tile)) openTab(tile.dataset.tab);
});
"""


def lay_out_tiles(tabs: Sequence[tuple[str, str]]) -> gr.HTML:
    """Lay the tiles out where it is called.

    Args:
        tabs: name and label of every tab that can be opened, in the page's order.
    """
    return gr.HTML(
        tiles_html(tabs), js_on_load=OPEN, apply_default_css=False, elem_id="start-tiles", elem_classes=["start-tiles"]
    )


def tiles_html(tabs: Sequence[tuple[str, str]]) -> str:
    """The tiles as buttons; a tab without a line or a picture of its own has its label."""
    tiles = ""
    for name, label in tabs:
        line = LINES.get(name, "")
        shown, said = html.escape(label, quote=True), html.escape(line, quote=True)
        spoken = f"Open {shown}. {said}".strip()
        tiles += (
            f'<button class="start-tile" data-tab="{shown}" aria-label="{spoken}">{picture_of(name)}'
            f"<b>{shown}</b><span>{said}</span></button>"
        )
    return f"<h3>The lecture, tab by tab</h3><div>{tiles}</div>"
