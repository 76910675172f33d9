"""The embedding explorer: alone in a page of files, and as the map of a visitor's words."""

from __future__ import annotations

import colorsys
import itertools
import json
import struct
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from playground.components.embedding_explorer import (
    colour_of_groups,
    colour_of_values,
    guest,
    pack_marks,
    pack_points,
)
from playground.components.sprites import data_url
from playground.tabs.word2vec_map import TAB
from tests.browser import explorer_page
from tests.browser.conftest import Lent, Server, Visitor, wait_for
from tests.browser.explorer_page import COLOURS, HEIGHT, SHAPES, frame, items, names, picture_items, squares
from tests.browser.test_word2vec import ATTACK, start

pytestmark = pytest.mark.browser
TECHNIQUE = "word2vec"

NO_WEBGL = """
window.contexts = [];
const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  window.contexts.push(kind);
  (this.kinds ||= []).push(kind);
  return /webgl|webgpu/.test(kind) ? null : real.call(this, kind, ...rest);
};
"""
SVG = "{http://www.w3.org/2000/svg}"


@dataclass
class Alone:
    """An explorer in a page without a server."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ask(self, expression: str) -> Any:
        return self.page.evaluate(f"() => {expression}")

    def show(self, points: np.ndarray, called: list[str] | None = None, **changes: Any) -> None:
        """Show points with names, or with changes of the frame only."""
        if called is not None:
            self.ask(f"e.setItems({items(called)})")
        self.ask(f"e.setFrame({frame(points, **changes)})")
        self.settle()

    def settle(self) -> None:
        """Wait until everything is drawn."""
        self.page.wait_for_function("() => e.drawn > 0 && !e.tween && !e.waiting")

    @property
    def said(self) -> str:
        return str(self.ask("e.said.textContent"))

    def asked(self, kind: str) -> list[Any]:
        return [what for asked, what in self.ask("asked") if asked == kind]

    def place_of(self, index: int) -> tuple[float, float]:
        """Where a point stands in the window."""
        x, y = self.ask(
            "(() => { const b = e.canvas.getBoundingClientRect();"
            f" return [b.left + e.places.x[{index}], b.top + e.places.y[{index}]]; }})()"
        )
        return x, y

    def pixel(self, x: float, y: float) -> tuple[int, ...]:
        """The colour at a place of the map, in CSS pixels."""
        return tuple(self.ask(f"Array.from(e.canvas.getContext('2d').getImageData({x}, {y}, 1, 1).data)"))

    def drag(self, *places: tuple[float, float]) -> None:
        """Press at the first place, go through the others, let go at the last."""
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=4)
        self.page.mouse.up()

    def inside(self, *shares: tuple[float, float]) -> list[tuple[float, float]]:
        """Places in the window from shares of the map's width and height."""
        box = self.page.locator(".ex-canvas").bounding_box()
        assert box is not None
        return [(box["x"] + a * box["width"], box["y"] + b * box["height"]) for a, b in shares]

    def download(self, button: str) -> Path:
        """Press a button of the menu and take what it saves."""
        if self.ask("e.menu.hidden"):
            self.page.click(".ex-bar button:has-text('More')")
        with self.page.expect_download() as coming:
            self.page.click(f".ex-menu button:has-text('{button}')")
        return Path(coming.value.path())


@pytest.fixture
def alone(lend_page: Callable[..., Lent], tmp_path) -> Iterator[Alone]:
    lent = lend_page(NO_WEBGL, width=700, height=600)
    shown = Alone(lent.page, lent.errors, lent.requests)
    shown.page.goto(explorer_page.write(tmp_path))
    yield shown
    assert shown.errors == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in shown.requests)
    assert not any("gl" in kind or "gpu" in kind for kind in shown.ask("contexts"))
    assert shown.ask("window.hacked ?? null") is None


def cloud(count: int, dimensions: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)


# ---- Alone: what needs no server


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_few_points_are_in_sight_and_can_be_picked(alone, count, dimensions):
    alone.show(cloud(count, dimensions), names(count))
    for i in range(count):
        x, y = alone.ask(f"[e.places.x[{i}], e.places.y[{i}]]")
        assert 0 < x < 640
        assert 0 < y < HEIGHT
        alone.page.mouse.click(*alone.place_of(i))
    assert [pick["index"] for pick in alone.asked("pick")] == list(range(count))
    assert alone.ask("e.labelled.length") >= 1


def test_points_that_all_coincide_are_in_sight(alone):
    alone.show(np.zeros((5, 2), np.float32), names(5))
    assert alone.ask("[e.places.x[0], e.places.y[0]]") == [320, HEIGHT / 2]


def test_no_points_are_no_error(alone):
    alone.show(np.zeros((0, 2), np.float32), [])
    alone.page.fill(".ex-search", "word")
    alone.page.hover(".ex-canvas")
    assert "No word" in alone.said


@pytest.mark.parametrize("dimensions", [2, 3])
def test_points_are_drawn_where_the_map_says_that_they_are(alone, dimensions):
    points = cloud(40, dimensions)
    alone.show(points)
    for i in range(40):
        x, y = alone.ask(f"[e.places.x[{i}], e.places.y[{i}]]")
        assert alone.pixel(x, y) != (255, 255, 255, 255), i
    flat = np.array(alone.ask("Array.from(e.flat)")).reshape(points.shape)
    np.testing.assert_allclose(flat, points, atol=np.ptp(points) / 65535)
    if dimensions == 2:
        x = np.array(alone.ask("Array.from(e.places.x)"))
        y = np.array(alone.ask("Array.from(e.places.y)"))
        assert np.corrcoef(x, points[:, 0])[0, 1] > 0.9999
        assert np.corrcoef(y, points[:, 1])[0, 1] < -0.9999, "up is up"


def label_boxes(alone: Alone) -> list[tuple[float, float, float, float]]:
    """Left, right, top and bottom of every label, measured anew in the page's own font."""
    script = """(() => {
      const pen = document.createElement("canvas").getContext("2d");
      pen.font = `12px ${getComputedStyle(e.root).fontFamily}`;
      return e.labelled.map((i) => {
        const w = pen.measureText(e.short(i)).width / 2, x = e.places.x[i], y = e.places.y[i] - 5;
        return [x - w, x + w, y - 9, y + 2];
      });
    })()"""
    return [tuple(box) for box in alone.ask(script)]


def overlapping(boxes: list[tuple[float, float, float, float]]) -> int:
    return sum(a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3] for a, b in itertools.combinations(boxes, 2))


@pytest.mark.parametrize("dimensions", [2, 3])
def test_labels_do_not_stand_on_each_other(alone, dimensions):
    alone.show(cloud(2000, dimensions), names(2000))
    boxes = label_boxes(alone)
    assert len(boxes) > 20
    assert overlapping(boxes) == 0
    alone.ask("(e.labelled = Array.from({length: 60}, (_, i) => i), 0)")
    assert overlapping(label_boxes(alone)) > 0, "without a choice they would"


def test_labels_are_in_sight_and_keep_off_marked_words(alone):
    alone.show(cloud(400), names(400), asked=3, near=[5, 9])
    boxes = label_boxes(alone)
    assert all(left > 0 and right < 640 and top > 0 and bottom < HEIGHT for left, right, top, bottom in boxes)
    assert not {3, 5, 9} & set(alone.ask("e.labelled")), "no word is named twice"


