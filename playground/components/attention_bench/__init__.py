"""Attention by hand: the lecture's table, and a sentence of the visitor's own with every matrix on the way to z.

The bench sums in the page (`attention_sum.js`), because its numbers follow every edit; a browser test holds its sums to
`backends/attention/by_hand.py`. `table.js` is the lecture's table, `sentence.js` the own sentence, `parts.js` what both
are made of, `bench.js` the two under one roof.
"""

from __future__ import annotations

import json
from pathlib import Path

import gradio as gr

from backends.attention import by_hand
from playground.components.figure_save import saveable
from playground.components.plotly_view import head_tags

FOLDER = Path(__file__).parent
SCRIPTS = {name: FOLDER / f"{name}.js" for name in ("attention_sum", "parts", "table", "sentence", "bench")}
"""In the order in which the page must load them."""
STYLE = FOLDER / "bench.css"
HEIGHT = 560
SENTENCE = "The dog chased the cat"
"""Holds one word twice, so that a visitor sees what attention without positions makes of it."""

_VIEW = """
(function whenReady() {
  const root = element.querySelector(".ab-root");
  if (!window.AttentionBench || !root) { setTimeout(whenReady, 50); return; }
  const view = root.view = new AttentionBench(root);
  const show = () => props.value && view.show(JSON.parse(props.value));
  watch("value", show);
  show();
})();
"""


def attention_bench(*, elem_id: str) -> gr.HTML:
    """The sum by hand where it is created; `.ab-root` under it has a `view` with all numbers that are shown."""
    return gr.HTML(
        pack_bench(),
        html_template=saveable('class="ab-root"', "Attention by hand"),
        js_on_load=_VIEW,
        apply_default_css=False,
        min_height=HEIGHT,
        elem_id=elem_id,
    )


def head() -> str:
    """What the page's head must hold for it to work."""
    return head_tags("attention", SCRIPTS, STYLE)


def pack_bench() -> str:
    """The lecture's numbers and the first own sentence."""
    example = by_hand.LECTURE
    names = ("words", "x", "w_q", "w_k", "w_v", "d_k")
    return json.dumps({"lecture": {name: getattr(example, name) for name in names}, "sentence": SENTENCE})
