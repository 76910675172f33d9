"""What the server tells the heads in the page, read back as their scripts read it."""

from __future__ import annotations

import base64
import dataclasses
import json
import re

import numpy as np
import pytest

from playground.components import head_view
from playground.components.head_view import Picture, View, pack_heads, silenced_heads

EVIL = "<img src=x onerror=alert(1)></script>"
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in head_view.SCRIPTS.items()}
PIXEL = "data:image/png;base64,AAAA"


def weights(layers=2, heads=3, rows=4, columns=5):
    random = np.random.default_rng(0).random((layers, heads, rows, columns)).astype(np.float32)
    return random / random.sum(axis=-1, keepdims=True)


def view(**changes):
    given = {"name": "a", "label": "A", "rows": list("abcd"), "columns": list("vwxyz"), "weights": weights()}
    return View(**{**given, **changes})


def packed(*views, **options):
    return json.loads(pack_heads(views, **options))


def unpacked(text, *shape):
    """The weights, worked out as `unpack` does it in the page."""
    return np.frombuffer(base64.b64decode(text), "<u2").reshape(shape) / 65535


def test_weights_come_back_within_half_a_65535th_head_after_head():
    (one,) = packed(view(rollout=weights()[:, 0]))["views"]
    assert (one["layers"], one["heads"]) == (2, 3)
    np.testing.assert_allclose(unpacked(one["weights"], 2, 3, 4, 5), weights(), atol=0.51 / 65535)
    np.testing.assert_allclose(unpacked(one["rollout"], 2, 4, 5), weights()[:, 0], atol=0.51 / 65535)


def test_weights_that_are_no_contiguous_array_keep_their_order():
    turned = np.asfortranarray(weights()[:, ::-1])
    (one,) = packed(view(weights=turned))["views"]
    np.testing.assert_allclose(unpacked(one["weights"], 2, 3, 4, 5), turned, atol=0.51 / 65535)


def test_zero_and_one_are_exact_and_rounding_errors_are_cut():
    ends = np.zeros((1, 1, 1, 3), np.float32)
    ends[..., 1], ends[..., 2] = 1 + 1e-6, -1e-7
    (one,) = packed(view(weights=ends, rows=["a"], columns=list("xyz")))["views"]
    assert unpacked(one["weights"], 3).tolist() == [0, 1, 0]


def test_weights_take_two_bytes_a_number():
    told = [f"t{i}" for i in range(128)]
    big = np.full((4, 4, 128, 128), 1 / 128, np.float32)
    assert len(pack_heads([view(rows=told, columns=told, weights=big)])) < 1.02 * big.size * 2 * 4 / 3


def test_a_value_holds_no_tag_and_every_token_comes_back():
    told = [EVIL, "\u0120cat", "\u2581Kätzchen", "##ing\u2028&amp;\ud800"]
    roles = [[("r" + EVIL, EVIL, 0.5)] * 3, [None, None, None]]
    value = pack_heads([view(rows=told, name=EVIL, label=EVIL, roles=roles)], id=EVIL, empty=EVIL)
    assert not set(value) & set("<>&")
    back = json.loads(value)
    assert back["id"] == EVIL
    assert back["views"][0]["rows"] == told
    assert back["views"][0]["roles"][0][0] == ["r" + EVIL, EVIL, 0.5]
    assert back["views"][0]["roles"][1] == [None, None, None]


def test_long_tokens_are_cut():
    (one,) = packed(view(rows=["x" * 10_000, "b", "c", "d"]))["views"]
    assert len(one["rows"][0]) == head_view.MAX_CHARACTERS


def test_every_field_that_the_scripts_read_is_there():
    value = packed(view(roles=[[("a", "b", 1)] * 3] * 2))
    source = re.sub(r"(?m)^//.*$", "", SOURCES["heads"] + SOURCES["grid"])
    read = set(re.findall(r"(?:\bview|this\.view)\.(\w+)", source))
    assert read <= set(value["views"][0])
    assert set(re.findall(r"\bgiven\.(\w+)", source)) <= set(value)
    assert read >= {"weights", "rollout", "roles", "special_rows", "picture", "layers", "heads"}


def test_special_tokens_are_those_that_exist_each_once_in_order():
    (one,) = packed(view(special_rows=np.array([3, 0, 3, 99, -1]), special_columns=[4]))["views"]
    assert (one["special_rows"], one["special_columns"]) == ([0, 3], [4])


