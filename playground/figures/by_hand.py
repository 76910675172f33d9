"""The sum by hand as tables. Every word in them is escaped: it is a visitor's."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

MOST_MOVED = 3
PAIRS_SHOWN = 60
ROOMY_COLUMNS = 5
"""A matrix with more columns is set smaller, so that it fits beside the other."""
Cell = tuple[int, int, int]
"""Which matrix, row and column."""


def sentence_html(words: Sequence[str], tokens: Sequence[int], pairs: np.ndarray, centre: int) -> str:
    """The sentence with one centre word's pairs marked, and the list of all pairs.

    Args:
        words: the vocabulary; tokens: (T,) the sentence as indices into it.
        pairs: (P, 2) places of centre and context.
        centre: index of the chosen word in `words`.
    """
    centres = {i for i, token in enumerate(tokens) if token == centre}
    contexts = {int(c) for w, c in pairs if int(w) in centres}
    marked = " ".join(
        f'<span class="{"centre" if i in centres else "context" if i in contexts else "other"}">'
        f"{html.escape(words[token])}</span>"
        for i, token in enumerate(tokens)
    )
    chips = "".join(
        f'<li class="{"centre" if int(w) in centres else "other"}">{html.escape(words[tokens[w]])} → '
        f"{html.escape(words[tokens[c]])}</li>"
        for w, c in pairs[:PAIRS_SHOWN]
    )
    more = f"<li class='other'>and {len(pairs) - PAIRS_SHOWN} more</li>" if len(pairs) > PAIRS_SHOWN else ""
    return (
        f'<p class="by-hand-sentence">{marked}</p>'
        f"<h4>{len(pairs)} training pairs, centre → context: the text labels itself</h4>"
        f'<ul class="by-hand-pairs">{chips}{more}</ul>'
    )


def one_hot_html(words: Sequence[str], centre: int) -> str:
    """Every word as a row with a single 1."""
    rows = "".join(
        f'<tr class="{"chosen" if i == centre else ""}"><th scope="row">{html.escape(word)}</th>'
        + "".join(f'<td class="{"one" if i == j else ""}">{int(i == j)}</td>' for j in range(len(words)))
        + "</tr>"
        for i, word in enumerate(words)
    )
    return (
        f"<h4>One-hot: {len(words)} words, {len(words)} numbers each</h4>"
        f'<div class="by-hand-scroll"><table class="by-hand-matrix one-hot"><tbody>{rows}</tbody></table></div>'
    )


def matrix_html(
    title: str, words: Sequence[str], values: np.ndarray, chosen: int | None, scale: float, moved: Sequence[Cell] = ()
) -> str:
    """A matrix with its numbers, each cell coloured by sign and size.

    Args:
        title: what it is.
        words: of the V rows.
        values: (V, D).
        chosen: the row that the sum uses, or None if it uses all.
        scale: the size that gets the full colour.
        moved: cells to frame, as `most_moved` names them; all are taken to be of this matrix.
    """
    wide = " wide" if values.shape[1] > ROOMY_COLUMNS else ""
    framed = {(row, column) for _, row, column in moved}
    numbers = "".join(f'<th scope="col">{column + 1}</th>' for column in range(values.shape[1]))
    rows = "".join(
        f'<tr class="{"chosen" if i == chosen else ""}"><th scope="row">{html.escape(word)}</th>'
        + "".join(_cell(float(value), scale, (i, j) in framed) for j, value in enumerate(values[i]))
        + "</tr>"
        for i, word in enumerate(words)
    )
    return (
        f'<h4>{title}</h4><div class="by-hand-scroll"><table class="by-hand-matrix{wide}">'
        f"<thead><tr><th></th>{numbers}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def most_moved(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> list[Cell]:
    """The `MOST_MOVED` cells of some matrices that changed most, the largest change first."""
    changes = [
        (float(change), matrix, int(row), int(column))
        for matrix, (old, new) in enumerate(zip(before, after, strict=True))
        for (row, column), change in np.ndenumerate(np.abs(new - old))
    ]
    return [cell for _, *cell in sorted(changes, key=lambda entry: -entry[0])[:MOST_MOVED]]  # type: ignore[misc]


def softmax_html(
    words: Sequence[str],
    centre: int,
    vectors: tuple[np.ndarray, np.ndarray],
    scores: np.ndarray,
    exps: np.ndarray,
    shares: np.ndarray,
    contexts: set[int],
) -> str:
    """Scores, their exponentials and the softmax, a row a word; true contexts are marked, one is written out.

    Args:
        words: the vocabulary; centre: the chosen word.
        vectors: (V, D) centre vectors and (V, D) context vectors.
        scores, exps, shares: (V,) u·v, e^(u·v) and the softmax.
        contexts: words that stand in the window of the chosen one.
    """
    rows = "".join(
        f'<tr{_true(i in contexts)}><th scope="row">{html.escape(word)}{_tick(i in contexts)}</th>'
        f"<td>{_number(scores[i])}</td><td>{_short(exps[i])}</td>{_bar(shares[i])}<td><b>{shares[i]:.3f}</b></td></tr>"
        for i, word in enumerate(words)
    )
    best = max(contexts, key=lambda i: shares[i]) if contexts else int(np.argmax(shares))
    chosen, other = html.escape(words[centre]), html.escape(words[best])
    v, u = vectors[0][centre], vectors[1][best]
    products = " + ".join(f"<span>{_factor(a)} · {_factor(b)}</span>" for a, b in zip(u, v, strict=True))
    lines = (
        f"u<sub>{other}</sub> · v<sub>{chosen}</sub> ≈ {products} ≈ <b>{_number(scores[best])}</b>",
        f"p({other} | {chosen}) = e<sup>{_number(scores[best])}</sup> ∕ Σ = {_short(exps[best])} ∕ "
        f"{_short(exps.sum())} = <b>{shares[best]:.3f}</b>",
        f"loss = −log {shares[best]:.3f} = <b>{-np.log(max(shares[best], 1e-300)):.2f}</b>",
    )
    return (
        f"<h4>Softmax over all {len(words)} words, given {chosen}</h4>"
        '<table class="by-hand-sum"><thead><tr><th>c</th><th>u·v</th><th>e<sup>u·v</sup></th><th></th>'
        f'<th>p(c|w)</th></tr></thead><tbody>{rows}<tr class="total"><th scope="row">Σ</th><td></td>'
        f"<td>{_short(exps.sum())}</td><td></td><td>1.000</td></tr></tbody></table>"
        + "".join(f'<p class="by-hand-line">{line}</p>' for line in lines)
    )


def sampled_html(
    words: Sequence[str], centre: int, picked: Sequence[int], scores: np.ndarray, sigmoids: np.ndarray, loss: float
) -> str:
    """Negative sampling for one pair: the context word and the negatives.

    Args:
        words: the vocabulary; centre: the chosen word.
        picked: (1 + K,) the context word, then the negatives.
        scores, sigmoids: (1 + K,).
        loss: of the pair.
    """
    rows = "".join(
        f'<tr{_true(k == 0)}><th scope="row">{html.escape(words[i])}{_tick(k == 0)}</th><td>{_number(scores[k])}</td>'
        f"<td>{'σ(u·v)' if k == 0 else 'σ(−u·v)'}</td>{_bar(sigmoids[k])}<td><b>{sigmoids[k]:.3f}</b></td></tr>"
        for k, i in enumerate(picked)
    )
    product = " · ".join(f"{value:.2f}" for value in sigmoids)
    return (
        f"<h4>Negative sampling: {html.escape(words[centre])} → {html.escape(words[picked[0]])} and "
        f"{len(picked) - 1} random words</h4>"
        '<table class="by-hand-sum"><thead><tr><th>word</th><th>u·v</th><th></th><th></th><th>should be 1</th></tr>'
        f'</thead><tbody>{rows}</tbody></table><p class="by-hand-line">loss = −log({product}) = <b>{loss:.2f}</b></p>'
        f'<p class="by-hand-line">{len(picked)} scores instead of {len(words)}. The random words are drawn by their '
        "count to the power ¾, never the context itself, anew at every step.</p>"
    )


def moved_html(
    words: Sequence[str],
    centre: int,
    steps: tuple[int, int],
    losses: tuple[float, float],
    shares: tuple[np.ndarray, np.ndarray],
    wanted: np.ndarray,
    matrices: tuple[Sequence[np.ndarray], Sequence[np.ndarray]],
) -> str:
    """What the last steps changed.

    Args:
        words: the vocabulary; centre: the chosen word.
        steps: how many were taken now, and in all.
        losses: mean loss before and after.
        shares: (V,) p(c|w) before and after.
        wanted: (V,) the share of each word among the contexts of the chosen one; those above 0 are shown.
        matrices: V and U before, V and U after.
    """
    taken = f"{steps[0]:,} {'step' if steps[0] == 1 else 'steps'}"
    in_all = f" ({steps[1]:,} in all)" if steps[1] > steps[0] else ""
    chosen = html.escape(words[centre])
    grown = [
        (f"{html.escape(words[i])} ✓", f"{shares[0][i]:.3f}", f"{shares[1][i]:.3f}", f"{wanted[i]:.3f}")
        for i in np.flatnonzero(wanted).tolist()
    ]
    cells = [
        (
            f"{'VU'[matrix]}[{html.escape(words[row])}, {column + 1}]",
            _number(matrices[0][matrix][row, column]),
            _number(matrices[1][matrix][row, column]),
        )
        for matrix, row, column in most_moved(*matrices)
    ]
    return (
        f'<p class="by-hand-line"><b>After {taken}</b>{in_all}: mean loss over all pairs {losses[0]:.3f} → '
        f"<b>{losses[1]:.3f}</b></p>"
        '<div class="by-hand-columns"><section>'
        f"<h4>p(c | {chosen}) of its true contexts</h4>"
        + _before_after("c", grown, "share of its pairs")
        + "</section><section><h4>Moved most, framed above</h4>"
        + _before_after("cell", cells)
        + "</section></div>"
    )


def _before_after(name: str, rows: Sequence[Sequence[str]], last: str = "") -> str:
    """A table of finished cells: a name, the value before, after, and what else there is."""
    head = "".join(f"<th>{title}</th>" for title in (name, "before", "after", last) if title)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th><td>{row[1]}</td><td><b>{row[2]}</b></td>'
        + "".join(f"<td>{value}</td>" for value in row[3:])
        + "</tr>"
        for row in rows
    )
    table = f'<table class="by-hand-moved"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="by-hand-scroll">{table}</div>'


def _cell(value: float, scale: float, framed: bool) -> str:
    share = round(100 * min(1.0, abs(value) / max(scale, 1e-9)) * 0.38)
    sign = "plus" if value >= 0 else "minus"
    return f'<td class="{sign}{" moved" if framed else ""}" style="--share:{share}%">{_number(value)}</td>'


def _number(value: float) -> str:
    """Two decimals, with a true minus sign and without a negative zero."""
    text = f"{value:.2f}"
    return text.replace("-", "") if float(text) == 0 else text.replace("-", "−")


def _factor(value: float) -> str:
    text = _number(value)
    return f"({text})" if text.startswith("−") else text


def _true(is_true: bool) -> str:
    return ' class="true"' if is_true else ""


def _tick(is_true: bool) -> str:
    return " ✓" if is_true else ""


def _bar(share: float) -> str:
    return f'<td class="bar"><span style="width:{100 * share:.0f}%"></span></td>'


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 1e4 else f"{value:.1e}"
