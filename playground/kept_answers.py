"""What is the same for every visitor is made and compressed once: the page itself, Gradio's assets, the page's scripts.

For each visitor Gradio copies the configuration of all components, writes two and a half megabytes of HTML and
compresses every script anew: more than a second of a small server's time for each page that opens.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

import brotli

from playground.door import Message, Receive, Scope, Send
from playground.threads import off_the_loop

ASSETS = "/assets/"
SUFFIXES = (".js", ".css")
ORIGIN_HEADERS = (b"host", b"x-forwarded-host", b"x-forwarded-proto", b"x-gradio-server")
"""Of these Gradio makes the address that stands in the page."""
OWN_ANSWER_HEADERS = (b"range", b"if-none-match", b"if-modified-since", b"authorization")
"""Who sends one of these gets an answer of their own."""
UNKEPT_QUERY = "deep_link"
MOST_PAGES = 8
"""By the addresses that visitors call this server by; the oldest goes."""
MOST_FILES = 300
"""A page has about 150."""
MOST_BYTES = 8 << 20
"""Larger ones are not kept."""
QUALITY = 5
"""Of brotli's 0 to 11: a second for all that a page needs, once."""


@dataclass(frozen=True)
class Kept:
    """An answer: its headers without those of its length and coding, and its body compressed by brotli."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


class KeptAnswers:
    """ASGI middleware that answers from memory what it has heard the app answer before."""

    def __init__(self, app: Any, static_urls: Iterable[str]) -> None:
        """Keep the page, Gradio's assets, and the files that stand at `static_urls`."""
        self.app = app
        self._static = {unquote(url) for url in static_urls}
        self._pages: OrderedDict[tuple[Any, ...], Kept] = OrderedDict()
        self._files: OrderedDict[tuple[Any, ...], Kept] = OrderedDict()
        self._asking = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or let the app answer and keep it."""
        if not _asks_for_all(scope):
            await self.app(scope, receive, send)
            return
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        if path in ("", "/"):
            await self._keep(self._pages, MOST_PAGES, _origin(scope), scope, receive, send)
        elif (path.startswith(ASSETS) and path.endswith(SUFFIXES)) or path in self._static:
            await self._keep(self._files, MOST_FILES, (path,), scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _keep(
        self,
        held: OrderedDict[tuple[Any, ...], Kept],
        most: int,
        key: tuple[Any, ...],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        kept = held.get(key)
        if kept is None:
            async with self._asking:  # who comes meanwhile waits for the same answer
                kept = held.get(key) or await self._ask(scope, receive, send)
                if kept is None:
                    return
                held[key] = kept
                while len(held) > most:
                    held.popitem(last=False)
        await _answer(scope, kept, send)

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> Kept | None:
        """Have the app answer. What is no good answer, or too large, is sent on as it comes, and None is returned."""
        start: Message = {}
        parts: list[bytes] = []
        passes = whole = False

        async def hear(message: Message) -> None:
            nonlocal start, passes, whole
            if passes:
                await send(message)
            elif message["type"] == "http.response.start":
                start = message
                if message["status"] != 200 or not _is_plain(message["headers"]):
                    passes = True
                    await send(message)
            else:
                parts.append(message.get("body", b""))
                whole = not message.get("more_body", False)
                if sum(map(len, parts)) > MOST_BYTES:
                    passes = True
                    await send(start)
                    await send({**message, "body": b"".join(parts)})

        await self.app({**scope, "headers": _without(scope["headers"], b"accept-encoding")}, receive, hear)
        if passes or not whole:  # half an answer is what the app leaves to who has gone
            return None
        body = await off_the_loop(brotli.compress, b"".join(parts), quality=QUALITY)
        return Kept(_without(start["headers"], b"content-length"), body)


def _asks_for_all(scope: Scope) -> bool:
    """Whether a request brings nothing that would make its answer another than everybody's."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    if any(name in OWN_ANSWER_HEADERS for name, _ in scope["headers"]):
        return False
    return UNKEPT_QUERY not in parse_qs(scope.get("query_string", b"").decode("latin-1"))


def _origin(scope: Scope) -> tuple[Any, ...]:
    """By which address the app is called."""
    origin = tuple((name, value) for name, value in scope["headers"] if name in ORIGIN_HEADERS)
    return scope.get("scheme"), scope.get("root_path", ""), scope["path"], origin


def _is_plain(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether an answer is whole, not coded, and sets nothing that is one visitor's."""
    return not {name.lower() for name, _ in headers} & {b"content-encoding", b"content-range", b"set-cookie"}


def _without(headers: Iterable[tuple[bytes, bytes]], unwanted: bytes) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() != unwanted]


async def _answer(scope: Scope, kept: Kept, send: Send) -> None:
    taken = next((value for name, value in scope["headers"] if name == b"accept-encoding"), b"")
    headers = [*kept.headers, (b"vary", b"accept-encoding")]
    if b"br" in [coding.split(b";")[0].strip() for coding in taken.split(b",")]:
        body = kept.body
        headers.append((b"content-encoding", b"br"))
    else:
        body = await off_the_loop(brotli.decompress, kept.body)
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
