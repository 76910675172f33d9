"""The attention heads of a model on one text or picture (the page's part is `heads.js`).

All heads as small heat maps, lines between the tokens, the matrix with its values, rollout, several heads combined,
special tokens left out, patches of a picture, and heads that can be silenced. The page has all weights and works these
out by itself; it asks the server only for what a model must compute anew.
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

from playground.components.plotly_view import head_tags

FOLDER = Path(__file__).parent
SCRIPTS = {name: FOLDER / f"{name}.js" for name in ("weights", "grid", "lines", "matrix", "picture", "save", "heads")}
"""In the order in which the page must load them."""
STYLE = FOLDER / "heads.css"
HEIGHT = 590
MAX_TOKENS = 256
"""On either side of one view; a vision transformer has 197."""
MAX_WEIGHTS = 6_000_000
"""Of all views together, two bytes each: 12 layers of 12 heads over 197 patches are 5.6 million."""
MAX_VIEWS = 6
MAX_CHARACTERS = 80
"""Longer tokens and names are cut."""
MAX_SENTENCE = 160
"""Longer words about a head are cut."""
MAX_SILENCED = 1024
HIGHEST = 65535
_PICTURE = re.compile(r"data:image/(png|jpeg|webp);base64,[A-Za-z0-9+/=]+")

_VIEW = """
(function whenReady() {
  const root = element.querySelector(".hv-root");
  if (!window.HeadView || !root) { setTimeout(whenReady, 50); return; }
  const heads = root.heads = new HeadView(root, OPTIONS);
  const show = () => heads.show(props.value ? JSON.parse(props.value) : null);
  watch("value", show);
  show();
})();
"""

_SILENCING = '{ onSilence: (what) => trigger("silence", what) }'

Role = tuple[str, str, float]
"""What a head does: its name ("previous token"), the words for a reader, and its figure (0 to 1).

Words of up to 22 letters replace the name; a longer sentence stands beside it.
"""


@dataclass(frozen=True, eq=False)
class Picture:
    """The picture whose patches the tokens are.

    Attributes:
        src: a data URL of a PNG, JPEG or WebP.
        grid: rows and columns of patches.
        first: how many tokens that are no patch, such as the class token, come before them.
    """

    src: str
    grid: tuple[int, int]
    first: int = 1


@dataclass(frozen=True, eq=False)
class View:
    """The attention of one stack of layers, such as a decoder's self-attention.

    Attributes:
        name: tells the views apart; comes back with what is silenced.
        label: as a reader calls it; ours, never a visitor's.
        rows: (T,) tokens that look; untrusted, shown as text without the marker of a leading space.
        columns: (S,) tokens that are looked at.
        weights: (L, H, T, S) in [0, 1], of every head of every layer.
        roles: (L, H) what each head does, or None; a single head's may be None too.
        rollout: (L, T, S) in [0, 1], up to and with each layer, or None.
        special_rows: places of tokens that the model adds, such as [CLS]; they can be left out.
        special_columns: the same of the columns.
        picture: for a vision transformer, whose rows and columns are the same patches.
        begin: layer and head that are shown first, from 0; later ones keep what the visitor has chosen.
    """

    name: str
    label: str
    rows: Sequence[str]
    columns: Sequence[str]
    weights: np.ndarray
    roles: Sequence[Sequence[Role | None]] | None = None
    rollout: np.ndarray | None = None
    special_rows: Sequence[int] = ()
    special_columns: Sequence[int] = ()
    picture: Picture | None = None
    begin: tuple[int, int] = (0, 0)


def head_view(value: str | None = None, *, elem_id: str, silences: bool = True) -> gr.HTML:
    """Show heads where it is created. Its value is a `pack_heads`, or None: a sentence says what will appear.

    With `silences` heads can be silenced: its event is `silence` ({"silenced": [[view name, layer, head], ...]}, the
    whole list, layers and heads from 0). It comes from the page and must be checked: read it with `silenced_heads`. A
    value with the new weights is to follow. On the page layers and heads count from 1.
    """
    return gr.HTML(
        value,
        html_template=f'<div class="hv-root" style="min-height:{HEIGHT}px"></div>',
        js_on_load=_VIEW.replace("OPTIONS", _SILENCING if silences else "{}"),
        apply_default_css=False,
        min_height=HEIGHT,
        elem_id=elem_id,
    )


def head() -> str:
    """What the page's head must hold for it to work; `SCRIPTS` and `STYLE` must be among the static paths."""
    return head_tags("head-view", SCRIPTS, STYLE)


