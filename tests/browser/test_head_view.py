"""The attention heads in a page of files: what is seen, what keys and clicks do, what is saved; once with Gradio."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page

from playground import shell
from playground.components import head_view
from playground.components.head_view import View, pack_heads, silenced_heads
from tests.browser import head_view_page as synthetic
from tests.browser.conftest import Lent, wait_for

pytestmark = pytest.mark.browser

ATTACK = "<img src=x onerror=window.hacked=1>"
SVG = "{http://www.w3.org/2000/svg}"
TOKEN = ".hv-left .hv-token"
SECONDS = 0.3
"""From the value to the picture of 128 tokens, 4 layers and 4 heads."""


@dataclass
class Heads:
    """The heads in a page without a server."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ask(self, expression: str) -> Any:
        return self.page.evaluate(f"() => {expression}")

    def show(self, *views: View, **options: Any) -> None:
        self.page.evaluate("(value) => v.show(JSON.parse(value))", pack_heads(views, **options))
        self.settle()

    def settle(self) -> None:
        """Wait until everything is drawn."""
        self.page.wait_for_function("() => !v.asked && v.parts.size === 0 && !v.matrix.waiting && !v.lines.waiting")

    def do(self, script: str) -> None:
        self.ask(f"{{ {script} }}")
        self.settle()

    def click(self, selector: str, **options: Any) -> None:
        self.page.click(selector, **options)
        self.settle()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def cell(self, layer: int, head: int) -> str:
        return f'.hv-head[data-at="{layer},{head}"]'

    def weights(self) -> np.ndarray:
        """What the panels show."""
        rows, columns = self.ask("[v.shown.rows.length, v.shown.columns.length]")
        return np.array(self.ask("Array.from(v.shown.weights)")).reshape(rows, columns)

    def draws(self) -> dict[str, int]:
        return self.ask(
            "({ heads: v.grid.drawn, lines: v.lines.drawn, matrix: v.matrix.drawn, tokens: v.lines.labelled })"
        )

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def download(self, button: str) -> Path:
        with self.page.expect_download() as coming:
            self.page.click(f".hv-saving button:has-text('{button}')")
        return Path(coming.value.path())


@pytest.fixture
def open_page(lend_page: Callable[..., Lent], tmp_path: Path) -> Iterator[Callable[..., Heads]]:
    opened: list[Heads] = []

    def make(screen: tuple[int, int] = (1280, 720), **options: Any) -> Heads:
        lent = lend_page(width=screen[0], height=screen[1])
        shown = Heads(lent.page, lent.errors, lent.requests)
        opened.append(shown)
        shown.page.goto(synthetic.write(tmp_path, **options))
        return shown

    yield make
    for shown in opened:
        assert shown.errors == []
        assert all(url.startswith(("file:", "data:", "blob:")) for url in shown.requests)
        assert shown.ask("window.hacked ?? null") is None


@pytest.fixture
def heads(open_page: Callable[..., Heads]) -> Heads:
    return open_page()


# ---- All heads


def test_before_there_is_anything_a_sentence_says_what_will_appear(heads):
    assert "appears here" in heads.text(".hv")
    assert not heads.page.is_visible(".hv-body")
    heads.show(synthetic.view(6))
    assert not heads.page.is_visible(".hv-empty")
    heads.show(empty="This model has no attention.")
    assert heads.text(".hv") == "This model has no attention."


@pytest.mark.parametrize(("layers", "count"), [(1, 1), (4, 4), (6, 8), (12, 12)])
def test_every_head_has_its_place_its_number_and_its_role(heads, layers, count):
    view = synthetic.view(8, layers, count)
    heads.show(view)
    assert heads.page.locator(".hv-head").count() == layers * count
    for layer, head in itertools.product(range(layers), range(count)):
        said = heads.page.get_attribute(heads.cell(layer, head), "aria-label")
        name, label, figure = view.roles[layer][head]
        assert said == f"Head {layer + 1}.{head + 1}: {label}, {figure:.2f}"
        sign = heads.text(f"{heads.cell(layer, head)} .hv-role").split()[0]
        assert sign == {"p": "←", "n": "→", "i": "●", "s": "¶", "f": "⇤", "b": "≈"}[name[0]], "not by colour alone"
    box, grid = heads.page.locator(".hv-grid").bounding_box(), heads.page.locator(".hv-gridbox").bounding_box()
    assert box["height"] <= grid["height"], "all layers are in sight"


def test_a_small_heat_map_shows_the_largest_of_the_weights_that_share_a_pixel(heads):
    view = synthetic.view(128, 1, 1)
    told = np.zeros((1, 1, 128, 128), np.float32)
    told[..., 0] = 1
    told[0, 0, 77] = np.eye(128)[55]
    heads.show(View(**{**vars(view), "weights": told}))
    side = heads.ask("v.grid.side")
    script = "(v.grid.cells.get('0,0').canvas.getContext('2d').getImageData(55.5 * S / 128, 77.5 * S / 128, 1, 1).data)"
    assert tuple(heads.ask(f"Array.from{script.replace('S', str(side))}"))[:3] == (0x4F, 0x46, 0xE5)


