"""Curves over the course of a training."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from playground.components.plotly_view import typed
from playground.figures import style

SHARE_TOP = 1.2
"""Of an axis of shares: room for a label above 100 %."""
LABEL_GAP = 0.2
"""Between two labels, as a share of the axis: a line of text in a chart of 130 pixels."""


def metric_curve(
    steps: Sequence[float],
    values: Sequence[float],
    total: float,
    *,
    title: str,
    step_title: str,
    value_title: str,
    pinned: tuple[Sequence[float], Sequence[float]] | None = None,
) -> dict[str, Any]:
    """One metric over the work done; the step axis spans the whole run from the start.

    Args:
        steps: (n,) work done.
        values: (n,) the metric; values that are not finite are left out.
        total: the whole run's work, in the unit of `steps`.
        title: what is seen, in words.
        step_title: name and unit of the step axis.
        value_title: name and unit of the metric.
        pinned: steps and values of a pinned run, drawn behind as a dotted line.
    """
    x, y = finite(steps, values)
    data = [_line(x, y, style.ACCENT)]
    if pinned is not None:
        data.insert(0, _line(*finite(*pinned), style.MUTED, dash="dot"))
    annotations = []
    if len(y):
        annotations = [
            {
                "x": float(x[-1]),
                "y": float(y[-1]),
                "text": f"{y[-1]:.2f}",
                "showarrow": False,
                "yshift": 12,
                "xanchor": "right" if x[-1] > 0.5 * total else "left",
            }
        ]
    layout = style.layout(
        title,
        xaxis=style.axis(step_title, range=[0, float(max(total, 1e-9))]),
        yaxis=style.axis(value_title, nticks=5),
        annotations=annotations,
    )
    return {"data": data, "layout": layout}


def compared_curves(
    runs: Sequence[tuple[str, Sequence[float], Sequence[float]]], *, title: str, step_title: str
) -> dict[str, Any]:
    """One metric of several runs, each named at its line's end; the first, a pinned one, is dotted.

    Args:
        runs: (name, steps, values) of each.
        title: what is seen, in words.
        step_title: name and unit of the step axis.
    """
    looks = [(style.MUTED, "dot", 12), (style.ACCENT, "solid", -12)]
    data, annotations = [], []
    for (name, steps, values), (colour, dash, shift) in zip(runs, looks, strict=False):
        x, y = finite(steps, values)
        data.append(_line(x, y, colour, dash=dash))
        if len(y):
            annotations.append(
                {
                    "x": float(x[-1]),
                    "y": float(y[-1]),
                    "text": f"{html.escape(name)} {y[-1]:.2f}",
                    "showarrow": False,
                    "yshift": shift,
                    "xanchor": "right",
                    "font": {"color": colour},
                }
            )
    layout = style.layout(
        title,
        xaxis=style.axis(step_title, rangemode="tozero", visible=bool(runs)),
        yaxis=style.axis("", nticks=5, visible=bool(runs)),
        annotations=annotations,
    )
    return {"data": data, "layout": layout}


def named_curves(
    lines: Sequence[tuple[str, Sequence[float], Sequence[float], str, str]],
    total: float,
    *,
    title: str,
    step_title: str,
    value_title: str = "",
    share: bool = False,
) -> dict[str, Any]:
    """Several metrics over the work done, each named at the end of its line.

    Args:
        lines: (name, steps, values, colour, dash) of each.
        total: the whole run's work, in the unit of the steps.
        title: what is seen, in words.
        step_title: name and unit of the step axis.
        value_title: name and unit of the metrics.
        share: the values are shares: the axis goes from 0 to 100 %.
    """
    data, ends = [], []
    for name, steps, values, colour, dash in lines:
        x, y = finite(steps, values)
        data.append(_line(x, y, colour, dash=dash))
        if len(y):
            ends.append((name, float(x[-1]), float(y[-1]), colour))
    top = SHARE_TOP if share else np.inf
    span = 1.0 if share else max((abs(y) for _, _, y, _ in ends), default=1.0)
    annotations = [
        {
            "x": x,
            "y": place,
            "text": f"{html.escape(name)} {f'{y:.0%}' if share else f'{y:.2f}'}",
            "showarrow": False,
            "xanchor": "right" if x > 0.5 * total else "left",
            "font": {"color": colour, "size": 12},
        }
        for (name, x, y, colour), place in zip(
            ends, spread_labels([y for _, _, y, _ in ends], LABEL_GAP * span, top - 0.4 * LABEL_GAP), strict=True
        )
    ]
    shares = {"range": [0, SHARE_TOP], "tickformat": ".0%", "tickvals": [0, 0.5, 1]} if share else {"nticks": 5}
    layout = style.layout(
        title,
        xaxis=style.axis(step_title, range=[0, float(max(total, 1e-9))]),
        yaxis=style.axis(value_title, **shares),
        annotations=annotations,
    )
    return {"data": data, "layout": layout}


def spread_labels(values: Sequence[float], apart: float, highest: float = np.inf) -> list[float]:
    """Where labels stand: above their values, no closer to each other than `apart`, none above `highest`."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    places: dict[int, float] = {}
    lowest = -np.inf
    for i in order:
        places[i] = lowest = max(values[i] + 0.6 * apart, lowest + apart)
    for i in reversed(order):
        places[i] = min(places[i], highest)
        highest = places[i] - apart
    return [places[i] for i in range(len(values))]


def finite(steps: Sequence[float], values: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Points whose values are finite, as float32."""
    x, y = np.asarray(steps, np.float32), np.asarray(values, np.float32)
    keep = np.isfinite(y)
    return x[keep], y[keep]


def _line(x: np.ndarray, y: np.ndarray, colour: str, *, dash: str = "solid") -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": typed(x),
        "y": typed(y),
        "line": {"color": colour, "width": 2.5, "dash": dash},
        "hovertemplate": "%{x:.2f}: %{y:.3f}<extra></extra>",
    }
