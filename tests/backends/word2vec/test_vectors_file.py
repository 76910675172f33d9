"""The door for word vectors: what gensim writes is read the same, and every bad file gets one sentence."""

from __future__ import annotations

import gzip
import io
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from backends.analysis.word_vectors import WordVectors
from backends.word2vec import vectors_file
from backends.word2vec.vectors_file import MAX_NUMBERS, VectorsFileError, read_vectors

WORDS = ["the", "king", "queen", "naïve", "東京", "<b>bold</b>", "it's"]
EVIL = "<img/src=x/onerror=alert(1)>"


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(len(WORDS), 12)).astype(np.float32)


@pytest.fixture(scope="module")
def keyed(matrix):
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(12)
    keyed.add_vectors(WORDS, matrix)
    return keyed


@pytest.fixture
def write(tmp_path):
    def write(content: bytes | str, name: str = "vectors.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refusal(path: Path) -> str:
    with pytest.raises(VectorsFileError) as caught:
        read_vectors(path)
    sentence = str(caught.value)
    assert not sentence[0].islower()
    assert sentence.endswith(".")
    return sentence


def binary(rows: dict[str, list[float]], count: int | None = None, dim: int | None = None, end: bytes = b"") -> bytes:
    dim = dim or len(next(iter(rows.values())))
    header = f"{len(rows) if count is None else count} {dim}\n".encode()
    return header + b"".join(w.encode() + b" " + np.array(v, "<f4").tobytes() + end for w, v in rows.items())


@pytest.mark.parametrize("as_binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_what_gensim_writes_is_read_back_equal(keyed, matrix, tmp_path, as_binary, packed):
    path = tmp_path / ("vectors.gz" if packed else "vectors")
    keyed.save_word2vec_format(str(path), binary=as_binary)
    loaded = read_vectors(path)
    assert loaded.form == ("binary" if as_binary else "text")
    assert loaded.vectors.words == WORDS
    np.testing.assert_array_equal(loaded.vectors.vectors, matrix)
    assert loaded.vectors.vectors.dtype == np.float32
    assert loaded.vectors.counts.tolist() == [0] * len(WORDS)
    assert loaded.notes == ()


def test_what_this_project_writes_is_read_back(tmp_path, matrix):
    written = WordVectors.build(WORDS, np.ones(len(WORDS), np.int64), matrix).save_text(tmp_path / "own.txt")
    loaded = read_vectors(written)
    assert loaded.vectors.words == WORDS
    np.testing.assert_allclose(loaded.vectors.vectors, matrix, rtol=1e-5)


def test_glove_needs_no_header(keyed, matrix, tmp_path):
    keyed.save_word2vec_format(str(tmp_path / "glove.txt"), write_header=False)
    loaded = read_vectors(tmp_path / "glove.txt")
    assert loaded.vectors.words == WORDS
    np.testing.assert_array_equal(loaded.vectors.vectors, matrix)
    assert loaded.notes == ()


@pytest.mark.parametrize(
    "content",
    [
        "2 3\r\na 1 2 3\r\nb 4 5 6\r\n",
        "\ufeff2 3\na 1 2 3\nb 4 5 6",
        "2 3 \na 1 2 3 \nb 4 5 6 \n\n\n",
        "a\t1\t2\t3\nb\t4\t5\t6\n",
        "2\t3\n a  1.0  2e0  +3\nb 4 5 6\n",
    ],
    ids=["windows", "bom", "trailing-space", "tabs", "spaces"],
)
def test_small_differences_between_writers_do_not_matter(write, content):
    loaded = read_vectors(write(content))
    assert loaded.vectors.words == ["a", "b"]
    assert loaded.vectors.vectors.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert loaded.notes == ()


def test_the_line_ends_of_the_original_binary_tool_are_not_part_of_words(write):
    rows = {"one": [1.0, 2.0, 0.1], "two": [3.0, 4.0, 0.1]}
    assert read_vectors(write(binary(rows, end=b"\n"))).vectors.words == ["one", "two"]


def test_numbers_that_look_like_spaces_and_line_ends_are_numbers(write):
    looks = np.frombuffer(b"\n\n\n\n    \n \n ", "<f4").tolist()
    loaded = read_vectors(write(binary({"a": looks, "b": [1.0, 0.0, 2.0]})))
    assert loaded.form == "binary"
    assert loaded.vectors.vectors.tolist() == [looks, [1.0, 0.0, 2.0]]


def test_questions_find_words_in_any_case(write):
    loaded = read_vectors(write("5 2\nParis 1 0\nUS 0 1\nus 1 1\nCafe\u0301 2 1\nparis 3 1\n"))
    vectors = loaded.vectors
    assert vectors.words[vectors.find("us")] == "us"
    assert vectors.words[vectors.find("PARIS")] == "paris", "the exact word goes before a lowered one"
    assert vectors.words[vectors.find("café")] == "Cafe\u0301"
    assert len(vectors) == 5


def test_every_probe_works_on_loaded_vectors(write):
    from backends.analysis import analogies

    random = np.random.default_rng(1)
    words = ["king", "man", "woman", "queen", "King", "other"]
    rows = "".join(f"{w} {' '.join(map(str, random.normal(size=8)))}\n" for w in words)
    vectors = read_vectors(write(f"6 8\n{rows}")).vectors
    assert len(vectors.neighbours("king", 3)) == 3
    assert vectors.analogy("king", "man", "woman")
    assert vectors.odd_one_out(words[:3])
    assert vectors.on_axis("man", "woman", ["queen"])
    assert vectors.plane_of("king", "man", "woman", "queen").words[0] == "king"
    assert analogies.ask(vectors)[0].answer is not None
    assert analogies.total(analogies.score_test_set(vectors)).covered >= 0


def test_a_header_that_lies_takes_no_memory(write):
    path = write("1000000000 300\nking 1 2 3")
    assert path.stat().st_size < 30
    tracemalloc.start()
    sentence = refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    assert sentence.startswith("The header promises 1,000,000,000 words of 300 numbers, which take at least 560 GB")
    assert "can't hold more than 25 bytes" in sentence


def test_a_binary_header_that_lies_takes_no_memory(write):
    tracemalloc.start()
    sentence = refusal(write(binary({"a": [1.0] * 300, "b": [2.0] * 300}, count=2_000_000)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20
    assert "promises 2,000,000 words" in sentence


def test_a_packed_header_that_lies_is_refused(write):
    assert "promises 1,000,000,000" in refusal(write(gzip.compress(b"1000000000 300\na 1 2\n"), "v.gz"))


def test_a_small_file_that_unpacks_to_gigabytes_is_given_up(write, monkeypatch):
    monkeypatch.setattr(vectors_file, "MAX_UNPACKED_BYTES", 1 << 20)
    bomb = write(gzip.compress(b"a 1 2\n" + b"b 1 2\n" * 500_000), "v.gz")
    assert bomb.stat().st_size < 50_000
    assert "unpacks to more than 1 MB" in refusal(bomb)


@pytest.mark.parametrize("count", [3, 50])
def test_a_text_header_with_another_count_is_noted(write, count):
    rows = "".join(f"w{i} {i} 1 2\n" for i in range(40))
    loaded = read_vectors(write(f"{count} 3\n{rows}"))
    assert len(loaded.vectors) == 40
    assert loaded.notes == (f"The header promises {count} words, the file holds 40 rows; all were read.",)


def test_a_text_header_with_other_dimensions_is_refused(write):
    sentence = refusal(write("2 4\na 1 2 3\nb 4 5 6\n" + "c 1 2 3\n" * 9))
    assert "says 4 numbers per word, but the first row has 3" in sentence


@pytest.mark.parametrize("dim", [20, 80])
def test_a_binary_header_with_other_dimensions_is_refused(write, dim):
    random = np.random.default_rng(0)
    rows = {f"word{i}": random.normal(size=40).tolist() for i in range(200)}
    refusal(write(binary(rows, count=100, dim=dim)))


@pytest.mark.parametrize("keep", [0.5, 0.999])
def test_a_binary_file_that_was_cut_off_is_refused(write, keep):
    rows = {f"word{i}": np.random.default_rng(i).normal(size=20).tolist() for i in range(100)}
    whole = binary(rows)
    assert "cut off" in refusal(write(whole[: int(len(whole) * keep)]))


def test_a_binary_file_that_goes_on_is_refused(write):
    rows = {f"word{i}": np.random.default_rng(i).normal(size=20).tolist() for i in range(100)}
    assert "goes on after the 60 words" in refusal(write(binary(rows, count=60)))


def test_odd_rows_are_left_out_and_said(write):
    good = "".join(f"w{i} {i} 1 2\n" for i in range(20))
    bad = "short 1 2\nlong 1 2 3 4\nletters 1 x 3\nnan 1 nan 3\ninf 1 2 inf\nhuge 1e30 1 1\nover 1e300 1 1\nw3 9 9 9\n"
    loaded = read_vectors(write(f"28 3\n{good}{bad}{'x' * 101} 1 2 3\n"))
    assert loaded.vectors.words == [f"w{i}" for i in range(20)]
    assert loaded.vectors.vectors[3].tolist() == [3, 1, 2], "the first vector of a word counts"
    said = " ".join(loaded.notes)
    for sentence in (
        "1 row was left out: with fewer than 3 numbers (the first is row 21).",
        "1 row was left out: with more than 3 numbers (the first is row 22).",
        "1 row was left out: with something other than numbers after the word (the first is row 23).",
        "4 rows were left out: with NaN, infinite or huge numbers (the first is row 24).",
        "1 row was left out: with a word that came before (the first is row 28).",
        "1 row was left out: without a word, or with one of more than a hundred characters (the first is row 29).",
    ):
        assert sentence in said
    assert np.isfinite(loaded.vectors.unit).all()


def test_nan_in_a_binary_file_is_left_out(write):
    loaded = read_vectors(
        write(binary({"a": [1.0, 2.0], "b": [float("nan"), 1.0], "c": [3.0, float("inf")], "d": [0.0, 1.0]}))
    )
    assert loaded.vectors.words == ["a", "d"]
    assert loaded.notes == ("2 rows were left out: with NaN, infinite or huge numbers (the first is row 2).",)


def test_mostly_odd_rows_are_refused(write):
    sentence = refusal(write("a 1 2 3\n" + "".join(f"w{i} 1 2\n" for i in range(9))))
    assert sentence.startswith(
        "9 of 10 rows can't be used, most of them with fewer than 3 numbers (the first is row 2)"
    )


def test_words_with_spaces_are_kept_and_can_not_break_rows(write, tmp_path):
    loaded = read_vectors(write("a 1 2\n. . . 3 4\nnew\u00a0york 5 6\n"))
    assert loaded.vectors.words == ["a", "._._.", "new_york"]
    rows = {"tab\tbed": [1.0, 0.0], "line\nend": [0.0, 1.0], "nul\x00": [1.0, 1.0]}
    assert read_vectors(write(binary(rows))).vectors.words == ["tab_bed", "line_end", "nul_"]


def test_a_word_with_a_control_character_does_not_make_a_text_binary(write):
    loaded = read_vectors(write("2 2\nbell\x07 1 2\nb 3 4\n"))
    assert loaded.form == "text"
    assert loaded.vectors.words == ["bell_", "b"]


def test_a_word_that_is_html_stays_a_word(write):
    assert read_vectors(write(f"2 2\n{EVIL} 1 2\nb 3 4\n")).vectors.words == [EVIL, "b"]


def test_latin_1_is_refused_but_a_single_cut_word_is_not(write):
    latin = "".join(f"{w} {i} 1\n" for i, w in enumerate(["café", "naïve", "one", "two"])).encode("latin-1")
    assert refusal(write(latin)).startswith("2 of 4 words are not UTF-8")
    rows = b"".join(b"w%d %d 1\n" % (i, i) for i in range(200))
    loaded = read_vectors(write(rows + b"caf\xc3 1 1\n"))
    assert loaded.vectors.words[-1] == "caf\ufffd"
    assert loaded.notes == ("1 word is not UTF-8; what can't be read in it stands as �.",)


class Opened:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was opened",))


def numpy_file() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n1 2\n", "begins with an empty line"),
        (pickle.dumps(Opened()), "pickle"),
        (gzip.compress(pickle.dumps(Opened()), mtime=0), "pickle"),
        ("2 2\na 1 2\nb 1 2\n".encode("utf-16"), "UTF-16"),
        (numpy_file(), "numpy array"),
        (b"PK\x03\x04 whatever", "zip archive"),
        (b"\xba\x16\x4f\x2f\x0c\x00", "fastText"),
        (b"\x1f\x8b\x08\x00 not really", ".gz file is damaged"),
        (gzip.compress(b"a 1 2\n" * 9999, mtime=0)[:-20], ".gz file is damaged"),
        (b"Once upon a time there was\na king\n", "neither a header nor a word"),
        (b"word,0.1,0.2\nother,0.3,0.4\n", "neither a header nor a word"),
        (b"-5 3\na 1 2 3\n", "neither a header nor a word"),
        (b"2 0\na\nb\n", "0 numbers per word; 2 to"),
        (b"2 9999\na 1\n", "9,999 numbers per word"),
        (b"0 300\n", "no words"),
        (b"2 2\n", "header promises 2 words"),
        (b"1 2\na 1 2\n", "holds one word"),
        (b"2 2\na 1 2\nb " + b"1" * 200_000, "Row 2 is longer than 128 KB"),
        (b"5 2\n" + b"a\x00" * 2000, "A word has more than 1,000 bytes"),
    ],
)
def test_what_is_no_vectors_file_is_refused_in_a_sentence(write, content, said):
    assert said in refusal(write(content))


def test_a_damaged_end_of_a_gz_is_no_traceback(write):
    whole = bytearray(gzip.compress(np.random.default_rng(0).bytes(50_000)))
    whole[25_000:25_100] = bytes(100)
    refusal(write(b"".join([bytes(whole)]), "v.gz"))


def test_two_million_words_are_cut_and_it_is_said(write):
    rows = b"".join(b"w%d 1 %d\n" % (i, i % 7) for i in range(300_000))
    loaded = read_vectors(write(b"2000000 2\n" + rows * 7))
    assert len(loaded.vectors) == 200_000
    assert loaded.notes == ("Read the first 200,000 of 2,000,000 words; more are not kept here.",)


@pytest.mark.parametrize("header", [b"", b"90 4\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_first_words_are_kept(write, header, packed):
    rows = header + b"".join(b"w%d %d 1 2 3\n" % (i, i) for i in range(90))
    path = write(gzip.compress(rows) if packed else rows)
    loaded = read_vectors(path, max_words=60)
    assert loaded.vectors.words == [f"w{i}" for i in range(60)]
    assert len(loaded.notes) == 1
    assert "first 60 of" in loaded.notes[0]
    assert read_vectors(path, max_words=90).notes == ()


def test_binary_words_are_cut_too(write):
    rows = {f"word{i}": [float(i), 1.5, 0.25] for i in range(90)}
    loaded = read_vectors(write(binary(rows)), max_words=60)
    assert loaded.vectors.vectors[:, 0].tolist() == list(range(60))
    assert loaded.notes == ("Read the first 60 of 90 words; more are not kept here.",)


def test_numbers_are_bounded_as_well_as_words(write, monkeypatch):
    monkeypatch.setattr(vectors_file, "MAX_NUMBERS", 400)
    rows = b"".join(b"w%d %d 1 2 3\n" % (i, i) for i in range(200))
    assert len(read_vectors(write(rows)).vectors) == 100
    assert MAX_NUMBERS * 4 <= 128 << 20


def test_blocks_join_without_a_seam(write, monkeypatch):
    monkeypatch.setattr(vectors_file, "BLOCK_ROWS", 8)
    for count in (7, 8, 9, 16, 17):
        loaded = read_vectors(write("".join(f"w{i} {i} {2 * i}\n" for i in range(count))))
        assert loaded.vectors.vectors.tolist() == [[i, 2 * i] for i in range(count)]


def test_a_file_that_is_too_large_is_not_opened(tmp_path):
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        file.truncate(vectors_file.MAX_FILE_BYTES + 1)
    assert "up to 200 MB can be read" in refusal(path)


def test_random_bytes_are_refused_and_never_a_traceback(write):
    random = np.random.default_rng(0)
    for _ in range(200):
        noise = random.bytes(int(random.integers(1, 3000)))
        for content in (noise, b"5 4\n" + noise, b"a 1 2\n" + noise):
            try:
                read_vectors(write(content))
            except VectorsFileError:
                continue