def test_a_click_chooses_a_head_and_the_panels_show_its_weights(heads):
    view = synthetic.view(12)
    heads.show(view)
    np.testing.assert_allclose(heads.weights(), view.weights[0, 0], atol=1e-5)
    heads.click(heads.cell(2, 3))
    np.testing.assert_allclose(heads.weights(), view.weights[2, 3], atol=1e-5)
    assert heads.page.locator(".hv-head[aria-selected=true]").count() == 1
    _, label, figure = view.roles[2][3]
    assert heads.text(".hv-does") == f"≈{label}, {figure:.2f}"


def test_a_sentence_about_a_head_stands_beside_its_name(heads):
    said = "looks at the token before, and at nothing else that has ever been seen in this text"
    heads.show(synthetic.view(6, 1, 1, roles=[[("previous token", said, 0.93)]]))
    assert heads.text(".hv-does") == "←previous token, 0.93"
    assert heads.page.get_attribute(".hv-sentence", "title") == said
    assert heads.page.get_attribute(heads.cell(0, 0), "aria-label") == "Head 1.1: previous token, 0.93"
    button, title = (heads.page.locator(f".hv-titleline > {part}").bounding_box() for part in ("button", "h3"))
    assert abs(button["y"] - title["y"]) < 10
    assert button["x"] + button["width"] <= 900 + 9


def test_heads_are_combined_into_their_mean(heads):
    view = synthetic.view(12)
    heads.show(view)
    heads.click(heads.cell(1, 1), modifiers=["Shift"])
    heads.click(heads.cell(3, 0), modifiers=["Control"])
    mean = (view.weights[0, 0] + view.weights[1, 1] + view.weights[3, 0]) / 3
    np.testing.assert_allclose(heads.weights(), mean, atol=1e-5)
    assert heads.text(".hv-title") == "Mean of 3 heads: 1.1, 2.2, 4.1"
    heads.click(heads.cell(1, 1), modifiers=["Shift"])
    assert heads.text(".hv-title") == "Mean of 2 heads: 1.1, 4.1"
    heads.click(heads.cell(2, 2))
    assert heads.text(".hv-title") == "Head 3.3"
    heads.click("button:has-text('Combine')")
    heads.click(heads.cell(0, 1))
    assert heads.text(".hv-title") == "Mean of 2 heads: 3.3, 1.2"
    heads.click("button:has-text('Combine')")
    assert heads.text(".hv-title") == "Head 1.2"


@pytest.mark.parametrize("way", ["button:has-text('All of layer 3')", '.hv-layer[data-at="2,-1"]'])
def test_all_heads_of_a_layer_are_combined(heads, way):
    view = synthetic.view(12)
    heads.show(view)
    heads.click(heads.cell(2, 1))
    heads.click(way)
    np.testing.assert_allclose(heads.weights(), view.weights[2].mean(axis=0), atol=1e-5)
    assert heads.page.locator(".hv-head[aria-selected=true]").count() == 4


def test_arrow_keys_go_from_head_to_head_within_one_stop_of_the_tab_key(heads):
    heads.show(synthetic.view(8))
    assert heads.page.locator(".hv-grid [tabindex='0']").count() == 1
    heads.page.locator(heads.cell(0, 0)).focus()
    heads.press("ArrowRight", "ArrowDown", "ArrowDown")
    assert heads.text(".hv-title") == "Head 3.2"
    heads.press("ArrowLeft", "ArrowLeft")
    assert heads.text(".hv-title") == "Head 3.1", "a layer is chosen by Enter only"
    heads.press("Enter")
    assert heads.text(".hv-title") == "Mean of layer 3, 4 heads"
    heads.press("End", "ArrowRight", "ArrowDown")
    assert heads.text(".hv-title") == "Head 4.4"
    heads.do("v.setCombining(true)")
    heads.press("ArrowUp")
    assert heads.text(".hv-title") == "Head 4.4"
    heads.press(" ")
    assert heads.text(".hv-title") == "Mean of 2 heads: 4.4, 3.4"
    assert heads.page.locator(".hv-grid [tabindex='0']").count() == 1


# ---- Lines


def lit(heads: Heads, side: str) -> dict[int, float]:
    """The tokens with a number, and the number."""
    found = heads.page.locator(f".hv-{side} .hv-lit")
    return {int(node.get_attribute("data-k")): float(node.locator(".hv-value").inner_text()) for node in found.all()}


