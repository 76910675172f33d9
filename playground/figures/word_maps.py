"""Figures of words: the arithmetic as arrows, words on an axis, the test set by section."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from playground.figures import style


def analogy_plane(words: Sequence[str], points: np.ndarray, target: np.ndarray, variance_kept: float) -> dict[str, Any]:
    """Draw a - b + c as arrows: from b to a, the same arrow again from c, and the answer near its head.

    Args:
        words: a, b, c and the answer.
        points: (4, 2) their places in the plane; target: (2,) the place of a - b + c.
        variance_kept: share of the spread that the plane shows, in [0, 1].
    """
    a, b, c, answer = (html.escape(word) for word in words)
    places = np.vstack([points, target[None]])
    names = [a, b, c, f"<b>{answer}</b>", f"{a} − {b} + {c}"]
    colours = [style.ACCENT, style.ACCENT, style.ACCENT, style.HIGHLIGHT, style.MUTED]
    centre = places.mean(axis=0)
    data = []
    for (x, y), name, colour in zip(places, names, colours, strict=True):
        data.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "x": [float(x)],
                "y": [float(y)],
                "text": [name],
                "textposition": "top center" if y >= centre[1] else "bottom center",
                "textfont": {"size": 14, "color": style.TEXT if colour == style.MUTED else colour},
                "marker": {"size": 10, "color": colour, "symbol": "x" if colour == style.MUTED else "circle"},
                "hoverinfo": "skip",
                "cliponaxis": False,
            }
        )
    arrows = [_arrow(points[1], points[0]), _arrow(points[2], target)]
    spread = np.maximum(np.ptp(places, axis=0), 1e-6)
    low, high = places.min(axis=0) - 0.25 * spread, places.max(axis=0) + 0.25 * spread
    layout = style.layout(
        f"The step from {b} to {a}, taken from {c} ({variance_kept:.0%} of the spread)",
        xaxis=style.hidden_axis(range=[float(low[0]), float(high[0])]),
        yaxis=style.hidden_axis(range=[float(low[1]), float(high[1])]),
        annotations=arrows,
    )
    return {"data": data, "layout": layout}


def word_axis(left: str, right: str, words: Sequence[str], places: Sequence[float]) -> dict[str, Any]:
    """Words as bars along the axis from `left` to `right`; the place is a cosine in [-1, 1]."""
    values = np.asarray(places, float)
    reach = max(0.1, float(np.abs(values).max(initial=0.0)) * 1.25)
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "x": [float(value) for value in values],
            "y": [html.escape(word) for word in words],
            "marker": {"color": style.ACCENT},
            "text": [f"{value:+.2f}" for value in values],
            "textposition": "outside",
            "hoverinfo": "skip",
            "cliponaxis": False,
        }
    ]
    layout = style.layout(
        f"Nearer to {html.escape(left)} (left) or to {html.escape(right)} (right)",
        xaxis=style.axis(
            f"cosine with {html.escape(right)} − {html.escape(left)}",
            range=[-reach, reach],
            zeroline=True,
            zerolinewidth=2,
        ),
        yaxis=style.axis("", type="category"),
        bargap=0.35,
    )
    return {"data": data, "layout": layout}


def section_scores(
    sections: Sequence[str], correct: Sequence[int], covered: Sequence[int], questions: Sequence[int]
) -> dict[str, Any]:
    """The analogy test set by section: share answered right, and how many questions could be asked at all."""
    order = range(len(sections) - 1, -1, -1)
    shares = [correct[i] / covered[i] if covered[i] else 0.0 for i in order]
    notes = [
        f"{share:.0%}  ({correct[i]:,} of {covered[i]:,}; {covered[i] / max(1, questions[i]):.0%} covered)"
        for i, share in zip(order, shares, strict=True)
    ]
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "x": shares,
            "y": [html.escape(sections[i]) for i in order],
            "text": notes,
            "textposition": "outside",
            "cliponaxis": False,
            "marker": {"color": style.ACCENT},
            "hoverinfo": "skip",
        }
    ]
    layout = style.layout(
        f"Answered right: {sum(correct):,} of the {sum(covered):,} questions whose words are known",
        xaxis=style.axis("share answered right", range=[0, max(0.2, 1.7 * max(shares, default=0.0))], tickformat=".0%"),
        yaxis=style.axis("", type="category"),
        bargap=0.35,
    )
    return {"data": data, "layout": layout}


def _arrow(start: np.ndarray, end: np.ndarray) -> dict[str, Any]:
    return {
        "x": float(end[0]),
        "y": float(end[1]),
        "ax": float(start[0]),
        "ay": float(start[1]),
        "xref": "x",
        "yref": "y",
        "axref": "x",
        "ayref": "y",
        "showarrow": True,
        "arrowhead": 3,
        "arrowwidth": 2,
        "arrowcolor": style.MUTED,
        "standoff": 7,
        "startstandoff": 7,
        "text": "",
    }
