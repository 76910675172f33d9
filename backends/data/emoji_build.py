"""Make the emoji sprites that the project ships: `python -m backends.data.emoji_build --packages node_modules`.

`npm install @iconify-json/noto @iconify-json/twemoji @iconify-json/fluent-emoji-flat @iconify-json/openmoji` brings the
drawings as SVG; `resvg_py` (requirements-dev.txt) turns them into pixels. Nothing of this is needed to run the app.
"""

from __future__ import annotations

import argparse
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends.data import emoji
from backends.engine.checkpoints import write_text

COLUMNS = 40
"""Sprites in a row of a sheet."""


@dataclass(frozen=True)
class Package:
    """One artist's icon set in iconify's JSON format."""

    artist: emoji.Artist
    icons: dict[str, Any]
    categories: dict[str, str]

    @property
    def keys(self) -> set[str]:
        """Of every icon, other names of the same drawing included."""
        return {*self.icons["icons"], *self.icons.get("aliases", {})}


ARTISTS = (
    ("noto", "Noto", "Apache-2.0", "Google", "https://github.com/googlefonts/noto-emoji"),
    ("twemoji", "Twemoji", "CC BY 4.0", "Twitter and other contributors", "https://github.com/jdecked/twemoji"),
    ("fluent-emoji-flat", "Fluent Flat", "MIT", "Microsoft", "https://github.com/microsoft/fluentui-emoji"),
    ("openmoji", "OpenMoji", "CC BY-SA 4.0", "the OpenMoji project", "https://openmoji.org"),
)
"""Package, name, licence, author and address of the drawings."""


def build(packages: Path, folder: Path) -> list[Path]:
    """Rasterise the drawings that all artists share and write a sheet for each, the list of concepts and the licences.

    The same packages give the same bytes.

    Args:
        packages: a node_modules folder with the four icon sets.
        folder: where the files go; made if missing.

    Returns:
        The files written.

    Raises:
        FileNotFoundError: an icon set is missing.
    """
    sets = [_read_package(packages / "@iconify-json" / package, *about) for package, *about in ARTISTS]
    keys = sorted(set.intersection(*(icon_set.keys for icon_set in sets)))
    sprites = [np.stack([rasterise(svg_of(icon_set.icons, key), emoji.SIZE) for key in keys]) for icon_set in sets]
    groups = groups_of(sprites)
    category_names = list(emoji.CATEGORIES)
    content = {
        "made_by": "python -m backends.data.emoji_build",
        "size": emoji.SIZE,
        "columns": COLUMNS,
        "artists": [asdict(icon_set.artist) for icon_set in sets],
        "categories": category_names,
        "concepts": [
            [concept_name(key), category_names.index(category_of(key, sets)), group]
            for key, group in zip(keys, groups, strict=True)
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for icon_set, drawings in zip(sets, sprites, strict=True):
        written.append(folder / icon_set.artist.sheet)
        written[-1].write_bytes(_sheet(drawings))
    for name, text in (("emoji.json", _as_json(content)), ("LICENCES.md", _licences(sets))):
        written.append(write_text(folder / name, text))
    return written


def concept_name(key: str) -> str:
    """Say an icon's key in words: "red-apple" is "red apple"."""
    return key.replace("-", " ")


def category_of(key: str, sets: Sequence[Package]) -> str:
    """Return the category that most artists' packages give; where they are even, the first artist's.

    Raises:
        ValueError: no package knows a category.
    """
    votes = Counter(icon_set.categories[key] for icon_set in sets if key in icon_set.categories)
    if not votes:
        raise ValueError(f"No package tells the category of {key}.")
    return votes.most_common(1)[0][0]


def groups_of(sprites: Sequence[np.ndarray]) -> list[int]:
    """Return for each concept the first one that it shares a drawing with, directly or through others.

    Args:
        sprites: (N, S, S, 4) uint8 of each artist.
    """
    groups = list(range(len(sprites[0])))
    for drawings in sprites:
        first: dict[bytes, int] = {}
        for concept, drawing in enumerate(drawings):
            merged = {groups[first.setdefault(drawing.tobytes(), concept)], groups[concept]}
            if len(merged) > 1:
                groups = [min(merged) if group in merged else group for group in groups]
    return groups


def svg_of(icons: Mapping[str, Any], key: str) -> str:
    """Return an icon as a document of its own, mirrored or turned where the package says so."""
    default = {side: icons[side] for side in ("left", "top", "width", "height") if side in icons}
    icon, changes = _resolve(icons, key)
    left, top, width, height = ({"left": 0, "top": 0, **default, **icon}[s] for s in ("left", "top", "width", "height"))
    body = icon["body"]
    centre_x, centre_y = left + width / 2, top + height / 2
    for change in reversed(changes):
        if change.get("hFlip") or change.get("vFlip"):
            x, y = (-1 if change.get(flip) else 1 for flip in ("hFlip", "vFlip"))
            shift = f"translate({centre_x} {centre_y}) scale({x} {y}) translate({-centre_x} {-centre_y})"
            body = f'<g transform="{shift}">{body}</g>'
        if change.get("rotate"):
            body = f'<g transform="rotate({90 * change["rotate"]} {centre_x} {centre_y})">{body}</g>'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{left} {top} {width} {height}">{body}</svg>'
    )


def rasterise(svg: str, size: int) -> np.ndarray:
    """Draw a document into a square: (size, size, 4) uint8, colours not multiplied by alpha, black where it is 0."""
    import resvg_py
    from PIL import Image

    document = svg.replace("<svg ", f'<svg width="{size}" height="{size}" ', 1)
    png = bytes(resvg_py.svg_to_bytes(svg_string=document, width=size, height=size, skip_system_fonts=True))
    pixels = np.array(Image.open(io.BytesIO(png), formats=["PNG"]).convert("RGBA"))
    pixels[pixels[..., 3] == 0] = 0
    return pixels


def _read_package(folder: Path, name: str, licence: str, author: str, url: str) -> Package:
    def read(file: str) -> dict[str, Any]:
        return json.loads((folder / file).read_text(encoding="utf-8"))

    version = read("package.json")["version"]
    sheet = f"{name.lower().replace(' ', '_')}.webp"
    artist = emoji.Artist(name, licence, author, url, f"@iconify-json/{folder.name}", version, sheet)
    icons = read("icons.json")
    categories = {
        key: category
        for said, members in read("metadata.json").get("categories", {}).items()
        if (category := _category_names().get(_letters(said)))
        for key in members
    }
    for key in icons.get("aliases", {}):
        parent = icons["aliases"][key]["parent"]
        if key not in categories and parent in categories:
            categories[key] = categories[parent]
    return Package(artist, icons, categories)


def _category_names() -> dict[str, str]:
    """The categories by their letters alone: one package writes "Food & Drink", another "Food Drink"."""
    return {_letters(category): category for category in emoji.CATEGORIES}


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalpha())


