"""The door for word vectors from elsewhere: word2vec's text and binary formats, and GloVe's text without a header.

A file is a stranger's: nothing is unpickled, nothing is allocated because a header says so, and the number of bytes,
words and numbers that are read is bounded. What is wrong with the file as a whole is refused in one sentence; what is
wrong with single rows is left out and said in a note.
"""

from __future__ import annotations

import gzip
import io
import re
import unicodedata
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from backends.analysis.word_vectors import WordVectors

MAX_FILE_BYTES = 200 << 20
MAX_UNPACKED_BYTES = 500 << 20
"""Of a .gz, read at most so much: a few kilobytes can unpack to gigabytes."""
MAX_WORDS = 200_000
MAX_NUMBERS = 30_000_000
"""120 MB of float32, and as much again for the vectors at length one: 200,000 words of 150, 100,000 of 300."""
MIN_DIM, MAX_DIM = 2, 4_096
MAX_WORD_CHARS = 100
MAX_WORD_BYTES = 1_000
"""In a binary file; a longer run without a space means that the header's dimensions are not the file's."""
MAX_LINE_BYTES = 1 << 17
MAX_MAGNITUDE = 1e15
"""Larger numbers overflow when a vector's length is taken."""
BAD_ENCODING_SHARE = 0.01
"""word2vec's own tool cuts some words within a character, so a few words that are not UTF-8 are no reason to refuse."""
BLOCK_ROWS = 4_096
MAX_DEFLATE_RATIO = 1_032

_HEADER = re.compile(rb"\s*(\d{1,19})\s+(\d{1,19})\s*")
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_OTHER_FORMATS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xfe", "is UTF-16 text: save it with the encoding UTF-8"),
    (b"\xfe\xff", "is UTF-16 text: save it with the encoding UTF-8"),
    (b"\x93NUMPY", "is a numpy array without words: save word2vec text format"),
    (b"PK\x03\x04", "is a zip archive: unpack it and choose the vectors in it"),
    (b"\xba\x16\x4f\x2f", "is a fastText model: choose the .vec file that lies beside it"),
    (b"BZh", "is packed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "is packed with xz: unpack it first"),
)
_WRITE_IT = "in gensim write it with model.wv.save_word2vec_format('vectors.txt')"


class VectorsFileError(ValueError):
    """A vectors file is refused. The message is one sentence that says what came and what would do."""


@dataclass(frozen=True, eq=False)
class LoadedVectors:
    """Vectors read from a file.

    Attributes:
        vectors: the vectors; the counts are all 0, because the formats hold none.
        notes: one sentence for each thing that is not as one would expect.
        form: in which of the two formats they came.
    """

    vectors: WordVectors
    notes: tuple[str, ...]
    form: Literal["text", "binary"]


def read_vectors(path: Path, *, max_words: int = MAX_WORDS, max_bytes: int = MAX_FILE_BYTES) -> LoadedVectors:
    """Read word2vec text or binary format, or GloVe's text without a header; plain or packed with gzip.

    Words are taken as they stand, except that white space within one becomes "_". Questions find them in any case.
    At most `max_words` words and `MAX_NUMBERS` numbers are kept, from the start of the file, where the frequent
    words stand. Of a word that comes twice the first vector counts.

    Args:
        path: the file.
        max_words: how many words are kept.
        max_bytes: how large the file may be; a packed one may besides unpack to `MAX_UNPACKED_BYTES`.

    Raises:
        VectorsFileError: the file is too large, empty, of another kind, contradicts its header, or is not UTF-8.
    """
    size = path.stat().st_size
    if size > max_bytes:
        raise VectorsFileError(
            f"The file has {size / 2**20:,.0f} MB; up to {max_bytes / 2**20:,.0f} MB can be read: keep the first rows."
        )
    with path.open("rb") as file:
        start = file.read(8)
        _check_kind(start)
        file.seek(0)
        if not start.startswith(b"\x1f\x8b"):
            return _read(io.BufferedReader(_Capped(file, size), 1 << 20), size, max_words)
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                limited = io.BufferedReader(_Capped(unpacked, MAX_UNPACKED_BYTES), 1 << 20)
                return _read(limited, size * MAX_DEFLATE_RATIO, max_words)
        except (gzip.BadGzipFile, zlib.error, EOFError):
            raise VectorsFileError("The .gz file is damaged or cut off: fetch it again, or unpack it first.") from None


