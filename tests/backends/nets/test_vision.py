from __future__ import annotations

import pytest
import torch

from backends.nets import vision
from backends.nets.seeded import seeded
from backends.nets.transformer import Attention, Block, sine_positions_2d
from backends.nets.vision import build_encoder, count_parameters, embed


@pytest.mark.parametrize("name", ["conv", "resnet18", "vit"])
@pytest.mark.parametrize("size", [32, 64])
def test_an_encoder_makes_one_feature_vector_of_each_picture(name, size):
    encoder = build_encoder(name, size).eval()
    pictures = torch.rand(3, 3, size, size)
    features = encoder(pictures)
    assert features.shape == (3, encoder.width)
    torch.testing.assert_close(encoder(pictures[1:2]), features[1:2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["conv", "resnet18"])
@pytest.mark.parametrize("size", [10, 32, 48])
def test_the_features_are_the_mean_over_the_places_of_the_maps(name, size):
    encoder = build_encoder(name, size).eval()
    pictures = torch.rand(2, 3, size, size)
    torch.testing.assert_close(encoder.maps(pictures).mean(dim=(2, 3)), encoder(pictures), rtol=1e-4, atol=1e-5)


def test_many_pictures_are_embedded_some_at_a_time(monkeypatch):
    encoder = build_encoder("conv", 32).eval()
    pictures = torch.randint(0, 256, (7, 3, 32, 32), dtype=torch.uint8)
    monkeypatch.setattr(vision, "EMBED_CHUNK", 3)
    features = embed(encoder, pictures)
    assert not features.requires_grad
    torch.testing.assert_close(features, encoder(pictures.float() / 255).detach(), rtol=1e-4, atol=1e-5)


def test_encoders_learn_all_their_weights():
    for name in ("conv", "resnet18", "vit"):
        encoder = build_encoder(name, 32)
        encoder(torch.rand(4, 3, 32, 32)).square().sum().backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters()), name
        assert count_parameters(encoder) == sum(p.numel() for p in encoder.parameters())


def test_an_unknown_encoder_is_refused():
    with pytest.raises(ValueError, match="choose conv"):
        build_encoder("vgg", 32)


def test_attention_is_the_softmax_of_scaled_products():
    attention = Attention(12, 3).double()
    x = torch.randn(2, 5, 12, dtype=torch.float64)
    q, k, v = attention.qkv(x).chunk(3, dim=-1)
    expected = []
    for head in range(3):
        part = slice(4 * head, 4 * head + 4)
        weights = torch.softmax(q[..., part] @ k[..., part].transpose(1, 2) / 4**0.5, dim=-1)
        expected.append(weights @ v[..., part])
    torch.testing.assert_close(attention(x), attention.out(torch.cat(expected, dim=-1)))


def test_a_causal_block_does_not_see_what_comes_after():
    block = Block(8, 2).eval()
    x = torch.randn(1, 6, 8)
    changed = x.clone()
    changed[:, 4:] = torch.randn(1, 2, 8)
    torch.testing.assert_close(block(x, causal=True)[:, :4], block(changed, causal=True)[:, :4])
    assert not torch.allclose(block(x)[:, :4], block(changed)[:, :4])


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="5 heads"):
        Attention(12, 5)


def test_every_place_of_a_grid_has_its_own_position():
    positions = sine_positions_2d(8, 96)
    assert positions.shape == (64, 96)
    distances = torch.cdist(positions, positions) + 100 * torch.eye(64)
    assert distances.min() > 0.3
    near, far = distances[0, 1], distances[0, 63]
    assert near < far


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    with seeded(3):
        one = build_encoder("conv", 32)
    assert torch.rand(1) == expected
    with seeded(3):
        other = build_encoder("conv", 32)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
