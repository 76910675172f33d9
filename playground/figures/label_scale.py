"""Labels do not scale: what one person labels in a minute, an hour, a year, and what models are trained on."""

from __future__ import annotations

from typing import Any

from backends.start import labels
from playground.figures import style
from playground.figures.scale import in_words

LAST_POWER = 10
ROOM = 3.6
"""Powers of ten to the right of the largest set, for its words."""


def label_scale(seconds_per_label: float, *, measured: bool) -> dict[str, Any]:
    """Numbers of labels on a logarithmic axis, and the person-years that the two large sets take at a pace.

    Args:
        seconds_per_label: the pace, above 0.
        measured: whether it is the visitor's own.
    """
    who = "you" if measured else "one person"
    rows = [
        (f"{who}, in a minute", labels.labels_within(seconds_per_label, labels.MINUTE), False),
        (f"{who}, in an hour", labels.labels_within(seconds_per_label, labels.HOUR), False),
        (
            f"{who}, in a working year",
            labels.labels_within(seconds_per_label, labels.WORKING_HOURS * labels.HOUR),
            False,
        ),
        ("ImageNet's labels", labels.IMAGENET_LABELS, True),
        ("LAION's pairs", labels.LAION_PAIRS, True),
    ]
    names = [name for name, _, _ in rows]
    pace = "At your pace" if measured else "At a stated pace"
    layout = style.layout(
        f"{pace}: {seconds_words(seconds_per_label)} a label",
        xaxis=style.axis(
            "labels, each line ten times the last",
            type="log",
            range=[0, LAST_POWER + ROOM],
            tickvals=[10.0**power for power in range(LAST_POWER + 1)],
            ticktext=["" if power % 3 else in_words(10.0**power) for power in range(LAST_POWER + 1)],
            minor={"showgrid": False},
        ),
        yaxis=style.axis(
            "", type="category", categoryorder="array", categoryarray=names[::-1], showgrid=False, range=[-0.6, 4.6]
        ),
        hovermode=False,
    )
    return {"data": [*_stems(rows, measured), *_marks(rows, seconds_per_label, measured)], "layout": layout}


def seconds_words(seconds: float) -> str:
    """A time of a label as it is said: 1.4 s, and two figures below a second."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2g} s"


def years_words(years: float) -> str:
    """Working years as they are said: 4.3 working years, 1,080 working years, or working months below one year."""
    if years >= 100:
        return f"{float(f'{years:.3g}'):,.0f} working years"
    if years >= 1:
        return f"{years:.1f} working years"
    return f"{max(0.1, 12 * years):.1f} working months"


def _stems(rows: list[tuple[str, float, bool]], measured: bool) -> list[dict[str, Any]]:
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [1, count],
            "y": [name, name],
            "line": {"color": _colour(is_set, measured), "width": 3},
            "opacity": 0.45,
        }
        for name, count, is_set in rows
    ]


def _marks(rows: list[tuple[str, float, bool]], seconds: float, measured: bool) -> list[dict[str, Any]]:
    return [
        {
            "type": "scatter",
            "mode": "markers+text",
            "x": [count],
            "y": [name],
            "text": [_said(count, seconds, is_set)],
            "textposition": "middle right",
            "textfont": {"size": 13, "color": style.TEXT},
            "marker": {
                "color": _colour(is_set, measured),
                "size": 12,
                "symbol": "circle" if is_set or measured else "circle-open",
                "line": {"width": 0 if is_set or measured else 2},
            },
            "cliponaxis": False,
        }
        for name, count, is_set in rows
    ]


def _said(count: float, seconds: float, is_set: bool) -> str:
    if not is_set:
        return f"  {in_words(count)}"
    return f"  <b>{in_words(count)}</b>: {years_words(labels.person_years(seconds, count))}"


def _colour(is_set: bool, measured: bool) -> str:
    if is_set:
        return style.HIGHLIGHT
    return style.ACCENT if measured else style.MUTED
