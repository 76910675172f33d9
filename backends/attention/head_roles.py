"""What each head looks at, computed from its attention weights on the text at hand.

A role is a set of columns for every row: for "previous token" the column left of the row's own. A head's figure for a
role is the weight that it gives these columns, averaged over the rows that have such a column and see at least two:

    figure(role) = mean over rows i of  Σ_j  A[i, j] · [j is in the role's columns of i]

"Broad" is the entropy of a row's weights against that of equal weights, averaged over rows that see at least two:

    figure(broad) = mean over rows i of  −Σ_j A[i, j] log A[i, j] / log(columns that i sees)

A head is broad from `BROAD_FROM` on. Otherwise it has the role with the highest figure among those that reach
`ROLE_FROM` and `ROLE_LIFT` times what equal weights would give; with none of them it is "mixed". After Clark et al.,
"What Does BERT Look At?" (2019), and for repeats Olsson et al., "In-context Learning and Induction Heads" (2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

PREVIOUS, NEXT, ITSELF, FIRST = "previous token", "next token", "itself", "first token"
SEPARATOR, SAME, REPEAT = "separator", "same token elsewhere", "repeat"
CLASS_TOKEN, NEIGHBOURS = "class token", "neighbouring patches"
BROAD, MIXED = "broad", "mixed"

DESCRIPTIONS: dict[str, str] = {
    PREVIOUS: "looks at the token before",
    NEXT: "looks at the token after",
    ITSELF: "looks at the token itself",
    FIRST: "looks at the first token: often a place to rest when there is nothing to find",
    SEPARATOR: "looks at punctuation and separators",
    SAME: "looks at the same token elsewhere in the text",
    REPEAT: "looks at what followed the same token elsewhere (an induction head)",
    CLASS_TOKEN: "looks at the class token",
    NEIGHBOURS: "looks at the patches around its own",
    BROAD: "spreads its attention over nearly everything",
    MIXED: "does nothing that one word names",
}
BROAD_FROM = 0.9
"""Normalised entropy."""
ROLE_FROM = 0.4
"""Mean weight."""
ROLE_LIFT = 1.5
"""In short texts equal weights already give much to a role's columns; it takes more than that."""
MIN_ROWS = 2
"""Fewer rows say nothing about a head."""


@dataclass(frozen=True)
class Role:
    """What a head does on this text.

    Attributes:
        name: a key of `DESCRIPTIONS`.
        figure: 0 to 1: mean weight, or normalised entropy of a broad head; of a mixed one its highest figure.
        figures: of every role that was possible.
    """

    name: str
    figure: float
    figures: dict[str, float] = field(default_factory=dict)


def self_columns(ids: Sequence[int], separators: np.ndarray) -> dict[str, np.ndarray]:
    """Each role's columns in self-attention over a text.

    Args:
        ids: T token numbers.
        separators: (T,) True for separators and punctuation.

    Returns:
        (T, T) bool by role: True where the row's role column is.
    """
    numbers = np.asarray(ids)
    size = len(numbers)
    itself = np.eye(size, dtype=bool)
    first = np.zeros((size, size), bool)
    first[1:, 0] = True
    alike = numbers[:, None] == numbers[None, :]
    follows_alike = np.zeros_like(alike)
    follows_alike[:, 1:] = (alike & ~itself)[:, :-1]
    stops = np.broadcast_to(np.asarray(separators, bool), (size, size)).copy()
    stops[:, 0] = False
    return {
        PREVIOUS: np.eye(size, k=-1, dtype=bool),
        NEXT: np.eye(size, k=1, dtype=bool),
        ITSELF: itself,
        FIRST: first,
        SEPARATOR: stops & ~itself,
        SAME: alike & ~itself,
        REPEAT: follows_alike & ~itself,
    }


