from __future__ import annotations

import numpy as np
import pytest

from backends.analysis import analogies
from backends.data.corpora import load_corpus
from backends.data.text import build_corpus
from backends.engine.checkpoints import CheckpointError, load_checkpoint, save_checkpoint
from backends.word2vec import shipped
from backends.word2vec.config import Word2VecConfig


def test_the_shipped_vectors_answer_the_lectures_analogies():
    wrong = [result for result in analogies.ask(shipped.load().vectors) if not result.correct]
    assert wrong == []


def test_the_shipped_vectors_are_as_good_as_their_card_says():
    _, card = load_checkpoint(shipped.PATH)
    total = analogies.total(analogies.score_test_set(shipped.load().vectors))
    assert total.accuracy == pytest.approx(card["analogy_accuracy"], abs=0.001)
    assert total.covered == card["analogy_questions_covered"]


def test_the_shipped_vectors_are_those_of_the_default_text_and_settings():
    _, card = load_checkpoint(shipped.PATH)
    config = Word2VecConfig()
    assert Word2VecConfig.parse(card["config"]).differences(config).keys() <= {"threads"}
    corpus = build_corpus(load_corpus(config.corpus), config.min_count)
    assert shipped.load().vectors.words == corpus.words
    assert np.array_equal(shipped.load().vectors.counts, corpus.counts)


def test_the_map_has_a_place_for_each_of_the_most_frequent_words():
    points = shipped.load().map_points
    assert points.shape == (shipped.MAP_WORDS, 2)
    assert np.isfinite(points).all()


def test_vectors_that_do_not_fit_their_card_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "PATH", tmp_path / "vectors.safetensors")
    card = {"words": ["one", "two"], "counts": [2, 1], "config": {"dim": 3}, "origin": ""}
    save_checkpoint(shipped.PATH, {"vectors": np.zeros((3, 3)), "map": np.zeros((2, 2))}, card)
    with pytest.raises(CheckpointError, match="do not fit together"):
        shipped.load.__wrapped__()