def test_the_more_frequent_word_gets_the_label(alone):
    points = np.array([[0, 0], [0, 0], [1, 0], [0.5, 1], [0.5, -1]], np.float32)
    alone.show(points, ["often", "seldom", "apart", "", ""])
    assert alone.ask("e.labelled.filter((i) => i < 3)") == [0, 2]
    alone.show(points, step=2, asked=1)
    assert alone.ask("e.labelled.filter((i) => i < 3)") == [2]


def test_labels_stay_while_the_map_moves(alone):
    points = cloud(800)
    alone.show(points, names(800))
    before = set(alone.ask("e.labelled"))
    alone.show(points + 0.004 * cloud(800, seed=5), step=2)
    after = set(alone.ask("e.labelled"))
    assert len(before & after) > 0.8 * len(before)


def test_hovering_names_the_nearest_point_and_leaving_hides_it(alone):
    alone.show(cloud(50), names(50))
    alone.page.mouse.move(*alone.place_of(7))
    alone.page.wait_for_selector(".ex-tip:visible")
    assert alone.page.inner_text(".ex-tip") == "word7 · 1,250×"
    alone.page.mouse.move(5, 590)
    assert not alone.page.is_visible(".ex-tip")


def test_marks_are_drawn_in_their_colour_and_move_without_a_frame(alone):
    alone.show(cloud(50), names(50), asked=7, near=[8, 9])

    def marked(i):
        x, y = alone.ask(f"[e.places.x[{i}], e.places.y[{i}]]")
        return alone.pixel(x, y)[:3] == (0xC2, 0x41, 0x0C)

    assert marked(7)
    assert not marked(20)
    alone.ask(f"e.setMarks({pack_marks('run', 20, [21])})")
    alone.settle()
    assert marked(20)
    assert not marked(7)
    alone.ask(f"e.setMarks({pack_marks('another run', 7, [])})")
    alone.settle()
    assert marked(20), "marks of another run are not meant for this map"


def test_marks_that_say_nothing_leave_what_a_search_has_said(alone):
    alone.show(cloud(50), names(50))
    alone.page.fill(".ex-search", "word7")
    alone.ask(f"e.setMarks({pack_marks('run', 20, [21])})")
    assert "1 word found" in alone.said
    alone.ask(f"e.setMarks({pack_marks('run', None, [], None, 'not on the map')})")
    assert alone.said == "not on the map"
    alone.ask(f"e.setMarks({pack_marks('run', 20, [21])})")
    assert alone.said == ""


def test_a_search_highlights_what_it_finds_and_enter_picks_the_best(alone):
    alone.show(cloud(300), [*names(299), "word1"])
    alone.page.fill(".ex-search", " WORD1 ")
    alone.settle()
    found = alone.ask("e.found")
    assert found == [i for i, name in enumerate([*names(299), "word1"]) if "word1" in name]
    assert alone.said == f"{len(found)} words found. Enter chooses “word1”."
    near = max(
        range(300),
        key=lambda i: alone.ask(f"Math.hypot(e.places.x[{i}] - 320, e.places.y[{i}] - 198)") * (i not in found),
    )
    x, y = alone.ask(f"[e.places.x[{near}], e.places.y[{near}]]")
    dimmed = alone.pixel(x, y)
    alone.page.press(".ex-search", "Enter")
    assert alone.asked("pick") == [{"index": 299, "name": "word1", "items": "items"}]
    alone.page.press(".ex-search", "Escape")
    alone.settle()
    assert alone.page.input_value(".ex-search") == ""
    assert alone.said == ""
    assert alone.ask("e.found") is None
    assert sum(alone.pixel(x, y)[:3]) < sum(dimmed[:3]), "what was not found was paler"


@pytest.mark.parametrize("text", [".*[(", "\\", "^word", "$&", "word1)", ATTACK, "é" * 80])
def test_what_is_not_found_is_said_and_is_never_a_pattern(alone, text):
    alone.show(cloud(50), names(50))
    alone.page.fill(".ex-search", text)
    assert alone.said == f"No word on this map contains “{text.lower()[:40]}”."
    alone.page.press(".ex-search", "Enter")
    assert alone.asked("pick") == []


def test_regex_characters_are_found_as_what_they_are(alone):
    alone.show(cloud(3), ["a.*[(b", "ab", "plain"])
    alone.page.fill(".ex-search", ".*[(")
    assert alone.ask("e.found") == [0]


def test_a_search_goes_on_while_the_map_moves(alone):
    alone.show(cloud(50), names(50))
    alone.page.fill(".ex-search", "word1")
    before = alone.said
    alone.show(cloud(50, seed=1), step=2)
    assert len(alone.ask("e.found")) == 11
    assert alone.said == before


def test_no_name_is_found_before_the_names_have_come(alone):
    """Names that belong to another map must not be searched, let alone picked."""
    alone.show(cloud(3), ["apple", "pear", "plum"])
    alone.page.fill(".ex-search", "un")
    alone.ask(f"e.setFrame({frame(cloud(5), run='another', items_id='others')})")
    alone.settle()
    assert alone.asked("items") == ["others"]
    assert alone.ask("(e.found || []).length") == 0
    alone.page.press(".ex-search", "Enter")
    assert alone.asked("pick") == []


LASSO = ((0.1, 0.1), (0.5, 0.1), (0.5, 0.9), (0.1, 0.9), (0.1, 0.1))


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_lasso_selects_what_is_inside_and_isolate_shows_only_that(alone, dimensions):
    alone.show(cloud(200, dimensions), names(200))
    alone.page.click("text=Lasso")
    assert alone.page.get_attribute("text=Lasso", "aria-pressed") == "true"
    alone.drag(*alone.inside(*LASSO))
    alone.settle()
    x, y = np.array(alone.ask("Array.from(e.places.x)")), np.array(alone.ask("Array.from(e.places.y)"))
    expected = np.flatnonzero((x > 64) & (x < 320) & (y > 0.1 * HEIGHT) & (y < 0.9 * HEIGHT))
    selected = np.array(alone.ask("e.selected"))
    assert len(set(selected) ^ set(expected)) <= 2, "all but points on the line itself"
    assert len(selected) > 30
    assert alone.said.startswith(f"{len(selected)} selected: {names(200)[selected[0]]}, ")
    assert alone.page.locator(".ex-lasso polygon").count() == 0, "the line is gone"

    alone.page.click("text=Isolate")
    alone.settle()
    assert set(alone.ask("[...e.isolated]")) == set(selected.tolist())
    outside = next(i for i in range(200) if i not in selected)
    alone.page.click("text=Lasso")
    alone.page.mouse.move(*alone.place_of(int(selected[0])))
    assert alone.page.inner_text(".ex-tip").startswith(names(200)[selected[0]])
    assert alone.ask(f"e.hit(e.places.x[{outside}], e.places.y[{outside}])") != outside
    assert set(alone.ask("e.labelled")) <= set(selected.tolist())

    alone.page.click("text=Show all")
    alone.settle()
    assert alone.ask("e.isolated") is None
    assert alone.page.inner_text(".ex-bar button:nth-of-type(3)") == "Isolate"


@pytest.mark.parametrize(
    "line", [((0.01, 0.01), (0.02, 0.01), (0.02, 0.02)), ((0.02, 0.02),)], ids=["a line", "a click"]
)
def test_a_lasso_around_nothing_says_so(alone, line):
    alone.show(cloud(200), names(200))
    alone.page.click("text=Lasso")
    alone.drag(*alone.inside(*line))
    assert alone.said == "Nothing is inside the lasso: draw around some points."
    assert alone.ask("e.selected") is None
    assert alone.asked("pick") == []


