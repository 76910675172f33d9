"""Settings of the three language models; what they share is defined once."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from backends.data.corpora import BUILT_IN, OWN_TEXT
from backends.engine.config import MAX_SEED, MethodConfig, setting

SENTINELS = 26
"""Gaps that a text can have at most: <X>, <Y>, <Z>, <A> … <W>."""
CORPORA = {**{key: info.title for key, info in BUILT_IN.items()}, OWN_TEXT: "Your own text (.txt)"}


class LanguageConfig(MethodConfig):
    """What BERT, T5 and GPT have in common; `BERTConfig`, `T5Config` and `GPTConfig` add what each is asked."""

    corpus: Literal["all", "speeches", "speeches-before-1900", "speeches-since-1900", "encyclopedia", "own"] = setting(
        "speeches",
        "The text to learn from. The model writes and guesses in its manner.",
        label="Corpus",
        essential=True,
        choices=CORPORA,
    )
    steps: int = setting(
        1_500,
        "How long to train; the learning rate falls to zero over this many steps.",
        label="Steps",
        unit="batches",
        ge=10,
        le=200_000,
        scale="log",
        essential=True,
    )
    batch: int = setting(
        64,
        "Pieces of text a step. More make each step steadier and slower.",
        label="Batch",
        unit="pieces of text",
        ge=2,
        le=512,
        step=2,
    )
    length: int = setting(
        32,
        "Tokens that the model reads at once. Longer texts are cut to it, and twice as many take twice the time.",
        label="Length",
        unit="tokens",
        ge=8,
        le=256,
        step=8,
        essential=True,
    )
    vocabulary: int = setting(
        1_024,
        "How many tokens there are: frequent words are one, rare words several. More make each token say more, and "
        "need more text to be learned.",
        label="Vocabulary",
        unit="tokens",
        ge=512,
        le=8_192,
        scale="log",
    )
    width: Literal["64", "96", "128", "192", "256"] = setting(
        "128",
        "Numbers that a token is to the model. Twice as many know more and cost up to four times the time.",
        label="Width",
        choices={"64": "64", "96": "96", "128": "128", "192": "192", "256": "256"},
    )
    depth: int = setting(
        2,
        "Blocks of the transformer, one on the other. More can combine more, and take longer to begin.",
        label="Blocks",
        ge=1,
        le=8,
        step=1,
    )
    heads: Literal["1", "2", "4", "8"] = setting(
        "4",
        "Attention patterns that each block has side by side.",
        label="Heads",
        choices={"1": "1", "2": "2", "4": "4", "8": "8"},
    )
    learning_rate: float = setting(
        0.003, "Step size at its highest (AdamW). Too high, and the loss jumps or becomes NaN.", label="Learning rate",
        ge=1e-5, le=10, scale="log",
    )  # fmt: skip
    weight_decay: float = setting(
        0.05, "How strongly weights are pulled to zero. It matters where a small text is read many times.",
        label="Weight decay", ge=0, le=2,
    )  # fmt: skip
    seed: int = setting(
        1,
        "The same seed gives the same start, the same pieces of text and the same masks.",
        label="Seed",
        ge=0,
        le=MAX_SEED,
    )


class BERTConfig(LanguageConfig):
    """Fill in what is masked: an encoder, in which every token sees all others (Devlin et al., 2019)."""

    mask_ratio: float = setting(
        0.3,
        "Share of the tokens to guess; BERT took 15 %. More give each step more to learn from, but leave less to guess "
        "them by.",
        label="Mask ratio",
        unit="of the tokens",
        ge=0.05,
        le=0.9,
        step=0.05,
        essential=True,
    )
    masked_share: float = setting(
        0.8,
        "Of the tokens to guess, how many become [MASK]. The others are replaced with a random token or left as they "
        "are, half and half, so that the model may trust no token.",
        label="Shown as [MASK]",
        unit="of those to guess",
        ge=0,
        le=1,
        step=0.1,
    )


class T5Config(LanguageConfig):
    """Write what is missing: an encoder reads the text with gaps, a decoder writes them (Raffel et al., 2020)."""

    objective: Literal["spans", "sentences", "both"] = setting(
        "spans",
        "Spans: some stretches of the text are cut out, and the model writes them. Sentences: their order is shuffled, "
        "and the model writes the text in order. Both: by turns.",
        label="What is broken",
        essential=True,
        choices={"spans": "Spans are missing", "sentences": "Sentences are shuffled", "both": "Both, by turns"},
    )
    corruption_ratio: float = setting(
        0.5,
        "Share of the tokens that are cut out; T5 took 15 %, of far more text. More give each step more to write.",
        label="Corruption ratio",
        unit="of the tokens",
        ge=0.05,
        le=0.5,
        step=0.05,
        essential=True,
    )
    mean_span: float = setting(
        5,
        "How long a gap is on average; T5 took 3. Gaps of one token are like BERT's masks; long ones must be written.",
        label="Mean span length",
        unit="tokens",
        ge=1,
        le=10,
        step=0.5,
        essential=True,
    )

    @model_validator(mode="after")
    def _gaps_have_names(self) -> Self:
        gaps = round(self.length * self.corruption_ratio / self.mean_span)
        if gaps > SENTINELS:
            raise ValueError(
                f"That makes {gaps} gaps a text, and there are {SENTINELS} names for them: lower the corruption ratio "
                f"(now {self.corruption_ratio:g}) or the length (now {self.length}), or make the spans longer."
            )
        return self


class GPTConfig(LanguageConfig):
    """Guess the next token: a decoder, in which a token sees only those before it (Radford et al., 2019)."""


CONFIGS: dict[str, type[LanguageConfig]] = {"bert": BERTConfig, "t5": T5Config, "gpt": GPTConfig}
"""By method."""
METHOD_OF: dict[type[LanguageConfig], str] = {config: method for method, config in CONFIGS.items()}
TITLES = {"bert": "BERT", "t5": "T5", "gpt": "GPT"}
"""What a visitor reads, by method."""
