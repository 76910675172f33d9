"""Ask a trained model: fill masks, repair a text, continue it token by token, vectors of sentences and of tokens.

Whatever a visitor writes ends in an answer or in a `LanguageError`, one sentence that says what would do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.language.config import BERTConfig, GPTConfig, T5Config
from backends.language.corruption import decoder_inputs, is_sentinel, restore
from backends.language.tokens import END_ID, FIRST_ORDINARY, LINE_ID, MASK, MASK_ID, SENTINEL_NAMES, START_ID, Tokens

if TYPE_CHECKING:
    from torch import Tensor

    from backends.language.trainer import FrozenLanguage

GUESSES = 5
MAX_GUESSES = 50
MAX_NEW_TOKENS = 400
MAX_TEMPERATURE = 5.0
MAX_SENTENCES = 5_000
LONGEST_ANSWER = 12
"""Tokens that T5 may write for one gap."""
MAX_WRITTEN = 3
"""Times as many tokens as it read, T5 may write."""
VECTOR_BATCH = 64


class LanguageError(ValueError):
    """A question can't be answered. The message says why, in one sentence fit for a visitor."""


@dataclass(frozen=True)
class Guess:
    """A token that the model finds possible; `probability` in [0, 1]."""

    token: str
    id: int
    probability: float


@dataclass(frozen=True)
class Filled:
    """A text whose masks were guessed.

    Attributes:
        tokens: of the text as it was read.
        places: of the masks.
        guesses: for each mask, likeliest first.
        text: with the likeliest token in each mask's place.
        note: what was cut, or "".
    """

    tokens: Tokens
    places: tuple[int, ...]
    guesses: tuple[tuple[Guess, ...], ...]
    text: str
    note: str


@dataclass(frozen=True)
class Repaired:
    """A corrupted text that the model repaired.

    Attributes:
        tokens: of the corrupted text as it was read.
        written: what the decoder wrote, with sentinels, without [END].
        probabilities: of each written token, in [0, 1].
        answers: for each gap its name and what belongs there; empty after shuffling.
        text: with the gaps filled, or in the order that the model wrote.
        note: what was cut, or "".
    """

    tokens: Tokens
    written: tuple[int, ...]
    probabilities: tuple[float, ...]
    answers: tuple[tuple[str, str], ...]
    text: str
    note: str


@dataclass(frozen=True)
class Step:
    """One token of a continuation.

    Attributes:
        token: as it is shown.
        id: its number.
        probability: that it was drawn with, after temperature, top-k and top-p.
        text: the prompt and all that was written so far.
        guesses: the likeliest tokens after temperature, before top-k and top-p cut the others off.
        kept: how many tokens top-k and top-p left to draw from.
        entropy: of the model's distribution at temperature 1, in bits.
        note: what was cut from the prompt, or "".
    """

    token: str
    id: int
    probability: float
    text: str
    guesses: tuple[Guess, ...]
    kept: int
    entropy: float
    note: str


@dataclass(frozen=True, eq=False)
class TokenLayers:
    """A text's tokens, layer by layer.

    Attributes:
        tokens: of the text.
        vectors: (L + 1, T, D) float32: as they enter the first block, and as they leave each.
        note: what was cut, or "".
    """

    tokens: Tokens
    vectors: np.ndarray
    note: str


def most_tokens(frozen: FrozenLanguage) -> int:
    """How many tokens of a text the model reads; [START], where it stands before them, has its own place."""
    return frozen.config.length - (0 if isinstance(frozen.config, T5Config) else 1)


def read_text(frozen: FrozenLanguage, text: Any) -> Tokens:
    """Cut a visitor's text into at most as many tokens as the model reads.

    [MASK] is a mask to BERT only, <X>, <Y> … are gaps to a T5 that was trained on spans only.

    Args:
        frozen: the model.
        text: the visitor's.

    Raises:
        LanguageError: it is no text, or empty.
    """
    if not isinstance(text, str):
        raise LanguageError("There is no text; write a sentence.")
    tokens = frozen.tokenizer.encode(text, marks=_marks_of(frozen))
    if not len(tokens):
        raise LanguageError("The text is empty; write a sentence.")
    return tokens.first(most_tokens(frozen))


