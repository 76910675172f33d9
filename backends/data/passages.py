"""Passages of speeches whose century is known: what a task for text encoders is made of."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from backends.data.corpora import SPEECHES, Speech, speeches
from backends.data.pictures import Factor

PASSAGE_WORDS = 40
"""About as many as the shipped language models read at once. All passages are of one length, for that of sentences
would tell the century."""
CENTURY = "century"
FIRST_CENTURY = 1700
HELD_OUT_SHARE = 0.25
"""Of each century's years."""
SPLIT_SEED = 0
TRAINING_EACH, HELD_OUT_EACH = 300, 125
"""Passages of each century. The years before 1800 have no more than about 550 together."""

_BRACKETED = re.compile(r"\[[^\]]*\]|\([^)]*applause[^)]*\)", re.IGNORECASE)
_DASH = re.compile("—|–|--+")
_YEAR = re.compile(r"\b(?:1[4-9]|20)\d\d\b")
_loading = threading.Lock()


@dataclass(frozen=True)
class PassageSet:
    """Passages with what is known of them.

    Attributes:
        texts: (N,) of `PASSAGE_WORDS` words each.
        names: (N,) whose speech each is from, and of when.
        factors: by name.
        groups: (N,) int64, the year of the speech; no year stands on both sides of a split.
        source: where the speeches come from.
        licence: under which licence.
        notes: sentences about what was left out.
    """

    texts: tuple[str, ...]
    names: tuple[str, ...]
    factors: dict[str, Factor]
    groups: np.ndarray
    source: str
    licence: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def subset(self, indices: Sequence[int] | np.ndarray) -> PassageSet:
        """Return only these passages, in this order."""
        chosen = np.asarray(indices, dtype=np.int64)
        return replace(
            self,
            texts=tuple(self.texts[i] for i in chosen),
            names=tuple(self.names[i] for i in chosen),
            factors={name: replace(factor, values=factor.values[chosen]) for name, factor in self.factors.items()},
            groups=self.groups[chosen],
        )


def load_passages() -> tuple[PassageSet, PassageSet]:
    """Passages to train on and passages held out, of other years; as many of each century. Read once and shared.

    Raises:
        TextError: the package that carries the speeches is missing.
    """
    with _loading:
        return _load()


@lru_cache(maxsize=1)
def _load() -> tuple[PassageSet, PassageSet]:
    return split_by_year(passages_of(speeches()))


def passages_of(told: Iterable[Speech]) -> PassageSet:
    """Cut speeches into passages, without those that name a year.

    Stage directions in brackets go, and all dashes become one sign, for both are a matter of who typed the speech.
    """
    texts: list[str] = []
    names: list[str] = []
    years: list[int] = []
    for speech in told:
        for text in _passages(speech.lines):
            texts.append(text)
            names.append(f"{speech.president}, {speech.year}")
            years.append(speech.year)
    groups = np.array(years, np.int64)
    century = groups // 100 - FIRST_CENTURY // 100
    classes = tuple(f"{FIRST_CENTURY + 100 * number}s" for number in range(century.max(initial=-1) + 1))
    factors = {CENTURY: Factor(CENTURY, "Speech's century", classes, century)}
    notes = ("Passages that name a year are left out.",)
    return PassageSet(tuple(texts), tuple(names), factors, groups, SPEECHES.source, SPEECHES.licence, notes)


def split_by_year(
    passages: PassageSet, training: int = TRAINING_EACH, held_out: int = HELD_OUT_EACH
) -> tuple[PassageSet, PassageSet]:
    """Hold out `HELD_OUT_SHARE` of each century's years, and draw passages of both sides, as many of each century.

    Args:
        passages: of several years in each century.
        training: passages of each century to train on, at most.
        held_out: passages of each century that are held out, at most.
    """
    random = np.random.default_rng(SPLIT_SEED)
    century = passages.factors[CENTURY].values
    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for number in range(len(passages.factors[CENTURY].classes)):
        mine = np.flatnonzero(century == number)
        years = random.permutation(np.unique(passages.groups[mine]))
        out = np.isin(passages.groups[mine], years[: round(HELD_OUT_SHARE * len(years))])
        for side, chosen, most in zip(sides, (mine[~out], mine[out]), (training, held_out), strict=True):
            side.append(random.permutation(chosen)[:most])
    train, tested = (passages.subset(np.sort(np.concatenate(side))) for side in sides)
    return train, tested


def _passages(lines: Iterable[str]) -> Iterator[str]:
    """The running words of a speech, so many at a time; what is left at its end is no passage."""
    words = _DASH.sub(" - ", _BRACKETED.sub(" ", " ".join(lines))).split()
    for start in range(0, len(words) - PASSAGE_WORDS + 1, PASSAGE_WORDS):
        text = " ".join(words[start : start + PASSAGE_WORDS])
        if not _YEAR.search(text):
            yield text
