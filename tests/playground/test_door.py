"""What a request has to pass before Gradio sees it, on a page of one event."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import httpx
import pytest
from gradio_client import Client

from playground import shell
from playground.door import LEAST_CHARGE, MULTIPART_SLACK, Uploads
from playground.guard import Page, problem_of
from playground.limits import Limits

SMALL = Limits(file_bytes=200_000, client_bytes=500_000, upload_bytes=700_000, body_bytes=30_000)


def fails(text: str) -> str:
    if text == "bug":
        raise KeyError("an unforeseen error")
    if text == "memory":
        raise MemoryError
    if text == "disk":
        raise OSError(28, "No space left on device")
    return text


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        with Page() as demo:
            text, number, file = gr.Textbox(label="word"), gr.Slider(0, 1, label="ratio"), gr.File()
            text.submit(fails, text, text, api_name="say")
            number.change(lambda value: value, number, number, api_name="number")
            file.upload(lambda path: Path(path).name, file, text, api_name="file")
            text.change(fails, text, text, api_name=False)
        _, running, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **shell.launch_options(SMALL))
        yield running
        demo.close()


@pytest.fixture
def client(address) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=60) as made:
        yield made


CLOSED = [
    ("GET", "monitoring"),
    ("GET", "monitoring/summary"),
    ("GET", "monitoring/x"),
    ("GET", "gradio_api/dev/reload"),
    ("GET", "gradio_api/deep_link?session_hash=x"),
    ("GET", "gradio_api/runs"),
    ("GET", "gradio_api/run-history/buckets"),
    ("GET", "gradio_api/proxy=https://a.hf.space/"),
    ("POST", "gradio_api/vibe-edit"),
    ("GET", "gradio_api/vibe-code"),
    ("POST", "gradio_api/process_recording"),
    ("POST", "gradio_api/component_server"),
    ("GET", "gradio_api/stream/a/b/0/playlist.m3u8"),
    ("GET", "gradio_api/profiling/traces"),
]


@pytest.mark.parametrize(("method", "path"), CLOSED, ids=[path for _, path in CLOSED])
def test_routes_that_no_page_needs_are_closed(client, method, path):
    answer = client.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code == 404
    assert answer.json() == {"detail": "There is nothing here."}


@pytest.mark.parametrize("path", ["", "config", "gradio_api/info", "theme.css", "gradio_api/startup-events"])
def test_what_a_page_needs_is_open(client, path):
    assert client.get(path).status_code == 200


def test_who_only_asks_whether_it_answers_gets_no_page(client):
    answer = client.head("")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == 0


@pytest.mark.parametrize("path", ["call/nothing", "call/v2/nothing", "run/nothing", "api/nothing", "run/false"])
def test_an_endpoint_that_is_not_public_is_not_found(client, path):
    answer = client.post(f"gradio_api/{path}", json={"data": ["x"]})
    assert answer.status_code == 404
    assert "no endpoint of this name" in answer.json()["detail"]


BAD_JOINS = [
    {"data": ["x"], "fn_index": 12_345, "session_hash": "a"},
    {"data": ["x"], "fn_index": -1, "session_hash": "a"},
    {"data": ["x"], "session_hash": "a"},
    {"data": ["x"], "fn_index": 0},
]


@pytest.mark.parametrize("body", BAD_JOINS, ids=str)
def test_an_event_that_does_not_exist_is_the_senders_fault(client, caplog, body):
    with caplog.at_level(logging.WARNING):
        assert client.post("gradio_api/queue/join", json=body).status_code == 400
    assert caplog.text == ""


@pytest.mark.parametrize("value", ["x", ["x"], {"a": 1}, True])
def test_a_value_of_another_kind_is_refused_in_a_sentence(client, capfd, value):
    answer = client.post("gradio_api/run/number", json={"data": [value]})
    assert answer.status_code == 400
    assert "takes a number" in answer.json()["error"] or "can't be used here" in answer.json()["error"]
    assert "Traceback" not in "".join(capfd.readouterr())


KINDS = [
    (gr.Textbox, "a", ["a"]),
    (gr.HTML, "<b>", 5),
    (gr.Number, 2.5, {"a": 1}),
    (gr.Number, -1, True),
    (gr.Slider, 1, [1]),
    (gr.Checkbox, True, "yes"),
    (gr.Radio, "a", ["a"]),
    (gr.Dropdown, "a", {"a": "b"}),
]


@pytest.mark.parametrize(("kind", "good", "bad"), KINDS)
def test_each_widget_knows_its_kind(kind, good, bad):
    with gr.Blocks():
        widget = kind(label="<this>")
    assert problem_of(widget, good) == ""
    assert problem_of(widget, None) == "", "an empty field is the handler's affair"
    assert problem_of(widget, bad).startswith("“<this>”")


@pytest.mark.parametrize("data", [[], ["a", "b"], [{"path": "/etc/passwd"}]])
def test_a_wrong_number_of_values_and_a_path_are_refused_without_a_traceback(client, capfd, data):
    assert client.post("gradio_api/run/file", json={"data": data}).status_code == 400
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(("text", "said"), [("memory", "ran out of memory"), ("disk", "disk is full")])
def test_a_handler_that_meets_bad_luck_says_so(client, text, said):
    answer = client.post("gradio_api/run/say", json={"data": [text]})
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert client.post("gradio_api/run/say", json={"data": ["well"]}).json()["data"] == ["well"]


def test_a_fault_of_ours_stays_one_and_tells_strangers_nothing(client):
    answer = client.post("gradio_api/run/say", json={"data": ["bug"]})
    assert answer.status_code == 500
    assert "unforeseen" not in answer.text


def test_a_stream_that_nobody_asked_for_ends_without_a_traceback(client, capfd):
    answer = client.get("gradio_api/queue/data?session_hash=nobody")
    assert "session_not_found" in answer.text
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_large_request_is_refused(client):
    answer = client.post("gradio_api/run/say", json={"data": ["x" * 40_000]})
    assert answer.status_code == 413
    assert "send less" in answer.json()["detail"]


def test_a_large_request_that_hides_its_length_is_refused(client):
    chunks = (b'{"data": ["', *[b"x" * 10_000] * 5, b'"]}')
    answer = client.post("gradio_api/run/say", content=iter(chunks), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


def upload(client: httpx.Client, size: int, name: str = "a.txt") -> httpx.Response:
    return client.post("gradio_api/upload", files={"files": (name, bytes([len(name)]) * size)})


def test_a_file_above_the_limit_is_refused_before_it_is_read(client):
    answer = upload(client, SMALL.file_bytes + MULTIPART_SLACK)
    assert answer.status_code == 413
    assert "can be uploaded here" in answer.json()["detail"]


def test_uploads_that_nobody_takes_fill_a_quota_and_no_more(client, tmp_path):
    kept = []
    for name in itertools.islice((f"{'n' * i}.txt" for i in itertools.count(1)), 6):
        answer = upload(client, 150_000, name)
        if answer.status_code == 413:
            break
        kept += [Path(path) for path in answer.json()]
    assert "Your uploads together" in answer.json()["detail"]
    assert 300_000 <= sum(path.stat().st_size for path in kept) <= SMALL.client_bytes
    for path in kept:  # a handler that has read its file deletes it
        path.unlink()
    assert upload(client, 150_000, "again.txt").status_code == 200


def test_all_clients_together_have_a_quota(tmp_path):
    uploads = Uploads()
    for client in "abc":
        file = tmp_path / client
        file.write_bytes(bytes(200_000))
        uploads.begin(client, 200_000)
        uploads.end(client, 200_000, [file])
    assert uploads.charged("d") == (0, 600_000)
    assert "Other visitors" in uploads.refusal("d", 150_000, SMALL)
    (tmp_path / "a").unlink()
    assert uploads.refusal("d", 150_000, SMALL) == ""


def test_tiny_files_are_charged_as_if_they_were_larger(tmp_path):
    uploads = Uploads()
    counted = SMALL.client_bytes // LEAST_CHARGE
    for number in range(counted):
        assert uploads.refusal("a", 1, SMALL) == ""
        file = tmp_path / str(number)
        file.write_bytes(b"x")
        uploads.begin("a", 1)
        uploads.end("a", 1, [file])
    assert uploads.charged("a") == (counted * LEAST_CHARGE,) * 2
    assert "Your uploads together" in uploads.refusal("a", 1, SMALL)


def test_an_upload_looks_once_at_each_file_that_lies_there(tmp_path, monkeypatch):
    uploads = Uploads()
    file = tmp_path / "a"
    file.write_bytes(b"x")
    uploads.begin("a", 1)
    uploads.end("a", 1, [file])
    looks = []
    monkeypatch.setattr(Path, "exists", lambda path: not looks.append(path))
    assert uploads.refusal("a", 1, SMALL) == ""
    assert looks == [file]


def test_a_file_of_exactly_the_limit_is_taken(client):
    answer = upload(client, SMALL.file_bytes, "whole.txt")
    assert answer.status_code == 200
    (path,) = map(Path, answer.json())
    assert path.stat().st_size == SMALL.file_bytes
    path.unlink()


def test_what_is_on_its_way_counts_until_it_has_come_or_failed():
    uploads = Uploads()
    uploads.begin("a", 450_000)
    assert uploads.refusal("a", 100_000, SMALL)
    uploads.end("a", 450_000, [])
    assert uploads.refusal("a", 100_000, SMALL) == ""
    assert uploads.charged("a") == (0, 0)


def test_a_page_that_closes_waits_for_the_handler_that_still_runs():
    begun, ended = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        time.sleep(1.0)
        ended.set()

    with Page() as demo:
        gr.Button().click(slow, api_name="slow")
    demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **shell.launch_options(SMALL))
    Client(demo.local_url, verbose=False).submit(api_name="/slow")
    assert begun.wait(60)
    demo.close(verbose=False)
    assert ended.is_set()
