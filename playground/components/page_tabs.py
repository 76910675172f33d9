"""`openTab`, with which every script of the page opens a tab by its label, wherever that stands on a narrow page."""

from __future__ import annotations

from pathlib import Path

from playground.components.plotly_view import static_url

SCRIPT = Path(__file__).parent / "page_tabs.js"


def head() -> str:
    """What the page's head must hold; `SCRIPT` must be among the static paths."""
    return f'<script src="{static_url(SCRIPT)}" defer></script>'
