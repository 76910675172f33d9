"""NT-Xent by hand: the loss of a few views as sums of which every number can be shown (Chen et al., 2020, equation 1).

    l(i, j) = -log( exp(s_ij / tau) / sum over k != i of exp(s_ik / tau) )

for a view i and the other view j of the same picture; s are cosines, tau is the temperature, and the loss is the mean
of l over all 2N views. The views of one picture stand beside each other: x1, x1', x2, x2', and so on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MIN_TEMPERATURE = 0.01
MAX_TEMPERATURE = 10.0
MAX_PICTURES = 12
"""In a batch that is shown: 24 rows are what a screen can hold."""
ROUNDING = 1e-4
"""How far beyond 1 a cosine from float32 vectors may lie."""
UNIT_TOLERANCE = 1e-3
EXAMPLE_NAMES = ("cat 1", "cat 2", "elephant 1", "elephant 2")
EXAMPLE_TEMPERATURE = 0.5


class SimilarityError(ValueError):
    """Similarities, a temperature or a batch can't be used. The message is one sentence that says what to do."""


@dataclass(frozen=True, eq=False)
class Batch:
    """A few pictures as a model sees them in training: two augmented views each, and their projections.

    Attributes:
        views: (2n, S, S, 3) uint8, ordered x1, x1', x2, x2', and so on.
        projections: (2n, P) float32 of length 1, in the same order.
        temperature: tau, in [0.01, 10].
        label: where the batch comes from, as in "batch of your run after 120 steps".
    """

    views: np.ndarray
    projections: np.ndarray
    temperature: float
    label: str


@dataclass(frozen=True, eq=False)
class Example:
    """A state of the lecture's example: cat 1, cat 2, elephant 1, elephant 2.

    Attributes:
        name: of the state, unique.
        label: as its button says it.
        says: what is seen, in a sentence.
        similarities: (4, 4) float64, symmetric, ones on the diagonal.
        temperature: tau.
    """

    name: str
    label: str
    says: str
    similarities: np.ndarray
    temperature: float


def cosines(projections: np.ndarray) -> np.ndarray:
    """Cosines of (2N, P) projections of length 1: (2N, 2N) float64, symmetric, in [-1, 1].

    Raises:
        SimilarityError: no matrix, numbers that are not finite, or vectors that don't have length 1.
    """
    vectors = np.asarray(projections, np.float64)
    if vectors.ndim != 2:
        raise SimilarityError(f"Projections are a matrix with a row a view; {vectors.ndim} dimensions came.")
    if not np.isfinite(vectors).all():
        raise SimilarityError("The projections hold NaN or infinity: the run has diverged, train with a lower rate.")
    if np.abs(np.linalg.norm(vectors, axis=1) - 1).max(initial=0.0) > UNIT_TOLERANCE:
        raise SimilarityError("Projections must have length 1: divide each by its norm.")
    return np.clip(vectors @ vectors.T, -1.0, 1.0)


def partners(size: int) -> np.ndarray:
    """(2N,) int: the other view of the same picture, for views ordered x1, x1', x2, x2', and so on."""
    return np.arange(size) ^ 1


def terms(similarities: np.ndarray, temperature: float, positives: np.ndarray | None = None) -> np.ndarray:
    """l(i, j) of every view i with its positive j: (2N,), each at least 0.

    Args:
        similarities: (2N, 2N) cosines in [-1, 1]; the diagonal is left out of every sum.
        temperature: tau, in [0.01, 10].
        positives: (2N,) the positive of each view; None: `partners`.

    Raises:
        SimilarityError: not such a matrix, NaN in it, a temperature or a positive out of range.
    """
    scaled, positive = _scaled(similarities, temperature), _positives(similarities, positives)
    top = scaled.max(axis=1)
    log_sums = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
    return np.asarray(log_sums - np.take_along_axis(scaled, positive[:, None], axis=1)[:, 0])


def loss(similarities: np.ndarray, temperature: float, positives: np.ndarray | None = None) -> float:
    """NT-Xent: the mean of the 2N `terms`. It is log(2N - 1) where all similarities are equal.

    Raises:
        SimilarityError: as `terms`.
    """
    return float(terms(similarities, temperature, positives).mean())


