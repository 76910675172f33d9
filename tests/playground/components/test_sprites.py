"""Sheets of pictures: read back as a browser reads them."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from playground.components.embedding_explorer import pack_items
from playground.components.sprites import data_url, sprite_of

TILE = 48


def pictures(count: int, tile: int = TILE) -> np.ndarray:
    """Smooth pictures with a disc of some colour and a little noise, like rendered ones."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[0:tile, 0:tile] / tile - 0.5
    disc = (np.hypot(x, y) < 0.35)[None, :, :, None]
    middles = random.uniform(40, 215, (2, count, 1, 1, 3))
    made = np.where(disc, middles[0], middles[1]) + 60 * (x + y)[None, :, :, None]
    return np.clip(made + random.normal(0, 3, made.shape), 0, 255).astype(np.uint8)


def read(url: str) -> np.ndarray:
    kind, data = url.split(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (5, 2, 3), (6, 3, 2), (7, 7, 1), (10, None, 3)])
def test_picture_i_stands_in_cell_i(count, columns, rows):
    made = pictures(count)
    sprite = sprite_of(made, columns)
    sheet, columns = read(sprite["src"]), sprite["columns"]
    assert sheet.shape == (rows * TILE, columns * TILE, 3)
    assert sprite["tile"] == TILE
    for i in range(count):
        left, top = i % columns * TILE, i // columns * TILE
        cell = sheet[top : top + TILE, left : left + TILE].astype(int)
        off = np.abs(cell - made.astype(int)).mean(axis=(1, 2, 3))
        assert off[i] < 12, i
        assert off.argmin() == i


def test_six_hundred_pictures_of_48_pixels_take_less_than_600_kb():
    made = pictures(600)
    source = sprite_of(made)["src"]
    assert len(source) < 600_000
    png = io.BytesIO()
    Image.fromarray(made.reshape(-1, TILE, 3)).save(png, "PNG")
    assert len(source) < len(png.getvalue()) / 4


def test_one_picture_is_a_data_url_of_itself():
    made = pictures(1, 64)[0]
    assert np.abs(read(data_url(made)).astype(int) - made).mean() < 8
    assert len(data_url(made)) < 4_000


def test_no_pictures_are_a_blank_sheet():
    assert read(sprite_of(np.zeros((0, 8, 8, 3), np.uint8))["src"]).min() == 255


def test_a_sheet_is_what_the_explorer_takes():
    pack_items("i", ["a", "b"], sprite=sprite_of(pictures(2)))


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 8, 8, 3), np.float32),
        np.zeros((2, 8, 9, 3), np.uint8),
        np.zeros((2, 8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((2, 0, 0, 3), np.uint8),
    ],
)
def test_what_is_no_set_of_pictures_is_refused(images):
    with pytest.raises(ValueError, match="square uint8"):
        sprite_of(images)


def test_a_sheet_that_is_too_large_is_refused():
    with pytest.raises(ValueError, match="too many"):
        sprite_of(np.zeros((1000, 64, 64, 3), np.uint8), columns=1)
    with pytest.raises(ValueError, match="at least one"):
        sprite_of(np.zeros((1, 8, 8, 3), np.uint8), columns=0)
    with pytest.raises(ValueError, match="square uint8"):
        data_url(np.zeros((1, 8, 8, 3), np.uint8))
