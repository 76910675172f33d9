"""Tiny texts whose words follow each other by a rule, and models that have learned it."""

from __future__ import annotations

import numpy as np
import pytest

from backends.language.config import BERTConfig, GPTConfig, LanguageConfig, T5Config
from backends.language.tokens import TextTokenizer
from backends.language.trainer import TRAINERS, LanguageTrainer
from tests.conftest import TOPICS

SMALL = {
    "corpus": "own",
    "vocabulary": 512,
    "width": "64",
    "depth": 1,
    "heads": "2",
    "length": 24,
    "batch": 32,
    "steps": 80,
    "learning_rate": 0.01,
}
CONFIGS: dict[str, LanguageConfig] = {
    "bert": BERTConfig.parse(SMALL),
    "t5": T5Config.parse({**SMALL, "steps": 100, "learning_rate": 0.015}),
    "gpt": GPTConfig.parse(SMALL),
}


def chain_lines(lines: int = 400, seed: int = 0) -> list[str]:
    """Lines of two sentences, each of which walks round a topic's words in order from a word drawn at random."""
    random = np.random.default_rng(seed)
    topics = list(TOPICS.values())
    told = []
    for _ in range(2 * lines):
        words = topics[random.integers(len(topics))]
        start, count = random.integers(len(words)), random.integers(4, 14)
        told.append(" ".join(words[(start + i) % len(words)] for i in range(count)) + ".")
    return [f"{first} {second}" for first, second in zip(told[::2], told[1::2], strict=True)]


def train(method: str, **changes: object) -> LanguageTrainer:
    """Train on the chains to the end."""
    trainer = TRAINERS[method](CONFIGS[method].with_changes(**changes), text=chain_lines())
    for _ in trainer.steps():
        pass
    return trainer


@pytest.fixture(scope="session")
def tokenizer() -> TextTokenizer:
    """Learned from the chains."""
    return TextTokenizer.learn(chain_lines(), 512)


@pytest.fixture(scope="session")
def trained() -> dict[str, LanguageTrainer]:
    """One of each method, trained."""
    return {method: train(method) for method in CONFIGS}
