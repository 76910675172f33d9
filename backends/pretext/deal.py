"""Puzzles to play: what is seen, and the solution; made of pictures of a net's size, the same from the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backends.pretext.config import TILES, TURNS, InpaintingConfig, JigsawConfig, RotationConfig

if TYPE_CHECKING:
    import torch

PAPER = 1.0
"""White: what is seen between tiles."""


@dataclass(frozen=True)
class TurnedPictures:
    """Puzzles of "which way is up?".

    Attributes:
        images: (n, S, S, 3) uint8 as they are seen.
        turns: (n,) int64, 0 to 3: by how many quarter turns counter-clockwise they were turned.
        upright: (n, S, S, 3) uint8: the same before they were turned, with light and label where there are any.
    """

    images: np.ndarray
    turns: np.ndarray
    upright: np.ndarray


@dataclass(frozen=True)
class CutPictures:
    """Puzzles of "what stood in the hole?".

    Attributes:
        images: (n, S, S, 3) uint8 as they are seen.
        holes: (n, S, S) bool, True where nobody may see.
    """

    images: np.ndarray
    holes: np.ndarray


@dataclass(frozen=True)
class ShuffledPictures:
    """Puzzles of "where does each tile belong?".

    Attributes:
        images: (n, S, S, 3) uint8 as they are seen; white between the tiles.
        places: (n, 9) int64: where the tile that lies at each place belongs.
        blank_mask: (n, 9) bool: tiles of one colour, which are left out of the count.
    """

    images: np.ndarray
    places: np.ndarray
    blank_mask: np.ndarray


def deal_rotations(config: RotationConfig, images: np.ndarray, seed: int) -> TurnedPictures:
    """Light and label pictures as the settings ask, and turn each at random.

    Args:
        config: of the net that plays.
        images: (n, S, S, 3) uint8, upright.
        seed: of the draw.

    Raises:
        PuzzleError: the pictures do not fit the net.
    """
    from backends.pretext.held_out import with_shortcuts
    from backends.pretext.puzzles import draw_turns, rotate

    upright = with_shortcuts(_floats(images, config.size), config)
    turns = draw_turns(len(upright), _generator(seed))
    return TurnedPictures(_bytes(rotate(upright, turns)), turns.numpy(), _bytes(upright))


def turned_every_way(config: RotationConfig, image: np.ndarray) -> np.ndarray:
    """Light and label one (S, S, 3) picture as the settings ask, and turn it by 0 to 3 quarters: (4, S, S, 3) uint8.

    Raises:
        PuzzleError: the picture does not fit the net.
    """
    from backends.pretext.held_out import with_shortcuts

    upright = _bytes(with_shortcuts(_floats(image[None], config.size), config))
    return turn_pictures(np.repeat(upright, TURNS, axis=0), np.arange(TURNS))


def deal_holes(config: InpaintingConfig, images: np.ndarray, seed: int, holes: np.ndarray | None = None) -> CutPictures:
    """Cut a hole into each picture.

    Args:
        config: of the net that plays; says which holes are drawn.
        images: (n, S, S, 3) uint8.
        seed: of the draw.
        holes: (S, S) bool, the visitor's own, for all of them; None: drawn.

    Raises:
        PuzzleError: pictures or hole do not fit the net, or the hole is nothing or everything.
    """
    import torch

    from backends.pretext.puzzles import PuzzleError, check_holes, cut_out, draw_holes

    pixels, size = _floats(images, config.size), config.size
    if holes is None:
        cut = draw_holes(config.hole, config.hole_share, size, len(pixels), _generator(seed))
    else:
        if check_holes(np.asarray(holes)).shape != (size, size):
            raise PuzzleError(f"The hole must be ({size}, {size}), not {holes.shape}.")
        cut = torch.from_numpy(np.broadcast_to(holes, (len(pixels), size, size)).copy())
    return CutPictures(_bytes(cut_out(pixels, cut)), cut.numpy())


def deal_jigsaws(
    config: JigsawConfig, images: np.ndarray, seed: int, places: np.ndarray | None = None
) -> ShuffledPictures:
    """Cut pictures into tiles, colour these as the settings ask, and lay them down in random order.

    Args:
        config: of the net that plays.
        images: (n, S, S, 3) uint8.
        seed: of the draw.
        places: (n, 9), each a permutation: which tile lies at each place; None: drawn.

    Raises:
        PuzzleError: the pictures do not fit the net, or a place is missing or taken twice.
    """
    import torch

    from backends.pretext.held_out import jigsaw_of
    from backends.pretext.puzzles import lay_tiles

    if places is not None:
        _check_places(places, len(images))
    given = None if places is None else torch.from_numpy(places.astype(np.int64))
    tiles, laid_places, blank_mask = jigsaw_of(_floats(images, config.size), config, _generator(seed), given)
    laid = lay_tiles(tiles, config.size, config.gap, PAPER)
    return ShuffledPictures(_bytes(laid), laid_places.numpy(), blank_mask.numpy())


def turn_pictures(images: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Turn (n, S, S, 3) pictures of any size by (n,) quarter turns counter-clockwise: to show a puzzle larger.

    Raises:
        ValueError: the numbers do not fit each other, or the pictures are not square.
    """
    if images.ndim != 4 or images.shape[1] != images.shape[2] or turns.shape != (len(images),):
        raise ValueError(f"Pictures must be (n, S, S, 3), turns (n,), not {images.shape} and {turns.shape}.")
    return np.stack([np.rot90(image, int(turn)) for image, turn in zip(images, turns, strict=True)])


