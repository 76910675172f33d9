"""Attention by hand: every number between the embeddings and z (Vaswani et al., 2017, equation 1 and section 3.2.2).

    head_h = softmax(Q_h K_hᵀ / √d_head) V_h,    output = (head_1, ..., head_n side by side) W_O

The page sums in JavaScript, because its numbers follow every edit; this is the same sum by torch, which a browser test
holds the page to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

LECTURE_D_K = 64


class AttentionError(ValueError):
    """Matrices can't be attended with. The message is one sentence that says what to do."""


@dataclass(frozen=True, eq=False)
class Attended:
    """Every intermediate of multi-head attention over T words of width D, float64; d_head = D / heads.

    Attributes:
        queries: (heads, T, d_head) columns h d_head to (h + 1) d_head of x W_Q for head h.
        keys: (heads, T, d_head) of x W_K.
        values: (heads, T, d_head) of x W_V.
        scores: (heads, T, T) q · k; rows are queries.
        scaled: (heads, T, T) scores / √d_head, or the scores where they are not scaled.
        masked: (heads, T, T) the same with -infinity where a query may not see a key.
        weights: (heads, T, T) softmax of each row.
        gradient: (heads, T, T) the derivative of each weight by its own score, by autograd.
        z: (heads, T, d_head) weights times values, by `scaled_dot_product_attention`.
        concatenated: (T, D) the heads' z side by side.
        output: (T, D) concatenated W_O.
    """

    queries: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    scores: np.ndarray
    scaled: np.ndarray
    masked: np.ndarray
    weights: np.ndarray
    gradient: np.ndarray
    z: np.ndarray
    concatenated: np.ndarray
    output: np.ndarray


@dataclass(frozen=True)
class Example:
    """The lecture's table: two words, one head.

    Attributes:
        words: the sentence.
        x: (2, 4) embeddings.
        w_q: (4, 4) the first columns of W_Q (4, d_k); the others are zeros, and so for w_k and w_v.
        w_k: (4, 4).
        w_v: (4, 4).
        d_k: how many numbers q and k have.
    """

    words: tuple[str, ...]
    x: tuple[tuple[int, ...], ...]
    w_q: tuple[tuple[int, ...], ...]
    w_k: tuple[tuple[int, ...], ...]
    w_v: tuple[tuple[int, ...], ...]
    d_k: int


LECTURE = Example(
    words=("Thinking", "Machines"),
    x=((2, 1, 0, 1), (1, 0, 2, 1)),
    w_q=((1, 1, 1, 0), (2, 1, 1, 2), (2, 1, -2, 2), (2, 1, -1, 2)),
    w_k=((2, 2, 2, 1), (2, 2, 4, 1), (2, 1, 1, 1), (2, 2, 0, 1)),
    w_v=((1, 0, -1, 2), (1, -1, 0, 1), (-1, 2, 2, -2), (1, 1, 0, 1)),
    d_k=LECTURE_D_K,
)
"""Scores 112 and 96 for "Thinking", as on the slide. The vectors are made up so that their products are these."""


def attend(
    x: np.ndarray,
    w_q: np.ndarray,
    w_k: np.ndarray,
    w_v: np.ndarray,
    w_o: np.ndarray,
    *,
    heads: int = 1,
    causal: bool = False,
    scaled: bool = True,
) -> Attended:
    """Multi-head self-attention without biases, by torch in float64.

    Args:
        x: (T, E) embeddings, a row a word.
        w_q: (E, D); w_k and w_v the same.
        w_k: (E, D).
        w_v: (E, D).
        w_o: (D, D).
        heads: how many; it divides D.
        causal: a word sees itself and those before it.
        scaled: divide the scores by √d_head.

    Raises:
        AttentionError: shapes that don't fit, numbers that are not finite, or heads that don't divide D.
    """
    import torch
    from torch.nn import functional as F

    _check(x, [w_q, w_k, w_v], w_o, heads)
    given = [torch.as_tensor(np.asarray(matrix, np.float64)) for matrix in (x, w_q, w_k, w_v, w_o)]
    embedded, *projections, out = given
    t, d = len(embedded), out.shape[0]
    q, k, v = ((embedded @ w).view(t, heads, d // heads).transpose(0, 1) for w in projections)  # (heads, T, d_head)
    divisor = math.sqrt(d // heads) if scaled else 1.0
    scores = (q @ k.transpose(-1, -2)).requires_grad_()
    divided = scores / divisor
    hidden = torch.ones(t, t, dtype=torch.bool).triu(1) & causal
    masked = divided.masked_fill(hidden, -math.inf)
    weights = masked.softmax(-1)
    # A batch of one, because some fused kernels want four dimensions.
    z = F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=causal, scale=1 / divisor)[0]
    slopes = [torch.autograd.grad(weights[..., j].sum(), scores, retain_graph=True)[0][..., j] for j in range(t)]
    concatenated = z.transpose(0, 1).reshape(t, d)
    found = (q, k, v, scores, divided, masked, weights, torch.stack(slopes, -1), z, concatenated, concatenated @ out)
    return Attended(*(tensor.detach().numpy() for tensor in found))


def padded(weights: tuple[tuple[int, ...], ...], columns: int) -> np.ndarray:
    """The lecture's weights (E, 4) with zeros up to so many columns: (E, columns) float64, columns at least 4."""
    shown = np.asarray(weights, np.float64)
    return np.pad(shown, ((0, 0), (0, columns - shown.shape[1])))


def _check(x: np.ndarray, projections: list[np.ndarray], w_o: np.ndarray, heads: int) -> None:
    if np.ndim(x) != 2 or not len(x):
        raise AttentionError(f"x is a matrix with a row a word, at least one; its shape came as {np.shape(x)}.")
    if np.ndim(w_o) != 2 or np.shape(w_o)[0] != np.shape(w_o)[1]:
        raise AttentionError(f"W_O must be square; its shape came as {np.shape(w_o)}.")
    wanted = (np.shape(x)[1], len(w_o))
    for name, weights in zip(("W_Q", "W_K", "W_V"), projections, strict=True):
        if np.shape(weights) != wanted:
            raise AttentionError(f"{name} must have the shape {wanted} of x and W_O; {np.shape(weights)} came.")
    if heads < 1 or wanted[1] % heads:
        raise AttentionError(f"The number of heads must divide {wanted[1]}; {heads} came.")
    if not all(np.isfinite(matrix).all() for matrix in (x, *projections, w_o)):
        raise AttentionError("The matrices hold NaN or infinity: give finite numbers.")
