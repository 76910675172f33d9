"""How raw text labels itself: what is hidden, what is to be said instead. Pure functions on token numbers.

Batches are (B, T) arrays of token numbers; all rows of a batch hide equally many tokens, so that nothing is padded. A
sentence is a batch of one row, and the places to hide may be given: those that a visitor clicked. Nothing here needs
torch.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from backends.language.config import SENTINELS
from backends.language.tokens import END_ID, FIRST_ORDINARY, MASK_ID, SENTINEL_ID, START_ID

MASK_RATIO, MASKED_SHARE = 0.15, 0.8
"""Devlin et al. (2019), section 3.1: of the hidden tokens 80 % become [MASK], 10 % a random token, 10 % stay."""
CORRUPTION_RATIO, MEAN_SPAN = 0.15, 3.0
"""Raffel et al. (2020), section 3.3.4."""
MASKED, RANDOM, KEPT = 0, 1, 2
"""What became of a token to guess."""


class CorruptionError(ValueError):
    """A text can't be broken so. The message says why, in one sentence fit for a visitor."""


@dataclass(frozen=True, eq=False)
class Masked:
    """Masked language modelling.

    Attributes:
        inputs: (B, T) token numbers that the encoder reads.
        places: (B, A) where tokens are to be guessed, rising.
        targets: (B, A) the tokens that stood there.
        kinds: (B, A) what became of each: `MASKED`, `RANDOM` or `KEPT`.
    """

    inputs: np.ndarray
    places: np.ndarray
    targets: np.ndarray
    kinds: np.ndarray


@dataclass(frozen=True, eq=False)
class Spans:
    """Span corruption.

    Attributes:
        source: (B, S) token numbers that the encoder reads: each span is one sentinel.
        targets: (B, U) what the decoder has to write: each sentinel, then the tokens of its span, at last [END].
        source_places: (B, S) where each token of the source stood; of a sentinel, where its span begins.
        target_places: (B, U) the same of the targets; −1 for sentinels and [END].
        hidden: (B, T) True where a token of the text is in a span.
    """

    source: np.ndarray
    targets: np.ndarray
    source_places: np.ndarray
    target_places: np.ndarray
    hidden: np.ndarray


@dataclass(frozen=True, eq=False)
class Shuffled:
    """Sentence shuffling.

    Attributes:
        source: (B, T) token numbers that the encoder reads.
        targets: (B, T + 1) what the decoder has to write: the text in order, and [END].
        source_places: (B, T) where each token of the source stood.
        sentences: (B, T) the number of the sentence that each token of the text belongs to.
    """

    source: np.ndarray
    targets: np.ndarray
    source_places: np.ndarray
    sentences: np.ndarray


@dataclass(frozen=True, eq=False)
class Continued:
    """Next word.

    Attributes:
        inputs: (B, T) [START] and all tokens but the last.
        targets: (B, T) at each place, the token after it.
    """

    inputs: np.ndarray
    targets: np.ndarray


def mask_tokens(
    tokens: np.ndarray,
    generator: np.random.Generator,
    vocabulary: int,
    *,
    mask_ratio: float = MASK_RATIO,
    masked_share: float = MASKED_SHARE,
    places: Collection[int] | None = None,
) -> Masked:
    """Hide tokens for BERT.

    Special tokens are hidden only in rows with too few others. Deviation from Devlin et al.: every row hides exactly
    round(ratio · T) tokens, at least one.

    Args:
        tokens: (B, T) token numbers.
        generator: draws places, kinds and random tokens.
        vocabulary: random tokens are of the text's numbers below it.
        mask_ratio: share of tokens to guess, in (0, 1).
        masked_share: of these, how many become [MASK]; the rest is random or kept, half and half.
        places: hide these and no others, in every row; all of them become [MASK].

    Raises:
        CorruptionError: a place is not in the text.
    """
    rows, length = tokens.shape
    if places is not None:
        chosen = np.tile(_checked(places, length), (rows, 1))
        kinds = np.full(chosen.shape, MASKED)
    else:
        count = max(1, round(mask_ratio * length))
        keys = generator.random(tokens.shape) + 2.0 * (tokens < FIRST_ORDINARY)
        chosen = np.sort(np.argpartition(keys, count - 1, axis=1)[:, :count], axis=1)
        kinds = _kinds(generator, chosen.shape, masked_share)
    targets = np.take_along_axis(tokens, chosen, 1)
    strange = generator.integers(FIRST_ORDINARY, vocabulary, chosen.shape)
    shown = np.where(kinds == MASKED, MASK_ID, np.where(kinds == RANDOM, strange, targets))
    inputs = tokens.copy()
    np.put_along_axis(inputs, chosen, shown.astype(inputs.dtype), 1)
    return Masked(inputs, chosen, targets, kinds)


