"""Keeps a page's stream of answers open for some seconds, because Gradio loses what is asked while a stream closes.

When the last event of a page has been answered, Gradio's server has the page close its stream. An event that the page
sent just before, and that was put in line while the stream still counted as open, is never heard of again: its answer
waits on the server, and since the page waits too, that button does nothing more until it is reloaded. The busier the
machine, the more often; one click in a few hundred was lost so. A stream that closes only when a page has been quiet
for a while is hardly ever closed under a click.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import gradio as gr
from gradio.server_messages import ProcessCompletedMessage

LINGER_SECONDS = 5.0
JOIN = "/queue/join"
"""Where pages put their events in line; who asks by another route hears one answer and goes."""


def keep_streams_open(demo: gr.Blocks, seconds: float | None = None) -> dict[str, str]:
    """Let each page's stream live on for some seconds after its last answer; call it after `demo.queue()`.

    Args:
        demo: the page.
        seconds: about how long; None: `LINGER_SECONDS`.

    Returns:
        For each page whose stream is kept open the id that stands among those of its unanswered events meanwhile. It
        is drawn anew for each time, since who knows an event's id can read the stream of its page.
    """
    queue: Any = demo._queue
    push = queue.push
    holds: dict[str, str] = {}
    seconds = LINGER_SECONDS if seconds is None else seconds

    async def push_and_hold(body: Any, request: Any, username: str | None) -> Any:
        page = body.session_hash
        if page and request is not None and str(request.url.path).rstrip("/").endswith(JOIN):
            if page not in holds:
                holds[page] = secrets.token_hex(16)
                asyncio.get_running_loop().call_later(seconds, release, page)
            queue.pending_event_ids_session.setdefault(page, set()).add(holds[page])
        return await push(body, request, username)

    def release(page: str) -> None:
        messages = queue.pending_messages_per_session.get(page)
        if messages is not None and is_asked(queue, page):
            asyncio.get_running_loop().call_later(seconds, release, page)
            return
        hold = holds.pop(page)
        if messages is not None:
            messages.put_nowait(ProcessCompletedMessage(event_id=hold, output={}, success=True))
            return
        ids = queue.pending_event_ids_session.get(page, set())  # the page is gone
        ids.discard(hold)
        if not ids:
            queue.pending_event_ids_session.pop(page, None)

    queue.push = push_and_hold
    return holds


def is_asked(queue: Any, page: str) -> bool:
    """Whether an event of a page is in line or being answered."""
    answering = (job for jobs in queue.active_jobs if jobs for job in jobs if job.alive)
    in_line = (event for line in queue.event_queue_per_concurrency_id.values() for event in line.queue)
    return any(event.session_hash == page for events in (answering, in_line) for event in events)
