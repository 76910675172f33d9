from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from backends.data.pictures import PictureError
from playground.components.webcam import MAX_CHARACTERS, read_snapshot


def sent(data: bytes, kind: str = "jpeg") -> dict[str, str]:
    return {"picture": f"data:image/{kind};base64,{base64.b64encode(data).decode()}"}


def jpeg(colour: tuple[int, int, int] = (200, 40, 30), size: tuple[int, int] = (224, 224)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "JPEG")
    return stream.getvalue()


def test_a_snapshot_is_read_at_the_size_that_is_asked_for():
    picture = read_snapshot(sent(jpeg()), 64)
    assert picture.shape == (64, 64, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - (200, 40, 30)).max() <= 3


@pytest.mark.parametrize(
    "event_data",
    [
        None,
        [],
        {},
        {"picture": 3},
        {"picture": "data:image/svg+xml;base64,PHN2Zz4="},
        sent(jpeg(), "png"),
        {"picture": "data:image/jpeg;base64,not base64"},
        {"picture": "data:image/jpeg;base64," + "A" * MAX_CHARACTERS},
        sent(b"no picture"),
        sent(jpeg()[:400]),
        sent(b""),
    ],
)
def test_whatever_else_comes_is_refused_in_a_sentence(event_data):
    with pytest.raises(PictureError) as refusal:
        read_snapshot(event_data, 64)
    assert str(refusal.value).endswith(".")


def test_a_small_file_that_says_it_is_huge_is_not_decoded():
    stream = io.BytesIO()
    Image.new("L", (13_000, 13_000)).save(stream, "JPEG", quality=1)
    if len(stream.getvalue()) * 4 / 3 < MAX_CHARACTERS:
        with pytest.raises(PictureError):
            read_snapshot(sent(stream.getvalue()), 64)
    else:
        with pytest.raises(PictureError, match="camera"):
            read_snapshot(sent(stream.getvalue()), 64)
