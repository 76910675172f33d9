from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from backends.analysis import projection
from backends.data.corpora import load_corpus
from playground import session as session_module
from playground import shell
from playground.session import SessionStore
from playground.tabs import word2vec_map
from tests.browser import chromium

GRACE_SECONDS = 15.0
"""Longer than a page takes to open on a slow machine, or a reload would find its session gone."""
EXPLORER = "document.querySelector('#w2v-map .explorer-root').explorer"


@dataclass
class Server:
    address: str
    store: SessionStore
    demo: gr.Blocks
    technique: str | None


@dataclass
class Visitor:
    """A browser of its own (own cookies and storage), and what it said and asked for."""

    context: BrowserContext
    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, address: str, technique: str | None = None) -> Visitor:
        self.page.goto(address)
        if technique in (None, word2vec_map.TAB):
            self.page.wait_for_selector("#w2v-train")
            self.page.wait_for_selector("#w2v-map .explorer-root[data-items][data-drawn]")
        else:
            self.page.wait_for_selector(".techniques .questions")
        return self

    def explorer(self, expression: str) -> Any:
        """What the map knows of itself: `e` is its EmbeddingExplorer."""
        return self.page.evaluate(f"() => {{ const e = {EXPLORER}; return {expression}; }}")

    def status(self) -> str:
        return self.page.inner_text("#w2v-status")

    def phase(self) -> str:
        return str(self.page.get_attribute("#w2v-status .status", "data-phase"))

    def progress(self) -> float:
        return float(str(self.page.get_attribute("#w2v-status .progress", "aria-valuenow")))

    def wait_for_phase(self, *phases: str, seconds: float = 90) -> str:
        return wait_for(lambda: self.phase() if self.phase() in phases else "", f"phase {phases}", seconds)

    def map_frame(self) -> str:
        """Which frame the map shows; another one for every layout."""
        return str(self.explorer("e.root.dataset.frame"))

    def wait_for_frames(self, count: int, seconds: float = 60) -> None:
        """Wait until the map has shown so many other frames."""
        seen = {self.map_frame()}
        wait_for(lambda: seen.add(self.map_frame()) or len(seen) > count, f"{count} maps", seconds)

    def wait_for_rest(self, seconds: float = 90) -> None:
        """Wait until the map has come to rest, and its last movement has been drawn."""
        rests = "e.frame.note.includes('trustworthiness') && !e.tween && e.items.id === e.frame.items"
        wait_for(lambda: self.explorer(rests), "the map to rest", seconds)

    def place_of(self, index: int) -> tuple[float, float]:
        """Where a point of the map stands in the window."""
        script = (
            f"((b) => [b.left + e.places.x[{index}], b.top + e.places.y[{index}]])(e.canvas.getBoundingClientRect())"
        )
        x, y = self.explorer(script)
        return x, y

    def fill(self, selector: str, text: str) -> None:
        self.page.fill(f"{selector} input", text)

    def setting(self, name: str, value: float) -> None:
        box = self.page.locator(f"#w2v-{name} input[type=number]")
        box.fill(str(value))
        box.blur()

    def choose(self, name: str, option: str) -> None:
        self.page.click(f"#w2v-{name} input")
        self.page.get_by_role("option", name=option).click()


def wait_for(ask: Callable[[], Any], what: str, seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


@pytest.fixture(scope="session")
def server_of() -> Iterator[Callable[[str | None], Server]]:
    """Starts the page with one technique's tab, or with all: a page of one opens sooner."""
    load_corpus("all")
    projection.warm_up()
    session_module.GRACE_SECONDS = GRACE_SECONDS
    session_module.SWEEP_SECONDS = 0.5
    running: dict[str | None, Server] = {}

    def start(technique: str | None) -> Server:
        if technique not in running:
            store = SessionStore(max_runs=2, device="cpu")
            demo = shell.build(store, None if technique is None else [technique])
            _, address, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **shell.launch_options())
            running[technique] = Server(address, store, demo, technique)
        return running[technique]

    yield start
    for server in running.values():
        server.demo.close()
        server.store.close()


@pytest.fixture
def server(server_of: Callable[[str | None], Server], request: pytest.FixtureRequest) -> Server:
    """The page with the tab that the test's module names as TECHNIQUE, or the whole page."""
    return server_of(getattr(request.module, "TECHNIQUE", None))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    if path is None:
        pytest.fail("No Chromium here: install Debian's package chromium, or run playwright install chromium.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        yield running
        running.close()


@pytest.fixture
def new_visitor(server: Server, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    visitors: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        context = browser.new_context(viewport={"width": 1280, "height": 720}, **options)
        visitor = Visitor(context, context.new_page())
        visitor.page.on("console", lambda m: visitor.errors.append(m.text) if m.type == "error" else None)
        visitor.page.on("pageerror", lambda error: visitor.errors.append(str(error)))
        visitor.page.on("request", lambda request: visitor.requests.append(request.url))
        visitors.append(visitor)
        return visitor.open(server.address, server.technique)

    yield make
    for visitor in visitors:
        visitor.context.close()


@pytest.fixture
def visitor(new_visitor: Callable[..., Visitor]) -> Visitor:
    return new_visitor()
