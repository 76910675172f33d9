"""Sixteen browsers at once: all walk the tabs and ask, four train; errors, answers' times, memory and threads.

The browsers draw on the server's own cores, which they don't elsewhere; so they stand back (`nice`, and where the
system has `setpriv` they can't raise themselves again, as Chromium does for root), and a visitor's seconds hold the
crowd's drawing too. A script asks beside them, without a browser: what it waits is what the server takes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tests.benchmarks.crowd_server import crowd_server
from tests.benchmarks.visitors import PATIENCE_MS, TRAINERS, Seen, arrive, train, walk

WARM_UP_SECONDS = 60
AFTER_SECONDS = 90
"""Longer than a closed page's session is kept."""
SAMPLE_SECONDS = 10.0
BROWSER_NICENESS = 15
SCRIPT_SECONDS = 3.0
ARRIVAL_SECONDS = 8.0
"""Between two visitors who open the page."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many, and for how long."""
    parser.add_argument("--visitors", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=120.0, help="1800 for the half hour")


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Start the app, let it warm up, send the crowd in, and look at what is left when it has gone."""
    with crowd_server() as app:
        time.sleep(WARM_UP_SECONDS)
        before = app.held()
        samples: list[dict[str, int]] = []
        seen = asyncio.run(_crowd(app.address, options, lambda: samples.append(app.held())))
        time.sleep(AFTER_SECONDS)
        yield {
            "benchmark": "crowd",
            "visitors": options.visitors,
            "seconds": options.seconds,
            **told(seen),
            **quantiles("tab", seen.tabs),
            **quantiles("first_page", seen.first),
            "trainings": len(seen.progress),
            "trainings_that_advanced": sum(len(set(states)) > 1 for states in seen.progress.values()),
            **kept(before, samples, app.held()),
        }


def told(seen: Seen) -> dict[str, Any]:
    """What went wrong, and how long those who asked have waited."""
    return {
        "errors": len(seen.errors),
        "first_error": seen.errors[0][:300] if seen.errors else "",
        "questions": len(seen.answers),
        **quantiles("answer", seen.answers),
        "script_questions": len(seen.script),
        **quantiles("script_answer", seen.script),
    }


def kept(before: dict[str, int], samples: list[dict[str, int]], after: dict[str, int]) -> dict[str, int]:
    """What the process held before the crowd, in each third of its stay (medians), and after."""
    cuts = [len(samples) * third // 3 for third in range(4)]
    thirds = {
        name: {key: round(median(sample[key] for sample in samples[start:end])) for key in before}
        for name, start, end in zip(("first_third", "second_third", "last_third"), cuts[:-1], cuts[1:], strict=True)
    }
    moments = {"before": before, **thirds, "after": after}
    return {f"{name}_{moment}": value for moment, held in moments.items() for name, value in held.items()}


def quantiles(name: str, seconds: list[float]) -> dict[str, float]:
    """The median and the 95th percentile of some seconds; nothing of nothing."""
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
        visits = [_visit(browser, address, number, end, seen) for number in range(options.visitors)]
        script = asyncio.to_thread(ask_by_script, address, end, seen)
        await asyncio.gather(watch(end, sample), script, *visits)
        await browser.close()
    return seen


async def watch(end: float, sample: Callable[[], None]) -> None:
    """Take a sample every `SAMPLE_SECONDS`."""
    while time.monotonic() < end:
        await asyncio.to_thread(sample)
        await asyncio.sleep(SAMPLE_SECONDS)


def _polite(executable: str, folder: Path) -> Path:
    """A script that starts a browser which leaves the processor to others."""
    bound = "setpriv --bounding-set=-sys_nice " if shutil.which("setpriv") and os.geteuid() == 0 else ""
    script = folder / "browser"
    script.write_text(f'#!/bin/sh\nexec nice -n {BROWSER_NICENESS} {bound}{shlex.quote(executable)} "$@"\n', "utf-8")
    script.chmod(0o700)
    return script


def ask_by_script(address: str, end: float, seen: Seen) -> None:
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
        seen.first.append(await arrive(page, address))
        if number < len(TRAINERS):
            await train(page, number, TRAINERS[number], end, seen)
        else:
            await walk(page, end, seen)
    except Exception as error:  # whatever it is, it is the result
        seen.errors.append(f"visitor {number}: {error}")
    finally:
        await context.close()
