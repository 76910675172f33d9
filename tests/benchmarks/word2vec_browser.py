"""The app as it is started and used: time to the first page, memory, speed in the page against the command line."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.app_process import ROOT, rss_mb, running_app

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
    with running_app() as app:
        started = {"benchmark": "word2vec_start", "seconds_to_answer": round(app.seconds_to_answer, 2)}
        if not options.no_browser:
            with _page() as page:
                begun = time.perf_counter()
                _open(page, app.address)
                started["seconds_to_usable_page"] = round(app.seconds_to_answer + time.perf_counter() - begun, 2)
        yield started
        time.sleep(WARM_UP_SECONDS)
        yield {"benchmark": "word2vec_memory", "idle_rss_mb": rss_mb(app.process.pid)}
        command_line = _command_line()
        client = _client(app.address)
        yield {
            "benchmark": "word2vec_client",
            "command_line_words_per_second": command_line,
            **client,
            "share_of_command_line": round(client["words_per_second"] / command_line, 3),
        }
        if not options.no_browser:
            command_line = _command_line()
            in_page = _in_page(app.address)
            yield {
                "benchmark": "word2vec_browser",
                "note": "the browser draws on the same cores",
                "command_line_words_per_second": command_line,
                **in_page,
                "share_of_command_line": round(in_page["words_per_second"] / command_line, 3),
            }
        yield {"benchmark": "word2vec_memory", "rss_mb_after_runs": rss_mb(app.process.pid)}


def _open(page: Any, address: str) -> None:
    page.goto(f"{address}?tab=word2vec")
    page.wait_for_selector("#w2v-map .explorer-root[data-drawn]")


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
        _open(page, address)
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
