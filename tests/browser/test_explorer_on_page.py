"""The embedding explorer on the page: as the map of a visitor's words, with a server that trains and lays out."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from playground.tabs.word2vec_map import TAB
from tests.browser.conftest import Lent, Server, Visitor, wait_for
from tests.browser.explorer_page import (
    NO_WEBGL,
    SVG,
    Alone,
)
from tests.browser.test_word2vec import ATTACK, start, train_own_text

pytestmark = pytest.mark.browser
TECHNIQUE = "word2vec"


def box_of(visitor: Visitor) -> dict[str, float]:
    found = visitor.page.locator("#w2v-map .ex-canvas").bounding_box()
    assert found is not None
    return dict(found)


def menu(visitor: Visitor, name: str, value: str) -> None:
    visitor.page.click("#w2v-map button:has-text('More')")
    visitor.page.select_option(f"#w2v-map .ex-menu select[aria-label='{name}']", value)
    visitor.page.click("#w2v-map button:has-text('More')")


def download(visitor: Visitor, button: str) -> Path:
    visitor.page.click("#w2v-map button:has-text('More')")
    with visitor.page.expect_download() as coming:
        visitor.page.click(f"#w2v-map .ex-menu button:has-text('{button}')")
    visitor.page.click("#w2v-map button:has-text('More')")
    return Path(coming.value.path())


CAMERA = "[...e.camera.centre, e.camera.scale]"


@pytest.mark.slow
def test_the_zoom_is_kept_while_the_map_moves(visitor):
    start(visitor)
    visitor.wait_for_frames(2)
    box = box_of(visitor)
    visitor.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    fitted = visitor.explorer(CAMERA)
    for _ in range(4):
        visitor.page.mouse.wheel(0, -240)
    wait_for(lambda: visitor.explorer("e.camera.scale") > 2 * fitted[2], "the zoom")
    time.sleep(0.5)
    zoomed, moved = visitor.explorer(CAMERA), visitor.explorer("Array.from(e.flat.slice(0, 20))")
    visitor.wait_for_frames(3)
    assert visitor.explorer(CAMERA) == zoomed
    assert visitor.explorer("Array.from(e.flat.slice(0, 20))") != moved
    visitor.page.mouse.dblclick(box["x"] + 20, box["y"] + box["height"] - 20)
    wait_for(lambda: not visitor.explorer("e.userCamera"), "the double click to give the zoom up")
    assert visitor.errors == []


def test_clicking_a_word_on_the_map_asks_for_its_neighbours(visitor):
    far = visitor.explorer("Array.from(e.places.x.keys()).sort((a, b) => e.places.x[b] - e.places.x[a])[0]")
    expected = visitor.explorer(f"e.items.names[{far}]")
    visitor.page.mouse.click(*visitor.place_of(far))
    wait_for(lambda: visitor.page.input_value("#w2v-neighbour-word input") == expected, "the clicked word")
    wait_for(lambda: visitor.explorer("e.marks.asked") == far, "its mark on the map")
    listed = visitor.page.locator("#w2v-neighbours th").all_inner_texts()
    assert {visitor.explorer(f"e.items.names[{i}]") for i in visitor.explorer("e.marks.near")} <= set(listed)


def test_enter_in_the_search_asks_for_the_word(visitor):
    visitor.page.fill("#w2v-map .ex-search", "germ")
    wait_for(lambda: "found" in visitor.explorer("e.said.textContent"), "words")
    best = visitor.explorer("e.items.names[e.bestFound()]")
    assert "germ" in best
    visitor.page.press("#w2v-map .ex-search", "Enter")
    wait_for(lambda: visitor.page.input_value("#w2v-neighbour-word input") == best, "the found word")
    wait_for(lambda: visitor.explorer("e.items.names[e.marks.asked]") == best, "its mark")
    visitor.page.fill("#w2v-map .ex-search", ".*[(")
    wait_for(lambda: "No word on this map" in visitor.explorer("e.said.textContent"), "the sentence")
    assert visitor.errors == []


def test_colours_come_with_their_key(visitor):
    shown = visitor.explorer("e.frame.map")
    for colour, keyed in (("cluster", ".ex-swatch"), ("similarity", ".ex-ramp"), ("frequency", ".ex-ramp")):
        visitor.page.select_option("#w2v-map .ex-bar select", colour)
        wait_for(lambda name=colour: visitor.explorer("e.frame.settings.colour") == name, colour)
        visitor.page.wait_for_selector(f"#w2v-map {keyed}:visible")
        key = visitor.page.inner_text("#w2v-map .ex-key")
        if colour == "similarity":
            assert "cosine with king" in key
    visitor.page.select_option("#w2v-map .ex-bar select", "similarity")
    visitor.page.wait_for_selector("#w2v-map .ex-key:has-text('cosine with king')")
    visitor.fill("#w2v-neighbour-word", "queen")
    visitor.page.press("#w2v-neighbour-word input", "Enter")
    visitor.page.wait_for_selector("#w2v-map .ex-key:has-text('cosine with queen')")
    assert visitor.explorer("e.frame.map") == shown, "the same map in other colours"
    assert visitor.errors == []


@pytest.mark.slow
def test_layouts_can_be_changed_and_come_to_rest(visitor):
    menu(visitor, "Points", "500")
    visitor.wait_for_rest()
    assert visitor.explorer("[e.flat.length, e.items.names.length]") == [1000, 500]
    plane = visitor.explorer("Array.from(e.flat.slice(0, 20))")
    menu(visitor, "Neighbours", "5")
    wait_for(lambda: visitor.explorer("e.frame.settings.n_neighbors") == 5, "the setting")
    visitor.wait_for_rest()
    assert visitor.explorer("Array.from(e.flat.slice(0, 20))") != plane
    visitor.page.click("#w2v-map button:has-text('3D')")
    wait_for(lambda: visitor.explorer("e.frame.dims") == 3, "three dimensions")
    visitor.wait_for_rest()
    assert visitor.explorer("e.flat.length") == 1500
    visitor.page.click("#w2v-map button:has-text('2D')")
    wait_for(lambda: visitor.explorer("e.frame.dims") == 2, "two dimensions again")
    menu(visitor, "Layout", "pca")
    wait_for(lambda: visitor.explorer("e.frame.note").startswith("PCA · trustworthiness"), "the PCA")
    assert visitor.errors == []


@pytest.mark.slow
def test_the_history_is_scrubbed_replayed_and_kept_by_a_reload(visitor):
    start(visitor)
    visitor.wait_for_frames(6)
    visitor.page.click("#w2v-pause")
    visitor.wait_for_phase("paused")
    visitor.wait_for_rest()
    steps = visitor.explorer("e.history.map((s) => s.step)")
    assert len(steps) > 5
    now = visitor.explorer("Array.from(e.flat.slice(0, 20))")
    visitor.page.focus("#w2v-map .ex-slider")
    visitor.page.keyboard.press("Home")
    wait_for(lambda: visitor.explorer("Array.from(e.flat.slice(0, 20))") != now, "the first state")
    assert "now:" in visitor.page.inner_text("#w2v-map .ex-when")
    visitor.page.keyboard.press("End")
    wait_for(lambda: visitor.explorer("Array.from(e.flat.slice(0, 20))") == now, "the last state")
    visitor.page.click("#w2v-map button:has-text('Replay')")
    wait_for(lambda: visitor.explorer("e.scrub") is not None, "the replay")
    wait_for(lambda: visitor.explorer("!e.playing && e.scrub === null"), "its end")

    visitor.page.reload()
    visitor.page.wait_for_selector("#w2v-map .explorer-root[data-items][data-drawn]")
    wait_for(lambda: visitor.explorer("e.history.length") > 1, "the history")
    # A page that was there from the start has also seen the places before the first step.
    assert visitor.explorer("e.history.map((s) => s.step)") == [step for step in steps if step]
    assert visitor.explorer("Array.from(e.flat.slice(0, 20))") == pytest.approx(now, abs=1e-3)


def map_own_text(visitor: Visitor, folder: Path, lines: list[str]) -> None:
    """Train on these lines to the end, and wait for the map of their words."""
    train_own_text(visitor, folder, lines)
    wait_for(
        lambda: visitor.explorer("e.items && e.items.id === e.frame.items && e.frame.run !== 'shipped'"), "its words"
    )


@pytest.mark.slow
def test_names_are_never_markup_on_the_page_and_in_what_is_saved_of_it(visitor, server, tmp_path):
    """A text's words are letters only, but vectors can be named by anyone."""
    map_own_text(visitor, tmp_path, ["the red apple is sweet and the green apple is sour", "a pear is not an apple"])
    shown = visitor.explorer("e.frame.run")
    (run,) = [s.runs[TAB] for s in server.store._sessions.values() if s.runs.get(TAB) and s.runs[TAB].id == shown]
    evil = len(run.frozen.words) - 1
    del run.frozen.index[run.frozen.words[evil]]
    run.frozen.words[evil] = ATTACK
    run.frozen.index[ATTACK] = evil
    visitor.page.reload()
    visitor.page.wait_for_selector("#w2v-map .explorer-root[data-items][data-drawn]")
    assert visitor.explorer(f"e.items.names[{evil}]") == ATTACK
    visitor.errors.clear()  # requests that the reload broke off

    visitor.fill("#w2v-neighbour-word", ATTACK)
    visitor.page.press("#w2v-neighbour-word input", "Enter")
    wait_for(lambda: visitor.explorer("e.marks.asked") == evil, "its mark")
    for colour, keyed in (("cluster", ".ex-swatch"), ("similarity", ".ex-ramp")):
        visitor.page.select_option("#w2v-map .ex-bar select", colour)
        visitor.page.wait_for_selector(f"#w2v-map {keyed}:visible")
        assert ATTACK in visitor.page.inner_text("#w2v-map .ex-key")
    visitor.page.mouse.move(*visitor.place_of(evil))
    visitor.page.wait_for_selector("#w2v-map .ex-tip:visible")
    assert ATTACK in visitor.page.inner_text("#w2v-map .ex-tip")
    visitor.page.fill("#w2v-map .ex-search", "<img")
    wait_for(lambda: ATTACK in visitor.explorer("e.said.textContent"), "it to be found")
    svg = ElementTree.parse(download(visitor, "SVG")).getroot()
    assert any(text.text.startswith(ATTACK[:20]) for text in svg.iter(f"{SVG}text"))
    opened = open_saved(visitor, download(visitor, "HTML"), tmp_path)
    opened.page.fill(".ex-search", "<img")
    assert ATTACK in opened.page.inner_text(".ex-said")
    for page in (visitor.page, opened.page):
        assert page.evaluate("window.hacked ?? null") is None
        assert page.locator(".explorer img").count() == 0
    assert opened.errors == []
    assert visitor.errors == []


