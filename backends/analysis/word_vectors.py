"""Word vectors that outlive their trainer, and the questions one can ask of them."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from backends.engine.checkpoints import write_atomically

MAX_WORDS_ASKED = 50
SPELLING_POOL = 50_000
LONGEST_SHOWN = 40


class WordQuestionError(ValueError):
    """A question can't be answered. The message is one sentence that says what to do."""


class UnknownWord(WordQuestionError):
    """A word is not in the vocabulary; `suggestions` are the nearest spellings that are."""

    def __init__(self, word: str, suggestions: list[str]) -> None:
        self.word, self.suggestions = word, suggestions
        hint = f"did you mean {_either(suggestions)}?" if suggestions else "try a more frequent word."
        super().__init__(f"“{_shorten(word)}” is not in the vocabulary; {hint}")


@dataclass(frozen=True)
class Answer:
    """A word that answers a question, with its cosine similarity in [-1, 1]."""

    word: str
    cosine: float


@dataclass(frozen=True, eq=False)
class WordVectors:
    """A frozen copy of learned vectors; later training does not change it.

    Attributes:
        words: the vocabulary, most frequent first.
        counts: (V,) int64 occurrences.
        vectors: (V, D) float32.
    """

    words: list[str]
    counts: np.ndarray
    vectors: np.ndarray
    index: dict[str, int] = field(repr=False)

    @classmethod
    def build(cls, words: list[str], counts: np.ndarray, vectors: np.ndarray) -> WordVectors:
        """Make one with an index of its own; trainers that freeze often share theirs instead."""
        return cls(words, counts, vectors, {word: i for i, word in enumerate(words)})

    def __len__(self) -> int:
        return len(self.words)

    @property
    def names(self) -> list[str]:
        """The words, as a map's points are called."""
        return self.words

    @property
    def dim(self) -> int:
        """Numbers per word."""
        return int(self.vectors.shape[1])

    @cached_property
    def unit(self) -> np.ndarray:
        """(V, D) float32: the vectors at length one; a zero vector stays zero."""
        lengths = np.sqrt(np.einsum("vd,vd->v", self.vectors, self.vectors))
        return np.asarray(self.vectors / np.maximum(lengths, 1e-12)[:, None], np.float32)

    def find(self, word: str) -> int:
        """Return a word's index, whatever its case and surrounding space.

        Raises:
            WordQuestionError: nothing was typed.
            UnknownWord: the word is not in the vocabulary.
        """
        wanted = unicodedata.normalize("NFC", word or "").strip().lower()
        if not wanted:
            raise WordQuestionError("A word is missing: type one in every field.")
        if wanted not in self.index:
            raise UnknownWord(wanted, self.spellings(wanted))
        return self.index[wanted]

    def spellings(self, word: str, count: int = 3) -> list[str]:
        """Return the known words that are spelled most like `word`."""
        pool = [w for w in self.words[:SPELLING_POOL] if abs(len(w) - len(word)) <= 2]
        return difflib.get_close_matches(word[:LONGEST_SHOWN], pool, n=count, cutoff=0.6)

    def neighbours(self, word: str, count: int = 10) -> list[Answer]:
        """Return the words with the most similar vectors, most similar first."""
        i = self.find(word)
        return self._best(self.unit[i], count, exclude=[i])

    def similarity(self, first: str, second: str) -> float:
        """Cosine of two words' vectors, in [-1, 1]."""
        return float(self.unit[self.find(first)] @ self.unit[self.find(second)])

    def analogy(self, a: str, b: str, c: str, count: int = 10) -> list[Answer]:
        """Answer a - b + c with unit vectors (3CosAdd, Mikolov et al., 2013); a, b and c are no answers.

        Raises:
            WordQuestionError: a word is missing or unknown, or all three are the same word.
        """
        ia, ib, ic = self.find(a), self.find(b), self.find(c)
        if ia == ib == ic:
            raise WordQuestionError("All three words are the same, so nothing is asked: change one of them.")
        return self._best(self.unit[ia] - self.unit[ib] + self.unit[ic], count, exclude=[ia, ib, ic])

    def odd_one_out(self, words: Sequence[str]) -> list[Answer]:
        """Rank words by the cosine to the mean of the others, the odd one first.

        Raises:
            WordQuestionError: fewer than three different words, more than 50, or an unknown one.
        """
        chosen = self._different(words, at_least=3)
        units = self.unit[chosen]
        others = units.sum(axis=0, keepdims=True) - units
        others /= np.maximum(np.linalg.norm(others, axis=1, keepdims=True), 1e-12)
        cosines = (units * others).sum(axis=1)
        return [Answer(self.words[chosen[i]], float(cosines[i])) for i in np.argsort(cosines)]

    def on_axis(self, left: str, right: str, words: Sequence[str]) -> list[Answer]:
        """Place words on the axis from `left` to `right`: the cosine with right - left, lowest first.

        Raises:
            WordQuestionError: both ends are the same word, no word is given, or one is unknown.
        """
        i, j = self.find(left), self.find(right)
        if i == j:
            raise WordQuestionError("Both ends of the axis are the same word: choose two different ones.")
        chosen = self._different(words, at_least=1)
        axis = self.unit[j] - self.unit[i]
        places = self.unit[chosen] @ (axis / max(float(np.linalg.norm(axis)), 1e-12))
        return [Answer(self.words[chosen[k]], float(places[k])) for k in np.argsort(places)]

    def plane_of(self, a: str, b: str, c: str, answer: str) -> PlaneView:
        """Lay a - b + c into the plane that loses least of the four words: for drawing the sum as arrows."""
        names = [self.words[self.find(word)] for word in (a, b, c, answer)]
        points = self.unit[[self.index[name] for name in names]]
        target = points[0] - points[1] + points[2]
        cloud = np.vstack([points, target])
        centred = cloud - cloud.mean(axis=0)
        _, singular, axes = np.linalg.svd(centred, full_matrices=False)
        flat = centred @ axes[:2].T
        kept = float((singular[:2] ** 2).sum() / max(float((singular**2).sum()), 1e-12))
        return PlaneView(names, flat[:4].astype(np.float32), flat[4].astype(np.float32), kept)

    def save_text(self, path: Path) -> Path:
        """Write the word2vec text format: a line "V D", then a line per word. gensim's KeyedVectors reads it."""
        return write_atomically(path, self._write_text)

    def _write_text(self, path: Path) -> None:
        with path.open("w", encoding="utf-8") as file:
            file.write(f"{len(self)} {self.dim}\n")
            for word, vector in zip(self.words, self.vectors, strict=True):
                file.write(word + " " + " ".join(f"{value:.6g}" for value in vector) + "\n")

    def _best(self, query: np.ndarray, count: int, exclude: list[int]) -> list[Answer]:
        cosines = self.unit @ (query / max(float(np.linalg.norm(query)), 1e-12))
        cosines[exclude] = -np.inf
        count = min(count, len(self) - len(set(exclude)))
        if count <= 0:
            return []
        best = np.argpartition(-cosines, count - 1)[:count]
        best = best[np.argsort(-cosines[best])]
        return [Answer(self.words[i], float(cosines[i])) for i in best]

    def _different(self, words: Sequence[str], at_least: int) -> list[int]:
        given = [word for word in words if word.strip()]
        if len(given) > MAX_WORDS_ASKED:
            raise WordQuestionError(f"That is {len(given)} words; up to {MAX_WORDS_ASKED} can be compared at once.")
        chosen = list(dict.fromkeys(self.find(word) for word in given))
        if len(chosen) < at_least:
            needed = "at least three different words" if at_least == 3 else "at least one word"
            raise WordQuestionError(f"Type {needed}, separated by spaces or commas.")
        return chosen


@dataclass(frozen=True)
class PlaneView:
    """The analogy a - b + c seen in the plane that the words span.

    Attributes:
        words: a, b, c and the answer.
        points: (4, 2) their places.
        target: (2,) the place of a - b + c itself.
        variance_kept: share of the words' spread that the plane shows, in [0, 1].
    """

    words: list[str]
    points: np.ndarray
    target: np.ndarray
    variance_kept: float


def _either(words: list[str]) -> str:
    quoted = [f"“{word}”" for word in words]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " or " + quoted[-1]


def _shorten(word: str) -> str:
    return word if len(word) <= LONGEST_SHOWN else word[: LONGEST_SHOWN - 1] + "…"
