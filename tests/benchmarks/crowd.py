"""Sixteen browsers at once: all walk the tabs and ask, four train; errors, answers' times, memory and threads.

The browsers draw on the server's own cores, which they don't elsewhere; so they stand back (`nice`, and where the
system has `setpriv` they can't raise themselves again, as Chromium does for root), and a visitor's seconds hold the
crowd's drawing too. A script asks beside them, without a browser: what it waits is what the server takes.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.app_process import ROOT, free_port

WARM_UP_SECONDS = 60
AFTER_SECONDS = 90
"""Longer than a closed page's session is kept."""
SAMPLE_SECONDS = 10.0
LOOK_SECONDS = 0.05
PATIENCE_MS = 120_000
BROWSER_NICENESS = 15
THINK_SECONDS = 10.0
"""Between two clicks of a visitor, who reads."""
SCRIPT_SECONDS = 3.0
ARRIVAL_SECONDS = 8.0
"""Between two visitors who open the page; what is asked counts when all are there."""
LONG_RUNS = {"word2vec": ("w2v", "epochs", 60), "simclr": ("simclr", "steps", 3000), "mae": ("mae", "steps", 3000)}
"""By tab: the prefix of its elements, and the setting that makes its run long."""
TRAINERS = ("word2vec", "simclr", "mae", "simclr")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many, and for how long."""
    parser.add_argument("--visitors", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=120.0, help="1800 for the half hour")


@dataclass
class Seen:
    """What all visitors saw; the first is when all have arrived."""

    arrived: float
    answers: list[float] = field(default_factory=list)
    script: list[float] = field(default_factory=list)
    tabs: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    progress: dict[int, list[str]] = field(default_factory=dict)


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Start the app, let it warm up, send the crowd in, and look at what is left when it has gone."""
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.crowd_server", str(port)]
    app = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert app.stdin is not None
    assert app.stdout is not None
    app.stdout.readline()

    def held() -> dict[str, int]:
        assert app.stdin is not None
        assert app.stdout is not None
        app.stdin.write("\n")
        app.stdin.flush()
        answer: dict[str, int] = json.loads(app.stdout.readline())
        return answer

    try:
        time.sleep(WARM_UP_SECONDS)
        before = held()
        samples: list[dict[str, int]] = []
        seen = asyncio.run(_crowd(f"http://127.0.0.1:{port}/", options, lambda: samples.append(held())))
        time.sleep(AFTER_SECONDS)
        after = held()
        yield {
            "benchmark": "crowd",
            "visitors": options.visitors,
            "seconds": options.seconds,
            "errors": len(seen.errors),
            "first_error": seen.errors[0][:300] if seen.errors else "",
            "questions": len(seen.answers),
            **_quantiles("answer", seen.answers),
            "script_questions": len(seen.script),
            **_quantiles("script_answer", seen.script),
            **_quantiles("tab", seen.tabs),
            **_quantiles("first_page", seen.first),
            "trainings": len(seen.progress),
            "trainings_that_advanced": sum(len(set(states)) > 1 for states in seen.progress.values()),
            **{f"{name}_before": value for name, value in before.items()},
            **{f"{name}_settled": value for name, value in samples[len(samples) // 3].items()},
            **{f"{name}_at_end": value for name, value in samples[-1].items()},
            **{f"{name}_after": value for name, value in after.items()},
        }
    finally:
        app.stdin.close()
        app.terminate()
        app.wait(10)


def _quantiles(name: str, seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {f"{name}_s_p{q}": round(float(np.percentile(seconds, q)), 2) for q in (50, 95)}


async def _crowd(address: str, options: argparse.Namespace, sample: Callable[[], None]) -> Seen:
    from playwright.async_api import async_playwright

    from tests.browser import chromium

    arrived = time.monotonic() + ARRIVAL_SECONDS * options.visitors
    seen, end = Seen(arrived), arrived + options.seconds
    async with async_playwright() as playwright:
        with tempfile.TemporaryDirectory() as folder:
            polite = _polite(str(chromium.find()), Path(folder))
            browser = await playwright.chromium.launch(executable_path=polite, args=chromium.FLAGS)

        async def watch() -> None:
            while time.monotonic() < end:
                await asyncio.to_thread(sample)
                await asyncio.sleep(SAMPLE_SECONDS)

        visits = [_visit(browser, address, number, end, seen) for number in range(options.visitors)]
        await asyncio.gather(watch(), asyncio.to_thread(_ask_by_script, address, end, seen), *visits)
        await browser.close()
    return seen


def _polite(executable: str, folder: Path) -> Path:
    """A script that starts a browser which leaves the processor to others."""
    bound = "setpriv --bounding-set=-sys_nice " if shutil.which("setpriv") and os.geteuid() == 0 else ""
    script = folder / "browser"
    script.write_text(f'#!/bin/sh\nexec nice -n {BROWSER_NICENESS} {bound}{shlex.quote(executable)} "$@"\n', "utf-8")
    script.chmod(0o700)
    return script


def _ask_by_script(address: str, end: float, seen: Seen) -> None:
    """Ask for an analogy again and again, as a script does."""
    from gradio_client import Client

    client = Client(address, verbose=False, httpx_kwargs={"timeout": PATIENCE_MS / 1000})
    while time.monotonic() < end:
        begun = time.monotonic()
        try:
            client.predict("king", "man", "woman", api_name="/word2vec_analogy")
        except Exception as error:  # whatever it is, it is the result
            seen.errors.append(f"script after {time.monotonic() - begun:.0f} s: {error!r}")
        if begun > seen.arrived:
            seen.script.append(time.monotonic() - begun)
        time.sleep(SCRIPT_SECONDS)


async def _visit(browser: Any, address: str, number: int, end: float, seen: Seen) -> None:
    context = await browser.new_context(viewport={"width": 1280, "height": 720})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    try:
        await asyncio.sleep(number * ARRIVAL_SECONDS)
        begun = time.monotonic()
        await page.goto(f"{address}?tab=word2vec")
        await page.wait_for_selector("#w2v-map .explorer-root[data-drawn]")
        seen.first.append(time.monotonic() - begun)
        if number < len(TRAINERS):
            await _train(page, number, TRAINERS[number], end, seen)
        else:
            await _walk(page, end, seen)
    except Exception as error:  # whatever it is, it is the result
        seen.errors.append(f"visitor {number}: {error}")
    finally:
        await context.close()


async def _train(page: Any, number: int, tab: str, end: float, seen: Seen) -> None:
    """Train a long run, again when it is done, and write down how far it is."""
    prefix, setting, value = LONG_RUNS[tab]
    await _open_tab(page, {"word2vec": "Word2Vec", "simclr": "SimCLR", "mae": "MAE"}[tab], seen)
    box = page.locator(f"#{prefix}-{setting} input[type=number]")
    await box.fill(str(value))
    await box.blur()
    await page.click(f"#{prefix}-train")
    states = seen.progress.setdefault(number, [])
    while time.monotonic() < end:
        phase = await page.get_attribute(f"#{prefix}-status .status", "data-phase")
        states.append(await page.inner_text(f"#{prefix}-status"))
        if phase == "done":
            await page.click(f"#{prefix}-train")
        await asyncio.sleep(THINK_SECONDS)


async def _walk(page: Any, end: float, seen: Seen) -> None:
    """Go through the tabs and ask where something can be asked."""
    labels = [label.strip() for label in await page.locator(".techniques > .tab-wrapper [role=tab]").all_inner_texts()]
    questions: dict[str, Callable[[Any, int], Awaitable[float]]] = {
        "Word2Vec": _ask_word2vec,
        "MAE": _ask_mae,
        "CLIP": _ask_clip,
    }
    for turn, label in enumerate(itertools.cycle([label for label in dict.fromkeys(labels) if label])):
        if time.monotonic() > end:
            return
        await _open_tab(page, label, seen)
        await asyncio.sleep(THINK_SECONDS)
        if label in questions and time.monotonic() < end:
            seconds = await questions[label](page, turn)
            if time.monotonic() > seen.arrived:
                seen.answers.append(seconds)
            await asyncio.sleep(THINK_SECONDS)


async def _open_tab(page: Any, label: str, seen: Seen) -> None:
    begun = time.monotonic()
    await page.get_by_role("tab", name=label, exact=True).first.click()
    await page.locator(".lead h2").locator("visible=true").first.wait_for()
    if begun > seen.arrived:
        seen.tabs.append(time.monotonic() - begun)


async def _answered(page: Any, script: str, before: Any) -> float:
    begun = time.monotonic()
    while await page.evaluate(script) == before:
        if time.monotonic() - begun > PATIENCE_MS / 1000:
            raise TimeoutError(f"no answer to {script}")
        await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic() - begun


async def _ask_word2vec(page: Any, turn: int) -> float:
    word = ("son", "brother", "uncle", "king")[turn % 4]
    for name, text in zip("abc", ("mother", "father", word), strict=True):
        await page.fill(f"#w2v-{name} input", text)
    script = f"document.querySelector('#w2v-answer').innerText.includes('mother − father + {word}')"
    if await page.evaluate(script):
        await page.fill("#w2v-c input", "man")
        script = script.replace(word, "man")
    await page.click("#w2v-solve")
    return await _answered(page, script, False)


async def _ask_clip(page: Any, turn: int) -> float:
    await page.wait_for_selector("#clip-bars tbody tr")
    label = f"a {('red', 'green', 'blue', 'yellow')[turn % 4]} {turn}"
    await page.fill("#clip-labels textarea", f"{label}\na cat\na dog")
    await page.click("#clip-answer")
    return await _answered(page, f"document.querySelector('#clip-bars').innerText.includes('{label}')", False)


async def _ask_mae(page: Any, turn: int) -> float:
    caption = "document.querySelector('#mae-bench [data-panel=original] .mb-caption')?.innerText"
    await page.wait_for_selector("#mae-bench .mb-root[data-drawn]")
    before = await page.evaluate(caption)
    await page.click("#mae-another")
    return await _answered(page, caption, before)