def pack_heads(
    views: Sequence[View],
    *,
    id: str = "",
    silenced: Sequence[tuple[str, int, int]] | None = None,
    empty: str = "",
) -> str:
    """Turn views into the component's value: one string, which the page hands on without looking inside.

    Args:
        views: in the order of their tabs; none shows `empty`.
        id: of the text or picture; with the same one the page keeps the token that was chosen.
        silenced: (view name, layer, head) of all that are silenced; None leaves the page's own list as it is.
        empty: the sentence where there are no views; "" is the component's own.

    Raises:
        ValueError: a view's numbers, tokens, roles or picture don't fit together, or there are too many.
    """
    if len(views) > MAX_VIEWS or len({view.name for view in views}) != len(views):
        raise ValueError(f"Up to {MAX_VIEWS} views with names of their own can be shown; {len(views)} came.")
    total = sum(view.weights.size for view in views)
    if total > MAX_WEIGHTS:
        raise ValueError(f"The views hold {total:,} weights; {MAX_WEIGHTS:,} can be shown.")
    packed = {
        "id": id,
        "views": [_packed(view) for view in views],
        "silenced": None if silenced is None else [[name, int(layer), int(head)] for name, layer, head in silenced],
        "empty": empty,
    }
    value = json.dumps(packed, allow_nan=False)
    return value.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")  # the same in JSON, and no tag


def silenced_heads(event_data: Any, heads: Mapping[str, tuple[int, int]]) -> list[tuple[str, int, int]]:
    """Read what a `silence` brought.

    Args:
        event_data: `gr.EventData._data`, which may be anything.
        heads: how many layers and heads each view has, by its name.

    Returns:
        (view name, layer, head), each once, of those that exist; whatever else came is left out.
    """
    listed = event_data.get("silenced") if isinstance(event_data, dict) else None
    if not isinstance(listed, list):
        return []
    found: dict[tuple[str, int, int], None] = {}
    for one in listed[:MAX_SILENCED]:
        if not isinstance(one, list) or len(one) != 3 or not isinstance(one[0], str):
            continue
        shape = heads.get(one[0])
        if shape and all(
            type(number) is int and 0 <= number < most for number, most in zip(one[1:], shape, strict=True)
        ):
            found[one[0], one[1], one[2]] = None
    return list(found)


def _packed(view: View) -> dict[str, Any]:
    """One view as the page reads it."""
    rows, columns = len(view.rows), len(view.columns)
    shape = view.weights.shape
    if len(shape) != 4 or shape[2:] != (rows, columns) or 0 in shape:
        raise ValueError(f"{view.name}: weights of the shape {shape} don't fit {rows} rows and {columns} columns.")
    if max(rows, columns) > MAX_TOKENS:
        raise ValueError(f"{view.name}: up to {MAX_TOKENS} tokens can be shown; {max(rows, columns)} came.")
    if view.rollout is not None and view.rollout.shape != (shape[0], rows, columns):
        raise ValueError(f"{view.name}: a rollout of the shape {view.rollout.shape} doesn't fit weights of {shape}.")
    return {
        "name": view.name,
        "label": view.label[:MAX_CHARACTERS],
        "rows": [_cut(token) for token in view.rows],
        "columns": [_cut(token) for token in view.columns],
        "layers": shape[0],
        "heads": shape[1],
        "weights": _base64(view.weights, view.name),
        "roles": _roles(view, shape[0], shape[1]),
        "rollout": None if view.rollout is None else _base64(view.rollout, view.name),
        "special_rows": sorted({int(i) for i in view.special_rows if 0 <= i < rows}),
        "special_columns": sorted({int(i) for i in view.special_columns if 0 <= i < columns}),
        "picture": _picture(view, rows, columns),
        "begin": [min(max(0, place), most - 1) for place, most in zip(view.begin, shape[:2], strict=True)],
    }


def _roles(view: View, layers: int, heads: int) -> list[list[tuple[str, str, float] | None]] | None:
    if view.roles is None:
        return None
    if len(view.roles) != layers or any(len(layer) != heads for layer in view.roles):
        raise ValueError(f"{view.name}: each of the {layers} × {heads} heads needs its role, or None.")
    return [
        [None if role is None else (_cut(role[0]), _cut(role[1], MAX_SENTENCE), float(role[2])) for role in layer]
        for layer in view.roles
    ]


def _picture(view: View, rows: int, columns: int) -> dict[str, Any] | None:
    if view.picture is None:
        return None
    high, wide = (int(side) for side in view.picture.grid)
    first = int(view.picture.first)
    if not _PICTURE.fullmatch(view.picture.src):
        raise ValueError(f"{view.name}: a picture is given as a data URL of a PNG, JPEG or WebP.")
    if high < 1 or wide < 1 or first < 0 or not rows == columns == first + high * wide:
        raise ValueError(f"{view.name}: {first} tokens and {high} × {wide} patches are not {rows} × {columns} tokens.")
    return {"src": view.picture.src, "grid": [high, wide], "first": first}


def _base64(weights: np.ndarray, name: str) -> str:
    """Weights as 16-bit shares of 1, little-endian: a fifth of the size of numbers as text."""
    low, high = float(weights.min()), float(weights.max())
    if not (low >= -1e-3 and high <= 1 + 1e-3):  # also where one is not a number
        raise ValueError(f"{name}: attention weights lie between 0 and 1; these are from {low:g} to {high:g}.")
    shares = np.round(HIGHEST * np.clip(weights, 0, 1)).astype("<u2")
    return base64.b64encode(np.ascontiguousarray(shares).tobytes()).decode("ascii")


def _cut(text: str, most: int = MAX_CHARACTERS) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
