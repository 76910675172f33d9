"""Pictures of a recording: a few side by side, what the net may not see greyed out or painted, as data URLs."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Literal

import numpy as np

from backends.recordings.recording import MAX_FRAMES, Frame, Pictures

SHOWN_PICTURES = 4
MASK_COLOUR = (201, 198, 244)
"""Where a net sees nothing: a colour that no light on an apple has."""
QUALITY = 90
"""Of the frames, which are WebP."""
EARLY = 1.6
"""Frames are denser at the start, where most changes: the share of the run that is over, to one over this power."""

Painted = tuple[float, int, np.ndarray]
"""Seconds, step, and (K, S, S, 3) uint8 pictures as the net paints them then."""


def pack(whole: np.ndarray, hidden: np.ndarray, painted: Sequence[Painted]) -> Pictures:
    """Pack the first few pictures, and of what was painted as many frames as a recording may have.

    Args:
        whole: (K, S, S, 3) uint8.
        hidden: (K, S, S) bool, True where the net may not see.
        painted: in the order of time, at least one; what the net may see is copied in.
    """
    whole, hidden = whole[:SHOWN_PICTURES], hidden[:SHOWN_PICTURES]
    seen = np.where(hidden[..., None], np.array(MASK_COLOUR, np.uint8), whole)
    frames = []
    for i in _spread(len(painted), MAX_FRAMES):
        seconds, step, pixels = painted[i]
        shown = np.where(hidden[..., None], pixels[:SHOWN_PICTURES], whole)
        frames.append(Frame(seconds=round(seconds, 2), steps=step, src=_sheet(shown, "WEBP")))
    return Pictures(count=len(whole), seen=_sheet(seen, "PNG"), whole=_sheet(whole, "PNG"), frames=tuple(frames))


def _sheet(pictures: np.ndarray, kind: Literal["PNG", "WEBP"]) -> str:
    """(K, S, S, 3) uint8 side by side as a data URL."""
    from PIL import Image

    buffer = io.BytesIO()
    options = {"quality": QUALITY} if kind == "WEBP" else {"optimize": True}
    Image.fromarray(np.ascontiguousarray(np.concatenate(list(pictures), axis=1))).save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _spread(count: int, most: int) -> list[int]:
    """At most so many of `count` places, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(share * (count - 1)) for share in np.linspace(0, 1, most) ** EARLY})