def corrupt_spans(
    tokens: np.ndarray,
    generator: np.random.Generator,
    *,
    corruption_ratio: float = CORRUPTION_RATIO,
    mean_span: float = MEAN_SPAN,
    places: Collection[int] | None = None,
) -> Spans:
    """Cut out spans for T5, and put a sentinel where each was.

    As in the authors' code (`random_spans_noise_mask`) every row has the same number of spans and of hidden tokens, and
    the lengths of spans and of what stands between them are random partitions of these. Deviation: theirs always ends
    with a span; here a text may begin and end with a span or with a token that stays.

    Args:
        tokens: (B, T) token numbers, T ≥ 2.
        generator: draws the spans.
        corruption_ratio: share of tokens to hide, in (0, 1).
        mean_span: mean length of a span in tokens, at least 1.
        places: hide these and no others, in every row; neighbours are one span.

    Raises:
        CorruptionError: the text has fewer than two tokens, a place is not in it, or there are more spans than
            sentinels.
    """
    rows, length = tokens.shape
    if length < 2:
        raise CorruptionError("One token is too short to cut something out of it: write a few words.")
    if places is None:
        hidden = _random_spans(generator, rows, length, corruption_ratio, mean_span)
    else:
        hidden = np.zeros((rows, length), bool)
        hidden[:, _checked(places, length)] = True
    starts = hidden & ~np.pad(hidden, ((0, 0), (1, 0)))[:, :-1]
    if int(starts[0].sum()) > SENTINELS:
        raise CorruptionError(f"These are more than {SENTINELS} gaps, and no more have names: hide fewer places.")
    return _with_sentinels(tokens, hidden, starts)


def shuffle_sentences(
    tokens: np.ndarray,
    generator: np.random.Generator,
    ends_sentence: np.ndarray,
) -> Shuffled:
    """Put the sentences of each row into a random order (Raffel et al., 2020, section 3.3.1, shuffle tokens).

    Sentences are moved whole, as in BART (Lewis et al., 2020); a row of one sentence stays as it is.

    Args:
        tokens: (B, T) token numbers.
        generator: draws the orders.
        ends_sentence: (V,) True for tokens after which a sentence is over.
    """
    rows, length = tokens.shape
    sentences = _sentences(tokens, ends_sentence)
    keys = np.take_along_axis(generator.random((rows, length)), sentences, 1)
    source_places = np.argsort(keys, axis=1, kind="stable")
    source = np.take_along_axis(tokens, source_places, 1)
    targets = np.concatenate([tokens, np.full((rows, 1), END_ID, tokens.dtype)], axis=1)
    return Shuffled(source, targets, source_places, sentences)


def next_tokens(tokens: np.ndarray) -> Continued:
    """Ask for each next token: (B, T) token numbers to inputs and targets of the same shape, for GPT."""
    starts = np.full((len(tokens), 1), START_ID, tokens.dtype)
    return Continued(np.concatenate([starts, tokens[:, :-1]], axis=1), tokens)


def decoder_inputs(targets: np.ndarray) -> np.ndarray:
    """What the decoder reads while it writes (B, U) targets: [START] and all of them but the last."""
    return next_tokens(targets).inputs


def restore(source: np.ndarray, targets: np.ndarray) -> list[int]:
    """Fill the gaps of one corrupted text (S,) with what (U,) targets say of them; gaps without an answer vanish."""
    answers: dict[int, list[int]] = {}
    gap = -1
    for number in (int(number) for number in targets):
        if is_sentinel(number):
            gap = number
            answers.setdefault(gap, [])
        elif number == END_ID:
            break
        elif gap >= 0:
            answers[gap].append(number)
    restored: list[int] = []
    for number in (int(number) for number in source):
        restored += answers.get(number, []) if is_sentinel(number) else [number]
    return restored


