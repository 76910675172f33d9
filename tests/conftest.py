"""What several tests share. The costly parts are made once per session, and only when a test asks for them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.analysis.word_vectors import WordVectors
from backends.data.text import TokenisedText, tokenise
from backends.engine.threads import wait_politely

wait_politely()  # before any test imports torch

BROWSER_TESTS = Path(__file__).parent / "browser"
TOPICS = {
    "sea": ["wave", "sail", "harbour", "anchor", "tide", "reef", "captain", "gull"],
    "kitchen": ["oven", "butter", "flour", "whisk", "plate", "soup", "garlic", "knife"],
    "music": ["violin", "chord", "tempo", "choir", "drum", "melody", "concert", "flute"],
}
"""Words that only stand in lines about their topic: what a tiny run has to find out."""


def topic_lines(lines: int = 900, words: int = 12, seed: int = 0) -> list[str]:
    """Lines that each draw their words from one topic, and now and then a word that all topics share."""
    random = np.random.default_rng(seed)
    topics = list(TOPICS.values())
    return [" ".join(random.choice([*topics[i % len(topics)], "the", "and"], words)) for i in range(lines)]


@pytest.fixture(scope="session")
def topic_text() -> TokenisedText:
    """10,800 running words, 26 distinct ones, three topics."""
    return tokenise(topic_lines())


@pytest.fixture(scope="session")
def speech_vectors() -> WordVectors:
    """Vectors of the frequent words of the speeches, trained briefly: real words, and some analogies are right."""
    from backends.word2vec.config import Word2VecConfig
    from backends.word2vec.trainer import Word2VecTrainer

    trainer = Word2VecTrainer(Word2VecConfig(corpus="speeches", dim=32, window=5, min_count=20, epochs=6))
    for _ in trainer.steps():
        pass
    return trainer.freeze()


@pytest.fixture(scope="session", autouse=True)
def pages_without_a_server() -> Iterator[None]:
    """Let a page have its web server when it is launched; two that gradio makes earlier cost half of the time."""
    from gradio.routes import App

    create = App.create_app

    def create_when_launched(blocks: Any, *args: Any, **options: Any) -> App | None:
        early = sys._getframe(1).f_code.co_name in ("__exit__", "queue")
        return None if early else create(blocks, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(App, "create_app", staticmethod(create_when_launched))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the browser's tests come last: Playwright leaves an event loop running that other tests could not start."""
    items.sort(key=lambda item: BROWSER_TESTS in item.path.parents)
