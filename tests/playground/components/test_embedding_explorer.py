"""What the server tells the map in the page, read back as `explorer.js` reads it."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest

from backends.analysis.map_config import MapConfig
from playground.components import embedding_explorer as explorer
from playground.components.embedding_explorer import pack_frame, pack_items, pack_marks, pack_points

EVIL = "<img src=x onerror=alert(1)>"
JS = explorer.SCRIPTS["explorer"].read_text(encoding="utf-8")


def unpacked(packed):
    """The places, worked out as `unpack` does it in the page."""
    shares = np.frombuffer(base64.b64decode(packed["q"]), "<u2").reshape(-1, packed["dims"])
    low, high = np.array(packed["low"]), np.array(packed["high"])
    return low + shares * (high - low) / 65535


def frame(points, **changes):
    given = {
        "frame_id": "f1",
        "run": "r",
        "map_id": "m",
        "items_id": "i",
        "step": 3,
        "label": "3 words read",
        "title": "Map",
        "settings": MapConfig().model_dump(),
    }
    return json.loads(pack_frame(points, **{**given, **changes}))


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("count", [1, 2, 1000])
def test_places_come_back_within_a_65535th_of_their_box(count, dimensions):
    points = np.random.default_rng(0).normal(7, [3, 0.01, 40][:dimensions], (count, dimensions)).astype(np.float32)
    box = points.max(axis=0) - points.min(axis=0)
    assert np.all(np.abs(unpacked(pack_points(points)) - points) <= box / 65535 + 1e-6)


def test_the_ends_of_the_box_are_exact():
    points = np.array([[-1.5, 2], [4, 8], [0, 3]], np.float32)
    back = unpacked(pack_points(points))
    np.testing.assert_allclose([back.min(axis=0), back.max(axis=0)], [[-1.5, 2], [4, 8]])


def test_points_that_all_coincide_come_back_where_they_were():
    np.testing.assert_allclose(unpacked(pack_points(np.full((5, 3), 2.5, np.float32))), 2.5)


def test_no_points_are_packed_too():
    packed = pack_points(np.zeros((0, 2), np.float32))
    assert packed["q"] == ""
    json.dumps(packed, allow_nan=False)


def test_places_take_two_bytes_a_number():
    assert len(pack_points(np.zeros((3000, 2)))["q"]) == 3000 * 2 * 2 * 4 / 3


def test_a_frame_is_json_with_every_field_that_the_page_reads():
    packed = frame(np.eye(3, 2), history=[{**pack_points(np.eye(3, 2)), "step": 1, "label": "1 word"}])
    assert set(re.findall(r"\bframe\.(\w+)", JS)) <= set(packed)
    assert set(re.findall(r"frame\.settings\.(\w+)", JS)) <= set(packed["settings"])
    assert packed["n"] == 3
    assert packed["history"][0]["step"] == 1


def test_a_frame_with_marks_is_json_whatever_number_types_come():
    colour = explorer.colour_of_values(np.array([0.5, 1.0], np.float32), "c")
    packed = frame(np.eye(2), near=np.array([1], np.int64), asked=0, colour=colour)
    assert (packed["asked"], packed["near"]) == (0, [1])
    marks = json.loads(pack_marks("r", None, np.array([1], np.int32)))
    assert marks == {"run": "r", "asked": None, "near": [1], "colour": None, "said": ""}


def test_items_carry_names_and_counts():
    packed = json.loads(pack_items("i", ["a", EVIL], counts=np.array([9, 2]).tolist(), noun="word"))
    assert packed == {"id": "i", "names": ["a", EVIL], "counts": [9, 2], "noun": "word"}
    assert "counts" not in json.loads(pack_items("i", ["a"]))


PICTURE = "data:image/webp;base64,AAAA"


def test_items_carry_groupings_and_a_sprite():
    shape = explorer.grouping("shape", "Shape", ["round", EVIL], np.array([0, 1, 1]))
    colour = explorer.grouping("colour", "Colour", ["red"], np.zeros(3, np.int64), colours=["#d92626"])
    sprite = {"src": PICTURE, "tile": np.int64(48), "columns": 2}
    packed = json.loads(pack_items("i", ["a", "b", "c"], groupings=[shape, colour], sprite=sprite))
    assert packed["sprite"] == {"src": PICTURE, "tile": 48, "columns": 2}
    assert [(g["name"], g["label"], g["classes"]) for g in packed["groupings"]] == [
        ("shape", "Shape", ["round", EVIL]),
        ("colour", "Colour", ["red"]),
    ]
    codes = base64.b64decode(packed["groupings"][0]["codes"])
    np.testing.assert_array_equal(np.frombuffer(codes, "<u2"), [0, 1, 1])
    assert "colours" not in packed["groupings"][0]
    assert packed["groupings"][1]["colours"] == ["#d92626"]


def test_more_than_256_classes_keep_their_codes():
    packed = explorer.grouping("folder", "Folder", [f"{i}" for i in range(700)], np.arange(700))
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(packed["codes"]), "<u2"), np.arange(700))


def test_long_names_of_classes_are_cut():
    packed = explorer.grouping("folder", "F" * 999, ["x" * 10_000], np.zeros(1, int))
    assert packed["classes"] == ["x" * explorer.MAX_ITEMS_CHARACTERS]
    assert len(packed["label"]) == explorer.MAX_ITEMS_CHARACTERS


@pytest.mark.parametrize("name", ["", "Shape", "a b", "a" * 41, EVIL, "shape\n", "é"])
def test_a_grouping_whose_colour_could_not_be_chosen_is_refused(name):
    with pytest.raises(ValueError, match="snake_case"):
        explorer.grouping(name, "Shape", ["round"], np.zeros(1, int))


@pytest.mark.parametrize("codes", [[-1], [2], [0, 70_000]])
def test_a_code_without_a_class_is_refused(codes):
    with pytest.raises(ValueError, match="2 classes"):
        explorer.grouping("shape", "Shape", ["round", "square"], np.array(codes))


@pytest.mark.parametrize("colours", [[], ["red"], ["#fff"], ["url(//x)"], ["#d92626;"], ["#d92626", "#d92626"]])
def test_a_swatch_that_is_no_colour_is_refused(colours):
    with pytest.raises(ValueError, match="needs a colour"):
        explorer.grouping("shape", "Shape", ["round"], np.zeros(1, int), colours=colours)


@pytest.mark.parametrize(
    "src",
    ["", "https://elsewhere/x.png", "//x", "javascript:alert(1)", "data:text/html;base64,AAAA", f'{PICTURE}"', EVIL],
)
def test_a_picture_that_is_no_data_url_is_refused(src):
    with pytest.raises(ValueError, match="data URL"):
        pack_items("i", ["a"], sprite={"src": src, "tile": 48, "columns": 1})
    with pytest.raises(ValueError, match="data URL"):
        explorer.guest(np.zeros(2), name="a", src=src)


@pytest.mark.parametrize("size", [0, -1, 10**9])
def test_a_sprite_without_cells_is_refused(size):
    for sizes in ({"tile": size, "columns": 1}, {"tile": 1, "columns": size}):
        with pytest.raises(ValueError, match="at least 1"):
            pack_items("i", ["a"], sprite={"src": PICTURE, **sizes})


def test_guests_are_packed_with_the_neighbours_that_are_on_the_map():
    guest = explorer.guest(np.array([0.5, 2], np.float32), name=EVIL, src=PICTURE, near=np.array([0, 1, 2, -1]))
    (packed,) = frame(np.eye(2), guests=[guest])["guests"]
    assert packed == {"x": 0.5, "y": 2, "name": EVIL, "src": PICTURE, "near": [0, 1]}
    assert frame(np.eye(2))["guests"] == []
    assert explorer.guest(np.zeros(3), name="a", src=PICTURE)["z"] == 0
    assert len(explorer.guest(np.zeros(2), name="x" * 999, src=PICTURE)["name"]) == explorer.MAX_ITEMS_CHARACTERS


def test_guests_that_do_not_fit_are_refused():
    guest = explorer.guest(np.zeros(2), name="a", src=PICTURE)
    with pytest.raises(ValueError, match="don't fit"):
        frame(np.eye(3), guests=[guest])
    with pytest.raises(ValueError, match="has room"):
        frame(np.eye(2), guests=[guest] * (explorer.MAX_GUESTS + 1))
    for place in (np.zeros(1), np.zeros(4), np.array([0, np.nan]), np.zeros((1, 2))):
        with pytest.raises(ValueError, match="two or three finite"):
            explorer.guest(place, name="a", src=PICTURE)


def test_long_names_are_cut():
    (name,) = json.loads(pack_items("i", ["x" * 10_000]))["names"]
    assert name == "x" * explorer.MAX_ITEMS_CHARACTERS


def codes(colour):
    return np.frombuffer(base64.b64decode(colour["codes"]), np.uint8)


def test_colours_of_values_rise_with_the_value_and_a_stray_one_does_not_flatten_them():
    values = np.append(np.linspace(0, 1, 1000), 1e6)
    colour = explorer.colour_of_values(values, "cosine with king")
    shown = codes(colour)
    assert np.all(np.diff(shown.astype(int)) >= 0)
    assert shown[:1000].max() - shown.min() > 250
    assert (colour["kind"], colour["label"]) == ("similarity", "cosine with king")
    assert 0 <= colour["low"] < colour["high"] < 2


@pytest.mark.parametrize("values", [np.zeros(0), np.full(4, 0.25)])
def test_colours_of_no_or_of_equal_values_are_still_json(values):
    colour = explorer.colour_of_values(values, "c")
    assert len(codes(colour)) == len(values)
    json.dumps(colour, allow_nan=False)


def test_colours_of_groups_are_the_groups():
    colour = explorer.colour_of_groups(np.array([0, 2, 1]), ["a", "b", EVIL])
    np.testing.assert_array_equal(codes(colour), [0, 2, 1])
    assert colour["names"] == ["a", "b", EVIL]
    assert colour["kind"] == "cluster"


def test_the_page_offers_only_settings_that_the_config_allows():
    """The choices stand in the script, so that the menu needs no answer of the server."""
    listed = re.search(r"const LAYOUT = (\[.*?\n\]);", JS, re.DOTALL)
    offered = json.loads(re.sub(r",\s*\]$", "]", listed[1]))
    assert {name for name, *_ in offered} | {"dimensions", "colour"} == set(MapConfig.model_fields)
    for name, _, choices in offered:
        for value, _ in choices:
            assert str(getattr(MapConfig.parse({name: value}), name)).removesuffix(".0") == value
    colours = json.loads(re.search(r"const COLOURS = (\[.*\]);", JS)[1])
    for value, _ in colours:
        MapConfig.parse({"colour": value})


def test_the_head_loads_the_scripts_from_this_server_in_order():
    head = explorer.head()
    assert head.index("paint.js") < head.index("explorer.js")
    assert "//" not in head.replace("</script>", "")
    assert head.index("pictures.js") < head.index("explorer.js")
    assert head.count(" defer>") == 3


def test_the_scripts_never_write_names_as_markup_and_ask_for_nothing_from_elsewhere():
    for path in explorer.SCRIPTS.values():
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"innerHTML = (?!\"\")|outerHTML|insertAdjacentHTML|document\.write|eval\(", text) == []
        assert [url for url in re.findall(r"https?://[^\"'`\s]+", text) if "www.w3.org" not in url] == []
