"""Text cut into tokens by byte-pair encoding over bytes (Sennrich et al., 2016), learned from a run's own text.

Every text can be read, whatever its script: what no merge covers is spelled in bytes. All three models share the
special tokens, so that the same text gives them the same numbers. What a tokenizer knows is its list of merges; a file
holds nothing else of it, and the library gets nothing else to read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from backends.language.config import SENTINELS
from backends.language.text import clean_text

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PADDING, START, END, MASK, LINE = "[PAD]", "[START]", "[END]", "[MASK]", "[LINE]"
SENTINEL_NAMES = tuple(f"<{'XYZABCDEFGHIJKLMNOPQRSTUVW'[number]}>" for number in range(SENTINELS))
"""The names of gaps, in order, as in Raffel et al. (2020), Figure 2."""
SPECIALS = (PADDING, START, END, MASK, LINE, *SENTINEL_NAMES)
PADDING_ID, START_ID, END_ID, MASK_ID, LINE_ID, SENTINEL_ID = range(6)
"""[START] stands before what a model reads, [END] after what T5 writes, [LINE] after each line of the text.
`SENTINEL_ID` is the first sentinel's, and the others follow."""
FIRST_ORDINARY = len(SPECIALS)
"""Numbers from here on are of text."""
BYTES = 256
MAX_VOCABULARY = 8_192
MAX_TOKEN_CHARS = 32
MAX_TOKENIZER_CHARS = 1 << 20
MAX_CHARS = 20_000
"""Characters of a visitor's text that are read at all; far more than tokens that any model takes."""
MAX_PIECE_CHARS = 24
LEARNED_CHARS = 3_000_000
"""Merges are learned from lines of about so many characters: five times as fast on the speeches, and as good."""

MARKS = (MASK, *SENTINEL_NAMES)
"""Special tokens that a visitor can write."""

_MARKS = re.compile("|".join(map(re.escape, MARKS)))


@dataclass(frozen=True)
class Tokens:
    """A text as tokens, without start and end.

    Attributes:
        text: as it was read: cleaned, cut to `MAX_CHARS`.
        ids: (T,) token numbers.
        offsets: where in `text` each token begins and ends; two tokens that share a character have the same.
        words: for each token, which word it belongs to, from 0; signs are words too.
        pieces: the tokens as they are shown.
        cut: whether the end of the text was left out.
    """

    text: str
    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    words: tuple[int, ...]
    pieces: tuple[str, ...]
    cut: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    def first(self, most: int) -> Tokens:
        """The same, with at most so many tokens."""
        if len(self) <= most:
            return self
        return Tokens(self.text, self.ids[:most], self.offsets[:most], self.words[:most], self.pieces[:most], cut=True)

    def places_of_word(self, word: int) -> tuple[int, ...]:
        """The places of a word's tokens: what a visitor hides with one click."""
        return tuple(place for place, other in enumerate(self.words) if other == word)


