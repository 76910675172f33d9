"""Pictures and captions in one plane."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from playground.components.plotly_view import typed
from playground.figures import style


def modality_map(pictures: np.ndarray, captions: np.ndarray, names: Sequence[str], *, title: str) -> dict[str, Any]:
    """Pictures and captions as points, a thin line from each picture to its caption.

    Args:
        pictures: (n, 2).
        captions: (n, 2).
        names: (n,) the captions; may be a visitor's.
        title: what is seen, in words.
    """
    gaps = np.full((len(names), 3, 2), np.nan, np.float32)
    gaps[:, 0], gaps[:, 1] = pictures, captions
    lines = gaps.reshape(-1, 2)
    told = [html.escape(name) for name in names]
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": typed(lines[:, 0]),
            "y": typed(lines[:, 1]),
            "line": {"color": style.MUTED, "width": 0.4},
            "connectgaps": False,
            "hoverinfo": "skip",
        },
        _points(pictures, told, style.ACCENT, "circle", "picture"),
        _points(captions, told, style.HIGHLIGHT, "diamond", "caption"),
    ]
    annotations = [
        _label(0.0, "● pictures", style.ACCENT),
        _label(0.14, "◆ captions", style.HIGHLIGHT),
    ]
    layout = style.layout(
        title,
        xaxis=style.hidden_axis(),
        yaxis=style.hidden_axis(scaleanchor="x"),
        annotations=annotations if len(names) else [],
        margin={"l": 8, "r": 8, "t": 54, "b": 8},
    )
    return {"data": data if len(names) else [], "layout": layout}


def _points(places: np.ndarray, names: Sequence[str], colour: str, symbol: str, kind: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": typed(np.asarray(places[:, 0], np.float32)),
        "y": typed(np.asarray(places[:, 1], np.float32)),
        "text": list(names),
        "marker": {"color": colour, "size": 6, "symbol": symbol, "opacity": 0.75},
        "hovertemplate": f"%{{text}}<extra>{kind}</extra>",
    }


def _label(left: float, text: str, colour: str) -> dict[str, Any]:
    """Says what a mark stands for, at the top of the map, `left` as a share of its width."""
    return {
        "x": left,
        "y": 1,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "text": text,
        "showarrow": False,
        "font": {"color": colour, "size": 13},
    }