def _resolve(icons: Mapping[str, Any], key: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Follow an alias to its drawing: the icon, and what the aliases on the way change, outermost first."""
    changes: list[dict[str, Any]] = []
    while key not in icons["icons"]:
        changes.append(icons["aliases"][key])
        key = changes[-1]["parent"]
    return icons["icons"][key], changes


def _sheet(sprites: np.ndarray) -> bytes:
    """Pack (N, S, S, 4) sprites into one lossless picture, row by row."""
    from PIL import Image

    rows = -(-len(sprites) // COLUMNS)
    size = sprites.shape[1]
    filled = np.zeros((rows * COLUMNS, size, size, 4), np.uint8)
    filled[: len(sprites)] = sprites
    sheet = filled.reshape(rows, COLUMNS, size, size, 4).swapaxes(1, 2).reshape(rows * size, COLUMNS * size, 4)
    packed = io.BytesIO()
    Image.fromarray(sheet).save(packed, "WEBP", lossless=True, quality=100, method=6)
    return packed.getvalue()


def _as_json(content: Mapping[str, Any]) -> str:
    """One concept a line, so that a change of the packages can be read."""
    head = json.dumps({name: value for name, value in content.items() if name != "concepts"}, indent=1)
    concepts = ",\n  ".join(json.dumps(concept) for concept in content["concepts"])
    return f'{head[:-2]},\n "concepts": [\n  {concepts}\n ]\n}}\n'


_PERMISSIONS = {
    "Noto": """Copyright 2013 Google, Inc. All Rights Reserved.

Licensed under the Apache License, Version 2.0: <https://www.apache.org/licenses/LICENSE-2.0>. A copy is the file
LICENSE at the root of this repository. The drawings come without warranties or conditions of any kind.""",
    "Twemoji": """Copyright Twitter, Inc and other contributors.

Licensed under Creative Commons Attribution 4.0 International (CC BY 4.0):
<https://creativecommons.org/licenses/by/4.0/>. The drawings come without warranties.""",
    "Fluent Flat": """MIT License

Copyright (c) Microsoft Corporation.

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.""",
    "OpenMoji": """All emojis designed by OpenMoji, the open-source emoji and icon project: <https://openmoji.org>.

Licensed under Creative Commons Attribution-ShareAlike 4.0 International (CC BY-SA 4.0):
<https://creativecommons.org/licenses/by-sa/4.0/>. The sheet is an adaptation and is under the same licence. The
drawings come without warranties.""",
}


def _licences(sets: Sequence[Package]) -> str:
    """What each artist's licence asks to be said."""
    said = [
        "# Licences of the emoji",
        "The sheets in this folder hold drawings by others; each is under its artist's licence, not under that of\n"
        "this repository. What was changed: the drawings of the concepts that all four artists share were rasterised\n"
        f"from SVG to {emoji.SIZE} × {emoji.SIZE} pixels and packed into one sheet per artist by\n"
        "`python -m backends.data.emoji_build`. The names of the concepts and their categories in emoji.json come\n"
        "from the same packages.",
    ]
    for icon_set in sets:
        artist = icon_set.artist
        said.append(f"## {artist.name} ({artist.licence}): {artist.sheet}")
        said.append(
            f"Drawn by {artist.author}, <{artist.url}>;\ntaken from the npm package {artist.package} {artist.version}."
        )
        said.append(_PERMISSIONS[artist.name])
    return "\n\n".join(said) + "\n"


def main() -> None:
    """Build the sprites where the app looks for them."""
    parser = argparse.ArgumentParser(prog="python -m backends.data.emoji_build", description=__doc__)
    parser.add_argument("--packages", type=Path, required=True, help="the node_modules folder with the icon sets")
    parser.add_argument("--out", type=Path, default=emoji.FOLDER, help="where the files go")
    options = parser.parse_args()
    for path in build(options.packages, options.out):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
