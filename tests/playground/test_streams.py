"""A page's stream of answers outlives its last answer for a while, and what is asked meanwhile comes through it."""

from __future__ import annotations

import json
import queue
import threading
import time

import gradio as gr
import httpx
import pytest

from playground.streams import keep_streams_open

LINGER = 1.0


def one_more(number: float) -> float:
    time.sleep(number if number == 2 * LINGER else 0)
    return number + 1


@pytest.fixture
def address():
    with gr.Blocks() as demo:
        asked, answer, button = gr.Number(), gr.Number(), gr.Button()
        button.click(one_more, asked, answer)
    demo.queue()
    held = keep_streams_open(demo, LINGER)
    _, where, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield where, held
    demo.close()


def ask(client: httpx.Client, number: int) -> str:
    about = {"data": [number], "fn_index": 0, "session_hash": "page"}
    return str(client.post("gradio_api/queue/join", json=about).json()["event_id"])


def listen(client: httpx.Client, heard: queue.Queue) -> None:
    with client.stream("GET", "gradio_api/queue/data", params={"session_hash": "page"}, timeout=60) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:"):
                heard.put((time.monotonic(), json.loads(line[5:])))
    heard.put((time.monotonic(), {"msg": "end"}))


def wait_for(heard: queue.Queue, kind: str) -> tuple[float, dict]:
    while True:
        when, message = heard.get(timeout=60)
        if message["msg"] == kind:
            return when, message


def test_a_second_question_is_answered_on_the_stream_of_the_first_and_then_it_closes(address):
    where, held = address
    heard: queue.Queue = queue.Queue()
    with httpx.Client(base_url=where) as client:
        first = ask(client, 1)
        listener = threading.Thread(target=listen, args=(client, heard))
        listener.start()
        answered, message = wait_for(heard, "process_completed")
        assert (message["event_id"], message["output"]["data"]) == (first, [2])
        time.sleep(LINGER / 3)  # without the lingering the stream is closed by now
        second = ask(client, 5)
        _, message = wait_for(heard, "process_completed")
        assert (message["event_id"], message["output"]["data"]) == (second, [6])
        closed, _ = wait_for(heard, "close_stream")
        assert closed - answered > LINGER / 3
        wait_for(heard, "end")
        listener.join()
    assert held == {}


def test_a_page_that_went_away_is_not_held(address):
    where, held = address
    with httpx.Client(base_url=where) as client:
        ask(client, 1)
        with client.stream("GET", "gradio_api/queue/data", params={"session_hash": "page"}) as stream:
            next(stream.iter_lines())
        assert list(held) == ["page"]
    end = time.monotonic() + 20
    while held and time.monotonic() < end:
        time.sleep(0.1)
    assert held == {}


def test_a_long_answer_is_waited_for(address):
    where, held = address
    with httpx.Client(base_url=where) as client:
        ask(client, 2 * LINGER)
        time.sleep(1.5 * LINGER)
        assert list(held) == ["page"]


def test_nobody_can_guess_what_holds_a_stream(address):
    where, held = address
    ids = set()
    for page in ("page", "another"):
        about = {"data": [1], "fn_index": 0, "session_hash": page}
        httpx.post(f"{where}gradio_api/queue/join", json=about)
        ids.add(held[page])
    assert len(ids) == 2
    assert all(len(hold) == 32 for hold in ids)
