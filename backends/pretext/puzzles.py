"""The puzzles: quarter turns, holes and tiles, for whole batches on whatever device they are on.

Pictures are (B, 3, S, S) tensors, bytes or floats in [0, 1]. All chance comes from the generator that is handed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from backends.pretext.config import MIN_TILE, TILES, TILES_A_SIDE, TURNS

Hole = Literal["centre", "random", "blocks"]
TileColour = Literal["kept", "grey", "shifted"]
UNSEEN = (201 / 255, 198 / 255, 244 / 255)
"""The colour of holes, which no light on a picture has; the masked autoencoder's page has the same."""
STRETCH = 1.5
"""A hole anywhere is up to so many times longer than wide, or wider than long."""
BLOCKS = 5
"""Squares of the hole of several."""
BLANK_SPREAD = 0.02
"""Standard deviation of a tile's pixels in [0, 1] up to which it is blank: paper, or a background's soft light."""
TINT = 0.25
"""Either way, what is added to each colour of a tile in [0, 1] where tiles get a tint of their own."""
LUMA = (0.299, 0.587, 0.114)
"""Of red, green and blue in grey (ITU-R BT.601)."""
BRIGHT, DARK = 1.15, 0.6
"""What light from above does to the first and to the last row of a picture: factors on its brightness."""
LABEL = (
    "#######",
    "#.....#",
    "#.###.#",
    "#.#...#",
    "#.##..#",
    "#.#...#",
    "#.#...#",
    "#.....#",
    "#######",
)
"""A printed F, which looks different from all four sides: # is ink, . is paper."""
LABEL_MARGIN = 1
LABEL_SIDE = 32
"""Pixels of a picture in which the label is drawn as it stands; in larger ones it is enlarged."""


class PuzzleError(ValueError):
    """There is no such puzzle. The message is one sentence that says what would do."""


# Pictures


def check_pictures(images: np.ndarray, size: int) -> np.ndarray:
    """Return pictures that a net of this size takes, as they are, or refuse them.

    Args:
        images: (n, S, S, 3) uint8.
        size: S in pixels.

    Raises:
        PuzzleError: another shape (not square, another size) or another type, NaN's included.
    """
    if images.ndim != 4 or images.shape[3] != 3:
        raise PuzzleError(f"Pictures must be (n, {size}, {size}, 3), not {images.shape}.")
    height, width = images.shape[1:3]
    if height != width:
        raise PuzzleError(f"A picture is {width} × {height} pixels; bring square ones of {size} × {size}.")
    if height != size:
        raise PuzzleError(f"Pictures have {height} pixels a side; this net takes {size}.")
    if images.dtype != np.uint8:
        raise PuzzleError(f"Pictures must be bytes from 0 to 255 (uint8), not {images.dtype}.")
    return images


def light_from_above(images: Tensor) -> Tensor:
    """Light (B, 3, S, S) pictures in [0, 1] from above: brighter at the top, darker towards the bottom."""
    rows = torch.linspace(BRIGHT, DARK, images.shape[-2], device=images.device)
    return (images * rows[:, None]).clamp(0, 1)


