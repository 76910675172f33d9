"""A picture and its reconstruction as one PNG to take home: the bench's five panels side by side."""

from __future__ import annotations

import io
import math

import numpy as np

GAP = 8
"""Pixels between two panels."""
PAPER, MASK, UNSCORED = (255, 255, 255), (201, 198, 244), (226, 232, 240)
"""Between the panels; where nothing is seen, a colour that no light on a picture has; where nothing is scored."""
STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
"""The round numbers at which the bench's colour scale ends, times a power of ten."""
NO_ERROR = 1e-30
VIRIDIS = (
    (68, 1, 84), (72, 36, 117), (65, 68, 135), (53, 95, 141), (42, 120, 142), (33, 145, 140), (34, 168, 132),
    (68, 191, 112), (122, 209, 81), (189, 223, 38), (253, 231, 37),
)  # fmt: skip
"""Matplotlib's map at eleven places, as the bench has it; what is between them is mixed."""


def panels_png(
    original: np.ndarray, painted: np.ndarray, errors: np.ndarray, hidden: np.ndarray, patch: int, side_px: int = 256
) -> bytes:
    """Draw original, masked, painted, visible patches copied in, and the error map, from left to right.

    Visible patches are not scored and grey in the error map. Its colours run from 0 to the round number above the
    largest error of a hidden patch, as on the bench. A patch whose error is no number is grey too.

    Args:
        original: (S, S, 3) uint8.
        painted: (S, S, 3) float in [0, 1], the decoder's output for every patch.
        errors: (L,) mean squared error of each patch.
        hidden: (L,) bool, True where the model may not see.
        patch: pixels a side; L is (S / patch)².
        side_px: of a panel, about: each pixel becomes a square of whole pixels, so the nearest multiple of S is taken.

    Returns:
        The PNG file: five panels wide, with `GAP` between two.

    Raises:
        ValueError: the arrays do not belong together.
    """
    side = _checked_side(original, painted, errors, hidden, patch)
    unseen = _enlarged(hidden.reshape(side, side), patch)[:, :, None]
    paint = _levels(painted)
    panels = (
        original,
        np.where(unseen, np.array(MASK, np.uint8), original),
        paint,
        np.where(unseen, paint, original),
        _enlarged(_error_colours(errors, hidden).reshape(side, side, 3), patch),
    )
    times = max(1, round(side_px / len(original)))
    return _encoded([_enlarged(panel, times) for panel in panels])


def scale_top(errors: np.ndarray, hidden: np.ndarray) -> float:
    """Where the colour scale ends: the round number at or above the largest error of a hidden patch, 1 without any."""
    scored = errors[hidden & np.isfinite(errors)]
    largest = float(scored.max(initial=0))
    if largest < NO_ERROR:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return next(times * power for times in STEPS if times * power >= largest * 0.9999)


def _checked_side(original: np.ndarray, painted: np.ndarray, errors: np.ndarray, hidden: np.ndarray, patch: int) -> int:
    """How many patches there are a side, or refuse."""
    size = len(original) if original.ndim else 0
    if size == 0 or original.shape != (size, size, 3) or original.dtype != np.uint8:
        raise ValueError(f"The picture must be (S, S, 3) uint8, not {original.shape} {original.dtype}.")
    if painted.shape != original.shape:
        raise ValueError(f"The painted picture has shape {painted.shape}, the original {original.shape}.")
    if patch < 1 or size % patch:
        raise ValueError(f"Patches of {patch} pixels do not divide a picture of {size}.")
    patches = (size // patch) ** 2
    if hidden.shape != (patches,) or hidden.dtype != bool or errors.shape != (patches,):
        raise ValueError(f"Mask and errors must be ({patches},), not {hidden.dtype} {hidden.shape} and {errors.shape}.")
    return size // patch


def _error_colours(errors: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """(L,) errors to (L, 3) uint8."""
    scored = hidden & np.isfinite(errors)
    at = np.where(scored, errors, 0) / scale_top(errors, hidden) * (len(VIRIDIS) - 1)
    table = np.array(VIRIDIS, float)
    colours = np.stack([np.interp(at, np.arange(len(table)), table[:, k]) for k in range(3)], axis=1)
    return np.where(scored[:, None], colours.round(), UNSCORED).astype(np.uint8)


def _levels(picture: np.ndarray) -> np.ndarray:
    """Floats in [0, 1] as bytes; what is no number is black."""
    return (255 * np.clip(np.nan_to_num(picture), 0, 1) + 0.5).astype(np.uint8)


def _enlarged(cells: np.ndarray, times: int) -> np.ndarray:
    """Each cell as a square of cells like it."""
    return cells.repeat(times, axis=0).repeat(times, axis=1)


def _encoded(panels: list[np.ndarray]) -> bytes:
    from PIL import Image

    side, wide = len(panels[0]), len(panels[0]) + GAP
    sheet = Image.new("RGB", (len(panels) * wide - GAP, side), PAPER)
    for k, panel in enumerate(panels):
        sheet.paste(Image.fromarray(np.ascontiguousarray(panel)), (k * wide, 0))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
