"""Puzzles to play: given orders, and one picture in every way."""

from __future__ import annotations

import numpy as np
import pytest

from backends.pretext.config import InpaintingConfig, JigsawConfig, RotationConfig
from backends.pretext.deal import deal_jigsaws, put_back, turned_every_way
from backends.pretext.held_out import SHOWN_PICTURES, shown_holes
from backends.pretext.puzzles import PuzzleError
from tests.backends.simclr.conftest import toy_pictures


def test_a_picture_is_turned_in_all_four_ways_counter_clockwise():
    picture = toy_pictures(1).images[0]
    turned = turned_every_way(RotationConfig(), picture)
    for turn in range(4):
        np.testing.assert_array_equal(turned[turn], np.rot90(picture, turn))


def test_a_printed_label_turns_with_the_picture():
    picture = toy_pictures(1).images[0]
    plain, printed = (turned_every_way(RotationConfig(printed_label=on), picture) for on in ("off", "on"))
    differs = (plain != printed).any(axis=3)
    assert differs[0][16:, 16:].any(), "lower right of the upright one"
    assert not differs[0][:16].any()
    np.testing.assert_array_equal(differs[1], np.rot90(differs[0]))


def test_a_picture_that_does_not_fit_the_net_is_refused():
    with pytest.raises(PuzzleError, match="this net takes 32"):
        turned_every_way(RotationConfig(), toy_pictures(1, size=48).images[0])


def test_tiles_lie_in_the_order_that_was_given():
    images, config = toy_pictures(1).images, JigsawConfig(gap=2)
    order = np.array([[3, 0, 1, 2, 4, 8, 7, 6, 5]])
    dealt = deal_jigsaws(config, images, 1, order)
    np.testing.assert_array_equal(dealt.places, order)
    whole = put_back(dealt.images, order, config.gap)
    in_order = deal_jigsaws(config, images, 1, np.arange(9)[None])
    np.testing.assert_array_equal(whole, in_order.images)


@pytest.mark.parametrize("order", [[[0] * 9], [[0, 1, 2]], [[0, 1, 2, 3, 4, 5, 6, 7, 9]]])
def test_an_order_that_is_none_is_refused(order):
    with pytest.raises(PuzzleError, match="exactly one tile"):
        deal_jigsaws(JigsawConfig(), toy_pictures(1).images, 1, np.array(order))


def test_the_pictures_shown_whole_are_those_that_are_painted():
    from backends.pretext.trainer import InpaintingTrainer

    trainer = InpaintingTrainer(InpaintingConfig(data="own", steps=10, batch=8), pictures=toy_pictures(60))
    snapshot = next(iter(trainer.steps()))
    whole, holes = shown_holes(trainer.config, trainer.split, "cpu")
    painted = snapshot.arrays["painted"]
    assert len(whole) == len(painted) == SHOWN_PICTURES
    assert holes.any(axis=(1, 2)).all()
    np.testing.assert_array_equal(painted[~holes], whole[~holes])
    assert (painted[holes] != whole[holes]).any()
