"""What a request has to pass before Gradio sees it: routes that no page needs, the size of bodies, uploads' quotas."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from playground.limits import MEGABYTE, Limits, is_space

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PREFIX = "/gradio_api"
UPLOAD = f"{PREFIX}/upload"
CLOSED = re.compile(
    r"/(monitoring|dev/reload|deep_link|process_recording|vibe-\w+|undo-vibe-edit|profiling|runs|run-history"
    r"|stream|component_server|custom_component|proxy=.*)(/.*)?"
)
"""Gradio's routes for makers of pages, for recordings and for fetching from elsewhere: this page uses none of them."""
NAMED = re.compile(r"/(?:call/v2|call|run|api)/([^/]+)/?")
LEAST_CHARGE = 64 << 10
"""Bytes that any file counts for: many tiny ones take a disk's files before they take its bytes."""
MULTIPART_SLACK = 64 << 10
"""Bytes by which a request may exceed the file that it brings: boundaries, headers, names."""
_ANSWERED = "response already started"
NO_BODY_METHODS = ("GET", "HEAD", "OPTIONS")

log = logging.getLogger(__name__)


class Uploads:
    """Which uploads of whom still lie on the disk, or are on their way."""

    def __init__(self) -> None:
        self._lying: dict[Path, tuple[str, int]] = {}
        self._coming: Counter[str] = Counter()
        self._lock = threading.Lock()

    def charged(self, client: str) -> tuple[int, int]:
        """Bytes that one client's uploads are charged, and everybody's; looks once at each file that lay there."""
        with self._lock:
            self._lying = {path: kept for path, kept in self._lying.items() if path.exists()}
            charges = self._coming.copy()
            for owner, size in self._lying.values():
                charges[owner] += size
        return charges[client], charges.total()

    def refusal(self, client: str, count: int, limits: Limits) -> str:
        """Why a request of `count` bytes can't be taken from a client now; empty: it can."""
        count = max(count, LEAST_CHARGE)
        if count > limits.file_bytes + MULTIPART_SLACK:
            return f"The file has {count / MEGABYTE:,.0f} MB; up to {limits.file_megabytes} MB can be uploaded here."
        own, all_together = self.charged(client)
        if own + count > limits.client_bytes:
            return f"Your uploads together have more than {limits.client_bytes >> 20} MB: try again in some minutes."
        if all_together + count > limits.upload_bytes:
            return "Other visitors have uploaded as much as this server can hold: try again in some minutes."
        return ""

    def begin(self, client: str, count: int) -> None:
        """Charge a request of `count` bytes that is on its way."""
        with self._lock:
            self._coming[client] += max(count, LEAST_CHARGE)

    def end(self, client: str, count: int, paths: list[Path]) -> None:
        """Charge what has arrived instead: the files at `paths`."""
        sizes = {path: max(path.stat().st_size, LEAST_CHARGE) for path in paths if path.is_file()}
        with self._lock:
            self._coming[client] -= max(count, LEAST_CHARGE)
            self._coming += Counter()  # drops those who send nothing now
            self._lying |= {path: (client, size) for path, size in sizes.items()}


