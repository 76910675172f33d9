"""The sum by hand as tables. Every word in them is escaped: it is a visitor's."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

MOST_MOVED = 3
PAIRS_SHOWN = 60


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


def matrix_html(title: str, words: Sequence[str], values: np.ndarray, chosen: int | None, scale: float) -> str:
    """A matrix with its numbers, each cell coloured by sign and size.

    Args:
        title: what it is.
        words: of the V rows.
        values: (V, D).
        chosen: the row that the sum uses, or None if it uses all.
        scale: the size that gets the full colour.
    """
    rows = "".join(
        f'<tr class="{"chosen" if i == chosen else ""}"><th scope="row">{html.escape(word)}</th>'
        + "".join(_cell(float(value), scale) for value in values[i])
        + "</tr>"
        for i, word in enumerate(words)
    )
    return (
        f'<h4>{title}</h4><div class="by-hand-scroll"><table class="by-hand-matrix"><tbody>{rows}</tbody></table></div>'
    )


def softmax_html(
    words: Sequence[str], centre: int, scores: np.ndarray, exps: np.ndarray, shares: np.ndarray, contexts: set[int]
) -> str:
    """Scores, their exponentials and the softmax, a row a word; true contexts are marked.

    Args:
        words: the vocabulary; centre: the chosen word.
        scores, exps, shares: (V,) u·v, e^(u·v) and the softmax.
        contexts: words that stand in the window of the chosen one.
    """
    rows = "".join(
        f'<tr{_true(i in contexts)}><th scope="row">{html.escape(word)}{_tick(i in contexts)}</th>'
        f"<td>{scores[i]:.2f}</td><td>{_short(exps[i])}</td>{_bar(shares[i])}<td><b>{shares[i]:.3f}</b></td></tr>"
        for i, word in enumerate(words)
    )
    best = max(contexts, key=lambda i: shares[i]) if contexts else int(np.argmax(shares))
    chosen, other = html.escape(words[centre]), html.escape(words[best])
    line = (
        f"p({other} | {chosen}) = e<sup>{scores[best]:.2f}</sup> ∕ Σ = {_short(exps[best])} ∕ {_short(exps.sum())} = "
        f"<b>{shares[best]:.3f}</b>, loss −log {shares[best]:.3f} = <b>{-np.log(max(shares[best], 1e-300)):.2f}</b>"
    )
    return (
        f"<h4>Softmax over all {len(words)} words, given {chosen}</h4>"
        '<table class="by-hand-sum"><thead><tr><th>c</th><th>u·v</th><th>e<sup>u·v</sup></th><th></th>'
        f'<th>p(c|w)</th></tr></thead><tbody>{rows}<tr class="total"><th scope="row">Σ</th><td></td>'
        f'<td>{_short(exps.sum())}</td><td></td><td>1.000</td></tr></tbody></table><p class="by-hand-line">{line}</p>'
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
        f'<tr{_true(k == 0)}><th scope="row">{html.escape(words[i])}{_tick(k == 0)}</th><td>{scores[k]:.2f}</td>'
        f"<td>{'σ(u·v)' if k == 0 else 'σ(−u·v)'}</td>{_bar(sigmoids[k])}<td><b>{sigmoids[k]:.3f}</b></td></tr>"
        for k, i in enumerate(picked)
    )
    product = " · ".join(f"{value:.2f}" for value in sigmoids)
    return (
        f"<h4>Negative sampling: {html.escape(words[centre])} → {html.escape(words[picked[0]])} and "
        f"{len(picked) - 1} random words</h4>"
        '<table class="by-hand-sum"><thead><tr><th>word</th><th>u·v</th><th></th><th></th><th>should be 1</th></tr>'
        f'</thead><tbody>{rows}</tbody></table><p class="by-hand-line">loss = −log({product}) = <b>{loss:.2f}</b>. '
        f"{len(picked)} scores instead of {len(words)}.</p>"
    )


def moved_html(
    words: Sequence[str],
    steps: int,
    losses: tuple[float, float],
    shares: tuple[np.ndarray, np.ndarray],
    contexts: set[int],
    moves: Sequence[tuple[str, np.ndarray, np.ndarray]],
) -> str:
    """What the last steps changed.

    Args:
        words: the vocabulary.
        steps: how many were taken.
        losses: mean loss before and after.
        shares: (V,) p(c|w) before and after; contexts: the words whose share should grow.
        moves: (name, before, after) of each matrix.
    """
    grown = ", ".join(
        f"{html.escape(words[i])} {shares[0][i]:.3f} → <b>{shares[1][i]:.3f}</b>" for i in sorted(contexts)
    )
    cells = []
    for name, before, after in moves:
        change = np.abs(after - before)
        for flat in np.argsort(-change, axis=None)[:MOST_MOVED]:
            row, column = np.unravel_index(flat, change.shape)
            text = (
                f"{name}[{html.escape(words[row])}, {column + 1}] {before[row, column]:+.2f} → "
                f"{after[row, column]:+.2f}"
            )
            cells.append((float(change[row, column]), text))
    most = "; ".join(text for _, text in sorted(cells, reverse=True)[:MOST_MOVED])
    plural = "step" if steps == 1 else "steps"
    return (
        f'<p class="by-hand-line"><b>After {steps:,} {plural}</b>: mean loss over all pairs {losses[0]:.3f} → '
        f"<b>{losses[1]:.3f}</b>. True contexts: {grown}. Moved most: {most}.</p>"
    )


def _cell(value: float, scale: float) -> str:
    share = round(100 * min(1.0, abs(value) / max(scale, 1e-9)) * 0.38)
    sign = "plus" if value >= 0 else "minus"
    return f'<td class="{sign}" style="--share:{share}%">{value:.2f}</td>'


def _true(is_true: bool) -> str:
    return ' class="true"' if is_true else ""


def _tick(is_true: bool) -> str:
    return " ✓" if is_true else ""


def _bar(share: float) -> str:
    return f'<td class="bar"><span style="width:{100 * share:.0f}%"></span></td>'


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 1e4 else f"{value:.1e}"
