"""What the words around a word have in common: form, topic, another run, or everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from backends.analysis.word_vectors import WordVectors
from backends.data.text import Corpus

NEAREST = 10
"""Neighbours that are looked at, per word."""
NEAR_IN_TEXT = 5
"""Words that stand at most so far apart count as standing together."""


def nearest_words(vectors: WordVectors, word: str, count: int = NEAREST) -> list[str]:
    """Return the words with the most similar vectors, most similar first."""
    return [answer.word for answer in vectors.neighbours(word, count)]


def share_with_the_same_ending(vectors: WordVectors, ending: str, most: int = 300) -> float:
    """How many of the ten nearest words of a word with this ending have it as well: a measure of grammar.

    Args:
        vectors: the vectors.
        ending: such as "ed" or "ly".
        most: so many words are asked, the most frequent of those that are longer than four letters.

    Returns:
        The mean share, in [0, 1].

    Raises:
        ValueError: no word has the ending.
    """
    asked = [word for word in vectors.words if word.endswith(ending) and len(word) > 4][:most]
    return _mean(asked, lambda word: np.mean([near.endswith(ending) for near in nearest_words(vectors, word)]))


def share_that_stand_together(vectors: WordVectors, corpus: Corpus, words: Sequence[str]) -> float:
    """How many of a word's ten nearest words stand close to it somewhere in the text: a measure of topic.

    Args:
        vectors: trained on `corpus`, with the same vocabulary.
        corpus: the text.
        words: the words to ask.

    Returns:
        The mean share, in [0, 1]; close means at most `NEAR_IN_TEXT` words apart, in one line.

    Raises:
        ValueError: no word is given.
    """
    order = np.argsort(corpus.ids, kind="stable")
    ends = np.cumsum(corpus.counts)

    def of_word(word: str) -> np.floating:
        i = vectors.find(word)
        close = _words_around(corpus, order[ends[i] - corpus.counts[i] : ends[i]])
        return np.mean([vectors.find(near) in close for near in nearest_words(vectors, word)])

    return _mean(words, of_word)


def mean_common_neighbours(first: WordVectors, second: WordVectors, words: Sequence[str]) -> float:
    """How many of its ten nearest words a word keeps from one run to another, in the mean.

    Raises:
        ValueError: no word is given.
    """
    return _mean(words, lambda word: len(set(nearest_words(first, word)) & set(nearest_words(second, word))))


def mean_cosine_of_random_pairs(vectors: WordVectors, pairs: int = 4_000, seed: int = 0) -> float:
    """Cosine of two words taken at random, in the mean; 1 when all vectors have collapsed into one direction."""
    drawn = np.random.default_rng(seed).integers(0, len(vectors), (2, pairs))
    return float(np.einsum("pd,pd->p", vectors.unit[drawn[0]], vectors.unit[drawn[1]]).mean())


def _words_around(corpus: Corpus, places: np.ndarray) -> set[int]:
    """Return which words stand close to these places of the text."""
    found: set[int] = set()
    for offset in range(-NEAR_IN_TEXT, NEAR_IN_TEXT + 1):
        inside = (places + offset >= 0) & (places + offset < len(corpus))
        around, middle = places[inside] + offset, places[inside]
        found.update(corpus.ids[around[corpus.line_of[around] == corpus.line_of[middle]]].tolist())
    return found


def _mean(words: Sequence[str], measure: Callable[[str], float | np.floating]) -> float:
    if not words:
        raise ValueError("There is no word to ask.")
    return float(np.mean([measure(word) for word in words]))
