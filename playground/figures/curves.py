"""Curves over the course of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from playground.components.plotly_view import typed
from playground.figures import style


def metric_curve(
    steps: Sequence[float], values: Sequence[float], total: float, *, title: str, step_title: str, value_title: str
) -> dict[str, Any]:
    """One metric over the work done; the step axis spans the whole run from the start.

    Args:
        steps: (n,) work done.
        values: (n,) the metric; values that are not finite are left out.
        total: the whole run's work, in the unit of `steps`.
        title: what is seen, in words.
        step_title: name and unit of the step axis.
        value_title: name and unit of the metric.
    """
    x, y = np.asarray(steps, np.float32), np.asarray(values, np.float32)
    finite = np.isfinite(y)
    x, y = x[finite], y[finite]
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": typed(x),
            "y": typed(y),
            "line": {"color": style.ACCENT, "width": 2.5},
            "hovertemplate": "%{x:.2f}: %{y:.3f}<extra></extra>",
        }
    ]
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
