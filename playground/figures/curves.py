"""Curves over the course of a training."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from playground.components.plotly_view import typed
from playground.figures import style


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
    x, y = _finite(steps, values)
    data = [_line(x, y, style.ACCENT)]
    if pinned is not None:
        data.insert(0, _line(*_finite(*pinned), style.MUTED, dash="dot"))
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
        x, y = _finite(steps, values)
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
        title, xaxis=style.axis(step_title, rangemode="tozero"), yaxis=style.axis("", nticks=5), annotations=annotations
    )
    return {"data": data, "layout": layout}


def _finite(steps: Sequence[float], values: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
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
