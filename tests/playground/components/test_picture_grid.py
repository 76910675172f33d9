"""What the server tells a grid of pictures, and what it believes of what the page says."""

from __future__ import annotations

import base64
import io
import json
import math
import re

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from playground.components import picture_grid as component
from playground.components.picture_grid import (
    MAX_NAME_CHARACTERS,
    MAX_PICTURES,
    SHARP_TILE,
    TILE,
    is_back,
    pack_pictures,
    picked_index,
    picture_grid,
    tile_for,
)

EVIL = "<img src=x onerror=alert(1)>"


def plain(count, side=16):
    """Pictures that are each of one colour: a level of grey."""
    levels = np.linspace(0, 255, max(1, count))[:count].astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (count, side, side, 3)).copy()


def sheet_of(packed):
    kind, data = packed["sprite"]["src"].split(",", 1)
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


@pytest.mark.parametrize("count", [1, 9, 10, 23])
def test_each_picture_lies_in_its_own_cell_of_the_sheet(count):
    images = plain(count)
    packed = json.loads(pack_pictures(images, [str(i) for i in range(count)]))
    sheet, tile, columns = sheet_of(packed), packed["sprite"]["tile"], packed["sprite"]["columns"]
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        cell = sheet[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile]
        assert np.abs(cell.astype(int) - image).max() <= 6, i


def test_the_value_has_every_field_that_the_page_reads():
    packed = json.loads(pack_pictures(plain(2), ["a", "b"], ["x", "y"], 1, grid_id="g"))
    script = component.SCRIPTS["grid"].read_text(encoding="utf-8")
    read = set(re.findall(r"(?:this\.shown|given)\??\.(\w+)", script))
    assert read == set(packed), "read in the page, packed here"
    assert (packed["id"], packed["names"], packed["captions"], packed["chosen"]) == ("g", ["a", "b"], ["x", "y"], 1)


@pytest.mark.parametrize(("chosen", "marked"), [(None, None), (0, 0), (2, 2), (3, None), (-1, None), (np.int64(1), 1)])
def test_only_a_picture_that_is_there_can_be_marked(chosen, marked):
    assert json.loads(pack_pictures(plain(3), "abc", None, chosen))["chosen"] == marked


def test_no_pictures_say_so():
    packed = json.loads(pack_pictures(plain(0), [], empty="Nothing matches."))
    assert (packed["sprite"], packed["names"], packed["empty"]) == (None, [], "Nothing matches.")


def test_names_travel_as_they_are_and_long_ones_are_cut():
    packed = json.loads(pack_pictures(plain(2), [EVIL, "x" * 10_000], [EVIL, "y" * 10_000]))
    assert "<" not in pack_pictures(plain(1), [EVIL], [EVIL], grid_id="<", empty=EVIL)
    for texts in (packed["names"], packed["captions"]):
        assert texts[0] == EVIL
        assert len(texts[1]) == MAX_NAME_CHARACTERS
        assert texts[1].endswith("…")


@pytest.mark.parametrize(
    ("images", "names", "options"),
    [
        (plain(2), ["a"], {}),
        (plain(2), ["a", "b"], {"captions": ["x"]}),
        (plain(2).astype(np.float32), ["a", "b"], {}),
        (plain(2)[..., :1], ["a", "b"], {}),
        (plain(2)[:, :8], ["a", "b"], {}),
        (plain(MAX_PICTURES + 1, 1), ["a"] * (MAX_PICTURES + 1), {}),
        (plain(1), ["a"], {"grid_id": "x" * 65}),
    ],
    ids=["names", "captions", "floats", "one channel", "oblong", "too many", "long id"],
)
def test_what_is_no_set_of_pictures_is_refused(images, names, options):
    with pytest.raises(ValueError, match=r"picture|Picture"):
        pack_pictures(images, names, **options)


@pytest.mark.parametrize("index", [0, 4])
def test_a_pick_of_a_shown_picture_is_believed(index):
    assert picked_index({"index": index, "id": "g"}, "g", 5) == index


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "0",
        0,
        {},
        {"index": 0},
        {"id": "g"},
        *({"index": index, "id": "g"} for index in (-1, 5, 10**30, 1.0, math.nan, "1", True, None, [1], {"a": 1})),
        {"index": 0, "id": "another grid"},
        {"index": 0, "id": ["g"]},
    ],
    ids=repr,
)
def test_a_pick_of_anything_else_is_not(data):
    assert picked_index(data, "g", 5) is None


@pytest.mark.parametrize(
    ("data", "tile"),
    [
        ({"ratio": 1}, TILE),
        ({"ratio": 1.25}, TILE),
        ({"ratio": 2}, SHARP_TILE),
        ({"ratio": 3}, SHARP_TILE),
        ({"ratio": 10**400}, TILE),
        ({"ratio": -2}, TILE),
        ({"ratio": 0}, TILE),
        *(({"ratio": ratio}, TILE) for ratio in (math.nan, math.inf, "2", None, True, [2])),
        (None, TILE),
        ("2", TILE),
        ({}, TILE),
    ],
    ids=repr,
)
def test_tiles_have_one_of_two_sizes_whatever_the_page_says_of_its_screen(data, tile):
    assert tile_for(data) == tile


@pytest.mark.parametrize(
    ("data", "back"),
    [
        ({"ratio": 1, "back": True}, True),
        ({"ratio": 1, "back": False}, False),
        *((data, False) for data in ({}, {"back": 1}, {"back": "true"}, {"back": [True]}, None, True, EVIL)),
    ],
    ids=repr,
)
def test_only_a_page_that_says_so_in_full_is_back(data, back):
    assert is_back(data) is back


def test_the_label_can_not_leave_its_attribute():
    with gr.Blocks():
        grid = picture_grid('"><script>', "g")
    assert "<script>" not in grid.html_template
    assert "data-label=" in grid.html_template


def test_the_component_has_both_events_and_is_no_subclass():
    with gr.Blocks():
        grid = picture_grid("Pictures", "g")
        assert type(grid) is gr.HTML
        for event in (grid.pick, grid.open):
            event(lambda: None, None, None)


def test_the_head_loads_from_this_server_only():
    head = component.head()
    assert "grid.js" in head
    assert "grid.css" in head
    assert "//" not in head.replace("</script>", "")


def test_the_script_never_writes_text_as_markup_and_asks_for_nothing():
    text = component.SCRIPTS["grid"].read_text(encoding="utf-8") + component.STYLE.read_text(encoding="utf-8")
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|https?://|url\(|fetch", text) == []
    )
