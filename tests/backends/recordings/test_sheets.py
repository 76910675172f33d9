"""The pictures of a recording: what is seen is copied in, what is hidden is painted."""

from __future__ import annotations

import base64
import io

import numpy as np

from backends.recordings.recording import MAX_FRAMES
from backends.recordings.sheets import MASK_COLOUR, SHOWN_PICTURES, pack

WHOLE = np.full((5, 8, 8, 3), 200, np.uint8)
HIDDEN = np.zeros((5, 8, 8), bool)
HIDDEN[:, :, :4] = True


def pixels(src: str) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(base64.b64decode(src.split(",")[1]))).convert("RGB"))


def painted(count: int) -> list[tuple[float, int, np.ndarray]]:
    return [(step / 10, step, np.full((5, 8, 8, 3), step, np.uint8)) for step in range(1, count + 1)]


def test_pictures_show_what_is_seen_copied_in_and_what_is_hidden_painted():
    pictures = pack(WHOLE, HIDDEN, painted(100))
    assert pictures.count == SHOWN_PICTURES
    seen, last = pixels(pictures.seen), pixels(pictures.frames[-1].src)
    assert seen.shape == (8, 8 * SHOWN_PICTURES, 3)
    assert tuple(seen[0, 0]) == MASK_COLOUR
    assert seen[0, 7].tolist() == [200] * 3
    assert (pixels(pictures.whole) == 200).all()
    assert abs(int(last[4, 1, 0]) - 100) <= 12
    assert abs(int(last[4, 7, 0]) - 200) <= 12


def test_frames_are_few_denser_at_the_start_and_end_with_the_last():
    frames = pack(WHOLE, HIDDEN, painted(100)).frames
    steps = [frame.steps for frame in frames]
    assert len(frames) == MAX_FRAMES
    assert (steps[0], steps[-1], frames[-1].seconds) == (1, 100, 10.0)
    assert steps[len(steps) // 2] < 45
    assert len(pack(WHOLE, HIDDEN, painted(3)).frames) == 3
