"""Colours and layout that all figures share.

The colours are those of the light page, so that a figure stands alone; the page exchanges them for its own in
dark mode (`plotly_view.js`), so a colour that isn't in this list stays as it is there.
"""

from __future__ import annotations

from typing import Any

ACCENT = "#4f46e5"
HIGHLIGHT = "#c2410c"
MUTED = "#64748b"
TEXT = "#1e293b"
GOOD = "#00795a"


def axis(title: str = "", **options: Any) -> dict[str, Any]:
    """A plain axis with a title that says the unit."""
    return {
        "title": {"text": title, "standoff": 6, "font": {"size": 12}},
        "automargin": True,
        "zeroline": False,
        **options,
    }


def hidden_axis(**options: Any) -> dict[str, Any]:
    """An axis of a map, where only distances mean something."""
    return {"visible": False, "showgrid": False, "zeroline": False, **options}


def layout(title: str, **options: Any) -> dict[str, Any]:
    """A layout with its title at the left, no legend, and small margins."""
    return {
        "title": {
            "text": title,
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "font": {"size": 14},
            "y": 0.98,
            "yanchor": "top",
        },
        "margin": {"l": 8, "r": 8, "t": 34, "b": 8},
        "showlegend": False,
        **options,
    }


def points(change: float) -> str:
    """A difference in percentage points as text: signed, with a real minus, and 0 without a sign."""
    whole = round(change)
    return "0" if whole == 0 else f"{whole:+d}".replace("-", "−")
