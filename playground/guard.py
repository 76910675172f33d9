"""The page's own `gr.Blocks`: what a request brings is checked before a handler sees it, and bad luck is said."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

import gradio as gr
from gradio.blocks import BlockFunction

from backends.engine.misfortune import said_of
from playground.light_answers import LightAnswers
from playground.light_sessions import LightSessions

UNREADABLE = "This value can't be used here: reload the page, or see the API's description for what belongs there."
FAREWELL_SECONDS = 10.0
"""How long handlers that still run are waited for."""
_TEXTS = (gr.Textbox, gr.HTML, gr.Code)
_NUMBERS = (gr.Slider, gr.Number)

log = logging.getLogger(__name__)


class Page(LightSessions, LightAnswers, gr.Blocks):
    """Blocks that answer malformed values, full memory and a full disk in a sentence, with no traceback."""

    async def process_api(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Answer one event; a refusal is said to whoever asked, and is no traceback in the log.

        Raises:
            gr.Error: what was asked is refused.
        """
        try:
            return await super().process_api(*args, **options)
        except gr.Error as error:
            error.print_exception = False
            raise

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], *args: Any, **options: Any
    ) -> list[Any]:
        """Read the values of a request; what isn't of the widget's kind is refused.

        Raises:
            gr.Error: a value is missing, too many came, or one is not what its component sends.
        """
        try:
            values: list[Any] = await super().preprocess_data(block_fn, inputs, *args, **options)
        except gr.Error as error:
            error.print_exception = False
            raise
        except Exception as error:
            if said := said_of(error):
                raise gr.Error(said, print_exception=False) from error
            log.info("refused values for %s: %s", block_fn.name, type(error).__name__)
            raise gr.Error(UNREADABLE, print_exception=False) from None
        for block, value in zip(block_fn.inputs, values, strict=True):
            if problem := problem_of(block, value):
                raise gr.Error(problem, print_exception=False)
        return values

    async def call_function(self, block_fn: BlockFunction | int, *args: Any, **options: Any) -> Any:
        """Run a handler; memory or disk that ran out are said in a sentence.

        Raises:
            gr.Error: the machine ran out of something.
        """
        try:
            return await super().call_function(block_fn, *args, **options)
        except (gr.Error, asyncio.CancelledError):
            raise
        except Exception as error:
            if said := said_of(error):
                log.warning("a handler met bad luck: %s", error)
                raise gr.Error(said, print_exception=False) from error
            raise

    def close(self, verbose: bool = True) -> None:
        """End the server, and wait for handlers that still run: one that computes as Python ends takes it down."""
        super().close(verbose)
        end = time.monotonic() + FAREWELL_SECONDS
        for thread in threading.enumerate():
            if getattr(thread, "stopping", False):  # anyio's, of a server that has ended; those of others go on
                thread.join(max(0.0, end - time.monotonic()))


def problem_of(block: Any, value: Any) -> str:
    """Why a value is not of its widget's kind, whatever its range (configs know that); empty: it is."""
    if value is None or isinstance(block, gr.State):
        return ""
    label = f"“{block.label}”" if getattr(block, "label", None) else "This field"
    if isinstance(block, _TEXTS) and not isinstance(value, str):
        return f"{label} takes text, nothing else."
    if isinstance(block, _NUMBERS) and (isinstance(value, bool) or not isinstance(value, int | float | str)):
        return f"{label} takes a number, nothing else."
    if isinstance(block, gr.Checkbox) and not isinstance(value, bool):
        return f"{label} is on or off, nothing else."
    if isinstance(block, gr.Radio | gr.Dropdown) and not getattr(block, "multiselect", False):
        return "" if isinstance(value, str | int | float) else f"{label} takes one of its choices, nothing else."
    return ""
