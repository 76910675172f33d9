"""The rows of the threat list that a stranger can try over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from gradio_client import Client

from tests.browser.conftest import Server

pytestmark = pytest.mark.browser
TECHNIQUE = "word2vec"

EVIL_NUMBERS = [float("nan"), float("inf"), -1, 1e30, "<b>x</b>", None, [1, 2], {"a": 1}]


@pytest.fixture(scope="module")
def client(server_of: Callable[[str | None], Server]) -> Client:
    return Client(server_of(TECHNIQUE).address, verbose=False)


def settings(**changes: object) -> list[object]:
    from backends.word2vec.config import Word2VecConfig

    return list({**Word2VecConfig().model_dump(), **changes}.values())


def call(server: Server, name: str, values: list[object]) -> str:
    """Call a handler past the page, with any JSON (NaN too), and return everything that it says."""
    body = json.dumps({"data": values}).encode()
    request = urllib.request.Request(
        f"{server.address}gradio_api/call/{name}", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        event = json.load(answer)["event_id"]
    _, _, stream = get(f"{server.address}gradio_api/call/{name}/{event}")
    return stream.decode()


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


@pytest.mark.parametrize("value", EVIL_NUMBERS, ids=repr)
def test_settings_past_the_widgets_are_refused(server: Server, value: object):
    said = call(server, "word2vec_step", settings(window=value))
    assert "event: complete" not in said or 'role=\\"alert\\"' in said
    assert "Traceback" not in said
    assert "<b>x</b>" not in said


def test_a_setting_that_passes_the_widget_is_refused_by_the_config_in_a_sentence(server: Server):
    said = call(server, "word2vec_step", settings(window=2.5))
    assert "Window (window) is 2.5; it must be a whole number from 1 to 20." in said


def test_a_very_long_word_is_cut_in_the_answer(client: Client):
    answer = client.predict("x" * 200_000, "man", "woman", api_name="/word2vec_analogy")
    assert len(str(answer[0])) < 1000


def test_fifty_thousand_words_are_not_compared(client: Client):
    assert "up to 50" in client.predict("king queen " * 25_000, api_name="/word2vec_odd_one_out")


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../../etc/passwd", "app.py", "requirements.txt"])
def test_no_file_of_the_server_can_be_fetched(server: Server, path: str):
    status, _, body = get(f"{server.address}gradio_api/file={path}")
    assert status in (403, 404)
    assert b"root:" not in body
    assert b"import" not in body


def test_no_path_from_a_visitor_is_opened(server: Server):
    said = call(server, "word2vec_own_text", [{"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}])
    assert "event: error" in said


def test_monitoring_is_closed(server: Server):
    for path in ("monitoring", "monitoring/summary", "gradio_api/monitoring/summary"):
        status, _, body = get(f"{server.address}{path}")
        assert status in (401, 403, 404) or b"not enabled" in body.lower() or b"false" in body.lower()
