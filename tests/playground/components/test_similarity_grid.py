"""What the server tells the bench and the grid, read back as their scripts read it."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from backends.simclr import by_hand
from backends.simclr.by_hand import SimilarityError
from playground.components import similarity_grid
from playground.components.similarity_grid import pack_bench, pack_grid

SOURCES = {name: path.read_text(encoding="utf-8") for name, path in similarity_grid.SCRIPTS.items()}


def some_batch(views=8, side=32):
    random = np.random.default_rng(0)
    vectors = random.normal(size=(views, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return by_hand.cosines(vectors), random.integers(0, 256, (views, side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("temperature", [0.01, 0.5, 10])
def test_a_grid_carries_every_sum_of_by_hand(temperature):
    similarities, views = some_batch(24)
    packed = json.loads(pack_grid(similarities, views, temperature))
    for name, expected in [
        ("similarities", similarities),
        ("weights", by_hand.weights(similarities, temperature)),
        ("gradient", by_hand.gradient(similarities, temperature)),
        ("terms", by_hand.terms(similarities, temperature)),
        ("loss", by_hand.loss(similarities, temperature)),
    ]:
        np.testing.assert_allclose(packed[name], expected, rtol=1e-7, atol=1e-30, err_msg=name)
    assert packed["positives"] == [k ^ 1 for k in range(24)]
    assert [(name["index"], name["prime"]) for name in packed["names"][:3]] == [(1, False), (1, True), (2, False)]


def sheet_of(packed):
    kind, data = packed["sprite"].split(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_the_sprite_holds_the_thumbnails_side_by_side():
    similarities, views = some_batch()
    sheet = sheet_of(json.loads(pack_grid(similarities, views, 0.5)))
    np.testing.assert_array_equal(sheet, np.concatenate(list(views), axis=1))


def test_large_views_are_made_smaller():
    similarities, views = some_batch(4, side=200)
    side = sheet_of(json.loads(pack_grid(similarities, views, 0.5))).shape[0]
    assert similarity_grid.MAX_TILE // 2 <= side <= similarity_grid.MAX_TILE


def test_a_grid_and_the_bench_hold_every_field_that_their_scripts_read():
    similarities, views = some_batch()
    grid, bench = json.loads(pack_grid(similarities, views, 0.5)), json.loads(pack_bench())
    read = set(re.findall(r"this\.batch\.(\w+)|\bbatch\.(\w+)", SOURCES["grid"]))
    assert {a or b for a, b in read} <= set(grid)
    for fields in re.findall(r"const \{ ([^}]*) \} = this\.batch", SOURCES["grid"]):
        assert set(fields.split(", ")) <= set(grid)
    for fields in re.findall(r"const \{ ([^}]*) \} = this\.given", SOURCES["bench"]):
        assert set(fields.split(", ")) <= set(bench)
    for example in bench["examples"]:
        assert set(re.findall(r"\bexample\.(\w+)", SOURCES["bench"])) <= set(example)
    assert bench["temperatures"] == [by_hand.MIN_TEMPERATURE, by_hand.MAX_TEMPERATURE]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s, v: (np.full_like(s, np.nan), v, 0.5), "NaN"),
        (lambda s, v: (s, v, float("nan")), "temperature"),
        (lambda s, v: (s, v, 0), "temperature"),
        (lambda s, v: (s, v[:-1], 0.5), "picture"),
        (lambda s, v: (s, v.astype(float), 0.5), "uint8"),
        (lambda s, v: (s, v[..., :1], 0.5), "RGB"),
        (lambda s, v: (s, v[:, :, :9], 0.5), "square"),
        (lambda s, v: (s, v[:, 0], 0.5), "square"),
        (lambda s, v: (np.eye(26), np.zeros((26, 4, 4, 3), np.uint8), 0.5), "12 pictures"),
    ],
)
def test_what_can_not_be_shown_is_refused_with_a_sentence(change, said):
    with pytest.raises(SimilarityError, match=said):
        pack_grid(*change(*some_batch()))


def test_a_full_grid_is_a_small_message():
    similarities, _ = some_batch(24)
    assert len(pack_grid(similarities, np.zeros((24, 32, 32, 3), np.uint8), 0.5)) < 60_000


def test_the_head_loads_the_scripts_from_this_server_in_order():
    head = similarity_grid.head()
    places = [head.index(f"/{name}.js") for name in ("nt_xent", "term", "bench", "grid")]
    assert places == sorted(places)
    assert head.count(" defer>") == 4
    assert "//" not in head.replace("</script>", "")


def test_the_scripts_write_no_markup_and_ask_for_nothing_from_elsewhere():
    for name, text in SOURCES.items():
        assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|fetch\(", text) == [], name
        assert [url for url in re.findall(r"https?://[^\"'`\s]+", text) if "www.w3.org" not in url] == [], name