def test_a_token_under_the_pointer_has_only_its_lines_and_their_numbers(heads):
    view = synthetic.view(10)
    heads.show(view)
    everything = heads.ask("v.lines.count")
    heads.page.locator(TOKEN).nth(4).hover()
    heads.settle()
    row = view.weights[0, 0, 4]
    assert heads.ask("v.lines.count") == (row >= heads.ask("v.threshold")).sum() < everything
    numbers = lit(heads, "right")
    assert numbers[3] == pytest.approx(row[3], abs=0.0051)
    assert set(np.argsort(row)[-4:]) <= set(numbers)
    assert "looks most at" in heads.text(".hv-said")
    heads.page.locator(".hv-right .hv-token").nth(2).hover()
    heads.settle()
    assert lit(heads, "left")[3] == pytest.approx(view.weights[0, 0, 3, 2], abs=0.0051)
    assert "is looked at most by" in heads.text(".hv-said")
    heads.page.mouse.move(5, 5)
    heads.settle()
    assert heads.ask("v.lines.count") == everything
    assert not lit(heads, "left")


def test_a_click_keeps_a_token_and_keys_do_the_same(heads):
    heads.show(synthetic.view(10))
    heads.page.locator(TOKEN).nth(4).click()
    heads.page.mouse.move(5, 5)
    heads.settle()
    assert heads.page.get_attribute(f"{TOKEN}.hv-at", "data-k") == "4"
    heads.click(heads.cell(1, 1))
    assert heads.page.get_attribute(f"{TOKEN}.hv-at", "data-k") == "4", "whichever head is shown"
    heads.page.locator(TOKEN).nth(4).focus()
    heads.press("ArrowDown", "ArrowDown", "Enter", "Tab")
    assert heads.ask("v.pin") == {"side": "row", "index": 6}
    assert heads.page.evaluate("document.activeElement.closest('.hv-right') !== null"), (
        "one stop of the Tab key a column"
    )
    heads.press("Escape")
    heads.do("document.activeElement.blur()")
    assert heads.page.locator(".hv-at").count() == 0


def test_faint_lines_are_left_out_from_the_threshold_on(heads):
    view = synthetic.view(24)
    heads.show(view)
    for threshold in (0, 0.02, 0.1, 0.5):
        heads.do(f"v.slider.value = {threshold}; v.slider.dispatchEvent(new Event('input'))")
        near = np.abs(view.weights[0, 0] - threshold) < 1e-4
        assert abs(heads.ask("v.lines.count") - (view.weights[0, 0] >= threshold).sum()) <= near.sum()
    heads.show(synthetic.view(24, 1, 1, weights=np.full((1, 1, 24, 24), 1 / 24, np.float32)))
    assert heads.text(".hv-foot .hv-count") == "none is as large"


def test_a_line_goes_from_its_row_to_its_column_and_is_stronger_the_larger_its_weight(heads):
    told = np.zeros((1, 1, 4, 4), np.float32)
    told[0, 0, 0, 3], told[0, 0, 2, 2] = 0.9, 0.25
    heads.show(View("a", "A", list("abcd"), list("efgh"), told))

    def alpha(x: str, token: float) -> int:
        y = f"(({token} + 0.5) * v.lines.line)"
        return int(heads.ask(f"v.lines.canvas.getContext('2d').getImageData({x}, {y}, 1, 1).data[3]"))

    end = "v.lines.canvas.width - 3"
    assert alpha("2", 0) > 200
    assert alpha(end, 3) > 200
    assert 60 < alpha("2", 2) < 150
    assert alpha("2", 1) == alpha("2", 3) == alpha(end, 0) == 0


# ---- The matrix


@pytest.mark.parametrize(
    ("count", "screen", "width"), [(6, (1280, 720), 889), (24, (1280, 720), 889), (24, (1440, 900), 1049)]
)
def test_up_to_24_tokens_are_seen_whole_with_their_numbers(open_page, count, screen, width):
    heads = open_page(screen, width=width)
    heads.show(synthetic.view(count))
    area = heads.ask(
        "[v.matrixArea.scrollWidth - v.matrixArea.clientWidth, v.matrixArea.scrollHeight - v.matrixArea.clientHeight]"
    )
    assert area == [0, 0]
    assert heads.ask("v.matrix.numbered")
    assert heads.page.locator(".hv").bounding_box()["height"] <= 600
    assert heads.ask("document.documentElement.scrollWidth") <= screen[0]


