"""Skip-gram on one sentence, small enough that every number can be shown (Mikolov et al., 2013)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from backends.data.text import find_words
from backends.engine.config import MAX_SEED, MethodConfig, setting
from backends.word2vec.sampling import noise_distribution

MAX_TOKENS = 40
MAX_WORDS = 16
MAX_WORD_CHARACTERS = 20
MAX_STEPS = 1_000
MAX_SCORE = 50.0
"""Beyond it the steps are running away: e^50 is 5e21, and no sentence this short asks for that."""
START_SPREAD = 0.5
"""Standard deviation of the first vectors: large enough that they differ to the eye."""


class SentenceError(ValueError):
    """A sentence can't be used. The message is one sentence that says what to do."""


class StepsRanAway(ValueError):
    """The vectors grow without end. The message is one sentence that says what to do."""


class ByHandConfig(MethodConfig):
    """Settings of the sum by hand."""

    window: int = setting(
        2, "How far a context word may stand from the centre word.", label="Window", unit="words", ge=1, le=5, step=1,
        essential=True,
    )  # fmt: skip
    dim: int = setting(
        3, "How many numbers describe a word.", label="Dimensions", ge=2, le=8, step=1, essential=True
    )  # fmt: skip
    negatives: int = setting(
        3, "Random words that stand in for the whole vocabulary.", label="Negatives", unit="words", ge=1, le=8, step=1,
        essential=True,
    )  # fmt: skip
    learning_rate: float = setting(
        0.5, "How far one step goes against the gradient.", label="Step size", ge=0.05, le=2.0, step=0.05,
        essential=True,
    )  # fmt: skip
    objective: Literal["softmax", "negative_sampling"] = setting(
        "softmax",
        "What a step makes smaller: the loss over the whole vocabulary, or over the pair and its negatives.",
        label="Objective",
        choices={"softmax": "Full softmax", "negative_sampling": "Negative sampling"},
        essential=True,
    )
    seed: int = setting(1, "Where the random numbers start.", label="Seed", ge=0, le=MAX_SEED)


@dataclass(frozen=True, eq=False)
class ByHand:
    """A sentence and the two matrices that are learned from it.

    Attributes:
        words: the V different words, in the order of their first appearance.
        tokens: (T,) the sentence, as indices into `words`.
        config: the settings.
        v: (V, D) float64, a centre vector for every word.
        u: (V, D) float64, a context vector for every word.
        steps: gradient steps taken.
        note: what was left out of the sentence, or "".
    """

    words: tuple[str, ...]
    tokens: np.ndarray
    config: ByHandConfig
    v: np.ndarray
    u: np.ndarray
    steps: int = 0
    note: str = ""


@dataclass(frozen=True, eq=False)
class SoftmaxSum:
    """p(c|w) for one centre word w and every word c: `scores` u_c·v_w, `exps` e^score, `probabilities`, each (V,)."""

    scores: np.ndarray
    exps: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True, eq=False)
class SampledSum:
    """Negative sampling for one pair.

    Attributes:
        words: (1 + K,) the context word, then the negatives.
        scores: (1 + K,) u·v_w.
        sigmoids: (1 + K,) σ(score) of the context, σ(-score) of the negatives: what should grow to 1.
        loss: -log of their product.
    """

    words: np.ndarray
    scores: np.ndarray
    sigmoids: np.ndarray
    loss: float


def begin(sentence: str, config: ByHandConfig) -> ByHand:
    """Take a sentence apart and draw both matrices from the seed.

    Words are cut to `MAX_WORD_CHARACTERS`, the sentence to its first `MAX_TOKENS` words and `MAX_WORDS` different
    ones; `note` says so.

    Raises:
        SentenceError: fewer than two different words, so that no negative could be drawn.
    """
    found = find_words(sentence or "")
    kept: list[int] = []
    words: list[str] = []
    longest = 0
    for whole in found[:MAX_TOKENS]:
        word = whole[:MAX_WORD_CHARACTERS]
        if word not in words:
            if len(words) == MAX_WORDS:
                continue
            words.append(word)
        kept.append(words.index(word))
        longest = max(longest, len(whole))
    if len(words) < 2:
        raise SentenceError("Type a sentence of at least two words that differ: a pair needs a centre and a context.")
    notes = []
    if len(kept) < len(found):
        notes.append(f"Only the first {MAX_TOKENS} words, and {MAX_WORDS} different ones, are used here.")
    if longest > MAX_WORD_CHARACTERS:
        notes.append(f"Words are cut to {MAX_WORD_CHARACTERS} letters.")
    random = np.random.default_rng(config.seed)
    shape = (len(words), config.dim)
    return ByHand(
        tuple(words),
        np.array(kept),
        config,
        START_SPREAD * random.standard_normal(shape),
        START_SPREAD * random.standard_normal(shape),
        note=" ".join(notes),
    )


