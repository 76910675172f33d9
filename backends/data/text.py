"""Text as arrays: tokenising, and the vocabulary cut at a minimum count."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

MAX_TEXT_BYTES = 20 * 1024 * 1024
MAX_WORD_CHARS = 60
MAX_DISTINCT_WORDS = 1_000_000
CONTROL_SHARE_OF_BINARY = 0.01

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")


class TextError(ValueError):
    """A text can't be used. The message says why, and what to do."""


@dataclass(frozen=True, eq=False)
class TokenisedText:
    """A text as numbers.

    Attributes:
        words: the distinct words, in order of first appearance.
        ids: (N,) int32, for every running word its index in `words`.
        line_starts: (M+1,) int64, where each line begins in `ids`; the last entry is N.
    """

    words: list[str]
    ids: np.ndarray
    line_starts: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def counts(self) -> np.ndarray:
        """(len(words),) int64: how often each word occurs."""
        return np.bincount(self.ids, minlength=len(self.words))


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text cut to its vocabulary: what a trainer reads.

    Attributes:
        words: the vocabulary, most frequent first.
        counts: (V,) int64, occurrences of each.
        ids: (N,) int32, the running words; those under the minimum count are left out.
        line_of: (N,) int32, the line that each running word stands in; no context crosses a line.
        min_count: the minimum count that was applied.
    """

    words: list[str]
    counts: np.ndarray
    ids: np.ndarray
    line_of: np.ndarray
    min_count: int

    def __len__(self) -> int:
        return len(self.ids)


def find_words(line: str) -> list[str]:
    """Split a line into lower-case words: runs of letters of any script, apostrophes inside allowed."""
    return _WORD.findall(unicodedata.normalize("NFC", line).lower())


def tokenise(lines: Iterable[str]) -> TokenisedText:
    """Turn lines into numbers. Nothing is cut off, however long a line is.

    Raises:
        TextError: more than `MAX_DISTINCT_WORDS` distinct words.
    """
    index: dict[str, int] = {}
    ids: list[int] = []
    line_starts = [0]
    for line in lines:
        found = find_words(line)
        if not found:
            continue
        ids.extend([index.setdefault(word[:MAX_WORD_CHARS], len(index)) for word in found])
        line_starts.append(len(ids))
        if len(index) > MAX_DISTINCT_WORDS:
            raise TextError(
                f"The text has more than {MAX_DISTINCT_WORDS:,} distinct words; bring plain prose, or a shorter text."
            )
    return TokenisedText(list(index), np.array(ids, np.int32), np.array(line_starts, np.int64))


def join(texts: Iterable[TokenisedText]) -> TokenisedText:
    """Put several texts one after the other."""
    index: dict[str, int] = {}
    ids, starts, length = [], [np.zeros(1, np.int64)], 0
    for text in texts:
        renumber = np.array([index.setdefault(word, len(index)) for word in text.words], np.int32)
        ids.append(renumber[text.ids])
        starts.append(text.line_starts[1:] + length)
        length += len(text)
    return TokenisedText(list(index), np.concatenate(ids), np.concatenate(starts))


def build_corpus(text: TokenisedText, min_count: int) -> Corpus:
    """Keep the words that occur at least `min_count` times, numbered by falling frequency.

    Raises:
        TextError: fewer than two words are left, or no line has two of them.
    """
    frequent = np.flatnonzero(text.counts >= min_count)
    if len(frequent) < 2:
        top = int(text.counts.max(initial=0))
        raise TextError(
            f"Fewer than two distinct words occur at least {min_count} times (the most frequent one occurs {top} "
            f"times): lower the minimum count, or bring a longer text."
        )
    order = frequent[np.argsort(-text.counts[frequent], kind="stable")]
    renumber = np.full(len(text.words), -1, np.int32)
    renumber[order] = np.arange(len(order), dtype=np.int32)
    line_of = np.repeat(np.arange(len(text.line_starts) - 1, dtype=np.int32), np.diff(text.line_starts))
    ids = renumber[text.ids]
    kept = ids >= 0
    ids, line_of = ids[kept], line_of[kept]
    if not np.any(line_of[1:] == line_of[:-1]):
        raise TextError(
            f"No line holds two words that occur at least {min_count} times, so no word has a context: lower the "
            "minimum count, or bring text with longer lines."
        )
    return Corpus([text.words[i] for i in order], text.counts[order], ids, line_of, min_count)


def read_text_file(path: Path) -> TokenisedText:
    """Read a visitor's .txt.

    Raises:
        TextError: it is too large, not text, not UTF-8 or UTF-16, or holds fewer than two words.
    """
    size = path.stat().st_size
    if size > MAX_TEXT_BYTES:
        raise TextError(
            f"The file has {size / 2**20:.0f} MB; up to {MAX_TEXT_BYTES >> 20} MB of text can be used: "
            "cut it, for example with a text editor."
        )
    text = tokenise(decode_text(path.read_bytes()).splitlines())
    if len(text) < 2:
        raise TextError(f"The text has {_count_words(len(text))}; word2vec needs at least two to find a context.")
    return text


def _count_words(count: int) -> str:
    return {0: "no words", 1: "one word"}.get(count, f"{count} words")


def decode_text(data: bytes) -> str:
    """The text in a visitor's file: UTF-8, or UTF-16 where its first bytes say so.

    Raises:
        TextError: it is neither, or binary data.
    """
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise TextError(
            "The file is not UTF-8 text: save it as plain text with the encoding UTF-8 and choose it again."
        ) from None
    if len(_CONTROL.findall(text)) > CONTROL_SHARE_OF_BINARY * max(1, len(text)):
        raise TextError("The file looks like binary data, not text: choose a plain .txt file.")
    return text
