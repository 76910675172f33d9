"""What the curves say, in a sentence or two with their numbers. A difference is one where it exceeds the spread."""

from __future__ import annotations

import math
from collections.abc import Sequence

from backends.transfer.config import FROZEN_WAYS, TASKS, TITLES, WAY_TITLES
from backends.transfer.points import Curve, Point, curves

FEW = 10
"""Labels per class at which encoders are compared, or else the most that all have below it, or the fewest above."""
NOTHING_YET = "No point is measured yet."
LUCK = "one draw of labels has no spread, so this may be luck."


def verdict(points: Sequence[Point], few: int = FEW) -> str:
    """Say which encoder suits which task, and what fine-tuning and training from scratch make of it.

    Two accuracies differ where their means are further apart than their standard deviations over the draws together,
    that is, where the bars of a chart don't touch.

    Args:
        points: of one encoder or several, of one task or several, in any order.
        few: labels per class that are of most interest.

    Returns:
        One or two sentences for each task.
    """
    found = curves(points)
    factors = list(dict.fromkeys(curve.factor for curve in found))
    sentences = [
        sentence
        for factor in factors
        for sentence in (
            _between_encoders([curve for curve in found if curve.factor == factor], few),
            _against_scratch([curve for curve in found if curve.factor == factor], few),
        )
        if sentence
    ]
    return " ".join(sentences) or NOTHING_YET


def differ(first: tuple[float, float], second: tuple[float, float]) -> bool | None:
    """Whether two (mean, spread) are further apart than their spreads together; None where there is no spread."""
    spread = first[1] + second[1]
    return None if math.isnan(spread) else abs(first[0] - second[0]) > spread


def _between_encoders(found: list[Curve], few: int) -> str:
    """Who leads on frozen features."""
    for way in FROZEN_WAYS:
        rivals = [curve for curve in found if curve.way == way]
        shared = _shared(rivals, few)
        if shared is None:
            continue
        ranked = sorted(rivals, key=lambda curve: -curve.at(shared)[0])
        start = f"{_task(found)} with {_labels(shared)}, {WAY_TITLES[way].lower()}: "
        if len(ranked) == 1:
            return start + f"{_told(ranked[0], shared)}, guessing {ranked[0].chance:.2f}."
        first, second = ranked[:2]
        apart = differ(first.at(shared), second.at(shared))
        if apart:
            return start + f"{_told(first, shared)}, ahead of {_told(second, shared)}."
        both = f"{_told(first, shared)} and {_told(second, shared)}; "
        return start + both + (LUCK if apart is None else "that is within the spread, so neither is better.")
    return ""


def _against_scratch(found: list[Curve], few: int) -> str:
    """Whether an encoder is worth more than starting from nothing, and whether fine-tuning is what makes it so."""
    scratch = next((curve for curve in found if curve.way == "scratch"), None)
    ours = next((c for c in found if scratch and c.way == "fine_tuning" and c.encoder == scratch.encoder), None)
    ours = ours or next((c for c in found if scratch and c.way in FROZEN_WAYS and c.encoder == scratch.encoder), None)
    if scratch is None or ours is None:
        return ""
    shared = _shared([ours, scratch], few)
    if shared is None:
        return ""
    mine, theirs = ours.at(shared), scratch.at(shared)
    used = "Fine-tuned" if ours.way == "fine_tuning" else f"By its {WAY_TITLES[ours.way].lower()}"
    told = f"{used}, {_title(ours)} reaches {_number(mine)} with {_labels(shared)}, its net from scratch "
    told += _number(theirs)
    apart = differ(mine, theirs)
    if apart is None:
        return f"{told}; {LUCK}"
    if not apart:
        return f"{told}; that is within the spread, so pre-training made no difference here."
    return f"{told}: pre-training {'helps' if mine[0] > theirs[0] else 'hurts'}."


def _shared(rivals: list[Curve], few: int) -> int | None:
    """The number of labels at which to compare; None where there is none that all have."""
    if not rivals:
        return None
    common = set.intersection(*({int(count) for count in curve.labels} for curve in rivals))
    below = [count for count in common if count <= few]
    return max(below) if below else min(common, default=None)


def _task(found: list[Curve]) -> str:
    factor = found[0].factor
    return next((task[factor] for task in TASKS.values() if factor in task), factor.capitalize())


def _labels(count: int) -> str:
    return f"{count} label{'' if count == 1 else 's'} per class"


def _title(curve: Curve) -> str:
    return TITLES.get(curve.encoder, curve.encoder)


def _told(curve: Curve, labels: int) -> str:
    return f"{_title(curve)} {_number(curve.at(labels))}"


def _number(value: tuple[float, float]) -> str:
    mean, spread = value
    return f"{mean:.2f}" if math.isnan(spread) else f"{mean:.2f} ± {spread:.2f}"
