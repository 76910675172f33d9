"""The rows of the threat list that need the whole page over HTTP, and no browser."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest

from playground import shell
from playground.limits import HOSTED
from playground.session import SessionStore
from tests.playground.fuzzing import Attacker

TAB = "attention"
PATIENCE_SECONDS = 90.0
MAX_FRESH_THREADS = 12
"""Places and their pool, a map's, numba's and torch's own: a thread for each visitor would be far more."""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The page with one tab: it opens sooner, and what is tried here is the same for all."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("uploads")
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        limits = replace(HOSTED, client_bytes=1_000_000, file_bytes=400_000)
        store = SessionStore(HOSTED.max_runs, "cpu", limits=limits)
        demo = shell.build(store, [TAB])
        _, address, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **shell.launch_options(limits))
        yield SimpleNamespace(address=address, store=store, demo=demo)
        demo.close()
        store.close()


@pytest.fixture(scope="module")
def attacker(served) -> Attacker:
    return Attacker(served.address, served.demo)


@pytest.fixture
def client(served):
    with httpx.Client(base_url=served.address, timeout=PATIENCE_SECONDS) as made:
        yield made


def wait_for(ask, what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not ask():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def event(attacker: Attacker, name: str) -> int:
    (index,) = [i for i, one in attacker.events.items() if one.api_name == name]
    return index


def train(client: httpx.Client, attacker: Attacker, page: str) -> None:
    index = event(attacker, f"{TAB}_train")
    labels = {"Distance": 10, "Steps": 20_000}
    data = [labels.get(block.label, block.value) for block in attacker.events[index].inputs]
    body = {"fn_index": index, "data": data, "session_hash": page}
    assert client.post("gradio_api/queue/join", json=body).status_code == 200


def test_row_1_a_training_that_nobody_looks_at_any_more_ends(served, attacker, client):
    page = "someone who leaves"
    with client.stream("GET", f"gradio_api/heartbeat/{page}"):
        train(client, attacker, page)
        wait_for(lambda: served.store.of(page).runs.get(TAB) and served.store.of(page).runs[TAB].snapshot, "a slice")
        session = served.store.of(page)
        assert session.is_driven(TAB)
    wait_for(lambda: not session.is_driven(TAB), "the training to end")
    wait_for(lambda: served.store.counts()["places"] == 0, "the place to be given back")
    assert session.left is not None
    assert TAB in session.runs, "for the grace time it can be found again"


def test_row_3_two_hundred_joins_at_once_are_cut_off_and_the_page_still_answers(served, attacker, client, monkeypatch):
    index, gate = event(attacker, f"{TAB}_pause"), threading.Event()
    monkeypatch.setattr(served.demo.fns[index], "fn", lambda: gate.wait(PATIENCE_SECONDS) and None)
    queue, most = served.demo._queue, served.store.limits.queue
    body = {"fn_index": index, "data": []}
    answers = Counter(
        client.post("gradio_api/queue/join", json=body | {"session_hash": f"flood {i}"}).status_code for i in range(200)
    )
    assert set(answers) == {200, 503}
    assert most <= answers[200] <= most + 8, "as many as may wait, and those that run"
    assert len(queue) == most
    assert client.get("gradio_api/startup-events").status_code == 200
    gate.set()
    wait_for(lambda: len(queue) == 0, "the line to empty")
    assert client.post("gradio_api/queue/join", json=body | {"session_hash": "later"}).status_code == 200


def test_row_4_two_hundred_sessions_leave_no_more_than_the_cap(served, client, attacker):
    index = event(attacker, f"{TAB}_pause")
    for i in range(served.store.limits.sessions + 20):
        served.store.of(f"visitor {i}")
    client.post("gradio_api/run/predict", json={"fn_index": index, "data": [], "session_hash": "the last one"})
    assert served.store.counts()["sessions"] <= served.store.limits.sessions
    served.store.sweep(time.monotonic() + served.store.limits.idle_seconds + 1)
    assert served.store.counts()["sessions"] == 0


def test_row_5_sixty_uploads_of_a_megabyte_in_all_fill_no_more_than_the_quota(served, client):
    folder = Path(os.environ["GRADIO_TEMP_DIR"])

    def used() -> int:
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

    before = used()
    answers = Counter(
        client.post("gradio_api/upload", files={"files": (f"{i}.txt", bytes([i]) * 100_000)}).status_code
        for i in range(60)
    )
    assert set(answers) == {200, 413}
    assert used() - before <= served.store.limits.client_bytes
    for file in folder.rglob("*.txt"):
        file.unlink()


@pytest.mark.parametrize("name", ["page.html", "picture.svg"])
def test_row_6_an_uploaded_page_is_no_page_of_ours(client, name):
    body = b"<html><script>alert(1)</script></html>" if name.endswith("html") else b"<svg onload='alert(1)'/>"
    (path,) = client.post("gradio_api/upload", files={"files": (name, body)}).json()
    answer = client.get(f"gradio_api/file={path}")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    Path(path).unlink()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_row_14_another_site_finds_no_authority_to_borrow(client, origin):
    """An origin may be echoed, but there is nothing that a browser would add to its request: no cookie, no login."""
    for path in ("", "config", "gradio_api/info"):
        answer = client.get(path, headers={"Origin": origin})
        assert "set-cookie" not in answer.headers
    assert client.get("gradio_api/token", headers={"Origin": origin}).json() == {"token": None, "user": None}
    assert client.get("gradio_api/login_check", headers={"Origin": origin}).json() is None


@pytest.mark.parametrize("path", ["monitoring", "monitoring/summary", "monitoring/x", "gradio_api/runs"])
def test_row_15_nothing_is_told_of_other_visitors(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert len(answer.content) < 100


def test_row_16_four_runs_share_the_threads_of_the_machine(served, attacker, client):
    """Threads are counted when two train and when four do: the two more bring no threads of their own."""
    pages = [f"runner {i}" for i in range(4)]

    def training(count: int) -> bool:
        return sum(bool(served.store.of(page).runs.get(TAB)) for page in pages) >= count

    before = len(os.listdir("/proc/self/task"))
    for page in pages:
        train(client, attacker, page)
    wait_for(lambda: training(4), "four runs")
    wait_for(lambda: all(served.store.of(page).runs[TAB].snapshot for page in pages), "each to have trained")
    assert served.store.counts()["places"] == 4
    threads = len(os.listdir("/proc/self/task")) - before
    assert threads <= MAX_FRESH_THREADS, [thread.name for thread in threading.enumerate()]
    for page in pages:
        served.store.of(page).stop_all()
    wait_for(lambda: served.store.counts()["places"] == 0, "the runs to end")


def test_no_folder_is_served(served):
    assert isinstance(served.demo, gr.Blocks)
    assert served.demo.allowed_paths == []