def cross_columns(row_ids: Sequence[int], column_ids: Sequence[int], separators: np.ndarray) -> dict[str, np.ndarray]:
    """Each role's columns in cross attention: (T, S) bool by role; `separators` (S,)."""
    rows, columns = np.asarray(row_ids), np.asarray(column_ids)
    shape = len(rows), len(columns)
    first = np.zeros(shape, bool)
    first[:, 0] = True
    stops = np.broadcast_to(np.asarray(separators, bool), shape).copy()
    stops[:, 0] = False
    return {FIRST: first, SEPARATOR: stops, SAME: rows[:, None] == columns[None, :]}


def grid_columns(side: int, specials: int) -> dict[str, np.ndarray]:
    """Each role's columns in a vision transformer: `specials` tokens (the class token first), then side² patches."""
    size = specials + side * side
    itself = np.eye(size, dtype=bool)
    class_token = np.zeros((size, size), bool)
    if specials:
        class_token[1:, 0] = True
    y, x = np.divmod(np.arange(side * side), side)
    apart = np.maximum(np.abs(y[:, None] - y[None]), np.abs(x[:, None] - x[None]))
    around = np.zeros((size, size), bool)
    around[specials:, specials:] = apart == 1
    return {ITSELF: itself, CLASS_TOKEN: class_token, NEIGHBOURS: around}


def head_roles(
    weights: np.ndarray, columns: dict[str, np.ndarray], *, causal: bool = False
) -> tuple[tuple[Role, ...], ...]:
    """Name what each head does, with its figure; the module says how.

    Args:
        weights: (L, H, T, S) attention weights, rows sum to 1.
        columns: (T, S) bool by role.
        causal: row i sees columns 0 to i only.

    Returns:
        a role for every head of every layer.
    """
    layers, heads, rows, width = weights.shape
    seen = np.tri(rows, width, dtype=bool) if causal else np.ones((rows, width), bool)
    choosing = seen.sum(1) >= 2
    broad = _broadness(weights, seen, choosing)
    figures: dict[str, np.ndarray] = {}
    lifts: dict[str, float] = {}
    for name, wanted in columns.items():
        there = wanted & seen
        possible = choosing & there.any(1)
        if possible.sum() >= MIN_ROWS:
            given = np.einsum("lhts,ts->lht", weights[:, :, possible], there[possible].astype(weights.dtype))
            figures[name] = given.mean(-1)
            lifts[name] = float((there[possible].sum(1) / seen[possible].sum(1)).mean())
    return tuple(
        tuple(
            _choose({name: float(figure[layer, head]) for name, figure in figures.items()}, lifts, broad[layer, head])
            for head in range(heads)
        )
        for layer in range(layers)
    )


def _choose(figures: dict[str, float], equal: dict[str, float], broadness: float) -> Role:
    """The role of one head; `equal` holds the figures of equal weights."""
    if np.isnan(broadness):
        return Role(MIXED, max(figures.values(), default=0.0), figures)
    shown = {**figures, BROAD: float(broadness)}
    if broadness >= BROAD_FROM:
        return Role(BROAD, float(broadness), shown)
    clear = {name: value for name, value in figures.items() if value >= max(ROLE_FROM, ROLE_LIFT * equal[name])}
    if not clear:
        return Role(MIXED, max(figures.values(), default=0.0), shown)
    name = max(clear, key=lambda key: clear[key])
    return Role(name, clear[name], shown)


def _broadness(weights: np.ndarray, seen: np.ndarray, choosing: np.ndarray) -> np.ndarray:
    """(L, H) mean normalised entropy; NaN where no row sees two columns."""
    if choosing.sum() < MIN_ROWS:
        return np.full(weights.shape[:2], np.nan)
    chosen = weights[:, :, choosing]
    entropy = -(chosen * np.log(np.maximum(chosen, np.finfo(np.float32).tiny))).sum(-1)
    mean: np.ndarray = (entropy / np.log(seen[choosing].sum(1))).mean(-1)
    return mean
