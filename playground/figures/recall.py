"""LSTM against transformer: accuracy over distance, and how much of the gradient reaches each past step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from playground.components.plotly_view import typed
from playground.figures import style
from playground.figures.curves import LABEL_GAP, SHARE_TOP, spread_labels

COLOURS = {"transformer": style.ACCENT, "lstm": style.HIGHLIGHT}
NAMES = {"transformer": "transformer", "lstm": "LSTM"}
DASHES = {"transformer": "solid", "lstm": "dash"}
FLOOR = 1e-30
"""Shares below are drawn there: a logarithm has no zero."""
LABEL_ROOM = 0.8
"""Above the curves, as a share of their height: two labels that no curve crosses."""


def gradient_chart(gradients: dict[str, np.ndarray], *, title: str) -> dict[str, Any]:
    """How much of the gradient reaches each past step, as a share of the strongest step's, on a logarithmic axis.

    Shares, because a net that has learned the task has hardly any gradient left anywhere.

    Args:
        gradients: by net, (T,) norms, the first step first.
        title: what is seen, in words.
    """
    data, annotations = [], []
    length = max((len(norms) for norms in gradients.values()), default=0)
    lowest = 0.0
    for number, (net, norms) in enumerate(gradients.items()):
        back = np.arange(len(norms))[::-1].astype(np.float32)  # steps before the question
        strongest = max(float(np.max(norms)), np.finfo(np.float64).tiny)
        y = np.maximum(np.asarray(norms, np.float64) / strongest, FLOOR)
        lowest = min(lowest, float(np.log10(y.min())))
        data.append(_line(back, y, net))
        annotations.append(
            {
                "x": 0.99,
                "y": 1 - 0.16 * number,
                "yanchor": "top",
                "xref": "paper",
                "yref": "paper",
                "text": f"{NAMES[net]}: {_power(float(y[0]))} at the first symbol",
                "showarrow": False,
                "xanchor": "right",
                "font": {"color": COLOURS[net], "size": 12},
            }
        )
    known = bool(data)
    heights = [1.05 * lowest, -LABEL_ROOM * lowest + 0.1]
    layout = style.layout(
        title,
        xaxis=style.axis("steps before the question", range=[length + 1, -1], visible=known),
        yaxis=style.axis("", type="log", range=heights, visible=known, **_shares_down_to(lowest)),
        annotations=annotations,
    )
    return {"data": data, "layout": layout}


def _shares_down_to(lowest: float) -> dict[str, Any]:
    """At most five ticks at whole powers of ten from 1 downwards: above it there are labels, but no shares."""
    apart = max(1, math.ceil(-lowest / 4))
    powers = range(0, math.ceil(lowest - 1e-6) - 1, -apart)  # the logarithm of 0.001 is a little more than -3
    names = [f"10<sup>\u2212{-power}</sup>" if power else "1" for power in powers]
    return {"tickvals": [10.0**power for power in powers], "ticktext": names}


def distance_chart(
    lines: Sequence[tuple[str, Sequence[float], Sequence[float]]], chance: float, *, title: str
) -> dict[str, Any]:
    """Accuracy over the distance, a line a net, with chance as a thin line.

    Args:
        lines: (net, distances, accuracies in [0, 1]) of each.
        chance: accuracy of guessing.
        title: what is seen, in words.
    """
    data, annotations = [], []
    lines = [line for line in lines if len(line[1])]
    known = bool(lines)
    ticks = [float(distance) for distance in lines[0][1]] if known else []
    places = spread_labels([line[2][-1] for line in lines], LABEL_GAP, SHARE_TOP - 0.4 * LABEL_GAP)
    for (net, distances, accuracies), place in zip(lines, places, strict=True):
        line = _line(np.asarray(distances, np.float32), np.asarray(accuracies, np.float32), net)
        data.append(line | {"mode": "lines+markers", "marker": {"size": 8, "symbol": _SYMBOLS[net]}})
        annotations.append(
            {
                "x": float(np.log10(distances[-1])),
                "y": place,
                "text": f"{NAMES[net]} {accuracies[-1]:.0%}",
                "showarrow": False,
                "xanchor": "right",
                "font": {"color": COLOURS[net], "size": 12},
            }
        )
    shapes = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": chance,
            "y1": chance,
            "line": {"color": style.MUTED, "width": 1, "dash": "dot"},
        }
    ]
    layout = style.layout(
        title,
        xaxis=style.axis("distance, symbols", type="log", tickvals=ticks, visible=known),
        yaxis=style.axis("", range=[0, SHARE_TOP], tickformat=".0%", tickvals=[0, 0.5, 1], visible=known),
        annotations=annotations,
        shapes=shapes if known else [],
    )
    return {"data": data, "layout": layout}


def _power(share: float) -> str:
    """A share as a chart can show it: 1, 0.04, 3·10⁻⁸."""
    if share >= 0.01:
        return f"{share:.2g}"
    digit, exponent = f"{share:.0e}".split("e")
    return f"{digit}·10<sup>{int(exponent)}</sup>".replace("-", "−")


_SYMBOLS = {"transformer": "circle", "lstm": "diamond"}


def _line(x: np.ndarray, y: np.ndarray, net: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": typed(x),
        "y": typed(y),
        "line": {"color": COLOURS[net], "width": 2.5, "dash": DASHES[net]},
        "hovertemplate": "%{x}: %{y:.3g}<extra></extra>",
    }
