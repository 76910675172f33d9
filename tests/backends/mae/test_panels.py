"""The five panels as a picture file."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from backends.mae.panels import GAP, MASK, PAPER, UNSCORED, VIRIDIS, panels_png, scale_top

SIZE, PATCH = 8, 4
HIDDEN = np.array([True, False, False, True])
ERRORS = np.array([0.02, 0.5, 0.0, 0.01])


@pytest.fixture
def original() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 180, (SIZE, SIZE, 3)).astype(np.uint8)


@pytest.fixture
def painted() -> np.ndarray:
    return np.random.default_rng(1).uniform(0.8, 1, (SIZE, SIZE, 3)).astype(np.float32)


def panels(png: bytes) -> list[np.ndarray]:
    """The five squares of a file, with a look at what is between them."""
    image = Image.open(io.BytesIO(png))
    assert (image.format, image.mode) == ("PNG", "RGB")
    pixels = np.asarray(image)
    side = len(pixels)
    assert pixels.shape[1] == 5 * side + 4 * GAP
    for k in range(4):
        assert (pixels[:, (k + 1) * side + k * GAP :][:, :GAP] == PAPER).all()
    return [pixels[:, k * (side + GAP) :][:, :side] for k in range(5)]


def patch_of(panel: np.ndarray, index: int) -> np.ndarray:
    side = len(panel) // 2
    return panel[index // 2 * side :, index % 2 * side :][:side, :side]


def test_original_masked_painted_and_copied_in_hold_what_they_say(original, painted):
    first, masked, paint, copied, _ = panels(panels_png(original, painted, ERRORS, HIDDEN, PATCH, SIZE))
    levels = np.floor(painted * 255 + 0.5).astype(np.uint8)
    np.testing.assert_array_equal(first, original)
    np.testing.assert_array_equal(paint, levels)
    for i, hidden in enumerate(HIDDEN):
        if hidden:
            assert (patch_of(masked, i) == MASK).all()
            np.testing.assert_array_equal(patch_of(copied, i), patch_of(levels, i))
        else:
            np.testing.assert_array_equal(patch_of(masked, i), patch_of(original, i))
            np.testing.assert_array_equal(patch_of(copied, i), patch_of(original, i))


def test_the_error_map_colours_hidden_patches_only(original, painted):
    *_, errors = panels(panels_png(original, painted, ERRORS, HIDDEN, PATCH, SIZE))
    assert (patch_of(errors, 0) == VIRIDIS[-1]).all(), "0.02 is the end of the scale: the visible 0.5 does not count"
    assert (patch_of(errors, 3) == VIRIDIS[5]).all(), "half of it is the middle colour"
    for i in (1, 2):
        assert (patch_of(errors, i) == UNSCORED).all()


@pytest.mark.parametrize(("size", "asked", "side"), [(8, 256, 256), (48, 256, 240), (64, 256, 256), (224, 256, 224)])
def test_each_pixel_becomes_a_square_of_the_same_size(size, asked, side):
    original = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    patches = (size // 4) ** 2
    png = panels_png(original, original / 255, np.zeros(patches), np.zeros(patches, bool), 4, asked)
    first, *others = panels(png)
    assert {panel.shape for panel in (first, *others)} == {(side, side, 3)}
    np.testing.assert_array_equal(first, np.kron(original, np.ones((side // size, side // size, 1), np.uint8)))


def test_all_hidden_and_nothing_hidden(original, painted):
    none, every = np.zeros(4, bool), np.ones(4, bool)
    first, masked, _, copied, errors = panels(panels_png(original, painted, ERRORS, none, PATCH))
    np.testing.assert_array_equal(masked, first)
    np.testing.assert_array_equal(copied, first)
    assert (errors == UNSCORED).all()
    _, masked, paint, copied, _ = panels(panels_png(original, painted, ERRORS, every, PATCH))
    assert (masked == MASK).all()
    np.testing.assert_array_equal(copied, paint)


def test_what_is_no_number_is_black_or_grey(original):
    odd = np.full((SIZE, SIZE, 3), np.nan, np.float32)
    errors = np.array([np.nan, 0, 0, 0.01])
    _, _, paint, _, scored = panels(panels_png(original, odd, errors, HIDDEN, PATCH, SIZE))
    assert (paint == 0).all()
    assert (patch_of(scored, 0) == UNSCORED).all()
    assert (patch_of(scored, 3) == VIRIDIS[-1]).all()


@pytest.mark.parametrize(
    ("largest", "top"), [(0, 1), (0.02, 0.02), (0.021, 0.03), (0.11, 0.15), (0.9, 1), (7, 8), (5e-324, 1), (np.inf, 1)]
)
def test_the_scale_ends_at_a_round_number(largest, top):
    assert scale_top(np.array([largest, 99.0]), np.array([True, False])) == pytest.approx(top)


@pytest.mark.parametrize(
    "change",
    [
        {"original": np.zeros((8, 6, 3), np.uint8)},
        {"original": np.zeros((8, 8, 3), np.float32)},
        {"original": np.zeros((0, 0, 3), np.uint8)},
        {"painted": np.zeros((4, 4, 3), np.float32)},
        {"errors": np.zeros(3)},
        {"hidden": np.zeros(16, bool)},
        {"hidden": np.zeros(4, np.uint8)},
        {"patch": 3},
        {"patch": 0},
    ],
)
def test_what_does_not_belong_together_is_refused(original, painted, change):
    given = {"original": original, "painted": painted, "errors": ERRORS, "hidden": HIDDEN, "patch": PATCH}
    with pytest.raises(ValueError, match=r"\.$"):
        panels_png(**(given | change))
