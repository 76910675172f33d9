"""What a crowd waits for whose browsers run elsewhere: a browser's requests, recorded and sent again by many pages.

One browser goes through the tabs and asks, three more start a long training each; what their pages send is written
down. Then as many visitors as told, without a browser, send the same at the same pace, each as a page of its own that
reads its answers. So the two cores are the server's, as they are for those who sit at another machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.benchmarks.crowd import AFTER_SECONDS, WARM_UP_SECONDS, ask_by_script, kept, quantiles, told, watch
from tests.benchmarks.crowd_server import crowd_server
from tests.benchmarks.visitors import LONG_RUNS, PATIENCE_MS, TRAINERS, Seen, arrive, start_training, walk

WALK_SECONDS = 150.0
"""Once through all tabs."""
TRAIN_SECONDS = 15.0
"""Of a training, until its page asks nothing more."""
SETTLE_SECONDS = 20.0
ARRIVAL_SECONDS = 4.0
"""Between two visitors who open the page."""
JOIN, STREAM, HEARTBEAT = "gradio_api/queue/join", "gradio_api/queue/data", "gradio_api/heartbeat/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many, and for how long."""
    parser.add_argument("--visitors", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=150.0, help="1800 for the half hour")


@dataclass(frozen=True)
class Sent:
    """A request of a page: when, counted from its opening; what; and whether a visitor waits for its answer."""

    at: float
    path: str
    event: dict[str, Any] | None = None
    question: bool = False


@dataclass
class Recording:
    """What one page sent; its first screen was there after `opened` seconds."""

    begun: float = 0.0
    opened: float = 0.0
    sent: list[Sent] = field(default_factory=list)
    asking: bool = False

    def listen(self, page: Any, address: str) -> None:
        """Write down what a page sends from now on."""
        self.begun = time.monotonic()

        def note(request: Any) -> None:
            if not request.url.startswith(address):
                return
            parts = urlsplit(request.url)
            path = parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")
            at = time.monotonic() - self.begun
            if path.startswith(JOIN):
                self.sent.append(Sent(at, path, json.loads(request.post_data), self.asking))
                self.asking = False
            elif request.method == "GET" and not path.startswith((STREAM, HEARTBEAT)):
                self.sent.append(Sent(at, path))

        page.on("request", note)

    def ask(self) -> None:
        """What comes next is a question."""
        self.asking = True


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Record with browsers; then send the crowd in, and look at what is left when it has gone."""
    with crowd_server() as app:
        time.sleep(WARM_UP_SECONDS)
        walker, trainers = asyncio.run(_record(app.address))
        time.sleep(AFTER_SECONDS)
        before = app.held()
        samples: list[dict[str, int]] = []
        arrived = time.monotonic() + ARRIVAL_SECONDS * options.visitors + SETTLE_SECONDS
        seen, end = Seen(arrived), arrived + options.seconds
        recordings = [
            trainers[TRAINERS[number]] if number < len(TRAINERS) else walker for number in range(options.visitors)
        ]

        async def crowd() -> None:
            visits = [_visit(app.address, number, recording, end, seen) for number, recording in enumerate(recordings)]
            script = asyncio.to_thread(ask_by_script, app.address, end, seen)
            await asyncio.gather(watch(end, lambda: samples.append(app.held())), script, *visits)

        asyncio.run(crowd())
        time.sleep(AFTER_SECONDS)
        yield {
            "benchmark": "answers",
            "visitors": options.visitors,
            "seconds": options.seconds,
            "requests_of_a_walk": len(walker.sent),
            **told(seen),
            **quantiles("other_event", seen.tabs),
            "trainings": len(seen.progress),
            "trainings_that_advanced": sum(len(set(states)) > 1 for states in seen.progress.values()),
            **kept(before, samples, app.held()),
        }


async def _record(address: str) -> tuple[Recording, dict[str, Recording]]:
    """What a page sends on a walk, and by tab what it sends to train."""
    from playwright.async_api import async_playwright

    from tests.browser import chromium

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)

        async def page_of(recording: Recording) -> Any:
            page = await browser.new_page(viewport={"width": 1280, "height": 720})
            page.set_default_timeout(PATIENCE_MS)
            recording.listen(page, address)
            await arrive(page, address)
            recording.opened = time.monotonic() - recording.begun
            return page

        seen = Seen(0.0)
        trainers = {tab: Recording() for tab in LONG_RUNS}
        for tab, recording in trainers.items():
            page = await page_of(recording)
            await start_training(page, tab, seen, recording.ask)
            await asyncio.sleep(TRAIN_SECONDS)
            await page.close()
        walker = Recording()
        page = await page_of(walker)
        await walk(page, time.monotonic() + WALK_SECONDS, seen, walker.ask)
        await browser.close()
    return walker, trainers


async def _visit(address: str, number: int, recording: Recording, end: float, seen: Seen) -> None:
    """Send what was recorded at its pace; a walk again and again, a training's last event when it was answered."""
    await asyncio.sleep(number * ARRIVAL_SECONDS)
    async with _page(address, seen) as page:
        begun, requests = time.monotonic(), recording.sent
        training = None
        while time.monotonic() < end:
            for sent in requests:
                await asyncio.sleep(max(0.0, begun + sent.at - time.monotonic()))
                if time.monotonic() > end:
                    return
                if sent.event is None:
                    page.fetch(sent.path)
                elif number < len(TRAINERS) and _trains(sent):
                    training = sent
                    page.send(sent, seen.progress.setdefault(number, []))
                else:
                    page.send(sent)
            while training is not None and time.monotonic() < end:
                await asyncio.sleep(1.0)
                page.send(training, seen.progress[number])
            requests = [sent for sent in recording.sent if sent.at > recording.opened]
            begun = time.monotonic() - recording.opened


