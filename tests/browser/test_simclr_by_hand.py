"""NT-Xent by hand in the page: the numbers that are dragged are those of Python, and a batch can be looked into."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from backends.simclr import by_hand
from backends.simclr.by_hand import Batch
from playground import shell
from playground.components import similarity_grid
from playground.session import SessionStore
from playground.tabs.simclr_by_hand import build_by_hand
from tests.browser.conftest import Lent

pytestmark = pytest.mark.browser

BENCH, GRID = "#simclr-hand-bench", "#simclr-hand-grid"
DRAG_MILLISECONDS = 150
PANEL_WIDTH = 904


def batch(seed: int, pictures: int = 12) -> Batch:
    random = np.random.default_rng(seed)
    vectors = np.repeat(random.normal(size=(pictures, 8)), 2, axis=0) + 0.5 * random.normal(size=(2 * pictures, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    views = np.repeat(random.integers(0, 256, (2 * pictures, 1, 1, 3), dtype=np.uint8), 32, axis=1).repeat(32, axis=2)
    return Batch(views, vectors.astype(np.float32), 0.2, f"batch {seed}")


@dataclass
class ByHandPage:
    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def bench(self, expression: str) -> Any:
        return self.page.evaluate(f"() => {{ const b = document.querySelector('{BENCH} .nt').view; {expression} }}")

    def grid(self, expression: str) -> Any:
        return self.page.evaluate(f"() => {{ const g = document.querySelector('{GRID} .nt').view; {expression} }}")

    def settle(self) -> None:
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def state(self) -> dict[str, Any]:
        """What the bench shows: cosines, tau, chosen row, and all its sums."""
        self.settle()
        return dict(
            self.bench("return { s: b.similarities, tau: b.temperature, row: b.row, focus: b.focus, ...b.sums }")
        )

    def cell(self, i: int, k: int) -> Any:
        return self.page.locator(f"{BENCH} tbody tr").nth(i).locator("td").nth(k).locator(".nt-cell")

    def said(self) -> str:
        self.settle()
        return self.page.inner_text(f"{BENCH} .nt-said")

    def open_batch(self) -> None:
        self.page.get_by_role("tab", name="A real batch").click()
        self.page.wait_for_selector(f"{GRID} .nt[data-drawn]")

    def beyond_the_panel(self, root: str) -> list[str]:
        return list(self.page.evaluate(
            f"() => {{ const e = document.querySelector('{root} .nt'), right = e.getBoundingClientRect().right + 1;"
            " return [...e.querySelectorAll('*')].filter((n) => n.getBoundingClientRect().right > right)"
            ".map((n) => n.tagName + '.' + n.getAttribute('class')); }"
        ))  # fmt: skip


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    store, seeds = SessionStore(1, "cpu"), itertools.count()
    gr.set_static_paths([*similarity_grid.SCRIPTS.values(), similarity_grid.STYLE])
    blocks = gr.Blocks(title="By hand", analytics_enabled=False, fill_width=True)
    with blocks as demo, gr.Column(elem_classes=["view-column"]), gr.Tabs(), gr.Tab("By hand"):
        build_by_hand(store, lambda _: batch(next(seeds)))
    options = {**shell.launch_options(), "head": similarity_grid.head()}
    _, local, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **options)
    yield local
    demo.close()
    store.close()


@pytest.fixture
def open_page(address: str, lend_page: Callable[..., Lent]) -> Iterator[Any]:
    opened: list[ByHandPage] = []

    def make(theme: str = "light") -> ByHandPage:
        lent = lend_page(width=PANEL_WIDTH + 40)
        shown = ByHandPage(lent.page, lent.errors, lent.requests)
        opened.append(shown)
        shown.page.goto(f"{address}?__theme={theme}")
        shown.page.wait_for_selector(f"{BENCH} .nt[data-drawn]")
        return shown

    yield make
    for shown in opened:
        assert shown.errors == []
        assert all(url.startswith((address, "data:", address.replace("http", "ws"))) for url in shown.requests)


def assert_sums_are_pythons(state: dict[str, Any]) -> None:
    s, tau, row = np.array(state["s"]), state["tau"], state["row"]
    np.testing.assert_array_equal(s, s.T)
    np.testing.assert_allclose(state["terms"], by_hand.terms(s, tau), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(state["weights"], by_hand.weights(s, tau)[row], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(state["gradient"], by_hand.gradient(s, tau)[row], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.array(state["exps"], float), np.exp(s[row] / tau), rtol=1e-9)
    assert state["loss"] == pytest.approx(by_hand.loss(s, tau), abs=1e-12)


@pytest.mark.slow
def test_every_example_at_every_temperature_has_the_sums_of_python(open_page):
    shown = open_page()
    for at, example in enumerate(by_hand.EXAMPLES):
        shown.page.locator(f"{BENCH} .nt-button").nth(at).click()
        for tau in (example.temperature, 0.01, 0.07, 1.0, 10.0):
            shown.bench(f"b.setTemperature({tau})")
            for row in range(4) if tau == example.temperature else [at % 4]:
                shown.page.locator(f"{BENCH} .nt-row").nth(row).click()
                state = shown.state()
                assert state["row"] == row
                assert_sums_are_pythons(state)
                assert shown.bench("return NtXent.realisable(b.similarities)") == by_hand.realisable(state["s"])


def test_dragging_a_cell_changes_both_places_and_everything_at_once(open_page):
    shown = open_page()
    before = shown.state()
    box = shown.cell(0, 2).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    shown.page.mouse.move(x, y)
    shown.page.mouse.down()
    shown.page.mouse.move(x + 44, y - 11, steps=5)
    after = shown.state()
    assert after["s"][0][2] == pytest.approx(before["s"][0][2] + 0.5)
    assert shown.cell(2, 0).inner_text() == shown.cell(0, 2).inner_text() == "0.55"
    assert after["loss"] > before["loss"]
    assert_sums_are_pythons(after)
    assert "the larger this term" in shown.said()
    shown.page.mouse.move(x - 2000, y)
    shown.page.mouse.up()
    assert shown.state()["s"][0][2] == -1
    shown.page.mouse.move(x, y)
    assert shown.state()["s"][0][2] == -1, "letting go ends the drag"
    other = [(i, k) for i in range(4) for k in range(4) if {i, k} != {0, 2}]
    assert all(shown.state()["s"][i][k] == before["s"][i][k] for i, k in other)


def test_the_keyboard_alone_changes_cosines_and_temperature(open_page):
    shown = open_page()
    shown.cell(0, 1).focus()
    for key, expected in [("ArrowLeft", 0.87), ("Shift+ArrowUp", 0.88), ("PageDown", 0.63), ("Home", -1), ("End", 1)]:
        shown.page.keyboard.press(key)
        assert shown.state()["s"][1][0] == pytest.approx(expected), key
    shown.page.locator(f"{BENCH} .nt-slider").focus()
    shown.page.keyboard.press("Home")
    state = shown.state()
    assert state["tau"] == 0.01
    assert_sums_are_pythons(state)
    shown.page.keyboard.press("End")
    assert shown.state()["tau"] == 10


@pytest.mark.slow
def test_redrawing_while_dragging_keeps_up_with_the_pointer(open_page):
    shown = open_page()
    taken = shown.bench(
        "const times = []; for (let i = 0; i < 60; i++) { const start = performance.now();"
        " b.setCosine(0, 2, i / 60); b.draw(); document.body.offsetHeight; times.push(performance.now() - start); }"
        " return times.sort((a, c) => a - c)[30];"
    )
    assert taken < DRAG_MILLISECONDS


def test_collapse_costs_log_three_and_is_said(open_page):
    shown = open_page()
    shown.page.get_by_role("button", name="Collapsed model").click()
    shown.page.get_by_role("button", name="Elephant that").click()
    shown.page.get_by_role("button", name="Collapsed model").click()
    assert "log 3 = 1.099" in shown.said()
    assert shown.page.inner_text(f"{BENCH} .nt-loss") == "1.099"
    shown.bench("b.setTemperature(0.01)")
    shown.settle()
    assert shown.page.inner_text(f"{BENCH} .nt-loss") == "1.099"
    shown.cell(1, 2).press("ArrowLeft")
    shown.settle()
    assert "No four vectors" in shown.page.inner_text(f"{BENCH} .nt-note")


def test_the_sentence_names_the_negative_that_weighs_most(open_page):
    shown = open_page()
    shown.page.get_by_role("button", name="Elephant that").click()
    assert "hard negative" in shown.said()
    shown.cell(0, 3).click()
    heaviest = by_hand.weights(by_hand.EXAMPLES[3].similarities, 0.5)[0, 2:]
    expected = f"elephant2 carries {100 * heaviest[1] / heaviest.sum():.0f} %"
    assert expected in shown.said().replace("\n", "")
    assert f"elephant1 most of it: {100 * heaviest[0] / heaviest.sum():.0f} %" in shown.said().replace("\n", "")


def test_the_written_term_holds_the_numbers_of_the_row(open_page):
    shown = open_page()
    text = shown.page.inner_text(f"{BENCH} .nt-formula").replace("\n", " ")
    for number in ("6.30", "1.11", "0.819", "0.766", "0.267", "0.92/0.5", "−0.10/0.5"):
        assert number in text
    rows = shown.page.locator(f"{BENCH} .nt-table tbody tr")
    assert rows.count() == 3
    assert "−0.47" in rows.nth(0).inner_text()


def test_a_batch_shows_python_sums_for_the_cell_that_is_clicked(open_page):
    shown = open_page()
    shown.open_batch()
    given = json.loads(shown.grid("return JSON.stringify(g.batch)"))
    x, y = shown.grid("const p = g.places; return [p.at(9) + 4, p.at(20) + 4]")
    shown.page.locator(f"{GRID} canvas").click(position={"x": x, "y": y})
    assert "negative" in shown.page.inner_text(f"{GRID} .nt-pair")
    assert shown.grid("return [g.row, g.focus]") == [20, 9]
    result = shown.page.inner_text(f"{GRID} .nt-result")
    assert float(result) == pytest.approx(by_hand.terms(np.array(given["similarities"]), 0.2)[20], abs=6e-4)
    weights = [float(text) for text in shown.page.locator(f"{GRID} tbody td:nth-child(4)").all_inner_texts()]
    assert sum(weights) == pytest.approx(1, abs=0.005)
    assert "more" in shown.page.locator(f"{GRID} tbody tr").last.inner_text()


def test_the_keyboard_walks_over_the_batch_and_past_the_diagonal(open_page):
    shown = open_page()
    shown.open_batch()
    shown.page.locator(f"{GRID} canvas").focus()
    shown.page.keyboard.press("ArrowDown")
    assert shown.grid("return [g.row, g.focus]") == [2, 1]
    shown.page.keyboard.press("ArrowRight")
    assert shown.grid("return [g.row, g.focus]") == [2, 3]
    assert "positive" in shown.page.inner_text(f"{GRID} .nt-pair")
    for _ in range(40):
        shown.page.keyboard.press("ArrowUp")
    assert shown.grid("return [g.row, g.focus]") == [0, 3]


def test_hovering_shows_a_number_and_the_diagonal_is_left_out(open_page):
    shown = open_page()
    shown.open_batch()
    box = shown.page.locator(f"{GRID} canvas").bounding_box()
    x, y = shown.grid("const p = g.places; return [p.at(5) + 4, p.at(4) + 4]")
    shown.page.mouse.move(box["x"] + x, box["y"] + y)
    assert "positive" in shown.page.inner_text(f"{GRID} .nt-tip")
    shown.page.mouse.move(box["x"] + x, box["y"] + x)
    assert "left out" in shown.page.inner_text(f"{GRID} .nt-tip")


def test_the_button_draws_another_batch(open_page):
    shown = open_page()
    shown.open_batch()
    before = shown.page.inner_text(f"{GRID} .nt-lossline")
    shown.page.click("#simclr-hand-again")
    shown.page.wait_for_function(
        "(before) => document.querySelector('#simclr-hand-grid .nt-lossline').innerText !== before", arg=before
    )


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_leaves_the_panel_and_nothing_serious_is_found(open_page, theme):
    shown = open_page(theme)
    for at in (3, 2):
        shown.page.locator(f"{BENCH} .nt-button").nth(at).click()
        shown.bench(f"b.setTemperature({0.01 if at == 3 else 0.5})")
        shown.cell(1, 2).press("Home")
        shown.settle()
        assert shown.beyond_the_panel(BENCH) == []
        assert serious(shown) == []
    shown.open_batch()
    assert shown.beyond_the_panel(GRID) == []
    assert serious(shown) == []


def serious(shown: ByHandPage) -> list[str]:
    found = Axe().run(shown.page).response["violations"]
    return [
        f"{violation['id']}: {violation['nodes'][0]['html'][:200]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]