def test_cells_have_the_tone_of_their_weight_and_numbers_can_be_read_on_it(heads):
    heads.show(synthetic.view(8))
    tones, inks = heads.ask("v.ramp.tones"), heads.ask("v.ramp.inks")

    def luminance(colour: str) -> float:
        levels = [int(x) / 255 for x in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in levels]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    shades = [luminance(tone) for tone in tones]
    assert all(a >= b - 1e-3 for a, b in itertools.pairwise(shades)), "darker the more"
    for shade, ink in zip(shades, inks, strict=True):
        other = 0.0 if ink == "#000" else 1.0
        assert (max(shade, other) + 0.05) / (min(shade, other) + 0.05) >= 4.5
    x, y = heads.ask("[v.matrix.places.left + 2, v.matrix.places.top + v.matrix.places.high + 2]")
    seen = heads.ask(f"Array.from(v.matrix.canvas.getContext('2d').getImageData({x}, {y}, 1, 1).data).slice(0, 3)")
    level = heads.ask("HeadWeights.level(v.shown.weights[8])")
    assert "rgb(" + ",".join(map(str, seen)) + ")" == tones[level]


def test_a_cell_under_the_pointer_is_said_and_its_row_is_lit_without_drawing_the_matrix_anew(heads):
    view = synthetic.view(128)
    heads.show(view)
    before = heads.draws()
    x, y = heads.ask("(({left, top, wide, high}) => [left + 5.5 * wide, top + 9.5 * high])(v.matrix.places)")
    heads.page.hover(".hv-cells", position={"x": x, "y": y})
    heads.settle()
    assert f"{view.weights[0, 0, 9, 5]:.3f}" in heads.text(".hv-matrix .hv-tip")
    assert heads.page.get_attribute(f"{TOKEN}.hv-at", "data-k") == "9"
    assert heads.draws()["matrix"] == before["matrix"]
    heads.do("v.matrixArea.scrollTo(400, 600)")
    heads.page.hover(".hv-cells", position={"x": x + 1, "y": y})
    heads.settle()
    i, k = heads.ask("[v.matrix.cell.i, v.matrix.cell.k]")
    wide, high = heads.ask("[v.matrix.places.wide, v.matrix.places.high]")
    assert (i, k) == (int(9.5 + 600 / high), int(5.5 + 401 / wide))
    assert f"{view.weights[0, 0, i, k]:.3f}" in heads.text(".hv-matrix .hv-tip")


def test_the_keyboard_goes_through_the_matrix_and_brings_it_into_sight(heads):
    view = synthetic.view(64)
    heads.show(view)
    heads.page.locator(".hv-cells").focus()
    heads.press("ArrowDown")
    for _ in range(50):
        heads.page.keyboard.press("ArrowRight")
    heads.settle()
    assert f"{view.weights[0, 0, 0, 50]:.3f}" in heads.text(".hv-said")
    assert heads.ask("v.matrixArea.scrollLeft") > 0
    assert heads.page.is_visible(".hv-matrix .hv-tip")


def test_lines_and_matrix_stand_on_the_same_heights_where_both_are_seen_whole(heads):
    heads.show(synthetic.view(12))
    for i in (0, 5, 11):
        token = heads.page.locator(TOKEN).nth(i).bounding_box()
        middle = heads.ask(
            f"v.matrix.canvas.getBoundingClientRect().top + v.matrix.places.top + {i + 0.5} * v.matrix.places.high"
        )
        assert token["y"] + token["height"] / 2 == pytest.approx(middle, abs=1)


def test_a_panel_can_have_the_whole_width(heads):
    heads.show(synthetic.view(24))
    narrow = heads.ask("v.matrix.places.wide")
    heads.click(".hv-panel >> nth=1 >> button:has-text('Widen')")
    assert heads.ask("v.matrix.places.wide") > narrow
    assert not heads.page.is_visible(".hv-lines")
    heads.click("button:has-text('Narrow')")
    heads.click(".hv-panel >> nth=0 >> button:has-text('Widen')")
    assert not heads.page.is_visible(".hv-matrix")
    assert heads.ask("v.lines.canvas.clientWidth") > 300


# ---- Special tokens and rollout


def test_hidden_special_tokens_leave_rows_that_sum_to_1_and_it_is_said(heads):
    view = synthetic.view(10)
    heads.show(view)
    heads.page.check("text=Hide special tokens")
    heads.settle()
    left = view.weights[0, 0, 1:-1, 1:-1]
    np.testing.assert_allclose(heads.weights(), left / left.sum(axis=1, keepdims=True), atol=1e-4)
    assert "Special tokens hidden, rows rescaled" in heads.text(".hv-note")
    assert heads.page.locator(TOKEN).count() == 8
    assert "[CLS]" not in heads.text(".hv-left")
    heads.page.uncheck("text=Hide special tokens")
    heads.settle()
    assert heads.text(".hv-note") == ""
    np.testing.assert_allclose(heads.weights(), view.weights[0, 0], atol=1e-5)


def test_a_row_with_nothing_left_stays_empty_and_it_is_said(heads):
    told = np.zeros((1, 1, 3, 3), np.float32)
    told[0, 0, :, 0] = 1
    heads.show(View("a", "A", ["[CLS]", "b", "c"], ["[CLS]", "b", "c"], told, special_rows=[0], special_columns=[0]))
    heads.page.check("text=Hide special tokens")
    heads.settle()
    assert not heads.weights().any()
    assert "2 had nothing left" in heads.text(".hv-note")