def test_isolate_says_what_to_do_where_nothing_is_chosen(alone):
    alone.show(cloud(20), names(20))
    alone.page.click("text=Isolate")
    assert "Select something first" in alone.said
    assert alone.ask("e.isolated") is None


def test_isolate_takes_what_was_found_or_the_asked_word_with_its_neighbours(alone):
    alone.show(cloud(200), names(200), asked=3, near=[5, 9])
    alone.page.click("text=Isolate")
    assert sorted(alone.ask("[...e.isolated]")) == [3, 5, 9]
    alone.page.click("text=Show all")
    alone.page.fill(".ex-search", "word11")
    alone.page.click("text=Isolate")
    assert alone.ask("[...e.isolated]") == alone.ask("e.found")


def test_points_of_another_map_are_not_hidden_by_an_old_isolation(alone):
    alone.show(cloud(200), names(200), asked=3, near=[5, 9])
    alone.page.click("text=Isolate")
    alone.show(cloud(100), step=1, map_id="fewer points", items_id="fewer", frame_id="fewer")
    assert alone.ask("e.isolated") is None
    assert alone.page.is_visible("text=Isolate"), "the button says what it would do"


def test_words_of_another_run_are_not_hidden_by_an_old_isolation(alone):
    alone.show(cloud(50), names(50), asked=3, near=[5, 9])
    alone.page.click("text=Isolate")
    alone.show(cloud(50, seed=1), run="another", items_id="others", frame_id="another")
    assert alone.ask("e.isolated") is None
    assert alone.page.is_visible("text=Isolate")


def test_an_isolation_stays_while_the_map_moves_or_is_laid_out_anew(alone):
    alone.show(cloud(50), names(50), asked=3, near=[5, 9])
    alone.page.click("text=Isolate")
    alone.show(cloud(50, seed=1), step=2)
    alone.show(cloud(50, seed=2), map_id="other settings", frame_id="anew")
    assert sorted(alone.ask("[...e.isolated]")) == [3, 5, 9]
    assert alone.page.is_visible("text=Show all")
    x = alone.ask("[3, 5, 9].map((i) => e.places.x[i])")
    assert 0 < min(x) < max(x) < 640


def test_colour_by_frequency_needs_no_server_and_has_a_key(alone):
    alone.show(cloud(60), names(60))
    alone.page.select_option(".ex-bar select", "frequency")
    alone.settle()
    assert alone.page.inner_text(".ex-key").split() == ["166", "10,000", "times", "in", "the", "text"]
    tones = alone.ask("(() => { const t = e.tones(); return [t(0), t(59)]; })()")
    assert tones == [[0xFD, 0xE7, 0x25], [0x44, 0x01, 0x54]]
    alone.page.select_option(".ex-bar select", "plain")
    alone.settle()
    assert not alone.page.is_visible(".ex-key")


def test_colours_of_the_server_are_drawn_with_their_key(alone):
    values = np.linspace(-0.5, 1, 60)
    settings = json.loads(frame(cloud(60)))["settings"]
    alone.show(
        cloud(60),
        names(60),
        settings={**settings, "colour": "similarity"},
        colour=colour_of_values(values, "cosine with king"),
    )
    key = alone.page.inner_text(".ex-key").split("\n")
    assert key[-1] == "cosine with king"
    assert -0.5 <= float(key[0]) < float(key[-2]) <= 1
    groups = colour_of_groups(np.arange(60) % 3, ["a, b", ATTACK, "c"])
    alone.show(cloud(60), settings={**settings, "colour": "cluster"}, colour=groups, step=2)
    assert alone.page.locator(".ex-swatch").all_inner_texts() == ["a, b", ATTACK, "c"]
    assert alone.page.locator(".ex-key img").count() == 0
    tones = alone.ask("(() => { const t = e.tones(); return [t(0), t(1), t(3)]; })()")
    assert tones[0] == tones[2] != tones[1]
    alone.ask(f"e.setMarks({pack_marks('run', 3, [])})")
    alone.settle()
    assert alone.page.locator(".ex-swatch").count() == 3, "marks without a colour leave the colour as it is"


def test_names_are_never_markup(alone):
    alone.show(
        cloud(4),
        [ATTACK, f"<script>{ATTACK}", "]]>", "plain"],
        title=ATTACK,
        note=ATTACK,
        label=ATTACK,
        asked=0,
        near=[1],
    )
    alone.show(cloud(4, seed=1), title=ATTACK, note=ATTACK, label=ATTACK, asked=0, near=[1], step=2)
    alone.page.mouse.move(*alone.place_of(0))
    assert alone.page.inner_text(".ex-tip").startswith(ATTACK)
    alone.page.fill(".ex-search", "<img")
    assert ATTACK in alone.said
    assert ATTACK in alone.page.inner_text(".ex-title")
    assert ATTACK in alone.page.inner_text(".ex-when")
    assert alone.page.locator("#map img, #map script").count() == 0
    root = ElementTree.parse(alone.download("SVG")).getroot()
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {tag.tag for tag in root.iter()} <= {SVG + name for name in ("svg", "title", "rect", "circle", "text")}
    assert "<img src=x onerror=wind…" in texts
    assert root.find(f"{SVG}title").text == ATTACK


@pytest.mark.parametrize("strange", ["a\u0000b", "a\u001fb", "a\ufffeb", "a\u2028b", "x" * 22 + "😀😀", "&lt;&#0;"])
def test_a_saved_svg_is_well_formed_whatever_the_names(alone, strange):
    alone.show(cloud(2), [strange, "plain"], asked=0)
    root = ElementTree.parse(alone.download("SVG")).getroot()
    assert len(list(root.iter(f"{SVG}text"))) >= 1


def test_a_saved_svg_has_a_circle_a_point_where_the_map_has_it(alone):
    alone.show(cloud(30), names(30))
    root = ElementTree.parse(alone.download("SVG")).getroot()
    circles = sorted((float(c.get("cx")), float(c.get("cy"))) for c in root.iter(f"{SVG}circle"))
    places = sorted(zip(*alone.ask("[Array.from(e.places.x), Array.from(e.places.y)]"), strict=True))
    np.testing.assert_allclose(circles, places, atol=0.06)
    assert (root.get("width"), root.get("height")) == ("640", str(HEIGHT))


def test_a_saved_png_is_the_map_three_times_as_fine_and_leaves_the_map_as_it_was(alone):
    alone.show(cloud(30), names(30))
    before = alone.ask("e.canvas.toDataURL()")
    data = alone.download("PNG").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (1920, 3 * HEIGHT)
    alone.ask("e.redraw()")
    alone.settle()
    assert alone.ask("e.canvas.toDataURL()") == before


def test_keys_move_zoom_and_show_everything(alone):
    alone.show(cloud(50), names(50))
    alone.page.focus(".ex-canvas")
    fitted = alone.ask("[...e.camera.centre, e.camera.scale]")

    def pressed(key):
        alone.page.keyboard.press(key)
        return alone.ask("[...e.camera.centre, e.camera.scale]")

    left = pressed("ArrowLeft")
    assert left[0] < fitted[0]
    assert pressed("ArrowRight") == pytest.approx(fitted)
    assert pressed("ArrowUp")[1] > fitted[1]
    assert pressed("ArrowDown") == pytest.approx(fitted)
    assert pressed("+")[2] == pytest.approx(1.25 * fitted[2])
    assert pressed("-")[2] == pytest.approx(fitted[2])
    pressed("-")
    assert pressed("0") == pytest.approx(fitted)
    assert not alone.ask("e.userCamera")


