"""Pictures with captions: what a run trains on, and the pictures, names and combinations that it never sees."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import cycle, islice

import numpy as np

from backends.data.pictures import PictureError, PictureSet, trim
from backends.data.splits import OWN, at_training_size

UNSEEN_ARTIST = "OpenMoji"
UNSEEN_CONCEPTS = 150
SPLIT_SEED = 0
HELD_OUT_SHARE = 0.2
MIN_OWN = 4
"""Pictures of a visitor's own."""
CAPTIONS = 4
"""Ways in which a picture's caption is put; training draws one of them."""
TEMPLATES = ("{}", "an emoji of {}", "a picture of {}", "{}, drawn")
APPLES, TEST_APPLES = 8_000, 1_500
APPLE_SEED, TEST_SEED = 21, 22
UNSEEN_COMBINATIONS = (
    ("yellow", "flat"),
    ("crimson", "tall"),
    ("lime", "heart"),
    ("amber", "bell"),
    ("grass green", "round"),
    ("orange", "lobed"),
)
"""Colours and shapes that no apple of the training has together; each of them it has with others."""
_loading = threading.Lock()


@dataclass(frozen=True)
class Captioned:
    """Pictures, each with the class that its caption names.

    Attributes:
        pictures: N of them.
        classes: (C,) what the pictures may show, as one would prompt for it; of a visitor's folders, so untrusted.
        class_idx: (N,) int64.
    """

    pictures: PictureSet
    classes: tuple[str, ...]
    class_idx: np.ndarray

    def __len__(self) -> int:
        return len(self.pictures)


@dataclass(frozen=True)
class Pairs:
    """Everything that a run needs to know of its data.

    Attributes:
        train: to train on.
        captions: by picture of `train`, the ways to put its caption, the plain one first; as many of each picture.
        tests: by name in snake_case, pictures that are never trained on.
        templates: prompts that fit these pictures, the plain "{}" first.
    """

    train: Captioned
    captions: tuple[tuple[str, ...], ...]
    tests: dict[str, Captioned]
    templates: tuple[str, ...]

    @property
    def every(self) -> tuple[Captioned, ...]:
        """The training set and all tests."""
        return (self.train, *self.tests.values())


def load_pairs(data: str, size: int, pictures: PictureSet | None = None) -> Pairs:
    """Return a run's pictures and captions; those that are built in are made once and shared.

    Args:
        data: "emoji", "apples", or the visitor's "own".
        size: side in pixels.
        pictures: the visitor's own, with captions or with names that are theirs; needed when `data` is "own".

    Raises:
        PictureError: own pictures are asked for and there are none, or too few.
    """
    if data != OWN:
        with _loading:
            return _emoji(size) if data == "emoji" else _apples(size)
    if pictures is None:
        raise PictureError("No pictures of your own are here yet: choose a .zip of pictures, or pick emoji or apples.")
    return own_pairs(pictures, size)


def own_pairs(pictures: PictureSet, size: int) -> Pairs:
    """Pair a visitor's pictures with their captions, or else the names of their folders, or else their own names.

    Where there are captions, a picture's class is its first one, and pictures without any are not used.

    Raises:
        PictureError: there are too few pictures with captions, or fewer than two captions to tell apart.
    """
    templates = ("{}", "a picture of {}")
    if pictures.captions:
        pictures = pictures.subset([i for i, ways in enumerate(pictures.captions) if ways])
        captions = pictures.captions
    else:
        captions = tuple(tuple(template.format(name) for template in templates) for name in _names(pictures))
    if len(captions) < MIN_OWN:
        raise PictureError(f"Pictures with a caption: {len(captions)}. Bring at least {MIN_OWN}.")
    names = [ways[0] for ways in captions]
    place = {name: i for i, name in enumerate(dict.fromkeys(names))}
    classes = tuple(place)
    if len(classes) < 2:
        raise PictureError("All pictures have the same caption; bring at least two folders, or a captions.csv.")
    class_idx = np.array([place[name] for name in names], np.int64)
    whole = Captioned(at_training_size(pictures, size), classes, class_idx)
    train, held_out = pictures.split_indices(HELD_OUT_SHARE, SPLIT_SEED)
    return Pairs(
        train=_subset(whole, train),
        captions=_as_many_of_each([captions[i] for i in train]),
        tests={"held_out": _subset(whole, held_out)},
        templates=templates,
    )


def _names(pictures: PictureSet) -> tuple[str, ...]:
    """The folders' names by picture, or the pictures' own where there are no folders."""
    label = pictures.factors.get("folder")
    return tuple(label.classes[i] for i in label.values) if label is not None else pictures.names


