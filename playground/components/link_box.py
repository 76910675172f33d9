"""A button that copies a link to this tab with its settings."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from backends.engine.config import MethodConfig
from playground.controls import Controls
from playground.links import LINK_KEY, VIEW_PARAMETER, LinkTarget, query_of, read_query
from playground.session import Session

_SEE_VIEW = """(field, ...values) => {
  const seen = (tab) => tab.offsetParent !== null && !tab.closest(".visually-hidden");
  const tabs = document.querySelectorAll('.questions [role="tab"][aria-selected="true"][data-tab-id]');
  const chosen = [...tabs].filter(seen);
  return [chosen.length ? chosen.at(-1).dataset.tabId : "", ...values];
}"""
"""The field carries to the server which part of the tab is in sight: the innermost one."""
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

    def on_copy(request: gr.Request, view: Any, *values: Any) -> Any:
        try:
            text = "?" + with_view(make_query(request, list(values)), view)
        except ValueError as error:
            text = str(error)
        return gr.update(value=text, visible=True)

    made = button.click(on_copy, [field, *controls.inputs], field, js=_SEE_VIEW, show_progress="hidden", api_name=False)
    made.then(None, field, field, js=_COPY)


def copied_query(
    session: Session,
    tab: str,
    target: LinkTarget,
    configs: Mapping[str, MethodConfig],
    texts: Mapping[str, str] | None = None,
) -> str:
    """Write a link's query, and note that its page shows what it says: a reload then keeps what was done since.

    Args:
        session: whose page gets the link for its address.
        tab: the tab's name.
        target: what the tab takes from a link.
        configs: its settings by prefix.
        texts: further parameters.
    """
    query = query_of(tab, configs, texts)
    session.uploads[LINK_KEY] = read_query(dict(urllib.parse.parse_qsl(query)), {tab: target}).query
    return query


def with_view(query: str, view: Any) -> str:
    """A query that also names the part of the tab; what can be no part's name is left out."""
    if not isinstance(view, str) or not re.fullmatch(r"[a-z0-9_-]{1,40}", view):
        return query
    return f"{query}&{urllib.parse.urlencode({VIEW_PARAMETER: view})}"
