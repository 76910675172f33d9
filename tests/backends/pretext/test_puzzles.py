"""Turns, holes and tiles against plain loops; what can't be a puzzle is refused in a sentence."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from backends.pretext import puzzles
from backends.pretext.puzzles import (
    UNSEEN,
    PuzzleError,
    all_turns,
    blank_tiles,
    check_holes,
    check_pictures,
    cut_out,
    cut_tiles,
    draw_holes,
    draw_permutations,
    draw_turns,
    fill_with_border_mean,
    hole_of_cells,
    lay_tiles,
    light_from_above,
    print_label,
    recolour_tiles,
    rotate,
    shuffle,
    tile_side,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int = 6, size: int = 32, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=seeded(seed))


# Pictures


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((2, 32, 32), np.uint8), r"must be \(n, 32, 32, 3\)"),
        (np.zeros((2, 32, 40, 3), np.uint8), "40 × 32 pixels; bring square ones of 32 × 32"),
        (np.zeros((2, 8, 8, 3), np.uint8), "have 8 pixels a side; this net takes 32"),
        (np.full((2, 32, 32, 3), np.nan, np.float32), "must be bytes"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(images, said):
    with pytest.raises(PuzzleError, match=said):
        check_pictures(images, 32)


def test_light_from_above_makes_every_row_darker_than_the_one_above():
    rows = light_from_above(torch.full((1, 3, 32, 32), 0.5))[0].mean(dim=(0, 2))
    assert rows[0] > 0.5 > rows[-1]
    assert all(below < above for above, below in itertools.pairwise(rows.tolist()))
    assert light_from_above(torch.ones(1, 3, 8, 8)).max() <= 1


@pytest.mark.parametrize("size", [32, 48, 64])
def test_the_label_stands_in_a_corner_and_looks_different_from_every_side(size):
    images = noise(2, size)
    printed = print_label(images)
    changed = (printed != images).any(dim=1)[0]
    assert changed[size // 2 :, size // 2 :].sum() == changed.sum() > 0
    turns = all_turns(printed - images)[0]
    assert all(not torch.equal(one, other) for one, other in itertools.combinations(turns, 2))
    rows, columns = changed.nonzero().T
    label = printed[:1, :, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    tall = torch.nn.functional.pad(label, (0, label.shape[2] - label.shape[3]))
    assert all(not torch.equal(tall[0], tall[0].rot90(k, (1, 2))) for k in (1, 2, 3))


def test_pictures_smaller_than_the_label_are_refused():
    with pytest.raises(PuzzleError, match="smaller than the label"):
        print_label(noise(1, 8))


# Turns


def test_pictures_are_turned_as_numpy_turns_them():
    images, turns = noise(8), torch.tensor([0, 1, 2, 3, 3, 2, 1, 0])
    for image, turn, turned in zip(images, turns, rotate(images, turns), strict=True):
        np.testing.assert_array_equal(turned.numpy(), np.rot90(image.numpy(), int(turn), (1, 2)))
    every = all_turns(images)
    for turn in range(4):
        assert torch.equal(every[:, turn], rotate(images, torch.full((8,), turn)))
    assert torch.equal(rotate(rotate(images, turns), (4 - turns) % 4), images)


def test_turns_are_drawn_evenly_from_the_seed():
    drawn = draw_turns(4_000, seeded(1))
    assert torch.equal(drawn, draw_turns(4_000, seeded(1)))
    assert not torch.equal(drawn, draw_turns(4_000, seeded(2)))
    assert (drawn.bincount(minlength=4) > 900).all()


def test_what_can_not_be_turned_is_refused():
    with pytest.raises(PuzzleError, match="40 × 32 pixels would change its shape"):
        rotate(torch.zeros(1, 3, 32, 40), torch.tensor([0]))
    for turn in (-1, 4):
        with pytest.raises(PuzzleError, match="0, 1, 2 or 3 quarters"):
            rotate(noise(1), torch.tensor([turn]))


# Holes


@pytest.mark.parametrize("kind", ["centre", "random", "blocks"])
@pytest.mark.parametrize("share", [0.05, 0.25, 0.6])
def test_holes_have_their_share_and_are_the_same_from_the_same_seed(kind, share):
    holes = draw_holes(kind, share, 32, 200, seeded(3))
    assert (holes.dtype, holes.shape) == (torch.bool, (200, 32, 32))
    assert torch.equal(holes, draw_holes(kind, share, 32, 200, seeded(3)))
    parts = holes.float().mean(dim=(1, 2))
    assert 0 < parts.min() <= parts.max() < 1
    if kind == "blocks":
        assert parts.max() <= share * 1.25
        assert parts.mean() > share / 2
    else:
        assert abs(parts - share).max() < 0.06


def test_a_hole_in_the_middle_is_a_square_there_and_one_anywhere_goes_everywhere():
    middle = draw_holes("centre", 0.25, 32, 1, seeded())[0]
    assert middle[8:24, 8:24].all()
    assert middle.sum() == 16 * 16
    anywhere = draw_holes("random", 0.25, 32, 2_000, seeded())
    assert anywhere.any(dim=0).all()
    for hole in anywhere[:50]:
        rows, columns = hole.any(dim=1), hole.any(dim=0)
        assert hole.sum() == rows.sum() * columns.sum(), "a rectangle"
        assert 1 / 1.6 < rows.sum() / columns.sum() < 1.6


@pytest.mark.parametrize("kind", ["centre", "random", "blocks"])
@pytest.mark.parametrize("share", [0.001, 0.999])
def test_even_odd_shares_leave_something_and_cut_something(kind, share):
    parts = draw_holes(kind, share, 8, 50, seeded()).float().mean(dim=(1, 2))
    assert 0 < parts.min() <= parts.max() < 1


@pytest.mark.parametrize("share", [0, 1, -1, float("nan"), float("inf")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(PuzzleError, match="must be above 0 and below 1"):
        draw_holes("random", share, 32, 1, seeded())
    with pytest.raises(PuzzleError, match="choose centre, random or blocks"):
        draw_holes("round", 0.5, 32, 1, seeded())  # type: ignore[arg-type]


def test_clicked_cells_become_a_hole():
    hole = hole_of_cells([(0, 0), (3, 1)], side=4, size=32)
    assert hole[:8, :8].all()
    assert hole[24:, 8:16].all()
    assert hole.sum() == 2 * 64
    uneven = hole_of_cells([(2, 2)], side=3, size=32)
    assert uneven[22:, 22:].all()
    assert uneven.sum() == 100


@pytest.mark.parametrize(
    ("cells", "side", "said"),
    [
        ([], 4, "There is no hole yet"),
        ([(row, column) for row in range(4) for column in range(4)], 4, "The hole is everything"),
        ([(4, 0)], 4, "There is no cell 4, 0"),
        ([(0, -1)], 4, "There is no cell 0, -1"),
        ([(0, 0)], 0, "can't be cut into 0 × 0 cells"),
        ([(0, 0)], 33, "can't be cut into 33 × 33 cells"),
    ],
)
def test_cells_that_make_no_hole_are_refused(cells, side, said):
    with pytest.raises(PuzzleError, match=said):
        hole_of_cells(cells, side, 32)


def test_one_bad_hole_among_good_ones_is_refused():
    holes = np.zeros((3, 8, 8), bool)
    holes[:, 2:4, 2:4] = True
    assert check_holes(holes) is holes
    holes[1] = False
    with pytest.raises(PuzzleError, match="There is no hole yet"):
        check_holes(holes)
    holes[1] = True
    with pytest.raises(PuzzleError, match="The hole is everything"):
        check_holes(holes)
    with pytest.raises(PuzzleError, match="bool"):
        check_holes(holes.astype(float))


def test_holes_are_cut_out_and_nothing_else_changes():
    images, holes = noise(), draw_holes("random", 0.3, 32, 6, seeded())
    cut = cut_out(images, holes)
    assert torch.equal(cut.permute(0, 2, 3, 1)[~holes], images.permute(0, 2, 3, 1)[~holes])
    assert torch.equal(cut.permute(0, 2, 3, 1)[holes].unique(dim=0), torch.tensor([UNSEEN]))


def border_mean(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Of one rectangular hole, pixel by pixel."""
    size, around = len(hole), []
    for row, column in itertools.product(range(size), range(size)):
        near = hole[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        if not hole[row, column] and near.any():
            around.append(image[:, row, column])
    return np.mean(around, axis=0)


def test_the_guess_to_beat_is_the_mean_of_the_pixels_around_the_hole():
    images, holes = noise(), draw_holes("random", 0.2, 32, 6, seeded(4))
    filled = fill_with_border_mean(images, holes)
    for image, hole, made in zip(images.numpy(), holes.numpy(), filled.numpy(), strict=True):
        np.testing.assert_array_equal(made[:, ~hole], image[:, ~hole])
        np.testing.assert_allclose(made[:, hole], border_mean(image, hole)[:, None].repeat(hole.sum(), 1), rtol=1e-5)


def test_two_holes_are_filled_each_from_its_own_surroundings():
    image = torch.zeros(1, 3, 16, 16)
    image[..., 8:] = 1
    hole = torch.zeros(1, 16, 16, dtype=torch.bool)
    hole[:, 4:7, 2:5] = hole[:, 4:7, 11:14] = True
    assert torch.equal(fill_with_border_mean(image, hole), image)
    assert torch.equal(fill_with_border_mean(image, torch.ones_like(hole)), torch.full_like(image, 0.5))


# Tiles


@pytest.mark.parametrize(("size", "gap"), [(32, 0), (32, 3), (32, 6), (48, 0), (48, 12), (64, 5), (12, 0)])
def test_tiles_are_cut_and_laid_back(size, gap):
    images, side = noise(4, size), tile_side(size, gap)
    tiles = cut_tiles(images, gap)
    assert tiles.shape == (4, 9, 3, side, side)
    first = (size % 3) // 2 + gap // 2
    for place in range(9):
        row, column = (first + part * (size // 3) for part in divmod(place, 3))
        assert torch.equal(tiles[:, place], images[..., row : row + side, column : column + side])
    laid = lay_tiles(tiles, size, gap, 1.0)
    assert torch.equal(cut_tiles(laid, gap), tiles)
    kept = (laid == images).all(dim=1).float().mean()
    assert kept == pytest.approx(9 * side**2 / size**2, abs=1e-6)
    assert torch.equal(lay_tiles(tiles, size, gap, images), images)


@pytest.mark.parametrize(("size", "gap"), [(11, 0), (32, 7), (32, -1), (3, 0), (2, 0)])
def test_pictures_smaller_than_the_tiles_are_refused(size, gap):
    with pytest.raises(PuzzleError, match=f"A picture of {size} pixels is too small for 3 × 3 tiles with gaps of"):
        cut_tiles(noise(1, size), gap)


def test_a_shuffled_tile_lies_where_the_order_says():
    orders = draw_permutations(500, seeded(1))
    assert torch.equal(orders.sort(dim=1).values, torch.arange(9).expand(500, 9))
    assert torch.equal(orders, draw_permutations(500, seeded(1)))
    for place in range(9):
        assert (orders[:, place].bincount(minlength=9) > 25).all()
    tiles = cut_tiles(noise(), 2)
    shuffled = shuffle(tiles, orders[:6])
    for picture, place in itertools.product(range(6), range(9)):
        assert torch.equal(shuffled[picture, place], tiles[picture, orders[picture, place]])


def test_blank_tiles_are_found_by_what_is_in_them():
    tiles = torch.full((1, 9, 3, 10, 10), 0.5)
    tiles[0, 1, :, :, 5:] = 0.6
    tiles[0, 2, 2, 5:] = 0.0
    tiles[0, 3] += torch.linspace(-0.02, 0.02, 10)
    tiles[0, 4, :, 4, 4] = 1.0
    assert blank_tiles(tiles)[0].tolist() == [True, False, False, True, False, True, True, True, True]


def test_grey_tiles_have_no_colour_and_shifted_ones_each_their_own_tint():
    tiles = cut_tiles(noise().mul(0.4).add(0.3), 0)
    assert recolour_tiles(tiles, "kept", seeded()) is tiles
    grey = recolour_tiles(tiles, "grey", seeded())
    assert torch.equal(grey[:, :, 0], grey[:, :, 2])
    assert torch.allclose(grey[:, :, 0], 0.299 * tiles[:, :, 0] + 0.587 * tiles[:, :, 1] + 0.114 * tiles[:, :, 2])
    tints = recolour_tiles(tiles, "shifted", seeded()) - tiles
    assert tints.flatten(3).std(dim=3).max() < 1e-6, "the same for all pixels of a tile's colour"
    assert tints[:, :, :, 0, 0].flatten().unique().numel() > 100
    assert tints.abs().max() <= puzzles.TINT + 1e-6
    with pytest.raises(PuzzleError, match="choose kept, grey or shifted"):
        recolour_tiles(tiles, "blue", seeded())  # type: ignore[arg-type]
