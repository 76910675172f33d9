from __future__ import annotations

import json
import re
import time
from functools import partial

import numpy as np
import pytest

from backends.analysis import analogies
from backends.analysis.neighbourhoods import mean_cosine_of_random_pairs
from backends.analysis.word_vectors import WordVectors
from backends.data.corpora import load_corpus
from backends.data.text import build_corpus, tokenise
from backends.engine.checkpoints import load_checkpoint
from backends.engine.trainer import TrainingDiverged, TrainingError
from backends.word2vec.config import MAX_SOFTMAX_WORDS, Word2VecConfig
from backends.word2vec.cpu_updates import CpuUpdates
from backends.word2vec.schedule import RateLine, over_chunks
from backends.word2vec.torch_updates import TorchUpdates
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
    assert 2 <= last.seconds < 4
    assert 2 <= took < 6
    assert before_last.total == pytest.approx(last.step, rel=0.3)
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
    time.sleep(1.5)
    assert next(steps).seconds - before < 1.4


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


BOTH_UPDATES = pytest.mark.parametrize(
    "make_updates", [CpuUpdates, partial(TorchUpdates, device="cpu")], ids=["kernel", "torch"]
)


@BOTH_UPDATES
@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_without_negatives_the_loss_starts_at_log_2(topic_text, architecture, make_updates):
    config = OWN.with_changes(architecture=architecture, negatives=0)
    loss, predictions = make_updates(config, build_corpus(topic_text, 1)).advance(0, 2, RateLine(0.0, 0.0, 0.0))
    assert loss / predictions == pytest.approx(np.log(2), rel=1e-5)


@BOTH_UPDATES
@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_without_negatives_the_vectors_collapse_into_one_direction(topic_text, architecture, make_updates):
    corpus = build_corpus(topic_text, 1)
    losses, cosines = {}, {}
    for negatives in (0, 5):
        updates = make_updates(OWN.with_changes(architecture=architecture, negatives=negatives), corpus)
        rates = over_chunks(0.05, 20)
        updates.advance(0, 19, rates)
        loss, predictions = updates.advance(19, 20, rates)
        losses[negatives] = loss / predictions
        vectors = WordVectors.build(corpus.words, corpus.counts, updates.copy_vectors())
        cosines[negatives] = mean_cosine_of_random_pairs(vectors)
    assert losses[0] < 0.01
    assert losses[5] > 1
    # 26 words soon have scores beyond the clip, where nothing moves any more: 0.92 to 0.99, not 1.
    assert cosines[0] > 0.9
    assert cosines[5] < 0.7


def test_a_run_without_negatives_can_be_asked_and_saved(topic_text, tmp_path):
    trainer = Word2VecTrainer(OWN.with_changes(negatives=0, epochs=3), text=topic_text)
    *_, last = trainer.steps()
    assert last.done
    assert np.isfinite(last.metrics["loss"])
    trainer.save(tmp_path)
    assert load_checkpoint(tmp_path / "model.safetensors")[1]["metrics"]["vocabulary"] == 26


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "least_first"), [(1, 3), (2, 2), (3, 2)])
def test_the_default_run_answers_the_lectures_analogies(seed, least_first):
    """Two threads without locks never repeat a run exactly.

    In four runs each, seeds 1 and 3 always had all three answers first; with seed 2 "daughter" was second in three of
    the four. The test set gave 0.074 to 0.086.
    """
    trainer = Word2VecTrainer(Word2VecConfig(seed=seed))
    for _ in trainer.steps():
        pass
    vectors = trainer.freeze()
    results = analogies.ask(vectors, analogies.LECTURE[:3])
    assert [result.analogy.answer for result in results] == ["queen", "spanish", "daughter"]
    ranks = [result.rank for result in results]
    assert ranks.count(1) >= least_first, ranks
    assert max(ranks) <= 3, ranks
    assert analogies.total(analogies.score_test_set(vectors)).accuracy > 0.065
