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
    assert head.count(" defer>") == 2


def test_the_scripts_never_write_names_as_markup_and_ask_for_nothing_from_elsewhere():
    for path in explorer.SCRIPTS.values():
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"innerHTML = (?!\"\")|outerHTML|insertAdjacentHTML|document\.write|eval\(", text) == []
        assert [url for url in re.findall(r"https?://[^\"'`\s]+", text) if "www.w3.org" not in url] == []