def test_a_picture_has_a_token_for_every_patch():
    told = [str(i) for i in range(7)]
    square = {"rows": told, "columns": told, "weights": weights(1, 1, 7, 7)}
    (one,) = packed(view(**square, picture=Picture(PIXEL, (2, 3), 1)))["views"]
    assert one["picture"] == {"src": PIXEL, "grid": [2, 3], "first": 1}
    for grid, first in (((2, 3), 0), ((2, 2), 1), ((0, 0), 7), ((-2, -3), 1), ((3, 3), -2)):
        with pytest.raises(ValueError, match="patches"):
            pack_heads([view(**square, picture=Picture(PIXEL, grid, first))])
    for src in ("https://elsewhere/x.png", "data:text/html;base64,AAAA", f'{PIXEL}"', "javascript:alert(1)", ""):
        with pytest.raises(ValueError, match="data URL"):
            pack_heads([view(**square, picture=Picture(src, (2, 3), 1))])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": list("abc")}, "3 rows"),
        ({"weights": weights()[0]}, "shape"),
        ({"weights": weights()[:, :0]}, "shape"),
        ({"rows": [], "weights": weights()[:, :, :0]}, "0 rows"),
        ({"weights": weights() * np.nan}, "between 0 and 1"),
        ({"weights": weights() + 1}, "between 0 and 1"),
        ({"weights": -weights()}, "between 0 and 1"),
        ({"rollout": weights()[:1, 0]}, "rollout"),
        ({"rollout": weights()[:, 0] * np.inf}, "between 0 and 1"),
        ({"roles": [[("a", "b", 1)] * 3]}, "role"),
        ({"roles": [[("a", "b", 1)] * 2] * 2}, "role"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(changes, said):
    with pytest.raises(ValueError, match=said):
        pack_heads([view(**changes)])


def test_too_much_is_refused_before_anything_is_packed():
    told = [f"t{i}" for i in range(257)]
    with pytest.raises(ValueError, match="256 tokens"):
        pack_heads([view(rows=told, weights=weights(1, 1, 257, 5))])
    told = told[:250]
    many = np.broadcast_to(np.float32(1 / 250), (10, 10, 250, 250))
    with pytest.raises(ValueError, match="6,250,000"):
        pack_heads([view(rows=told, columns=told, weights=many)])
    with pytest.raises(ValueError, match="names of their own"):
        pack_heads([view(), view()])
    with pytest.raises(ValueError, match="Up to 6"):
        pack_heads([view(name=str(i)) for i in range(7)])


def test_no_views_are_a_value_too():
    assert packed(empty="Nothing to read.") == {"id": "", "views": [], "silenced": None, "empty": "Nothing to read."}


def test_what_is_silenced_goes_there_and_comes_back():
    value = packed(view(), silenced=[("a", np.int64(1), np.int64(2))])
    assert value["silenced"] == [["a", 1, 2]]
    assert silenced_heads({"silenced": value["silenced"]}, {"a": (2, 3)}) == [("a", 1, 2)]
    assert packed(view(), silenced=[])["silenced"] == []


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "a",
        {},
        {"silenced": None},
        {"silenced": "aaa"},
        {"silenced": [["a", 0]]},
        {"silenced": [["b", 0, 0], ["a", 2, 0], ["a", 0, 3], ["a", -1, 0]]},
        {"silenced": [["a", 0.0, 0], ["a", True, 0], ["a", "0", 0], ["a", None, 0], [["a"], 0, 0], {"a": 1}]},
    ],
)
def test_a_silence_that_names_no_head_silences_none(data):
    assert silenced_heads(data, {"a": (2, 3)}) == []


def test_a_head_is_silenced_once_however_often_it_comes():
    data = {"silenced": [["a", 0, 1]] * 5000 + [["a", 1, 1]]}
    assert silenced_heads(data, {"a": (2, 3)}) == [("a", 0, 1)], "and what comes after the limit is not read"


def test_views_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        view().name = "b"


def test_the_head_loads_the_scripts_from_this_server_in_order():
    head = head_view.head()
    places = [head.index(f"/{name}.js") for name in head_view.SCRIPTS]
    assert places == sorted(places)
    assert head.count(" defer>") == len(head_view.SCRIPTS)
    assert "//" not in head.replace("</script>", "")


def test_the_scripts_write_no_markup_and_ask_for_nothing_from_elsewhere():
    for name, text in SOURCES.items():
        assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text) == [], name
        assert [url for url in re.findall(r"https?://[^\"'`\s]+", text) if "www.w3.org" not in url] == [], name
        assert "</script>" not in text, "a saved page would end there"
    assert sum(text.count("fetch(") for text in SOURCES.values()) == 1, "its own sources, for a page to be saved"
    assert re.findall(r"url\(|@import", head_view.STYLE.read_text(encoding="utf-8")) == []
