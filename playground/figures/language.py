"""What three language models learn, in one chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.components.plotly_view import typed
from playground.figures import style
from playground.figures.curves import finite, spread_labels

LABEL_SHARE = 0.1
"""Of the axis, between two labels."""
SAME_LEVEL = 0.15
"""Levels closer than this, in nats, get one label."""
MARGIN = 0.35


@dataclass(frozen=True)
class LossLine:
    """A model's held-out loss over its steps, and the loss of guessing by frequency alone, in nats."""

    name: str
    colour: str
    steps: Sequence[float]
    losses: Sequence[float]
    unigram: float


def held_out_chart(lines: Sequence[LossLine], total: float) -> dict[str, Any]:
    """Each model's loss on text never trained on, and dotted, that of a guesser that only counts.

    Args:
        lines: of the models.
        total: steps of a whole run.
    """
    data: list[dict[str, Any]] = []
    ends = []
    values = [line.unigram for line in lines]
    for line in lines:
        level = {"type": "scatter", "mode": "lines", "x": [0, total], "y": [line.unigram] * 2, "hoverinfo": "skip"}
        data.append({**level, "line": {"color": line.colour, "width": 1.5, "dash": "dot"}})
        x, y = finite(line.steps, line.losses)
        hover = f"{line.name}, step %{{x:,.0f}}: %{{y:.2f}}<extra></extra>"
        curve = {"type": "scatter", "mode": "lines", "x": typed(x), "y": typed(y), "hovertemplate": hover}
        data.append({**curve, "line": {"color": line.colour, "width": 2.5}})
        values += [float(value) for value in y]
        if len(y):
            ends.append((line, float(x[-1]), float(y[-1])))
    low, high = (min(values) - MARGIN, max(values) + MARGIN) if values else (0.0, 1.0)
    places = spread_labels([y for _, _, y in ends], LABEL_SHARE * (high - low))
    annotations = [
        {
            "x": x,
            "y": place,
            "text": f"{line.name} {y:.2f}",
            "showarrow": False,
            "xanchor": "right" if x > 0.5 * total else "left",
            "font": {"color": line.colour, "size": 12},
        }
        for (line, x, y), place in zip(ends, places, strict=True)
    ]
    layout = style.layout(
        "Loss on held-out text; dotted: by frequency alone",
        xaxis=style.axis("steps of each model", range=[0, float(max(total, 1e-9))]),
        yaxis=style.axis("nats a token", nticks=5, range=[low, high]),
        annotations=[*annotations, *_level_labels(lines, total)],
    )
    return {"data": data, "layout": layout}


def _level_labels(lines: Sequence[LossLine], total: float) -> list[dict[str, Any]]:
    groups: list[list[LossLine]] = []
    for line in sorted(lines, key=lambda line: line.unigram):
        if groups and line.unigram - groups[-1][-1].unigram < SAME_LEVEL:
            groups[-1].append(line)
        else:
            groups.append([line])
    return [
        {
            "x": total,
            "y": group[-1].unigram,
            "text": f"{', '.join(line.name for line in group)}: by frequency {group[-1].unigram:.2f}",
            "showarrow": False,
            "xanchor": "right",
            "yshift": 8,
            "font": {"color": style.MUTED, "size": 11},
        }
        for group in groups
    ]
