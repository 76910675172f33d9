"""Emoji: every concept that four artists drew, so that one idea comes in four styles.

The sprites lie in assets/emoji; backends/data/emoji_build.py makes them, LICENCES.md beside them says what each
artist's licence asks for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from backends.data.pictures import Factor, PictureError, PictureSet, resize

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "emoji"
SIZE = 64
"""Side of the sprites in pixels."""
MIN_SIZE, MAX_SIZE = 8, 256
"""Sides in pixels at which the pictures can be had."""
WHITE = 255
CATEGORIES = (
    "Smileys & Emotion",
    "People & Body",
    "Animals & Nature",
    "Food & Drink",
    "Travel & Places",
    "Activities",
    "Objects",
    "Symbols",
    "Flags",
)
"""Unicode's groups of emoji, in its order."""


@dataclass(frozen=True)
class Artist:
    """Who drew a set of emoji, under which licence, and which file holds them."""

    name: str
    licence: str
    author: str
    url: str
    package: str
    version: str
    sheet: str


@dataclass(frozen=True)
class Index:
    """What the sprites show, in their order.

    Attributes:
        concepts: (C,) names, in words.
        categories: names.
        category_idx: (C,) int64.
        group_idx: (C,) int64; equal where an artist drew two concepts alike ("cook" and "man cook"): the first of them.
        artists: in the order of the factor `artist`.
        columns: sprites in a row of a sheet.
    """

    concepts: tuple[str, ...]
    categories: tuple[str, ...]
    category_idx: np.ndarray
    group_idx: np.ndarray
    artists: tuple[Artist, ...]
    columns: int

    @property
    def artist_names(self) -> tuple[str, ...]:
        """Their names, as in "Noto"."""
        return tuple(artist.name for artist in self.artists)


@lru_cache(maxsize=1)
def load_index() -> Index:
    """Read which concepts there are, their categories, and who drew them."""
    content = json.loads((FOLDER / "emoji.json").read_text(encoding="utf-8"))
    names, category_idx, group_idx = zip(*content["concepts"], strict=True)
    return Index(
        concepts=names,
        categories=tuple(content["categories"]),
        category_idx=_frozen(np.array(category_idx, np.int64)),
        group_idx=_frozen(np.array(group_idx, np.int64)),
        artists=tuple(Artist(**artist) for artist in content["artists"]),
        columns=content["columns"],
    )


@lru_cache(maxsize=4)
def load_sprites(artist: str) -> np.ndarray:
    """Return an artist's drawings of all concepts: (1567, 64, 64, 4) uint8 RGBA, not multiplied by alpha, read-only.

    Args:
        artist: name, as in `load_index().artist_names`.

    Raises:
        PictureError: there is no such artist.
    """
    from PIL import Image

    index = load_index()
    sheet = index.artists[_artist_idx(index, artist)].sheet
    with Image.open(FOLDER / sheet, formats=["WEBP", "PNG"]) as picture:
        pixels = np.asarray(picture.convert("RGBA"))
    rows = pixels.shape[0] // SIZE
    grid = pixels.reshape(rows, SIZE, index.columns, SIZE, 4).swapaxes(1, 2)
    return _frozen(np.ascontiguousarray(grid).reshape(-1, SIZE, SIZE, 4)[: len(index.concepts)])


def load_emoji(size: int = SIZE, artists: Sequence[str] | None = None, background: int = WHITE) -> PictureSet:
    """Return the emoji on a plain background, one concept's drawings side by side. Cached; the images are read-only.

    Factors are `category` and `artist`. A group is a concept, so that a split keeps all drawings of it on one side;
    concepts that an artist drew alike make one group.

    Args:
        size: side in pixels, 8 to 256; the sprites have 64 and are averaged by area downwards.
        artists: names, to keep only these; None for all four.
        background: grey level from 0 (black) to 255 (white).

    Raises:
        PictureError: there is no such artist, or a number is out of its range.
    """
    index = load_index()
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise PictureError(f"Emoji can be had with {MIN_SIZE} to {MAX_SIZE} pixels a side, not {size}.")
    if not 0 <= background <= WHITE:
        raise PictureError(f"The background is a grey level from 0 to {WHITE}, not {background}.")
    wanted = range(len(index.artists)) if artists is None else {_artist_idx(index, name) for name in artists}
    if not wanted:
        raise PictureError(f"Choose at least one artist of {', '.join(index.artist_names)}.")
    return _load_emoji(int(size), tuple(sorted(wanted)), int(background))


