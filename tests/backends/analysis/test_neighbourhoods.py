from __future__ import annotations

import numpy as np
import pytest

from backends.analysis import neighbourhoods
from backends.analysis.word_vectors import WordVectors
from backends.data.text import build_corpus, tokenise


def vectors_at(angles: dict[str, float]) -> WordVectors:
    """Words on a circle, so that the nearest one is the one at the nearest angle."""
    radians = np.radians(list(angles.values()))
    points = np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)
    return WordVectors.build(list(angles), np.ones(len(angles), np.int64), points)


@pytest.fixture(autouse=True)
def one_neighbour(monkeypatch):
    monkeypatch.setattr(neighbourhoods, "nearest_words", lambda vectors, word: [vectors.neighbours(word, 1)[0].word])


def test_the_same_ending_is_counted_among_the_neighbours_of_words_that_have_it():
    vectors = vectors_at({"walked": 0, "jumped": 1, "garden": 50, "planted": 54, "red": 51.5, "roses": 90})
    # planted finds "red", which has the ending; red itself finds "garden", but is too short to be asked.
    assert neighbourhoods.share_with_the_same_ending(vectors, "ed") == 1
    vectors = vectors_at({"walked": 0, "jumped": 1, "garden": 50, "planted": 51, "roses": 90})
    assert neighbourhoods.share_with_the_same_ending(vectors, "ed") == pytest.approx(2 / 3)
    assert neighbourhoods.share_with_the_same_ending(vectors, "ed", most=2) == 1


def test_an_ending_that_no_word_has_is_refused():
    with pytest.raises(ValueError, match="no word to ask"):
        neighbourhoods.share_with_the_same_ending(vectors_at({"garden": 0, "roses": 1}), "ing")


def test_words_stand_together_up_to_five_words_apart_and_only_in_a_line():
    corpus = build_corpus(tokenise(["left a b c d right", "far a b c d e apart", "alone", "lonely"]), min_count=1)
    angles = {word: 90.0 + 10 * i for i, word in enumerate(corpus.words)}
    near = {"left": 0, "right": 1, "far": 20, "apart": 21, "alone": 40, "lonely": 41}
    vectors = vectors_at({word: near.get(word, angles[word]) for word in corpus.words})
    share = lambda *words: neighbourhoods.share_that_stand_together(vectors, corpus, words)  # noqa: E731
    assert share("left") == share("right") == 1
    assert share("far") == share("apart") == 0, "six words apart is not together"
    assert share("alone") == share("lonely") == 0, "words of different lines are not together"
    assert share("left", "far") == 0.5


def test_common_neighbours_are_counted_word_by_word():
    first = vectors_at({"a": 0, "b": 1, "c": 50, "d": 51})
    second = vectors_at({"a": 0, "b": 1, "c": 50, "d": 90, "e": 50.5})
    assert neighbourhoods.mean_common_neighbours(first, first, ["a", "c"]) == 1
    assert neighbourhoods.mean_common_neighbours(first, second, ["a", "c"]) == 0.5


def test_the_cosine_of_random_pairs_tells_collapse_from_spread():
    random = np.random.default_rng(1).normal(size=(500, 64)).astype(np.float32)
    words = [f"w{i}" for i in range(500)]
    spread = WordVectors.build(words, np.ones(500, np.int64), random)
    collapsed = WordVectors.build(words, np.ones(500, np.int64), 1 + 0.001 * random)
    assert abs(neighbourhoods.mean_cosine_of_random_pairs(spread)) < 0.02
    assert neighbourhoods.mean_cosine_of_random_pairs(collapsed) > 0.9999
