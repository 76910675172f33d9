"""What is everybody's is made once and the same for all; what isn't, is asked of the app each time."""

from __future__ import annotations

import asyncio
from typing import Any

import brotli
import pytest

from playground.kept_answers import MOST_BYTES, MOST_FILES, MOST_PAGES, KeptAnswers

PAGE = b"<html>" + b"a page " * 500
STATIC = "/gradio_api/file=/a%20folder/bar.js"


class App:
    """Counts what it is asked; says what it is told to say."""

    def __init__(self, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = (), body: bytes = PAGE) -> None:
        self.asked: list[str] = []
        self.status, self.headers, self.body = status, headers, body

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"])
        await asyncio.sleep(0)
        headers = [(b"content-type", b"text/html"), (b"content-length", str(len(self.body)).encode()), *self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        half = len(self.body) // 2
        await send({"type": "http.response.body", "body": self.body[:half], "more_body": True})
        await send({"type": "http.response.body", "body": self.body[half:]})


async def get(kept: KeptAnswers, path: str, query: bytes = b"", method: str = "GET", **headers: str) -> Any:
    """Status, headers and body of an answer, the body as it came."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "query_string": query, "scheme": "http",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    await kept(scope, None, send)  # type: ignore[arg-type]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


def ask(kept: KeptAnswers, path: str, **options: Any) -> Any:
    return asyncio.run(get(kept, path, **options))


@pytest.mark.parametrize("path", ["/", "/assets/a.js", "/assets/a.css", "/gradio_api/file=/a folder/bar.js"])
def test_everybody_s_answer_is_made_once(path):
    app = App()
    kept = KeptAnswers(app, [STATIC])
    answers = [ask(kept, path, accept_encoding="gzip, br;q=0.9"), ask(kept, path), ask(kept, path)]
    assert app.asked == [path]
    status, headers, body = answers[0]
    assert (status, headers[b"content-encoding"], headers[b"content-type"]) == (200, b"br", b"text/html")
    assert brotli.decompress(body) == PAGE
    assert len(body) == int(headers[b"content-length"]) < len(PAGE) / 5
    for status, headers, body in answers[1:]:
        assert (status, body, b"content-encoding" in headers) == (200, PAGE, False)
        assert int(headers[b"content-length"]) == len(PAGE)
        assert headers[b"vary"] == b"accept-encoding"


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/gradio_api/file=/somebody/upload.png", {}),
        ("/assets/a.png", {}),
        ("/gradio_api/queue/data", {}),
        ("/", {"query": b"deep_link=x"}),
        ("/", {"method": "POST"}),
        ("/assets/a.js", {"range": "bytes=0-3"}),
        ("/assets/a.js", {"if_none_match": "tag"}),
        ("/", {"authorization": "Bearer x"}),
    ],
)
def test_what_is_one_visitor_s_is_asked_each_time(path, options):
    app = App()
    kept = KeptAnswers(app, [STATIC])
    for _ in range(2):
        assert ask(kept, path, **options)[2] == PAGE
    assert len(app.asked) == 2


def test_each_address_has_a_page_of_its_own_and_a_flood_of_names_stays_small():
    app = App()
    kept = KeptAnswers(app, [])
    ask(kept, "/", host="one.example")
    ask(kept, "/", host="two.example")
    ask(kept, "/", host="one.example", x_forwarded_proto="https")
    assert len(app.asked) == 3
    for number in range(4 * MOST_PAGES):
        ask(kept, "/", host=f"{number}.example")
        ask(kept, "/assets/a.js", host=f"{number}.example")
    assert len(kept._pages) == MOST_PAGES
    assert app.asked.count("/assets/a.js") == 1
    for number in range(MOST_FILES + 5):
        ask(kept, f"/assets/{number}.js")
    assert len(kept._files) == MOST_FILES


@pytest.mark.parametrize(
    "app",
    [
        App(status=404),
        App(status=500),
        App(headers=((b"set-cookie", b"a=b"),)),
        App(headers=((b"content-encoding", b"gzip"),)),
        App(body=b"x" * (MOST_BYTES + 10)),
    ],
    ids=["missing", "broken", "cookie", "coded", "large"],
)
def test_what_is_no_good_answer_goes_through_and_is_not_kept(app):
    app.asked.clear()
    kept = KeptAnswers(app, [])
    for _ in range(2):
        status, _, body = ask(kept, "/", accept_encoding="br")
        assert (status, body) == (app.status, app.body)
    assert len(app.asked) == 2


def test_who_comes_while_it_is_made_waits_for_the_same_answer():
    app = App()
    kept = KeptAnswers(app, [])

    async def crowd() -> list[Any]:
        return await asyncio.gather(*[get(kept, "/") for _ in range(8)])

    assert {body for _, _, body in asyncio.run(crowd())} == {PAGE}
    assert app.asked == ["/"]


def test_half_an_answer_is_kept_for_nobody():
    class Stops(App):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if self.asked:
                await super().__call__(scope, receive, send)
                return
            self.asked.append(scope["path"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": PAGE[:100], "more_body": True})

    app = Stops()
    kept = KeptAnswers(app, [])

    async def leave() -> None:
        async def send(message: Any) -> None:
            raise AssertionError("nobody is there")

        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
        await kept(scope, None, send)

    asyncio.run(leave())
    assert ask(kept, "/")[2] == PAGE
    assert app.asked == ["/", "/"]
