"""Accuracy over the number of labels: a line for each encoder and way, bars for the spread, chance below."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.components.plotly_view import typed
from playground.figures import curves, style
from playground.figures.teaches import COLOURS as SHADES
from playground.figures.teaches import INK

LABEL_GAP = 0.062
"""Between two labels, as a share of the axis."""
LABEL_ROOM = 0.42
"""To the right of the last point, as a share of the axis from 1 to the most labels."""
WAY_LOOKS = {
    "linear": ("solid", "circle"),
    "knn": ("dot", "diamond"),
    "fine_tuning": ("dash", "square"),
    "scratch": ("dashdot", "x"),
}
"""Dash and marker of each way."""
COLOURS = (style.ACCENT, style.HIGHLIGHT)
"""Of the encoder and of the one that it is compared with."""
SCRATCH = style.GOOD
TOP = 1.04
EDGE = "rgba(148, 163, 184, 0.4)"
"""Between cells, seen while they are blank; on light and on dark paper."""
NUMBER_SIZE, SPREAD_SIZE = 16, 11
"""Of the table's cells."""


@dataclass(frozen=True)
class LabelCurve:
    """A line of the chart.

    Attributes:
        name: at the line's end; escaped here.
        way: of `WAY_LOOKS`.
        place: 0 of the encoder, 1 of the one that it is compared with.
        labels: (n,) per class, rising.
        mean: (n,) accuracy in [0, 1].
        spread: (n,) standard deviation; NaN where there is none.
    """

    name: str
    way: str
    place: int
    labels: Sequence[int]
    mean: Sequence[float]
    spread: Sequence[float]


def label_chart(lines: Sequence[LabelCurve], chance: float, counts: Sequence[int], *, title: str) -> dict[str, Any]:
    """Accuracy over labels per class on a log axis; no lines draw an empty chart.

    Args:
        lines: in the order in which they are drawn.
        chance: accuracy of always guessing the most frequent class.
        counts: all numbers of labels of the run, so that the axis stands still while it fills.
        title: what is seen, in words.
    """
    known = [line for line in lines if len(line.labels)]
    low, high = (float(np.log10(max(count, 1))) for count in ((counts[0], counts[-1]) if counts else (1, 1)))
    span = max(high - low, 0.3)
    data: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    if known:
        right = 10 ** (high + 0.01 * span)
        data.append(_chance(10.0**low, right, chance))
        ends = [*(line.mean[-1] for line in known), chance]
        places = curves.spread_labels(ends, LABEL_GAP, TOP - 0.02)
        for line, place in zip(known, places, strict=False):
            colour = colour_of(line)
            data.append(_curve(line, colour))
            annotations.append(_label(high, place, f"{html.escape(line.name)} {line.mean[-1]:.0%}", colour))
        annotations.append(_label(high, places[-1], f"guessing {chance:.0%}", style.MUTED))
    layout = style.layout(
        title,
        xaxis=style.axis(
            "labels per class",
            type="log",
            range=[low - 0.05 * span, high + LABEL_ROOM * span],
            tickvals=list(counts),
            ticktext=[str(count) for count in counts],
            visible=bool(counts),
            minor={"showgrid": False, "ticks": ""},
        ),
        yaxis=style.axis(
            "held-out examples named right", range=[0, TOP], tickformat=".0%", nticks=6, visible=bool(counts)
        ),
        annotations=annotations,
    )
    return {"data": data, "layout": layout}


def colour_of(line: LabelCurve) -> str:
    """Of a line and of its name: the encoder's, and one of its own for a net from scratch."""
    return SCRATCH if line.way == "scratch" else COLOURS[line.place % len(COLOURS)]


def _curve(line: LabelCurve, colour: str) -> dict[str, Any]:
    dash, symbol = WAY_LOOKS[line.way]
    spread = np.nan_to_num(np.asarray(line.spread, np.float32))
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": typed(np.asarray(line.labels, np.float32)),
        "y": typed(np.asarray(line.mean, np.float32)),
        "error_y": {"array": typed(spread), "thickness": 1, "width": 3},
        "line": {"color": colour, "width": 2.5, "dash": dash},
        "marker": {"size": 8, "symbol": symbol, "color": colour},
        "hovertemplate": f"{html.escape(line.name)}, %{{x}} labels: %{{y:.1%}}<extra></extra>",
    }


