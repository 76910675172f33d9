"""Sentences of news, and where a language model's vectors put them: which sentences are near which.

A sentence's vector is the mean of its tokens' in the last layer (Reimers and Gurevych, 2019, compare such means). All
of them lean to one side and differ along few directions (Ethayarajh, 2019), so cosines of the plain vectors say little.
Whitening (Su et al., 2021, "Whitening sentence representations") subtracts their mean and lets every direction in which
they differ count the same.
"""

from __future__ import annotations

import re
import threading
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from backends.analysis.picture_vectors import unit_of
from backends.data.corpora import questions_words_path
from backends.data.pictures import Factor
from backends.language.use import LanguageError, note_of, read_text, sentence_vectors

if TYPE_CHECKING:
    from backends.language.trainer import FrozenLanguage

NEWS_FILE = "lee_background.cor"
NEWS_SOURCE = (
    "The sentences: news of the Australian Broadcasting Corporation, the Lee background corpus (Lee, Pincombe and "
    "Welsh, 2005) in gensim's test data; free for research"
)
PER_STORY = 3
"""Sentences taken of each story, the first ones: enough to ask whether a sentence's nearest is of its own story."""
FEWEST_WORDS, MOST_WORDS = 8, 24
FEWEST_TOKENS = 2
FEWEST_HITS = 2
"""Words of a topic that a story must have to count as one of it."""
TOPIC_WORDS = {
    "Afghanistan": r"Afghan|Taliban|Al Qaeda|bin Laden|Tora Bora|Kandahar|Kabul|Karzai",
    "Israel and Palestinians": r"Israel|Palestin|Arafat|Hamas|Gaza|West Bank|Sharon",
    "India and Pakistan": r"India\b|Indian\b|Pakistan|Kashmir|Delhi",
    "fire and weather": r"fires?\b|bushfire|firefight|storm|winds\b|rain\b|weather|flood|cyclone|blaze",
    "sport": r"cricket|\bTest\b|wicket|innings|tennis|match\b|\bCup\b|batsm|bowler|\bplayers?\b|\bteam\b|\brace\b|"
    r"Hewitt|yacht|champion",
    "money and work": r"Qantas|union|per cent|compan|bank|interest rate|jobs|workers|airline|Ansett|econom|business|"
    r"industr|\$|HIH",
    "crime and courts": r"court|charged|jail|trial|murder|prison|guilty|robb|detectives|inquest|police",
    "Australian politics": r"Senator|Labor|Coalition|Opposition|Governor-General|Federal Government|Howard|Democrats|"
    r"asylum|detention|Woomera|Hollingworth",
    "health and science": r"cancer|health|hospital|doctor|patients|research|scientist|disease|drug|medical|stem cell|"
    r"virus",
}
"""What tells a story's topic: the expression that is found most often in it. Made by reading the stories; it colours
the map, and no model learns from it."""
OTHER = "other"
SPACES = {
    "plain": "plain",
    "centred": "centred",
    "whitened": "whitened",
}
"""What is done to the model's vectors before angles are compared."""
FLAT = 1e-3
"""Directions in which the sentences differ less than this share of the widest are left out: they hold rounding only."""

HEADLINE_WORDS, HEADLINE_CHARS = 2, 20
COMMON = 0.05
"""A word in a larger share of the sentences tells none apart."""

_WORD = re.compile(r"[^\W\d_][\w'-]{3,}")
_END = re.compile(r"(?<=[.!?])\s+|(?<=[.!?]\")\s+")
_reading = threading.Lock()


@dataclass(frozen=True, eq=False)
class News:
    """Sentences of news.

    Attributes:
        sentences: (n,) no two the same.
        headlines: (n,) one or two words of each that few others have, names before others: short enough for a map.
        stories: (n,) int64, which story each is of.
        topic: of each sentence's story.
    """

    sentences: tuple[str, ...]
    headlines: tuple[str, ...]
    stories: np.ndarray
    topic: Factor

    def __len__(self) -> int:
        return len(self.sentences)


