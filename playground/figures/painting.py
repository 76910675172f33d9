"""How far off a masked autoencoder is, over the steps; and how alike the positions of its patches are."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from playground.components.plotly_view import typed
from playground.figures import style

BASELINE = "guessing the visible mean"


def error_curve(
    steps: Sequence[float],
    errors: Sequence[float],
    losses: Sequence[float],
    baseline: float | None,
    total: float,
    *,
    title: str,
    value_title: str,
) -> dict[str, Any]:
    """Errors over hidden patches while a run goes on, with what guessing would give as a level.

    Args:
        steps: (n,) batches.
        errors: (n,) mean squared error on held-out pictures.
        losses: (n,) the same on the training batches, which is the loss.
        baseline: the error of guessing the mean colour of what is visible; None: not known yet.
        total: batches of the whole run.
        title: what is seen, in words.
        value_title: the errors' name and unit.
    """
    x = np.asarray(steps, np.float32)
    top = max([baseline or 0.0, *(value for value in errors[1:] if np.isfinite(value))], default=1.0) * 1.35 or 1.0
    data, annotations = [], []
    if len(x):
        data = [
            _line(x, losses, style.MUTED, 1.2, "the loss, on training pictures"),
            _line(x, errors, style.ACCENT, 2.5, "held-out pictures"),
        ]
        last = float(errors[-1])
        share = f", {last / baseline:.0%} of guessing" if baseline else ""
        annotations.append(_label(float(x[-1]), last, f"{last:.2g}{share}", style.ACCENT, late=x[-1] > 0.4 * total))
    if baseline is not None:
        data.append(_line(np.array([0, total], np.float32), [baseline] * 2, style.HIGHLIGHT, 1.6, BASELINE, "dash"))
        annotations.append(_label(float(total), baseline, f"{BASELINE} {baseline:.2g}", style.HIGHLIGHT, late=True))
    layout = style.layout(
        title,
        xaxis=style.axis("steps", range=[0, float(max(total, 1e-9))]),
        yaxis=style.axis(value_title, nticks=5, range=[0, top]),
        annotations=annotations,
    )
    return {"data": data, "layout": layout}


def position_maps(similarity: np.ndarray, side: int) -> dict[str, Any]:
    """For each place of the grid a small map: how alike the positions of all places are to its own.

    Args:
        similarity: (side², side²) cosines.
        side: patches side by side.
    """
    tiles = similarity.reshape(side, side, side, side)
    size = side + 1
    canvas = np.full((side * size - 1, side * size - 1), np.nan, np.float32)
    for row in range(side):
        for column in range(side):
            canvas[row * size : row * size + side, column * size : column * size + side] = tiles[row, column]
    data = [
        {
            "type": "heatmap",
            "z": [[None if np.isnan(value) else round(float(value), 3) for value in row] for row in canvas[::-1]],
            "colorscale": "Viridis",
            "zmin": -1 if similarity.min() < 0 else 0,
            "zmax": 1,
            "hovertemplate": "cosine %{z:.2f}<extra></extra>",
            "colorbar": {"title": {"text": "cosine"}, "thickness": 10, "len": 0.9},
        }
    ]
    hidden: dict[str, Any] = {"visible": False, "constrain": "domain"}
    layout = style.layout(
        "How alike the positions are: a small map for each patch",
        xaxis=hidden,
        yaxis={**hidden, "scaleanchor": "x"},
        annotations=[],
    )
    return {"data": data, "layout": layout}


def _line(
    x: np.ndarray, y: Sequence[float], colour: str, width: float, name: str, dash: str = "solid"
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": typed(x),
        "y": typed(np.asarray(y, np.float32)),
        "line": {"color": colour, "width": width, "dash": dash},
        "hovertemplate": f"step %{{x:.0f}}: %{{y:.3g}}<extra>{html.escape(name)}</extra>",
    }


def _label(x: float, y: float, text: str, colour: str, *, late: bool) -> dict[str, Any]:
    return {
        "x": x,
        "y": y,
        "text": html.escape(text),
        "showarrow": False,
        "yshift": 11,
        "xanchor": "right" if late else "left",
        "font": {"color": colour, "size": 12},
    }
