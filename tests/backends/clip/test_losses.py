"""CLIP's and SigLIP's losses, against their definitions written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from backends.clip.losses import clip_loss, siglip_loss


@pytest.fixture
def pairs() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    images, texts = torch.randn((2, 9, 5), generator=generator).double()
    return F.normalize(images, dim=1), F.normalize(texts, dim=1)


def test_clip_is_the_mean_cross_entropy_both_ways(pairs):
    images, texts = pairs
    scale = torch.tensor(7.0)
    total = 0.0
    for i in range(9):
        row = [7.0 * float(images[i] @ texts[j]) for j in range(9)]
        column = [7.0 * float(images[j] @ texts[i]) for j in range(9)]
        for logits in (row, column):
            total -= logits[i] - math.log(sum(math.exp(x) for x in logits))
    assert float(clip_loss(images, texts, scale)) == pytest.approx(total / 18, rel=1e-9)


def test_siglip_asks_every_pair_yes_or_no(pairs):
    images, texts = pairs
    scale, bias = torch.tensor(4.0), torch.tensor(-2.0)
    total = 0.0
    for i in range(9):
        for j in range(9):
            logit = 4.0 * float(images[i] @ texts[j]) - 2.0
            total += math.log1p(math.exp(-logit if i == j else logit))
    assert float(siglip_loss(images, texts, scale, bias)) == pytest.approx(total / 9, rel=1e-9)


def test_nothing_known_costs_the_logarithm_of_the_batch():
    same = F.normalize(torch.ones(12, 4), dim=1)
    assert float(clip_loss(same, same, torch.tensor(10.0))) == pytest.approx(math.log(12), rel=1e-5)


def test_right_pairs_cost_less_than_wrong_ones(pairs):
    images, _ = pairs
    scale, bias = torch.tensor(20.0), torch.tensor(-10.0)
    assert clip_loss(images, images, scale) < clip_loss(images, images.roll(1, 0), scale)
    assert siglip_loss(images, images, scale, bias) < siglip_loss(images, images.roll(1, 0), scale, bias)
