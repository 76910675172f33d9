from __future__ import annotations

import json
import re
import time

import numpy as np
import pytest

from backends.data.corpora import load_corpus
from backends.data.text import build_corpus, tokenise
from backends.engine.checkpoints import load_checkpoint
from backends.engine.trainer import TrainingDiverged, TrainingError
from backends.word2vec.config import MAX_SOFTMAX_WORDS, Word2VecConfig
from backends.word2vec.trainer import Word2VecTrainer
from tests.conftest import TOPICS

OWN = Word2VecConfig(corpus="own", dim=16, window=4, min_count=1, subsample=0.0, threads=1, learning_rate=0.05)


def test_a_tiny_run_finds_the_topics(topic_text):
    trainer = Word2VecTrainer(OWN.with_changes(epochs=40), text=topic_text)
    first, *_, last = trainer.steps()
    assert last.metrics["loss"] < first.metrics["loss"]
    for topic in TOPICS.values():
        found = {answer.word for answer in trainer.freeze().neighbours(topic[0], 7)}
        assert found == set(topic[1:])


def test_snapshots_count_the_words_and_the_last_one_is_done(topic_text):
    trainer = Word2VecTrainer(OWN.with_changes(epochs=30), text=topic_text)
    snapshots = list(trainer.steps())
    steps = [snapshot.step for snapshot in snapshots]
    assert steps == sorted(set(steps))
    assert {snapshot.total for snapshot in snapshots} == {30 * len(topic_text)}
    assert steps[-1] == 30 * len(topic_text)
    assert [snapshot.done for snapshot in snapshots] == [False] * (len(snapshots) - 1) + [True]
    assert snapshots[-1].metrics["epoch"] == pytest.approx(30)
    assert snapshots[-1].seconds_left == 0
    assert snapshots[0].seconds_left > 0


def test_a_time_budget_is_kept(topic_text):
    trainer = Word2VecTrainer(OWN, text=topic_text, seconds=2)
    begun = time.perf_counter()
    *_, before_last, last = trainer.steps()
    took = time.perf_counter() - begun
    assert 2 <= last.seconds < 2.3
    assert 2 <= took < 2.6
    assert before_last.total == pytest.approx(last.step, rel=0.15)
    assert last.step > 20 * len(topic_text), "ten epochs would have taken far less than the budget"


def test_one_thread_repeats_a_run_to_the_last_bit(topic_text):
    runs = []
    for _ in range(2):
        trainer = Word2VecTrainer(OWN, text=topic_text)
        for _ in trainer.steps():
            pass
        runs.append(trainer.freeze().vectors)
    assert np.array_equal(*runs)


def test_later_steps_do_not_change_what_was_frozen(topic_text):
    trainer = Word2VecTrainer(OWN.with_changes(epochs=40), text=topic_text)
    steps = trainer.steps()
    next(steps)
    frozen = trainer.freeze()
    kept = frozen.vectors.copy()
    next(steps)
    assert np.array_equal(frozen.vectors, kept)
    assert not np.array_equal(trainer.freeze().vectors, kept)


def test_a_paused_run_does_not_spend_its_budget(topic_text):
    trainer = Word2VecTrainer(OWN, text=topic_text, seconds=1)
    steps = trainer.steps()
    before = next(steps).seconds
    time.sleep(0.6)
    assert next(steps).seconds - before < 0.5


def test_divergence_is_said_and_the_last_good_vectors_are_kept():
    trainer = Word2VecTrainer(Word2VecConfig(corpus="encyclopedia", learning_rate=1.0))
    with pytest.raises(TrainingDiverged, match=r"Lower the learning rate \(now 1\)"):
        for _ in trainer.steps():
            pass
    vectors = trainer.freeze().vectors
    assert np.isfinite(vectors).all()
    assert np.abs(vectors).max() > 0


def test_the_full_softmax_is_refused_for_a_large_vocabulary_with_a_count_that_helps():
    config = Word2VecConfig(corpus="encyclopedia", objective="softmax")
    with pytest.raises(TrainingError, match="full softmax would score all") as refused:
        Word2VecTrainer(config)
    needed = int(re.search(r"minimum count to (\d+)", str(refused.value))[1])
    text = load_corpus("encyclopedia")
    assert len(build_corpus(text, needed).words) <= MAX_SOFTMAX_WORDS < len(build_corpus(text, needed - 1).words)


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_the_full_softmax_learns_a_small_vocabulary(topic_text, architecture):
    config = OWN.with_changes(objective="softmax", architecture=architecture, epochs=12)
    trainer = Word2VecTrainer(config, text=topic_text)
    *_, last = trainer.steps()
    # Knowing the topic leaves one word of ten; knowing nothing, one of 26.
    assert np.log(10) * 0.95 < last.metrics["loss"] < np.log(26) * 0.85


def test_own_text_that_is_not_there_is_asked_for():
    with pytest.raises(TrainingError, match=r"choose a \.txt file"):
        Word2VecTrainer(OWN)


def test_a_text_whose_words_are_all_rare_is_refused():
    with pytest.raises(TrainingError, match="lower the minimum count"):
        Word2VecTrainer(OWN.with_changes(min_count=50), text=tokenise(["one two three"] * 10))


def test_a_window_longer_than_every_line_is_noted():
    text = tokenise(["one two three four"] * 10)
    (note,) = Word2VecTrainer(OWN.with_changes(window=4), text=text).notes
    assert "a window of 4" in note
    assert note.endswith("it acts like 3.")
    assert Word2VecTrainer(OWN.with_changes(window=3), text=text).notes == []


def test_saving_writes_the_vectors_and_a_card(topic_text, tmp_path):
    trainer = Word2VecTrainer(OWN, text=topic_text)
    *_, last = trainer.steps()
    written = trainer.save(tmp_path / "run")
    assert [path.name for path in written] == ["vectors.txt", "model.safetensors", "model.json"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(path.name for path in written)

    tensors, card = load_checkpoint(tmp_path / "run" / "model.safetensors")
    assert np.array_equal(tensors["input_vectors"], trainer.freeze().vectors)
    assert tensors["output_vectors"].shape == tensors["input_vectors"].shape
    assert Word2VecConfig.parse(card["config"]) == trainer.config
    assert card["words"] == trainer.corpus.words
    assert card["words_read"] == last.step
    assert json.loads((tmp_path / "run" / "model.json").read_text())["corpus"] == "own text"


def test_an_untrained_run_can_be_saved(topic_text, tmp_path):
    Word2VecTrainer(OWN, text=topic_text).save(tmp_path)
    assert load_checkpoint(tmp_path / "model.safetensors")[1]["loss"] is None


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_default_run_answers_the_lectures_analogies(seed):
    trainer = Word2VecTrainer(Word2VecConfig(seed=seed))
    for _ in trainer.steps():
        pass
    vectors = trainer.freeze()
    assert vectors.analogy("king", "man", "woman")[0].word == "queen"
    assert vectors.analogy("french", "france", "spain")[0].word == "spanish"
    assert vectors.analogy("mother", "father", "son")[0].word == "daughter"