def weights(similarities: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax weights p_ik of every other view k in the row of i: (2N, 2N), rows sum to 1, zeros on the diagonal.

    Raises:
        SimilarityError: as `terms`.
    """
    scaled = _scaled(similarities, temperature)
    shifted = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def gradient(similarities: np.ndarray, temperature: float, positives: np.ndarray | None = None) -> np.ndarray:
    """Derivative of each row's term by each similarity of that row: (2N, 2N), (p_ik - [k = j]) / tau.

    Below 0 where a step makes two views more similar, above 0 where it drives them apart; a row sums to 0. A cosine
    stands in two rows, so the derivative of the loss by it is the sum of both entries divided by 2N.

    Raises:
        SimilarityError: as `terms`.
    """
    pull = weights(similarities, temperature)
    pull[np.arange(len(pull)), _positives(similarities, positives)] -= 1
    return np.asarray(pull / temperature)


def with_cosine(similarities: np.ndarray, i: int, k: int, cosine: float) -> np.ndarray:
    """The matrix with another cosine between the views i and k, in both places; it is kept within [-1, 1].

    Raises:
        SimilarityError: i and k are the same view, or the cosine is NaN.
    """
    if i == k:
        raise SimilarityError("A view's cosine with itself is 1 and stays so: choose two different views.")
    if not np.isfinite(cosine):
        raise SimilarityError(f"A cosine is a number from -1 to 1; {cosine} came.")
    changed = np.array(similarities, np.float64)
    changed[i, k] = changed[k, i] = min(1.0, max(-1.0, cosine))
    return changed


def realisable(similarities: np.ndarray, tolerance: float = 1e-6) -> bool:
    """Whether vectors with these cosines exist: no eigenvalue of the symmetric matrix lies below 0."""
    return bool(np.linalg.eigvalsh(_checked(similarities)).min() >= -tolerance)


def _example(name: str, label: str, says: str, upper: tuple[float, ...]) -> Example:
    """An example from the six cosines above the diagonal, row by row."""
    matrix = np.eye(4)
    for i, k, cosine in zip(*np.triu_indices(4, 1), upper, strict=True):
        matrix = with_cosine(matrix, int(i), int(k), cosine)
    return Example(name, label, says, matrix, EXAMPLE_TEMPERATURE)


def _checked(similarities: np.ndarray) -> np.ndarray:
    """A matrix of cosines, within [-1, 1]."""
    matrix = np.asarray(similarities, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2 or len(matrix) % 2:
        raise SimilarityError(f"Similarities are a square matrix with two rows a picture; {matrix.shape} came.")
    if not np.isfinite(matrix).all():
        raise SimilarityError("The similarities hold NaN or infinity: give a number from -1 to 1 for every pair.")
    if np.abs(matrix).max() > 1 + ROUNDING:
        raise SimilarityError(
            f"Similarities are cosines from -1 to 1; {matrix.flat[np.abs(matrix).argmax()]:.3g} came."
        )
    return np.clip(matrix, -1.0, 1.0)


def _scaled(similarities: np.ndarray, temperature: float) -> np.ndarray:
    """S / tau with -infinity on the diagonal, so that no sum sees it."""
    matrix = _checked(similarities)
    if not MIN_TEMPERATURE <= temperature <= MAX_TEMPERATURE:  # so written, NaN is caught too
        raise SimilarityError(
            f"The temperature must be from {MIN_TEMPERATURE} to {MAX_TEMPERATURE:g}; {temperature} came."
        )
    return np.where(np.eye(len(matrix), dtype=bool), -np.inf, matrix / temperature)


def _positives(similarities: np.ndarray, positives: np.ndarray | None) -> np.ndarray:
    size = len(similarities)
    chosen = partners(size) if positives is None else np.asarray(positives)
    if chosen.shape != (size,) or not np.isin(chosen, np.arange(size)).all() or (chosen == np.arange(size)).any():
        raise SimilarityError(f"Each of the {size} views needs one other view as its positive.")
    return chosen.astype(np.int64)


EXAMPLES = (
    _example(
        "good",
        "Good model",
        "A good model: both views of an animal lie close together, and the two animals far apart.",
        (0.92, 0.05, -0.10, 0.12, -0.04, 0.88),
    ),
    _example(
        "untrained",
        "Untrained model",
        "An untrained model finds every picture like every other, so each row is little better than "
        "a guess, which costs log 3 = 1.099.",
        (0.90, 0.84, 0.81, 0.86, 0.79, 0.88),
    ),
    _example(
        "collapsed",
        "Collapsed model",
        "Collapsed: every picture lies in the same place. Each term is log(2N − 1) = log 3 = 1.099 at any temperature, "
        "what guessing among the three others costs.",
        (1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    ),
    _example(
        "hard",
        "Elephant that looks like a cat",
        "A hard negative: this view of the elephant lies nearer to the cats than to the elephant's other view, "
        "and its row costs most.",
        (0.90, 0.72, 0.05, 0.66, 0.10, 0.45),
    ),
)
"""States of the lecture's example. The cosines are made up, and vectors with these cosines exist."""
