"""Label it yourself: ten pictures, and what the same pace costs for the sets that models are trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

PICTURES = 10
CATEGORIES = ("Animals & Nature", "Food & Drink", "Travel & Places", "Activities", "Objects")
"""What can be chosen, in the order of the buttons; names of Unicode's groups of emoji."""
ARTIST = "Noto"
PIXELS = 128
IMAGENET_LABELS = 14_197_122
"""Labelled pictures: Deng et al., ImageNet, 2009; counted on image-net.org."""
LAION_PAIRS = 5_850_000_000
"""Pairs of a picture and its text, none written for it: Schuhmann et al., LAION-5B, 2022."""
WORKING_HOURS = 1_800
"""Of one person in a year."""
LEAST_SECONDS, MOST_SECONDS = 0.05, 60.0
"""What one label counts at least and at most: no hand is quicker, and who takes longer has done something else."""
HOUR, MINUTE = 3_600, 60


@dataclass(frozen=True, eq=False)
class Asked:
    """A picture to label.

    Attributes:
        image: (PIXELS, PIXELS, 3) uint8.
        name: what it shows.
        category: the data's own label, a place in CATEGORIES.
    """

    image: np.ndarray
    name: str
    category: int


def deal(seed: int, pictures: int = PICTURES) -> list[Asked]:
    """Draw pictures, two of each category as far as that goes; the same from the same seed."""
    from backends.data.emoji import composite, load_index, load_sprites
    from backends.data.pictures import resize

    index, made = load_index(), np.random.default_rng(seed)
    numbers = [index.categories.index(name) for name in CATEGORIES]
    wanted = made.permutation(np.resize(made.permutation(len(CATEGORIES)), pictures))
    chosen: list[int] = []
    for category in wanted:
        fitting = np.setdiff1d(np.flatnonzero(index.category_idx == numbers[category]), chosen)
        chosen.append(int(made.choice(fitting)))
    images = resize(composite(load_sprites(ARTIST)[chosen]), PIXELS)
    return [
        Asked(image, index.concepts[number], int(category))
        for image, number, category in zip(images, chosen, wanted, strict=True)
    ]


def counted(seconds: float) -> float:
    """The seconds that a label counts, whatever a clock says: a number from LEAST_SECONDS to MOST_SECONDS."""
    if not math.isfinite(seconds):
        return MOST_SECONDS
    return min(MOST_SECONDS, max(LEAST_SECONDS, seconds))


def person_years(seconds_per_label: float, labels: float) -> float:
    """Working years of one person for so many labels, WORKING_HOURS each."""
    return seconds_per_label * labels / (WORKING_HOURS * HOUR)


def labels_within(seconds_per_label: float, seconds: float) -> float:
    """Labels that one person writes in a time."""
    return seconds / seconds_per_label
