from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from backends.data import text as text_module
from backends.data.text import TextError, build_corpus, find_words, join, read_text_file, tokenise


def lines_of(text) -> list[list[str]]:
    bounds = zip(text.line_starts[:-1], text.line_starts[1:], strict=True)
    return [[text.words[i] for i in text.ids[start:end]] for start, end in bounds]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("The king's men, 12 of them", ["the", "king's", "men", "of", "them"]),
        ("Don’t 'quote' it", ["don’t", "quote", "it"]),
        ("snake_case and a-b", ["snake", "case", "and", "a", "b"]),
        ("NAÏVE Straße Ελλάδα Москва", ["naïve", "straße", "ελλάδα", "москва"]),
        ("日本 語", ["日本", "語"]),
        ("<p class='x'>Hello <b>world</b></p>", ["p", "class", "x", "hello", "b", "world", "b", "p"]),
        ("$100 -- 3.5%", []),
    ],
)
def test_words_are_runs_of_letters_in_lower_case(line, words):
    assert find_words(line) == words


def test_a_decomposed_accent_is_the_same_word_as_a_composed_one():
    composed = "Café naïve"
    assert find_words(unicodedata.normalize("NFD", composed)) == find_words(composed) == ["café", "naïve"]


def test_lines_without_words_leave_no_trace():
    text = tokenise(["", "one two", "1 2 3", "two"])
    assert lines_of(text) == [["one", "two"], ["two"]]
    assert text.counts.tolist() == [1, 2]


def test_no_text_has_no_words():
    text = tokenise([])
    assert len(text) == 0
    assert text.line_starts.tolist() == [0]


def test_a_very_long_line_is_read_to_its_end():
    text = tokenise([" ".join(["many"] * 15_599 + ["last"])])
    assert len(text) == 15_600
    assert text.words[text.ids[-1]] == "last"


def test_a_word_without_end_is_cut():
    text = tokenise(["x" * 100_000 + " " + "x" * 61 + " y"])
    assert text.words == ["x" * 60, "y"]
    assert len(text) == 3


def test_too_many_distinct_words_are_refused(monkeypatch):
    monkeypatch.setattr(text_module, "MAX_DISTINCT_WORDS", 3)
    with pytest.raises(TextError, match="more than 3 distinct words"):
        tokenise(["a b", "c d"])


def test_joining_equals_tokenising_both():
    first, second = ["b a", "c"], ["c d a", "b b"]
    joined, whole = join([tokenise(first), tokenise(second)]), tokenise(first + second)
    assert joined.words == whole.words
    assert np.array_equal(joined.ids, whole.ids)
    assert np.array_equal(joined.line_starts, whole.line_starts)
    assert joined.ids.dtype == whole.ids.dtype


def test_a_corpus_is_ordered_by_count_and_then_by_first_appearance():
    corpus = build_corpus(tokenise(["rare b a c", "c b a", "a c x y"]), min_count=2)
    assert corpus.words == ["a", "c", "b"]
    assert corpus.counts.tolist() == [3, 3, 2]
    assert [corpus.words[i] for i in corpus.ids] == ["b", "a", "c", "c", "b", "a", "a", "c"]
    assert corpus.line_of.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert corpus.ids.dtype == corpus.line_of.dtype == np.int32


def test_many_words_of_one_count_stay_in_the_order_of_the_text():
    words = [a + b + c for a in "zyxwv" for b in "abcde" for c in "onmlkji"]
    corpus = build_corpus(tokenise([" ".join(words), " ".join(words[1::2])]), min_count=1)
    assert corpus.words == words[1::2] + words[::2]


def test_a_corpus_without_frequent_words_is_refused_with_the_count_that_there_is():
    with pytest.raises(TextError, match=r"at least 5 times \(the most frequent one occurs 2 times\)"):
        build_corpus(tokenise(["one two one", "three"]), min_count=5)


def test_a_corpus_in_which_no_word_has_a_context_is_refused():
    with pytest.raises(TextError, match="no word has a context"):
        build_corpus(tokenise(["one", "two", "one", "two"]), min_count=1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_in_unicode_is_read(tmp_path, encoding):
    path = tmp_path / "own.txt"
    path.write_bytes("один два\r\ncafé".encode(encoding))
    assert lines_of(read_text_file(path)) == [["один", "два"], ["café"]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "has no words; word2vec needs at least two"),
        (b"12 34 !?", "has no words"),
        (b"alone", "has one word; word2vec needs at least two"),
        (bytes(range(32)) * 100, "looks like binary data"),
        ("Café crème".encode("latin-1"), "not UTF-8 text: save it as plain text with the encoding UTF-8"),
        (b"\xff\xfea", "not UTF-8 text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10, "not UTF-8 text"),
    ],
    ids=["empty", "no letters", "one word", "control characters", "latin-1", "half of UTF-16", "picture"],
)
def test_a_file_that_is_no_text_is_refused(tmp_path, data, message):
    path = tmp_path / "own.txt"
    path.write_bytes(data)
    with pytest.raises(TextError, match=message):
        read_text_file(path)


def test_a_file_of_21_mb_is_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "own.txt"
    with path.open("wb") as file:
        file.truncate(21 << 20)
    monkeypatch.setattr(type(path), "read_bytes", lambda _path: pytest.fail("the file was read"))
    with pytest.raises(TextError, match=r"The file has 21 MB; up to 20 MB"):
        read_text_file(path)


def test_a_few_control_characters_are_no_reason_to_refuse_a_text(tmp_path):
    path = tmp_path / "own.txt"
    path.write_bytes(b"\x0cchapter one\n" + b"plain words " * 50 + b"\x00")
    assert len(read_text_file(path)) == 102
