"""Why 75 %? What features know and how well is painted over the mask ratio, and the error over steps."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.components.plotly_view import typed
from playground.figures import curves, style

COLOURS = (style.ACCENT, style.HIGHLIGHT, style.GOOD)
SYMBOLS = ("circle", "diamond", "square")
RATIO_LOOKS = (
    (style.MUTED, "dot"),
    (style.GOOD, "dashdot"),
    (style.ACCENT, "solid"),
    (style.HIGHLIGHT, "dash"),
)
"""Colour and dash of each ratio's curve, the lowest first."""
KNOWN_PART, ERROR_PART = (0.42, 1.0), (0.0, 0.29)
"""Where the two panels stand, as shares of the height."""
LABEL_GAP = 0.1
"""Between two labels of the upper panel, as a share of its axis."""
FIRST, LABEL_ROOM = 0.06, 0.3
"""To the left of the lowest ratio, and to the right of the highest: room for the labels, as a share of the span."""
MIN_SPAN = 0.2


@dataclass(frozen=True)
class FactorLine:
    """What features know of one factor.

    Attributes:
        label: the factor's, escaped here.
        values: (n,) accuracy in [0, 1] at each ratio.
        uncertain: (n,) standard errors of them.
        untrained: the untrained net's accuracy.
    """

    label: str
    values: Sequence[float]
    uncertain: Sequence[float]
    untrained: float


def ratio_chart(
    ratios: Sequence[float], factors: Sequence[FactorLine], errors: Sequence[float], *, title: str, error_title: str
) -> dict[str, Any]:
    """Two panels over the mask ratio: above what features know of some factors, below the error of painting.

    Args:
        ratios: (n,) shares of patches hidden, ascending; none draws an empty chart.
        factors: at most three; a thin dashed line is what an untrained net's features know.
        errors: (n,) masked error as a share of that of guessing the visible mean; those not finite are left out.
        title: of the upper panel.
        error_title: of the lower panel.
    """
    x = np.asarray(ratios, np.float32)
    known = bool(len(x))
    low, high = (float(x[0]), float(x[-1])) if known else (0.0, 1.0)
    span = max(high - low, MIN_SPAN)
    extent = [low - FIRST * span, high + LABEL_ROOM * span]
    data: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    ends = [line.values[-1] if known else 0.0 for line in factors]
    places = curves.spread_labels(ends, LABEL_GAP, curves.SHARE_TOP - 0.5 * LABEL_GAP)
    for line, place, colour, symbol in zip(factors, places, COLOURS, SYMBOLS, strict=False):
        if not known:
            break
        data += [_level(low, high, line, colour), _factor(x, line, colour, symbol)]
        # Beside the line's end, so in the middle of its height and not above it.
        annotations.append(
            _label(high, place - 0.6 * LABEL_GAP, f"{html.escape(line.label)} {line.values[-1]:.0%}", colour)
        )
    finite = np.isfinite(np.asarray(errors, np.float32))
    y = np.asarray(errors, np.float32)[finite]
    if known:
        data.append(_errors(x[finite], y))
        annotations += [_error_label(float(at), float(value)) for at, value in zip(x[finite], y, strict=True)]
        annotations.append(_panel_title(error_title))
    ticks = {"tickvals": [float(ratio) for ratio in ratios], "tickformat": ".0%"}
    top = 1.35 * max(float(y.max(initial=0)), 0.01)
    layout = style.layout(
        title,
        xaxis=style.axis("share of patches hidden", range=extent, anchor="y2", visible=known, **ticks),
        yaxis=style.axis(
            "",
            domain=list(KNOWN_PART),
            range=[0, curves.SHARE_TOP],
            tickformat=".0%",
            tickvals=[0, 0.5, 1],
            visible=known,
        ),
        yaxis2=style.axis("", domain=list(ERROR_PART), range=[0, top], tickformat=".0%", nticks=4, visible=known),
        annotations=annotations,
    )
    return {"data": data, "layout": layout}


def error_curves(
    ratios: Sequence[float], lines: Sequence[tuple[Sequence[float], Sequence[float]]], total: float, *, title: str
) -> dict[str, Any]:
    """The masked error over the steps, a curve a ratio; the axis ends at 120 % of guessing the visible mean.

    Args:
        ratios: share of patches hidden in each run, ascending.
        lines: steps and errors of each, as shares of the error of guessing.
        total: steps of a run.
        title: what is seen, in words.
    """
    named = [
        (f"{ratio:.0%} hidden:", steps, values, *RATIO_LOOKS[i % len(RATIO_LOOKS)])
        for i, (ratio, (steps, values)) in enumerate(zip(ratios, lines, strict=True))
    ]
    return curves.named_curves(named, total, title=title, step_title="steps of each run", share=True)


def _factor(x: np.ndarray, line: FactorLine, colour: str, symbol: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": typed(x),
        "y": typed(np.asarray(line.values, np.float32)),
        "error_y": {"array": typed(np.asarray(line.uncertain, np.float32)), "thickness": 1, "width": 3},
        "line": {"color": colour, "width": 2.5},
        "marker": {"size": 8, "symbol": symbol, "color": colour},
        "hovertemplate": f"{html.escape(line.label)}, %{{x:.0%}} hidden: %{{y:.1%}}<extra></extra>",
    }


def _level(low: float, high: float, line: FactorLine, colour: str) -> dict[str, Any]:
    """A trace and not a shape: the page gives it the colours of dark mode."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [low, high],
        "y": [line.untrained, line.untrained],
        "line": {"color": colour, "width": 1, "dash": "dash"},
        "hovertemplate": f"{html.escape(line.label)}, untrained net: %{{y:.1%}}<extra></extra>",
    }


def _label(x: float, y: float, text: str, colour: str) -> dict[str, Any]:
    return {
        "x": x,
        "y": y,
        "text": text,
        "showarrow": False,
        "xanchor": "left",
        "xshift": 10,
        "font": {"color": colour, "size": 12},
    }


def _errors(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": typed(x),
        "y": typed(y),
        "yaxis": "y2",
        "line": {"color": style.MUTED, "width": 2.5},
        "marker": {"size": 8, "color": style.MUTED},
        "hovertemplate": "%{x:.0%} hidden: %{y:.1%} of guessing<extra></extra>",
    }


def _error_label(x: float, y: float) -> dict[str, Any]:
    return {"x": x, "y": y, "yref": "y2", "text": f"{y:.0%}", "showarrow": False, "yshift": 13, "font": {"size": 12}}


def _panel_title(text: str) -> dict[str, Any]:
    return {
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": ERROR_PART[1],
        "yref": "paper",
        "yanchor": "bottom",
        "yshift": 6,
        "text": text,
        "showarrow": False,
        "font": {"size": 14, "color": style.TEXT},
    }