def _as_many_of_each(captions: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Repeat every picture's captions, one after another, until all have as many: at most `CAPTIONS`."""
    most = min(CAPTIONS, max(len(ways) for ways in captions))
    return tuple(tuple(islice(cycle(ways), most)) for ways in captions)


def unseen_concepts() -> np.ndarray:
    """The emoji's names that are never trained on: (150,) int64, in rising order.

    Names whose drawings some artist made alike are held out together, or a name that is never seen would be known from
    another one's picture.
    """
    from backends.data.emoji import load_index

    index = load_index()
    groups = index.group_idx
    chosen: list[int] = []
    for group in np.random.default_rng(SPLIT_SEED).permutation(np.unique(groups)):
        members = np.flatnonzero(groups == group).tolist()
        if len(chosen) + len(members) <= UNSEEN_CONCEPTS:
            chosen += members
    return np.array(sorted(chosen), np.int64)


def _draw_trimmed(images: np.ndarray, some: np.ndarray, size: int) -> np.ndarray:
    return trim(images[some], size)


@lru_cache(maxsize=3)
def _emoji(size: int) -> Pairs:
    from backends.data.emoji import load_emoji, load_index

    index = load_index()
    pictures = load_emoji()
    count = len(index.artists)
    concept = np.repeat(np.arange(len(index.concepts)), count)
    artist = pictures.factors["artist"].values
    unseen_artist = artist == index.artist_names.index(UNSEEN_ARTIST)
    unseen_concept = np.isin(concept, unseen_concepts())
    # One artist's margins are twice as wide as another's; without them all draw at the same scale.
    images = pictures.images
    trimmed = replace(pictures, images=trim(images, size), draw=partial(_draw_trimmed, images))
    whole = Captioned(trimmed, index.concepts, concept)
    train = _subset(whole, np.flatnonzero(~unseen_artist & ~unseen_concept))
    named = [train.classes[i] for i in train.class_idx]
    return Pairs(
        train=train,
        captions=tuple(tuple(template.format(name) for template in TEMPLATES) for name in named),
        tests={
            "unseen_artist": _subset(whole, np.flatnonzero(unseen_artist & ~unseen_concept)),
            "unseen_concepts": _subset(whole, np.flatnonzero(unseen_concept)),
        },
        templates=TEMPLATES,
    )


@lru_cache(maxsize=3)
def _apples(size: int) -> Pairs:
    from backends.data.apples import FACTORS, apple_pictures

    factors = {factor.name: factor for factor in FACTORS}
    colours, shapes = factors["colour"].classes, factors["shape"].classes
    classes = tuple(f"a {colour} {shape} apple" for colour in colours for shape in shapes)
    unseen = [colours.index(colour) * len(shapes) + shapes.index(shape) for colour, shape in UNSEEN_COMBINATIONS]

    def captioned(count: int, seed: int) -> Captioned:
        pictures = apple_pictures(count, seed, size)
        kinds = {name: factor.values for name, factor in pictures.factors.items()}
        return Captioned(pictures, classes, kinds["colour"] * len(shapes) + kinds["shape"])

    whole, test = captioned(APPLES, APPLE_SEED), captioned(TEST_APPLES, TEST_SEED)
    train = _keep(whole, ~np.isin(whole.class_idx, unseen))
    new = np.isin(test.class_idx, unseen)
    return Pairs(
        train=train,
        captions=_apple_captions(train.pictures),
        tests={"held_out": _keep(test, ~new), "unseen_combinations": _keep(test, new)},
        templates=("{}", "a picture of {}"),
    )


def _apple_captions(pictures: PictureSet) -> tuple[tuple[str, ...], ...]:
    """Colour and shape first, then each caption adds other factors; which ones is drawn."""
    kinds = {name: [factor.classes[i] for i in factor.values] for name, factor in pictures.factors.items()}
    generator = np.random.default_rng(SPLIT_SEED)
    told = generator.random((len(pictures), CAPTIONS, 4)) < 0.5
    captions = []
    for i in range(len(pictures)):
        parts = {name: values[i] for name, values in kinds.items()}
        ways = [caption_of(parts, ())]
        for k in range(1, CAPTIONS):
            chosen = [name for name, told_too in zip(OTHERS, told[i, k], strict=True) if told_too]
            ways.append(caption_of(parts, chosen))
        captions.append(tuple(ways))
    return tuple(captions)


OTHERS = ("size", "leaf", "light", "background")


def caption_of(parts: dict[str, str], told: Sequence[str]) -> str:
    """Put an apple's factors into a caption: "a small red flat apple with one leaf on a dark background"."""
    size = f"{parts['size']} " if "size" in told else ""
    sentence = f"a {size}{parts['colour']} {parts['shape']} apple"
    if "leaf" in told:
        sentence += " without a leaf" if parts["leaf"] == "no leaf" else f" with {parts['leaf']}"
    if "light" in told:
        sentence += f" lit {parts['light']}"
    if "background" in told:
        sentence += f" on a {parts['background']} background"
    return sentence


def _subset(whole: Captioned, indices: np.ndarray) -> Captioned:
    """Some pictures, and of the classes only those that they show."""
    kept = np.unique(whole.class_idx[indices])
    place = np.zeros(len(whole.classes), np.int64)
    place[kept] = np.arange(len(kept))
    return Captioned(
        whole.pictures.subset(indices), tuple(whole.classes[i] for i in kept), place[whole.class_idx[indices]]
    )


def _keep(whole: Captioned, mask: np.ndarray) -> Captioned:
    """Some pictures, with all classes to choose from."""
    chosen = np.flatnonzero(mask)
    return Captioned(whole.pictures.subset(chosen), whole.classes, whole.class_idx[chosen])
