"""Why it scales: how large models are and how much they read, and what small runs gain from size and from text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.figures import style

PUBLISHED, OURS, YOURS = "circle", "star", "diamond"
"""Marks of the lecture's models, of those that this project trained, and of the visitor's run."""
SIZES = {PUBLISHED: 11, OURS: 13, YOURS: 11}
KEY = "● published   ★ this project's   ◆ your run   ○ text estimated"
WORDS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
MOST_DIGITS = 3
ROOM = 0.28
"""Above the highest and below the lowest loss, as a share of what lies between: room for labels."""
SIDE = 0.16
"""Left and right of the points of a small chart, as a share of what lies between."""
FLAT = 0.1
"""Nats that an axis of losses spans at least."""


@dataclass(frozen=True)
class ScalePoint:
    """A model in the chart of sizes.

    Attributes:
        name: ours, as it is shown.
        parameters: how many.
        tokens: read in training, all passes counted.
        colour: of its method.
        symbol: `PUBLISHED`, `OURS` or `YOURS`.
        side: where its label stands, as plotly's textposition.
        sure: the tokens were published or counted, not estimated.
    """

    name: str
    parameters: float
    tokens: float
    colour: str
    symbol: str
    side: str
    sure: bool = True


def scale_chart(points: Sequence[ScalePoint]) -> dict[str, Any]:
    """Models by parameters and by tokens read, both in powers of ten, each named at its point."""
    layout = style.layout(
        "Parameters and text: the lecture's models and ours",
        xaxis=style.axis("parameters, each line ten times the last", **_powers(5, 12)),
        yaxis=style.axis("tokens read in training", **_powers(5, 13)),
        annotations=[
            {
                "x": 1,
                "y": 0.02,
                "xref": "paper",
                "yref": "paper",
                "xanchor": "right",
                "yanchor": "bottom",
                "text": KEY,
                "showarrow": False,
                "font": {"color": style.MUTED, "size": 12},
            }
        ],
    )
    return {"data": [_point(point) for point in points], "layout": layout}


def loss_chart(
    amounts: Sequence[float],
    losses: Sequence[float],
    *,
    title: str,
    unit: str,
    colour: str,
    beside: Sequence[float] = (),
) -> dict[str, Any]:
    """Held-out loss of some runs over what each had of something, in powers of ten; each point has its loss at it.

    Args:
        amounts: (n,) above 0, ascending.
        losses: (n,) in nats a token.
        title: what is seen, in words.
        unit: name of the horizontal axis.
        colour: of `style`.
        beside: losses of a chart beside this one, so that both have the same axis.
    """
    logs = [math.log10(amount) for amount in amounts]
    span = max(logs[-1] - logs[0], 0.1) if logs else 1.0
    seen = [*losses, *beside]
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    room = ROOM * max(high - low, FLAT)
    line = {
        "type": "scatter",
        "mode": "lines+markers+text",
        "x": list(amounts),
        "y": list(losses),
        "text": [f"{loss:.2f}" for loss in losses],
        "textposition": "top center",
        "textfont": {"color": colour, "size": 12},
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 9},
        "cliponaxis": False,
        "hovertext": [f"{in_words(a)}: {b:.3f} nats a token" for a, b in zip(amounts, losses, strict=True)],
        "hoverinfo": "text",
    }
    layout = style.layout(
        title,
        xaxis=style.axis(
            unit,
            type="log",
            range=[logs[0] - SIDE * span, logs[-1] + SIDE * span] if logs else [0, 1],
            tickvals=list(amounts),
            ticktext=[in_words(amount) for amount in amounts],
        ),
        yaxis=style.axis("nats a token", range=[low - room, high + 1.3 * room], nticks=4),
    )
    return {"data": [line] if logs else [], "layout": layout}


def in_words(amount: float) -> str:
    """A number as 340 M or 1.5 B, with at most three figures."""
    for factor, word in WORDS:
        if amount >= 0.9995 * factor:
            return f"{_short(amount / factor)} {word}"
    return _short(amount)


def _short(number: float) -> str:
    rounded = float(f"{number:.{MOST_DIGITS - 1}g}") if number < 100 else round(number)
    return f"{rounded:g}"


def _powers(lowest: int, highest: int) -> dict[str, Any]:
    """A logarithmic axis with a line at every power of ten and a name at every second one."""
    powers = list(range(lowest, highest + 1))
    names = [in_words(10.0**power) if (power - lowest) % 2 else "" for power in powers]
    return {
        "type": "log",
        "range": [lowest, highest],
        "tickvals": [10.0**power for power in powers],
        "ticktext": names,
        "minor": {"showgrid": False},
    }


def _point(point: ScalePoint) -> dict[str, Any]:
    told = f"{point.name}: {in_words(point.parameters)} parameters, {in_words(point.tokens)} tokens read"
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [point.parameters],
        "y": [point.tokens],
        "text": [f"{point.name} {in_words(point.parameters)}"],
        "textposition": point.side,
        "textfont": {"color": point.colour, "size": 12},
        "marker": {
            "color": point.colour,
            "size": SIZES[point.symbol],
            "symbol": point.symbol if point.sure else f"{point.symbol}-open",
            "line": {"width": 0 if point.sure else 2},
        },
        "cliponaxis": False,
        "hovertext": [told if point.sure else f"{told} (estimated)"],
        "hoverinfo": "text",
    }
