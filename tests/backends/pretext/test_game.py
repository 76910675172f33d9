"""Rounds of the game: what is right is right, the same seed gives the same game, and few pictures are no error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backends.data.splits import Split, no_pictures
from backends.pretext import game as game_module
from backends.pretext import shipped
from backends.pretext.config import TILES
from backends.pretext.deal import turn_pictures
from backends.pretext.game import CANDIDATES, ROUNDS, Round, by_side, deal_game, model_answer, painted, side_up
from backends.pretext.puzzles import UNSEEN, PuzzleError, cut_tiles, lay_tiles
from tests.backends.pretext.conftest import CONFIGS, trainer_of
from tests.backends.simclr.conftest import toy_pictures

TASKS = tuple(CONFIGS)


def model_with(task: str, count: int, **changes):
    """An untrained net with so many held-out pictures."""
    frozen = trainer_of(task, **changes).freeze()
    pictures = toy_pictures(max(1, count), seed=3, size=frozen.config.size)
    return replace(frozen, split=Split(frozen.split.train, pictures.subset(range(count))))


def same(one: Round, other: Round) -> bool:
    arrays = ("image", "solved", "area", "pieces")
    words = ("task", "name", "options", "right", "place")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays) and all(
        getattr(one, name) == getattr(other, name) for name in words
    )


@pytest.mark.parametrize(("turns", "side"), [(0, 0), (1, 3), (2, 2), (3, 1)])
def test_the_side_that_is_up_is_where_a_mark_at_the_top_went(turns, side):
    marked = np.zeros((1, 8, 8, 3), np.uint8)
    marked[0, 0] = 255
    seen = turn_pictures(marked, np.array([turns]))[0]
    edges = (seen[0], seen[:, -1], seen[-1], seen[:, 0])  # top, right, bottom, left
    assert side_up(turns) == side
    assert [edge.all() for edge in edges] == [option == side for option in range(4)]


def test_the_nets_probabilities_of_turns_go_to_the_sides():
    assert by_side(np.array([0.1, 0.2, 0.3, 0.4])).tolist() == [0.1, 0.4, 0.3, 0.2]


def test_a_turned_picture_is_upright_once_its_right_side_is_turned_to_the_top():
    for asked in deal_game(model_with("rotation", 12), 5):
        assert asked.options == 4
        assert np.array_equal(np.rot90(asked.image, asked.right), asked.solved)


def test_the_right_side_is_so_with_light_and_label_too():
    rounds = deal_game(model_with("rotation", 12, light_from_above="on", printed_label="on"), 5)
    for asked in rounds:
        assert np.array_equal(np.rot90(asked.image, asked.right), asked.solved)


@pytest.mark.parametrize("hole", ["centre", "random", "blocks"])
def test_only_the_right_piece_makes_the_picture_whole(hole):
    for asked in deal_game(model_with("inpainting", 12, hole=hole), 5):
        assert asked.options == len(asked.pieces) == CANDIDATES
        whole = [np.array_equal(piece, asked.solved) for piece in asked.pieces]
        assert whole == [option == asked.right for option in range(asked.options)]
        assert np.array_equal(asked.image[~asked.area], asked.solved[~asked.area])
        assert (asked.image[asked.area] == np.round(np.array(UNSEEN) * 255)).all()
        assert (asked.pieces[:, ~asked.area] == asked.solved[~asked.area]).all(), "a piece is only what is in the hole"


@pytest.mark.parametrize(("gap", "colour"), [(0, "kept"), (3, "kept"), (2, "grey")])
def test_the_asked_tile_is_the_one_of_the_right_place(gap, colour):
    model = model_with("jigsaw", 30, gap=gap, tile_colour=colour)
    for asked in deal_game(model, 5):
        side = model.config.tile
        tile = asked.image[asked.area].reshape(side, side, 3)
        assert asked.options == TILES
        assert np.array_equal(tile, _tiles(asked.solved, gap)[asked.right])
        assert np.array_equal(tile, _tiles(asked.image, gap)[asked.place])


def _tiles(image: np.ndarray, gap: int) -> np.ndarray:
    from torch import from_numpy

    return cut_tiles(from_numpy(image).permute(2, 0, 1)[None], gap)[0].permute(0, 2, 3, 1).numpy()


def test_the_solved_jigsaw_is_the_picture_itself():
    model = model_with("jigsaw", 30)
    known = model.split.held_out
    for asked in deal_game(model, 5):
        own = known.images[known.names.index(asked.name)]
        seen = asked.solved != 255
        assert seen.any()
        assert np.array_equal(asked.solved[seen], own[seen])


def test_a_blank_tile_is_not_asked_about():
    model = model_with("jigsaw", 30)
    images = np.full_like(model.split.held_out.images, 240)
    images[:, 12:20, 12:20] = np.random.default_rng(0).integers(0, 255, (len(images), 8, 8, 3))
    model = replace(model, split=Split(model.split.train, replace(model.split.held_out, images=images)))
    assert {asked.right for asked in deal_game(model, 1)} == {4}
    images[:] = 240
    assert len(deal_game(model, 1)) == ROUNDS


@pytest.mark.parametrize("task", TASKS)
def test_a_seed_gives_its_game_again_and_another_seed_another(task):
    model = model_with(task, 40)
    first, again, other = deal_game(model, 7), deal_game(model, 7), deal_game(model, 8)
    assert all(same(*pair) for pair in zip(first, again, strict=True))
    assert not all(same(*pair) for pair in zip(first, other, strict=True))
    assert len({asked.name for asked in first}) == ROUNDS


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_few_pictures_come_again(task, count):
    model = model_with(task, count)
    rounds = deal_game(model, 1)
    assert len(rounds) == ROUNDS
    assert len({asked.name for asked in rounds}) == count
    if task == "inpainting":
        assert {asked.options for asked in rounds} <= set(range(2, CANDIDATES + 1))
    for asked in rounds:
        option, shares = model_answer(model, asked)
        assert 0 <= option < asked.options == len(shares)
        assert 0 <= asked.right < asked.options
        assert shares.sum() == pytest.approx(1, abs=1e-4)


def test_of_one_picture_the_other_piece_is_its_mirror_image_or_its_negative():
    (asked, *_) = deal_game(model_with("inpainting", 1, hole="centre"), 1)
    rows, columns = np.flatnonzero(asked.area.any(1)), np.flatnonzero(asked.area.any(0))
    inside = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert np.array_equal(asked.pieces[1 - asked.right][inside], asked.solved[inside][:, ::-1])
    plain = model_with("inpainting", 1)
    plain.split.held_out.images[:] = 200
    (asked, *_) = deal_game(plain, 1)
    assert (asked.pieces[1 - asked.right][asked.area] == 55).all()


def test_pieces_that_look_like_the_right_one_are_not_offered():
    model = model_with("inpainting", 9)
    model.split.held_out.images[1:] = model.split.held_out.images[0]
    assert {asked.options for asked in deal_game(model, 1)} == {2}


@pytest.mark.parametrize("task", TASKS)
def test_without_pictures_there_is_no_round(task):
    model = model_with(task, 1)
    assert deal_game(replace(model, split=no_pictures(model.config.size)), 1) == []


def test_a_net_of_another_task_or_size_is_refused_in_a_sentence():
    (asked, *_) = deal_game(model_with("rotation", 3), 1)
    with pytest.raises(PuzzleError, match="begin a new game"):
        model_answer(model_with("jigsaw", 3), asked)
    with pytest.raises(PuzzleError, match="pixels"):
        model_answer(model_with("rotation", 3, image_size="48", pictures=toy_pictures(60, size=48)), asked)
    with pytest.raises(PuzzleError, match="paint"):
        painted(model_with("rotation", 3), asked)


@pytest.mark.parametrize(("task", "least"), [("rotation", 0.8), ("inpainting", 0.5), ("jigsaw", 0.6)])
def test_the_shipped_nets_play_far_better_than_guessing(task, least):
    model = shipped.load(task)
    rounds = [asked for seed in range(3) for asked in deal_game(model, seed)]
    assert np.mean([model_answer(model, asked)[0] == asked.right for asked in rounds]) > least


def test_the_nets_piece_is_the_one_nearest_to_what_it_painted():
    model = model_with("inpainting", 12)
    for asked in deal_game(model, 2):
        option, shares = model_answer(model, asked)
        filled = painted(model, asked)[asked.area].astype(float)
        errors = [np.square(filled - piece[asked.area]).mean() for piece in asked.pieces]
        assert option == int(np.argmin(errors))
        assert np.argsort(shares)[::-1].tolist() == np.argsort(errors).tolist()


def test_the_outlined_area_is_where_the_tile_lies():
    import torch

    config = model_with("jigsaw", 3, gap=2).config
    for place in range(TILES):
        tiles = torch.zeros(1, TILES, 3, config.tile, config.tile)
        tiles[:, place] = 1
        laid = lay_tiles(tiles, config.size, config.gap, torch.tensor(0.0))[0, 0].numpy() == 1
        assert np.array_equal(game_module._tile_area(config, place), laid)