def _chance(left: float, right: float, chance: float) -> dict[str, Any]:
    """A trace and not a shape: the page gives it the colours of dark mode."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [left, right],
        "y": [chance, chance],
        "line": {"color": style.MUTED, "width": 1.5, "dash": "dash"},
        "hovertemplate": "always the most frequent class: %{y:.1%}<extra></extra>",
    }


def _label(at: float, y: float, text: str, colour: str) -> dict[str, Any]:
    # Beside the line's end, so in the middle of its height and not above it. A log axis takes the exponent.
    return {
        "x": at,
        "y": y - 0.6 * LABEL_GAP,
        "text": text,
        "showarrow": False,
        "xanchor": "left",
        "xshift": 10,
        "font": {"color": colour, "size": 13},
    }


def task_table(
    rows: Sequence[str],
    columns: Sequence[str],
    mean: np.ndarray,
    spread: np.ndarray,
    chance: Sequence[float],
    *,
    title: str,
) -> dict[str, Any]:
    """A row an encoder, a column a task: percent right with its spread; cells that are not measured yet are blank.

    Args:
        rows: (M,) titles of the encoders, first on top; escaped here, as the columns are.
        columns: (F,) titles of the tasks.
        mean: (M, F) accuracy in [0, 1], NaN where it is not known; a column's best is bold.
        spread: (M, F) standard deviation, NaN where there is none.
        chance: (F,) accuracy of guessing, NaN where it is not known; said above each column.
        title: what is seen, in words.
    """
    values = np.asarray(mean, np.float64).reshape(len(rows), len(columns))
    around = np.asarray(spread, np.float64).reshape(values.shape)
    best = np.array([np.nanmax(column) if np.isfinite(column).any() else np.nan for column in np.round(100 * values).T])
    heads = [
        html.escape(name) + (f"<br>guessing {at:.0%}" if np.isfinite(at) else "<br> ")
        for name, at in zip(columns, chance, strict=True)
    ]
    heat = {
        "type": "heatmap",
        # Numbers as places: two encoders may have the same title.
        "x": list(range(len(columns))),
        "y": list(range(len(rows))),
        "z": [[float(value) if np.isfinite(value) else None for value in row] for row in values],
        "text": [[_cell(value, around[m, f], best[f]) for f, value in enumerate(row)] for m, row in enumerate(values)],
        "texttemplate": "%{text}",
        "textfont": {"size": NUMBER_SIZE, "color": INK},
        "hoverinfo": "skip",
        "zmin": 0,
        "zmax": 1,
        "colorscale": [list(stop) for stop in SHADES],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }
    layout = style.layout(
        title,
        xaxis=_names(heads, range=[-0.5, len(columns) - 0.5], side="top"),
        yaxis=_names([html.escape(name) for name in rows], range=[len(rows) - 0.5, -0.5]),
        margin={"l": 8, "r": 8, "t": 80, "b": 8},
    )
    return {"data": [heat], "layout": layout}


def _cell(value: float, around: float, best: float) -> str:
    if not np.isfinite(value):
        return ""
    number = f"<b>{100 * value:.0f}</b>" if round(100 * value) == best else f"{100 * value:.0f}"
    return number + (
        f' <span style="font-size:{SPREAD_SIZE}px">± {100 * around:.0f}</span>' if np.isfinite(around) else ""
    )


def _names(names: Sequence[str], **options: Any) -> dict[str, Any]:
    """An axis of names."""
    ticks = {"tickvals": list(range(len(names))), "ticktext": list(names), "tickfont": {"size": 13}, "ticks": ""}
    between = [place - 0.5 for place in range(len(names) + 1)]
    edges = {"tickvals": between, "showgrid": True, "gridcolor": EDGE, "ticks": ""}
    return style.axis("", showgrid=False, fixedrange=True, minor=edges, **ticks, **options)