def test_keys_turn_a_map_of_three_dimensions(alone):
    alone.show(cloud(50, 3), names(50))
    alone.page.focus(".ex-canvas")
    before = alone.ask("[e.camera.yaw, e.camera.pitch]")
    alone.page.keyboard.press("ArrowRight")
    alone.page.keyboard.press("ArrowUp")
    after = alone.ask("[e.camera.yaw, e.camera.pitch]")
    assert after[0] != before[0]
    assert after[1] != before[1]
    alone.page.keyboard.press("Shift+ArrowRight")
    assert alone.ask("e.camera.shift") != [0, 0]
    assert alone.ask("[e.camera.yaw, e.camera.pitch]") == after


def test_the_browsers_own_zoom_keys_are_left_to_the_browser(alone):
    alone.show(cloud(50), names(50))
    before = alone.ask("e.camera.scale")
    for key in ("+", "-", "0"):
        prevented = alone.ask(
            f"!e.canvas.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', ctrlKey: true, cancelable: true}}))"
        )
        assert not prevented, key
    assert alone.ask("e.camera.scale") == before


def test_dragging_moves_a_plane_and_turns_a_space(alone):
    alone.show(cloud(50), names(50))
    start_at, end_at = alone.inside((0.02, 0.5), (0.12, 0.6))
    x, y = alone.ask("[e.places.x[0], e.places.y[0]]")
    alone.drag(start_at, end_at)
    alone.settle()
    assert alone.ask("[e.places.x[0], e.places.y[0]]") == pytest.approx([x + 64, y + 0.1 * HEIGHT], abs=1)
    assert alone.asked("pick") == [], "a drag is no click"
    alone.show(cloud(50, 3), frame_id="3D", map_id="3D")
    yaw = alone.ask("e.camera.yaw")
    alone.drag(start_at, end_at)
    assert alone.ask("e.camera.yaw") != yaw
    alone.page.dblclick(".ex-canvas", position={"x": 10, "y": HEIGHT - 10})
    assert not alone.ask("e.userCamera")


def test_the_wheel_zooms_at_the_pointer(alone):
    alone.show(cloud(50), names(50))
    before, scale = alone.place_of(4), alone.ask("e.camera.scale")
    alone.page.mouse.move(*before)
    alone.page.mouse.wheel(0, -300)
    wait_for(lambda: alone.ask("e.camera.scale") > scale, "the zoom")
    alone.settle()
    assert alone.place_of(4) == pytest.approx(before, abs=1)


def test_points_move_smoothly_and_a_moved_camera_stays(alone):
    first, second = cloud(50), cloud(50, seed=1)
    alone.show(first, names(50))
    halfway = f"(e.setFrame({frame(second, 2)}), e.advance(e.tween.began + 130), Array.from(e.flat))"
    between = np.array(alone.ask(halfway)).reshape(-1, 2)
    np.testing.assert_allclose(between, (first + second) / 2, atol=0.01)
    alone.settle()
    alone.ask("(e.zoom(3, 100, 100), 0)")
    camera = alone.ask("[...e.camera.centre, e.camera.scale]")
    alone.show(first, step=3)
    assert alone.ask("[...e.camera.centre, e.camera.scale]") == camera


def test_a_map_that_is_fitted_stays_in_sight_while_it_grows(alone):
    alone.show(cloud(50), names(50))
    alone.show(20 * cloud(50), step=2)
    x = alone.ask("Array.from(e.places.x)")
    assert min(x) > 0
    assert max(x) < 640


def test_another_layout_is_shown_whole_even_if_the_map_was_zoomed(alone):
    """It begins as a PCA of another size, so an old zoom would show a part of it, or nothing."""
    alone.show(cloud(50), names(50))
    alone.ask("(e.zoom(8, 100, 100), 0)")
    alone.show(cloud(50), map_id="other settings", frame_id="pca")
    alone.show(20 * cloud(50), map_id="other settings", frame_id="umap", step=2)
    x = np.array(alone.ask("Array.from(e.places.x)"))
    assert np.mean((x > 0) & (x < 640)) > 0.9


def drawn_at_rest(alone: Alone) -> int:
    """How often the map has been drawn, once a late layout draws it no more."""
    counts = [-1]

    def rests() -> bool:
        time.sleep(0.2)
        counts.append(alone.ask("e.drawn"))
        return counts[-1] == counts[-2]

    wait_for(rests, "the last drawing")
    return counts[-1]


def test_a_frame_that_is_shown_already_is_not_drawn_again(alone):
    alone.show(cloud(50), names(50))
    drawn = drawn_at_rest(alone)
    alone.ask(f"e.setFrame({frame(cloud(50))})")
    assert drawn_at_rest(alone) == drawn


def test_names_are_asked_for_once_if_they_are_missing(alone):
    alone.show(cloud(30))
    alone.show(cloud(30), step=2)
    assert alone.asked("items") == ["items"]
    assert alone.ask("e.labelled") == []
    alone.page.mouse.move(*alone.place_of(0))
    alone.ask(f"e.setItems({items(names(30))})")
    alone.settle()
    assert len(alone.ask("e.labelled")) > 10


def states(count: int, points: int = 40) -> list[np.ndarray]:
    first, last = cloud(points), cloud(points, seed=1)
    return [first + (last - first) * (i / max(1, count - 1)) for i in range(count)]


def show_history(alone: Alone, count: int) -> list[np.ndarray]:
    shown = states(count)
    old = [{**pack_points(points), "step": i, "label": f"{i} steps"} for i, points in enumerate(shown[:-1])]
    alone.show(shown[-1], names(40), step=count - 1, history=old)
    return shown


def slide(alone: Alone, at: int) -> None:
    alone.ask(f"(e.slider.value = {at}, e.slider.dispatchEvent(new Event('input')), 0)")
    alone.settle()


def test_the_slider_shows_each_state_and_keeps_the_camera(alone):
    shown = show_history(alone, 30)
    assert alone.page.get_attribute(".ex-slider", "max") == "29"
    alone.ask("(e.zoom(2), 0)")
    camera = alone.ask("[...e.camera.centre, e.camera.scale]")
    for at in (0, 12, 29):
        slide(alone, at)
        np.testing.assert_allclose(np.array(alone.ask("Array.from(e.flat)")).reshape(-1, 2), shown[at], atol=1e-3)
        assert alone.page.inner_text(".ex-when").startswith(f"{at} steps")
        assert alone.page.get_attribute(".ex-slider", "aria-valuetext") == f"{at} steps"
        assert alone.ask("[...e.camera.centre, e.camera.scale]") == camera
    assert "now:" not in alone.page.inner_text(".ex-when")


def test_frames_that_arrive_while_the_slider_is_back_do_not_move_the_map(alone):
    shown = show_history(alone, 10)
    slide(alone, 3)
    alone.show(cloud(40, seed=7), step=10)
    np.testing.assert_allclose(np.array(alone.ask("Array.from(e.flat)")).reshape(-1, 2), shown[3], atol=1e-3)
    assert "now: 10 steps" in alone.page.inner_text(".ex-when")
    slide(alone, 10)
    alone.show(cloud(40, seed=8), step=11)
    np.testing.assert_allclose(np.array(alone.ask("Array.from(e.flat)")).reshape(-1, 2), cloud(40, seed=8), atol=1e-3)