def open_saved(visitor: Visitor, saved: Path, tmp_path: Path) -> Alone:
    """Open a saved map from the disk, without a server."""
    path = tmp_path / "saved.html"
    path.write_bytes(saved.read_bytes())
    opened = Alone(visitor.context.new_page())
    opened.page.on("console", lambda m: opened.errors.append(m.text) if m.type == "error" else None)
    opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.page.on("request", lambda request: opened.requests.append(request.url))
    opened.page.goto(path.as_uri())
    opened.page.wait_for_selector(".explorer[data-drawn]")
    return opened


@pytest.mark.slow
def test_a_saved_page_draws_by_itself_and_can_be_explored(visitor, tmp_path):
    opened = open_saved(visitor, download(visitor, "HTML"), tmp_path)
    assert opened.requests == [(tmp_path / "saved.html").as_uri()]
    assert opened.page.evaluate("map.places.x.length") == 2000
    assert opened.page.evaluate("map.labelled.length") > 10
    np.testing.assert_allclose(
        opened.page.evaluate("Array.from(map.flat.slice(0, 20))"), visitor.explorer("Array.from(e.flat.slice(0, 20))")
    )
    assert opened.page.evaluate("map.marks.asked") == visitor.explorer("e.marks.asked")
    opened.page.fill(".ex-search", "germ")
    assert opened.page.evaluate("map.found.length") > 0
    opened.page.select_option(".ex-bar select", "frequency")
    opened.page.wait_for_selector(".ex-ramp:visible")
    opened.page.click("text=3D")
    assert "can't be laid out" in opened.page.inner_text(".ex-said")
    opened.page.click("text=More")
    for button in ("PNG", "SVG", "HTML"):
        with opened.page.expect_download(timeout=5000):
            opened.page.click(f".ex-menu button:has-text('{button}')")
    assert opened.errors == []