def put_back(images: np.ndarray, places: np.ndarray, gap: int) -> np.ndarray:
    """Lay the tiles of shuffled pictures where somebody says that they belong.

    Args:
        images: (n, S, S, 3) uint8 of `deal_jigsaws`.
        places: (n, 9), each a permutation: where the tile that lies at each place goes.
        gap: pixels between two tiles.

    Raises:
        PuzzleError: a place is missing or taken twice, or the pictures are too small for tiles.
    """
    import torch

    from backends.pretext.puzzles import cut_tiles, lay_tiles, shuffle

    _check_places(places, len(images))
    tiles = cut_tiles(_floats(images, images.shape[1]), gap)
    back = shuffle(tiles, torch.from_numpy(np.argsort(places, axis=1)))
    return _bytes(lay_tiles(back, images.shape[1], gap, PAPER))


def best_places(probabilities: np.ndarray) -> np.ndarray:
    """The most probable way to lay all tiles, each place once (Kuhn, 1955): (n, 9, 9) to (n, 9) int64.

    Args:
        probabilities: of `FrozenJigsaw.answer`.
    """
    from scipy.optimize import linear_sum_assignment

    scores = np.log(np.maximum(probabilities, 1e-12))
    found = [linear_sum_assignment(-each)[1] for each in scores]
    return np.stack(found).astype(np.int64) if found else np.zeros((0, TILES), np.int64)


def _check_places(places: np.ndarray, count: int) -> None:
    from backends.pretext.puzzles import PuzzleError

    if places.shape != (count, TILES) or not (np.sort(places, axis=1) == np.arange(TILES)).all():
        raise PuzzleError(f"Each of the {TILES} places takes exactly one tile.")


def _floats(images: np.ndarray, size: int) -> torch.Tensor:
    from backends.analysis.prober import as_tensor
    from backends.pretext.puzzles import check_pictures

    return as_tensor(check_pictures(images, size), "cpu").float() / 255


def _bytes(pixels: torch.Tensor) -> np.ndarray:
    made: np.ndarray = (pixels.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    return made


def _generator(seed: int) -> torch.Generator:
    import torch

    return torch.Generator().manual_seed(seed)
