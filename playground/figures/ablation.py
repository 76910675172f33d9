"""The ablation as a heatmap."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from playground.figures import style

INK = "#111827"
"""Of the numbers: the cells are light in dark mode too."""
SPAN = 40
"""Points at which the colour is full; larger changes are as dark."""


def ablation_chart(
    rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[float | None]], *, title: str
) -> dict[str, Any]:
    """A cell a run and factor, in points; blue is a gain, orange a loss, and the number stands in the cell.

    Args:
        rows: names of the runs, first on top.
        columns: labels of the factors.
        cells: (rows, columns) points, None where the run has not finished.
        title: what is seen, in words.
    """
    names = [html.escape(name) for name in columns]
    text = [["" if value is None else style.points(value) for value in row] for row in cells]
    data = [
        {
            "type": "heatmap",
            "x": names,
            "y": list(rows),
            "z": [list(row) for row in cells],
            "text": text,
            "texttemplate": "%{text}",
            "textfont": {"size": 15, "color": INK},
            "zmin": -SPAN,
            "zmax": SPAN,
            "colorscale": [[0, "#f2a577"], [0.5, "#f1f5f9"], [1, "#7db8e8"]],
            "showscale": False,
            "xgap": 2,
            "ygap": 2,
            "hovertemplate": "%{y}, %{x}: %{z:+.1f} points<extra></extra>",
        }
    ]
    layout = style.layout(
        title,
        xaxis=style.axis("", side="top", showgrid=False, visible=bool(rows)),
        yaxis=style.axis("", autorange="reversed", showgrid=False, visible=bool(rows)),
        margin={"l": 8, "r": 8, "t": 64, "b": 8},
    )
    return {"data": data if rows else [], "layout": layout}