def test_pictures_of_the_map_arrive(visitor):
    assert download(visitor, "PNG").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    root = ElementTree.parse(download(visitor, "SVG")).getroot()
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "king" in texts
    assert len(list(root.iter(f"{SVG}circle"))) > 1500


def test_the_keyboard_reaches_the_map_and_moves_it(visitor):
    visitor.page.focus("#w2v-map .ex-canvas")
    before = visitor.explorer(CAMERA)
    visitor.page.keyboard.press("+")
    visitor.page.keyboard.press("ArrowLeft")
    assert visitor.explorer(CAMERA) != before
    visitor.page.keyboard.press("0")
    assert visitor.explorer(CAMERA) == pytest.approx(before)


@pytest.mark.slow
def test_a_text_of_two_words_has_a_map(visitor, tmp_path):
    map_own_text(visitor, tmp_path, ["ping pong ping pong"])
    assert sorted(visitor.explorer("e.items.names")) == ["ping", "pong"]
    assert visitor.explorer("e.flat.length") == 4
    visitor.page.click("#w2v-map button:has-text('3D')")
    wait_for(lambda: visitor.explorer("e.frame.dims") == 3, "three dimensions")
    visitor.page.select_option("#w2v-map .ex-bar select", "cluster")
    visitor.page.wait_for_selector("#w2v-map .ex-swatch:visible")
    assert visitor.errors == []


@pytest.mark.slow
def test_the_map_needs_no_webgl(lend_page: Callable[..., Lent], server: Server):
    lent = lend_page(NO_WEBGL)
    page = lent.page
    shown = Visitor(page.context, page, lent.errors, lent.requests).open(server.address)
    assert shown.explorer("e.labelled.length") > 10
    kinds = page.evaluate("Array.from(document.querySelectorAll('#w2v-map canvas'), (canvas) => canvas.kinds).flat()")
    assert set(kinds) == {"2d"}, "plotly asks for WebGL, the map does not"
    assert shown.errors == []