def is_sentinel(number: int) -> bool:
    """Whether a token number is of a sentinel."""
    return SENTINEL_ID <= number < SENTINEL_ID + SENTINELS


def span_layout(length: int, corruption_ratio: float, mean_span: float) -> tuple[int, int]:
    """How many of `length` tokens are hidden, and in how many spans; both at least 1, and spans fit between others."""
    hidden = min(max(1, round(length * corruption_ratio)), length - 1)
    spans = min(max(1, round(hidden / mean_span)), hidden, length - hidden, SENTINELS)
    return hidden, spans


def _kinds(generator: np.random.Generator, shape: tuple[int, ...], masked_share: float) -> np.ndarray:
    drawn = generator.random(shape)
    half = (1 - masked_share) / 2
    return np.where(drawn < masked_share, MASKED, np.where(drawn < masked_share + half, RANDOM, KEPT))


def _checked(places: Collection[int], length: int) -> np.ndarray:
    chosen = sorted(set(places))
    if not chosen:
        raise CorruptionError("Nothing is hidden: click a word.")
    if not 0 <= chosen[0] <= chosen[-1] < length:
        raise CorruptionError(f"There is no place {chosen[-1] + 1} in a text of {length} tokens.")
    return np.array(chosen)


def _random_spans(
    generator: np.random.Generator, rows: int, length: int, corruption_ratio: float, mean_span: float
) -> np.ndarray:
    """(B, T) True in the spans."""
    count, spans = span_layout(length, corruption_ratio, mean_span)
    hidden = _partitions(generator, rows, count, spans)
    seen = _partitions(generator, rows, length - count + 2, spans + 1)  # at both ends one less: there may be nothing
    seen[:, 0] -= 1
    ends = np.stack([seen[:, :-1], hidden], axis=2).reshape(rows, 2 * spans).cumsum(1)  # seen, hidden, seen, hidden …
    part = (np.arange(length)[None, :, None] >= ends[:, None, :]).sum(2)
    return np.asarray(part % 2 == 1)


def _partitions(generator: np.random.Generator, rows: int, total: int, parts: int) -> np.ndarray:
    """(B, parts) random numbers ≥ 1 that sum to `total`, all partitions equally likely."""
    keys = generator.random((rows, total - 1))
    cuts = np.sort(np.argsort(keys, axis=1)[:, : parts - 1] + 1, axis=1)
    edges = np.concatenate([np.zeros((rows, 1), int), cuts, np.full((rows, 1), total)], axis=1)
    return np.diff(edges, axis=1)


def _with_sentinels(tokens: np.ndarray, hidden: np.ndarray, starts: np.ndarray) -> Spans:
    """Both sides of span corruption; every row hides equally many tokens in equally many spans."""
    rows, length = tokens.shape
    places = np.broadcast_to(np.arange(length), tokens.shape)
    sentinels = (SENTINEL_ID + starts.cumsum(1) - 1).astype(tokens.dtype)
    kept = ~hidden | starts
    source = np.where(starts, sentinels, tokens)[kept].reshape(rows, -1)
    source_places = places[kept].reshape(rows, -1)
    # each place of the text gives the targets two slots: a sentinel where a span begins, and the hidden token
    slots = np.stack([sentinels, tokens], axis=2).reshape(rows, 2 * length)
    origins = np.stack([np.full_like(places, -1), places], axis=2).reshape(rows, 2 * length)
    filled = np.stack([starts, hidden], axis=2).reshape(rows, 2 * length)
    ends = np.full((rows, 1), END_ID, tokens.dtype)
    targets = np.concatenate([slots[filled].reshape(rows, -1), ends], axis=1)
    target_places = np.concatenate([origins[filled].reshape(rows, -1), np.full((rows, 1), -1)], axis=1)
    return Spans(source, targets, source_places, target_places, hidden)


def _sentences(tokens: np.ndarray, ends_sentence: np.ndarray) -> np.ndarray:
    """(B, T) the number of the sentence that each token belongs to, from 0."""
    over = ends_sentence[tokens]
    return np.asarray(np.pad(over, ((0, 0), (1, 0)))[:, :-1].cumsum(1))
