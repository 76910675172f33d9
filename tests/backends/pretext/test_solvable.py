"""Pictures that look the same when they are turned are found, and no net is right about them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backends.data.apples import apple_pictures
from backends.pretext.solvable import (
    close_ups,
    graded,
    loss_floor,
    turn_distances,
    unsolvable,
)
from tests.backends.pretext.conftest import run
from tests.backends.pretext.test_trainer import landscapes


def shapes() -> np.ndarray:
    """A ball, a bar, a triangle's half, and noise."""
    images = np.zeros((4, 32, 32, 3), np.uint8)
    y, x = np.mgrid[:32, :32] - 15.5
    images[0, y**2 + x**2 < 100] = 255
    images[1, 12:20] = 255
    images[2, y > x] = 255
    images[3] = np.random.default_rng(0).integers(0, 256, (32, 32, 3))
    return images


def test_distances_are_those_of_the_turned_copies():
    images = shapes()
    distances = turn_distances(images)
    assert distances.shape == (4, 3)
    for picture, turn in np.ndindex(4, 3):
        wrong = np.rot90(images[picture], turn + 1).astype(float) / 255 - images[picture] / 255
        assert distances[picture, turn] == pytest.approx(math.sqrt((wrong**2).mean()), rel=1e-4, abs=1e-7)
    np.testing.assert_allclose(distances[:, 0], distances[:, 2], rtol=1e-5)
    with pytest.raises(ValueError, match="must be"):
        turn_distances(np.zeros((1, 8, 9, 3), np.uint8))


def test_a_ball_asks_nothing_a_bar_half_of_it_and_a_corner_all():
    np.testing.assert_array_equal(unsolvable(shapes()), [True, True, False, False])
    np.testing.assert_allclose(loss_floor(shapes()), [math.log(4), math.log(2), 0, 0])


def test_whole_apples_can_be_solved_and_close_ups_can_not():
    apples, near = apple_pictures(60, 3, 32), close_ups(30, 3, 32)
    assert not unsolvable(apples.images).any()
    assert unsolvable(near.images).all()
    assert near.at_size([1, 2], 64).shape == (2, 64, 64, 3)
    assert unsolvable(near.at_size(range(5), 64)).all()
    assert near.names[0].startswith("close-up, ")
    assert len(near.factors["colour"].values) == 30


def test_emoji_have_some_that_can_not_be_solved():
    from backends.data.splits import load_split

    held_out = load_split("emoji", 32).held_out
    assert 0.02 < unsolvable(held_out.images).mean() < 0.1
    hopeless = unsolvable(held_out.images)
    names = [name for name, is_so in zip(held_out.names, hopeless, strict=True) if is_so]
    assert "circle" in " ".join(names)
    assert 0 < len(names) < len(held_out) / 2


def test_a_net_that_knows_which_way_is_up_guesses_where_nobody_can_know():
    trainer, _ = run("rotation", pictures=landscapes(), steps=30, learning_rate=0.01)
    known, nothing = trainer.split.held_out.images, np.full((12, 32, 32, 3), 90, np.uint8)
    assert graded("known", trainer.freeze(), known).right > 0.9
    hopeless = graded("nothing", trainer.freeze(), nothing)
    assert hopeless.right == hopeless.equal == pytest.approx(0.25)
    assert hopeless.floor == pytest.approx(math.log(4))
    assert hopeless.loss >= hopeless.floor - 1e-6
