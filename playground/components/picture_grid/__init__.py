"""A grid of pictures to browse and to pick from (the page's part is `grid.js`).

One component for every tab that shows pictures: thumbnails that are sharp on the visitor's screen, one stop of the Tab
key with the arrow keys inside, and names that are never markup.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from playground.components.figure_save import saveable
from playground.components.plotly_view import head_tags
from playground.components.sprites import sprite_of

FOLDER = Path(__file__).parent
SCRIPTS = {"grid": FOLDER / "grid.js"}
STYLE = FOLDER / "grid.css"
COLUMNS = 10
"""Of the sheet that travels, not of the page's grid, which is as wide as there is room."""
MAX_PICTURES = 400
MAX_NAME_CHARACTERS = 120
"""Longer names and captions are cut."""
MAX_ID_CHARACTERS = 64
TILE, SHARP_TILE = 80, 160
"""Pixels a side that fill a thumbnail of up to 80 CSS pixels: on ordinary screens, and on those with finer pixels."""
FINE_SCREEN = 1.3
"""Device pixels per CSS pixel above which ordinary tiles would look soft."""
FINEST_SCREEN = 10

_VIEW = """
(function whenReady() {
  const root = element.querySelector(".picture-grid");
  if (!window.PictureGrid || !root) { setTimeout(whenReady, 50); return; }
  const grid = root.grid = new PictureGrid(root, { onPick: (what) => trigger("pick", what) });
  const show = () => { if (props.value) grid.show(JSON.parse(props.value)); };
  watch("value", show);
  show();
  const open = (back) => trigger("open", { ratio: window.devicePixelRatio, back });
  let seen = true;
  open(false);
  new ResizeObserver(() => {
    const visible = root.offsetWidth > 0;
    if (visible && !seen) open(true);
    seen = visible;
  }).observe(root);
})();
"""


def picture_grid(
    label: str, elem_id: str, *, places: int = 60, captioned: bool = False, value: str | None = None
) -> gr.HTML:
    """Make a grid where it is created. Its value is a `pack_pictures`; None: places that wait for their pictures.

    Its events are `pick` (a picture was chosen: {index, id}; read it with `picked_index`) and `open` (the grid is in
    the page and may be filled, or is back in sight after another tab was: {ratio, back}; read it with `tile_for` and
    `is_back`). Both come from the page and must be checked.

    Args:
        label: what the grid shows, for screen readers; ours, never a visitor's.
        elem_id: of the grid.
        places: how many pictures are to come first, so that nothing moves when they do.
        captioned: whether they will have captions.
        value: the first pictures.
    """
    attributes = f'data-label="{html.escape(label)}" data-places="{int(places)}" data-captioned="{int(captioned)}"'
    return gr.HTML(
        value,
        html_template=saveable(f'class="picture-grid" {attributes}', label),
        js_on_load=_VIEW,
        apply_default_css=False,
        elem_id=elem_id,
    )


def head() -> str:
    """What the page's head must hold for grids to work; `SCRIPTS` and `STYLE` must be among the static paths."""
    return head_tags("picture-grid", SCRIPTS, STYLE)


def pack_pictures(
    images: np.ndarray,
    names: Sequence[str],
    captions: Sequence[str] | None = None,
    chosen: int | None = None,
    *,
    grid_id: str = "",
    pickable: bool = True,
    empty: str = "No pictures.",
) -> str:
    """Turn pictures into a grid's value: one string, which the page hands on without looking inside.

    Args:
        images: (n, S, S, 3) uint8, n up to `MAX_PICTURES`, S at least `tile_for` of the screen to be sharp.
        names: (n,) what each shows; untrusted, shown as text.
        captions: (n,) a line under each; untrusted, shown as text.
        chosen: index of the picture that is marked, if it is among these.
        grid_id: comes back with a pick, so that a click on earlier pictures is not taken for one on these.
        pickable: whether a click means something; if not, the pictures can only be looked at.
        empty: the sentence that stands there when n is 0.

    Raises:
        ValueError: the array is none of pictures, there are too many, or not a name and a caption for each.
    """
    count = len(images)
    if count > MAX_PICTURES or len(grid_id) > MAX_ID_CHARACTERS:
        raise ValueError(f"A grid shows up to {MAX_PICTURES} pictures and has a short id; {count} pictures came.")
    if len(names) != count or (captions is not None and len(captions) != count):
        raise ValueError(f"Each of the {count} pictures needs a name, and a caption where there are any.")
    value = json.dumps(
        {
            "id": grid_id,
            "names": [_cut(name) for name in names],
            "captions": None if captions is None else [_cut(caption) for caption in captions],
            "chosen": int(chosen) if chosen is not None and 0 <= chosen < count else None,
            "pickable": bool(pickable),
            "empty": empty,
            "sprite": sprite_of(images, COLUMNS) if count else None,
        }
    )
    return value.replace("<", "\\u003c")  # the same in JSON, and nothing that anybody takes for a tag


def picked_index(event_data: Any, grid_id: str, count: int) -> int | None:
    """Read what a `pick` brought.

    Args:
        event_data: `gr.EventData._data`, which may be anything.
        grid_id: of the pictures that the server takes to be shown.
        count: how many these are.

    Returns:
        Their index, or None: what came is no index of one of these pictures.
    """
    if not isinstance(event_data, dict) or event_data.get("id") != grid_id:
        return None
    index = event_data.get("index")
    if not isinstance(index, int) or isinstance(index, bool):
        return None
    return index if 0 <= index < count else None


def tile_for(event_data: Any) -> int:
    """Pixels a side that are sharp on the screen that an `open` speaks of; whatever it says, one of two numbers."""
    ratio = event_data.get("ratio") if isinstance(event_data, dict) else None
    if not isinstance(ratio, (int, float)) or isinstance(ratio, bool):
        return TILE
    return SHARP_TILE if FINE_SCREEN < ratio <= FINEST_SCREEN else TILE


def is_back(event_data: Any) -> bool:
    """Whether an `open` speaks of a grid that was filled before and is in sight again."""
    return isinstance(event_data, dict) and event_data.get("back") is True


def _cut(text: str) -> str:
    return text if len(text) <= MAX_NAME_CHARACTERS else text[: MAX_NAME_CHARACTERS - 1] + "…"
