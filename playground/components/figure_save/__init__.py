"""Figures of the page as files: PNG, SVG, or one HTML page that stands alone. All of it happens in the browser.

`save_menu` is part of a chart's template and shows while the chart is hovered or has the focus; the chart's script
hands its figure to `FigureSave.wire` (`save.js`). What is no chart but markup and canvases is wrapped by `saveable`
and needs nothing more (`markup.js`).
"""

from __future__ import annotations

import html
from pathlib import Path

FOLDER = Path(__file__).parent
SCRIPTS = {name: FOLDER / f"{name}.js" for name in ("save", "markup")}
STYLE = FOLDER / "save.css"
HOST = "figure-save-host"
KINDS = ("png", "svg", "html")


def head() -> str:
    """What the page's head must hold; `SCRIPTS` and `STYLE` must be among the static paths."""
    from playground.components.plotly_view import head_tags  # which has a menu of its own from here

    return head_tags("figure-save", SCRIPTS, STYLE)


def save_menu(label: str) -> str:
    """The menu of a figure, as HTML; it must follow the figure within an element of the class `HOST`.

    Args:
        label: what the figure shows.
    """
    name = html.escape(label)
    buttons = "".join(
        f'<button type="button" data-save="{kind}" aria-label="Save as {kind.upper()}: {name}">{kind.upper()}</button>'
        for kind in KINDS
    )
    return (
        f'<details class="figure-save"><summary aria-label="Save figure: {name}">Save</summary>'
        f"<div>{buttons}</div></details>"
    )


def saveable(attributes: str, label: str, figure: str = "") -> str:
    """An element for a figure of markup and canvases, and its menu, as HTML.

    Args:
        attributes: of the element that the figure's script fills, `class` among them.
        label: what the figure shows; it names the files too.
        figure: what the element holds, as HTML; nothing where a script fills it.
    """
    named = f'{attributes} data-figure="{html.escape(label)}"'
    return f'<div class="{HOST}"><div {named}>{figure}</div>{save_menu(label)}</div>'
