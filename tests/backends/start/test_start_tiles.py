"""Tiles' pictures: there is one for every tab that has a maker, and it holds nothing but a picture."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from backends.start import tiles


@pytest.mark.parametrize("name", list(tiles.MAKERS))
def test_every_picture_is_there_small_and_harmless(name):
    text = tiles.picture_of(name)
    assert 400 < len(text) < 40_000
    root = ElementTree.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))
    for element in root.iter():
        assert element.tag.split("}")[1] in {"svg", "g", "circle", "rect", "path", "polyline", "text", "image"}
        assert element.get("href", "data:image/webp;base64,").startswith("data:image/webp;base64,")
        assert not any(attribute.startswith("on") for attribute in element.attrib)


@pytest.mark.parametrize("name", ["nowhere", "../creatures/model", ""])
def test_a_name_without_a_picture_has_none(name):
    assert tiles.picture_of(name) == ""


def test_a_picture_is_made_by_what_the_tab_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(tiles, "FOLDER", tmp_path)
    tiles._read.cache_clear()
    before = tiles.picture_of("simclr")
    tiles.make("simclr")
    tiles._read.cache_clear()
    made = tiles.picture_of("simclr")
    assert before == ""
    assert made.count("<image") == 2
    tiles._read.cache_clear()


def _shape(text: str) -> tuple[list[str], np.ndarray]:
    """The kinds of elements in their order, and all numbers that are not a photograph's."""
    bare = re.sub(r'href="[^"]*"', "", text)
    return re.findall(r"<(\w+)", bare), np.array([float(number) for number in re.findall(r"-?\d+\.?\d*", bare)])


@pytest.mark.slow
@pytest.mark.parametrize("name", list(tiles.MAKERS))
def test_a_shipped_picture_is_what_its_maker_draws_now(name, tmp_path, monkeypatch):
    shipped_kinds, shipped_numbers = _shape(tiles.picture_of(name))
    monkeypatch.setattr(tiles, "FOLDER", tmp_path)
    kinds, numbers = _shape(tiles.make(name).read_text(encoding="utf-8"))
    assert kinds == shipped_kinds
    np.testing.assert_allclose(numbers, shipped_numbers, atol=2)
