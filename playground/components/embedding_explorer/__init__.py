"""The embedding explorer: a map of points from many dimensions, with its tools (the page's part is `explorer.js`).

What the points are (`pack_items`), where they stand (`pack_frame`) and which are marked (`pack_marks`) travel on three
channels, because each changes at its own pace: names once a run, places several times a second, marks at a click.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from backends.analysis.map_config import FACTOR_COLOUR, FACTOR_PREFIX
from playground.components.plotly_view import head_tags

FOLDER = Path(__file__).parent
SCRIPTS = {name: FOLDER / f"{name}.js" for name in ("paint", "pictures", "explorer")}
STYLE = FOLDER / "explorer.css"
TOOLS_HEIGHT = 62
MAX_ITEMS_CHARACTERS = 40
"""Longer names are cut on the map."""
MAX_GUESTS = 24
"""Guests travel with every frame, pictures and all."""
_PICTURE = re.compile(r"data:image/(png|jpeg|webp);base64,[A-Za-z0-9+/=]+")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")

_VIEW = """
const label = element.querySelector("[data-explorer-label]").dataset.explorerLabel;
const tools = element.querySelector("[data-explorer-tools]").dataset.explorerTools === "1";
const height = Number(element.querySelector("[data-explorer-height]").dataset.explorerHeight);
(function whenReady() {
  const root = element.querySelector(".explorer-root");
  if (!window.EmbeddingExplorer || !root) { setTimeout(whenReady, 50); return; }
  const explorer = root.explorer = new EmbeddingExplorer(root, { label, height, tools,
    onPick: (what) => trigger("pick", what),
    onLayout: (what) => trigger("layout", what),
    onItems: (id) => trigger("items", { id }) });
  const show = () => { if (props.value) explorer.setFrame(JSON.parse(props.value)); };
  watch("value", show);
  show();
})();
"""
_CHANNEL = """
const deliver = () => {
  if (!props.value) return;
  const root = document.querySelector("#TARGET .explorer-root");
  if (root && root.explorer) root.explorer.METHOD(JSON.parse(props.value)); else setTimeout(deliver, 50);
};
watch("value", deliver);
deliver();
"""


@dataclass(frozen=True)
class Explorer:
    """The three parts of one explorer.

    Attributes:
        frame: the visible part. Its value is a `pack_frame`; its events are `pick` (a point was chosen: index, name,
            items), `layout` (a setting of the map was changed: {setting: value}) and `items` (the page lacks the
            names that belong to a frame: id). All of that comes from the page and must be checked.
        items: an invisible channel for `pack_items`.
        marks: an invisible channel for `pack_marks`.
    """

    frame: gr.HTML
    items: gr.HTML
    marks: gr.HTML


def embedding_explorer(*, label: str, height: int, elem_id: str, tools: bool = True) -> Explorer:
    """Lay an explorer out where it is created.

    Args:
        label: what the map shows, for screen readers; ours, never a visitor's.
        height: of the map in pixels; the tools take 60 more.
        elem_id: of the visible part.
        tools: show the tools; without them the map can still be moved, zoomed and clicked.
    """
    full_height = height + (TOOLS_HEIGHT if tools else 0)
    template = (
        f'<div data-explorer-label="{label}" data-explorer-height="{height}" data-explorer-tools="{int(tools)}">'
        f'<div class="explorer-root" style="min-height:{full_height}px"></div></div>'
    )
    frame = gr.HTML(
        html_template=template,
        js_on_load=_VIEW,
        apply_default_css=False,
        min_height=full_height,
        elem_id=elem_id,
    )
    return Explorer(frame, _channel(elem_id, "setItems"), _channel(elem_id, "setMarks"))


def _channel(target: str, method: str) -> gr.HTML:
    script = _CHANNEL.replace("TARGET", target).replace("METHOD", method)
    return gr.HTML(html_template="<span></span>", js_on_load=script, apply_default_css=False, elem_classes=["channel"])


def head() -> str:
    """What the page's head must hold for explorers to work."""
    return head_tags("explorer", SCRIPTS, STYLE)


