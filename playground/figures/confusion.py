"""What was taken for what, as a table: a row for each truth, a column for each answer."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np


def confusion_table(counts: np.ndarray, names: Sequence[str], caption: str, *, shares: bool = False) -> str:
    """Draw counts as cells whose depth is their share of the row.

    Args:
        counts: (n, n) int, truth by answer.
        names: (n,) of the classes; untrusted.
        caption: says what rows and columns are.
        shares: write shares of the row in percent, not counts.
    """
    totals = np.maximum(1, counts.sum(axis=1))
    head = "".join(f"<th><span>{html.escape(name)}</span></th>" for name in names)
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(_cell(int(counts[i, j]), counts[i, j] / totals[i], i == j, shares) for j in range(len(names)))
        + "</tr>"
        for i, name in enumerate(names)
    )
    return (
        f'<table class="confusion"><caption>{html.escape(caption)}</caption>'
        f"<thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _cell(count: int, share: float, right: bool, shares: bool) -> str:
    told = (f"{100 * share:.0f}" if share >= 0.005 else "") if shares else count or ""
    return f'<td class="num {"right" if right else "wrong"}" style="--share:{share:.2f}">{told}</td>'