def as_token(word: str) -> str:
    """Return the word with every run of white space and control characters as "_": no format's rows can break."""
    return _BREAKS.sub("_", word.strip())


class _Capped(io.RawIOBase):
    """A stream that refuses to give more than so many bytes."""

    def __init__(self, source: io.BufferedIOBase | gzip.GzipFile, most: int) -> None:
        self._source, self._most, self._given = source, most, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._source.read(len(buffer))
        self._given += len(data)
        if self._given > self._most:
            raise VectorsFileError(
                f"The file unpacks to more than {self._most >> 20} MB: unpack it and keep the first rows."
            )
        buffer[: len(data)] = data
        return len(data)


@dataclass
class _Collected:
    """Rows as they come in; memory grows with what the file holds, never with what it promises."""

    dim: int
    limit: int
    words: dict[str, None] = field(default_factory=dict)
    rows: int = 0
    misspelt: int = 0
    odd: dict[str, list[int]] = field(default_factory=dict)
    _blocks: list[np.ndarray] = field(default_factory=list)
    _block: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self._block = np.empty((BLOCK_ROWS, self.dim), np.float32)

    @property
    def full(self) -> bool:
        """Whether no further word is wanted."""
        return len(self.words) >= self.limit

    def add(self, raw_word: bytes, numbers: np.ndarray) -> None:
        """Keep a row, unless something is wrong with it. `numbers` is (D,) float32."""
        self.rows += 1
        word = as_token(self._decode(raw_word))
        if not 0 < len(word) <= MAX_WORD_CHARS:
            return self.skip("without a word, or with one of more than a hundred characters,")
        if not np.abs(numbers).max() <= MAX_MAGNITUDE:  # also False for NaN
            return self.skip("with NaN, infinite or huge numbers")
        if word in self.words:
            return self.skip("with a word that came before")
        place = len(self.words) % BLOCK_ROWS
        if place == 0 and self.words:
            self._blocks.append(self._block)
            self._block = np.empty((BLOCK_ROWS, self.dim), np.float32)
        self._block[place] = numbers
        self.words[word] = None
        return None

    def add_unreadable(self, why: str) -> None:
        """Note a row that holds no vector of the right length."""
        self.rows += 1
        self.skip(why)

    def skip(self, why: str) -> None:
        """Note that the row which was just counted is left out."""
        self.odd.setdefault(why, []).append(self.rows)

    def vectors(self) -> WordVectors:
        """The rows that were kept.

        Raises:
            VectorsFileError: they are too few, or most of the file's rows are odd, or not UTF-8.
        """
        if self.misspelt > BAD_ENCODING_SHARE * max(1, self.rows):
            raise VectorsFileError(
                f"{self.misspelt:,} of {self.rows:,} words are not UTF-8: save the file with the encoding UTF-8 "
                "(a binary file whose header is wrong looks the same)."
            )
        skipped = sum(len(rows) for rows in self.odd.values())
        if skipped > self.rows / 2:
            why, rows = max(self.odd.items(), key=lambda item: len(item[1]))
            raise VectorsFileError(
                f"{skipped:,} of {self.rows:,} rows can't be used, most of them {why.rstrip(',')} (the first is row "
                f"{rows[0]:,}): each row must be a word and {self.dim} numbers."
            )
        if len(self.words) < 2:
            held = "one word" if self.words else "no words"
            raise VectorsFileError(f"The file holds {held}; at least two are needed to compare anything.")
        used = (len(self.words) - 1) % BLOCK_ROWS + 1
        words = list(self.words)
        matrix = np.concatenate([*self._blocks, self._block[:used]])
        return WordVectors(words, np.zeros(len(words), np.int64), matrix, _index_any_case(words))

    def notes(self) -> list[str]:
        """What was left out, in sentences."""
        sentences = []
        for why, rows in self.odd.items():
            were = "row was" if len(rows) == 1 else "rows were"
            sentences.append(f"{len(rows):,} {were} left out: {why.rstrip(',')} (the first is row {rows[0]:,}).")
        if self.misspelt:
            words, them = ("word is", "it") if self.misspelt == 1 else ("words are", "them")
            sentences.append(f"{self.misspelt:,} {words} not UTF-8; what can't be read in {them} stands as �.")
        return sentences

    def _decode(self, raw_word: bytes) -> str:
        try:
            return raw_word.decode("utf-8")
        except UnicodeDecodeError:
            self.misspelt += 1
            return raw_word.decode("utf-8", "replace")


