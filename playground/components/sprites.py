"""Pictures for the page: many as one sheet of cells (a sprite), or one by itself, each as a data URL.

Both are WebP at quality 85: of 600 rendered 48-pixel pictures it makes about a tenth of what PNG does.
"""

from __future__ import annotations

import base64
import io
import math
from typing import Any

import numpy as np

QUALITY = 85
MAX_SIDE = 16_383
"""WebP's limit, in pixels."""


def sprite_of(images: np.ndarray, columns: int | None = None) -> dict[str, Any]:
    """Lay pictures into one sheet, row after row.

    Args:
        images: (n, S, S, 3) uint8, sRGB. Where S is a multiple of 16 the compression mixes no two cells.
        columns: pictures in a row; None makes the sheet about square.

    Returns:
        {"src": data URL, "tile": S, "columns": columns}, as `embedding_explorer.pack_items` takes it.

    Raises:
        ValueError: the array is none of pictures, or the sheet would be larger than WebP allows.
    """
    count, tile = _checked(images, 4)
    columns = max(1, math.ceil(math.sqrt(count))) if columns is None else columns
    if columns < 1:
        raise ValueError(f"A sheet has {columns} columns; it needs at least one.")
    rows = max(1, -(-count // columns))
    if max(rows, columns) * tile > MAX_SIDE:
        raise ValueError(f"{count} pictures of {tile} pixels in {columns} columns are too many for one sheet.")
    cells = np.full((rows * columns, tile, tile, 3), 255, np.uint8)
    cells[:count] = images
    sheet = cells.reshape(rows, columns, tile, tile, 3).transpose(0, 2, 1, 3, 4).reshape(rows * tile, columns * tile, 3)
    return {"src": _webp(sheet), "tile": tile, "columns": columns}


def data_url(image: np.ndarray) -> str:
    """Encode one (S, S, 3) uint8 picture, for an `src`.

    Raises:
        ValueError: the array is no picture.
    """
    _checked(image, 3)
    return _webp(image)


def exact_url(image: np.ndarray) -> str:
    """Encode one (H, W, 3) uint8 picture without loss, for an `src`: of small ones that are shown pixel by pixel.

    Raises:
        ValueError: the array is no picture.
    """
    from PIL import Image

    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"A picture is a uint8 array of three colours, not {image.dtype} of shape {image.shape}.")
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _checked(images: np.ndarray, dimensions: int) -> tuple[int, int]:
    """Return how many pictures there are and their side, or refuse."""
    shape = images.shape
    square = len(shape) == dimensions and shape[-3] == shape[-2] and 1 <= shape[-2] <= MAX_SIDE and shape[-1] == 3
    if images.dtype != np.uint8 or not square:
        raise ValueError(f"Pictures are square uint8 arrays of three colours, not {images.dtype} of shape {shape}.")
    return shape[0], shape[-2]


def _webp(pixels: np.ndarray) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "WEBP", quality=QUALITY, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
