"""The app as it is started and used: time to the first page, memory, speed in the page against the command line."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WARM_UP_SECONDS = 45
COUNT_UPDATES = """() => {
  window.updates = 0;
  let before = "";
  setInterval(() => {
    const now = document.querySelector("#w2v-status").innerHTML;
    if (now !== before) { before = now; window.updates += 1; }
  }, 20);
}"""
MAP_OUTPUT = 1
"""Place of the map among the outputs of a training: after the status; an unchanged one is no string."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One flag: leave the browser out."""
    parser.add_argument("--no-browser", action="store_true", help="measure with a client that draws nothing only")


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Start the app, wait for its first page, then train on the command line, through a client, in a browser."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}/"
    with contextlib.nullcontext() if options.no_browser else _page() as page:
        begun = time.perf_counter()
        command = [sys.executable, "app.py", "--port", str(port)]
        app = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert app.stdout is not None
        app.stdout.readline()
        started = {"benchmark": "word2vec_start", "seconds_to_answer": round(time.perf_counter() - begun, 2)}
        if page is not None:
            page.goto(address)
            page.wait_for_selector("#w2v-map .explorer-root[data-drawn]")
            started["seconds_to_usable_page"] = round(time.perf_counter() - begun, 2)
    yield started
    try:
        time.sleep(WARM_UP_SECONDS)
        yield {"benchmark": "word2vec_memory", "idle_rss_mb": _rss_mb(app.pid)}
        command_line = _command_line()
        client = _client(address)
        yield {
            "benchmark": "word2vec_client",
            "command_line_words_per_second": command_line,
            **client,
            "share_of_command_line": round(client["words_per_second"] / command_line, 3),
        }
        if not options.no_browser:
            command_line = _command_line()
            in_page = _in_page(address)
            yield {
                "benchmark": "word2vec_browser",
                "note": "the browser draws on the same cores",
                "command_line_words_per_second": command_line,
                **in_page,
                "share_of_command_line": round(in_page["words_per_second"] / command_line, 3),
            }
        yield {"benchmark": "word2vec_memory", "rss_mb_after_runs": _rss_mb(app.pid)}
    finally:
        app.terminate()
        app.wait(10)


def _command_line() -> float:
    """Words a second of the default run on the command line, by the wall clock of its own lines."""
    lines = subprocess.run(
        [sys.executable, "-m", "backends", "train", "word2vec", "--json"], cwd=ROOT, capture_output=True, text=True
    ).stdout.splitlines()
    return float(json.loads(lines[-1])["words_per_second"])


def _client(address: str) -> dict[str, Any]:
    """The default run through the app's API: what a page gets, without the drawing."""
    from gradio_client import Client

    from backends.word2vec.config import Word2VecConfig

    client = Client(address, verbose=False)
    job = client.submit(*Word2VecConfig().model_dump().values(), api_name="/word2vec_train")
    begun, updates, maps, last_map, words, ended = 0.0, 0, 0, None, 0.0, 0.0
    for values in job:
        status = str(values[0])
        if 'data-phase="training"' in status and "words/s" in status:
            begun = begun or time.perf_counter()
            updates += 1
            picture = values[MAP_OUTPUT]
            if isinstance(picture, str) and picture != last_map:
                maps, last_map = maps + 1, picture
        if 'data-phase="done"' in status and not ended:
            ended = time.perf_counter()
            words = 24_890_530
    seconds = ended - begun
    return {
        "words_per_second": round(words / seconds),
        "updates_per_second": round(updates / seconds, 1),
        "layouts_per_second": round(maps / seconds, 1),
        "seconds": round(seconds, 1),
    }


def _in_page(address: str) -> dict[str, Any]:
    with _page() as page:
        page.goto(address)
        page.wait_for_selector("#w2v-map .explorer-root[data-drawn]")
        page.evaluate(COUNT_UPDATES)
        counts = "() => [window.updates, document.querySelector('#w2v-map .explorer-root').explorer.history.length]"
        phase = "() => document.querySelector('#w2v-status .status').dataset.phase"
        clicked = time.perf_counter()
        page.click("#w2v-train")
        page.wait_for_function(
            "() => /words\\/s/.test(document.querySelector('#w2v-status').innerText)", timeout=60_000
        )
        begun = time.perf_counter()
        updates, maps = page.evaluate(counts)
        while page.evaluate(phase) == "training":
            time.sleep(0.25)
        seconds = time.perf_counter() - begun
        updates, maps = (after - before for after, before in zip(page.evaluate(counts), (updates, maps), strict=True))
        time.sleep(4)
        solved = page.inner_text("#w2v-analogies")
        page.click("#w2v-train")
        page.wait_for_function("() => /words\\/s/.test(document.querySelector('#w2v-status').innerText)")
        time.sleep(3)
        pausing = time.perf_counter()
        page.click("#w2v-pause")
        page.wait_for_function(f"() => ({phase})() === 'paused'")
        paused = time.perf_counter() - pausing
        right = re.search(r"(\d) of 6", solved)
        return {
            "words_per_second": round(24_890_530 / seconds),
            "updates_per_second": round(updates / seconds, 1),
            "layouts_per_second": round(maps / seconds, 1),
            "seconds_from_click": round(begun + seconds - clicked, 1),
            "pause_seconds": round(paused, 2),
            "lecture_analogies_correct": int(right.group(1)) if right else None,
        }


class _page:  # noqa: N801
    """A page in a headless Chromium, as a context manager."""

    def __enter__(self) -> Any:
        from playwright.sync_api import sync_playwright

        from tests.browser import chromium

        self.playwright = sync_playwright().start()
        self.browser = self.playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        return self.browser.new_page(viewport={"width": 1280, "height": 720})

    def __exit__(self, *_: object) -> None:
        self.browser.close()
        self.playwright.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _rss_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return -1
    found = re.search(r"VmRSS:\s+(\d+)", status.read_text())
    return round(int(found.group(1)) / 1024) if found else -1
