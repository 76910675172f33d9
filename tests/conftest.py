"""What several tests share. The costly parts are made once per session, and only when a test asks for them."""

from __future__ import annotations

from pathlib import Path

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the browser's tests come last: Playwright leaves an event loop running that other tests could not start."""
    items.sort(key=lambda item: BROWSER_TESTS in item.path.parents)
