"""What the shell needs to know of a tab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.links import Link, LinkTarget
from playground.session import Session

QUICK: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": 8}
"""Questions have places of their own, so that they never wait behind a training."""


@dataclass(frozen=True)
class Tab:
    """A built tab.

    Attributes:
        outputs: the components that are set when a page is opened or reloaded.
        open: makes their values for a session; a link that names this tab comes along once.
        link: what the tab takes from a link.
        every_time: whether it is opened anew at each visit, because other tabs change what it shows.
    """

    outputs: list[gr.components.Component]
    open: Callable[[Session, Link | None], list[Any]]
    link: LinkTarget
    every_time: bool = False