class TextTokenizer:
    """Cuts text into token numbers and puts it together again."""

    def __init__(self, merges: Sequence[tuple[str, str]]) -> None:
        """Take the merges in order of their rank.

        Raises:
            ValueError: a merge joins what there is not, or there are too many.
        """
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

        self.merges = tuple(merges)
        self._vocabulary = _numbered(self.merges, sorted(pre_tokenizers.ByteLevel.alphabet()))
        self._names = tuple(self._vocabulary)
        self._tokenizer: Tokenizer = Tokenizer(models.BPE(vocab=self._vocabulary, merges=list(self.merges)))
        self._tokenizer.normalizer = normalizers.NFC()
        self._tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self._decoder = decoders.ByteLevel()

    @classmethod
    def learn(cls, lines: Iterable[str], vocabulary: int) -> TextTokenizer:
        """Learn up to `vocabulary` tokens, the special ones among them; the same lines give the same tokens."""
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE())
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary - len(SPECIALS),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            max_token_length=MAX_TOKEN_CHARS,
            show_progress=False,
        )
        tokenizer.train_from_iterator(_sample(lines), trainer)
        learned = json.loads(tokenizer.to_str())["model"]["merges"]
        return cls([(left, right) for left, right in learned])

    @classmethod
    def from_json(cls, text: str) -> TextTokenizer:
        """Read what `to_json` wrote; nothing in it is believed.

        Raises:
            ValueError: it is none, or larger than one can be.
        """
        if len(text) > MAX_TOKENIZER_CHARS:
            raise ValueError("The tokenizer is longer than one can be.")
        try:
            told = json.loads(text)
        except RecursionError:
            raise ValueError("The tokenizer can't be read.") from None
        if not isinstance(told, dict) or told.keys() != {"merges"} or not isinstance(told["merges"], list):
            raise ValueError("The tokenizer is not a list of merges.")
        merges = told["merges"]
        if not all(isinstance(m, list) and len(m) == 2 and all(isinstance(part, str) for part in m) for m in merges):
            raise ValueError("The tokenizer's merges are not pairs of texts.")
        return cls([(left, right) for left, right in merges])

    def to_json(self) -> str:
        """The merges, which are all that was learned."""
        return json.dumps({"merges": self.merges}, ensure_ascii=True)

    def __len__(self) -> int:
        """How many tokens there are, the special ones among them."""
        return len(self._vocabulary)

    @cached_property
    def ends_sentence(self) -> np.ndarray:
        """(V,) True for tokens after which a sentence is over: those that end in . ! ? or ;, and [LINE]."""
        ends = [name.endswith((".", "!", "?", ";")) and self.is_text(number) for number, name in enumerate(self._names)]
        ends[LINE_ID] = True
        return np.array(ends)

    @staticmethod
    def is_text(number: int) -> bool:
        """Whether a token is of text, not special."""
        return number >= FIRST_ORDINARY

    def encode_lines(self, lines: Sequence[str]) -> np.ndarray:
        """(N,) int32: the lines' tokens one after the other, each line ended by [LINE]. Marks in them are plain text.

        No merge crosses a space, so each distinct word is cut once: eight times as fast as line by line.

        Args:
            lines: cleaned by `backends.language.text.clean_text`.
        """
        index: dict[str, int] = {}
        running: list[int] = []
        for line in lines:
            running += [index.setdefault(f" {word}", len(index)) for word in line.split(" ")]
            running.append(-1)
        encodings = self._tokenizer.encode_batch_fast(list(index), add_special_tokens=False)
        words = [encoding.ids for encoding in encodings] + [[LINE_ID]]  # the last is number −1
        return _joined(words, np.array(running, np.int64))

    def encode(self, text: str, *, marks: Collection[str] = MARKS) -> Tokens:
        """Cut a visitor's text.

        Args:
            text: any.
            marks: which of [MASK] and the sentinels <X>, <Y> … are read as what they are; the others are plain text.
        """
        cleaned = clean_text(text[: 4 * MAX_CHARS])
        read = cleaned[:MAX_CHARS]
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        for start, end, mark in _parts(read, marks):
            if mark:
                ids.append(SPECIALS.index(mark))
                offsets.append((start, end))
                continue
            space = "" if start else " "  # a text begins as any other word does
            encoding = self._tokenizer.encode(space + read[start:end].rstrip(), add_special_tokens=False)
            ids += encoding.ids
            shift = start - len(space)
            offsets += [_trimmed(read, max(0, shift + a), shift + b) for a, b in encoding.offsets]
        names = [self._names[number] for number in ids]
        cut = len(cleaned) > MAX_CHARS or len(text) > 4 * MAX_CHARS
        return Tokens(read, tuple(ids), tuple(offsets), _words(names), self._shown(read, ids, offsets), cut)

    def decode(self, ids: Iterable[int]) -> str:
        """Put text together again: [LINE] ends a line, [START] and [END] vanish, the other special tokens show."""
        parts: list[str] = []
        run: list[str] = []
        for number in [*(int(number) for number in ids), END_ID]:
            if self.is_text(number):
                run.append(self._names[number])
                continue
            if run:
                parts.append(str(self._decoder.decode(run)))
            run = []
            if number == LINE_ID:
                parts.append("\n")
            elif number >= MASK_ID:
                parts.append(f" {SPECIALS[number]}")
        return "\n".join(line.strip() for line in "".join(parts).split("\n")).strip()

    def piece(self, number: int) -> str:
        """A token as it is shown alone: without the space before it; a token that is no whole character as �."""
        if not self.is_text(number):
            return "↵" if number == LINE_ID else SPECIALS[number]
        shown = str(self._decoder.decode([self._names[number]])).strip() or "␣"
        return shown if len(shown) <= MAX_PIECE_CHARS else shown[: MAX_PIECE_CHARS - 1] + "…"

    def begins_word(self, number: int) -> bool:
        """Whether a space stands before the token, or it is special."""
        return not self.is_text(number) or self._names[number].startswith("Ġ")

    def _shown(self, text: str, ids: Sequence[int], offsets: Sequence[tuple[int, int]]) -> tuple[str, ...]:
        """Pieces; parts of one character as that character and the part's number, such as 🙂 1/4."""
        shown = [self.piece(number) for number in ids]
        broken: dict[tuple[int, int], list[int]] = {}
        for place, piece in enumerate(shown):
            if "�" in piece:
                broken.setdefault(offsets[place], []).append(place)
        for (start, end), places in broken.items():
            for part, place in enumerate(places, 1):
                shown[place] = f"{text[start:end]} {part}/{len(places)}" if len(places) > 1 else text[start:end]
        return tuple(shown)


