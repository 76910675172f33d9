"""The settings of word2vec, each defined here and nowhere else."""

from __future__ import annotations

from typing import Literal

from backends.data.corpora import BUILT_IN, OWN_TEXT
from backends.engine.config import MAX_SEED, MethodConfig, setting

MAX_SOFTMAX_WORDS = 4_000
"""Largest vocabulary for which the full softmax is offered: beyond it a run takes minutes, not seconds."""


class Word2VecConfig(MethodConfig):
    """Settings of word2vec (Mikolov et al., 2013); the defaults solve the lecture's analogies in seconds."""

    corpus: Literal["all", "speeches", "speeches-before-1900", "speeches-since-1900", "encyclopedia", "own"] = setting(
        "all",
        "The text to learn from. Words take the meaning that they have in it.",
        label="Corpus",
        essential=True,
        choices={**{key: info.title for key, info in BUILT_IN.items()}, OWN_TEXT: "Your own text (.txt)"},
    )
    dim: int = setting(
        96,
        "How many numbers describe a word. More keep finer differences apart but need more text.",
        label="Dimensions",
        ge=2,
        le=300,
        step=1,
        essential=True,
    )
    window: int = setting(
        8,
        "How far a context word may stand from the centre word. Small windows learn grammar, wide ones topics.",
        label="Window",
        unit="words",
        ge=1,
        le=20,
        step=1,
        essential=True,
    )
    negatives: int = setting(
        5,
        "Random words that each centre word must be told apart from. More cost time; with 0 nothing pushes vectors "
        "apart, and all collapse into one direction.",
        label="Negatives",
        unit="words",
        ge=0,
        le=20,
        step=1,
        essential=True,
    )
    epochs: int = setting(
        10,
        "How often the whole text is read. More helps small texts; too many memorise them.",
        label="Epochs",
        ge=1,
        le=200,
        step=1,
        essential=True,
    )
    architecture: Literal["skip-gram", "cbow"] = setting(
        "skip-gram",
        "Skip-gram predicts from each context word; CBOW from their average: faster, weaker on rare words.",
        label="Architecture",
        choices={"skip-gram": "Skip-gram", "cbow": "CBOW (continuous bag of words)"},
    )
    objective: Literal["negative-sampling", "softmax"] = setting(
        "negative-sampling",
        f"Score a few random words (negative sampling), or every word (softmax, up to {MAX_SOFTMAX_WORDS:,} words).",
        label="Objective",
        choices={"negative-sampling": "Negative sampling", "softmax": "Full softmax (small vocabularies)"},
    )
    learning_rate: float = setting(
        0.025,
        "Size of the first steps; it falls to almost zero over the run. Too large and the loss becomes NaN.",
        label="Learning rate",
        ge=1e-4,
        le=1.0,
        step=1e-4,
        scale="log",
    )
    subsample: float = setting(
        1e-4,
        "Words more frequent than about this share of the text are skipped at random. 0 skips none.",
        label="Subsampling",
        unit="share of text",
        ge=0.0,
        le=1.0,
        step=1e-5,
        scale="log",
    )
    min_count: int = setting(
        5,
        "Rarer words are left out: too few examples to learn them from.",
        label="Minimum count",
        unit="occurrences",
        ge=1,
        le=1000,
        step=1,
    )
    threads: int = setting(
        2,
        "CPU threads that train at once. With 1 a run is repeatable to the last bit.",
        label="Threads",
        ge=1,
        le=64,
        step=1,
    )
    seed: int = setting(
        1,
        "Where the random numbers start. Same seed and one thread: the same vectors.",
        label="Seed",
        ge=0,
        le=MAX_SEED,
        step=1,
    )