def _trains(sent: Sent) -> bool:
    return bool(sent.event) and sent.question


@contextlib.asynccontextmanager
async def _page(address: str, seen: Seen) -> AsyncIterator[_Page]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_MS / 1000, limits=limits) as client:
        page = _Page(client, seen)
        heart = asyncio.create_task(page.beat())
        yield page
        for task in [heart, *page.tasks]:
            task.cancel()


class _Page:
    """A page without a browser: it sends events and reads the stream of their answers, as Gradio's client does."""

    def __init__(self, client: httpx.AsyncClient, seen: Seen) -> None:
        self.client = client
        self.seen = seen
        self.hash = secrets.token_hex(6)
        self.waits: dict[str, asyncio.Future[None]] = {}
        self.early: set[str] = set()
        self.heard: dict[str, int] = {}
        self.pending: set[int] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.stream: asyncio.Task[None] | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(self.guarded(work))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            self.seen.errors.append(f"page {self.hash}: {error!r}")

    def fetch(self, path: str) -> None:
        self.start(self.get(path))

    async def get(self, path: str) -> None:
        (await self.client.get(path)).raise_for_status()

    def send(self, sent: Sent, states: list[str] | None = None) -> None:
        """Put an event in line unless the same one of this page still waits, as a button does.

        A training writes down in `states` how far it is.
        """
        assert sent.event is not None
        if sent.event["fn_index"] not in self.pending:
            self.start(self.ask(sent, states))

    async def ask(self, sent: Sent, states: list[str] | None = None) -> None:
        assert sent.event is not None
        index, begun = sent.event["fn_index"], time.monotonic()
        self.pending.add(index)
        try:
            answer = await self.client.post(sent.path, json={**sent.event, "session_hash": self.hash})
            answer.raise_for_status()
            event = answer.json()["event_id"]
            wait = self.waits[event] = asyncio.get_running_loop().create_future()
            if event in self.early:
                self.waits.pop(event).set_result(None)
            elif self.stream is None or self.stream.done():
                self.stream = self.start(self.read())
            if states is None:
                _, late = await asyncio.wait([wait], timeout=PATIENCE_MS / 1000)
                if late:
                    raise TimeoutError(f"event {index} was not answered")
            else:
                while not wait.done():
                    await asyncio.wait([wait], timeout=1.0)
                    states.append(str(self.heard.get(event, 0)))
        finally:
            self.pending.discard(index)
        if begun > self.seen.arrived and states is None:
            (self.seen.answers if sent.question else self.seen.tabs).append(time.monotonic() - begun)

    async def read(self) -> None:
        """Read answers until the server says that none is left."""
        while self.waits:
            async with self.client.stream("GET", STREAM, params={"session_hash": self.hash}, timeout=None) as answer:
                answer.raise_for_status()
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        self.hear(json.loads(line[5:]))

    def hear(self, message: dict[str, Any]) -> None:
        kind, event = message["msg"], message.get("event_id")
        if kind == "process_generating":
            self.heard[event] = self.heard.get(event, 0) + 1
        elif kind == "process_completed" and event in self.waits:
            if not message["success"]:
                self.seen.errors.append(f"page {self.hash}: {str(message['output'])[:200]}")
            self.waits.pop(event).set_result(None)
        elif kind == "process_completed":
            self.early.add(str(event))  # what put it in line has not been answered yet
        elif kind == "unexpected_error":
            self.seen.errors.append(f"page {self.hash}: {message.get('message')}")

    async def beat(self) -> None:
        """Hold the connection whose end tells the server that the page is gone."""
        async with self.client.stream("GET", f"{HEARTBEAT}{self.hash}", timeout=None) as answer:
            async for _ in answer.aiter_raw():
                pass
