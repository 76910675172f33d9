"""The moving map: layouts a second, and how near it comes to a full umap-learn fit."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from typing import Any

MAP_WORDS = 2_000
SNAPSHOTS = 48


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This benchmark has no flags."""


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Train once, then lay out the vectors of that run one after the other, and the last ones in full."""
    import umap

    from backends.analysis import projection
    from backends.word2vec.config import Word2VecConfig
    from backends.word2vec.trainer import Word2VecTrainer

    trainer = Word2VecTrainer(Word2VecConfig())
    states = [trainer.freeze().unit[:MAP_WORDS] for _ in trainer.steps()]
    states = [*states[:: max(1, len(states) // SNAPSHOTS)], trainer.freeze().unit[:MAP_WORDS]]
    projection.warm_up()
    live, seconds = projection.LiveMap(), []
    for step, unit in enumerate(states):
        begun = time.perf_counter()
        live.advance(unit, step, resting=False)
        seconds.append(time.perf_counter() - begun)
    while (frame := live.advance(states[-1], len(states) - 1, resting=True)) is not None:
        points = frame.points
    ours = projection.trustworthiness(states[-1], points)
    umap.UMAP(metric="cosine", random_state=0, n_jobs=1).fit(
        states[-1][:200]
    )  # compiles, so that the clock does not count it
    begun = time.perf_counter()
    full = umap.UMAP(n_neighbors=live.config.n_neighbors, metric="cosine", random_state=0, n_jobs=1).fit_transform(
        states[-1]
    )
    full_seconds = time.perf_counter() - begun
    theirs = projection.trustworthiness(states[-1], full)
    yield {
        "benchmark": "word2vec_map",
        "words": MAP_WORDS,
        "layout_seconds_median": round(statistics.median(seconds), 4),
        "layouts_per_second": round(1 / statistics.median(seconds), 1),
        "full_fit_seconds": round(full_seconds, 2),
        "trustworthiness_live": round(ours, 4),
        "trustworthiness_full_fit": round(theirs, 4),
        "trustworthiness_difference": round(ours - theirs, 4),
    }
