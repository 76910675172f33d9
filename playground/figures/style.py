"""Colours and layout that all figures share. A colour "--name" is a variable of the page's style sheet."""

from __future__ import annotations

from typing import Any

ACCENT = "--accent"
HIGHLIGHT = "--highlight"
MUTED = "--chart-muted"
TEXT = "--chart-text"
GOOD = "--good"


def axis(title: str = "", **options: Any) -> dict[str, Any]:
    """A plain axis with a title that says the unit."""
    return {"title": {"text": title, "standoff": 8}, "automargin": True, "zeroline": False, **options}


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
