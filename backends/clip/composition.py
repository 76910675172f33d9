"""Composition: which pairs of a colour and a shape a model names rightly, those that it never saw among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.clip.answering import Answering
from backends.clip.pairs import UNSEEN_COMBINATIONS, Captioned
from backends.clip.zero_shot import make_classes

TESTS = ("held_out", "unseen_combinations")


@dataclass(frozen=True, eq=False)
class Composition:
    """What became of test apples, each of whose names stands among all C · S.

    Attributes:
        colours: (C,) names.
        shapes: (S,) names.
        shares: (C, S) of the apples of a colour and a shape, how many got their own name, in [0, 1].
        is_unseen: (C, S) bool: in no picture and no caption of the training.
        examples: (C, S, side, side, 3) uint8, one apple each.
        seen, unseen: of all apples in combinations of either kind, in [0, 1].
        unseen_colour, unseen_shape: of those in unseen ones, how many got a name with the right colour, or shape.
        unseen_count: how many these are.
    """

    colours: tuple[str, ...]
    shapes: tuple[str, ...]
    shares: np.ndarray
    is_unseen: np.ndarray
    examples: np.ndarray
    seen: float
    unseen: float
    unseen_colour: float
    unseen_shape: float
    unseen_count: int


def compose(frozen: Answering, side: int) -> Composition | None:
    """Name all test apples out of every colour with every shape; None for a model of other pictures.

    Args:
        frozen: the model.
        side: of the examples, in pixels.
    """
    from backends.data.apples import FACTORS

    if frozen.config.data != "apples" or frozen.pairs is None:
        return None
    factors = {factor.name: factor for factor in FACTORS}
    colours, shapes = factors["colour"].classes, factors["shape"].classes
    tests = [frozen.pairs.tests[name] for name in TESTS]
    truth = np.concatenate([test.class_idx for test in tests])
    said = _named(frozen, tests)
    right = said == truth
    is_unseen = np.zeros((len(colours), len(shapes)), bool)
    for colour, shape in UNSEEN_COMBINATIONS:
        is_unseen[colours.index(colour), shapes.index(shape)] = True
    new = is_unseen.ravel()[truth]
    counts = np.bincount(truth, minlength=is_unseen.size)
    shares = np.bincount(truth, weights=right, minlength=is_unseen.size) / np.maximum(counts, 1)
    examples = np.full((is_unseen.size, side, side, 3), 255, np.uint8)
    for test in tests:
        present, first = np.unique(test.class_idx, return_index=True)
        examples[present] = test.pictures.at_size(first, side)
    return Composition(
        colours=colours,
        shapes=shapes,
        shares=shares.reshape(is_unseen.shape),
        is_unseen=is_unseen,
        examples=examples.reshape(*is_unseen.shape, side, side, 3),
        seen=float(right[~new].mean()),
        unseen=float(right[new].mean()),
        unseen_colour=float((said // len(shapes) == truth // len(shapes))[new].mean()),
        unseen_shape=float((said % len(shapes) == truth % len(shapes))[new].mean()),
        unseen_count=int(new.sum()),
    )


def _named(frozen: Answering, tests: list[Captioned]) -> np.ndarray:
    """(N,) the class whose prompt is nearest to each picture."""
    classes = tests[0].classes
    vectors = make_classes(frozen, classes, ("{}",)).vectors
    return np.concatenate([(frozen.embed_pictures(test.pictures.images) @ vectors.T).argmax(axis=1) for test in tests])