@dataclass(frozen=True, eq=False)
class Space:
    """How vectors are changed before they are compared: (v - mean) @ turn.

    Attributes:
        mean: (D,) float32.
        turn: (D, K) float32.
    """

    mean: np.ndarray
    turn: np.ndarray

    def of(self, vectors: np.ndarray) -> np.ndarray:
        """(n, D) vectors of the model to (n, K)."""
        changed: np.ndarray = (vectors - self.mean) @ self.turn
        return changed


@dataclass(frozen=True, eq=False)
class NewsVectors:
    """What one model makes of the news, in one space; the map's `live_map.Embedded`.

    Attributes:
        news: the sentences.
        space: what the model's vectors went through.
        vectors: (n, K) float32.
    """

    news: News
    space: Space
    vectors: np.ndarray

    def __len__(self) -> int:
        return len(self.news)

    @property
    def names(self) -> tuple[str, ...]:
        """The sentences, shortened."""
        return self.news.headlines

    @cached_property
    def unit(self) -> np.ndarray:
        """(n, D) float32: the vectors at length one."""
        return unit_of(self.vectors)

    @property
    def factors(self) -> Mapping[str, Factor]:
        """What is known of the sentences."""
        return {self.news.topic.name: self.news.topic}

    def nearest(self, index: int, count: int) -> list[tuple[int, float]]:
        """The sentences nearest to one of these, itself left out: (index, cosine in [-1, 1]), nearest first."""
        return self._nearest(self.unit[index], count, leave_out=index)

    def nearest_to(self, vector: np.ndarray, count: int) -> list[tuple[int, float]]:
        """The sentences nearest to a (K,) vector of the same space."""
        return self._nearest(unit_of(vector[None])[0], count)

    def _nearest(self, unit: np.ndarray, count: int, leave_out: int | None = None) -> list[tuple[int, float]]:
        cosines = np.clip(self.unit @ unit, -1, 1)
        order = np.argsort(-cosines, kind="stable")
        return [(int(i), float(cosines[i])) for i in order if i != leave_out][:count]

    @cached_property
    def same_story(self) -> float:
        """The share of sentences whose nearest is of the same story, in [0, 1]."""
        cosines = self.unit @ self.unit.T
        np.fill_diagonal(cosines, -2)
        return float((self.news.stories[cosines.argmax(axis=1)] == self.news.stories).mean())

    @cached_property
    def chance(self) -> float:
        """The same of a sentence drawn at random among the others, in [0, 1]."""
        _, sizes = np.unique(self.news.stories, return_counts=True)
        n = len(self)
        return float((sizes * (sizes - 1)).sum() / (n * (n - 1)))


@lru_cache(maxsize=1)
def load_news() -> News:
    """Read the news of gensim's test data: the first sentences of each story that are no quotation; kept.

    Raises:
        TextError: gensim is missing.
    """
    text = questions_words_path().with_name(NEWS_FILE).read_text(encoding="utf-8")
    return news_of(text.splitlines())


def news_of(stories: list[str]) -> News:
    """Take `PER_STORY` sentences of each story, a story a line."""
    found: dict[str, int] = {}
    topics = [_topic_of(story) for story in stories]
    for number, story in enumerate(stories):
        fit = [sentence for sentence in _END.split(story) if _fits(sentence) and sentence not in found]
        found |= dict.fromkeys(fit[:PER_STORY], number)
    numbers = np.array(list(found.values()), np.int64)
    classes = (*TOPIC_WORDS, OTHER)
    values = np.array([classes.index(topics[number]) for number in numbers], np.int64)
    return News(tuple(found), headlines_of(list(found)), numbers, Factor("topic", "topic", classes, values))


