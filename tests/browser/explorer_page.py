"""The embedding explorer alone in a page of its own: no server, no Gradio, nothing but files."""

from __future__ import annotations

import colorsys
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backends.analysis.map_config import MapConfig
from playground.components import embedding_explorer
from playground.components.embedding_explorer import grouping, pack_frame, pack_items
from playground.components.sprites import sprite_of

HEIGHT = 396
RECORD = "window.asked = []; const record = (kind) => (what) => window.asked.push([kind, what]);"
MAKE = f"""
window.e = new EmbeddingExplorer(document.getElementById("map"), {{ label: "Map", height: {HEIGHT},
  onPick: record("pick"), onLayout: record("layout"), onItems: record("items") }});
"""


def write(directory: Path, body: str = "") -> str:
    """Write the page with an explorer `e` and a list `asked` of what it reported; returns its address."""
    scripts = "".join(
        f'<script data-explorer="{name}">{path.read_text(encoding="utf-8")}</script>'
        for name, path in embedding_explorer.SCRIPTS.items()
    )
    style = embedding_explorer.STYLE.read_text(encoding="utf-8")
    path = directory / "explorer.html"
    path.write_text(
        f'<!doctype html><meta charset="utf-8"><title>explorer</title>'
        f'<style data-explorer="style">{style}</style>'
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


def squares(count: int, tile: int = 48) -> np.ndarray:
    """(count, tile, tile, 3) uint8 plain pictures: picture i is of the hue 360 i / count."""
    hues = [colorsys.hsv_to_rgb(i / count, 1, 1) for i in range(count)]
    return np.tile((255 * np.array(hues)).astype(np.uint8)[:, None, None], (1, tile, tile, 1))


SHAPES = ["round", "square", "triangle"]
COLOURS = ["#ff0000", "#00a000", "#0000ff"]
"""The class of picture i is i % 3, in the factor "shape" of the page's palette and in "paint" of these."""


def picture_items(called: Sequence[str], classes: Sequence[str] = SHAPES, sheet: int | None = None) -> str:
    """Pictures with two factors; `sheet` says how many cells the sprite has, if not one each."""
    codes = np.arange(len(called)) % len(classes)
    shape = grouping("shape", "Shape", classes, codes)
    paint = grouping("paint", "Paint", SHAPES, np.arange(len(called)) % 3, colours=COLOURS)
    sprite = sprite_of(squares(sheet or len(called)))
    return pack_items("items", called, noun="picture", groupings=[shape, paint], sprite=sprite)


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
