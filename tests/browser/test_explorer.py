"""The embedding explorer alone in a page of files: the map of a visitor's words."""

from __future__ import annotations

import colorsys
import itertools
import json
import struct
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from playground.components.embedding_explorer import (
    colour_of_groups,
    colour_of_values,
    pack_marks,
    pack_points,
)
from tests.browser import explorer_page
from tests.browser.conftest import wait_for
from tests.browser.explorer_page import (
    HEIGHT,
    SVG,
    Alone,
    cloud,
    frame,
    items,
    names,
)
from tests.browser.test_word2vec import ATTACK

pytestmark = pytest.mark.browser


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


def test_the_slider_shows_each_state_and_keeps_the_camera(alone):
    shown = show_history(alone, 30)
    assert alone.page.get_attribute(".ex-slider", "max") == "29"
    alone.ask("(e.zoom(2), 0)")
    camera = alone.ask("[...e.camera.centre, e.camera.scale]")
    for at in (0, 12, 29):
        alone.slide(at)
        np.testing.assert_allclose(np.array(alone.ask("Array.from(e.flat)")).reshape(-1, 2), shown[at], atol=1e-3)
        assert alone.page.inner_text(".ex-when").startswith(f"{at} steps")
        assert alone.page.get_attribute(".ex-slider", "aria-valuetext") == f"{at} steps"
        assert alone.ask("[...e.camera.centre, e.camera.scale]") == camera
    assert "now:" not in alone.page.inner_text(".ex-when")


def test_frames_that_arrive_while_the_slider_is_back_do_not_move_the_map(alone):
    shown = show_history(alone, 10)
    alone.slide(3)
    alone.show(cloud(40, seed=7), step=10)
    np.testing.assert_allclose(np.array(alone.ask("Array.from(e.flat)")).reshape(-1, 2), shown[3], atol=1e-3)
    assert "now: 10 steps" in alone.page.inner_text(".ex-when")
    alone.slide(10)
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
    alone.slide(3)
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
