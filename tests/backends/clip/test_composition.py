"""What is said of combinations never seen, held against a model that names exactly what the test wants."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from backends.clip.composition import TESTS, compose
from backends.clip.pairs import UNSEEN_COMBINATIONS, load_pairs


class Oracle:
    """Knows each test apple by its pixels, and names it as `answer` says."""

    config = SimpleNamespace(data="apples")

    def __init__(self, answer) -> None:
        self.pairs = load_pairs("apples", 32)
        tests = [self.pairs.tests[name] for name in TESTS]
        self.classes = tests[0].classes
        self._named = {
            image.tobytes(): answer(int(number))
            for test in tests
            for image, number in zip(test.pictures.images, test.class_idx, strict=True)
        }

    def embed_pictures(self, pictures: np.ndarray) -> np.ndarray:
        return np.eye(len(self.classes), dtype=np.float32)[[self._named[picture.tobytes()] for picture in pictures]]

    def embed_prompts(self, prompts) -> np.ndarray:
        return np.eye(len(self.classes), dtype=np.float32)[[self.classes.index(prompt) for prompt in prompts]]


def test_who_names_every_apple_rightly_has_all_of_them():
    composed = compose(Oracle(lambda number: number), 24)
    assert composed.seen == composed.unseen == composed.unseen_colour == composed.unseen_shape == 1.0
    assert composed.shares.shape == composed.is_unseen.shape == (len(composed.colours), len(composed.shapes))
    assert (composed.shares == 1).all()
    assert composed.examples.shape == (*composed.shares.shape, 24, 24, 3)
    assert composed.is_unseen.sum() == len(UNSEEN_COMBINATIONS)
    assert composed.is_unseen[composed.colours.index("yellow"), composed.shapes.index("flat")]


def test_the_right_colour_with_a_wrong_shape_is_counted_as_that():
    shapes = len(compose(Oracle(lambda number: number), 8).shapes)
    composed = compose(Oracle(lambda number: number // shapes * shapes + (number + 1) % shapes), 8)
    assert composed.unseen == composed.seen == composed.unseen_shape == 0.0
    assert composed.unseen_colour == 1.0


def test_seen_and_unseen_are_counted_apart():
    unseen = {name for colour, shape in UNSEEN_COMBINATIONS for name in [f"a {colour} {shape} apple"]}
    classes = Oracle(lambda number: number).classes
    composed = compose(Oracle(lambda number: 0 if classes[number] in unseen else number), 8)
    assert composed.seen == 1.0
    assert composed.unseen == 0.0
    assert composed.shares[~composed.is_unseen].min() == 1.0
    assert composed.shares[composed.is_unseen].max() == 0.0
    assert composed.unseen_count == len(load_pairs("apples", 32).tests["unseen_combinations"])


@pytest.mark.parametrize("data", ["emoji", "own"])
def test_other_pictures_have_no_composition(data):
    assert compose(SimpleNamespace(config=SimpleNamespace(data=data), pairs=None), 8) is None
