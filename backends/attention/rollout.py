"""Attention rollout: how much of each input a token's vector has mixed in after every layer."""

from __future__ import annotations

import numpy as np

RESIDUAL_SHARE = 0.5
"""Of a token's own vector, which the residual connection passes on (Abnar and Zuidema, 2020, section 3)."""


def attention_rollout(weights: np.ndarray) -> np.ndarray:
    """Multiply the layers' attention, averaged over heads: R_l = (0.5 A_l + 0.5 I) R_(l-1), R_0 = I.

    Source: Abnar and Zuidema, "Quantifying Attention Flow in Transformers" (2020), equation 1.

    Args:
        weights: (L, H, T, T) attention weights, rows sum to 1.

    Returns:
        (L, T, T) float32, rows sum to 1.

    Raises:
        ValueError: the weights are not square, as those of cross attention.
    """
    layers, _, rows, columns = weights.shape
    if rows != columns:
        raise ValueError(f"Rollout needs square attention; this is {rows} × {columns}.")
    identity = np.eye(rows)
    rolled, reached = np.empty((layers, rows, rows), np.float32), identity
    for layer, averaged in enumerate(weights.mean(axis=1, dtype=np.float64)):
        reached = ((1 - RESIDUAL_SHARE) * averaged + RESIDUAL_SHARE * identity) @ reached
        rolled[layer] = reached
    return rolled
