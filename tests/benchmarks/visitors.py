"""What the visitors of a benchmark do: one opens the page, goes through the tabs and asks; another trains."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

LOOK_SECONDS = 0.05
PATIENCE_MS = 120_000
THINK_SECONDS = 10.0
"""Between two clicks of a visitor, who reads."""
FIRST_TAB, FIRST_TAB_DRAWN = "?tab=word2vec", "#w2v-map .explorer-root[data-drawn]"
LONG_RUNS = {
    "word2vec": ("Word2Vec", "w2v", "epochs", 60),
    "simclr": ("SimCLR", "simclr", "steps", 3000),
    "mae": ("MAE", "mae", "steps", 3000),
}
"""By tab: its label, the prefix of its elements, and the setting that makes its run long."""
TRAINERS = ("word2vec", "simclr", "mae", "simclr")


@dataclass
class Seen:
    """What all visitors saw; what is asked and opened counts from when all have arrived."""

    arrived: float
    answers: list[float] = field(default_factory=list)
    script: list[float] = field(default_factory=list)
    tabs: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    progress: dict[int, list[str]] = field(default_factory=dict)


async def arrive(page: Any, address: str) -> float:
    """Open the page at its first tab with a map; returns the seconds until the map is drawn."""
    begun = time.monotonic()
    await page.goto(f"{address}{FIRST_TAB}")
    await page.wait_for_selector(FIRST_TAB_DRAWN)
    return time.monotonic() - begun


async def start_training(page: Any, tab: str, seen: Seen, before_click: Callable[[], None] = lambda: None) -> None:
    """Click Train for a long run."""
    label, prefix, setting, value = LONG_RUNS[tab]
    await _open_tab(page, label, seen)
    box = page.locator(f"#{prefix}-{setting} input[type=number]")
    await box.fill(str(value))
    await box.blur()
    await asyncio.sleep(1.0)  # what the change of a setting asks has been asked
    before_click()
    await page.click(f"#{prefix}-train")


async def train(page: Any, number: int, tab: str, end: float, seen: Seen) -> None:
    """Train a long run, again when it is done, and write down how far it is."""
    await start_training(page, tab, seen)
    prefix = LONG_RUNS[tab][1]
    states = seen.progress.setdefault(number, [])
    while time.monotonic() < end:
        phase = await page.get_attribute(f"#{prefix}-status .status", "data-phase")
        states.append(await page.inner_text(f"#{prefix}-status"))
        if phase == "done":
            await page.click(f"#{prefix}-train")
        await asyncio.sleep(THINK_SECONDS)


async def walk(page: Any, end: float, seen: Seen, before_question: Callable[[], None] = lambda: None) -> None:
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
            before_question()
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
