"""The embedding explorer: a map of points from many dimensions, with its tools (the page's part is `explorer.js`).

What the points are (`pack_items`), where they stand (`pack_frame`) and which are marked (`pack_marks`) travel on three
channels, because each changes at its own pace: names once a run, places several times a second, marks at a click.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from playground.components.plotly_view import static_url

FOLDER = Path(__file__).parent
SCRIPTS = {"paint": FOLDER / "paint.js", "explorer": FOLDER / "explorer.js"}
STYLE = FOLDER / "explorer.css"
TOOLS_HEIGHT = 62
MAX_ITEMS_CHARACTERS = 40
"""Longer names are cut on the map."""

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
    scripts = "".join(
        f'<script src="{static_url(path)}" data-explorer="{name}" defer></script>' for name, path in SCRIPTS.items()
    )
    return f'{scripts}<link rel="stylesheet" href="{static_url(STYLE)}" data-explorer="style">'


def pack_items(items_id: str, names: Sequence[str], *, counts: Sequence[int] | None = None, noun: str = "point") -> str:
    """What the points are.

    Args:
        items_id: named by the frames that show these items.
        names: (n,) shown as text, never as markup.
        counts: (n,) how often each occurs, if that means something; makes the colour "frequency" possible.
        noun: what one point is called.
    """
    packed: dict[str, Any] = {"id": items_id, "names": [name[:MAX_ITEMS_CHARACTERS] for name in names], "noun": noun}
    if counts is not None:
        packed["counts"] = [int(count) for count in counts]
    return json.dumps(packed)


def pack_points(points: np.ndarray) -> dict[str, Any]:
    """Pack (n, dimensions) places as 16-bit shares of their bounding box: a third of the size of floats as text."""
    points = np.asarray(points, np.float64)
    low, high = (points.min(axis=0), points.max(axis=0)) if len(points) else (np.zeros(2), np.ones(2))
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
    """
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
