"""GloVe by name: from a server of our own, and where there is none."""

from __future__ import annotations

import gzip
import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from backends.word2vec import named_vectors
from backends.word2vec.named_vectors import CATALOGUE, NamedVectors, load_named
from backends.word2vec.vectors_file import VectorsFileError

NAME = "glove-tiny-4"
CONTENT = gzip.compress(b"40 4\n" + b"".join(b"word%d %d 1 2 3\n" % (i, i) for i in range(40)))
NO_NETWORK = "There is no network here: choose a vectors file from this computer instead."


class Server:
    """Serves one body at every address, and remembers what was asked for."""

    def __init__(self) -> None:
        server = self
        self.body, self.status, self.location = CONTENT, 200, ""
        self.asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                self.send_response(server.status)
                if server.location:
                    self.send_header("Location", server.location)
                self.end_headers()
                self.wfile.write(server.body)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture(autouse=True)
def _tiny(monkeypatch, tmp_path):
    entry = NamedVectors(NAME, "tiny", len(CONTENT), hashlib.md5(CONTENT).hexdigest())
    monkeypatch.setitem(CATALOGUE, NAME, entry)
    monkeypatch.setenv("GENSIM_DATA_DIR", str(tmp_path / "gensim-data"))


def refusal(**arguments: object) -> str:
    with pytest.raises(VectorsFileError) as caught:
        load_named(NAME, **arguments)
    return str(caught.value)


def test_vectors_are_fetched_once_and_then_read_from_the_cache(server, tmp_path):
    cache = tmp_path / "cache"
    loaded = load_named(NAME, cache=cache, base_url=server.address)
    assert len(loaded.vectors) == 40
    np.testing.assert_array_equal(loaded.vectors.vectors[3], [3, 1, 2, 3])
    assert server.asked == [f"/{NAME}/{NAME}.gz"]
    assert [path.name for path in cache.iterdir()] == [f"{NAME}.gz"]
    load_named(NAME, cache=cache, base_url=server.address)
    assert len(server.asked) == 1


def test_what_gensims_downloader_has_fetched_is_used(tmp_path):
    path = tmp_path / "gensim-data" / NAME / f"{NAME}.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert len(load_named(NAME, cache=tmp_path / "cache", base_url="http://127.0.0.1:9").vectors) == 40


@pytest.mark.parametrize(
    "body", [CONTENT + b"x", CONTENT[:-1], bytes(len(CONTENT)), b"", b"x" * 5_000_000], ids=lambda body: str(len(body))
)
def test_anything_but_the_published_file_is_refused_and_not_kept(server, tmp_path, body):
    server.body = body
    assert "is not the published file" in refusal(cache=tmp_path / "cache", base_url=server.address)
    assert list((tmp_path / "cache").iterdir()) == []


def test_no_more_is_taken_than_was_published(tmp_path):
    class Endless:
        given = 0

        def read(self, most: int) -> bytes:
            self.given += most
            assert self.given < 1 << 22, "it reads on and on"
            return bytes(most)

    with pytest.raises(VectorsFileError, match="not the published file"), (tmp_path / "kept").open("wb") as file:
        list(named_vectors._copy(CATALOGUE[NAME], Endless(), file))
    assert (tmp_path / "kept").stat().st_size <= len(CONTENT)


def test_the_servers_refusal_is_said(server, tmp_path):
    server.status = 404
    assert "answered 404" in refusal(cache=tmp_path / "cache", base_url=server.address)


def test_a_redirection_is_followed(server, tmp_path):
    other = Server()
    server.status, server.location = 302, f"{other.address}/elsewhere"
    assert len(load_named(NAME, cache=tmp_path / "cache", base_url=server.address).vectors) == 40
    assert other.asked == ["/elsewhere"]
    other.http.shutdown()
    other.http.server_close()


def test_no_redirection_leaves_https():
    from urllib.error import URLError
    from urllib.request import Request

    handler = named_vectors._StaysEncrypted()
    with pytest.raises(URLError, match="away from https"):
        handler.redirect_request(Request("https://a.example/x"), None, 302, "", {}, "http://a.example/x")
    assert handler.redirect_request(Request("https://a.example/x"), None, 302, "", {}, "https://b.example/x")


def test_without_a_network_one_sentence_comes_at_once(tmp_path):
    begun = time.monotonic()
    assert refusal(cache=tmp_path / "cache", base_url="http://127.0.0.1:9") == NO_NETWORK
    assert time.monotonic() - begun < named_vectors.STALL_SECONDS
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_real_address_answers_or_is_given_up_within_five_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr(named_vectors, "_copy", lambda *_: iter([1.0]))
    begun = time.monotonic()
    refusal(cache=tmp_path / "cache")
    assert time.monotonic() - begun < named_vectors.STALL_SECONDS


def test_a_server_that_never_answers_is_given_up_within_five_seconds(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert refusal(cache=tmp_path / "cache", base_url=address) == NO_NETWORK
        assert time.monotonic() - begun < named_vectors.STALL_SECONDS


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "word2vec-google-news-300", "glove", 5])
def test_only_names_of_the_list_are_looked_for(name, server, tmp_path):
    with pytest.raises(VectorsFileError, match="There are no vectors of the name"):
        load_named(name, cache=tmp_path / "cache", base_url=server.address)
    assert server.asked == []


def test_the_list_is_complete():
    for name, entry in CATALOGUE.items():
        assert name == entry.name
        assert Path(name).name == name
        assert len(entry.md5) == 32
    assert named_vectors.BASE_URL.startswith("https://github.com/")
