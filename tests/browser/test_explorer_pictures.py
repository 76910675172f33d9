"""The embedding explorer alone in a page of files: maps of pictures, with their factors and with guests."""

from __future__ import annotations

import colorsys
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from playground.components.embedding_explorer import (
    guest,
    pack_marks,
)
from playground.components.sprites import data_url
from tests.browser.conftest import wait_for
from tests.browser.explorer_page import (
    COLOURS,
    SHAPES,
    SVG,
    Alone,
    cloud,
    frame,
    names,
    picture_items,
    squares,
)
from tests.browser.test_word2vec import ATTACK

pytestmark = pytest.mark.browser

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
    alone.slide(0)
    assert alone.ask("[e.guestsShown().length, e.guestPlaces]") == [0, None]
    alone.slide(1)
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