def pack_items(
    items_id: str,
    names: Sequence[str],
    *,
    counts: Sequence[int] | None = None,
    noun: str = "point",
    groupings: Sequence[dict[str, Any]] = (),
    sprite: Mapping[str, Any] | None = None,
) -> str:
    """What the points are.

    Args:
        items_id: named by the frames that show these items.
        names: (n,) shown as text, never as markup.
        counts: (n,) how often each occurs, if that means something; makes the colour "frequency" possible.
        noun: what one point is called.
        groupings: a `grouping` for each way of telling the points apart that is known; the page colours by them
            without asking the server.
        sprite: the points' pictures, as `sprites.sprite_of` makes them: picture i belongs to point i.

    Raises:
        ValueError: the sprite is none.
    """
    packed: dict[str, Any] = {"id": items_id, "names": [name[:MAX_ITEMS_CHARACTERS] for name in names], "noun": noun}
    if counts is not None:
        packed["counts"] = [int(count) for count in counts]
    if groupings:
        packed["groupings"] = list(groupings)
    if sprite is not None:
        packed["sprite"] = {
            "src": _picture(sprite["src"]),
            "tile": _positive(sprite["tile"]),
            "columns": _positive(sprite["columns"]),
        }
    return json.dumps(packed)


def grouping(
    name: str, label: str, classes: Sequence[str], codes: np.ndarray, *, colours: Sequence[str] | None = None
) -> dict[str, Any]:
    """One way of telling points apart: the colour "factor:name" of the map.

    Args:
        name: snake_case, as in `MapConfig.colour`.
        label: as a person would say it.
        classes: what each class is called; untrusted, shown as text.
        codes: (n,) each point's class.
        colours: of each class, as "#rrggbb"; None takes the page's own palette, in which classes beyond the twelfth
            share a grey.

    Raises:
        ValueError: the name or a colour is none, or a code has no class.
    """
    codes = np.asarray(codes)
    if not re.fullmatch(FACTOR_COLOUR, FACTOR_PREFIX + name):
        raise ValueError(f"A grouping is called {name[:40]!r}; names are snake_case, of up to 40 characters.")
    if len(classes) > 65_536 or (codes.size and not 0 <= codes.min() <= codes.max() < len(classes)):
        raise ValueError(f"The grouping {name} has {len(classes)} classes, and a point of another.")
    packed: dict[str, Any] = {
        "name": name,
        "label": label[:MAX_ITEMS_CHARACTERS],
        "classes": [called[:MAX_ITEMS_CHARACTERS] for called in classes],
        "codes": _base64(codes.astype("<u2")),
    }
    if colours is not None:
        if len(colours) != len(classes) or not all(_COLOUR.fullmatch(colour) for colour in colours):
            raise ValueError(f"The grouping {name} needs a colour such as #d55e00 for each of its classes.")
        packed["colours"] = list(colours)
    return packed


def guest(place: np.ndarray, *, name: str, src: str, near: Sequence[int] = ()) -> dict[str, Any]:
    """A picture that is none of the map's points but stands among them.

    Args:
        place: (dimensions,) in the space of the points, as from `picture_vectors.place_among`.
        name: untrusted, shown as text.
        src: its picture, from `sprites.data_url`.
        near: the points it is most like; lines are drawn to them.

    Raises:
        ValueError: the place is not finite, or the picture is none.
    """
    place = np.asarray(place, np.float64)
    if place.shape not in ((2,), (3,)) or not np.isfinite(place).all():
        raise ValueError("A guest's place is two or three finite numbers.")
    axes = dict(zip("xyz", (float(value) for value in place), strict=False))
    return {
        **axes,
        "name": name[:MAX_ITEMS_CHARACTERS],
        "src": _picture(src),
        "near": [int(index) for index in near],
    }


def _picture(src: str) -> str:
    """Only pictures that need no request: nothing is fetched from elsewhere."""
    if not _PICTURE.fullmatch(src):
        raise ValueError("A picture is given as a data URL of a PNG, JPEG or WebP.")
    return src


def _positive(number: int) -> int:
    if not 1 <= int(number) <= 65_536:
        raise ValueError(f"A sprite's tile and columns are at least 1, not {number}.")
    return int(number)


