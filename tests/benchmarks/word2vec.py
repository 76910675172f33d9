"""Our word2vec against gensim's on the same text: pace, accuracy, and the time to the same accuracy.

Both train in alternating rounds within one run, because a shared machine is not equally fast from minute to
minute; medians over the rounds are compared. Loading, tokenising and compiling are left out of both clocks.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from backends.analysis import analogies
from backends.analysis.word_vectors import WordVectors
from backends.data.corpora import load_corpus
from backends.data.text import Corpus, build_corpus
from backends.word2vec.config import Word2VecConfig
from backends.word2vec.trainer import Word2VecTrainer

GENSIM_LINE_WORDS = 10_000
"""gensim drops what lies beyond this many words of a line; we cut such lines so that it loses nothing."""
WORKERS = 2
LADDER_EPOCHS = (2, 3, 4, 6, 8, 10, 12)


@dataclass(frozen=True)
class Run:
    """One training: how long it took, how many words it read, and how good its vectors are."""

    seconds: float
    words_read: int
    accuracy: float
    lecture_correct: int
    longest_gap: float = 0.0
    snapshots: int = 0

    @property
    def pace(self) -> float:
        return self.words_read / self.seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=2, help="how often each side trains, by turns (default 2)")


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    config = Word2VecConfig(threads=WORKERS)
    corpus = build_corpus(load_corpus(config.corpus), config.min_count)
    sentences = gensim_sentences(corpus)
    ours, theirs = [], []
    for number in range(1, options.rounds + 1):
        ours.append(train_ours(config))
        yield _round_line("ours", number, ours[-1])
        theirs.append(train_gensim(config, corpus, sentences))
        yield _round_line("gensim", number, theirs[-1])
    yield _comparison(ours, theirs)
    yield from climb(config, _median(theirs, "accuracy"), _median(theirs, "seconds"))


def train_ours(config: Word2VecConfig) -> Run:
    """Pull a whole run as the app does, timing every pull: a pause takes effect within the longest one."""
    trainer = Word2VecTrainer(config)
    gaps = []
    begun = time.perf_counter()
    for snapshot in trainer.steps():
        words_read = snapshot.step
        now = time.perf_counter()
        gaps.append(now - begun)
        begun = now
    vectors = trainer.freeze()
    return Run(sum(gaps), words_read, *_quality(vectors), longest_gap=max(gaps), snapshots=len(gaps))


def train_gensim(config: Word2VecConfig, corpus: Corpus, sentences: list[list[str]]) -> Run:
    from gensim.models import Word2Vec

    model = Word2Vec(
        sg=1,
        vector_size=config.dim,
        window=config.window,
        negative=config.negatives,
        sample=config.subsample,
        epochs=config.epochs,
        min_count=config.min_count,
        alpha=config.learning_rate,
        workers=WORKERS,
        seed=config.seed,
    )
    model.build_vocab(sentences)
    begun = time.perf_counter()
    model.train(sentences, total_examples=model.corpus_count, epochs=model.epochs)
    seconds = time.perf_counter() - begun
    order = [model.wv.key_to_index[word] for word in corpus.words]
    vectors = WordVectors.build(corpus.words, corpus.counts, model.wv.vectors[order])
    return Run(seconds, config.epochs * len(corpus), *_quality(vectors))


def gensim_sentences(corpus: Corpus) -> list[list[str]]:
    """The corpus as lists of words, lines as they are but cut at `GENSIM_LINE_WORDS`."""
    words = np.array(corpus.words, dtype=object)[corpus.ids]
    lines = np.split(words, np.flatnonzero(np.diff(corpus.line_of)) + 1)
    return [
        line[start : start + GENSIM_LINE_WORDS].tolist()
        for line in lines
        for start in range(0, len(line), GENSIM_LINE_WORDS)
    ]


def climb(config: Word2VecConfig, accuracy: float, seconds: float) -> Iterator[dict[str, Any]]:
    """Train from scratch with more and more epochs until ours is as good as gensim's whole run."""
    for epochs in LADDER_EPOCHS:
        tried = train_ours(config.with_changes(epochs=epochs))
        reached = tried.accuracy >= accuracy
        yield {
            "benchmark": "word2vec_time_to_gensim_accuracy",
            "epochs": epochs,
            "seconds": round(tried.seconds, 3),
            "accuracy": round(tried.accuracy, 4),
            "gensim_accuracy": round(accuracy, 4),
            "gensim_seconds": round(seconds, 3),
            "reached": reached,
            "times_faster": round(seconds / tried.seconds, 3) if reached else None,
        }
        if reached:
            return


def _quality(vectors: WordVectors) -> tuple[float, int]:
    score = analogies.total(analogies.score_test_set(vectors))
    return score.accuracy, sum(result.correct for result in analogies.ask(vectors))


def _round_line(side: str, number: int, done: Run) -> dict[str, Any]:
    return {
        "benchmark": "word2vec_round",
        "side": side,
        "round": number,
        "seconds": round(done.seconds, 3),
        "words_per_second": round(done.pace),
        "accuracy": round(done.accuracy, 4),
        "lecture_analogies_correct": done.lecture_correct,
    }


def _comparison(ours: list[Run], theirs: list[Run]) -> dict[str, Any]:
    pace, gensim_pace = _median(ours, "pace"), _median(theirs, "pace")
    seconds = _median(ours, "seconds")
    return {
        "benchmark": "word2vec",
        "cores": os.cpu_count(),
        "rounds": len(ours),
        "words_per_second": round(pace),
        "gensim_words_per_second": round(gensim_pace),
        "times_gensims_pace": round(pace / gensim_pace, 3),
        "accuracy": round(_median(ours, "accuracy"), 4),
        "gensim_accuracy": round(_median(theirs, "accuracy"), 4),
        "seconds": round(seconds, 3),
        "gensim_seconds": round(_median(theirs, "seconds"), 3),
        "lecture_analogies_correct": min(done.lecture_correct for done in ours),
        "lecture_analogies_asked": len(analogies.LECTURE),
        "longest_pause_latency_seconds": round(max(done.longest_gap for done in ours), 3),
        "updates_per_second": round(_median(ours, "snapshots") / seconds, 2),
    }


def _median(runs: list[Run], name: str) -> float:
    return median(getattr(done, name) for done in runs)
