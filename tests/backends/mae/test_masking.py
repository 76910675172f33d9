"""Which patches are hidden: exactly as many as asked, in the shape that the kind promises, and without favourites."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backends.mae.masking import MASKINGS, draw_mask, draw_masks, hidden_count

RATIOS = (0, 0.05, 0.25, 0.5, 0.6, 0.75, 0.9, 0.95, 1)
SIDES = (1, 2, 3, 5, 8, 16)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def connected(mask: np.ndarray) -> bool:
    """Whether one can walk over all hidden patches, side by side."""
    hidden = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    walk = [next(iter(hidden))]
    left = hidden - set(walk)
    while walk:
        y, x = walk.pop()
        for place in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if place in left:
                left.remove(place)
                walk.append(place)
    return not left


@pytest.mark.parametrize("kind", MASKINGS)
@pytest.mark.parametrize("ratio", RATIOS)
def test_every_kind_hides_exactly_as_many_as_asked(kind, ratio):
    for side in SIDES:
        for seed in range(5):
            mask = draw_mask(kind, ratio, side, seed)
            assert (mask.shape, mask.dtype) == ((side * side,), bool)
            assert mask.sum() == round(ratio * side * side)


@pytest.mark.parametrize("kind", MASKINGS)
def test_a_batch_hides_equally_many_in_each_picture_but_not_the_same(kind):
    masks = draw_masks(kind, 45, 8, 50, generator())
    assert masks.shape == (50, 64)
    assert (masks.sum(axis=1) == 45).all()
    assert len(np.unique(masks, axis=0)) > 10


@pytest.mark.parametrize("kind", MASKINGS)
def test_the_same_seed_draws_the_same_mask_and_other_seeds_others(kind):
    masks = [draw_mask(kind, 0.6, 8, seed) for seed in range(10)]
    np.testing.assert_array_equal(masks, [draw_mask(kind, 0.6, 8, seed) for seed in range(10)])
    assert len(np.unique(masks, axis=0)) >= 5
    one, other = (draw_masks(kind, 30, 8, 20, generator(4)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", MASKINGS)
@pytest.mark.parametrize("ratio", [math.nan, math.inf, -math.inf, -0.01, 1.01])
def test_a_ratio_out_of_range_is_refused(kind, ratio):
    with pytest.raises(ValueError, match=r"The mask ratio is .*; it must be a number from 0 to 1\."):
        draw_mask(kind, ratio, 8, 0)


def test_other_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"The seed is -1; it must be at least 0\."):
        draw_mask("random", 0.5, 8, -1)
    with pytest.raises(ValueError, match="choose from random, block, grid"):
        draw_mask("spiral", 0.5, 8, 0)
    for hidden, side in ((65, 8), (-1, 8), (0, 0)):
        with pytest.raises(ValueError, match="can't be hidden"):
            draw_masks("random", hidden, side, 1, generator())


def test_random_masks_favour_no_patch_and_no_pair():
    masks = draw_masks("random", 12, 4, 20_000, generator()).astype(float)
    together = masks.T @ masks / len(masks)
    np.testing.assert_allclose(np.diag(together), 12 / 16, atol=0.015)  # five standard errors
    pairs = together[~np.eye(16, dtype=bool)]
    np.testing.assert_allclose(pairs, 12 / 16 * 11 / 15, atol=0.018)


@pytest.mark.parametrize("kind", MASKINGS)
def test_every_patch_is_sometimes_hidden_and_sometimes_seen(kind):
    share = draw_masks(kind, 32, 8, 400, generator()).mean(axis=0)
    assert share.min() > 0.05
    assert share.max() < 0.95


@pytest.mark.parametrize("side", [3, 8, 13])
def test_a_block_is_connected_and_a_rectangle_but_for_its_last_line(side):
    random = generator()
    for hidden in range(1, side * side):
        for mask in draw_masks("block", hidden, side, 8, random).reshape(-1, side, side):
            assert connected(mask)
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            missing = np.argwhere(~mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
            assert not len(missing) or (missing == missing[0]).all(axis=0).any()


def test_blocks_differ_in_place_and_in_shape():
    masks = draw_masks("block", 16, 8, 200, generator()).reshape(-1, 8, 8)
    heights, widths = masks.any(axis=2).sum(axis=1), masks.any(axis=1).sum(axis=1)
    assert (heights > widths).any()
    assert (heights < widths).any()
    assert len({tuple(np.argwhere(mask).mean(axis=0).round()) for mask in masks}) > 10


def test_at_three_quarters_a_grid_keeps_the_same_corner_of_each_two_by_two_cell():
    corners = set()
    for seed in range(30):
        seen = ~draw_mask("grid", 0.75, 8, seed).reshape(4, 2, 4, 2)
        assert (seen.sum(axis=(1, 3)) == 1).all()
        assert (seen == seen[:1, :, :1]).all()
        corners.add(tuple(np.argwhere(seen[0, :, 0])[0]))
    assert len(corners) == 4


def test_a_grid_at_half_is_a_chessboard():
    mask = draw_mask("grid", 0.5, 6, 1).reshape(6, 6)
    y, x = np.indices((6, 6))
    np.testing.assert_array_equal(mask, (y + x) % 2 == (0 if mask[0, 0] else 1))


@pytest.mark.parametrize("hidden", range(65))
def test_a_grid_sees_as_much_of_each_quarter_of_the_picture(hidden):
    for mask in draw_masks("grid", hidden, 8, 5, generator(hidden)):
        seen = (~mask).reshape(2, 4, 2, 4).sum(axis=(1, 3))
        assert seen.max() - seen.min() <= 1


def test_training_always_hides_one_and_sees_one():
    assert hidden_count(0.75, 64) == 48
    assert hidden_count(0.05, 4) == 1
    assert hidden_count(0.95, 4) == 3
    assert hidden_count(0.0, 9) == 1
    assert hidden_count(1.0, 9) == 8