def _marks_of(frozen: FrozenLanguage) -> tuple[str, ...]:
    """The marks that the model was trained on."""
    if isinstance(frozen.config, BERTConfig):
        return (MASK,)
    spans = isinstance(frozen.config, T5Config) and frozen.config.objective != "sentences"
    return SENTINEL_NAMES if spans else ()


def note_of(text: str, tokens: Tokens) -> str:
    """Say that a text was cut, if it was."""
    if not tokens.cut:
        return ""
    words = len(text.split())
    return f"{words:,} {'word was' if words == 1 else 'words were'} cut to the first {len(tokens):,} tokens."


def fill_masks(frozen: FrozenLanguage, text: str, *, guesses: int = GUESSES) -> Filled:
    """Guess what stands in place of each [MASK].

    Args:
        frozen: a BERT.
        text: with one [MASK] or more; each stands for one token.
        guesses: for each mask, 1 to 50.

    Raises:
        LanguageError: the model is no BERT, the text is empty, has no mask, or nothing but masks.
    """
    _need(frozen, BERTConfig, "fill masks", "BERT")
    count = _whole(guesses, "The number of guesses", 1, MAX_GUESSES)
    tokens = read_text(frozen, text)
    places = tuple(place for place, number in enumerate(tokens.ids) if number == MASK_ID)
    if not places:
        if MASK in text:
            raise LanguageError(
                f"The first {MASK} comes after the {len(tokens)} tokens that are read: shorten the text."
            )
        raise LanguageError(f"The text has no {MASK}; write {MASK} in place of a word.")
    if len(places) == len(tokens):
        raise LanguageError(f"There is nothing around the {MASK}; write some words to guess it by.")
    found = guess_masks(frozen, tokens.ids, guesses=count)
    ids = list(tokens.ids)
    for place, best in zip(places, found, strict=True):
        ids[place] = best[0].id
    return Filled(tokens, places, found, frozen.tokenizer.decode(ids), note_of(text, tokens))


def guess_masks(frozen: FrozenLanguage, ids: Sequence[int], *, guesses: int = GUESSES) -> tuple[tuple[Guess, ...], ...]:
    """What a BERT guesses at each [MASK] among (T,) token numbers, likeliest first."""
    places = np.flatnonzero(np.array(ids) == MASK_ID)
    return tuple(_guesses(frozen, _text_only(row), guesses) for row in _mask_logits(frozen, ids)[places + 1])


def guess_places(frozen: FrozenLanguage, tokens: Tokens, *, guesses: int = GUESSES) -> tuple[tuple[Guess, ...], ...]:
    """What a BERT would say at each token if that one alone were masked: T tuples, likeliest first.

    Raises:
        LanguageError: the model is no BERT, or there are fewer than two tokens.
    """
    import torch

    _need(frozen, BERTConfig, "fill masks", "BERT")
    if len(tokens) < 2:
        raise LanguageError("One token alone can't be guessed from anything; write a few words.")
    count = _whole(guesses, "The number of guesses", 1, MAX_GUESSES)
    rows = torch.tensor([[START_ID, *tokens.ids]] * len(tokens), device=frozen.device)
    places = torch.arange(len(tokens), device=frozen.device)
    rows[places, places + 1] = MASK_ID
    with torch.inference_mode():
        logits = frozen.model(rows)[places, places + 1].float().cpu().numpy()
    return tuple(_guesses(frozen, _text_only(row), count) for row in logits)


def repair(frozen: FrozenLanguage, text: str) -> Repaired:
    """Let a T5 repair a text: write what is missing at <X>, <Y> …, or, trained on shuffling, put it in order.

    The decoder takes the likeliest token each time; see `write`.

    Args:
        frozen: a T5.
        text: with gaps, unless the model was trained on shuffled sentences.

    Raises:
        LanguageError: the model is no T5, the text is empty or too short, or has no gap that the model could fill.
    """
    _need(frozen, T5Config, "repair a text", "T5")
    tokens = read_text(frozen, text)
    return repair_tokens(frozen, tokens, note=note_of(text, tokens))


