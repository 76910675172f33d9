"""The first page is made before the first visitor comes; where that fails, the app starts all the same."""

from __future__ import annotations

import http.server
import threading

import pytest

from playground.warm_up import first_page


@pytest.mark.parametrize("status", [200, 500])
def test_the_page_is_asked_for_as_a_browser_does(status, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    asked: list[tuple[str, str | None, str | None]] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["accept-encoding"], self.headers["host"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        host = f"127.0.0.1:{server.server_address[1]}"
        first_page(f"http://{host}/")
        server.shutdown()
    assert asked == [("/", "br", host)]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/", "http://nowhere.invalid/"])
def test_an_address_that_does_not_answer_is_no_error(address):
    first_page(address)
