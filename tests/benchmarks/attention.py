"""Attention: recall over five seeds, training tokens a second against transformers' GPT-2, and the page's answers."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from tests.benchmarks.attention_recall import SECONDS, SEEDS, recall_lines
from tests.benchmarks.attention_speed import speed_lines

READ_AGAIN = 7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=SECONDS, help="budget of each recall run (default 30)")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="seeds of recall (default 5)")


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    yield time_reading()
    yield from speed_lines()
    yield from recall_lines(options.seconds, SEEDS[: options.seeds])


def time_reading() -> dict[str, Any]:
    """All heads of the shipped model on 128 tokens, packed for the page."""
    from playground.session import SessionStore
    from playground.tabs.attention_heads import asked_of, shown

    store = SessionStore(1, "cpu")
    session = store.attach("benchmark", None)
    asked_of(session).text = "We want peace and freedom for all the people of this nation. " * 20
    times = []
    for _ in range(READ_AGAIN):
        begun = time.perf_counter()
        shown(store, session)
        times.append(1000 * (time.perf_counter() - begun))
    store.close()
    return {
        "what": "128 tokens, all heads, on the server",
        "first_ms": times[0],
        "median_ms": median(times[1:]),
        "wanted_ms": 500,
    }
