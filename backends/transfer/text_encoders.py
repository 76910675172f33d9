"""The encoders of text: word vectors and language models, shipped ones or a visitor's own, and a bag of words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from backends.analysis.word_vectors import WordVectors
from backends.data.corpora import BUILT_IN, ENCYCLOPEDIA
from backends.data.passages import PassageSet
from backends.data.text import find_words
from backends.language.config import BERTConfig, GPTConfig
from backends.language.model import assemble, mean_features
from backends.language.text import clean_text
from backends.language.tokens import LINE_ID, PADDING_ID, START_ID, TextTokenizer
from backends.nets.frozen import frozen_copy
from backends.nets.seeded import seeded
from backends.transfer.config import BAG_OF_WORDS, OWN_RUNS, TITLES, UNTRAINED_BERT
from backends.transfer.encoder import Encoder, EncoderError

if TYPE_CHECKING:
    from backends.language.trainer import FrozenLanguage

BAG_WORDS = 2_000
"""The most frequent words, each a feature of the bag: about what the language models have for tokens."""
UNTRAINED_SEED = 1
LANGUAGE_MODELS: dict[str, tuple[str, type[Any]]] = {
    "bert": ("bert", BERTConfig),
    "gpt": ("gpt", GPTConfig),
    UNTRAINED_BERT: ("bert", BERTConfig),
    "own-bert": ("bert", BERTConfig),
    "own-gpt": ("gpt", GPTConfig),
}
"""The shipped model of each name, and what its settings must be."""
SHIPPED_CORPUS = "all"
"""What the shipped word vectors were trained on."""
OWN_CORPUS = "own"


class TextEncoder(Encoder):
    """An encoder of passages."""

    def origin_notes(self, data: str) -> Iterator[str]:
        """Whether it has read the speeches before, as a pretext may: it needs no label."""
        if not self.trained_on:
            return
        if self.trained_on == ENCYCLOPEDIA.key:
            yield f"{self.title} was trained on encyclopedia and news, so these speeches are new to it."
        elif self.trained_on in BUILT_IN:
            yield (
                f"{self.title} has read these speeches in its training, the held-out ones too; when each was given, "
                "nobody told it."
            )
        else:
            yield f"{self.title} knows the text that you gave it; if that has these speeches, it has read them."


@dataclass(frozen=True, eq=False)
class BagOfWords(TextEncoder):
    """Counts words, whatever their order.

    Attributes:
        index: the feature of each word that is counted.
    """

    index: Mapping[str, int] = field(kw_only=True)

    def read(self, examples: PassageSet) -> Tensor:
        """N passages to (N, V) float32 counts."""
        counts = np.zeros((len(examples), len(self.index)), np.float32)
        for row, text in zip(counts, examples.texts, strict=True):
            np.add.at(row, known_words(text, self.index), 1)
        return torch.from_numpy(counts)


@dataclass(frozen=True, eq=False)
class MeanOfWords(TextEncoder):
    """Each word has its vector, whatever stands around it; a passage has their mean.

    Attributes:
        vectors: of the words.
    """

    vectors: WordVectors = field(kw_only=True)

    def read(self, examples: PassageSet) -> Tensor:
        """N passages to (N, D) float32; one without a known word is all zero."""
        means = np.zeros((len(examples), self.vectors.dim), np.float32)
        for row, text in zip(means, examples.texts, strict=True):
            if known := known_words(text, self.vectors.index):
                row[:] = self.vectors.vectors[known].mean(axis=0)
        return torch.from_numpy(means)


@dataclass(frozen=True, eq=False)
class LanguageEncoder(TextEncoder):
    """A language model whose last layer is the features, as a mean over a passage's tokens.

    Attributes:
        tokenizer: of the model.
        length: tokens that the model reads, the start among them; longer passages are cut.
    """

    tokenizer: TextTokenizer = field(kw_only=True)
    length: int = field(kw_only=True)

    def read(self, examples: PassageSet) -> Tensor:
        """N passages to (N, length) int64 token numbers, padded at the end."""
        tokens = torch.full((len(examples), self.length), PADDING_ID)
        tokens[:, 0] = START_ID
        running = self.tokenizer.encode_lines([clean_text(text) for text in examples.texts])
        for row, ids in zip(tokens, np.split(running, np.flatnonzero(running == LINE_ID)), strict=False):
            words = ids[ids != LINE_ID][: self.length - 1]
            row[1 : 1 + len(words)] = torch.from_numpy(words)
        return tokens


def known_words(text: str, index: Mapping[str, int]) -> list[int]:
    """The numbers of a text's words that have one, in order."""
    return [index[word] for word in find_words(text) if word in index]


class MeanOfTokens(nn.Module):
    """A language model as an encoder: the mean of its last layer; what scores the output is left out of it."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) numbers, the first of them [START], to (B, D)."""
        return mean_features(self.model, tokens, tokens != PADDING_ID, skipped=1)


def load_text_encoder(name: str, run: Any, device: str) -> Encoder:
    """Return an encoder of text by name; models that are loaded elsewhere are copied.

    Args:
        name: of `backends.transfer.config.TEXT_TITLES`.
        run: the visitor's own, for a name of `OWN_RUNS`: `WordVectors` or a `FrozenLanguage`.
        device: "cpu", "cuda" or "mps".

    Raises:
        EncoderError: the run is not what the name says.
        CheckpointError: the files of a shipped one are missing.
    """
    if name in LANGUAGE_MODELS:
        return _language_encoder(name, run, device)
    from backends.word2vec import shipped

    vectors = run if name in OWN_RUNS else shipped.load().vectors
    if not isinstance(vectors, WordVectors):
        raise EncoderError(f"{TITLES[name]} has no vectors of words", "choose a run of word2vec")
    if name == BAG_OF_WORDS:
        index = {word: number for number, word in enumerate(vectors.words[:BAG_WORDS])}
        return BagOfWords(name, TITLES[name], None, None, index=index)
    corpus = OWN_CORPUS if name in OWN_RUNS else SHIPPED_CORPUS
    return MeanOfWords(name, TITLES[name], None, None, corpus, learned=True, vectors=vectors)


def _language_encoder(name: str, run: Any, device: str) -> Encoder:
    from backends.language import shipped

    method, kind = LANGUAGE_MODELS[name]
    frozen: FrozenLanguage = run if name in OWN_RUNS else shipped.load(method)
    config = getattr(frozen, "config", None)
    if not isinstance(config, kind):
        raise EncoderError(f"{TITLES[name]} is no {OWN_RUNS[name].model}", "choose a run that trains one")
    vocabulary = len(frozen.tokenizer)

    def fresh() -> nn.Module:
        return MeanOfTokens(assemble(config, vocabulary))

    learned = name != UNTRAINED_BERT
    if learned:
        net: nn.Module = MeanOfTokens(frozen_copy(frozen.model))
    else:
        with seeded(UNTRAINED_SEED):
            net = frozen_copy(fresh())
    return LanguageEncoder(
        name,
        TITLES[name],
        net.eval().to(device),
        fresh,
        config.corpus if learned else "",
        learned,
        frozen.step if name in OWN_RUNS else None,
        tokenizer=frozen.tokenizer,
        length=config.length,
    )
