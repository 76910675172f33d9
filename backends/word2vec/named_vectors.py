"""GloVe vectors by name, from the releases of gensim-data, where there is a network.

`gensim.downloader` would run the Python code that lies beside each data file; here only the data file is fetched, its
size and checksum are compared with the published ones, and it goes through the same door as a visitor's file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.word2vec.vectors_file import LoadedVectors, VectorsFileError, read_vectors

BASE_URL = "https://github.com/piskvorky/gensim-data/releases/download"
LICENCE = "GloVe (Pennington, Socher and Manning, 2014), Public Domain Dedication and License"
OPEN_SECONDS = 4.5
"""Until the first answer, name look-up included: a visitor without a network waits no longer."""
STALL_SECONDS = 10.0
DOWNLOAD_SECONDS = 600.0
CHUNK_BYTES = 1 << 18
REPORT_SECONDS = 0.3


@dataclass(frozen=True)
class NamedVectors:
    """A file of gensim-data: its name, what it is, and what its publisher says of it (list.json)."""

    name: str
    title: str
    size: int
    md5: str


_WIKI = "Wikipedia and news, 400,000 words"
_TWITTER = "Twitter, 1.2 million words"
CATALOGUE: dict[str, NamedVectors] = {
    entry.name: entry
    for entry in (
        NamedVectors("glove-wiki-gigaword-50", f"{_WIKI}, 50 dimensions", 69182535, "c289bc5d7f2f02c6dc9f2f9b67641813"),
        NamedVectors(
            "glove-wiki-gigaword-100", f"{_WIKI}, 100 dimensions", 134300434, "40ec481866001177b8cd4cb0df92924f"
        ),
        NamedVectors(
            "glove-wiki-gigaword-200", f"{_WIKI}, 200 dimensions", 264336934, "59652db361b7a87ee73834a6c391dfc1"
        ),
        NamedVectors(
            "glove-wiki-gigaword-300", f"{_WIKI}, 300 dimensions", 394362229, "29e9329ac2241937d55b852e8284e89b"
        ),
        NamedVectors("glove-twitter-25", f"{_TWITTER}, 25 dimensions", 109885004, "50db0211d7e7a2dcd362c6b774762793"),
        NamedVectors("glove-twitter-50", f"{_TWITTER}, 50 dimensions", 209216938, "c168f18641f8c8a00fe30984c4799b2b"),
    )
}


def load_named(name: str, *, cache: Path | None = None, base_url: str = BASE_URL) -> LoadedVectors:
    """Return GloVe vectors by their gensim-data name; fetched once, then read from the user's cache folder.

    Raises:
        VectorsFileError: there is no such name, no network, or what came is not what was published.
    """
    for _ in fetch(name, cache=cache, base_url=base_url):
        pass
    return read_fetched(name, cache=cache)


def fetch(name: str, *, cache: Path | None = None, base_url: str = BASE_URL) -> Iterator[float]:
    """Bring the file into the cache; yields the share that has arrived, in [0, 1]. Nothing is done if it is there.

    Raises:
        VectorsFileError: there is no such name, no network, or what came is not what was published.
    """
    entry = _entry(name)
    if find_fetched(name, cache=cache) is not None:
        return
    target = _cache_path(entry, cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{entry.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file, contextlib.closing(_open(f"{base_url}/{name}/{name}.gz")) as answer:
            yield from _copy(entry, answer, file)
        Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)


def find_fetched(name: str, *, cache: Path | None = None) -> Path | None:
    """Where the file lies on this machine: in our cache, or where gensim's own downloader would put it."""
    entry = _entry(name)
    gensim_folder = Path(os.environ.get("GENSIM_DATA_DIR") or Path.home() / "gensim-data")
    for path in (_cache_path(entry, cache), gensim_folder / entry.name / f"{entry.name}.gz"):
        if path.is_file() and path.stat().st_size == entry.size:
            return path
    return None


def read_fetched(name: str, *, cache: Path | None = None) -> LoadedVectors:
    """Read what `fetch` has brought.

    Raises:
        VectorsFileError: it isn't there.
    """
    path = find_fetched(name, cache=cache)
    if path is None:
        raise VectorsFileError(f"{name} is not on this machine: fetch it first.")
    return read_vectors(path, max_bytes=_entry(name).size)


def _entry(name: str) -> NamedVectors:
    if name not in CATALOGUE:
        raise VectorsFileError(
            f"There are no vectors of the name {str(name)[:40]!r}; choose from {', '.join(CATALOGUE)}."
        )
    return CATALOGUE[name]


def _cache_path(entry: NamedVectors, cache: Path | None) -> Path:
    folder = cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ssl-playground"
    return folder / f"{entry.name}.gz"


def _copy(entry: NamedVectors, answer: Any, file: Any) -> Iterator[float]:
    """Copy an answer into a file, never more than was published, and compare its checksum."""
    checksum = hashlib.md5(usedforsecurity=False)
    begun = reported = time.monotonic()
    done = 0
    while chunk := _read_chunk(entry, answer):
        done += len(chunk)
        now = time.monotonic()
        if done > entry.size:
            break
        if now - begun > DOWNLOAD_SECONDS:
            raise VectorsFileError(
                f"{entry.name} did not arrive within {DOWNLOAD_SECONDS / 60:.0f} minutes: try smaller vectors."
            )
        file.write(chunk)
        checksum.update(chunk)
        if now - reported > REPORT_SECONDS:
            reported = now
            yield done / entry.size
    if done != entry.size or checksum.hexdigest() != entry.md5:
        raise VectorsFileError(f"What arrived for {entry.name} is not the published file: try again later.")
    yield 1.0


def _read_chunk(entry: NamedVectors, answer: Any) -> bytes:
    try:
        return bytes(answer.read(CHUNK_BYTES))
    except OSError:
        raise VectorsFileError(f"The connection broke while {entry.name} was arriving: try again.") from None


def _open(url: str) -> Any:
    """Open an address in a thread of its own, because looking a name up has no time limit.

    Raises:
        VectorsFileError: nothing answered in time.
    """
    answers: queue.Queue[Any] = queue.Queue(1)

    def work() -> None:
        try:
            opener = urllib.request.build_opener(_StaysEncrypted)
            answers.put(opener.open(url, timeout=STALL_SECONDS))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=work, name="fetch-vectors", daemon=True).start()
    try:
        answer = answers.get(timeout=OPEN_SECONDS)
    except queue.Empty:
        answer = TimeoutError()
    if isinstance(answer, urllib.error.HTTPError):
        raise VectorsFileError(f"The server of gensim-data answered {answer.code}: try again later, or choose a file.")
    if isinstance(answer, Exception):
        raise VectorsFileError("There is no network here: choose a vectors file from this computer instead.")
    return answer


class _StaysEncrypted(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but not from https to anything else."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise urllib.error.URLError("redirected away from https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
