"""How pictures are changed in training: outlines at edges, paper around what is turned, and apples as they are told."""

from __future__ import annotations

import pytest
import torch

from backends.clip.augment import change, draw_outlines, edges, place
from backends.clip.config import CLIPConfig


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def square(count: int = 4) -> torch.Tensor:
    """A dark square on light paper."""
    images = torch.full((count, 3, 16, 16), 0.9)
    images[:, :, 4:12, 4:12] = 0.2
    return images


def test_outlines_are_drawn_at_edges_alone():
    drawn = draw_outlines(square(), 1.0, generator())
    assert ((drawn - square()).abs().amax(1) > 0.05)[:, 3:13, 3:13].any()
    assert (drawn[:, :, :2] >= 0.9 - 1e-6).all()
    assert (drawn[:, :, 3:13, 3:13] < 0.15).any(), "ink is dark"
    assert (drawn[:, :, 7:9, 7:9] >= 0.2 - 1e-6).all(), "plain areas are only paled"
    assert len({round(float(x), 4) for x in drawn[:, 0, 8, 8]}) > 1, "some more than others"


def test_a_share_of_the_pictures_is_drawn_over():
    images = square(1_000)
    share = float(((draw_outlines(images, 0.3, generator()) - images).abs().amax((1, 2, 3)) > 1e-3).float().mean())
    assert share == pytest.approx(0.3, abs=0.06)
    assert draw_outlines(images, 0.0, generator()) is images


@pytest.mark.parametrize(("broad", "width"), [(True, 2), (False, 1)])
def test_pens_are_one_or_two_pixels_wide(broad, width):
    images = torch.ones((1, 3, 16, 16))
    images[..., 8:] = 0
    marked = edges(images, broad=broad)[0, 0, 8] > 0.5
    assert int(marked.sum()) == width
    assert marked[8]
    assert edges(torch.full((1, 3, 8, 8), 0.5), broad=broad).max() == 0


def test_around_emoji_comes_paper_and_around_others_their_border_goes_on():
    images = torch.full((20, 3, 16, 16), 0.4)
    emoji = place(images, CLIPConfig(augmentation=1), generator())
    assert emoji.amax((1, 2, 3)).max() > 0.99
    assert emoji[:, :, 6:10, 6:10].max() == pytest.approx(0.4, abs=1e-5)
    own = place(images, CLIPConfig(augmentation=1, data="own"), generator())
    assert float((own - 0.4).abs().max()) < 1e-5


def test_apples_keep_their_size_nearly_and_emoji_do_not():
    def areas(data: str) -> torch.Tensor:
        images = torch.ones((64, 3, 32, 32))
        images[:, :, 10:22, 10:22] = 0
        return (1 - place(images, CLIPConfig(augmentation=1, data=data), generator())).mean(1).sum((1, 2)) / 144

    assert float((areas("apples") - 1).abs().max()) < 0.16
    assert float(areas("emoji").max()) > 1.3
    assert float(areas("emoji").min()) < 0.75


def test_no_strength_moves_nothing():
    images = torch.rand((3, 3, 16, 16))
    assert float((place(images, CLIPConfig(augmentation=0), generator()) - images).abs().max()) < 1e-5


def test_changes_keep_shape_and_range_and_none_changes_nothing():
    images = torch.rand((6, 3, 32, 32))
    changed = change(images, CLIPConfig(outlines=1), generator())
    assert changed.shape == images.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert torch.equal(change(images, CLIPConfig(outlines=0, augmentation=0), torch.Generator()), images)
    assert torch.equal(change(images, CLIPConfig(), generator()), change(images, CLIPConfig(), generator()))
