"""Labels do not scale: what one person labels in a minute, an hour, a year, and what models are trained on.

A table whose second column is a logarithmic axis: it is the first figure that anybody sees, and plotly.js is not here
yet.
"""

from __future__ import annotations

import math

from backends.start import labels
from playground.figures.scale import in_words

LAST_POWER = 10
ROOM = 5.2
"""Powers of ten to the right of the last line, for the words of the largest set."""
NAMED_POWERS = 3
"""Every third line has its number."""


def label_scale(seconds_per_label: float, *, measured: bool) -> str:
    """Numbers of labels on a logarithmic axis, and the person-years that the two large sets take at a pace, as HTML.

    Args:
        seconds_per_label: the pace, above 0.
        measured: whether it is the visitor's own.
    """
    who, kind = ("you", "measured") if measured else ("one person", "stated")
    year = labels.WORKING_HOURS * labels.HOUR
    own = (("a minute", labels.MINUTE), ("an hour", labels.HOUR), ("a working year", year))
    rows = [(kind, f"{who}, in {name}", labels.labels_within(seconds_per_label, time)) for name, time in own]
    rows += [("set", "ImageNet's labels", labels.IMAGENET_LABELS), ("set", "LAION's pairs", labels.LAION_PAIRS)]
    drawn = "".join(
        f'<tr class="{kind}"><th scope="row">{name}</th><td><i style="width:{_place(count)}"></i>'
        f'<i style="left:{_place(count)}"></i><span style="left:{_place(count)}">'
        f"{_said(count, seconds_per_label, kind == 'set')}</span></td></tr>"
        for kind, name, count in rows
    )
    pace = "At your pace" if measured else "At a stated pace"
    caption = f"<caption>{pace}: {seconds_words(seconds_per_label)} a label</caption>"
    lines = f"--lines:{_place(10.0**LAST_POWER)}"
    return f'<table class="label-scale" style="{lines}">{caption}<tbody>{drawn}</tbody><tfoot>{_axis()}</tfoot></table>'


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


def _place(count: float) -> str:
    """Where a number stands, from the axis's left end."""
    return f"{100 * math.log10(count) / (LAST_POWER + ROOM):.2f}%"


def _axis() -> str:
    named = "".join(
        f'<span style="left:{_place(10.0**power)}">{in_words(10.0**power)}</span>'
        for power in range(0, LAST_POWER + 1, NAMED_POWERS)
    )
    return f"<tr><td></td><td>{named}<em>labels, each line ten times the last</em></td></tr>"


def _said(count: float, seconds: float, is_set: bool) -> str:
    if not is_set:
        return in_words(count)
    return f"<b>{in_words(count)}</b>: {years_words(labels.person_years(seconds, count))}"
