"""The text of a run: lines as they were written, and the part of them that is held out for measuring."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from backends.data import corpora
from backends.data.corpora import BUILT_IN, CENTURY_TURN, ENCYCLOPEDIA, EVERYTHING, OWN_TEXT, SPEECHES
from backends.data.text import MAX_TEXT_BYTES, TextError, decode_text

HELD_OUT_EVERY = 20
"""Of so many blocks of lines, the last is held out."""
BLOCK_LINES = 100
"""So that what is held out is mostly from passages that training has not seen the half of."""
FEWEST_LINES = 2 * HELD_OUT_EVERY
"""A text of fewer lines is cut at the ends of sentences, or else into stretches of `STRETCH_WORDS`."""
STRETCH_WORDS = 30
FEWEST_WORDS = 200
MAX_WORD_CHARS = 200
"""Longer ones, such as a whole text in a script without spaces, are parted: learning merges takes time with a word's
length times their number."""
OWN_SOURCE, OWN_LICENCE = "Your own text", "yours"

_SENTENCE_END = re.compile(r"(?<=[.!?。！？؟।])\s+")
_MARKUP = re.compile(r"'{2,}|={2,}|^[*#:;]+\s*")
_LONG_WORD = re.compile(rf"(\S{{{MAX_WORD_CHARS}}})(?=\S)")
_loading = threading.Lock()


@dataclass(frozen=True, eq=False)
class LanguageText:
    """Lines to learn from, and lines that are only measured on.

    Attributes:
        train: to learn from; the tokenizer too is learned from them.
        held_out: of which none stands among the former.
        source: where the text is from.
        licence: of the text.
    """

    train: tuple[str, ...]
    held_out: tuple[str, ...]
    source: str
    licence: str


def load_text(corpus: str, lines: Sequence[str] | None = None) -> LanguageText:
    """Return a run's text, split; the built-in ones are read once and shared.

    Args:
        corpus: a key of `backends.data.corpora.BUILT_IN`, or "own".
        lines: the visitor's own; needed when `corpus` is "own", ignored otherwise.

    Raises:
        TextError: there is no such text, or own text is missing or too short.
    """
    if corpus != OWN_TEXT:
        if corpus not in BUILT_IN:
            raise TextError(f"There is no built-in text {corpus[:40]!r}; choose from {', '.join(BUILT_IN)}.")
        with _loading:
            return _built_in(corpus)
    if lines is None:
        raise TextError("No text of your own is here yet: choose a .txt file, or pick a built-in text.")
    return split_lines(lines, OWN_SOURCE, OWN_LICENCE)


def read_text_lines(path: Path) -> tuple[str, ...]:
    """Read a visitor's .txt as lines, just as they are written.

    Raises:
        TextError: it is too large, or not text.
    """
    size = path.stat().st_size
    if size > MAX_TEXT_BYTES:
        raise TextError(
            f"The file has {size / 2**20:.0f} MB; up to {MAX_TEXT_BYTES >> 20} MB of text can be used: "
            "cut it, for example with a text editor."
        )
    return tuple(decode_text(path.read_bytes()).splitlines())


def clean_text(text: str) -> str:
    """Replace what is no character (lone surrogates), and join what white space of any kind parts by one space."""
    return " ".join(text.encode("utf-8", "replace").decode().split())


def split_lines(lines: Iterable[str], source: str, licence: str) -> LanguageText:
    """Hold out the last of every `HELD_OUT_EVERY` blocks of lines, and from it what also stands in the others.

    Blocks are of `BLOCK_LINES`, or of fewer where the text is so short that none would be held out.

    Raises:
        TextError: fewer than `FEWEST_WORDS` words, or every line held out is also among the others.
    """
    cleaned = [_LONG_WORD.sub(r"\1 ", clean) for line in lines if (clean := clean_text(line))]
    words = sum(len(line.split()) for line in cleaned)
    if words < FEWEST_WORDS and sum(map(len, cleaned)) < 5 * FEWEST_WORDS:  # not every script parts words
        raise TextError(f"The text has {words} words; at least {FEWEST_WORDS} are needed to learn from and to test on.")
    kept = _pieces(cleaned)
    train, held_out = _held_out(kept)
    if not held_out:
        train, held_out = _held_out(list(dict.fromkeys(kept)))
    if not held_out:
        raise TextError("The text repeats itself so much that nothing new is left to test on: bring a longer one.")
    return LanguageText(tuple(train), tuple(held_out), source, licence)


def _held_out(lines: list[str]) -> tuple[list[str], list[str]]:
    """Lines to learn from, and lines held out."""
    block = max(1, min(BLOCK_LINES, len(lines) // HELD_OUT_EVERY))
    train: list[str] = []
    aside: list[str] = []
    for number, line in enumerate(lines):
        (aside if number // block % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 else train).append(line)
    known = set(train)
    return train, [line for line in aside if line not in known]


def _pieces(lines: list[str]) -> list[str]:
    """Cut a text of few lines finer, so that some can be held out."""
    if len(lines) >= FEWEST_LINES:
        return lines
    sentences = [sentence for line in lines for sentence in _SENTENCE_END.split(line) if sentence]
    if len(sentences) >= FEWEST_LINES:
        return sentences
    words = " ".join(lines).split(" ")
    size = max(1, min(STRETCH_WORDS, len(words) // FEWEST_LINES))
    stretches = [" ".join(words[start : start + size]) for start in range(0, len(words), size)]
    if len(stretches) >= FEWEST_LINES:
        return stretches
    whole = " ".join(lines)  # a script without spaces
    size = max(1, min(5 * STRETCH_WORDS, len(whole) // FEWEST_LINES))
    return [whole[start : start + size] for start in range(0, len(whole), size)]


@lru_cache(maxsize=len(BUILT_IN))
def _built_in(corpus: str) -> LanguageText:
    info = BUILT_IN[corpus]
    return split_lines(_lines_of(corpus), info.source, info.licence)


def _lines_of(corpus: str) -> Iterator[str]:
    if corpus == EVERYTHING.key:
        yield from _lines_of(SPEECHES.key)
        yield from _lines_of(ENCYCLOPEDIA.key)
    elif corpus == ENCYCLOPEDIA.key:
        yield from (_MARKUP.sub("", line) for line in corpora.encyclopedia_lines())
    elif corpus == SPEECHES.key:
        yield from corpora.speech_lines()
    elif corpus == corpora.SPEECHES_BEFORE_1900.key:
        yield from corpora.speech_lines(last_year=CENTURY_TURN - 1)
    else:
        yield from corpora.speech_lines(first_year=CENTURY_TURN)
