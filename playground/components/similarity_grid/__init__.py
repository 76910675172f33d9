"""NT-Xent on a matrix of cosines: the lecture's example to drag, and a real batch to look into.

The bench (`bench.js`) sums in the page, because its numbers change while they are dragged; a browser test holds its
sums to `backends/simclr/by_hand.py`. The grid (`grid.js`) shows what that module has summed. Both write a term out
with `term.js`.
"""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from backends.simclr import by_hand
from playground.components.figure_save import saveable
from playground.components.plotly_view import head_tags

FOLDER = Path(__file__).parent
SCRIPTS = {name: FOLDER / f"{name}.js" for name in ("nt_xent", "term", "bench", "grid")}
"""In the order in which the page must load them."""
STYLE = FOLDER / "similarity.css"
SIGNIFICANT_DIGITS = 8
BENCH_HEIGHT = 440
GRID_HEIGHT = 120
MAX_TILE = 64
"""Pixels: thumbnails are shown at up to 56 CSS pixels."""

_VIEW = """
(function whenReady() {
  const root = element.querySelector(".nt-root");
  if (!window.CLASS || !root) { setTimeout(whenReady, 50); return; }
  const view = root.view = new CLASS(root);
  const show = () => view.show(props.value ? JSON.parse(props.value) : null);
  watch("value", show);
  show();
})();
"""


def similarity_bench(*, elem_id: str) -> gr.HTML:
    """The lecture's example where it is created: two animals, two views each, every cosine and tau to drag."""
    return _html("SimilarityBench", "The loss by hand", pack_bench(), BENCH_HEIGHT, elem_id)


def similarity_grid(value: str | None = None, *, elem_id: str) -> gr.HTML:
    """A batch's matrix of cosines where it is created. Its value is a `pack_grid`, or None: then nothing is shown."""
    return _html("SimilarityGrid", "Similarities of a batch", value, GRID_HEIGHT, elem_id)


def head() -> str:
    """What the page's head must hold for both to work."""
    return head_tags("similarity", SCRIPTS, STYLE)


def pack_bench() -> str:
    """The examples of `by_hand` and the range of tau."""
    names = [name.split() for name in by_hand.EXAMPLE_NAMES]
    examples = [
        {
            "name": example.name,
            "label": example.label,
            "says": example.says,
            "similarities": _rounded(example.similarities),
            "temperature": example.temperature,
        }
        for example in by_hand.EXAMPLES
    ]
    return json.dumps(
        {
            "names": [{"base": base, "index": int(index), "prime": False} for base, index in names],
            "positives": by_hand.partners(len(names)).tolist(),
            "temperatures": [by_hand.MIN_TEMPERATURE, by_hand.MAX_TEMPERATURE],
            "examples": examples,
        },
        allow_nan=False,
    )


def pack_grid(
    similarities: np.ndarray, thumbnails: np.ndarray, temperature: float, positives: np.ndarray | None = None
) -> str:
    """A batch with everything that `by_hand` sums from it.

    Args:
        similarities: (2n, 2n) cosines of the views x1, x1', x2, x2', and so on, n from 1 to `by_hand.MAX_PICTURES`.
        thumbnails: (2n, S, S, 3) uint8, one a view.
        temperature: tau, in [0.01, 10].
        positives: (2n,) the positive of each view; None: the other view of the same picture.

    Raises:
        SimilarityError: the numbers can't be used, or there are too many views, or not a thumbnail for each.
    """
    terms = by_hand.terms(similarities, temperature, positives)
    views = len(terms)
    if views > 2 * by_hand.MAX_PICTURES:
        raise by_hand.SimilarityError(f"Up to {by_hand.MAX_PICTURES} pictures can be shown; {views // 2} came.")
    if thumbnails.shape != (views, *thumbnails.shape[1:2] * 2, 3) or thumbnails.dtype != np.uint8:
        raise by_hand.SimilarityError(f"Each of the {views} views needs a square uint8 picture in RGB.")
    return json.dumps(
        {
            "names": [{"base": "x", "index": k // 2 + 1, "prime": bool(k % 2)} for k in range(views)],
            "similarities": _rounded(np.clip(similarities, -1, 1)),
            "weights": _rounded(by_hand.weights(similarities, temperature)),
            "gradient": _rounded(by_hand.gradient(similarities, temperature, positives)),
            "terms": _rounded(terms),
            "loss": float(terms.mean()),
            "temperature": float(temperature),
            "positives": [int(k) for k in (by_hand.partners(views) if positives is None else positives)],
            "sprite": _sprite(thumbnails),
        },
        allow_nan=False,
    )


def _html(view: str, label: str, value: str | None, height: int, elem_id: str) -> gr.HTML:
    return gr.HTML(
        value,
        html_template=saveable('class="nt-root"', label),
        js_on_load=_VIEW.replace("CLASS", view),
        apply_default_css=False,
        min_height=height,
        elem_id=elem_id,
    )


def _sprite(thumbnails: np.ndarray) -> str:
    """The thumbnails side by side in one PNG, as a data URL."""
    from PIL import Image

    step = max(1, -(-thumbnails.shape[1] // MAX_TILE))
    sheet = np.concatenate(list(thumbnails[:, ::step, ::step]), axis=1)
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _rounded(array: np.ndarray) -> Any:
    """Nested lists of numbers with `SIGNIFICANT_DIGITS`."""
    if array.ndim > 1:
        return [_rounded(row) for row in array]
    return [float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in array]
