"""The model against plain loops and against transformers' ViT-MAE with copied weights; nothing hidden leaks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backends.mae.config import MAEConfig
from backends.mae.masking import draw_masks
from backends.mae.model import (
    SPREAD,
    VARIANCE_FLOOR,
    MaskedAutoencoder,
    normalise,
    patchify,
    split_patches,
    standardised,
    unpatchify,
)
from backends.nets.seeded import seeded
from backends.nets.transformer import Look
from tests.backends.mae.transformers_twin import twin_of, weight_pairs

SMALL = MAEConfig(patch="8", width="48", depth=2, heads="2", decoder_width="32", decoder_depth=1)
TARGETS = ("pixels", "normalised")
EXACT = {"rtol": 1e-4, "atol": 1e-5}


def build(targets: str = "pixels", *, class_token: bool = False, **changes: Any) -> MaskedAutoencoder:
    with seeded(1):
        return MaskedAutoencoder(SMALL.with_changes(targets=targets, **changes), class_token=class_token).eval()


def random_images(count: int = 3, size: int = 32, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def random_hidden(count: int = 3, hidden: int = 12, side: int = 4, seed: int = 0) -> Tensor:
    return torch.from_numpy(draw_masks("random", hidden, side, count, np.random.default_rng(seed)))


def repainted(images: Tensor, places: Tensor, patch: int = 8) -> Tensor:
    """The same pictures with other pixels, of another brightness and contrast, in the patches that `places` marks."""
    other = 0.9 * random_images(len(images), images.shape[-1], seed=9) ** 3
    here = places.reshape(len(images), 1, images.shape[-1] // patch, -1)
    here = here.repeat_interleave(patch, dim=2).repeat_interleave(patch, dim=3)
    return torch.where(here, other, images)


def naive_loss(model: MaskedAutoencoder, patches: Tensor, hidden: Tensor) -> float:
    """One patch and one number at a time."""
    painted = model(patches, hidden)
    total, count = 0.0, 0
    for picture, place in hidden.nonzero().tolist():
        target = patches[picture, place].double()
        if model.config.normalised:
            mean = sum(target) / len(target)
            variance = sum((number - mean) ** 2 for number in target) / (len(target) - 1)
            target = (target - mean) / (variance + VARIANCE_FLOOR) ** 0.5
        for number, wanted in zip(painted[picture, place], target, strict=True):
            total += float(number - wanted) ** 2
            count += 1
    return total / count


def test_patches_stand_row_by_row_with_the_colours_innermost():
    images = random_images(2, 12)
    patches = patchify(images, 4)
    assert patches.shape == (2, 9, 48)
    for place in range(9):
        y, x = 4 * (place // 3), 4 * (place % 3)
        for number in range(48):
            row, column, colour = number // 12, number // 3 % 4, number % 3
            assert patches[1, place, number] == images[1, colour, y + row, x + column]


@pytest.mark.parametrize(("size", "patch"), [(32, 2), (32, 16), (48, 6), (64, 8)])
def test_pictures_come_back_from_their_patches(size, patch):
    images = random_images(2, size)
    assert torch.equal(unpatchify(patchify(images, patch), patch), images)


def test_bytes_can_be_cut_too():
    images = (255 * random_images()).to(torch.uint8)
    assert torch.equal(unpatchify(patchify(images, 8), 8), images)
    assert patchify(images, 8).dtype == torch.uint8


def test_a_mask_is_split_into_the_places_of_the_visible_and_of_the_hidden_in_their_order():
    hidden = torch.tensor([[True, False, True, False], [False, False, True, True]])
    visible_idx, hidden_idx = split_patches(hidden)
    assert visible_idx.tolist() == [[1, 3], [0, 1]]
    assert hidden_idx.tolist() == [[0, 2], [2, 3]]


def test_normalised_patches_are_those_of_a_loop():
    patches = torch.randn(2, 3, 12, generator=torch.Generator().manual_seed(1))
    made = normalise(patches)
    for b in range(2):
        for place in range(3):
            numbers = patches[b, place].double().tolist()
            mean = sum(numbers) / 12
            variance = sum((number - mean) ** 2 for number in numbers) / 11
            expected = [(number - mean) / (variance + 1e-6) ** 0.5 for number in numbers]
            assert made[b, place].tolist() == pytest.approx(expected, abs=1e-5)


def test_flat_patches_stay_finite_when_they_are_normalised():
    assert torch.equal(normalise(torch.full((1, 2, 12), 0.7)), torch.zeros(1, 2, 12))


def test_pixels_are_standardised_and_errors_are_shown_in_pixels():
    assert standardised(torch.tensor([0.0, 0.5, 1.0])).tolist() == [-2, 0, 2]
    assert build().error_scale == SPREAD**2
    assert build("normalised").error_scale == 1


@pytest.mark.parametrize("targets", TARGETS)
@torch.no_grad()
def test_the_loss_is_the_mean_over_hidden_patches_alone(targets):
    model, patches, hidden = build(targets), patchify(standardised(random_images()), 8), random_hidden()
    assert float(model.loss(patches, hidden)) == pytest.approx(naive_loss(model, patches, hidden), rel=1e-5)


@pytest.mark.parametrize("targets", TARGETS)
@torch.no_grad()
def test_what_the_visible_patches_should_have_looked_like_does_not_count(targets, monkeypatch):
    model, images, hidden = build(targets), random_images(), random_hidden()
    patches = model.cut(images)
    before = model.loss(patches, hidden)
    seen: list[Tensor] = []
    target = model.target
    monkeypatch.setattr(model, "target", lambda asked: seen.append(asked) or target(asked))
    assert torch.equal(model.loss(patches, hidden), before)
    assert torch.equal(seen[0].flatten(0, 1), patches[hidden]), "only hidden patches are asked for"
    assert not torch.isclose(model.loss(model.cut(repainted(images, ~hidden)), hidden), before), "they are the input"
    assert not torch.isclose(model.loss(model.cut(repainted(images, hidden)), hidden), before), "they are the target"


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("class_token", [False, True])
@pytest.mark.parametrize("hidden", [1, 12, 15, 16])
@torch.no_grad()
def test_no_painted_number_depends_on_what_is_hidden(targets, class_token, hidden):
    model, images = build(targets, class_token=class_token), random_images()
    mask = random_hidden(hidden=hidden)
    other = repainted(images, mask)
    assert not torch.equal(images, other)
    assert torch.equal(model(model.cut(images), mask), model(model.cut(other), mask))


@torch.no_grad()
def test_every_painted_number_depends_on_what_is_visible():
    model, images, hidden = build(), random_images(), random_hidden()
    first = model(model.cut(images), hidden)
    second = model(model.cut(repainted(images, ~hidden)), hidden)
    assert (first != second).any(dim=2).all()


@torch.no_grad()
def test_pictures_of_a_batch_do_not_mix():
    model, patches, hidden = build(), build().cut(random_images()), random_hidden()
    together = model(patches, hidden)
    for i in range(3):
        torch.testing.assert_close(model(patches[i : i + 1], hidden[i : i + 1]), together[i : i + 1], **EXACT)


@torch.no_grad()
def test_with_everything_hidden_the_same_is_painted_for_every_picture_and_with_nothing_hidden_its_own():
    model = build()
    patches = model.cut(random_images())
    blind = model(patches, torch.ones(3, 16, dtype=torch.bool))
    assert torch.equal(blind[0], blind[1])
    assert not torch.isclose(blind[0, 0], blind[0, 1]).all(), "places differ"
    whole = model(patches, torch.zeros(3, 16, dtype=torch.bool))
    assert whole.shape == (3, 16, 192)
    assert torch.isfinite(whole).all()
    assert not torch.equal(whole[0], whole[1])


def test_everything_hidden_can_be_trained_on():
    model = build()
    loss = model.loss(model.cut(random_images()), torch.ones(3, 16, dtype=torch.bool))
    loss.backward()
    assert torch.isfinite(loss)
    assert model.mask_token.grad.abs().sum() > 0
    assert not model.embedding.weight.grad.any(), "no picture was seen"


@torch.no_grad()
def test_visible_tokens_go_to_their_places_and_mask_tokens_to_all_others():
    model, hidden = build(), random_hidden(hidden=10)
    visible_idx, _ = split_patches(hidden)
    tokens = torch.randn(3, 6, 48, generator=torch.Generator().manual_seed(2))
    taken: list[Tensor] = []
    handle = model.decoder.register_forward_pre_hook(lambda _, inputs: taken.append(inputs[0]))
    model.decode(tokens, visible_idx)
    handle.remove()
    thin = model.bridge(tokens)
    for picture in range(3):
        rank = 0
        for place in range(16):
            expected = model.mask_token if hidden[picture, place] else thin[picture, rank]
            rank += int(not hidden[picture, place])
            torch.testing.assert_close(taken[0][picture, place], expected + model.decoder_positions[place])


@pytest.mark.parametrize("class_token", [False, True])
@torch.no_grad()
def test_features_are_the_mean_over_the_patches_with_nothing_hidden(class_token):
    model, images = build(class_token=class_token), random_images()
    features = model.features(images)
    assert features.shape == (3, 48)
    encoded = model.encode(model.cut(images))[:, int(class_token) :]
    assert encoded.shape[1] == 16
    torch.testing.assert_close(features, sum(encoded[:, place] for place in range(16)) / 16)


@torch.no_grad()
def test_the_explicit_path_paints_the_same_and_keeps_its_weights():
    model, hidden, look = build(), random_hidden(), Look()
    patches = model.cut(random_images())
    torch.testing.assert_close(model(patches, hidden, look=look), model(patches, hidden), **EXACT)
    assert {name: tuple(weights.shape) for name, weights in look.weights.items()} == {
        ("encoder", "self", 0): (3, 2, 4, 4),
        ("encoder", "self", 1): (3, 2, 4, 4),
        ("decoder", "self", 0): (3, 2, 16, 16),
    }


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize(("patch", "hidden"), [("8", 12), ("4", 48), ("8", 1)])
def test_with_copied_weights_loss_painting_and_gradients_are_those_of_transformers(targets, patch, hidden):
    ours = build(targets, class_token=True, patch=patch)
    with torch.no_grad():
        for name, parameter in ours.named_parameters():
            if name.endswith("norm.weight"):
                nn.init.uniform_(parameter, 0.5, 1.5, generator=torch.Generator().manual_seed(3))
    theirs = twin_of(ours, hidden)
    images, mask = random_images(), random_hidden(hidden=hidden, side=ours.side)
    output = theirs(pixel_values=standardised(images), noise=mask.float())
    assert torch.equal(output.mask.bool(), mask)
    painted, loss = ours(ours.cut(images), mask), ours.loss(ours.cut(images), mask)
    torch.testing.assert_close(painted, output.logits, rtol=1e-4, atol=1e-4)
    assert loss.item() == pytest.approx(output.loss.item(), abs=1e-5)
    loss.backward()
    output.loss.backward()
    first, last = ours.encoder.blocks[0], theirs.vit.layers[0]
    for mine, other in (
        (first.attention.qkv.weight.grad[:48], last.attention.q_proj.weight.grad),
        (first.mlp[0].weight.grad, last.mlp.fc1.weight.grad),
        (ours.mask_token.grad, theirs.decoder.mask_token.grad[0, 0]),
        (ours.class_token.grad, theirs.vit.embeddings.cls_token.grad[0, 0]),
        (ours.head.bias.grad, theirs.decoder.decoder_pred.bias.grad),
    ):
        assert mine.abs().max() > 0
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-6)
    assert not theirs.vit.embeddings.position_embeddings.requires_grad


def test_every_weight_of_transformers_was_copied():
    ours = build(class_token=True)
    theirs = twin_of(ours, 12)
    copied = sum(target.numel() for target, _ in weight_pairs(theirs, ours))
    no_place = int(SMALL.width) + int(SMALL.decoder_width)  # the class token's positions, which are 0
    assert copied + no_place == sum(parameter.numel() for parameter in theirs.parameters())
    assert not theirs.vit.embeddings.position_embeddings[0, 0].any()
    assert not theirs.decoder.decoder_pos_embed[0, 0].any()


def test_queries_and_keys_start_twice_as_wide_as_torch_draws_them_and_values_do_not():
    model = build(width="192", heads="4")
    query, key, value = model.encoder.blocks[0].attention.qkv.weight.chunk(3)
    torch_spread = (1 / 192 / 3) ** 0.5  # uniform in ±1/√D
    for part, expected in ((query, 2), (key, 2), (value, 1)):
        assert part.std().item() / torch_spread == pytest.approx(expected, rel=0.02)