def repair_tokens(frozen: FrozenLanguage, tokens: Tokens, *, note: str = "") -> Repaired:
    """The same for a text that `backends.language.corruption` broke.

    Raises:
        LanguageError: as of `repair`.
    """
    config = frozen.config
    if not isinstance(config, T5Config):
        raise LanguageError("This model was not trained to repair a text; choose T5.")
    gaps = [number for number in tokens.ids if is_sentinel(number)]
    if not gaps and config.objective == "spans":
        raise LanguageError("The text has no gap; write <X> in place of some words, and <Y> in place of others.")
    if not gaps and len(tokens) < 2:
        raise LanguageError("One token is always in order; write two sentences or more.")
    if len(gaps) == len(tokens):
        raise LanguageError("There is nothing around the gap; write some words to fill it by.")
    written, probabilities = write(frozen, tokens.ids)
    if gaps:
        restored = restore(np.array(tokens.ids), np.array([*written, END_ID]))
        return Repaired(
            tokens, written, probabilities, _answers(frozen, written), frozen.tokenizer.decode(restored), note
        )
    return Repaired(tokens, written, probabilities, (), frozen.tokenizer.decode(written), note)


def write(frozen: FrozenLanguage, source: Sequence[int]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """What a T5's decoder writes to a source of token numbers, always the likeliest token: numbers, probabilities.

    It may name only gaps that the source has, each once and in their order, and answers none with more than
    `LONGEST_ANSWER` tokens.
    """
    import torch

    model = frozen.model
    left = [number for number in dict.fromkeys(source) if is_sentinel(number)]
    gapped = bool(left)
    most = min(model.embedding.longest, MAX_WRITTEN * len(source)) - 1
    written: list[int] = []
    probabilities: list[float] = []
    answered = 0
    with torch.inference_mode():
        memory = model.encode(torch.tensor([list(source)], device=frozen.device))
        while len(written) < most:
            target = torch.from_numpy(decoder_inputs(np.array([[*written, END_ID]]))).to(frozen.device)
            shares = model.decode(target, memory)[0, -1].float().softmax(-1).cpu()
            over = len(left) >= most - len(written) or (gapped and (not written or answered >= LONGEST_ANSWER))
            best = int(shares.masked_fill(~_allowed(len(shares), left, text=not over), -1.0).argmax())
            if best == END_ID:
                break
            answered = 0 if is_sentinel(best) else answered + 1
            left = left[1:] if is_sentinel(best) else left
            written.append(best)
            probabilities.append(float(shares[best]))
    return tuple(written), tuple(probabilities)


def _allowed(vocabulary: int, left: Sequence[int], *, text: bool) -> Tensor:
    """(V,) True for what may be written: text, and the next gap's name or, when none is left, the end."""
    import torch

    allowed = torch.zeros(vocabulary, dtype=torch.bool)
    allowed[FIRST_ORDINARY:] = allowed[LINE_ID] = text
    allowed[left[0] if left else END_ID] = True
    return allowed


def continue_text(
    frozen: FrozenLanguage,
    text: str,
    *,
    count: int = 40,
    temperature: float = 0.8,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Iterator[Step]:
    """Continue a text token by token, lazily; at the end of a line the model goes on with a new one.

    The model sees the last tokens that fit; that it does not see the beginning of a longer prompt is said.

    Args:
        frozen: a GPT.
        text: the prompt; "" begins a text.
        count: tokens to write, 1 to 400.
        temperature: scores are divided by it, 0 to 5; 0 always takes the likeliest token.
        top_k: draw from the likeliest k tokens only; 0 from all.
        top_p: draw from the likeliest tokens that together have this probability, above 0 up to 1 (nucleus sampling,
            Holtzman et al., 2020).
        seed: of the draws, from 0.

    Raises:
        LanguageError: at once, not at the first token: the model is no GPT, or a setting is out of range.
    """
    _need(frozen, GPTConfig, "continue a text", "GPT")
    if not isinstance(text, str):
        raise LanguageError("There is no text to continue; write the beginning of a sentence.")
    count = _whole(count, "The number of new tokens", 1, MAX_NEW_TOKENS)
    temperature = _number(temperature, "The temperature", 0, MAX_TEMPERATURE)
    top_k = _whole(top_k, "Top-k", 0, len(frozen.tokenizer))
    top_p = _number(top_p, "Top-p", 0, 1)
    if top_p == 0:
        raise LanguageError("Top-p is 0, so no token is left to draw; it must be above 0 and at most 1.")
    generator = np.random.default_rng(_whole(seed, "The seed", 0, 2**31 - 1))
    tokens = frozen.tokenizer.encode(text, marks=())
    window = most_tokens(frozen)
    cut = len(tokens) > window or tokens.cut
    note = f"The prompt has {len(tokens):,} tokens; the model sees the last {window:,}." if cut else ""
    return _steps(frozen, list(tokens.ids), count, temperature, top_k, top_p, generator, note)


def distribution(logits: np.ndarray, temperature: float, top_k: int = 0, top_p: float = 1.0) -> np.ndarray:
    """What a token is drawn from: (V,) scores to (V,) probabilities.

    Args:
        logits: the model's scores.
        temperature: above 0 they are divided by it; 0 gives the likeliest token everything.
        top_k: only the likeliest k are left; 0 leaves all.
        top_p: of these, the fewest that together have this probability are left.
    """
    scores = logits.astype(np.float64)
    if temperature == 0:
        shares = np.zeros_like(scores)
        shares[scores.argmax()] = 1.0
        return shares
    scores = (scores - scores.max()) / temperature
    order = np.argsort(-scores, kind="stable")
    shares = np.exp(scores)
    if top_k:
        shares[order[top_k:]] = 0
    shares /= shares.sum()
    if top_p < 1:
        before = shares[order].cumsum() - shares[order]
        shares[order[before >= top_p]] = 0
        shares /= shares.sum()
    return shares


def sentence_vectors(frozen: FrozenLanguage, sentences: Sequence[str]) -> np.ndarray:
    """(n, D) float32: for each sentence the mean of its tokens' vectors in the last layer, of T5 the encoder's.

    Args:
        frozen: any model.
        sentences: up to 5,000; each is cut to what the model reads.

    Raises:
        LanguageError: there is none, there are too many, or one is empty.
    """
    import torch

    from backends.language.model import mean_features

    if not 0 < len(sentences) <= MAX_SENTENCES:
        raise LanguageError(f"There are {len(sentences):,} sentences; give 1 to {MAX_SENTENCES:,}.")
    rows = [_with_start(frozen, read_text(frozen, sentence).ids) for sentence in sentences]
    skipped = len(rows[0]) - len(read_text(frozen, sentences[0]))  # [START] says nothing of a sentence
    order = sorted(range(len(rows)), key=lambda number: len(rows[number]))
    vectors = np.zeros((len(rows), int(frozen.config.width)), np.float32)
    with torch.inference_mode():
        for begin in range(0, len(order), VECTOR_BATCH):
            chosen = order[begin : begin + VECTOR_BATCH]
            tokens, seen = _padded([rows[number] for number in chosen])
            tokens, seen = tokens.to(frozen.device), seen.to(frozen.device)
            vectors[chosen] = mean_features(frozen.model, tokens, seen, skipped).float().cpu().numpy()
    return vectors


def layer_vectors(frozen: FrozenLanguage, text: str) -> TokenLayers:
    """The vectors of a text's tokens across the layers, of T5 the encoder's.

    Raises:
        LanguageError: the text is empty.
    """
    import torch

    from backends.language.model import layers

    tokens = read_text(frozen, text)
    ids = _with_start(frozen, tokens.ids)
    with torch.inference_mode():
        rows = [x[0, len(ids) - len(tokens) :] for x in layers(frozen.model, torch.tensor([ids], device=frozen.device))]
        vectors = torch.stack(rows).float().cpu().numpy()
    return TokenLayers(tokens, vectors, note_of(text, tokens))


def _need(frozen: FrozenLanguage, config: type[Any], what: str, name: str) -> None:
    if not isinstance(frozen.config, config):
        raise LanguageError(f"This model was not trained to {what}; choose {name}.")


def _with_start(frozen: FrozenLanguage, ids: Sequence[int]) -> list[int]:
    """As the model has read texts in training."""
    return [*([] if isinstance(frozen.config, T5Config) else [START_ID]), *ids]


def _mask_logits(frozen: FrozenLanguage, ids: Sequence[int]) -> np.ndarray:
    """(T + 1, V) scores of a BERT at [START] and all tokens."""
    import torch

    with torch.inference_mode():
        logits: np.ndarray = (
            frozen.model(torch.tensor([[START_ID, *ids]], device=frozen.device))[0].float().cpu().numpy()
        )
    return logits


def _text_only(logits: np.ndarray) -> np.ndarray:
    """The scores with special tokens ruled out: a visitor wants words."""
    kept = logits.copy()
    kept[:FIRST_ORDINARY] = -np.inf
    return kept


def _guesses(frozen: FrozenLanguage, logits: np.ndarray, count: int) -> tuple[Guess, ...]:
    shares = distribution(logits, 1.0)
    best = np.argsort(-shares, kind="stable")[:count]
    return tuple(Guess(frozen.tokenizer.piece(int(n)), int(n), float(shares[n])) for n in best)


def _answers(frozen: FrozenLanguage, written: Sequence[int]) -> tuple[tuple[str, str], ...]:
    """Each gap's name and what was written for it."""
    answers: list[tuple[str, list[int]]] = []
    for number in written:
        if is_sentinel(number):
            answers.append((frozen.tokenizer.piece(number), []))
        elif answers:
            answers[-1][1].append(number)
    return tuple((name, frozen.tokenizer.decode(ids)) for name, ids in answers)


def _steps(
    frozen: FrozenLanguage,
    ids: list[int],
    count: int,
    temperature: float,
    top_k: int,
    top_p: float,
    generator: np.random.Generator,
    note: str,
) -> Iterator[Step]:
    import torch

    window = most_tokens(frozen)
    for _ in range(count):
        with torch.inference_mode():
            seen = torch.tensor([[START_ID, *ids[-window:]]], device=frozen.device)
            logits = frozen.model.embedding.logits(frozen.model.features(seen)[:, -1])[0].float().cpu().numpy()
        logits = _writable(logits)
        shares = distribution(logits, temperature, top_k, top_p)
        chosen = int(shares.argmax()) if temperature == 0 else int(generator.choice(len(shares), p=shares))
        ids.append(chosen)
        yield Step(
            frozen.tokenizer.piece(chosen),
            chosen,
            float(shares[chosen]),
            frozen.tokenizer.decode(ids),
            _guesses(frozen, logits / (temperature or 1.0), GUESSES),
            int((shares > 0).sum()),
            _bits(distribution(logits, 1.0)),
            note,
        )


def _writable(logits: np.ndarray) -> np.ndarray:
    """The scores with all special tokens ruled out but [LINE], which ends a line."""
    kept = _text_only(logits)
    kept[LINE_ID] = logits[LINE_ID]
    return kept


def _bits(shares: np.ndarray) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log2(positive)).sum())


def _padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """(B, T) token numbers and (B, T) True where they are no padding."""
    import torch

    longest = max(map(len, rows))
    tokens = np.zeros((len(rows), longest), np.int64)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = row
    lengths = np.array([len(row) for row in rows])
    return torch.from_numpy(tokens), torch.from_numpy(np.arange(longest)[None] < lengths[:, None])


def _number(value: Any, name: str, least: float, most: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not least <= number <= most:  # NaN too
        raise LanguageError(f"{name} is {str(value)[:20]}; it must be a number from {least:,.10g} to {most:,.10g}.")
    return number


def _whole(value: Any, name: str, least: int, most: int) -> int:
    number = _number(value, name, least, most)
    if not number.is_integer():
        raise LanguageError(f"{name} is {str(value)[:20]}; it must be a whole number from {least:,} to {most:,}.")
    return int(number)