def _read(stream: io.BufferedReader[Any], capacity: int, max_words: int) -> LoadedVectors:
    """Read a stream that can't hold more than `capacity` bytes."""
    first = stream.readline(MAX_LINE_BYTES).removeprefix(b"\xef\xbb\xbf")
    _check_kind(first)
    if not first.strip():
        raise VectorsFileError(f"The file begins with an empty line; it must begin with a header or a word ({_FORM}).")
    header = _HEADER.fullmatch(first)
    if header is None:
        dim = _row_length(first)
        if dim is None:
            raise VectorsFileError(f"The first line is neither a header nor a word with its numbers ({_FORM}).")
        collected = _collector(dim, max_words)
        _read_text(stream, collected, first)
        return _finished(collected, "text", None, not _at_end(stream))
    count, dim = int(header[1]), int(header[2])
    collected = _collector(dim, max_words)
    _check_header(count, dim, 2 * dim + 1, capacity)
    sample = stream.peek(MAX_LINE_BYTES)[:MAX_LINE_BYTES]
    length = _row_length(sample.split(b"\n", 1)[0])
    form: Literal["text", "binary"] = "text"
    if length != dim and _CONTROL.search(sample):
        form = "binary"
        _check_header(count, dim, 4 * dim + 2, capacity)
        _read_binary(stream, collected, count)
    else:
        if length is not None and length != dim:
            raise VectorsFileError(
                f"The header says {dim} numbers per word, but the first row has {length}: correct the header."
            )
        _read_text(stream, collected, b"")
    return _finished(collected, form, count, not _at_end(stream))


_FORM = "word2vec text: “count dimensions”, then a word and its numbers in each line; word2vec binary; GloVe text"


def _check_kind(start: bytes) -> None:
    """Refuse what is known by its first bytes to be something else."""
    if not start:
        raise VectorsFileError(f"The file is empty; {_WRITE_IT}.")
    if start[0] == 0x80 and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise VectorsFileError(
            f"The file is a Python pickle, which could run any code and is never opened: {_WRITE_IT}."
        )
    for magic, sentence in _OTHER_FORMATS:
        if start.startswith(magic):
            raise VectorsFileError(f"The file {sentence}.")