class Door:
    """ASGI middleware around Gradio's routes."""

    def __init__(self, app: Any, limits: Limits) -> None:
        self.app = app
        self.limits = limits
        self.uploads = Uploads()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it in one sentence."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = _path(scope)
        if scope["method"] == "HEAD" and path in ("", "/"):
            # Gradio asks itself whether it answers, and gives up after 3 s; hosts ask all the time. To make the page
            # for it takes a second on a quiet machine.
            await _answer(send, 200, "")
        elif refused := self._closed(scope, path):
            await _answer(send, 404, refused)
        elif path.rstrip("/") == UPLOAD and scope["method"] == "POST":
            await self._upload(scope, receive, send)
        else:
            await self._pass(scope, _Body(receive, self.limits.body_bytes), send)

    def _closed(self, scope: Scope, path: str) -> str:
        local = path.removeprefix(PREFIX)
        if CLOSED.fullmatch(local):
            return "There is nothing here."
        named = NAMED.fullmatch(local)
        if named and named[1] not in _public_names(scope):
            return f"There is no endpoint of this name; {PREFIX}/info lists them."
        return ""

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        client, length = _client(scope), _header(scope, b"content-length")
        # Who doesn't say how much comes may send one whole file.
        count = int(length) if length.isdecimal() else self.limits.file_bytes + MULTIPART_SLACK
        if said := self.uploads.refusal(client, count, self.limits):
            await _answer(send, 413, said)
            return
        stored: list[Path] = []
        body = bytearray()

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
            await send(message)

        self.uploads.begin(client, count)
        try:
            await self._pass(scope, _Body(receive, count), watch)
            stored = _paths(bytes(body))
        finally:
            self.uploads.end(client, count, stored)

    async def _pass(self, scope: Scope, body: _Body, send: Send) -> None:
        """Hand the request on; what the app can't read is the sender's fault, and said so."""
        begun = False
        withheld: list[Message] = []

        async def watch(message: Message) -> None:
            nonlocal begun
            if body.over and not begun:  # what the app says of the half that it saw
                raise _BodyTooLargeError
            begun = True
            if message["type"] == "http.response.start" and message["status"] == 500:
                withheld.append(message)
                return
            while withheld:
                await send(_fault_of(withheld.pop(), message))
            await send(message)

        if scope["method"] not in NO_BODY_METHODS and not _fits(scope, body.most):
            await _answer(send, 413, _too_large(body.most))
            return
        try:
            await self.app(scope, body.receive, watch)
        except Exception as error:
            if begun and _ANSWERED in str(error):  # a stream that was asked for by nobody whom the app knows
                await send({"type": "http.response.body", "body": b""})
                return
            if begun:
                raise
            if body.over:
                await _answer(send, 413, _too_large(body.most))
                return
            # Gradio's own routes raise KeyError and the like for requests that name what there isn't.
            log.info("refused %s %s: %s", scope["method"], ascii(_path(scope))[:80], type(error).__name__)
            await _answer(send, 400, "This request can't be read; see how the page or gradio_client send theirs.")


class _BodyTooLargeError(Exception):
    """A body went on after its end."""


class _Body:
    """A request's body, which ends early where it is larger than allowed."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self.most = most
        self.over = False
        self._had = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._had += len(message.get("body", b""))
        if self._had > self.most:
            self.over = True
            return {"type": "http.disconnect"}
        return message


def _path(scope: Scope) -> str:
    path = str(scope["path"])
    root = str(scope.get("root_path", ""))
    return path.removeprefix(root) if root else path


def _header(scope: Scope, name: bytes) -> str:
    found = [value for key, value in scope["headers"] if key == name]
    return found[-1].decode("latin-1") if found else ""


def _fits(scope: Scope, most: int) -> bool:
    length = _header(scope, b"content-length")
    return not length.isdecimal() or int(length) <= most


def _too_large(most: int) -> str:
    return f"The request has more than {most / MEGABYTE:,.0f} MB, more than is read here: send less."


def _client(scope: Scope) -> str:
    """Whose request it is: behind a Space's proxy the address that the proxy saw, which stands last."""
    forwarded = _header(scope, b"x-forwarded-for").split(",")[-1].strip() if is_space() else ""
    return forwarded or str((scope.get("client") or ("",))[0])


def _public_names(scope: Scope) -> set[str]:
    """Names that a request may call now, for they change with the page; "predict" stands for what doesn't queue."""
    blocks = scope["app"].get_blocks()
    names = {str(event.api_name) for event in blocks.fns.values() if event.api_visibility != "private"}
    return names | {"predict"}


def _paths(body: bytes) -> list[Path]:
    """Where an answered upload lies."""
    try:
        read = json.loads(body)
    except ValueError:
        return []
    return [Path(path) for path in read if isinstance(path, str)] if isinstance(read, list) else []


def _fault_of(start: Message, body: Message) -> Message:
    """Where Gradio answers 500 with a sentence, a handler refused the values: the sender's fault. Without one: ours."""
    try:
        said = json.loads(body.get("body", b"")).get("error")
    except (ValueError, AttributeError):
        said = None
    return {**start, "status": 400} if said else start


async def _answer(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"detail": sentence}).encode() if sentence else b""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
