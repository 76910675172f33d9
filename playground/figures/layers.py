"""Words on their way through the layers of a language model."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.components.plotly_view import typed
from playground.figures import style
from playground.figures.curves import spread_labels

LINE_COLOURS = (style.ACCENT, style.HIGHLIGHT, style.GOOD, "#2b8cbe", "#cc79a7", "#b7791f")
"""The first is of the rarest word, on which the eye should rest."""
LABEL_APART = 0.075
"""Between two labels, as a share of the axis: a line of text in a chart of 360 pixels."""
LABEL_ROOM = 0.52
"""To the right of the last level, as a share of the levels."""
MAX_LABEL = 14
OTHERS = "other words"
LABEL_SIZE = 12.5
LABEL_CHAR = 6.8
"""Width of a letter of this size, in pixels, on average."""
PLANE = (380.0, 290.0)
"""The plane of the paths on a narrow page, in pixels."""


def cosines_over_layers(
    lines: Sequence[tuple[str, np.ndarray]], others: np.ndarray, levels: Sequence[str], *, title: str
) -> dict[str, Any]:
    """How alike a word's two vectors are, level by level, each line named at its end.

    Args:
        lines: (word, (L,) cosines) of each, at most six; the words may be a visitor's.
        others: (L,) the mean cosine of different words; where it is not finite it is left out.
        levels: (L,) what each level is called.
        title: what is seen, in words.
    """
    drawn = [(name, values, LINE_COLOURS[number % len(LINE_COLOURS)]) for number, (name, values) in enumerate(lines)]
    if np.isfinite(others).all():
        drawn.append((OTHERS, others, style.MUTED))
    last = len(levels) - 1
    low = min(0.0, *(float(np.min(values)) for _, values, _ in drawn), 0.0)
    span = 1 - low
    places = spread_labels([float(values[-1]) for _, values, _ in drawn], LABEL_APART * span, 1 + 0.4 * LABEL_APART)
    data = [_line(values, colour, name) for name, values, colour in reversed(drawn)]
    annotations = [
        {
            "x": last + 0.04 * last,
            "y": place,
            "text": f"{html.escape(cut(name))} {_number(values[-1])}",
            "showarrow": False,
            "xanchor": "left",
            "yanchor": "middle",
            "yshift": -8,
            "font": {"color": colour, "size": 12.5},
        }
        for (name, values, colour), place in zip(drawn, places, strict=True)
    ]
    layout = style.layout(
        title,
        xaxis=style.axis(
            "", range=[-0.06 * last, last * (1 + LABEL_ROOM)], tickvals=list(range(len(levels))), ticktext=list(levels)
        ),
        yaxis=style.axis("cosine", range=[low - 0.04 * span, 1 + 0.06 * span], nticks=6),
        annotations=annotations,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
    )
    return {"data": data, "layout": layout}


@dataclass(frozen=True)
class Path:
    """A word's way through the levels.

    Attributes:
        name: at its end; may be a visitor's.
        points: (L, 2).
        colour: None draws it thin and grey.
        dashed: it is of the other sentence.
    """

    name: str
    points: np.ndarray
    colour: str | None = None
    dashed: bool = False


def word_paths(paths: Sequence[Path], *, title: str) -> dict[str, Any]:
    """Words on their way from the table (a small dot) to the last block (a large one), each named at its end."""
    ends = np.array([path.points[-1] for path in paths], np.float64).reshape(-1, 2)
    names = [cut(path.name) for path in paths]
    box = np.concatenate([path.points for path in paths]) if paths else np.zeros((1, 2))
    places = label_places(ends, names, box.min(axis=0), box.max(axis=0))
    order = sorted(range(len(paths)), key=lambda number: paths[number].colour is not None)
    data = [trace for number in order for trace in _path(paths[number], names[number])]
    annotations = [
        {
            "x": float(end[0]),
            "y": float(end[1]),
            "text": html.escape(name),
            "showarrow": False,
            "xshift": shift[0],
            "yshift": shift[1],
            "font": {"color": path.colour or style.TEXT, "size": LABEL_SIZE},
        }
        for path, name, end, shift in zip(paths, names, ends, places, strict=True)
    ]
    layout = style.layout(
        title,
        xaxis=style.hidden_axis(),
        yaxis=style.hidden_axis(),
        annotations=annotations,
        margin={"l": 28, "r": 28, "t": 44, "b": 18},
    )
    return {"data": data, "layout": layout}


def label_places(
    ends: np.ndarray, names: Sequence[str], low: np.ndarray, high: np.ndarray, size: tuple[float, float] = PLANE
) -> list[tuple[float, float]]:
    """Where names stand beside their points so that they cover as little of each other as may be.

    Args:
        ends: (n, 2) the points; names: (n,) theirs.
        low: (2,) and high: the corners of the plane that is shown.
        size: of the plane, in pixels.

    Returns:
        For each name its middle, in pixels to the right of its point and above it.
    """
    scale = np.array(size) / np.maximum(high - low, 1e-9)
    points = (ends - low) * scale
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in points]
    places: list[tuple[float, float]] = []
    for (x, y), name in zip(points, names, strict=True):
        half = LABEL_CHAR * len(name) / 2
        beside = half + 9
        offers = [
            (0, 13),
            (0, -13),
            (beside, 0),
            (-beside, 0),
            (beside, 12),
            (-beside, 12),
            (beside, -12),
            (-beside, -12),
        ]
        boxes = [(x + dx - half, y + dy - 7, x + dx + half, y + dy + 7) for dx, dy in offers]
        costs = [sum(_shared_area(box, other) for other in taken) + _outside(box, size) for box in boxes]
        best = int(np.argmin(costs))
        taken.append(boxes[best])
        places.append((float(offers[best][0]), float(offers[best][1])))
    return places


def _shared_area(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)


def _outside(box: tuple[float, ...], size: tuple[float, float]) -> float:
    """How far a name would stand out of the plane, where the margin ends; as dear as covering another."""
    over = max(0.0, -20 - box[0]) + max(0.0, box[2] - size[0] - 20)
    return 14 * over


def _path(path: Path, name: str) -> list[dict[str, Any]]:
    colour = path.colour or style.MUTED
    points = np.asarray(path.points, np.float32)
    hover = f"{html.escape(name)}<extra></extra>"
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": typed(points[:, 0]),
        "y": typed(points[:, 1]),
        "line": {
            "color": colour,
            "width": 2.5 if path.colour else 1,
            "dash": "dot" if path.dashed else "solid",
        },
        "marker": {"color": colour, "size": 4},
        "hovertemplate": hover,
    }
    end = {
        "type": "scatter",
        "mode": "markers",
        "x": typed(points[-1:, 0]),
        "y": typed(points[-1:, 1]),
        "marker": {"color": colour, "size": 10 if path.colour else 8},
        "hovertemplate": hover,
    }
    return [line, end]


def _line(values: np.ndarray, colour: str, name: str) -> dict[str, Any]:
    other = name == OTHERS and colour == style.MUTED
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": typed(np.arange(len(values), dtype=np.float32)),
        "y": typed(np.asarray(values, np.float32)),
        "line": {
            "color": colour,
            "width": 3.5 if colour == style.ACCENT else 2,
            "dash": "dot" if other else "solid",
        },
        "marker": {"color": colour, "size": 5 if other else 7},
        "hovertemplate": f"{html.escape(cut(name))}: %{{y:.2f}}<extra></extra>",
    }


def cut(name: str) -> str:
    """A name that fits at a line's end."""
    return name if len(name) <= MAX_LABEL else f"{name[: MAX_LABEL - 1]}…"


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
