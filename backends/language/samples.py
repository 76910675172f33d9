"""What a model in training makes of one held-out line: the same line each time, so that it is seen to improve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backends.language import use
from backends.language.config import T5Config
from backends.language.corruption import corrupt_spans, is_sentinel, mask_tokens, shuffle_sentences
from backends.language.tokens import LINE_ID, TextTokenizer, Tokens

if TYPE_CHECKING:
    from backends.language.trainer import FrozenLanguage

LONGEST, SHORTEST = 24, 14
"""Tokens of the line that are used, at most and at least."""
HIDDEN_WORDS, HIDDEN_SPANS, SPAN_WORDS = 3, 2, 2
"""Words of the line that BERT has to guess; spans that T5 has to write, and words in each."""
PROMPT, WRITTEN = 8, 18
"""Tokens that GPT is given and that it writes."""
TEMPERATURE = 0.7
SHORT_WORD = 2
SEED = 3
KEPT = 6
"""Samples of a run that are kept: the first, the newest, and some between."""


@dataclass(frozen=True)
class Part:
    """A stretch of a sample: `given` by the text, or `written` by the model in place of `truth`."""

    text: str
    written: bool = False
    truth: str = ""
    probability: float = 1.0

    @property
    def right(self) -> bool:
        """Whether what was written is what stood there."""
        return self.written and self.text.strip() == self.truth.strip() != ""


@dataclass(frozen=True)
class Sample:
    """What one model wrote at one step."""

    step: int
    parts: tuple[Part, ...]


class Sampler:
    """Asks a model in training about one line, and keeps what it said."""

    def __init__(self, method: str, tokenizer: TextTokenizer, lines: Sequence[str], length: int) -> None:
        """Choose the line: of the held-out ones, the first that is long enough, else the longest.

        Args:
            method: "bert", "t5" or "gpt".
            tokenizer: of the run.
            lines: held out.
            length: tokens that the model reads at most.
        """
        self.method = method
        self.tokens = _line(tokenizer, lines, min(LONGEST, length - 1))
        self.samples: list[Sample] = []

    def take(self, frozen: FrozenLanguage) -> None:
        """Ask once more; beyond `KEPT` every other sample but the first and the newest goes."""
        if len(self.tokens) < 2:
            return
        if self.samples and self.samples[-1].step == frozen.step:
            return
        self.samples.append(Sample(frozen.step, tuple(ASKED[self.method](frozen, self.tokens))))
        if len(self.samples) > KEPT:
            self.samples.pop(_most_crowded([sample.step for sample in self.samples]))


def _line(tokenizer: TextTokenizer, lines: Sequence[str], length: int) -> Tokens:
    found = [tokenizer.encode(line, marks=()) for line in lines[:200]]
    fitting = [tokens for tokens in found if len(tokens) >= SHORTEST and LINE_ID not in tokens.ids]
    chosen = fitting[0] if fitting else max(found, key=len, default=tokenizer.encode("", marks=()))
    return chosen.first(length)


def _most_crowded(steps: Sequence[int]) -> int:
    """Which of the samples between first and last can go: the one whose neighbours are nearest, counted in ratios."""
    logs = np.log1p(np.array(steps, float))
    return 1 + int((logs[2:] - logs[:-2]).argmin())


def _fill(frozen: FrozenLanguage, tokens: Tokens) -> Iterator[Part]:
    hidden = [place for word in _spread(_words(tokens, one_token=True), HIDDEN_WORDS) for place in word]
    masked = mask_tokens(
        np.array([tokens.ids]), np.random.default_rng(SEED), len(frozen.tokenizer), places=hidden or [len(tokens) // 2]
    )
    found = use.guess_masks(frozen, [int(number) for number in masked.inputs[0]], guesses=1)
    places = [int(place) for place in masked.places[0]]
    before = 0
    for place, guess in zip(places, (guesses[0] for guesses in found), strict=True):
        if place > before:
            yield Part(frozen.tokenizer.decode(tokens.ids[before:place]))
        truth = frozen.tokenizer.decode([tokens.ids[place]])
        yield Part(frozen.tokenizer.decode([guess.id]), True, truth, guess.probability)
        before = place + 1
    if before < len(tokens):
        yield Part(frozen.tokenizer.decode(tokens.ids[before:]))


def _words(tokens: Tokens, *, one_token: bool = False) -> list[tuple[int, ...]]:
    """The places of each word of letters; with `one_token` of those only that are one token, and no short ones."""
    places: dict[int, list[int]] = {}
    for place, word in enumerate(tokens.words):
        places.setdefault(word, []).append(place)
    found = []
    for members in places.values():
        text = "".join(tokens.pieces[place] for place in members)
        if text.isalpha() and (not one_token or (len(members) == 1 and len(text) > SHORT_WORD)):
            found.append(tuple(members))
    return found


def _spread(items: Sequence[tuple[int, ...]], count: int) -> list[tuple[int, ...]]:
    """So many of the items, evenly spread."""
    if len(items) <= count:
        return list(items)
    return [items[round((i + 0.5) * len(items) / count - 0.5)] for i in range(count)]


def _repair(frozen: FrozenLanguage, tokens: Tokens) -> Iterator[Part]:
    assert isinstance(frozen.config, T5Config)
    generator = np.random.default_rng(SEED)
    ids = np.array([tokens.ids])
    if frozen.config.objective == "sentences":
        source = shuffle_sentences(ids, generator, frozen.tokenizer.ends_sentence).source[0]
        written, _ = use.write(frozen, [int(number) for number in source])
        yield Part(frozen.tokenizer.decode(written), True, frozen.tokenizer.decode(tokens.ids))
        return
    words = _words(tokens)
    pairs = [sum(words[i : i + SPAN_WORDS], ()) for i in range(1, len(words) - SPAN_WORDS + 1, SPAN_WORDS + 1)]
    hidden = [place for span in _spread(pairs, HIDDEN_SPANS) for place in span]
    spans = corrupt_spans(ids, generator, places=hidden or [len(tokens) // 2])
    source = [int(number) for number in spans.source[0]]
    said = _by_gap(use.write(frozen, source)[0])
    truth = _by_gap(tuple(int(number) for number in spans.targets[0][:-1]))
    run: list[int] = []
    for number in source:
        if not is_sentinel(number):
            run.append(number)
            continue
        if run:
            yield Part(frozen.tokenizer.decode(run))
        run = []
        yield Part(frozen.tokenizer.decode(said.get(number, ())), True, frozen.tokenizer.decode(truth.get(number, ())))
    if run:
        yield Part(frozen.tokenizer.decode(run))


def _by_gap(ids: Sequence[int]) -> dict[int, list[int]]:
    """What is written for each sentinel."""
    found: dict[int, list[int]] = {}
    gap = -1
    for number in ids:
        if is_sentinel(number):
            gap = number
            found[gap] = []
        elif gap >= 0:
            found[gap].append(number)
    return found


def _continue(frozen: FrozenLanguage, tokens: Tokens) -> Iterator[Part]:
    prompt = frozen.tokenizer.decode(tokens.ids[:PROMPT])
    yield Part(prompt)
    steps = list(use.continue_text(frozen, prompt, count=WRITTEN, temperature=TEMPERATURE, seed=SEED))
    yield Part(steps[-1].text.removeprefix(prompt), True)


ASKED = {"bert": _fill, "t5": _repair, "gpt": _continue}
