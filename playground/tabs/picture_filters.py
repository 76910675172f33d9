"""Which pictures of a set a visitor wants to see: by side, factor and class, in an order that is everybody's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.data.pictures import Factor, PictureError, PictureSet

if TYPE_CHECKING:
    from backends.data.splits import Split

SHOWN = 60
GRID_SEED = 0
"""Of the order in which pictures are shown: the same for everybody, so that a lecturer finds them again."""
TRAINING, HELD_OUT = "train", "held_out"
EVERY = ""
"""No factor, or no class, is asked for."""


@dataclass(frozen=True)
class Asked:
    """Which pictures a visitor wants to see.

    Attributes:
        side: TRAINING or HELD_OUT.
        factor: name of a factor, or EVERY.
        class_idx: of the factor; None: every class.
        page: how often others were asked for.
    """

    side: str = TRAINING
    factor: str = EVERY
    class_idx: int | None = None
    page: int = 0


def matching(pictures: PictureSet, factor: str = EVERY, class_idx: int | None = None) -> np.ndarray:
    """Indices of the pictures that match, in the order in which they are shown: (n,) int64.

    Args:
        pictures: to choose from.
        factor: name of a factor of theirs, or EVERY.
        class_idx: of the factor; None: the classes take turns, so that the first pictures show as many as there are.

    Raises:
        PictureError: there is no such factor.
    """
    order = np.random.default_rng(GRID_SEED).permutation(len(pictures))
    if factor == EVERY:
        return order
    values = factor_of(pictures, factor).values[order]
    if class_idx is not None:
        return order[values == class_idx]
    by_class = np.argsort(values, kind="stable")
    starts = np.searchsorted(values[by_class], values[by_class])
    turn = np.empty(len(order), np.int64)
    turn[by_class] = np.arange(len(order)) - starts
    return order[np.argsort(turn, kind="stable")]


def page_of(sequence: np.ndarray, page: int) -> np.ndarray:
    """The page-th SHOWN of a sequence, which begins anew where it ends; all of a shorter one."""
    if len(sequence) <= SHOWN:
        return sequence
    return np.take(sequence, np.arange(page * SHOWN, (page + 1) * SHOWN), mode="wrap")


def factor_of(pictures: PictureSet, name: Any) -> Factor:
    """A factor by name.

    Raises:
        PictureError: there is no such factor.
    """
    if not isinstance(name, str) or name not in pictures.factors:
        known = ", ".join(pictures.factors) or "none"
        raise PictureError(f"These pictures have no factor {str(name)[:40]!r}; there is: {known}.")
    return pictures.factors[name]


def class_of(factor: Factor, chosen: Any) -> int | None:
    """A class by its index; None for every class.

    Raises:
        PictureError: there is no such class.
    """
    if chosen in (None, EVERY):
        return None
    if not isinstance(chosen, int) or isinstance(chosen, bool) or not 0 <= chosen < len(factor.classes):
        raise PictureError(f"{factor.label} has {len(factor.classes)} classes, none of them {str(chosen)[:40]!r}.")
    return chosen


def factor_choices(pictures: PictureSet) -> list[tuple[str, str]]:
    """The factors, as a dropdown takes them."""
    return [("any", EVERY), *((factor.label.capitalize(), name) for name, factor in pictures.factors.items())]


def class_update(pictures: PictureSet, asked: Asked) -> Any:
    """The classes of the factor that is looked at, each with how many pictures it has."""
    if asked.factor == EVERY:
        return gr.update(choices=[("every class", EVERY)], value=EVERY, interactive=False)
    factor = pictures.factors[asked.factor]
    counts = np.bincount(factor.values, minlength=len(factor.classes))
    classes = [(f"{name} ({count:,})", i) for i, (name, count) in enumerate(zip(factor.classes, counts, strict=True))]
    chosen = EVERY if asked.class_idx is None else asked.class_idx
    return gr.update(choices=[("every class", EVERY), *classes], value=chosen, interactive=True)


def matching_line(asked: Asked, total: int, count: int, shown: int) -> str:
    """How many of the pictures match, and how many of those are shown."""
    kind = "training" if asked.side == TRAINING else "held-out"
    noun = f"{kind} {'picture' if total == 1 else 'pictures'}"
    if asked.class_idx is None:
        line = f"{total:,} {noun}"
    else:
        line = f"{count:,} of {total:,} {noun} {'matches' if count == 1 else 'match'}"
    if count == 0:
        return f"{line}: choose another class."
    return f"{line}; {shown} are shown." if shown < count else f"{line}."


def chosen(pictures: PictureSet, asked: Asked) -> tuple[np.ndarray, tuple[str, ...], list[str] | None, int]:
    """Indices, names and captions of the pictures to show, and how many match."""
    sequence = matching(pictures, asked.factor, asked.class_idx)
    indices, captions = page_of(sequence, asked.page), None
    if asked.factor != EVERY and asked.class_idx is None:
        factor = pictures.factors[asked.factor]
        indices = indices[np.argsort(factor.values[indices], kind="stable")]
        captions = [factor.classes[factor.values[i]] for i in indices]
    return indices, tuple(pictures.names[i] for i in indices), captions, len(sequence)


def filter_values(pictures: PictureSet, asked: Asked, count: int) -> list[Any]:
    """Values of side, factor, class and "Show others", where `count` pictures match."""
    return [
        gr.update(value=asked.side),
        gr.update(choices=factor_choices(pictures), value=asked.factor),
        class_update(pictures, asked),
        gr.update(interactive=count > SHOWN),
    ]


def checked(split: Split, before: Asked, side: Any, factor: Any, chosen_class: Any) -> Asked:
    """What is wanted now; a class stays only with the classes that it was chosen from.

    Raises:
        PictureError: there is no such side, factor or class.
    """
    if side not in (TRAINING, HELD_OUT):
        raise PictureError(f"Pictures are {TRAINING} or {HELD_OUT}, not {str(side)[:40]!r}.")
    if factor is None or factor == EVERY:
        return Asked(side)
    wanted = factor_of(side_of(split, side), factor)
    known = side_of(split, before.side).factors.get(before.factor)
    same = known is not None and (known.name, known.classes) == (wanted.name, wanted.classes)
    return Asked(side, wanted.name, class_of(wanted, chosen_class) if same else None)


def side_of(split: Split, side: str) -> PictureSet:
    """The pictures of a side."""
    return split.train if side == TRAINING else split.held_out
