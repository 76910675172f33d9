"""Pinned runs against each other: curves, and what differs as tables. Every name is escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.components.plotly_view import typed
from playground.figures import style
from playground.figures.curves import finite, spread_labels

COLOURS = (style.ACCENT, style.HIGHLIGHT, style.GOOD, "#0b78b6", "#c026d3", "#a16207", style.MUTED, "#dc2626")
"""Each at least 3:1 on the light page and on the dark one."""
VARIABLES = {
    style.ACCENT: "--accent",
    style.HIGHLIGHT: "--highlight",
    style.GOOD: "--good",
    style.MUTED: "--chart-muted",
}
"""The page's own names of those colours that it exchanges in dark mode."""
SECOND_ROUND = "lines+markers"
"""How the ninth run and later ones differ from those of the same colour."""
DASHES = ("solid", "dash", "dot", "dashdot")
"""Of several nets in one run."""
LABELLED = 9
"""A chart with more curves has numbers at their ends instead of names."""
LABEL_SPACE = 0.22
"""Of the axis, to the right of the curves, where the panel is alone."""
MOST_NAMED = 2
"""More panels side by side have no room for names."""
MAX_LABEL = 22


@dataclass(frozen=True)
class Curve:
    """One line: `run` is the number of its run in the list from 0, `net` which of that run's nets it is.

    `name` says all, `label` is short enough for the end of the line.
    """

    name: str
    label: str
    run: int
    net: int
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Panel:
    """Curves that share both axes."""

    title: str
    x_title: str
    curves: Sequence[Curve]


def colour_of(run: int) -> str:
    """The colour of the run with this number in the list, from 0."""
    return COLOURS[run % len(COLOURS)]


def panel_chart(panels: Sequence[Panel], *, empty: str) -> dict[str, Any]:
    """A chart with a small panel for each group of curves, side by side.

    Args:
        panels: what is drawn; none: nothing but `empty`.
        empty: title of a chart without curves.
    """
    if not panels:
        return {"data": [], "layout": style.layout(empty, xaxis={"visible": False}, yaxis={"visible": False})}
    across = 1 if len(panels) == 1 else 2 if len(panels) <= 4 else 3
    down = -(-len(panels) // across)
    data: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    for place, panel in enumerate(panels):
        number = "" if place == 0 else str(place + 1)
        left, bottom, width, height = _frame(place, across, down)
        traces, labels, reach = _drawn(panel, number, many=len(panels))
        data += traces
        annotations += labels
        annotations.append(
            {
                "text": f"<b>{html.escape(panel.title)}</b>",
                "x": left,
                "y": bottom + height,
                "xref": "paper",
                "yref": "paper",
                "xanchor": "left",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": 14},
            }
        )
        axes[f"xaxis{number}"] = style.axis(
            html.escape(panel.x_title), domain=[left, left + width], anchor=f"y{number}", range=[0, reach], nticks=6
        )
        axes[f"yaxis{number}"] = style.axis(domain=[bottom, bottom + height], anchor=f"x{number}", nticks=5)
    layout = style.layout("", margin={"l": 8, "r": 8, "t": 26, "b": 8}, annotations=annotations, **axes)
    return {"data": data, "layout": layout}


def _frame(place: int, across: int, down: int) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of a panel, as shares of the chart; the first stands at the top left."""
    row, column = divmod(place, across)
    gap_x, gap_y = 0.06, 0.2 / down if down > 1 else 0.0
    width = (1 - gap_x * (across - 1)) / across
    height = (1 - gap_y * (down - 1)) / down
    return column * (width + gap_x), (down - 1 - row) * (height + gap_y), width, height


def _drawn(panel: Panel, number: str, *, many: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]], float]:
    """Traces and end labels of a panel, and where its x axis ends."""
    traces, ends = [], []
    lowest, highest = np.inf, -np.inf
    for curve in panel.curves:
        x, y = finite(curve.x, curve.y)
        name = html.escape(curve.name)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines" if curve.run < len(COLOURS) and len(y) > 1 else SECOND_ROUND,
                "x": typed(x),
                "y": typed(y),
                "xaxis": f"x{number}",
                "yaxis": f"y{number}",
                "line": {"color": colour_of(curve.run), "width": 2.5, "dash": DASHES[curve.net % len(DASHES)]},
                "hovertemplate": f"{name}<br>%{{x:.4~g}}: %{{y:.4~g}}<extra></extra>",
            }
        )
        if len(y):
            lowest, highest = min(lowest, float(y.min())), max(highest, float(y.max()))
            ends.append((curve, float(x[-1]), float(y[-1])))
    reach = max((x for _, x, _ in ends), default=1.0) or 1.0
    rows = 18 if many <= MOST_NAMED else 9
    apart = max(highest - lowest, 1e-9) / rows if ends else 1.0
    named = many <= MOST_NAMED and len(ends) <= LABELLED
    labels = [
        {
            "x": x,
            "y": place,
            "xref": f"x{number}",
            "yref": f"y{number}",
            "text": _label(curve, y, named=named),
            "showarrow": False,
            "xanchor": "left",
            "xshift": 4,
            "font": {"size": 12},
        }
        for (curve, x, y), place in zip(ends, _beside([y for _, _, y in ends], apart), strict=True)
    ]
    return traces, labels, reach * (1 + (LABEL_SPACE * many if named else LABEL_SPACE))


def _beside(values: Sequence[float], apart: float) -> list[float]:
    """Where labels stand beside the ends of their lines, no closer to each other than `apart`."""
    return [place - 0.6 * apart for place in spread_labels(values, apart)]


def _label(curve: Curve, value: float, *, named: bool) -> str:
    name = f"{curve.run + 1} {curve.label}" if named else f"{curve.run + 1}"
    short = name if len(name) <= MAX_LABEL else name[: MAX_LABEL - 1] + "…"
    return f"{html.escape(short)} {value:.3g}"


def difference_table(
    heads: Sequence[tuple[int, str]], sections: Sequence[tuple[str, Sequence[tuple[str, Sequence[str]]]]]
) -> str:
    """A column a run, and a section of rows each for the settings that differ and for the scores.

    Args:
        heads: number in the list, from 0, and name of each run.
        sections: (caption, rows) with rows of (label, a text for each run).
    """
    columns = "".join(
        f'<th scope="col"><i class="cmp-swatch" style="{swatch(run)}">{run + 1}</i> {html.escape(name)}</th>'
        for run, name in heads
    )
    body = ""
    for caption, rows in sections:
        body += f'<tr class="total"><th scope="rowgroup" colspan="{len(heads) + 1}">{html.escape(caption)}</th></tr>'
        for label, cells in rows:
            values = "".join(f'<td class="num">{html.escape(cell)}</td>' for cell in cells)
            body += f'<tr><th scope="row">{html.escape(label)}</th>{values}</tr>'
    return (
        '<div class="cmp-scroll"><table class="compare cmp-table"><caption>What differs, and where each run ended'
        f"</caption><thead><tr><td></td>{columns}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def swatch(run: int) -> str:
    """A run's colour and what is written on it, as CSS: of the page's own colours those that follow dark mode."""
    colour = colour_of(run)
    return f"--c:var({VARIABLES[colour]});--on:var(--paper)" if colour in VARIABLES else f"--c:{colour};--on:#fff"