def _collector(dim: int, max_words: int) -> _Collected:
    if not MIN_DIM <= dim <= MAX_DIM:
        raise VectorsFileError(f"The file has {dim:,} numbers per word; {MIN_DIM} to {MAX_DIM:,} can be read.")
    return _Collected(dim, max(1, min(max_words, MAX_NUMBERS // dim)))


def _check_header(count: int, dim: int, row_bytes: int, capacity: int) -> None:
    """Refuse a header that promises more than the file can hold, before anything is made room for."""
    if count == 0:
        raise VectorsFileError("The header says that the file holds no words.")
    if count * row_bytes - 1 > capacity:
        raise VectorsFileError(
            f"The header promises {count:,} words of {dim} numbers, which take at least {_size(count * row_bytes)}, "
            f"but the file can't hold more than {_size(capacity)}: its header is wrong, or it was cut off."
        )


def _row_length(line: bytes) -> int | None:
    """How many numbers follow the word in this line; None if it isn't such a line."""
    parts = line.split()
    try:
        np.array(parts[1:], np.float32)
    except ValueError:
        return None
    return len(parts) - 1 if len(parts) > MIN_DIM else None


def _read_text(stream: io.BufferedReader[Any], collected: _Collected, first: bytes) -> None:
    dim = collected.dim
    line = first or stream.readline(MAX_LINE_BYTES)
    with np.errstate(over="ignore", invalid="ignore"):
        while line:
            if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                raise VectorsFileError(
                    f"Row {collected.rows + 1:,} is longer than {MAX_LINE_BYTES >> 10} KB, too long for {dim} numbers: "
                    "each row must be a word and its numbers in a line of their own."
                )
            parts = line.rsplit(None, dim)
            if len(parts) == dim + 1:
                _add_text_row(collected, parts)
            elif parts:
                collected.add_unreadable(f"with fewer than {dim} numbers")
            if collected.full:
                return
            line = stream.readline(MAX_LINE_BYTES)


def _add_text_row(collected: _Collected, parts: list[bytes]) -> None:
    """Take a row in D + 1 parts. A first part with a space is one of GloVe's few such words, or the row is too long."""
    try:
        numbers = np.array(parts[1:], np.float32)
    except ValueError:
        return collected.add_unreadable("with something other than numbers after the word")
    before = parts[0].split()
    if len(before) > 1 and _is_number(before[-1]):
        return collected.add_unreadable(f"with more than {collected.dim} numbers")
    return collected.add(parts[0], numbers)


def _is_number(part: bytes) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True


def _read_binary(stream: io.BufferedReader[Any], collected: _Collected, count: int) -> None:
    row_bytes = 4 * collected.dim
    with np.errstate(over="ignore", invalid="ignore"):
        for row in range(count):
            word = _word_before_space(stream.read)
            numbers = stream.read(row_bytes) if word is not None else b""
            if word is None or len(numbers) < row_bytes:
                raise VectorsFileError(
                    f"The file ends after {row:,} of the {count:,} words that its header promises: it was cut off; "
                    "fetch or write it again."
                )
            collected.add(word, np.frombuffer(numbers, "<f4"))
            if collected.full:
                return
    if not _at_end(stream):
        raise VectorsFileError(
            f"The file goes on after the {count:,} words of {collected.dim} numbers that its header promises: the "
            "header is wrong."
        )


def _word_before_space(read: Callable[[int], bytes]) -> bytes | None:
    """The bytes up to the next space; None at the end of the file."""
    word = bytearray()
    while (byte := read(1)) != b" ":
        if not byte:
            return None
        word += byte
        if len(word) > MAX_WORD_BYTES:
            raise VectorsFileError(
                f"A word has more than {MAX_WORD_BYTES:,} bytes, so the numbers don't stand where the header says: it "
                "is not word2vec binary format, or its header is wrong."
            )
    return bytes(word)


def _at_end(stream: io.BufferedReader[Any]) -> bool:
    """Whether nothing but white space follows."""
    while chunk := stream.read(4_096):
        if chunk.strip():
            return False
    return True


def _finished(collected: _Collected, form: Literal["text", "binary"], count: int | None, more: bool) -> LoadedVectors:
    vectors = collected.vectors()
    notes = []
    if collected.full and more:
        of_all = f"{count:,} words" if count is not None and count > len(vectors) else "the file's words"
        notes.append(f"Read the first {len(vectors):,} of {of_all}; more are not kept here.")
    elif count is not None and collected.rows != count:
        notes.append(f"The header promises {count:,} words, the file holds {collected.rows:,} rows; all were read.")
    notes += collected.notes()
    return LoadedVectors(vectors, tuple(notes), form)


def _index_any_case(words: list[str]) -> dict[str, int]:
    """Index the words as they stand, and in lower case, as questions ask; an exact word goes before a lowered one."""
    index = {word: i for i, word in enumerate(words)}
    for i, word in enumerate(words):
        index.setdefault(unicodedata.normalize("NFC", word).lower(), i)
    return index


def _size(count: int) -> str:
    for unit, factor in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if count >= factor:
            return f"{count / factor:,.0f} {unit}"
    return f"{count} bytes"
