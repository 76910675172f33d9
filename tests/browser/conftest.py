from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from backends.analysis import projection
from backends.data.corpora import load_corpus
from playground import session as session_module
from playground import shell
from playground.limits import Limits
from playground.session import SessionStore
from playground.tabs import start, word2vec_map
from tests.browser import chromium, explorer_page
from tests.browser.explorer_page import NO_WEBGL, Alone

PATIENCE_SECONDS = 300.0
"""Of everything that waits for a page: long enough for a machine that does much else besides."""
GRACE_SECONDS = 15.0
"""Longer than a page takes to open on a slow machine, or a reload would find its session gone."""
EXPLORER = "document.querySelector('#w2v-map .explorer-root').explorer"


@dataclass
class Server:
    address: str
    store: SessionStore
    demo: gr.Blocks
    technique: str | None


class Lent:
    """A page for one test, and what it said and asked for."""

    def __init__(self, page: Page, width: int, height: int) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._listeners: dict[str, Callable[[Any], None]] = {
            "console": lambda message: self.errors.append(message.text) if message.type == "error" else None,
            "pageerror": lambda error: self.errors.append(str(error)),
            "request": lambda request: self.requests.append(request.url),
        }
        page.set_default_timeout(1000 * PATIENCE_SECONDS)
        for event, listener in self._listeners.items():
            page.on(event, listener)  # type: ignore[call-overload]
        page.set_viewport_size({"width": width, "height": height})
        page.mouse.move(0, 0)

    def leave(self) -> bool:
        """Leave nothing behind; False where the page was closed."""
        if self.page.is_closed():
            return False
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)
        for other in self.page.context.pages:
            if other is not self.page:
                other.close()
        self.page.evaluate("() => { try { localStorage.clear(); sessionStorage.clear(); } catch {} }")
        self.page.goto("about:blank")
        self.page.context.clear_cookies()
        return True


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
        """In percent, as fine as it is drawn: of a long run a whole percent takes seconds."""
        return float(
            str(self.page.evaluate("parseFloat(document.querySelector('#w2v-status .progress span').style.width)"))
        )

    def wait_for_phase(self, *phases: str, seconds: float = PATIENCE_SECONDS) -> str:
        return wait_for(lambda: self.phase() if self.phase() in phases else "", f"phase {phases}", seconds)

    def map_frame(self) -> str:
        """Which frame the map shows; another one for every layout."""
        return str(self.explorer("e.root.dataset.frame"))

    def wait_for_frames(self, count: int, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the map has shown so many other frames."""
        seen = {self.map_frame()}
        wait_for(lambda: seen.add(self.map_frame()) or len(seen) > count, f"{count} maps", seconds)

    def wait_for_rest(self, seconds: float = PATIENCE_SECONDS) -> None:
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


def wait_for(ask: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Ask until there is an answer; the time is for a slow machine, a quick one does not need it."""
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
    session_module.SWEEP_SECONDS = 0.5
    running: dict[str | None, Server] = {}

    def start(technique: str | None) -> Server:
        if technique not in running:
            store = SessionStore(max_runs=2, device="cpu", limits=Limits(grace_seconds=GRACE_SECONDS))
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


@pytest.fixture(scope="session")
def idle_pages() -> dict[str, list[Page]]:
    """Pages that nobody looks at, each in a context of its own, by how they were made."""
    return {}


@pytest.fixture
def lend_page(browser: Browser, idle_pages: dict[str, list[Page]]) -> Iterator[Callable[..., Lent]]:
    """Lends empty pages for one test.

    A page keeps its process and its compiled scripts, so that the next test opens its address in a fourth of the time;
    of what a test did there nothing is left but the options and the initial script that it was made with.
    """
    lent: list[tuple[str, Lent]] = []

    def made(script: str, **options: Any) -> Page:
        page = browser.new_context(**options).new_page()
        if script:
            page.add_init_script(script)
        return page

    def lend(script: str = "", width: int = 1280, height: int = 720, **options: Any) -> Lent:
        made_with = f"{script} {sorted(options.items())}"
        idle = idle_pages.setdefault(made_with, [])
        page = idle.pop() if idle else made(script, **options)
        borrowed = Lent(page, width, height)
        lent.append((made_with, borrowed))
        return borrowed

    yield lend
    for made_with, borrowed in lent:
        if borrowed.leave():
            idle_pages[made_with].append(borrowed.page)


@pytest.fixture
def new_visitor(server: Server, lend_page: Callable[..., Lent]) -> Callable[..., Visitor]:
    def make() -> Visitor:
        lent = lend_page()
        visitor = Visitor(lent.page.context, lent.page, lent.errors, lent.requests)
        return visitor.open(server.address, server.technique or start.TAB)

    return make


@pytest.fixture
def visitor(new_visitor: Callable[..., Visitor]) -> Visitor:
    return new_visitor()


@pytest.fixture
def alone(lend_page: Callable[..., Lent], tmp_path: Path) -> Iterator[Alone]:
    lent = lend_page(NO_WEBGL, width=700, height=600)
    shown = Alone(lent.page, lent.errors, lent.requests)
    shown.page.goto(explorer_page.write(tmp_path))
    yield shown
    assert shown.errors == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in shown.requests)
    assert not any("gl" in kind or "gpu" in kind for kind in shown.ask("contexts"))
    assert shown.ask("window.hacked ?? null") is None