def test_all_tokens_special_is_no_error(heads):
    heads.show(synthetic.view(given=["[CLS]", "[SEP]"]))
    heads.page.check("text=Hide special tokens")
    heads.settle()
    assert heads.weights().size == 0
    heads.page.hover(".hv-matrix")
    for name in ("SVG", "PNG"):
        assert heads.download(name).stat().st_size > 0


def test_rollout_is_shown_up_to_a_layer_and_a_head_leaves_it(heads):
    view = synthetic.view(10)
    heads.show(view)
    heads.page.check("text=Rollout to layer")
    heads.settle()
    np.testing.assert_allclose(heads.weights(), view.rollout[3], atol=1e-4)
    heads.page.select_option(".hv-select", label="2")
    heads.settle()
    np.testing.assert_allclose(heads.weights(), view.rollout[1], atol=1e-4)
    assert heads.text(".hv-title") == "Attention rollout up to layer 2"
    assert not heads.page.is_visible("button:has-text('Silence')")
    heads.click(heads.cell(1, 2))
    np.testing.assert_allclose(heads.weights(), view.weights[1, 2], atol=1e-5)
    assert not heads.page.is_checked(".hv-roll input")


# ---- Several views


def test_each_view_has_its_tokens_its_weights_and_its_switches(heads):
    views = synthetic.three_views(12)
    heads.show(*views)
    for k, view in enumerate(views):
        heads.click(f".hv-bar .hv-group button:has-text('{view.label}')")
        np.testing.assert_allclose(heads.weights(), view.weights[0, 0], atol=1e-5)
        assert heads.page.locator(".hv-right .hv-token").count() == len(view.columns)
        assert heads.page.is_visible("text=Rollout to layer") == (view.rollout is not None)
        pressed = [b.get_attribute("aria-pressed") for b in heads.page.locator(".hv-bar .hv-group button").all()]
        assert pressed == ["true" if i == k else "false" for i in range(3)]
    assert heads.text(f"{TOKEN} >> nth=3") == "querte"
    assert heads.page.get_attribute(f"{TOKEN} >> nth=0", "title").startswith("▁das")


def test_a_new_value_keeps_the_view_the_head_and_for_the_same_text_the_token(heads):
    heads.show(*synthetic.three_views(12), id="one")
    heads.do("v.select(2); v.chooseHead([1, 2], false); v.setPin({ side: 'row', at: 3 }); v.setThreshold(0.1)")
    heads.show(*synthetic.three_views(12), id="one")
    assert (heads.ask("v.view.name"), heads.ask("v.chosen"), heads.ask("v.pin.index")) == ("cross", [[1, 2]], 3)
    assert heads.ask("v.threshold") == 0.1
    heads.show(*synthetic.three_views(9), id="two")
    assert (heads.ask("v.view.name"), heads.ask("v.chosen"), heads.ask("v.pin")) == ("cross", [[1, 2]], None)
    heads.show(synthetic.view(5, 1, 1), id="three")
    assert (heads.ask("v.view.name"), heads.ask("v.chosen")) == ("encoder self", [[0, 0]])


# ---- Silencing


def test_a_silenced_head_is_told_marked_and_can_be_heard_again(heads):
    heads.show(*synthetic.three_views(8))
    heads.click(heads.cell(1, 2))
    heads.click("button:has-text('Silence this head')")
    heads.click(".hv-bar button:has-text('Cross')")
    heads.click(heads.cell(0, 0))
    heads.click(heads.cell(0, 1), modifiers=["Shift"])
    heads.click("button:has-text('Silence these 2 heads')")
    expected = [["encoder self", 1, 2], ["cross", 0, 0], ["cross", 0, 1]]
    assert heads.ask("asked") == [{"silenced": expected[:1]}, {"silenced": expected}]
    assert str(heads.page.get_attribute(heads.cell(0, 1), "aria-label")).endswith(", silenced")
    assert heads.page.locator(".hv-quiet").count() == 2
    assert "Encoder 2.3, Cross 1.1, Cross 1.2" in heads.text(".hv-quietlist")
    heads.show(*synthetic.three_views(8))
    assert heads.page.locator(".hv-quiet").count() == 2, "a value that says nothing leaves them"
    heads.click("button:has-text('Hear these heads again')")
    assert heads.ask("asked.at(-1)") == {"silenced": expected[:1]}
    heads.click("button:has-text('Hear all again')")
    assert heads.ask("asked.at(-1)") == {"silenced": []}
    assert not heads.page.is_visible(".hv-quietlist")


