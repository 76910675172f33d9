"""Every preset parses, and what it says comes true. The trainings take about 90 s in all on two free cores."""

from __future__ import annotations

from functools import lru_cache

import pytest

from backends.analysis import analogies
from backends.analysis.neighbourhoods import (
    mean_common_neighbours,
    mean_cosine_of_random_pairs,
    nearest_words,
    share_that_stand_together,
    share_with_the_same_ending,
)
from backends.analysis.word_vectors import WordVectors
from backends.data.corpora import load_corpus
from backends.data.text import build_corpus
from backends.word2vec.config import Word2VecConfig
from backends.word2vec.presets import PRESETS
from backends.word2vec.schedule import RateLine
from backends.word2vec.trainer import Word2VecTrainer

MAX_CHARS = 200
SHOWN = 5
"""Neighbours that the page shows."""
SEED = 1
"""The trainings below use it; with 2 and 3 the same claims were seen to hold."""
BY_NAME = {preset.name: preset for preset in PRESETS}


def test_names_and_settings_are_all_different():
    assert len(BY_NAME) == len(PRESETS)
    assert len({preset.config() for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_changes_what_it_says_and_nothing_else(preset):
    config = preset.config(seed=7)
    assert config == Word2VecConfig(seed=7, **preset.changes)
    # Five negatives are the default: there for the comparison with none.
    assert preset.name == "Five negatives" or set(preset.config().differences(Word2VecConfig())) == set(preset.changes)


def test_a_preset_can_not_be_turned_into_something_else():
    assert BY_NAME["Window 2"].config(window=10).window == 2


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_texts_are_short_and_plain(preset):
    for text in (preset.expect, preset.look_at):
        assert 0 < len(text) <= MAX_CHARS
        assert "!" not in text
        assert text.endswith(".")
    assert len(preset.name) <= 20


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_word_to_look_at_is_in_the_text_that_is_trained_on(preset):
    corpus = build_corpus(load_corpus(preset.config().corpus), preset.config().min_count)
    assert preset.word in ["", *corpus.words]


def run(name: str) -> tuple[WordVectors, float]:
    """Vectors and last loss of a preset's run, or of one with the default settings."""
    return trained(Word2VecConfig(seed=SEED) if name == "Defaults" else BY_NAME[name].config(seed=SEED))


@lru_cache
def trained(config: Word2VecConfig) -> tuple[WordVectors, float]:
    trainer = Word2VecTrainer(config)
    *_, last = trainer.steps()
    return trainer.freeze(), last.metrics["loss"]


def vectors_of(name: str) -> WordVectors:
    return run(name)[0]


def accuracy(vectors: WordVectors) -> float:
    return analogies.total(analogies.score_test_set(vectors)).accuracy


def lecture_analogies_right(vectors: WordVectors) -> int:
    return sum(result.correct for result in analogies.ask(vectors))


def endings_like(vectors: WordVectors, word: str, ending: str) -> int:
    """How many of the shown neighbours have the ending."""
    return sum(near.endswith(ending) for near in nearest_words(vectors, word, SHOWN))


@pytest.mark.slow
def test_window_2_finds_grammar_and_window_10_topics():
    narrow, wide = vectors_of("Window 2"), vectors_of("Window 10")
    assert endings_like(narrow, "captured", "ed") >= 4
    assert endings_like(wide, "captured", "ed") <= 2
    assert "commandos" in nearest_words(wide, "captured", SHOWN)
    # The one word stands for many. Seeds 1 to 3: -ed 0.54 against 0.28, -ly 0.31 to 0.32 against 0.10.
    for ending in ("ed", "ly"):
        grammar = [share_with_the_same_ending(vectors, ending) for vectors in (narrow, wide)]
        assert grammar[0] > grammar[1] + 0.15, ending
    # Seeds 1 to 3: 0.51 to 0.52 against 0.61 to 0.63.
    corpus = build_corpus(load_corpus("all"), 5)
    topic = [share_that_stand_together(vectors, corpus, corpus.words[200:1200:5]) for vectors in (narrow, wide)]
    assert topic[1] > topic[0] + 0.05


@pytest.mark.slow
def test_8_dimensions_answer_next_to_nothing_and_128_little_more_than_96():
    few, many, usual = vectors_of("8 dimensions"), vectors_of("128 dimensions"), vectors_of("Defaults")
    assert 16_850 <= len(few) < 16_950
    assert lecture_analogies_right(few) <= 1
    assert lecture_analogies_right(many) >= 4
    # Seeds 1 to 3: 0.006 to 0.008, 0.076 to 0.082, 0.077 to 0.081.
    assert accuracy(few) < 0.02
    assert accuracy(many) > 0.06
    assert accuracy(many) < accuracy(usual) + 0.015


@pytest.mark.slow
def test_no_subsampling_reads_twice_as_much_and_turns_to_grammar():
    configs = (BY_NAME["No subsampling"].config(), Word2VecConfig())
    # Counted, not timed: predictions are what a run spends its time on, and a busy machine can't change them.
    predictions = [Word2VecTrainer(config)._updates.advance(0, 8, RateLine(0, 0, 0))[1] for config in configs]
    assert 1.8 < predictions[0] / predictions[1] < 2.8

    everything, usual = vectors_of("No subsampling"), vectors_of("Defaults")
    assert endings_like(everything, "captured", "ed") >= 3
    assert endings_like(usual, "captured", "ed") <= 2
    # Seeds 1 to 3: 0.62 to 0.63 against 0.30 to 0.32, and 0.105 to 0.113 against 0.074 to 0.086.
    assert share_with_the_same_ending(everything, "ed") > share_with_the_same_ending(usual, "ed") + 0.15
    assert accuracy(everything) > accuracy(usual) + 0.008


@pytest.mark.slow
def test_without_negatives_everything_collapses_and_with_five_it_spreads():
    collapsed, loss = run("No negatives")
    # Seeds 1 to 3: loss 0.005, mean cosine 0.9988 to 0.9990, no analogy right.
    assert loss < 0.05
    assert mean_cosine_of_random_pairs(collapsed) > 0.99
    for word in ("king", "war", "france", "river"):
        assert all(answer.cosine > 0.995 for answer in collapsed.neighbours(word, SHOWN))
    assert lecture_analogies_right(collapsed) <= 1

    spread, loss = run("Five negatives")
    assert loss > 1.5
    assert 0.1 < mean_cosine_of_random_pairs(spread) < 0.3  # seeds 1 to 3: 0.172 to 0.174
    assert lecture_analogies_right(spread) >= 4


@pytest.mark.slow
def test_a_century_changes_the_neighbours():
    before, since = vectors_of("Speeches to 1899"), vectors_of("Speeches since 1900")
    expected = {
        "energy": ({"activity", "vigor"}, {"renewable", "solar", "fuels"}),
        "union": ({"confederacy"}, {"soviet"}),
        "labor": ({"wages"}, {"bargaining"}),
    }
    for word, (of_before, of_since) in expected.items():
        near_before, near_since = (set(nearest_words(vectors, word, SHOWN)) for vectors in (before, since))
        assert of_before <= near_before, word
        assert of_since <= near_since, word
        assert not near_before & near_since, word
    # Of ten, 0.8 stay in the mean; between two seeds of the same century 5.8 do.
    common = [word for word in before.words if word in since.index and min(_counts(word, before, since)) >= 40]
    assert mean_common_neighbours(before, since, common) < 2.5


def _counts(word: str, *runs: WordVectors) -> list[int]:
    return [int(vectors.counts[vectors.find(word)]) for vectors in runs]
