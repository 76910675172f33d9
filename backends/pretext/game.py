"""Rounds of a game that a visitor and a net play: what both see, what can be answered, and what is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from backends.pretext.config import TILES, TURNS, InpaintingConfig, JigsawConfig, PretextConfig, RotationConfig, task_of

if TYPE_CHECKING:
    from backends.data.pictures import PictureSet
    from backends.pretext.frozen import Frozen, FrozenInpainting, FrozenJigsaw, FrozenRotation

ROUNDS = 10
CANDIDATES = 4
"""Pieces to choose from."""
TRIED = 60
"""Other pictures that are looked at for pieces that can be told apart."""
TOLD_APART = 0.002
"""Mean squared difference, of pixels in [0, 1], from which on two pieces can be told apart."""
SURE = 1e-4
"""Added to a squared error, so that a piece that is met exactly stays a finite share."""


@dataclass(frozen=True, eq=False)
class Round:
    """One puzzle with its answers to choose from.

    Attributes:
        task: "rotation", "inpainting" or "jigsaw".
        name: what the picture shows; may be a visitor's, so untrusted.
        image: (S, S, 3) uint8 as the net sees it.
        solved: (S, S, 3) uint8: the puzzle put right.
        options: how many answers there are. Of rotation: the top, right, bottom or left side of what is seen is up; of
            inpainting: the pieces; of jigsaw: the nine places, row by row.
        right: the right one, from 0.
        area: (S, S) bool: the hole, or the tile that is asked about; all False for rotation.
        pieces: (options, S, S, 3) uint8 for inpainting, the picture with each piece in its hole; else (0, S, S, 3).
        place: for jigsaw, where the tile that is asked about lies; else -1.
    """

    task: str
    name: str
    image: np.ndarray
    solved: np.ndarray
    options: int
    right: int
    area: np.ndarray
    pieces: np.ndarray
    place: int = -1


def deal_game(model: Frozen, seed: int, rounds: int = ROUNDS) -> list[Round]:
    """Make a game of the pictures that a net was never trained on; the same from the same seed.

    Args:
        model: whose pictures and settings are taken; it is not asked.
        seed: of the pictures and of the puzzles.
        rounds: how many; pictures come again where there are fewer.

    Returns:
        The rounds; none where the net came without pictures.

    Raises:
        PuzzleError: the pictures do not fit the net.
    """
    pictures, config = model.split.held_out, model.config
    if not len(pictures):
        return []
    generator = np.random.default_rng(seed)
    if isinstance(config, RotationConfig):
        return _rotations(config, pictures, generator, rounds)
    if isinstance(config, InpaintingConfig):
        return _holes(config, pictures, generator, rounds)
    if isinstance(config, JigsawConfig):
        return _jigsaws(config, pictures, generator, rounds)
    raise TypeError(f"{type(config).__name__} is not the config of a pretext task.")


def model_answer(model: Frozen, asked: Round) -> tuple[int, np.ndarray]:
    """What a net answers now.

    Returns:
        The option, and of each option how much speaks for it, (options,) in [0, 1] with sum 1. For rotation and jigsaw
        these are the net's probabilities. A net that paints has none: for inpainting it is one over the squared error
        between each piece and what was painted, as a share of all.

    Raises:
        PuzzleError: the round is of another task, or of pictures of another size.
    """
    _check_task(model, asked)
    if asked.task == "rotation":
        shares = by_side(cast("FrozenRotation", model).answer(asked.image[None])[0])
    elif asked.task == "inpainting":
        shares = _nearness(painted(model, asked), asked)
    else:
        shares = cast("FrozenJigsaw", model).answer(asked.image[None])[0, asked.place]
    shares = np.nan_to_num(shares.astype(np.float64))
    return int(shares.argmax()), shares


def painted(model: Frozen, asked: Round) -> np.ndarray:
    """The picture of an inpainting round with its hole filled by the net as it is now: (S, S, 3) uint8.

    Raises:
        PuzzleError: as of `model_answer`.
    """
    from backends.pretext.puzzles import PuzzleError

    _check_task(model, asked)
    if asked.task != "inpainting":
        raise PuzzleError("Only a round of inpainting has something to paint.")
    filled: np.ndarray = cast("FrozenInpainting", model).answer(asked.image[None], asked.area[None])[0]
    return filled


def side_up(turns: int) -> int:
    """Which side of what is seen was the top, before so many quarter turns counter-clockwise.

    Returns:
        0 for the top, 1 for the right, 2 for the bottom, 3 for the left: a quarter turn brings the top to the left.
    """
    return -turns % TURNS


def by_side(turned: np.ndarray) -> np.ndarray:
    """(4,) probabilities of 0 to 3 quarter turns, as those of the sides of `side_up`."""
    return turned[[side_up(side) for side in range(TURNS)]]


def _rotations(
    config: RotationConfig, pictures: PictureSet, generator: np.random.Generator, rounds: int
) -> list[Round]:
    from backends.pretext.deal import deal_rotations

    chosen = _draw(len(pictures), rounds, generator)
    dealt = deal_rotations(config, pictures.images[chosen], _seed(generator))
    nothing, no_pieces = _nothing(config)
    return [
        Round("rotation", pictures.names[index], image, upright, TURNS, side_up(int(turns)), nothing, no_pieces)
        for index, image, upright, turns in zip(chosen, dealt.images, dealt.upright, dealt.turns, strict=True)
    ]


def _holes(config: InpaintingConfig, pictures: PictureSet, generator: np.random.Generator, rounds: int) -> list[Round]:
    from backends.pretext.deal import deal_holes

    chosen = _draw(len(pictures), rounds, generator)
    dealt = deal_holes(config, pictures.images[chosen], _seed(generator))
    made = []
    for index, image, hole in zip(chosen, dealt.images, dealt.holes, strict=True):
        whole = pictures.images[index]
        pieces = [whole, *_other_pieces(pictures, int(index), hole, generator)]
        order = generator.permutation(len(pieces))
        made.append(
            Round(
                "inpainting",
                pictures.names[index],
                image,
                whole,
                len(pieces),
                int(np.flatnonzero(order == 0)[0]),
                hole,
                np.stack([np.where(hole[..., None], pieces[i], whole) for i in order]),
            )
        )
    return made


def _other_pieces(
    pictures: PictureSet, index: int, hole: np.ndarray, generator: np.random.Generator
) -> list[np.ndarray]:
    """Up to three pictures whose piece in the hole looks like none of the others; at least one.

    Where no other picture does, the picture's own mirror image; where that looks the same too, its negative.
    """
    whole = pictures.images[index]
    taken: list[np.ndarray] = []
    for other in generator.permutation(len(pictures))[:TRIED]:
        if all(_error(pictures.images[other], known, hole) > TOLD_APART for known in (whole, *taken)):
            taken.append(pictures.images[other])
        if len(taken) == CANDIDATES - 1:
            return taken
    if not taken:
        mirrored = _mirrored(whole, hole)
        taken.append(mirrored if _error(mirrored, whole, hole) > TOLD_APART else 255 - whole)
    return taken


def _mirrored(whole: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """A picture whose piece, as far as the rectangle around its hole goes, is turned left to right."""
    rows, columns = (np.flatnonzero(hole.any(axis=axis)) for axis in (1, 0))
    inside = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    mirrored = whole.copy()
    mirrored[inside] = whole[inside][:, ::-1]
    return mirrored


def _jigsaws(config: JigsawConfig, pictures: PictureSet, generator: np.random.Generator, rounds: int) -> list[Round]:
    from backends.pretext.deal import deal_jigsaws, put_back

    chosen = _draw(len(pictures), 3 * rounds, generator)
    dealt = deal_jigsaws(config, pictures.images[chosen], _seed(generator))
    solved = put_back(dealt.images, dealt.places, config.gap)
    playable = np.argsort(dealt.blank_mask.all(axis=1), kind="stable")[:rounds]  # blank all over: only if need be
    made = []
    for number in playable:
        blank = dealt.blank_mask[number]
        place = int(generator.choice(np.flatnonzero(~blank | blank.all())))
        made.append(
            Round(
                "jigsaw",
                pictures.names[chosen[number]],
                dealt.images[number],
                solved[number],
                TILES,
                int(dealt.places[number, place]),
                _tile_area(config, place),
                _nothing(config)[1],
                place,
            )
        )
    return made


def _tile_area(config: JigsawConfig, place: int) -> np.ndarray:
    """(S, S) bool: where the tile at a place lies."""
    import torch

    from backends.pretext.puzzles import lay_tiles

    tiles = torch.zeros(1, TILES, 1, config.tile, config.tile)
    tiles[0, place] = 1
    area: np.ndarray = lay_tiles(tiles, config.size, config.gap, torch.zeros(()))[0, 0].bool().numpy()
    return area


def _draw(count: int, wanted: int, generator: np.random.Generator) -> np.ndarray:
    """Indices of so many pictures; each comes once before any comes again."""
    turns = -(-wanted // count)
    return np.concatenate([generator.permutation(count) for _ in range(turns)])[:wanted]


def _nothing(config: PretextConfig) -> tuple[np.ndarray, np.ndarray]:
    """No area, and no pieces."""
    return np.zeros((config.size, config.size), bool), np.zeros((0, config.size, config.size, 3), np.uint8)


def _nearness(filled: np.ndarray, asked: Round) -> np.ndarray:
    """(options,) shares of one over the squared error in the hole."""
    near = 1 / (SURE + np.array([_error(filled, piece, asked.area) for piece in asked.pieces]))
    return np.asarray(near / near.sum())


def _error(one: np.ndarray, other: np.ndarray, area: np.ndarray) -> float:
    """Mean squared error in an area of two (S, S, 3) pictures, of pixels in [0, 1]."""
    return float(np.square((one[area].astype(np.float64) - other[area]) / 255).mean())


def _check_task(model: Frozen, asked: Round) -> None:
    from backends.pretext.puzzles import PuzzleError

    task = task_of(model.config)
    if task != asked.task:
        raise PuzzleError(f"This round is of {asked.task}, the net of {task}: begin a new game.")


def _seed(generator: np.random.Generator) -> int:
    return int(generator.integers(1 << 31))