def headlines_of(sentences: Sequence[str]) -> tuple[str, ...]:
    """Shorten sentences to words that tell them apart: names first, the rarest of those that come more than once."""
    words = [[word.removesuffix("'s") for word in _WORD.findall(sentence)] for sentence in sentences]
    count = Counter(word for of_one in words for word in {word.casefold() for word in of_one})
    inside = {word for of_one in words for word in of_one[1:] if word[0].isupper()}
    common = COMMON * len(sentences)
    told = []
    for sentence, of_one in zip(sentences, words, strict=True):
        fit = [word for word in dict.fromkeys(of_one) if count[word.casefold()] <= common]
        names = [word for word in fit if word in inside]
        others = [word for word in fit if word not in inside and count[word.casefold()] > 2]
        names.sort(key=lambda word: (count[word.casefold()] < 2, count[word.casefold()]))
        chosen = _most_that_fit([*names, *sorted(others, key=len, reverse=True)])
        told.append(" ".join(word for word in fit if word in chosen) or sentence[:HEADLINE_CHARS])
    return tuple(told)


def _most_that_fit(words: Sequence[str]) -> list[str]:
    chosen: list[str] = []
    for word in words:
        if len(chosen) < HEADLINE_WORDS and len(" ".join([*chosen, word])) <= HEADLINE_CHARS:
            chosen.append(word)
    return chosen


def _fits(sentence: str) -> bool:
    return FEWEST_WORDS <= len(sentence.split()) <= MOST_WORDS and '"' not in sentence and sentence[0].isupper()


def _topic_of(story: str) -> str:
    hits = {topic: len(re.findall(words, story)) for topic, words in TOPIC_WORDS.items()}
    topic = max(hits, key=lambda name: hits[name])
    return topic if hits[topic] >= FEWEST_HITS else OTHER


class NewsReading:
    """The news as one frozen model reads it; each space is worked out when it is first asked for."""

    def __init__(self, news: News, vectors: np.ndarray) -> None:
        """Take the model's (n, D) vectors of the sentences."""
        self.news, self.vectors = news, vectors
        self._spaces: dict[str, NewsVectors] = {}

    def in_space(self, name: str) -> NewsVectors:
        """The sentences in one of `SPACES`."""
        if name not in self._spaces:
            space = space_of(self.vectors, name)
            self._spaces[name] = NewsVectors(self.news, space, space.of(self.vectors))
        return self._spaces[name]


def space_of(vectors: np.ndarray, name: str) -> Space:
    """Fit one of `SPACES` to (n, D) vectors.

    Raises:
        LanguageError: there is no such space.
    """
    if name not in SPACES:
        raise LanguageError(f"There is no space {name[:40]!r}; choose from {', '.join(SPACES)}.")
    width = vectors.shape[1]
    mean, same = vectors.mean(axis=0), np.eye(width, dtype=np.float32)
    if name == "plain":
        return Space(np.zeros(width, np.float32), same)
    if name == "centred":
        return Space(mean, same)
    centred = (vectors - mean).astype(np.float64)
    spreads, axes = np.linalg.eigh(centred.T @ centred / len(vectors))
    kept = spreads > FLAT**2 * spreads[-1]
    return Space(mean, (axes[:, kept] / np.sqrt(spreads[kept])).astype(np.float32))


_kept: weakref.WeakKeyDictionary[FrozenLanguage, NewsReading] = weakref.WeakKeyDictionary()


def read_news(frozen: FrozenLanguage) -> NewsReading:
    """Let a model read the news; done once for each frozen model, and kept as long as it is. Thread-safe.

    864 sentences take a BERT of the default size 1.4 s of one core.
    """
    with _reading:
        found = _kept.get(frozen)
        if found is None:
            news = load_news()
            found = _kept[frozen] = NewsReading(news, sentence_vectors(frozen, news.sentences))
        return found


def has_read(frozen: FrozenLanguage) -> bool:
    """Whether `read_news` would answer at once."""
    return frozen in _kept


def read_sentence(frozen: FrozenLanguage, sentence: str) -> tuple[np.ndarray, str]:
    """A visitor's sentence: its (D,) vector, before any space, and what was cut of it, or "".

    Raises:
        LanguageError: it is empty, or a single token.
    """
    tokens = read_text(frozen, sentence)
    if len(tokens) < FEWEST_TOKENS:
        raise LanguageError("That is a single token; write a sentence of some words.")
    return sentence_vectors(frozen, [sentence])[0], note_of(sentence, tokens)
