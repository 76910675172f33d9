"""What each way to learn teaches about each factor, as a chart of cells with their numbers in them."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from playground.figures import style

INK = "#111827"
"""Of the numbers: the cells are light in dark mode too."""
COLOURS = ((0, "#ffffff"), (0.5, "#cfe3f6"), (1, "#5aa3e0"))
"""Over the accuracy: light enough for dark numbers everywhere."""
NUMBER_SIZE, CHANGE_SIZE = 17, 12


def teaches_chart(
    titles: Sequence[str],
    labels: Sequence[str],
    values: np.ndarray,
    chance: Sequence[float],
    *,
    reference: int | None,
    title: str,
) -> dict[str, Any]:
    """A row a contender, a column a factor; each cell's accuracy in percent, and its difference to one row in points.

    Args:
        titles: (M,) of the contenders, first on top; escaped here, as the labels are.
        labels: (F,) of the factors.
        values: (M, F) accuracies in [0, 1]; a column's best is bold.
        chance: (F,) accuracy of guessing, said above each column.
        reference: the row that the others are compared with; None leaves the differences out.
        title: what is seen, in words.
    """
    known = np.asarray(values, np.float64).reshape(len(titles), len(labels))
    rows = [html.escape(name) for name in titles]
    columns = [f"{html.escape(label)}<br>chance {at:.0%}" for label, at in zip(labels, chance, strict=True)]
    data = [
        {
            "type": "heatmap",
            # Numbers as places: two contenders may have the same title.
            "x": list(range(len(columns))),
            "y": list(range(len(rows))),
            "z": known.tolist(),
            "text": _texts(known, reference),
            "texttemplate": "%{text}",
            "textfont": {"size": NUMBER_SIZE, "color": INK},
            "hovertext": [
                [f"{row}, {html.escape(label)}: {value:.1%}" for label, value in zip(labels, cells, strict=True)]
                for row, cells in zip(rows, known, strict=True)
            ],
            "hoverinfo": "text",
            "zmin": 0,
            "zmax": 1,
            "colorscale": [list(stop) for stop in COLOURS],
            "showscale": False,
            "xgap": 2,
            "ygap": 2,
        }
    ]
    shown = bool(rows)
    layout = style.layout(
        title,
        xaxis=_names(columns, side="top", visible=shown, fixedrange=True),
        yaxis=_names(rows, autorange="reversed", visible=shown, fixedrange=True),
        margin={"l": 8, "r": 8, "t": 84, "b": 8},
    )
    return {"data": data if shown else [], "layout": layout}


def _names(names: Sequence[str], **options: Any) -> dict[str, Any]:
    """An axis of names."""
    ticks = {"tickvals": list(range(len(names))), "ticktext": list(names), "tickfont": {"size": 14}, "ticks": ""}
    return style.axis("", showgrid=False, **ticks, **options)


def _texts(values: np.ndarray, reference: int | None) -> list[list[str]]:
    """What stands in each cell."""
    if not values.size:
        return []
    best = np.round(100 * values).max(axis=0)
    return [
        [
            _text(value, best[f], None if reference is None or m == reference else value - values[reference, f])
            for f, value in enumerate(row)
        ]
        for m, row in enumerate(values)
    ]


def _text(value: float, best: float, change: float | None) -> str:
    number = f"{100 * value:.0f}"
    if round(100 * value) == best:
        number = f"<b>{number}</b>"
    if change is None:
        return number
    return f'{number} <span style="font-size:{CHANGE_SIZE}px">{style.points(100 * change)}</span>'