def test_the_servers_list_of_silenced_heads_counts(heads):
    heads.show(synthetic.view(8), silenced=[("encoder self", 3, 3), ("encoder self", 99, 0), ("other", 0, 0)])
    assert heads.page.locator(".hv-quiet").count() == 1
    assert heads.ask("v.silencedList()") == [["encoder self", 3, 3]]
    heads.show(synthetic.view(8), silenced=[])
    assert heads.page.locator(".hv-quiet").count() == 0


# ---- Pictures


def brightness(heads: Heads, patch: int) -> float:
    """Of the middle of a patch, against the picture without anything over it."""
    row, column = divmod(patch, 7)
    script = """(() => {
      const { cell } = v.patches.measure(), place = v.patches.place, pen = v.patches.canvas.getContext("2d");
      const read = () => {
        const [red, green, blue] = pen.getImageData((COLUMN + 0.5) * cell, (ROW + 0.5) * cell, 1, 1).data;
        return red + green + blue;
      };
      const now = read();
      v.patches.place = null; v.patches.draw();
      const bare = read();
      v.patches.place = place; v.patches.draw();
      return now / bare;
    })()"""
    return float(heads.ask(script.replace("COLUMN", str(column)).replace("ROW", str(row))))


def test_a_click_on_a_patch_shows_what_it_looks_at(heads):
    view = synthetic.patches()
    heads.show(view)
    heads.page.wait_for_function("() => v.patches.image.complete")
    assert heads.page.get_attribute(".hv-specials button", "aria-pressed") == "true", "the class token comes first"
    heads.click(heads.cell(0, 1))
    cell = heads.ask("v.patches.measure().cell")
    heads.page.click(".hv-stage canvas", position={"x": 4.5 * cell, "y": 2.5 * cell})
    heads.settle()
    chosen = 1 + 2 * 7 + 4
    assert heads.ask("v.pin") == {"side": "row", "index": chosen}
    row = view.weights[0, 1, chosen, 1:]
    for patch in (18, 19, 11, 0, 48):
        expected = 1 - 0.75 * (1 - np.sqrt(row[patch] / row.max()))
        assert brightness(heads, patch) == pytest.approx(expected, abs=0.03), patch
    assert heads.text(".hv-specials .hv-value") == f"{view.weights[0, 1, chosen, 0]:.2f}"
    heads.click("button:has-text('is looked at by')")
    column = view.weights[0, 1, 1:, chosen]
    assert brightness(heads, 20) == pytest.approx(1 - 0.75 * (1 - np.sqrt(column[20] / column.max())), abs=0.03)
    heads.click(".hv-specials button")
    assert heads.ask("v.pin.index") == 0


def test_patches_are_reached_by_arrow_keys_and_lines_are_there_too(heads):
    heads.show(synthetic.patches())
    heads.page.locator(".hv-stage canvas").focus()
    heads.press("ArrowRight", "ArrowRight", "ArrowUp")
    assert heads.ask("v.pin.index") == 1 + 2 * 7 + 4
    heads.page.check("text=Hide special tokens")
    heads.settle()
    assert heads.page.locator(".hv-specials button").count() == 0
    heads.click(".hv-panel button:has-text('Lines')")
    assert heads.page.locator(TOKEN).count() == 49
    assert heads.page.is_visible(".hv-lines")


# ---- Taking it along


def drawing(path: Path) -> ElementTree.Element:
    return ElementTree.fromstring(path.read_text(encoding="utf-8"))


def test_a_saved_svg_has_every_line_every_token_and_every_number(heads):
    view = synthetic.view(10)
    heads.show(view)
    root = drawing(heads.download("SVG"))
    assert len(root.findall(f".//{SVG}path")) == heads.ask("v.lines.count")
    words = ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]
    assert words.count("animal") == 4
    assert words[0].startswith("Head 1.1: previous token, 0.")
    numbers = [word for word in words if word.startswith(".") or word == "1"]
    assert len(numbers) == (view.weights[0, 0] >= 0.005).sum()
    heads.page.check("text=Hide special tokens")
    heads.click(".hv-panel >> nth=1 >> button:has-text('Widen')")
    root = drawing(heads.download("SVG"))
    assert not root.findall(f".//{SVG}path"), "only what is shown"
    assert "rows rescaled" in "".join(root.itertext())


def test_a_saved_svg_of_a_picture_holds_it_and_asks_for_nothing(heads):
    heads.show(synthetic.patches())
    heads.page.wait_for_function("() => v.patches.image.complete")
    root = drawing(heads.download("SVG"))
    (image,) = root.findall(f".//{SVG}image")
    assert image.get("href").startswith("data:image/png;base64,")