def licence_line(artists: Sequence[Artist]) -> str:
    """Say under which licence each artist's drawings are, in one line."""
    return "; ".join(f"{artist.name}: {artist.licence}" for artist in artists)


@lru_cache(maxsize=4)
def _load_emoji(size: int, chosen: tuple[int, ...], background: int) -> PictureSet:
    index = load_index()
    artists = [index.artists[idx] for idx in chosen]
    concept_idx = np.repeat(np.arange(len(index.concepts)), len(chosen))
    artist_idx = np.tile(np.arange(len(chosen)), len(index.concepts))
    images = np.empty((len(concept_idx), size, size, 3), np.uint8)
    for position, artist in enumerate(artists):
        images[position :: len(chosen)] = _sized(composite(load_sprites(artist.name), background), size)

    artist_names = tuple(artists[idx].name for idx in artist_idx)
    factors = (
        Factor("category", "Category", index.categories, _frozen(index.category_idx[concept_idx])),
        Factor("artist", "Artist", tuple(artist.name for artist in artists), _frozen(artist_idx)),
    )
    return PictureSet(
        name="emoji",
        images=_frozen(images),
        factors={factor.name: factor for factor in factors},
        names=tuple(f"{concept} ({artist.name})" for concept in index.concepts for artist in artists),
        source="Drawn by "
        + "; ".join(f"{artist.author} ({artist.name} {artist.version}, {artist.url})" for artist in artists)
        + "; rasterised by this project",
        licence=licence_line(artists),
        groups=_frozen(index.group_idx[concept_idx]),
        draw=partial(_draw_some, artist_names, concept_idx, background),
    )


def _draw_some(
    artists: Sequence[str], concepts: np.ndarray, background: int, indices: np.ndarray, side: int
) -> np.ndarray:
    """Draw pictures of a set anew; of each picture, `artists` and `concepts` say whose sprite it is and which."""
    sprites = [load_sprites(artists[i])[concepts[i]] for i in indices]
    if not sprites:
        return np.empty((0, side, side, 3), np.uint8)
    return resize(composite(np.stack(sprites), background), side)


def composite(sprites: np.ndarray, background: int = WHITE) -> np.ndarray:
    """Lay (N, S, S, 4) uint8 sprites over a grey level, in sRGB as browsers do: (N, S, S, 3) uint8."""
    from PIL import Image

    count, size = sprites.shape[:2]
    column = Image.fromarray(np.ascontiguousarray(sprites).reshape(count * size, size, 4))
    ground = Image.new("RGBA", column.size, (background, background, background, WHITE))
    return np.asarray(Image.alpha_composite(ground, column).convert("RGB")).reshape(count, size, size, 3)


def _sized(images: np.ndarray, size: int) -> np.ndarray:
    """Resize (N, S, S, 3) uint8 pictures; where whole pixels become one, all in one call, which is 20 times faster."""
    from PIL import Image

    count, side = images.shape[:2]
    if side % size:
        return resize(images, size)
    column = Image.fromarray(images.reshape(count * side, side, 3))
    return np.asarray(column.reduce(side // size)).reshape(count, size, size, 3)


def _artist_idx(index: Index, name: str) -> int:
    if name not in index.artist_names:
        raise PictureError(f"There is no artist {name[:40]!r}; choose from {', '.join(index.artist_names)}.")
    return index.artist_names.index(name)


def _frozen(array: np.ndarray) -> np.ndarray:
    """Make an array that is shared by everybody read-only."""
    array.flags.writeable = False
    return array