def print_label(images: Tensor) -> Tensor:
    """Print a small label upright into the lower right corner of (B, 3, S, S) pictures in [0, 1].

    Raises:
        PuzzleError: the pictures are smaller than the label.
    """
    times, side = max(1, images.shape[-1] // LABEL_SIDE), images.shape[-1]
    paper = torch.tensor([[mark == "." for mark in line] for line in LABEL], dtype=torch.float32, device=images.device)
    label = paper.repeat_interleave(times, 0).repeat_interleave(times, 1)
    height, width = (length + LABEL_MARGIN for length in label.shape)
    if max(height, width) > side:
        raise PuzzleError(f"A picture of {side} pixels is smaller than the label of {height}; bring a larger one.")
    printed = images.clone()
    printed[..., side - height : side - LABEL_MARGIN, side - width : side - LABEL_MARGIN] = label
    return printed


# Turns


def draw_turns(count: int, generator: torch.Generator) -> Tensor:
    """(count,) int64 quarter turns from 0 to 3, each as likely."""
    return torch.randint(TURNS, (count,), generator=generator, device=generator.device)


def rotate(images: Tensor, turns: Tensor) -> Tensor:
    """Turn each picture counter-clockwise by its number of quarter turns.

    Args:
        images: (B, C, S, S).
        turns: (B,) int64, 0 to 3.

    Raises:
        PuzzleError: the pictures are not square, or a number is not one of 0 to 3.
    """
    if images.shape[-1] != images.shape[-2]:
        raise PuzzleError(
            f"A picture of {images.shape[-1]} × {images.shape[-2]} pixels would change its shape when turned; bring "
            "square ones."
        )
    if turns.numel() and not 0 <= int(turns.min()) <= int(turns.max()) < TURNS:
        raise PuzzleError("Pictures are turned by 0, 1, 2 or 3 quarters.")
    turned = images.clone()
    for quarter in range(1, TURNS):
        chosen = (turns == quarter).nonzero()[:, 0]
        turned[chosen] = images[chosen].rot90(quarter, (-2, -1))
    return turned


def all_turns(images: Tensor) -> Tensor:
    """(B, C, S, S) to (B, 4, C, S, S): each picture by 0, 90, 180 and 270 degrees counter-clockwise."""
    return torch.stack([images.rot90(quarter, (-2, -1)) for quarter in range(TURNS)], dim=1)


# Holes


def draw_holes(kind: Hole, share: float, size: int, count: int, generator: torch.Generator) -> Tensor:
    """Draw a hole in each of some pictures: (count, size, size) bool, True where the model may not see.

    Args:
        kind: "centre", a square in the middle; "random", a rectangle anywhere; "blocks", some small squares, which may
            overlap, so that less than the share is cut out.
        share: of the picture's area, above 0 and below 1.
        size: side of the pictures in pixels.
        count: how many pictures.
        generator: what to draw from; the holes are on its device.

    Raises:
        PuzzleError: the share is out of its range, NaN included, or the kind is unknown.
    """
    if not 0 < share < 1:
        raise PuzzleError(f"The hole's share is {share}; it must be above 0 and below 1.")
    if kind == "centre":
        side = _pixels(share**0.5 * size, size)
        start = torch.full((count, 1), (size - side) // 2, device=generator.device)
        return _rectangles(start, start, torch.full_like(start, side), torch.full_like(start, side), size)
    if kind == "random":
        stretch = STRETCH ** _uniform(count, 1, generator, -0.5, 0.5)
        sides = (share**0.5 * size * stretch, share**0.5 * size / stretch)
        high, wide = (side.round().long().clamp(1, size) for side in sides)
        high = torch.where((high == size) & (wide == size), size - 1, high)
        return _anywhere(high, wide, size, generator)
    if kind == "blocks":
        length = max(1, int((share / BLOCKS) ** 0.5 * size))  # rounded down: together they never cover everything
        side = torch.full((count, BLOCKS), length, device=generator.device)
        return _anywhere(side, side, size, generator)
    raise PuzzleError(f"The hole is {kind}; choose centre, random or blocks.")


def hole_of_cells(cells: Iterable[tuple[int, int]], side: int, size: int) -> np.ndarray:
    """The hole that a visitor clicked: (size, size) bool, True where the model may not see.

    Args:
        cells: (row, column) of each clicked cell, from 0.
        side: cells side by side; they are as equal as whole pixels allow.
        size: side of the picture in pixels.

    Raises:
        PuzzleError: a cell is outside of the grid, or the hole is nothing or everything.
    """
    if not 1 <= side <= size:
        raise PuzzleError(f"A picture of {size} pixels can't be cut into {side} × {side} cells.")
    clicked = np.zeros((side, side), bool)
    for row, column in cells:
        if not (0 <= row < side and 0 <= column < side):
            raise PuzzleError(f"There is no cell {row}, {column}; rows and columns run from 0 to {side - 1}.")
        clicked[row, column] = True
    place = np.arange(size) * side // size
    return check_holes(clicked[place][:, place])


def check_holes(holes: np.ndarray) -> np.ndarray:
    """Return holes as they are: (S, S) or (n, S, S) bool, True where the model may not see.

    Raises:
        PuzzleError: they are not bool, or one of them is nothing or everything.
    """
    if holes.dtype != bool or holes.ndim not in (2, 3) or holes.shape[-1] != holes.shape[-2]:
        raise PuzzleError(f"Holes must be (S, S) or (n, S, S) bool, not {holes.shape} {holes.dtype}.")
    if not holes.any(axis=(-2, -1)).all():
        raise PuzzleError("There is no hole yet: click the cells that shall be cut out.")
    if holes.all(axis=(-2, -1)).any():
        raise PuzzleError("The hole is everything, so nothing is left to go by: leave at least one cell.")
    return holes


def cut_out(images: Tensor, holes: Tensor) -> Tensor:
    """(B, 3, S, S) pictures in [0, 1] with the colour `UNSEEN` wherever (B, S, S) holes are True."""
    colour = images.new_tensor(UNSEEN)[:, None, None]
    return torch.where(holes[:, None], colour, images)


def fill_with_border_mean(images: Tensor, holes: Tensor) -> Tensor:
    """The guess to beat: fill each hole with the mean colour of the pixels around it.

    Holes that touch each other, corners left out, are one; around it are the visible pixels that touch it, corners
    included.

    Args:
        images: (B, 3, S, S) in [0, 1].
        holes: (B, S, S) bool.

    Returns:
        (B, 3, S, S), the pictures themselves outside of the holes. Where all is hole, the middle grey.
    """
    from scipy import ndimage

    around = np.ones((3, 3), bool)
    pixels, cut = images.float().permute(0, 2, 3, 1).cpu().numpy(), holes.cpu().numpy()
    filled = pixels.copy()
    for picture, hole, target in zip(pixels, cut, filled, strict=True):
        parts, count = ndimage.label(hole)
        for part in range(1, count + 1):
            inside = parts == part
            border = ndimage.binary_dilation(inside, around) & ~hole
            target[inside] = picture[border].mean(axis=0) if border.any() else 0.5
    return torch.from_numpy(filled).permute(0, 3, 1, 2).to(images.device)


def _pixels(length: float, size: int) -> int:
    """A length in whole pixels: at least one, and less than the picture's side."""
    return min(size - 1, max(1, round(length)))


def _uniform(rows: int, columns: int, generator: torch.Generator, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand((rows, columns), generator=generator, device=generator.device)


def _anywhere(high: Tensor, wide: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Rectangles of these sides, (B, K) each, at places where they are whole."""
    top, left = (
        (torch.rand(side.shape, generator=generator, device=generator.device) * (size - side + 1)).long()
        for side in (high, wide)
    )
    return _rectangles(top, left, high, wide, size)


def _rectangles(top: Tensor, left: Tensor, high: Tensor, wide: Tensor, size: int) -> Tensor:
    """(B, K) corners and sides to (B, size, size) bool."""
    places = torch.arange(size, device=top.device)
    rows = (places >= top[:, :, None]) & (places < (top + high)[:, :, None])  # (B, K, S)
    columns = (places >= left[:, :, None]) & (places < (left + wide)[:, :, None])
    return (rows[:, :, :, None] & columns[:, :, None, :]).any(dim=1)


# Tiles


def tile_side(size: int, gap: int) -> int:
    """Side of the tiles of a picture of `size` pixels with `gap` pixels cut away between two of them.

    Raises:
        PuzzleError: the picture is too small for such tiles, or the gap is negative.
    """
    side = size // TILES_A_SIDE - gap
    if gap < 0 or side < MIN_TILE:
        raise PuzzleError(
            f"A picture of {size} pixels is too small for {TILES_A_SIDE} × {TILES_A_SIDE} tiles with gaps of {gap}: "
            f"tiles have at least {MIN_TILE} pixels a side, gaps at least 0."
        )
    return side


def cut_tiles(images: Tensor, gap: int) -> Tensor:
    """(B, C, S, S) to (B, 9, C, T, T) tiles, row by row.

    The picture is cut into 3 × 3 cells, what is left over stays at its border; half a gap is cut off each side of a
    cell.

    Raises:
        PuzzleError: as of `tile_side`.
    """
    side, first = tile_side(images.shape[-1], gap), _first(images.shape[-1], gap)
    cell = side + gap
    span = cell * TILES_A_SIDE - gap
    inner = images[..., first : first + span, first : first + span]
    tiles = inner.unfold(-2, side, cell).unfold(-2, side, cell)  # (B, C, 3, 3, T, T)
    return tiles.permute(0, 2, 3, 1, 4, 5).flatten(1, 2).contiguous()


def lay_tiles(tiles: Tensor, size: int, gap: int, paper: Tensor) -> Tensor:
    """Put (B, 9, C, T, T) tiles into their cells, in the order in which they come: (B, C, size, size).

    Args:
        tiles: of `cut_tiles`.
        size: side of the pictures in pixels.
        gap: pixels between two tiles.
        paper: (B, C, size, size) or a number: what is seen in the gaps and at the border.
    """
    laid = torch.zeros(len(tiles), tiles.shape[2], size, size, dtype=tiles.dtype, device=tiles.device)
    laid += paper
    side, first = tile_side(size, gap), _first(size, gap)
    for place in range(TILES):
        row, column = (first + (side + gap) * part for part in divmod(place, TILES_A_SIDE))
        laid[..., row : row + side, column : column + side] = tiles[:, place]
    return laid


def draw_permutations(count: int, generator: torch.Generator) -> Tensor:
    """(count, 9) int64: row by row which tile lies at each place."""
    return torch.rand((count, TILES), generator=generator, device=generator.device).argsort(dim=1)


def shuffle(tiles: Tensor, order: Tensor) -> Tensor:
    """(B, 9, ...) tiles so that at place i lies the tile that belongs to order[:, i]."""
    return tiles[torch.arange(len(tiles), device=tiles.device)[:, None], order]


def blank_tiles(tiles: Tensor) -> Tensor:
    """(B, 9, 3, T, T) in [0, 1] to (B, 9) bool: tiles of one colour, of which nobody can say where they belong."""
    return tiles.flatten(3).std(dim=3, correction=0).amax(dim=2) <= BLANK_SPREAD


def recolour_tiles(tiles: Tensor, colour: TileColour, generator: torch.Generator) -> Tensor:
    """What is left of the colours of (B, 9, 3, T, T) tiles in [0, 1].

    Args:
        tiles: as cut.
        colour: "kept"; "grey"; "shifted": each tile's red, green and blue are moved by up to `TINT`, each on its own.
        generator: what tints are drawn from.

    Raises:
        PuzzleError: the kind is unknown.
    """
    if colour == "kept":
        return tiles
    if colour == "grey":
        weights = tiles.new_tensor(LUMA)[:, None, None]
        return (tiles * weights).sum(dim=2, keepdim=True).expand_as(tiles)
    if colour == "shifted":
        drawn = torch.rand((*tiles.shape[:3], 1, 1), generator=generator, device=generator.device)
        return (tiles + TINT * (2 * drawn - 1)).clamp(0, 1)
    raise PuzzleError(f"The colour of the tiles is {colour}; choose kept, grey or shifted.")


def _first(size: int, gap: int) -> int:
    """Where the first tile begins."""
    return (size - (size // TILES_A_SIDE) * TILES_A_SIDE) // 2 + gap // 2
