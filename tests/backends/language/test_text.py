"""What is held out is never learned from, however the text is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.data.text import TextError
from backends.language.text import clean_text, load_text, read_text_lines, split_lines


def numbered(count: int) -> list[str]:
    return [f"line number {i} of this text is a line" for i in range(count)]


@pytest.mark.parametrize("count", [40, 500, 5_000])
def test_a_twentieth_is_held_out_and_disjoint(count):
    text = split_lines(numbered(count), "s", "l")
    assert not set(text.train) & set(text.held_out)
    assert sorted([*text.train, *text.held_out]) == sorted(numbered(count))
    assert 0.02 <= len(text.held_out) / count <= 0.06


def test_a_line_that_stands_twice_is_not_held_out():
    lines = numbered(500)
    text = split_lines([*lines, *lines[:100], "a last new line"], "s", "l")
    assert not set(text.train) & set(text.held_out)
    assert len(text.held_out) > 10


@pytest.mark.parametrize(
    "lines",
    [
        [" ".join(f"word{i} is here." for i in range(400))],
        [" ".join(f"word{i}" for i in range(400))],
        ["".join(chr(0x4E00 + i) for i in range(4_000))],
    ],
)
def test_a_text_of_one_line_is_cut_so_that_some_is_held_out(lines):
    text = split_lines(lines, "s", "l")
    assert len(text.held_out) >= 1
    assert len(text.train) >= 30
    assert sum(map(len, text.train)) > 0.8 * len(lines[0])


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [([], "has 0 words"), (["one two"], "has 2 words"), (["the same line again and again"] * 900, "repeats itself")],
)
def test_what_is_too_little_is_said(lines, sentence):
    with pytest.raises(TextError, match=sentence):
        split_lines(lines, "s", "l")


def test_built_in_texts_are_shared_and_others_refused():
    text = load_text("speeches-since-1900")
    assert text is load_text("speeches-since-1900")
    assert len(text.held_out) > 100
    assert not set(text.train) & set(text.held_out)
    with pytest.raises(TextError, match="choose from"):
        load_text("poems")
    with pytest.raises(TextError, match="No text of your own"):
        load_text("own")


def test_a_file_is_read_as_it_is_written(tmp_path: Path):
    path = tmp_path / "own.txt"
    path.write_bytes("One, TWO!\r\nthree".encode("utf-8-sig"))
    assert read_text_lines(path) == ("One, TWO!", "three")
    path.write_bytes(b"\xff\x00\xfe" * 50)
    with pytest.raises(TextError, match="not UTF-8"):
        read_text_lines(path)


def test_a_word_without_end_is_parted():
    lines = ["x" * 50_000, *numbered(100)]
    assert max(len(word) for line in split_lines(lines, "s", "l").train for word in line.split()) == 200


def test_white_space_and_half_characters_are_cleaned():
    assert clean_text(" a\u00a0b\t\nc \ud800") == "a b c ?"
