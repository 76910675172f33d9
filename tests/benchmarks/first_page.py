"""The first page: seconds from the address to the first screen, beside one with Gradio's scripts as they lie.

Then seconds from a click to another tab, and on the lecture's tour from → to the next step and to its recorded run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from playground.lecture import shipped
from playground.page_scripts import ASSETS, mended_scripts
from tests.benchmarks.app_process import running_app

WARM_UP_SECONDS = 40
"""Until what the app prepares after its start is done."""
FIRST_SCREEN = ".start-tiles"
TABS_AGAIN = 2
"""Rounds through the tabs: the first visit builds them, the second doesn't."""
PATIENCE_MS = 120_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How often."""
    parser.add_argument("--pages", type=int, default=5, help="how often each page is opened")


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Open the page in turns with mended scripts and with Gradio's own; then go through the tabs."""
    from playwright.sync_api import sync_playwright

    from tests.browser import chromium

    with running_app() as app, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        at_once = _open(browser, app.address, mended=True)
        time.sleep(WARM_UP_SECONDS)
        opened: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(options.pages):
            for mended, seconds in opened.items():
                seconds.append(_open(browser, app.address, mended))
        yield {
            "benchmark": "first_page",
            "seconds_until_the_process_answers": round(app.seconds_to_answer, 2),
            "seconds_at_once": round(at_once, 2),
            "seconds_median": round(median(opened[True]), 2),
            "seconds_most": round(max(opened[True]), 2),
            "seconds_median_with_gradios_own_scripts": round(median(opened[False]), 2),
            "share_of_gradios_own": round(median(opened[True]) / median(opened[False]), 3),
        }
        for visit in _tabs(browser, app.address):
            yield {"benchmark": "tab_change", **visit}
        yield {"benchmark": "tour", **_tour(browser, app.address)}
        browser.close()


def _open(browser: Any, address: str, mended: bool) -> float:
    """Seconds from asking for the address to the first screen, in a browser that has seen nothing before."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    if not mended:
        for name in mended_scripts():
            page.route(f"**/{name}", lambda route: route.fulfill(path=ASSETS / route.request.url.rpartition("/")[2]))
    begun = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(FIRST_SCREEN, timeout=PATIENCE_MS)
    seconds = time.perf_counter() - begun
    context.close()
    return seconds


def _tabs(browser: Any, address: str) -> Iterator[dict[str, Any]]:
    """Seconds from a click on a tab until what stands first in it is seen."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address)
    page.wait_for_selector(FIRST_SCREEN, timeout=PATIENCE_MS)
    names = page.locator(".techniques > .tab-wrapper [role=tab]").all_inner_texts()
    for visit in range(TABS_AGAIN):
        seconds = []
        for name in [*names[1:], names[0]]:
            begun = time.perf_counter()
            page.get_by_role("tab", name=name.strip(), exact=True).first.click()
            page.locator(".lead h2").locator("visible=true").first.wait_for(timeout=PATIENCE_MS)
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            seconds.append(time.perf_counter() - begun)
            page.wait_for_timeout(1000)
        slowest = max(seconds)
        yield {
            "visit": visit + 1,
            "seconds_median": round(median(seconds), 2),
            "seconds_most": round(slowest, 2),
            "slowest": [*names[1:], names[0]][seconds.index(slowest)].strip(),
        }
    page.close()


def _tour(browser: Any, address: str) -> dict[str, Any]:
    """Seconds from → until a step of the lecture is laid out, and until its recorded run plays."""
    steps = shipped().steps
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{address}?step={steps[0].id}")
    ready = ".lb-bar[data-step='{}'][data-ready]"
    page.wait_for_selector(ready.format(steps[0].id), timeout=PATIENCE_MS)
    page.wait_for_timeout(3000)
    laid_out: list[float] = []
    recorded: dict[str, float] = {}
    for step in steps[1:]:
        begun = time.perf_counter()
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(f".lb-bar[data-step='{step.id}']", timeout=PATIENCE_MS)
        if step.recording:
            page.wait_for_selector(".lr-panel .lr-line[points*=',']", state="attached", timeout=PATIENCE_MS)
            recorded[step.id] = time.perf_counter() - begun
        page.wait_for_selector(ready.format(step.id), timeout=PATIENCE_MS)
        laid_out.append(time.perf_counter() - begun)
        page.wait_for_timeout(1500)
    page.close()
    slowest, latest = max(laid_out), max(recorded, key=lambda step: recorded[step])
    return {
        "steps": len(steps),
        "seconds_to_a_step_median": round(median(laid_out), 2),
        "seconds_to_a_step_most": round(slowest, 2),
        "slowest_step": steps[1 + laid_out.index(slowest)].id,
        "recorded_runs": len(recorded),
        "seconds_to_a_recorded_run_median": round(median(recorded.values()), 2),
        "seconds_to_a_recorded_run_most": round(recorded[latest], 2),
        "latest_recorded_run": latest,
    }