def _joined(words: Sequence[Sequence[int]], running: np.ndarray) -> np.ndarray:
    """The tokens of running words: `words` holds each distinct word's tokens, `running` (W,) which word comes."""
    flat = np.array([number for word in words for number in word], np.int32)
    sizes = np.array([len(word) for word in words], np.int64)
    begins = np.concatenate([np.zeros(1, np.int64), sizes.cumsum()[:-1]])
    size = sizes[running]
    ends = size.cumsum()
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - size, size)
    return flat[np.repeat(begins[running], size) + within]


def _sample(lines: Iterable[str]) -> Iterator[str]:
    """Lines spread over the whole text, of about `LEARNED_CHARS` together."""
    every = list(lines)
    step = max(1, sum(map(len, every)) // LEARNED_CHARS)
    return (f" {line}" for line in every[::step])


def _numbered(merges: Sequence[tuple[str, str]], alphabet: list[str]) -> dict[str, int]:
    """Number the special tokens, the bytes and what each merge makes, in this order.

    Raises:
        ValueError: a merge joins what there is not, or makes too long a token, or there are too many.
    """
    if len(alphabet) != BYTES:
        raise ValueError("The library's alphabet is not one of bytes.")
    if len(merges) > MAX_VOCABULARY:
        raise ValueError(f"The tokenizer has more than {MAX_VOCABULARY:,} merges.")
    vocabulary = {name: number for number, name in enumerate((*SPECIALS, *alphabet))}
    for left, right in merges:
        known = all(vocabulary.get(part, 0) >= FIRST_ORDINARY for part in (left, right))
        if not known or len(left + right) > MAX_TOKEN_CHARS or left + right in SPECIALS:
            raise ValueError("The tokenizer has a merge of tokens that it does not know, or one that is too long.")
        vocabulary.setdefault(left + right, len(vocabulary))
    return vocabulary


def _parts(text: str, marks: Collection[str]) -> list[tuple[int, int, str]]:
    """Where each stretch of plain text and each mark begins and ends, with the mark's name or ""."""
    parts: list[tuple[int, int, str]] = []
    place = 0
    for found in _MARKS.finditer(text):
        if found[0] not in marks:
            continue
        parts += [(place, found.start(), ""), (found.start(), found.end(), found[0])]
        place = found.end()
    parts.append((place, len(text), ""))
    return [(start, end, mark) for start, end, mark in parts if text[start:end].strip()]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A place in a text without the space that it begins with."""
    while start < end and text[start].isspace():
        start += 1
    return start, end


def _words(names: Sequence[str]) -> tuple[int, ...]:
    """Number the words: a word begins at a space, at a special token, and where letters and signs meet."""
    words: list[int] = []
    before = ""
    for name in names:
        kind = _kind_of(name)
        fresh = name in SPECIALS or name.startswith("Ġ") or kind != before or kind == "sign"
        words.append((words[-1] if words else -1) + int(fresh or not words))
        before = kind if name not in SPECIALS else ""
    return tuple(words)


def _kind_of(name: str) -> str:
    """Whether a token is of ASCII's signs, or of letters, figures and other bytes; an apostrophe is inside a word."""
    plain = name.removeprefix("Ġ").replace("'", "")
    return "sign" if plain and all(c.isascii() and not c.isalnum() for c in plain) else "letters"
