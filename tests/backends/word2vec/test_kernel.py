from __future__ import annotations

import numpy as np
import pytest

from backends.data.text import Corpus, build_corpus, tokenise
from backends.word2vec import kernel, sampling
from backends.word2vec.config import Word2VecConfig
from backends.word2vec.cpu_updates import CpuUpdates
from backends.word2vec.schedule import CHUNK_WORDS, RateLine, over_chunks
from tests.backends.word2vec import naive_kernel

STEADY = RateLine(0.2, 0.0, 0.0)


def word(number: int) -> str:
    """A word of letters for each number, as the tokeniser drops digits."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


@pytest.fixture(scope="module")
def random_corpus() -> Corpus:
    """300 running words of 30, some far more frequent than others, in lines of 1 to 25 words."""
    random = np.random.default_rng(0)
    drawn = [word(int(29 * share**2)) for share in random.random(271)] + [word(i) for i in range(29, 0, -1)]
    ends = np.cumsum(random.integers(1, 26, 40))
    lines = [" ".join(part) for part in np.split(np.array(drawn[:300]), ends[ends < 300])]
    return build_corpus(tokenise(lines), min_count=1)


def config_for(**changes) -> Word2VecConfig:
    return Word2VecConfig(dim=8, window=4, min_count=1, subsample=0.05, threads=1, seed=3).with_changes(**changes)


def run_naive(config: Word2VecConfig, corpus: Corpus, start: np.ndarray, chunks: range, rates: RateLine):
    keep = sampling.as_uint32_threshold(sampling.keep_probability(corpus.counts, config.subsample))
    threshold, alias = sampling.alias_table(sampling.noise_distribution(corpus.counts))
    inputs, outputs = start.astype(np.float64), np.zeros(start.shape)
    loss, predictions = naive_kernel.train(
        corpus.ids.tolist(),
        corpus.line_of.tolist(),
        keep.tolist(),
        (sampling.as_uint32_threshold(threshold).tolist(), alias.tolist()),
        inputs,
        outputs,
        window=config.window,
        negatives=config.negatives,
        cbow=config.architecture == "cbow",
        seed=config.seed,
        chunks=chunks,
        rates=rates,
    )
    return inputs, outputs, loss, predictions


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
@pytest.mark.parametrize("negatives", [0, 1, 5])
def test_the_kernel_computes_what_plain_loops_compute(random_corpus, architecture, negatives):
    config = config_for(architecture=architecture, negatives=negatives)
    rates = over_chunks(0.2, 5)
    updates = CpuUpdates(config, random_corpus)
    start = updates.copy_vectors()

    loss, predictions = updates.advance(0, 4, rates)
    inputs, outputs, naive_loss, naive_predictions = run_naive(config, random_corpus, start, range(4), rates)

    assert np.abs(inputs - start).max() > 0.1, "the run is too short to show a difference"
    np.testing.assert_allclose(updates.input_vectors, inputs, rtol=2e-4, atol=1e-4)
    np.testing.assert_allclose(updates.output_vectors, outputs, rtol=2e-4, atol=1e-4)
    assert predictions == naive_predictions
    assert loss == pytest.approx(naive_loss, rel=1e-4)


def test_the_kernel_reads_the_second_chunk_of_an_epoch_as_plain_loops_do():
    random = np.random.default_rng(1)
    lines = [" ".join(word(int(i)) for i in random.integers(0, 30, 50)) for _ in range(170)]
    corpus = build_corpus(tokenise(lines), min_count=1)
    assert CHUNK_WORDS < len(corpus) < 2 * CHUNK_WORDS
    config = config_for(negatives=2)
    updates = CpuUpdates(config, corpus)
    start = updates.copy_vectors()

    updates.advance(1, 2, RateLine(0.05, 0.0, 0.0))
    inputs, *_ = run_naive(config, corpus, start, range(1, 2), RateLine(0.05, 0.0, 0.0))

    np.testing.assert_allclose(updates.input_vectors, inputs, atol=1e-4)


def test_the_sigmoid_is_exact_to_2e_5_inside_its_clip_and_flat_outside():
    scores = np.linspace(-20, 20, 4001).astype(np.float32)
    clipped = scores.clip(-kernel.MAX_SCORE, kernel.MAX_SCORE).astype(np.float64)

    computed = scores.copy()
    kernel._sigmoid(computed, len(computed))

    assert np.abs(computed - 1 / (1 + np.exp(-clipped))).max() < 2e-5
    assert len(set(computed[scores >= 8])) == 1


def test_a_nan_score_stays_a_nan():
    scores = np.array([np.nan, 0, np.nan], np.float32)
    kernel._sigmoid(scores, 3)
    assert np.isnan(scores).tolist() == [True, False, True]
    assert scores[1] == 0.5


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_one_thread_gives_the_same_bits_however_the_run_is_cut(random_corpus, architecture):
    config = config_for(architecture=architecture)
    whole, cut = CpuUpdates(config, random_corpus), CpuUpdates(config, random_corpus)
    rates = over_chunks(0.1, 6)

    loss, predictions = whole.advance(0, 6, rates)
    parts = [cut.advance(first, last, rates) for first, last in ((0, 2), (2, 3), (3, 6))]

    assert np.array_equal(whole.input_vectors, cut.input_vectors)
    assert np.array_equal(whole.output_vectors, cut.output_vectors)
    assert predictions == sum(count for _, count in parts)
    assert loss == pytest.approx(sum(part for part, _ in parts), rel=1e-12)


def test_another_seed_gives_other_vectors(random_corpus):
    first, second = (CpuUpdates(config_for(seed=seed), random_corpus) for seed in (1, 2))
    second.input_vectors[:] = first.input_vectors
    for updates in (first, second):
        updates.advance(0, 1, STEADY)
    assert not np.array_equal(first.input_vectors, second.input_vectors)


def test_two_threads_read_every_chunk_once(topic_text, monkeypatch):
    monkeypatch.setattr("backends.word2vec.cpu_updates.available_cores", lambda: 2)
    corpus = build_corpus(topic_text, 1)
    config = config_for(dim=16)
    one, two = CpuUpdates(config, corpus), CpuUpdates(config.with_changes(threads=2), corpus)
    assert two.threads == 2

    loss_of_one, predictions_of_one = one.advance(0, 5, STEADY)
    loss_of_two, predictions_of_two = two.advance(0, 5, STEADY)

    assert predictions_of_two == predictions_of_one
    assert loss_of_two == pytest.approx(loss_of_one, rel=0.1)


def test_no_word_of_a_line_longer_than_a_chunk_is_left_out():
    corpus = build_corpus(tokenise([" ".join(word(i) for i in range(15_600))]), min_count=1)
    assert len(corpus) == len(corpus.words) == 15_600
    updates = CpuUpdates(config_for(negatives=0, subsample=0.0), corpus)
    start = updates.copy_vectors()

    updates.advance(0, 4, STEADY)

    assert np.all(np.abs(updates.output_vectors).max(axis=1) > 0), "a word was never a centre"
    assert np.all((updates.input_vectors != start).any(axis=1)), "a word was never a context"


def test_no_context_crosses_a_line():
    corpus = build_corpus(tokenise(["left right"] + ["alone"] * 20), min_count=1)
    updates = CpuUpdates(config_for(negatives=0, subsample=0.0), corpus)
    updates.advance(0, 3, STEADY)
    alone = corpus.words.index("alone")
    assert np.all(updates.output_vectors[alone] == 0)
    assert np.all(np.delete(updates.output_vectors, alone, axis=0) != 0)
