"""Captions cut into pieces of words by byte-pair encoding (Sennrich et al., 2016), learned from a run's captions."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tokenizers import Tokenizer

VOCABULARY = 2_048
PADDING, UNKNOWN, END = "<pad>", "<unk>", "<end>"
LONGEST = 24
"""Tokens of a caption, the end among them; the longest name of an emoji has 12."""
MAX_PROMPT_CHARS = 300
MAX_TOKENIZER_CHARS = 1 << 20


@dataclass(frozen=True)
class Reading:
    """How a prompt was read.

    Attributes:
        words: of the prompt, lower case.
        unseen: those of them that no caption of the training holds.
        cut: whether the prompt was too long and its end was left out.
    """

    words: tuple[str, ...]
    unseen: tuple[str, ...]
    cut: bool


class CaptionTokenizer:
    """Cuts captions into token numbers, and knows which words it learned from."""

    def __init__(self, tokenizer: Tokenizer, known: Sequence[str]) -> None:
        """Take a tokenizer of the library `tokenizers` and the words of the captions that it was learned from."""
        self._tokenizer = tokenizer
        self.known = frozenset(known)
        self.end: int = tokenizer.token_to_id(END) or 0

    @classmethod
    def learn(cls, captions: Sequence[str], vocabulary: int = VOCABULARY) -> CaptionTokenizer:
        """Learn the pieces from captions; the same captions give the same pieces."""
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.NFKD(), normalizers.Lowercase(), normalizers.StripAccents()]
        )
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary, special_tokens=[PADDING, UNKNOWN, END], show_progress=False
        )
        tokenizer.train_from_iterator(captions, trainer)
        return cls(tokenizer, sorted({word for caption in captions for word in words_of(caption)}))

    @classmethod
    def from_json(cls, text: str, known: Sequence[str]) -> CaptionTokenizer:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is none, or too long.
        """
        from tokenizers import Tokenizer

        if len(text) > MAX_TOKENIZER_CHARS:
            raise ValueError("The tokenizer is longer than one of captions can be.")
        try:
            tokenizer = Tokenizer.from_str(text)
        except Exception:  # the library raises plain Exceptions
            raise ValueError("The tokenizer can't be read.") from None
        if any(tokenizer.token_to_id(token) is None for token in (PADDING, UNKNOWN, END)):
            raise ValueError("The tokenizer lacks its special tokens.")
        return cls(tokenizer, known)

    def to_json(self) -> str:
        """The pieces, as the library writes them."""
        return str(self._tokenizer.to_str())

    def __len__(self) -> int:
        """How many pieces there are."""
        return int(self._tokenizer.get_vocab_size())

    def encode(self, captions: Sequence[str]) -> np.ndarray:
        """Cut captions into token numbers, an end after each, zeros (padding) behind: (n, T) int64, T ≤ LONGEST."""
        rows = [self._ids(caption) for caption in captions]
        longest = max((len(row) for row in rows), default=1)
        encoded = np.zeros((len(rows), longest), np.int64)
        for i, row in enumerate(rows):
            encoded[i, : len(row)] = row
        return encoded

    def read(self, prompt: str) -> Reading:
        """Say how a visitor's prompt is read: which of its words are new, and whether it is too long."""
        words = words_of(prompt)
        cut = len(prompt) > MAX_PROMPT_CHARS or len(self._pieces(prompt)) > LONGEST - 1
        return Reading(words, tuple(dict.fromkeys(word for word in words if word not in self.known)), cut)

    def _ids(self, caption: str) -> list[int]:
        return [*self._pieces(caption)[: LONGEST - 1], self.end]

    def _pieces(self, caption: str) -> list[int]:
        return list(self._tokenizer.encode(caption[:MAX_PROMPT_CHARS], add_special_tokens=False).ids)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, as the tokenizer sees them before it cuts them: lower case, without accents and signs."""
    plain = "".join(
        c for c in unicodedata.normalize("NFKD", text[:MAX_PROMPT_CHARS].lower()) if not unicodedata.combining(c)
    )
    return tuple("".join(c if c.isalnum() else " " for c in plain).split())
