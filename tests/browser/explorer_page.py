"""The embedding explorer alone in a page of its own: no server, no Gradio, nothing but files."""

from __future__ import annotations

import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backends.analysis.map_config import MapConfig
from playground.components import embedding_explorer
from playground.components.embedding_explorer import pack_frame, pack_items

HEIGHT = 396
RECORD = "window.asked = []; const record = (kind) => (what) => window.asked.push([kind, what]);"
MAKE = f"""
window.e = new EmbeddingExplorer(document.getElementById("map"), {{ label: "Map", height: {HEIGHT},
  onPick: record("pick"), onLayout: record("layout"), onItems: record("items") }});
"""


def write(directory: Path, body: str = "") -> str:
    """Write the page with an explorer `e` and a list `asked` of what it reported; returns its address."""
    scripts = "".join(f'<script src="{path.as_uri()}"></script>' for path in embedding_explorer.SCRIPTS.values())
    path = directory / "explorer.html"
    path.write_text(
        f'<!doctype html><meta charset="utf-8"><title>explorer</title>'
        f'<link rel="stylesheet" href="{embedding_explorer.STYLE.as_uri()}">'
        f'<div id="map" style="width:640px"></div>{scripts}<script>{RECORD}{MAKE}{body}</script>',
        encoding="utf-8",
    )
    return path.as_uri()


def names(count: int) -> list[str]:
    """Names of different lengths, most frequent first."""
    return [f"word{i}{'x' * (i % 7)}" for i in range(count)]


def frame(points: np.ndarray, step: int = 1, **changes: Any) -> str:
    """A frame of a run."""
    given: dict[str, Any] = {
        "frame_id": f"frame {step} {changes}"[:200],
        "run": "run",
        "map_id": "map",
        "items_id": "items",
        "step": step,
        "label": f"{step} steps",
        "title": f"{len(points)} points",
        "settings": MapConfig(dimensions=points.shape[1]).model_dump(),
    }
    return pack_frame(points, **{**given, **changes})


def items(called: Sequence[str], *, counts: bool = True) -> str:
    """Names, each with how often it occurs."""
    many = [max(1, int(10_000 / (i + 1))) for i in range(len(called))] if counts else None
    return pack_items("items", called, counts=many, noun="word")


def sprite_sheet(count: int, tile: int, columns: int) -> str:
    """An SVG of coloured squares as a data URL: square i is of the hue 360 i / count."""
    squares = "".join(
        f'<rect x="{i % columns * tile}" y="{i // columns * tile}" width="{tile}" height="{tile}" '
        f'fill="hsl({360 * i // count},100%,50%)"/>'
        for i in range(count)
    )
    sheet = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * tile}" '
        f'height="{-(-count // columns) * tile}">{squares}</svg>'
    )
    return "data:image/svg+xml," + urllib.parse.quote(sheet)
