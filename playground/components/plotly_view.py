"""A plotly chart that is updated in place: zoom and selection stay, and a click reaches Python.

`gr.Plot` remounts at every update. This is a `gr.HTML` whose script calls `Plotly.react` and keeps the visitor's
axis ranges. plotly.js comes from the plotly package on this machine, never from a CDN.
"""

from __future__ import annotations

import base64
import functools
import html
import json
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from playground.components.figure_save import HOST, save_menu

Figure = dict[str, Any]
"""{"data": [traces], "layout": {...}} in plotly's schema."""

READER = Path(__file__).parent / "plotly_reader.js"
_SCRIPT = (Path(__file__).parent / "plotly_view.js").read_text(encoding="utf-8")
_TEMPLATE = '<div class="{host}"><div class="plotly-view-canvas" role="img" aria-label="{label}"></div>{menu}</div>'


def plotly_view(value: Figure | None = None, *, label: str, height: int, **options: Any) -> gr.HTML:
    """Make a live chart. Its value is a packed figure (`pack`) or None; `select` fires with the clicked point.

    The event's data has `curve` (trace number), `index` (point number) and `key` (the point's customdata). A
    function, not a subclass: gradio writes a stub file beside every subclass of a component.

    Args:
        value: the first figure.
        label: what the chart shows, for screen readers.
        height: in pixels.
        **options: as for `gr.HTML`.
    """
    return gr.HTML(
        value=None if value is None else pack(value),
        html_template=_TEMPLATE.format(host=HOST, label=html.escape(label), menu=save_menu(label)),
        css_template=f".plotly-view-canvas {{ height: {height}px; width: 100%; }}",
        js_on_load=_SCRIPT,
        apply_default_css=False,
        min_height=height,
        elem_classes=["plotly-view"],
        **options,
    )


def head() -> str:
    """What the page's head must hold; `READER` and plotly.js must be among the static paths."""
    return f'<script src="{static_url(READER)}" data-plotly="{static_url(plotly_js_path())}" defer></script>'


def pack(figure: Figure) -> str:
    """Turn a figure into a view's value: one string, which the page hands on without looking inside.

    As nested values the page would copy and compare every word of a map at every update; that took more time
    than the drawing.
    """
    return json.dumps(figure)


def typed(array: np.ndarray) -> dict[str, str]:
    """Pack a one-dimensional array the way plotly.js reads it without parsing numbers: base64 of its bytes."""
    array = np.ascontiguousarray(array)
    names = {"float32": "f4", "float64": "f8", "int32": "i4", "uint8": "u1"}
    return {"dtype": names[array.dtype.name], "bdata": base64.b64encode(array.tobytes()).decode("ascii")}


@functools.cache
def plotly_js_path() -> Path:
    """The plotly.min.js that the plotly package ships."""
    import plotly

    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def static_url(path: Path) -> str:
    """Where the page fetches a file that `gr.set_static_paths` names."""
    return f"/gradio_api/file={urllib.parse.quote(str(path))}"


def head_tags(kind: str, scripts: Mapping[str, Path], style: Path) -> str:
    """What the page's head must hold for a component with scripts of its own.

    Args:
        kind: of the component; each tag carries it as data-<kind>, with the file's name.
        scripts: in the order in which the page must load them; they and `style` must be among the static paths.
        style: its style sheet.
    """
    tags = "".join(
        f'<script src="{static_url(path)}" data-{kind}="{name}" defer></script>' for name, path in scripts.items()
    )
    return f'{tags}<link rel="stylesheet" href="{static_url(style)}" data-{kind}="style">'