@pytest.mark.parametrize("count", [6, pytest.param(128, marks=pytest.mark.slow)])
def test_a_saved_png_is_the_same_picture(heads, count):
    heads.show(synthetic.view(count))
    root = drawing(heads.download("SVG"))
    with Image.open(heads.download("PNG")) as image:
        assert image.width / image.height == pytest.approx(
            float(root.get("width")) / float(root.get("height")), rel=0.01
        )
        assert image.width >= 800
        colours = np.unique(np.asarray(image.convert("RGB").resize((400, 400))).reshape(-1, 3), axis=0)
        assert len(colours) > 30
        assert image.getpixel((0, 0))[:3] == (255, 255, 255)


@pytest.mark.parametrize("dark", [False, True])
def test_a_saved_page_stands_alone_as_it_was(open_page, tmp_path, dark):
    heads = open_page(dark=dark)
    heads.show(*synthetic.three_views(10), silenced=[("cross", 1, 1)])
    heads.do("v.select(2); v.chooseHead([2, 1], false); v.setPin({ side: 'row', at: 3 })")
    before = heads.weights()
    path = tmp_path / "saved.html"
    path.write_bytes(heads.download("HTML").read_bytes())
    heads.requests.clear()
    heads.page.goto(path.as_uri())
    heads.page.wait_for_selector(".hv[data-drawn]")
    assert heads.requests == [path.as_uri()]
    heads.ask("(window.v = heads, 0)")
    np.testing.assert_array_equal(heads.weights(), before)
    assert heads.page.get_attribute(f"{TOKEN}.hv-at", "data-k") == "3"
    assert heads.page.locator(".hv-quiet").count() == 1
    assert not heads.page.is_visible("button:has-text('Silence')"), "there is no model in it"
    assert heads.page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(15, 23, 42)" if dark else "rgb(255, 255, 255)"
    )
    heads.click(heads.cell(0, 3))
    assert heads.text(".hv-title") == "Head 1.4"
    again = heads.download("HTML").read_text(encoding="utf-8")
    assert all(again.count(f'<script data-head-view="{name}">') == 1 for name in head_view.SCRIPTS)


STRANGE = [
    ATTACK,
    "</script><script>window.hacked=1</script>",
    "\u202eevil",
    "السلام",
    "▁שלום",
    "\U0001f469\u200d\U0001f467",
    "x" * 300,
    "Ġ",
    "Ċ",
    "",
    "##ing",
    "##",
    "]]>",
    "\x00\x07",
    "\ud800",
    "&amp;",
    "${1}",
    "`",
    "cat</w>",
]


def test_tokens_are_text_wherever_they_are_shown_and_saved(heads, tmp_path):
    named = {"name": ATTACK, "label": ATTACK, "roles": [[(ATTACK, ATTACK, 0.5)] * 2] * 2}
    heads.show(synthetic.view(given=STRANGE, layers=2, heads=2, **named), synthetic.view(6, name="b"), empty=ATTACK)
    shown = [node.inner_text() for node in heads.page.locator(f"{TOKEN} bdi").all()]
    assert shown[0] == ATTACK
    assert [shown[k] for k in (4, 7, 8, 9, 10, 11, 18)] == ["שלום", "␣", "⏎", "∅", "ing", "##", "cat"]
    assert heads.page.get_attribute(f"{TOKEN} >> nth=10", "title") == "##ing · token 11"
    heads.page.locator(TOKEN).nth(1).hover()
    heads.page.hover(".hv-cells", position={"x": 150, "y": 200})
    heads.settle()
    assert heads.page.locator("img, .hv script").count() == 0
    root = drawing(heads.download("SVG"))
    assert {node.tag for node in root.iter()} <= {SVG + tag for tag in ("svg", "title", "rect", "g", "path", "text")}
    heads.download("PNG")
    path = tmp_path / "saved.html"
    path.write_bytes(heads.download("HTML").read_bytes())
    heads.page.goto(path.as_uri())
    heads.page.wait_for_selector(".hv[data-drawn]")
    assert heads.ask("window.hacked ?? null") is None
    assert heads.page.locator("img").count() == 0
    assert heads.page.locator(f"{TOKEN} bdi").nth(1).inner_text() == STRANGE[1]


@pytest.mark.parametrize("width", [889, 640, 380])
def test_tokens_of_any_script_and_length_break_no_layout(open_page, width):
    heads = open_page((width + 24, 720), width=width)
    heads.show(synthetic.view(given=[*STRANGE, "وقال الرجل الطويل جدا"]))
    assert heads.ask("document.documentElement.scrollWidth") <= width + 24
    script = """[...document.querySelectorAll(".hv-token bdi")].filter((node) => {
      const token = node.parentNode.getBoundingClientRect(), text = node.getBoundingClientRect();
      return text.left < token.left - 1 || text.right > token.right + 1 || text.bottom > token.bottom + 2;
    }).length"""
    assert heads.ask(script) == 0
    heads.page.locator(TOKEN).nth(3).hover()
    heads.settle()
    assert heads.ask("document.documentElement.scrollWidth") <= width + 24


# ---- Pace, looks, access