def test_the_slider_can_be_moved_with_the_keyboard(alone):
    show_history(alone, 10)
    alone.page.focus(".ex-slider")
    alone.page.keyboard.press("ArrowLeft")
    assert alone.ask("e.scrub") == 8
    alone.page.keyboard.press("Home")
    assert alone.ask("e.scrub") == 0


@pytest.mark.slow
def test_replay_plays_every_state_to_the_end_and_can_be_stopped(alone):
    show_history(alone, 30)
    alone.ask(
        "(window.shown = new Set(), window.show = e.showState.bind(e),"
        " e.showState = (at) => { shown.add(at); show(at); }, 0)"
    )
    alone.page.click("text=Replay")
    wait_for(lambda: alone.ask("!e.playing"), "the end of the replay")
    assert alone.ask("[...shown].sort((a, b) => a - b)") == list(range(30))
    assert alone.ask("e.scrub") is None
    assert alone.page.is_visible("text=Replay")
    alone.page.click("text=Replay")
    wait_for(lambda: alone.ask("e.scrub >= 3"), "the third state")
    alone.page.click(".ex-time button")
    at = alone.ask("e.scrub")
    time.sleep(0.4)
    assert alone.ask("e.scrub") == at
    assert not alone.ask("e.playing")


@pytest.mark.slow
def test_the_history_is_bounded_and_keeps_its_ends_and_its_place(alone):
    alone.show(cloud(40), names(40))
    alone.ask("(window.add = (s) => e.remember({ step: s, label: `${s} steps`, flat: e.flat }), 0)")
    alone.ask(
        "(() => { for (let s = 2; s <= 200; s++) add(s); e.scrubTo(100); for (let s = 201; s <= 1000; s++) add(s); })()"
    )
    steps = alone.ask("e.history.map((state) => state.step)")
    assert len(steps) <= 240
    assert (steps[0], steps[-1]) == (1, 1000)
    assert steps == sorted(set(steps))
    shown = alone.ask("e.history[e.scrub].step")
    assert abs(shown - 101) <= 16, "the slider stays where it was"
    assert max(np.diff(steps)) <= 16, "early states are kept as well as late ones"


def test_one_state_has_no_slider(alone):
    alone.show(cloud(40), names(40))
    assert not alone.page.is_visible(".ex-time")


def test_another_run_begins_another_history(alone):
    show_history(alone, 10)
    slide(alone, 3)
    alone.show(cloud(40, seed=3), step=0, run="another", frame_id="another")
    assert alone.ask("e.history.length") == 1
    assert alone.ask("e.scrub") is None
    np.testing.assert_allclose(np.array(alone.ask("Array.from(e.flat)")).reshape(-1, 2), cloud(40, seed=3), atol=1e-3)


def test_settings_are_asked_for_as_the_server_names_them(alone):
    alone.show(cloud(50), names(50))
    alone.page.click("text=More")
    for name, value in (("Layout", "pca"), ("Points", "500"), ("Minimum distance", "0.5"), ("Distance", "euclidean")):
        alone.page.select_option(f".ex-menu select[aria-label='{name}']", value)
    alone.page.click("text=3D")
    assert alone.asked("layout") == [
        {"method": "pca"},
        {"points": 500},
        {"min_dist": 0.5},
        {"metric": "euclidean"},
        {"dimensions": 3},
    ]
    assert "Laying the map out anew" in alone.said
    alone.show(cloud(50), step=2)
    assert alone.said == ""
    alone.page.keyboard.press("Escape")
    assert alone.ask("e.menu.hidden") or alone.page.is_visible(".ex-menu")


def test_a_setting_that_the_menu_does_not_list_is_shown_all_the_same(alone):
    settings = {**json.loads(frame(cloud(5)))["settings"], "points": 1234}
    alone.show(cloud(5), names(5), settings=settings)
    assert alone.ask("e.layoutBoxes.points.value") == "1234"
    assert alone.ask("e.layoutBoxes.min_dist.value") == "0.1"