def pack_points(points: np.ndarray) -> dict[str, Any]:
    """Pack (n, dimensions) places as 16-bit shares of their bounding box: a third of the size of floats as text."""
    points = np.asarray(points, np.float64)
    low, high = (points.min(axis=0), points.max(axis=0)) if len(points) else np.zeros((2, points.shape[1]))
    shares = (points - low) / np.maximum(high - low, 1e-12)
    return {
        "q": _base64(np.round(65535 * np.clip(shares, 0, 1)).astype("<u2")),
        "low": [float(value) for value in low],
        "high": [float(value) for value in high],
        "dims": int(points.shape[1]),
    }


def pack_frame(
    points: np.ndarray,
    *,
    frame_id: str,
    run: str,
    map_id: str,
    items_id: str,
    step: int,
    label: str,
    title: str,
    settings: dict[str, Any],
    note: str = "",
    busy: bool = False,
    asked: int | None = None,
    near: Sequence[int] = (),
    colour: dict[str, Any] | None = None,
    history: Sequence[dict[str, Any]] = (),
    guests: Sequence[dict[str, Any]] = (),
) -> str:
    """Where the points stand.

    Args:
        points: (n, 2 or 3) places.
        frame_id: differs from every other frame's; a frame that is already shown is not drawn again.
        run: whose history this frame belongs to.
        map_id: differs for maps that can't be compared place by place (another layout, other settings).
        items_id: of the `pack_items` that name the points.
        step: place in the history; a frame with the same step replaces the one before.
        label: the step in words.
        title: what the map shows.
        settings: of the map (`MapConfig.model_dump()`).
        note: said behind the title.
        busy: the layout is still on its way.
        asked: the marked point; near: its neighbours.
        colour: a `colour_of_values` or `colour_of_groups`, or None.
        history: earlier states, each a `pack_points` with "step" and "label"; for a page that has not seen them.
        guests: up to `MAX_GUESTS` `guest`s, drawn on top.

    Raises:
        ValueError: there are too many guests, or one stands in another space than the points.
    """
    if len(guests) > MAX_GUESTS:
        raise ValueError(f"There are {len(guests)} guests; a map has room for {MAX_GUESTS}.")
    if any(("z" in one) != (points.shape[1] == 3) for one in guests):
        raise ValueError(f"A guest's place and the map's {points.shape[1]} dimensions don't fit.")
    return json.dumps(
        {
            **pack_points(points),
            "id": frame_id,
            "n": len(points),
            "run": run,
            "map": map_id,
            "items": items_id,
            "step": step,
            "label": label,
            "title": title,
            "note": note,
            "busy": busy,
            "settings": settings,
            "asked": asked,
            "near": [int(index) for index in near],
            "colour": colour,
            "history": list(history),
            "guests": [{**one, "near": [i for i in one["near"] if 0 <= i < len(points)]} for one in guests],
        }
    )


def pack_marks(
    run: str, asked: int | None, near: Sequence[int], colour: dict[str, Any] | None = None, said: str = ""
) -> str:
    """Mark other points of the frame that is shown, colour it anew if a colour is given, and say something under it."""
    marks = {"run": run, "asked": asked, "near": [int(index) for index in near], "colour": colour, "said": said}
    return json.dumps(marks)


def colour_of_values(values: np.ndarray, label: str) -> dict[str, Any]:
    """Colour by a number: (n,) values, their extremes at the ends of the scale but for a few stray ones."""
    low, high = (float(v) for v in np.quantile(values, [0.01, 0.995])) if len(values) else (0.0, 1.0)
    codes = np.clip(np.round(255 * (values - low) / max(high - low, 1e-9)), 0, 255).astype(np.uint8)
    return {"kind": "similarity", "codes": _base64(codes), "low": low, "high": high, "label": label}


def colour_of_groups(groups: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Colour by group: (n,) uint8 numbers of groups, and what each is called in the key."""
    return {"kind": "cluster", "codes": _base64(groups.astype(np.uint8)), "names": list(names), "label": "clusters"}


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
