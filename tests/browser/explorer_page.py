"""The embedding explorer alone in a page of its own: no server, no Gradio, nothing but files."""

from __future__ import annotations

import colorsys
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page

from backends.analysis.map_config import MapConfig
from playground.components import embedding_explorer
from playground.components.embedding_explorer import grouping, pack_frame, pack_items
from playground.components.sprites import sprite_of

HEIGHT = 396
NO_WEBGL = """
window.contexts = [];
const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  window.contexts.push(kind);
  (this.kinds ||= []).push(kind);
  return /webgl|webgpu/.test(kind) ? null : real.call(this, kind, ...rest);
};
"""
SVG = "{http://www.w3.org/2000/svg}"
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


@dataclass
class Alone:
    """An explorer in a page without a server."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ask(self, expression: str) -> Any:
        return self.page.evaluate(f"() => {expression}")

    def show(self, points: np.ndarray, called: list[str] | None = None, **changes: Any) -> None:
        """Show points with names, or with changes of the frame only."""
        if called is not None:
            self.ask(f"e.setItems({items(called)})")
        self.ask(f"e.setFrame({frame(points, **changes)})")
        self.settle()

    def settle(self) -> None:
        """Wait until everything is drawn."""
        self.page.wait_for_function("() => e.drawn > 0 && !e.tween && !e.waiting")

    def slide(self, at: int) -> None:
        """Move the history's slider to a state."""
        self.ask(f"(e.slider.value = {at}, e.slider.dispatchEvent(new Event('input')), 0)")
        self.settle()

    @property
    def said(self) -> str:
        return str(self.ask("e.said.textContent"))

    def asked(self, kind: str) -> list[Any]:
        return [what for asked, what in self.ask("asked") if asked == kind]

    def place_of(self, index: int) -> tuple[float, float]:
        """Where a point stands in the window."""
        x, y = self.ask(
            "(() => { const b = e.canvas.getBoundingClientRect();"
            f" return [b.left + e.places.x[{index}], b.top + e.places.y[{index}]]; }})()"
        )
        return x, y

    def pixel(self, x: float, y: float) -> tuple[int, ...]:
        """The colour at a place of the map, in CSS pixels."""
        return tuple(self.ask(f"Array.from(e.canvas.getContext('2d').getImageData({x}, {y}, 1, 1).data)"))

    def drag(self, *places: tuple[float, float]) -> None:
        """Press at the first place, go through the others, let go at the last."""
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=4)
        self.page.mouse.up()

    def inside(self, *shares: tuple[float, float]) -> list[tuple[float, float]]:
        """Places in the window from shares of the map's width and height."""
        box = self.page.locator(".ex-canvas").bounding_box()
        assert box is not None
        return [(box["x"] + a * box["width"], box["y"] + b * box["height"]) for a, b in shares]

    def download(self, button: str) -> Path:
        """Press a button of the menu and take what it saves."""
        if self.ask("e.menu.hidden"):
            self.page.click(".ex-bar button:has-text('More')")
        with self.page.expect_download() as coming:
            self.page.click(f".ex-menu button:has-text('{button}')")
        return Path(coming.value.path())


def cloud(count: int, dimensions: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