def test_thumbnails_are_drawn_at_their_places_and_grow_with_the_zoom(alone):
    tile, columns, count = 24, 4, 10
    sheet = {**json.loads(items([f"picture {i}" for i in range(count)])), "noun": "picture"}
    sheet["sprite"] = {"src": explorer_page.sprite_sheet(count, tile, columns), "tile": tile, "columns": columns}
    points = np.array([[i % 4, i // 4] for i in range(count)], np.float32)
    alone.ask(f"e.setItems({json.dumps(sheet)})")
    alone.ask(f"e.setFrame({frame(points)})")
    wait_for(lambda: alone.ask("e.sprite.complete && e.sprite.naturalWidth") == tile * columns, "the sheet")
    alone.ask("e.redraw()")
    alone.settle()

    def hue(i, dx=0.0):
        x, y = alone.ask(f"[e.places.x[{i}], e.places.y[{i}]]")
        red, green, blue, _ = alone.pixel(x + dx, y)
        return colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)

    for i in range(count):
        shown, saturation, _ = hue(i)
        assert saturation > 0.9
        assert 360 * shown == pytest.approx(360 * i // count, abs=4)
    assert hue(0, dx=11)[1] < 0.1, "beside the picture is paper"
    alone.ask("(e.zoom(3, e.places.x[0], e.places.y[0]), 0)")
    alone.settle()
    assert hue(0, dx=11)[1] > 0.9
    alone.page.mouse.click(*alone.place_of(0))
    assert alone.asked("pick")[0]["name"] == "picture 0"


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_thumbnails_are_in_sight(alone, count):
    sheet = json.loads(items([f"picture {i}" for i in range(count)]))
    sheet["sprite"] = {"src": explorer_page.sprite_sheet(count, 24, 2), "tile": 24, "columns": 2}
    alone.ask(f"e.setItems({json.dumps(sheet)})")
    alone.show(cloud(count))
    wait_for(lambda: alone.ask("e.sprite.complete"), "the sheet")
    alone.ask("e.redraw()")
    alone.settle()
    for i in range(count):
        x, y = alone.ask(f"[e.places.x[{i}], e.places.y[{i}]]")
        assert alone.pixel(x, y)[:3] != (255, 255, 255)


PICTURES = 12
GRID = np.array([[i % 4, i // 4] for i in range(PICTURES)], np.float32)
HIGHLIGHT = (0xC2, 0x41, 0x0C)


def coloured(colour: str, points: np.ndarray = GRID) -> dict[str, Any]:
    return {**json.loads(frame(points))["settings"], "colour": colour}


def show_pictures(alone: Alone, points: np.ndarray = GRID, called: list[str] | None = None, **changes: Any) -> None:
    """Show pictures, and wait until their sheet is there."""
    called = [f"picture {i}" for i in range(len(points))] if called is None else called
    packed = picture_items(called, changes.pop("classes", SHAPES), changes.pop("sheet", None))
    alone.ask(f"e.setItems({packed})")
    alone.show(points, **changes)
    wait_for(lambda: alone.ask("e.sprite.complete && e.sprite.naturalWidth > 0"), "the sheet")
    alone.ask("e.redraw()")
    alone.settle()


def beside(alone: Alone, i: int, share: float, side: float | None = None) -> tuple[int, ...]:
    """The colour to the right of point i, `share` of the way from its middle to its picture's edge, and on."""
    x, y = alone.ask(f"[e.places.x[{i}], e.places.y[{i}]]")
    side = alone.ask(f"e.sideOf({i})") if side is None else side
    return alone.pixel(round(x + side / 2 * share + (0 if share < 1 else 1)), round(y))[:3]


def rgb_of(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def hue_of(pixel: tuple[int, ...]) -> float:
    return 360 * colorsys.rgb_to_hsv(*(value / 255 for value in pixel[:3]))[0]


def test_pictures_offer_their_factors_as_colours_and_words_their_frequency(alone):
    def offered():
        return alone.ask("[...e.colourBy.options].map((o) => o.value)")

    show_pictures(alone)
    assert offered() == ["plain", "factor:shape", "factor:paint", "cluster", "similarity"]
    assert alone.ask("e.colourBy.options[1].textContent") == "Colour: Shape"
    alone.show(cloud(9), names(9), frame_id="words")
    assert offered() == ["plain", "frequency", "cluster", "similarity"]


@pytest.mark.parametrize("factor", ["shape", "paint"])
def test_a_factor_is_drawn_around_the_pictures_with_its_key_and_needs_no_answer(alone, factor):
    show_pictures(alone)
    plain = [beside(alone, i, 1.0) for i in range(PICTURES)]
    assert set(plain) == {(255, 255, 255)}
    alone.page.select_option(".ex-bar select", f"factor:{factor}")
    alone.settle()
    tones = alone.ask("EmbeddingPictures.TONES") if factor == "shape" else COLOURS
    for i in range(PICTURES):
        assert beside(alone, i, 1.0) == rgb_of(tones[i % 3]), i
        assert hue_of(beside(alone, i, 0.5)) == pytest.approx(360 * i / PICTURES, abs=5)
    assert alone.page.inner_text(".ex-key").split() == [factor.capitalize(), *SHAPES]
    swatches = alone.ask("[...e.key.querySelectorAll('.ex-swatch')].map((s) => s.style.getPropertyValue('--swatch'))")
    assert swatches == tones[:3]
    assert alone.asked("layout") == [{"colour": f"factor:{factor}"}]
    alone.page.select_option(".ex-bar select", "plain")
    alone.settle()
    assert not alone.page.is_visible(".ex-key")


@pytest.mark.slow
def test_a_factor_in_a_frame_colours_dots_too(alone):
    show_pictures(alone, settings=coloured("factor:paint"))
    alone.page.click("button:text-is('Dots')")
    alone.settle()
    assert alone.page.input_value(".ex-bar select") == "factor:paint"
    for i in range(PICTURES):
        red, green, blue = alone.pixel(*alone.ask(f"[e.places.x[{i}], e.places.y[{i}]]"))[:3]
        strongest = max(range(3), key=lambda k: (red, green, blue)[k])
        assert strongest == i % 3


@pytest.mark.slow
@pytest.mark.parametrize("colour", ["factor:nothing", "frequency", "factor:__proto__"])
def test_a_colour_that_these_points_do_not_have_is_plain(alone, colour):
    show_pictures(alone, settings=coloured(colour))
    assert alone.page.input_value(".ex-bar select") == "plain"
    assert not alone.page.is_visible(".ex-key")
    assert beside(alone, 3, 1.0) == (255, 255, 255)


@pytest.mark.slow
def test_many_classes_are_keyed_as_far_as_there_are_colours_and_share_a_grey_beyond(alone):
    show_pictures(alone, cloud(40), classes=[f"folder {i}" for i in range(40)], settings=coloured("factor:shape"))
    assert alone.page.locator(".ex-swatch").count() == 12
    assert alone.page.inner_text(".ex-key").endswith("… 28 more")
    tones = alone.ask("(() => { const t = e.tones(); return Array.from({length: 40}, (_, i) => t(i).join()); })()")
    assert len(set(tones[:12])) == 12
    assert set(tones[12:]) == {"127,127,127"}


def test_points_can_be_dots_or_pictures_if_there_are_pictures(alone):
    alone.show(GRID, names(PICTURES))
    assert not alone.page.is_visible("button:text-is('Dots')")
    show_pictures(alone, frame_id="pictures")
    assert alone.ask("e.labelled.length") == 0
    assert hue_of(beside(alone, 4, 0.8)) == pytest.approx(120, abs=5)
    alone.page.click("button:text-is('Dots')")
    alone.settle()
    assert beside(alone, 4, 0.8, side=30) == (255, 255, 255)
    assert alone.ask("e.labelled.length") > 0
    alone.show(GRID, step=2)
    assert beside(alone, 4, 0.8, side=30) == (255, 255, 255), "the choice stays"
    alone.page.click("button:text-is('Pictures')")
    alone.settle()
    assert hue_of(beside(alone, 4, 0.8)) == pytest.approx(120, abs=5)


@pytest.mark.slow
@pytest.mark.parametrize("count", [300, 600])
def test_hundreds_of_pictures_are_large_enough_to_be_seen_and_grow_on_zoom(alone, count):
    show_pictures(alone, cloud(count))
    side = alone.ask("e.side")
    assert 22 <= side <= 30
    alone.ask("(e.zoom(2), 0)")
    alone.settle()
    assert alone.ask("e.side") == pytest.approx(min(48, side * 2**0.5))


def test_a_marked_picture_and_its_neighbours_are_larger_and_framed_on_top(alone):
    close = GRID + np.array([[0, 0]] * 11 + [[-2.9, -1.9]], np.float32)  # the last lies nearly on the first
    show_pictures(alone, close, asked=0, near=[5, 6])
    sides = [alone.ask(f"e.sideOf({i})") for i in (0, 5, 3)]
    assert sides[0] > sides[1] > sides[2]
    assert beside(alone, 0, 1.0) == beside(alone, 5, 1.0) == HIGHLIGHT
    assert hue_of(beside(alone, 0, 0.5)) == pytest.approx(0, abs=5), "the asked picture lies on top"
    x, y = alone.ask("[0, 1].map((k) => (e.places['xy'[k]][0] + e.places['xy'[k]][5]) / 2)")
    around = [alone.pixel(x + dx, y + dy)[:3] for dx in range(-2, 3) for dy in range(-2, 3)]
    assert any(red > 150 and blue < 120 for red, _, blue in around), "a line joins them"
    alone.ask(f"e.setMarks({pack_marks('run', 3, [])})")
    alone.settle()
    assert beside(alone, 3, 1.0) == HIGHLIGHT
    assert beside(alone, 5, 1.0) != HIGHLIGHT


@pytest.mark.slow
def test_a_group_stays_visible_within_the_mark(alone):
    show_pictures(alone, asked=4, settings=coloured("factor:paint"))
    assert beside(alone, 4, 1.0) == rgb_of(COLOURS[1])
    side = alone.ask("e.sideOf(4)")
    x, y = alone.ask("[e.places.x[4], e.places.y[4]]")
    assert alone.pixel(round(x + side / 2 + 4), round(y))[:3] == HIGHLIGHT


def test_a_tooltip_shows_the_picture_its_name_and_its_classes(alone):
    show_pictures(alone)
    x, y = alone.place_of(7)
    alone.page.mouse.move(x + 9, y + 9)
    alone.page.wait_for_selector(".ex-tip:visible")
    assert alone.page.inner_text(".ex-tip").split("\n") == ["picture 7", "Shape: square", "Paint: square"]
    drawn = "e.tip.querySelector('canvas')"
    assert alone.ask(f"[{drawn}.width, {drawn}.height]") == [96, 96]
    pixel = alone.ask(f"Array.from({drawn}.getContext('2d').getImageData(48, 48, 1, 1).data)")
    assert hue_of(pixel) == pytest.approx(210, abs=5)
    stage, tip = (alone.page.locator(name).bounding_box() for name in (".ex-stage", ".ex-tip"))
    assert tip["y"] >= stage["y"]
    assert tip["y"] + tip["height"] <= stage["y"] + stage["height"]


def test_a_search_and_an_isolation_leave_the_other_pictures_pale_or_out(alone):
    show_pictures(alone)
    alone.page.fill(".ex-search", "picture 4")
    alone.settle()
    saturation = [colorsys.rgb_to_hsv(*(v / 255 for v in beside(alone, i, 0.5)))[1] for i in range(PICTURES)]
    assert [i for i in range(PICTURES) if saturation[i] > 0.9] == [4]
    assert max(saturation[:4]) < 0.3
    alone.page.click("text=Isolate")
    alone.settle()
    drawn = alone.ask("e.order().filter((i) => e.visible(i)).length")
    assert drawn == 1
    assert hue_of(beside(alone, 4, 0.5)) == pytest.approx(120, abs=5)


@pytest.mark.slow
@pytest.mark.parametrize(("points", "sheet", "dimensions"), [(30, 12, 2), (12, 5, 3), (0, 12, 2)])
def test_more_or_fewer_points_than_pictures_are_drawn_all_the_same(alone, points, sheet, dimensions):
    """A frame may come before its items; the sheet may be of other pictures."""
    called = [f"picture {i}" for i in range(12)]
    show_pictures(alone, cloud(points, dimensions), called, sheet=sheet, settings=coloured("factor:shape"))
    for tool in ("Dots", "Pictures", "Isolate"):
        alone.page.click(f"button:text-is('{tool}')")
        alone.settle()
    if points:
        alone.page.mouse.move(*alone.place_of(points - 1))
        alone.page.wait_for_selector(".ex-tip:visible")
    alone.download("SVG")
    alone.download("PNG")


@pytest.mark.slow
def test_pictures_of_other_points_are_not_drawn(alone):
    show_pictures(alone)
    alone.show(GRID, frame_id="others", items_id="others", run="another")
    assert beside(alone, 4, 0.8, side=30) == (255, 255, 255)
    alone.page.mouse.move(*alone.place_of(4))
    alone.page.wait_for_selector(".ex-tip:visible")
    assert alone.page.locator(".ex-tip canvas").count() == 0
    assert alone.page.inner_text(".ex-tip").strip() == ""


@pytest.mark.slow
def test_a_sprite_that_does_not_arrive_leaves_dots(alone):
    broken = {**json.loads(picture_items(["a", "b"])), "sprite": {"src": "data:image/png;base64,AAAA", "tile": 48}}
    alone.ask(f"e.setItems({json.dumps(broken)})")
    alone.show(cloud(2))
    assert alone.ask("e.side") == 0
    assert alone.ask("e.labelled.length") == 2
    alone.download("HTML")


VISITORS = 255 - squares(4)


def guests_at(*places: tuple[float, ...], called: str = "my cat") -> list[dict[str, Any]]:
    """Guests in the pictures' complementary colours, near the first two points."""
    return [
        guest(np.array(place), name=f"{called} {k}" if k else called, src=data_url(VISITORS[k]), near=[0, 1])
        for k, place in enumerate(places)
    ]


def guest_place(alone: Alone, k: int = 0) -> tuple[float, float]:
    x, y = alone.ask(f"[e.guestPlaces.x[{k}], e.guestPlaces.y[{k}]]")
    return x, y


def wait_for_guests(alone: Alone) -> None:
    wait_for(lambda: alone.ask("e.guests.every((g) => g.sheet.image.complete)"), "the guests' pictures")
    alone.ask("e.redraw()")
    alone.settle()


@pytest.mark.parametrize("view", ["Pictures", "Dots"])
def test_guests_stand_on_top_at_their_place_in_a_ring_with_lines_and_a_name(alone, view):
    show_pictures(alone, guests=guests_at((1.5, 1.0), (3, 2)))
    wait_for_guests(alone)
    if view == "Dots":
        alone.page.click("button:text-is('Dots')")
        alone.settle()
    x, y = guest_place(alone)
    left, top = alone.ask("[(e.places.x[5] + e.places.x[6]) / 2, e.places.y[5]]")
    assert (x, y) == pytest.approx((left, top), abs=0.5)
    assert hue_of(alone.pixel(x, y)) == pytest.approx(180, abs=5), "its own picture"
    half = alone.ask("e.guestSide()") / 2
    assert alone.pixel(round(x + half + 3), round(y))[:3] == HIGHLIGHT
    over, under = guest_place(alone, 1), alone.ask("[e.places.x[11], e.places.y[11]]")
    assert over == pytest.approx(under, abs=0.5)
    assert hue_of(alone.pixel(*over)) == pytest.approx(270, abs=5), "over the point that stands there"
    assert alone.ask("e.markLabels.map((label) => label[0])") == ["my cat", "my cat 1"]
    alone.page.mouse.move(*(a + b for a, b in zip(alone.inside((0, 0))[0], (x, y), strict=True)))
    alone.page.wait_for_selector(".ex-tip:visible")
    assert alone.page.inner_text(".ex-tip").startswith("my cat\n")
    alone.page.mouse.down()
    alone.page.mouse.up()
    assert alone.asked("pick") == [], "a guest is none of the points"


@pytest.mark.slow
def test_guests_move_with_the_map_and_are_not_part_of_its_history(alone):
    show_pictures(alone, guests=guests_at((0, 0)))
    halfway = (
        f"(e.setFrame({frame(GRID, 2, guests=guests_at((2, 1)))}), e.advance(e.tween.began + 130), [...e.guestFlat])"
    )
    assert alone.ask(halfway) == pytest.approx([1, 0.5], abs=0.01)
    alone.settle()
    assert alone.ask("[...e.guestFlat]") == [2, 1]
    slide(alone, 0)
    assert alone.ask("[e.guestsShown().length, e.guestPlaces]") == [0, None]
    slide(alone, 1)
    assert alone.ask("e.guestsShown().length") == 1
    alone.show(GRID, step=3)
    assert alone.ask("e.guests.length") == 0


@pytest.mark.slow
def test_guests_stand_in_three_dimensions_too(alone):
    points = np.hstack([GRID, GRID[:, :1]])
    show_pictures(alone, points, guests=guests_at(tuple(points[6])))
    wait_for_guests(alone)
    assert guest_place(alone) == pytest.approx(alone.ask("[e.places.x[6], e.places.y[6]]"), abs=0.5)


@pytest.mark.slow
def test_a_guest_without_a_picture_is_a_mark(alone):
    lost = {**guests_at((1.5, 1.0))[0], "src": "data:image/png;base64,AAAA"}
    show_pictures(alone, guests=[lost])
    x, y = guest_place(alone)
    assert alone.pixel(round(x), round(y))[:3] == HIGHLIGHT


def images_of(svg: Path) -> list[ElementTree.Element]:
    return list(ElementTree.parse(svg).getroot().iter(f"{SVG}image"))


def test_a_saved_svg_holds_the_pictures_in_their_frames_and_the_guests(alone):
    show_pictures(alone, asked=0, settings=coloured("factor:paint"), guests=guests_at((1.5, 1.0)))
    wait_for_guests(alone)
    saved = alone.download("SVG")
    assert "Saved with the 12 pictures" in alone.said
    images = images_of(saved)
    assert len(images) == PICTURES + 1
    assert all(image.get("href").startswith("data:image/jpeg;base64,") for image in images)
    middles = [tuple(float(i.get(a)) + float(i.get(b)) / 2 for a, b in ("xw", "yh")) for i in map(short_sizes, images)]
    for i in range(PICTURES):
        place = alone.ask(f"[e.places.x[{i}], e.places.y[{i}]]")
        assert any(middle == pytest.approx(place, abs=0.2) for middle in middles)
    assert middles[-1] == pytest.approx(guest_place(alone), abs=0.2)
    root = ElementTree.parse(saved).getroot()
    fills = [rect.get("fill") for rect in root.iter(f"{SVG}rect")]
    assert fills.count("rgb(0,160,0)") == 4
    assert [text.text for text in root.iter(f"{SVG}text")] == ["my cat", "picture 0"]


def short_sizes(element: ElementTree.Element) -> ElementTree.Element:
    """An element with w and h for width and height."""
    for name in ("width", "height"):
        element.set(name[0], str(element.get(name)))
    return element


@pytest.mark.slow
def test_a_saved_svg_of_too_many_pictures_has_circles_in_their_groups_colours_and_says_so(alone):
    show_pictures(alone, cloud(1001), settings=coloured("factor:paint"))
    saved = alone.download("SVG")
    assert "More than 1,000 pictures" in alone.said
    assert images_of(saved) == []
    circles = list(ElementTree.parse(saved).getroot().iter(f"{SVG}circle"))
    assert {circle.get("fill") for circle in circles} == set(COLOURS)
    assert len(circles) == 1001


@pytest.mark.slow
def test_a_saved_png_holds_the_pictures_and_the_guests(alone, tmp_path):
    show_pictures(alone, guests=guests_at((1.5, 1.0)))
    wait_for_guests(alone)
    saved = Image.open(alone.download("PNG")).convert("RGB")
    for i in (1, 4, 7):
        x, y = alone.ask(f"[e.places.x[{i}], e.places.y[{i}]]")
        assert hue_of(saved.getpixel((round(3 * x), round(3 * y)))) == pytest.approx(360 * i / PICTURES, abs=5)
    x, y = guest_place(alone)
    assert hue_of(saved.getpixel((round(3 * x), round(3 * y)))) == pytest.approx(180, abs=5)


@pytest.mark.slow
def test_a_saved_page_holds_the_pictures_their_factors_and_the_guests(alone, tmp_path):
    show_pictures(alone, asked=4, settings=coloured("factor:paint"), guests=guests_at((1.5, 1.0)))
    path = tmp_path / "saved.html"
    path.write_bytes(alone.download("HTML").read_bytes())
    alone.page.goto(path.as_uri())
    alone.page.wait_for_function("() => map.drawn > 0 && map.side > 0 && map.guests[0].sheet.image.complete")
    alone.page.evaluate("() => { window.e = map; window.asked = []; e.redraw(); }")
    alone.settle()
    assert alone.page.inner_text(".ex-key").split() == ["Paint", *SHAPES]
    assert beside(alone, 3, 1.0) == rgb_of(COLOURS[0])
    assert hue_of(beside(alone, 3, 0.5)) == pytest.approx(90, abs=5)
    assert hue_of(alone.pixel(*guest_place(alone))) == pytest.approx(180, abs=5)
    alone.page.select_option(".ex-bar select", "factor:shape")
    alone.settle()
    assert beside(alone, 3, 1.0) == rgb_of(alone.ask("EmbeddingPictures.TONES")[0])


def test_names_of_pictures_classes_and_guests_are_never_markup(alone, tmp_path):
    called = [ATTACK, f"</script><script>{ATTACK}", *(f"picture {i}" for i in range(2, PICTURES))]
    evil = [ATTACK, "</style><b>", "]]>&lt;"]
    visitors = guests_at((1.5, 1.0), called=ATTACK)
    show_pictures(
        alone, called=called, classes=evil, asked=0, settings=coloured("factor:shape"), guests=visitors, title=ATTACK
    )
    wait_for_guests(alone)
    assert alone.page.locator(".ex-swatch").all_inner_texts()[0] == ATTACK[:40]
    alone.page.mouse.move(*alone.place_of(0))
    alone.page.wait_for_selector(".ex-tip:visible")
    assert ATTACK[:40] in alone.page.inner_text(".ex-tip")
    assert f"Shape: {ATTACK[:40]}" in alone.page.inner_text(".ex-tip")
    assert alone.page.locator("#map img, #map script, #map b, #map style").count() == 0
    root = ElementTree.parse(alone.download("SVG")).getroot()
    allowed = {SVG + name for name in ("svg", "title", "rect", "circle", "text", "line", "image")}
    assert {tag.tag for tag in root.iter()} <= allowed
    path = tmp_path / "saved.html"
    path.write_bytes(alone.download("HTML").read_bytes())
    alone.page.goto(path.as_uri())
    alone.page.wait_for_function("() => map.drawn > 0")
    assert alone.page.locator("#map img, #map script, #map b, #map style").count() == 0
    assert alone.page.locator("body > script").count() == 4
    assert alone.ask("window.hacked ?? null") is None
    alone.page.evaluate("() => { window.e = map; }")


@pytest.mark.slow
def test_a_swatch_that_is_no_colour_is_never_style(alone):
    """The server refuses it; a saved page could have been changed."""
    packed = json.loads(picture_items([f"picture {i}" for i in range(PICTURES)]))
    packed["groupings"][1]["colours"] = ["url(https://elsewhere/x)", "red;--x:1", None]
    alone.ask(f"e.setItems({json.dumps(packed)})")
    alone.show(GRID, settings=coloured("factor:paint"))
    swatches = alone.ask("[...e.key.querySelectorAll('.ex-swatch')].map((s) => s.style.getPropertyValue('--swatch'))")
    assert swatches == alone.ask("EmbeddingPictures.TONES.slice(0, 3)")


@pytest.mark.slow
def test_fifty_thousand_points_are_drawn(alone):
    alone.show(cloud(50_000), names(50_000))
    assert alone.ask("e.places.x.length") == 50_000
    alone.page.mouse.move(*alone.place_of(0))
    alone.page.wait_for_selector(".ex-tip:visible")


def test_controls_have_names_and_are_reached_by_tab(alone):
    alone.show(cloud(5), names(5))
    alone.page.focus(".ex-search")
    reached = []
    for _ in range(8):
        reached.append(
            alone.ask("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent")
        )
        alone.page.keyboard.press("Tab")
    assert reached[:7] == ["Find on the map", "Colour by", "3D", "Lasso", "Isolate", "Fit", "More"]
    assert reached[7].startswith("Map. Arrow keys move")


# ---- On the page: with a server that trains and lays out


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


def own_text(visitor: Visitor, tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "own.txt"
    path.write_text("\n".join(lines * 300), encoding="utf-8")
    visitor.choose("corpus", "Your own text (.txt)")
    visitor.page.set_input_files("#w2v-own-text input[type=file]", path)
    wait_for(lambda: "Press Train" in visitor.page.inner_text("#w2v-corpus-note"), "the word count")
    visitor.page.click("#w2v-train")
    visitor.wait_for_phase("done")
    wait_for(
        lambda: visitor.explorer("e.items && e.items.id === e.frame.items && e.frame.run !== 'shipped'"), "its words"
    )


@pytest.mark.slow
def test_names_are_never_markup_on_the_page_and_in_what_is_saved_of_it(visitor, server, tmp_path):
    """A text's words are letters only, but vectors can be named by anyone."""
    own_text(visitor, tmp_path, ["the red apple is sweet and the green apple is sour", "a pear is not an apple"])
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
    own_text(visitor, tmp_path, ["ping pong ping pong"])
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