def pairs(state: ByHand) -> np.ndarray:
    """(P, 2) places in the sentence of every centre and of every context within the window, in reading order."""
    length, reach = len(state.tokens), state.config.window
    return np.array(
        [
            (centre, context)
            for centre in range(length)
            for context in range(max(0, centre - reach), min(length, centre + reach + 1))
            if context != centre
        ]
    )


def softmax_sum(state: ByHand, centre: int) -> SoftmaxSum:
    """The whole sum for the word with index `centre` (equation 2 of the paper)."""
    scores = state.u @ state.v[centre]
    exps = np.exp(scores)
    shifted = np.exp(scores - scores.max())
    return SoftmaxSum(scores, exps, shifted / shifted.sum())


def negatives(state: ByHand) -> np.ndarray:
    """(V, V, K) int: the negatives of the next step for every pair of words (centre, context).

    Drawn from the counts to the power 0.75. A negative is never the context word itself, as in the authors' program;
    it may be the centre word, and the same word may come twice.
    """
    size = len(state.words)
    noise = np.tile(noise_distribution(np.bincount(state.tokens, minlength=size)), (size, 1))
    np.fill_diagonal(noise, 0.0)
    edges = noise.cumsum(axis=1)
    edges /= edges[:, -1:]  # (V, V): for each context, where each word's share of [0, 1) ends
    random = np.random.default_rng([state.config.seed, state.steps])
    drawn = random.random((size, size, state.config.negatives))
    return np.asarray((drawn[..., None] >= edges[None, :, None, :]).sum(axis=-1))


def sampled_sum(state: ByHand, centre: int, context: int) -> SampledSum:
    """Negative sampling (equation 4 of the paper) for one pair of words, with the `negatives` of the next step."""
    words = np.concatenate([[context], negatives(state)[centre, context]])
    scores = state.u[words] @ state.v[centre]
    signs = np.where(np.arange(len(words)) == 0, 1.0, -1.0)
    return SampledSum(words, scores, _sigmoid(signs * scores), float(np.logaddexp(0.0, -signs * scores).sum()))


def loss(state: ByHand) -> float:
    """Mean over all pairs of the loss that the objective makes smaller."""
    true = _pair_counts(state)
    scores = state.v @ state.u.T  # (V, V): a row a centre
    if state.config.objective == "softmax":
        total = -(true * _log_softmax(scores)).sum()
    else:
        total = (true * np.logaddexp(0.0, -scores) + _negative_counts(state, true) * np.logaddexp(0.0, scores)).sum()
    return float(total / true.sum())


def gradients(state: ByHand) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of `loss` with respect to v and u, each (V, D)."""
    true = _pair_counts(state)
    scores = state.v @ state.u.T
    if state.config.objective == "softmax":
        pull = true.sum(axis=1, keepdims=True) * np.exp(_log_softmax(scores)) - true
    else:
        pull = _negative_counts(state, true) * _sigmoid(scores) - true * _sigmoid(-scores)
    pull /= true.sum()  # (V, V): d loss / d score
    return pull @ state.u, pull.T @ state.v


def step(state: ByHand, count: int) -> ByHand:
    """Take `count` gradient steps (1 to `MAX_STEPS`) over all pairs of the sentence.

    Raises:
        StepsRanAway: a score went beyond `MAX_SCORE`; `state` itself is still good.
    """
    for _ in range(max(1, min(MAX_STEPS, count))):
        v_gradient, u_gradient = gradients(state)
        rate = state.config.learning_rate
        state = replace(state, v=state.v - rate * v_gradient, u=state.u - rate * u_gradient, steps=state.steps + 1)
        if not np.abs(state.v @ state.u.T).max() <= MAX_SCORE:  # so written, NaN is caught too
            raise StepsRanAway("The steps overshoot and the vectors grow without end: choose a smaller step size.")
    return state


def with_config(state: ByHand, config: ByHandConfig) -> ByHand:
    """The same matrices under other settings; `dim` and `seed` must stay."""
    return replace(state, config=config)


def _pair_counts(state: ByHand) -> np.ndarray:
    """(V, V): how often each context (column) stands in the window of each centre (row)."""
    counts = np.zeros((len(state.words), len(state.words)))
    np.add.at(counts, tuple(state.tokens[pairs(state)].T), 1.0)
    return counts


def _negative_counts(state: ByHand, true: np.ndarray) -> np.ndarray:
    """(V, V): how often each word (column) is a negative of each centre (row), over all pairs."""
    counts = np.zeros_like(true)
    drawn = negatives(state)
    centres = np.arange(len(true))[:, None, None]
    np.add.at(counts, (np.broadcast_to(centres, drawn.shape), drawn), true[..., None])
    return counts


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))
