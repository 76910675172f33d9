"""Text fields that complete known words as one types, with the browser's own list."""

from __future__ import annotations

import html
import json

import gradio as gr

LIST_ID = "known-words"
COMPLETED_WORDS = 20_000

_SCRIPT = """
const attach = () => document.querySelectorAll(".word-box input").forEach((input) => {
  if (input.getAttribute("list") !== "known-words") input.setAttribute("list", "known-words");
});
const fill = () => {
  const list = element.querySelector("datalist");
  if (!list || !props.value) return;
  const fragment = document.createDocumentFragment();
  for (const word of JSON.parse(props.value)) {
    const option = document.createElement("option");
    option.value = word;
    fragment.append(option);
  }
  list.replaceChildren(fragment);
};
watch("value", fill);
document.addEventListener("focusin", attach);
fill();
attach();
"""


def word_list(elem_id: str) -> gr.HTML:
    """Make the (invisible) list of known words that every `word_box` completes from; put one on a page."""
    return gr.HTML(
        html_template=f'<datalist id="{LIST_ID}"></datalist>',
        js_on_load=_SCRIPT,
        apply_default_css=False,
        elem_id=elem_id,
    )


def list_value(words: list[str]) -> str:
    """Pack words for the list; the browser sets them as plain values, never as HTML."""
    return json.dumps(words[:COMPLETED_WORDS])


def word_box(label: str, value: str, elem_id: str, *, placeholder: str = "a word") -> gr.Textbox:
    """A field for one word."""
    return gr.Textbox(
        value,
        label=label,
        placeholder=html.escape(placeholder),
        max_lines=1,
        max_length=80,
        elem_id=elem_id,
        elem_classes=["word-box"],
    )
