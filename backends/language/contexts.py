"""One word in two sentences, layer by layer: one vector at the bottom, what its sentence makes of it above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backends.analysis.picture_vectors import unit_of
from backends.language.use import LanguageError, layer_vectors

if TYPE_CHECKING:
    from backends.language.tokens import Tokens
    from backends.language.trainer import FrozenLanguage

MOST_SHARED = 6
TABLE, PLACE = "table", "+ place"


@dataclass(frozen=True, eq=False)
class WordLevels:
    """A sentence's words, level by level.

    Attributes:
        words: (W,) as they are written; signs are left out.
        levels: (L,) names: the row of the table, the row and the place, each block.
        vectors: (L, W, D) float32; a word of several tokens is their mean.
        ids: (W,) the tokens of each.
        note: what was cut of the sentence, or "".
    """

    words: tuple[str, ...]
    levels: tuple[str, ...]
    vectors: np.ndarray
    ids: tuple[tuple[int, ...], ...]
    note: str


@dataclass(frozen=True, eq=False)
class SharedWord:
    """A word that stands in both sentences.

    Attributes:
        name: as it is written; both ways where they differ, as in "may / May".
        places: of its first occurrence in each sentence's words.
        cosines: (L,) of its two vectors at each level.
        same_row: both are the same tokens, so that both begin as the same vector.
    """

    name: str
    places: tuple[int, int]
    cosines: np.ndarray
    same_row: bool


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two sentences that share words.

    Attributes:
        first: of the first sentence; second: of the second.
        shared: the rarest first, at most `MOST_SHARED`.
        others: (L,) the mean cosine of different words, one of each sentence.
    """

    first: WordLevels
    second: WordLevels
    shared: tuple[SharedWord, ...]
    others: np.ndarray


def word_levels(frozen: FrozenLanguage, text: str) -> WordLevels:
    """The words of a text at every level; of T5, in the encoder.

    Raises:
        LanguageError: the text is empty, or has signs only.
    """
    import torch

    told = layer_vectors(frozen, text)
    with torch.no_grad():
        rows = frozen.model.embedding.tokens.weight[torch.tensor(told.tokens.ids, device=frozen.device)]
    tokens = np.concatenate([rows.float().cpu().numpy()[None], told.vectors])
    places = _words_of(told.tokens)
    if not places:
        raise LanguageError("There is no word in the sentence; write some.")
    vectors = np.stack([tokens[:, list(of_word)].mean(axis=1) for of_word in places], axis=1)
    blocks = tuple(f"block {number}" for number in range(1, len(told.vectors)))
    ids = tuple(tuple(told.tokens.ids[place] for place in of_word) for of_word in places)
    return WordLevels(
        tuple(_name(told.tokens, of_word) for of_word in places), (TABLE, PLACE, *blocks), vectors, ids, told.note
    )


def compare(frozen: FrozenLanguage, first: str, second: str) -> Comparison:
    """Follow the words that two sentences share; upper and lower case count as the same word.

    Raises:
        LanguageError: a sentence is empty or has signs only, or they share no word.
    """
    one, two = word_levels(frozen, first), word_levels(frozen, second)
    cosines = np.stack([unit_of(a) @ unit_of(b).T for a, b in zip(one.vectors, two.vectors, strict=True)])
    keys = [[word.casefold() for word in side.words] for side in (one, two)]
    differ = np.array([[a != b for b in keys[1]] for a in keys[0]])
    shared = [
        _shared(one, two, keys[0].index(key), keys[1].index(key), cosines)
        for key in dict.fromkeys(keys[0])
        if key in keys[1]
    ]
    if not shared:
        raise LanguageError("The two sentences share no word; write one that stands in both.")
    shared.sort(key=lambda word: _commonness(one.ids[word.places[0]]))
    others = cosines[:, differ].mean(axis=1) if differ.any() else np.full(len(cosines), np.nan)
    return Comparison(one, two, tuple(shared[:MOST_SHARED]), others)


def paths_in_plane(of: WordLevels, *others: np.ndarray) -> list[np.ndarray]:
    """The words' ways through the levels, in the plane in which they differ most (PCA fitted on all levels together).

    Vectors are put at length one, and each level's mean is subtracted: what all words share on the way up would
    otherwise be all that is seen.

    Args:
        of: the sentence that the plane is fitted to.
        others: (L, V, D) vectors of other words, which are put in the same plane.

    Returns:
        (L, W, 2) of the sentence's words, and (L, V, 2) of each of the others.
    """
    unit = np.stack([unit_of(level) for level in of.vectors])
    means = unit.mean(axis=1, keepdims=True)
    flat = (unit - means).reshape(-1, unit.shape[-1])
    middle = flat.mean(axis=0)
    _, _, axes = np.linalg.svd(flat - middle, full_matrices=False)
    plane = np.zeros((unit.shape[-1], 2), np.float32)
    plane[:, : len(axes[:2])] = axes[:2].T
    units = [unit, *(np.stack([unit_of(level) for level in vectors]) for vectors in others)]
    return [np.asarray((each - means - middle) @ plane, np.float32) for each in units]


def _shared(one: WordLevels, two: WordLevels, a: int, b: int, cosines: np.ndarray) -> SharedWord:
    name = one.words[a] if one.words[a] == two.words[b] else f"{one.words[a]} / {two.words[b]}"
    return SharedWord(name, (a, b), cosines[:, a, b], one.ids[a] == two.ids[b])


def _commonness(ids: Sequence[int]) -> tuple[int, int]:
    """Sorts rare words first: merges are learned in the order of their frequency, and rare words are several tokens."""
    return (-len(ids), -min(ids))


def _words_of(tokens: Tokens) -> list[tuple[int, ...]]:
    """The places of each word's tokens, without signs."""
    places: dict[int, list[int]] = {}
    for place, word in enumerate(tokens.words):
        places.setdefault(word, []).append(place)
    return [tuple(p) for p in places.values() if any(letter.isalnum() for letter in _name(tokens, p))]


def _name(tokens: Tokens, places: Sequence[int]) -> str:
    return tokens.text[tokens.offsets[places[0]][0] : tokens.offsets[places[-1]][1]]
