"""A button that copies a link to this tab with its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from playground.controls import Controls

_COPY = """(query) => {
  if (!query || !query.startsWith("?")) return query;
  const address = location.origin + location.pathname + query;
  history.replaceState(null, "", address);
  if (navigator.clipboard) navigator.clipboard.writeText(address).catch(() => {});
  return address;
}"""
"""The address bar gets the link too; where the browser allows no clipboard (plain http), the field can be copied."""


def link_field(prefix: str) -> gr.Textbox:
    """Make the field in which the link appears."""
    return gr.Textbox(
        label="Link to these settings, copied",
        interactive=False,
        visible=False,
        max_lines=1,
        elem_id=f"{prefix}-link",
        elem_classes=["link-field"],
    )


def wire_link(
    button: gr.Button, field: gr.Textbox, controls: Controls, make_query: Callable[[gr.Request, list[Any]], str]
) -> None:
    """Let a button make the link.

    Args:
        button: that is pressed; field: where the link appears.
        controls: the widgets whose values go into the link.
        make_query: from the request and the widgets' values, the query string without its "?"; raises ValueError
            with a sentence.
    """

    def on_copy(request: gr.Request, *values: Any) -> Any:
        try:
            text = "?" + make_query(request, list(values))
        except ValueError as error:
            text = str(error)
        return gr.update(value=text, visible=True)

    made = button.click(on_copy, controls.inputs, field, show_progress="hidden", api_name=False)
    made.then(None, field, field, js=_COPY)
