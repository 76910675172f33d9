"""What features know of each factor, as tables with bars. All names are escaped: they may be a visitor's folders."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from playground.figures import style


def factors_of(scores: Mapping[str, float]) -> list[str]:
    """The factors that probes have scored, in their order."""
    return [name.removeprefix("knn_") for name in scores if name.startswith("knn_")]


def knowledge_table(
    scores: Mapping[str, float],
    untrained: Mapping[str, float],
    pixels: Mapping[str, float],
    labels: Mapping[str, str],
    caption: str,
) -> str:
    """A row a factor: the neighbours' accuracy as a bar, with marks for an untrained net and raw pixels; linear beside.

    Args:
        scores: knn_<factor> and linear_<factor>, in [0, 1].
        untrained, pixels: the same of the two baselines.
        labels: of the factors.
        caption: heading.
    """
    rows = "".join(
        f'<tr><th scope="row">{html.escape(labels.get(name, name))}</th>'
        f"<td>{_bar(scores[f'knn_{name}'], untrained.get(f'knn_{name}'), pixels.get(f'knn_{name}'))}</td>"
        f'<td class="num"><b>{_percent(scores[f"knn_{name}"])}</b></td>'
        f'<td class="num">{_percent(scores[f"linear_{name}"])}</td></tr>'
        for name in factors_of(scores)
    )
    return (
        f'<table class="knowledge"><caption>{html.escape(caption)}</caption>'
        '<thead><tr><th scope="col">Factor</th><th scope="col">10 nearest neighbours</th><th></th>'
        f'<th scope="col" class="num">linear</th></tr></thead><tbody>{rows}</tbody></table>'
        '<p class="knowledge-key"><i class="tick untrained"></i> untrained net '
        '<i class="tick pixels"></i> raw pixels</p>'
    )


def versus_table(sides: Sequence[tuple[str, Mapping[str, float]]], labels: Mapping[str, str], caption: str) -> str:
    """Two runs against each other: a row a factor, a bar a run, and the difference in points.

    Args:
        sides: (name, scores) of the two.
        labels: of the factors, in the order of the rows.
        caption: heading.
    """
    (one_name, one), (other_name, other) = sides
    rows = []
    for name, label in labels.items():
        key = f"knn_{name}"
        if key not in one or key not in other:
            continue
        change = 100 * (other[key] - one[key])
        direction = "up" if change >= 5 else "down" if change <= -5 else "same"
        rows.append(
            f'<tr><th scope="row">{html.escape(label)}</th>'
            f'<td>{_bar(one[key])}</td><td class="num">{_percent(one[key])}</td>'
            f'<td>{_bar(other[key], colour="other")}</td><td class="num">{_percent(other[key])}</td>'
            f'<td class="num change {direction}">{style.points(change)}</td></tr>'
        )
    return (
        f'<table class="knowledge versus"><caption>{html.escape(caption)}</caption><thead><tr>'
        f'<th scope="col">Factor</th><th scope="col" colspan="2">{html.escape(one_name)}</th>'
        f'<th scope="col" colspan="2">{html.escape(other_name)}</th>'
        '<th scope="col" class="num">points</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _bar(value: float, untrained: float | None = None, pixels: float | None = None, colour: str = "") -> str:
    marks = "".join(
        f'<i class="tick {name}" style="left:{100 * mark:.1f}%"></i>'
        for name, mark in (("untrained", untrained), ("pixels", pixels))
        if mark is not None
    )
    return f'<div class="track {colour}"><span style="width:{100 * value:.1f}%"></span>{marks}</div>'


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
