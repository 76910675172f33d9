"""The embedding explorer: frames a second in a browser, layouts a second on the server, by number of points."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

SIZES = (2_000, 10_000, 50_000)
TRACED = 10_000
SECONDS = 2.0
STATES = 120
DIM = 96
MOVING_POINTS = 5_000
MOVING_LAYOUTS = 12
GROUPS = 60
FRAME_CATEGORIES = ["devtools.timeline.frame", "disabled-by-default-devtools.timeline.frame", "cc", "benchmark"]

FIRST_VIEW = """async ([items, frame]) => {
  const began = performance.now();
  e.setItems(JSON.parse(items));
  e.setFrame(JSON.parse(frame));
  while (!e.drawn) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""
PAINT = """() => {
  e.reset();
  return Array.from({length: 9}, () => { e.paint(); return e.paintMs; }).sort((a, b) => a - b)[4];
}"""
DRIVE = """async ([what, seconds]) => {
  const canvas = e.canvas, pause = () => new Promise(requestAnimationFrame);
  e.reset();
  await pause(); await pause();
  const drawn = e.drawn, began = performance.now();
  let frames = 0;
  while (performance.now() - began < 1000 * seconds) {
    const at = frames / 20, x = 320 + 200 * Math.cos(at), y = 198 + 120 * Math.sin(1.3 * at);
    if (what === "zoom") canvas.dispatchEvent(new WheelEvent("wheel", {
      deltaY: frames % 40 < 20 ? -40 : 40, clientX: x, clientY: y, cancelable: true }));
    else if (what === "hover") canvas.dispatchEvent(new PointerEvent("pointermove", { clientX: x, clientY: y }));
    else { e.slider.value = frames % e.history.length; e.slider.dispatchEvent(new Event("input")); }
    await pause();
    frames += 1;
  }
  const elapsed = (performance.now() - began) / 1000;
  return { frames: frames / elapsed, drawn: (e.drawn - drawn) / elapsed };
}"""
REMEMBER = """(count) => {
  const moved = (step) => e.flat.map((v, i) => v + 0.002 * step * (i % 7));
  for (let step = 2; step <= count; step++) e.remember({ step, label: `${step} steps`, flat: moved(step) });
  e.showTime();
}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two flags: leave a side out."""
    parser.add_argument("--no-browser", action="store_true", help="measure the server's side only")
    parser.add_argument("--no-server", action="store_true", help="measure the browser's side only")


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure in the browser, without a server, and then the layouts, without a browser."""
    if not options.no_browser:
        yield from _in_browser()
    if not options.no_server:
        yield _moving()
        yield from _at_rest(50_000)


def _in_browser() -> Iterator[dict[str, Any]]:
    from playwright.sync_api import sync_playwright

    from tests.browser import chromium, explorer_page

    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        address = explorer_page.write(Path(folder))
        for count in SIZES:
            page = browser.new_page(viewport={"width": 700, "height": 600})
            page.goto(address)
            points = random.normal(size=(count, 2)).astype(np.float32)
            given = [explorer_page.items(explorer_page.names(count)), explorer_page.frame(points)]
            first = page.evaluate(FIRST_VIEW, given)
            zoom = page.evaluate(DRIVE, ["zoom", SECONDS])
            hover = page.evaluate(DRIVE, ["hover", SECONDS])
            traced = _traced(page) if count == TRACED else {}
            page.evaluate(REMEMBER, STATES)
            scrub = page.evaluate(DRIVE, ["scrub", SECONDS])
            yield {
                "benchmark": "explorer_browser",
                "points": count,
                "first_view_ms": round(first, 1),
                "paint_ms": round(page.evaluate(PAINT), 2),
                "zoom_frames_per_second": round(zoom["drawn"], 1),
                "hover_frames_per_second": round(hover["frames"], 1),
                "history_states": page.evaluate("e.history.length"),
                "scrub_frames_per_second": round(scrub["drawn"], 1),
                **traced,
            }
            page.close()
        browser.close()


def _traced(page: Any) -> dict[str, Any]:
    """Count the frames that Chromium itself reports as drawn while the map zooms, and while a mouse hovers on it."""
    counted = {}
    for what in ("zoom", "hover"):
        session = page.context.new_cdp_session(page)
        events: list[dict[str, Any]] = []
        done: list[bool] = []
        session.on("Tracing.dataCollected", lambda data, events=events: events.extend(data["value"]))
        session.on("Tracing.tracingComplete", lambda _, done=done: done.append(True))
        config = {"includedCategories": FRAME_CATEGORIES, "recordMode": "recordAsMuchAsPossible"}
        session.send("Tracing.start", {"traceConfig": config, "transferMode": "ReportEvents"})
        began = time.perf_counter()
        page.evaluate(DRIVE, [what, SECONDS])
        elapsed = time.perf_counter() - began
        session.send("Tracing.end")
        while not done:
            page.wait_for_timeout(20)
        session.detach()
        drawn = sum(event["name"] == "DrawFrame" for event in events)
        counted[f"traced_{what}_frames_per_second"] = round(drawn / elapsed, 1)
    return counted


def _clustered(count: int) -> np.ndarray:
    """(count, DIM) float32 vectors of length one in groups."""
    random = np.random.default_rng(0)
    middles = random.standard_normal((GROUPS, DIM)).astype(np.float32)
    vectors = middles[random.integers(0, GROUPS, count)] + 0.8 * random.standard_normal((count, DIM)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _moving() -> dict[str, Any]:
    """Layouts a second while the vectors change a little from one to the next."""
    from backends.analysis import projection

    projection.warm_up()
    random, vectors, live = np.random.default_rng(1), _clustered(MOVING_POINTS), projection.LiveMap()
    seconds = []
    for step in range(MOVING_LAYOUTS):
        begun = time.perf_counter()
        live.advance(vectors, step, resting=False)
        seconds.append(time.perf_counter() - begun)
        vectors = vectors + 0.01 * random.standard_normal(vectors.shape).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    median = statistics.median(seconds[2:])  # the first two find every neighbour
    return {
        "benchmark": "explorer_moving",
        "points": MOVING_POINTS,
        "layout_seconds_median": round(median, 4),
        "layouts_per_second": round(1 / median, 1),
    }


def _at_rest(count: int) -> Iterator[dict[str, Any]]:
    """From vectors to a map at rest: the PCA that is shown at once, and the UMAP that it becomes."""
    from backends.analysis import projection

    projection.warm_up()
    vectors = _clustered(count)
    begun = time.perf_counter()
    projection.pca(vectors)
    first = time.perf_counter() - begun
    live, frames, slowest, trust = projection.LiveMap(), 0, 0.0, None
    begun = last = time.perf_counter()
    while (frame := live.advance(vectors, 1, resting=True)) is not None:
        frames, trust = frames + 1, frame.trust
        slowest, last = max(slowest, time.perf_counter() - last), time.perf_counter()
    yield {
        "benchmark": "explorer_at_rest",
        "points": count,
        "pca_seconds": round(first, 3),
        "umap_seconds": round(time.perf_counter() - begun, 1),
        "frames": frames,
        "slowest_frame_seconds": round(slowest, 2),
        "trustworthiness": trust,
    }