@pytest.mark.slow
def test_128_tokens_are_painted_soon_after_their_value_came(open_page):
    value = pack_heads([synthetic.view(128)])
    script = (
        "(value) => new Promise((done) => { const began = performance.now(); v.show(JSON.parse(value));"
        " requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began))); })"
    )
    times = [open_page().page.evaluate(script, value) / 1000 for _ in range(4)]
    print(f"128 tokens, 4 x 4 heads, in a fresh page: painted after {[round(t, 3) for t in times]} s")
    assert min(times) <= SECONDS


@pytest.mark.slow
def test_twelve_layers_of_twelve_heads_with_64_tokens_answer_at_once(heads):
    heads.show(synthetic.view(64, 12, 12))
    script = (
        "new Promise((done) => { const began = performance.now(); v.chooseHead([7, 7], false);"
        " requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began))); })"
    )
    seconds = min(heads.ask(script) for _ in range(3)) / 1000
    print(
        f"12 x 12 heads, 64 tokens: first painted {heads.ask('v.shownMs'):.0f} ms, another head {1000 * seconds:.0f} ms"
    )
    assert seconds <= 0.15


def test_only_what_changed_is_drawn_anew(heads):
    heads.show(synthetic.view(24))
    heads.do("v.setThreshold(0.04)")
    before = heads.draws()
    heads.do("v.setThreshold(0.2)")
    heads.do("v.setHover({ side: 'row', at: 2 })")
    after = heads.draws()
    assert after == {**before, "lines": before["lines"] + 2}
    heads.do("v.chooseHead([1, 1], false)")
    assert heads.draws() == {**after, "lines": after["lines"] + 1, "matrix": after["matrix"] + 1}


def test_a_view_that_was_hidden_is_drawn_when_it_is_seen(heads):
    heads.do("v.root.style.display = 'none'")
    heads.page.evaluate("(value) => v.show(JSON.parse(value))", pack_heads([synthetic.view(8)]))
    assert heads.ask("v.grid.drawn") == 0
    heads.ask("{ v.root.style.display = ''; }")
    wait_for(lambda: heads.ask("v.grid.drawn && v.matrix.drawn && v.lines.drawn"), "the drawing")
    assert heads.ask("v.matrix.places.wide") > 20


def test_another_theme_has_other_colours(heads):
    heads.show(synthetic.view(8))
    light = heads.ask("v.ramp.tones[255]")
    heads.do("document.body.classList.add('dark')")
    wait_for(lambda: heads.ask("v.ramp.tones[255]") != light, "the dark ramp")


def serious(heads: Heads) -> list[str]:
    found = Axe().run(heads.page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found if v["impact"] in ("serious", "critical")]


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(open_page, dark):
    heads = open_page(dark=dark)
    heads.show(*synthetic.three_views(14), silenced=[("encoder self", 1, 1)])
    assert serious(heads) == []
    heads.do("v.setPin({ side: 'row', at: 3 }); v.setCombining(true); v.chooseHead([1, 1], true)")
    assert serious(heads) == []
    heads.show(synthetic.patches())
    assert serious(heads) == []
    heads.show(synthetic.view(64, 12, 12))
    heads.page.check("text=Hide special tokens")
    assert serious(heads) == []


# ---- With Gradio


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, list[Any]]]:
    gr.set_static_paths([*head_view.SCRIPTS.values(), head_view.STYLE])
    view, told = synthetic.view(12), []

    def on_silence(event: gr.EventData) -> str:
        told.append(silenced_heads(event._data, {view.name: (4, 4)}))
        weights = view.weights.copy()
        weights[1:] = 1 / 12
        return pack_heads([View(**{**vars(view), "weights": weights})], silenced=told[-1])

    with gr.Blocks(analytics_enabled=False) as demo:
        area = head_view.head_view(pack_heads([view]), elem_id="heads")
        area.silence(on_silence, None, area, show_progress="hidden", api_name=False)
    options = {**shell.launch_options(), "head": head_view.head()}
    _, address, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **options)
    yield address, told
    demo.close()


def test_a_silenced_head_reaches_python_and_the_new_weights_are_shown(served, browser):
    address, told = served
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector("#heads .hv[data-drawn]")
    page.click("#heads .hv-head[data-at='0,2']")
    page.click("#heads button:has-text('Silence this head')")
    wait_for(lambda: told == [[("encoder self", 0, 2)]], "the event")
    weights = "document.querySelector('#heads .hv-root').heads.shown.weights[5]"
    page.click("#heads .hv-head[data-at='1,1']")
    wait_for(lambda: abs(page.evaluate(weights) - 1 / 12) < 1e-4, "the new weights")
    assert page.locator("#heads .hv-quiet").count() == 1
    assert "reads again" not in page.inner_text("#heads .hv-said")
    assert errors == []
    page.context.close()
