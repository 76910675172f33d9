"""What is read inside a model: attention that the painting itself uses, and positions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backends.attention.heads import DECODER, ENCODER
from backends.attention.rollout import attention_rollout
from backends.mae.config import MAEConfig
from backends.mae.inside import InsideError, attention_maps, position_similarity
from backends.mae.masking import draw_mask
from backends.mae.trainer import FrozenMAE, MAETrainer
from tests.backends.simclr.conftest import toy_pictures

CONFIG = MAEConfig(data="own", patch="8", width="48", depth=2, heads="2", decoder_width="32", steps=10, batch=16)


@pytest.fixture(scope="module")
def frozen() -> FrozenMAE:
    return MAETrainer(CONFIG, pictures=toy_pictures(40)).freeze()


@pytest.fixture
def image(frozen) -> np.ndarray:
    return frozen.split.held_out.images[0]


def test_every_head_of_the_encoder_spreads_one_over_all_patches(frozen, image):
    (stack,) = attention_maps(frozen, image)
    assert (stack.name, stack.grid_side) == (ENCODER, 4)
    assert stack.weights.shape == (2, 2, 16, 16)
    assert stack.weights.dtype == np.float32
    np.testing.assert_allclose(stack.weights.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(stack.rollout, attention_rollout(stack.weights))
    assert stack.rows[5] == "2,2", "row by row, from 1"
    assert all(len(layer) == 2 for layer in stack.roles)


def test_the_first_layers_weights_are_the_softmax_of_its_queries_and_keys(frozen, image):
    model = frozen.model
    with torch.no_grad():
        patches = model.cut(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)
        block = model.encoder.blocks[0]
        tokens = block.norm_attention(model.embedding(patches) + model.positions)[0]
        q, k, _ = block.attention.qkv(tokens).reshape(16, 3, 2, 24).permute(1, 2, 0, 3)
        expected = (q @ k.transpose(1, 2) / 24**0.5).softmax(-1)
    np.testing.assert_allclose(attention_maps(frozen, image)[0].weights[0], expected.numpy(), atol=1e-6)


def test_with_a_mask_the_decoder_is_read_too_and_never_sees_what_is_hidden(frozen, image):
    hidden = draw_mask("random", 0.75, 4, 0)
    encoder, decoder = attention_maps(frozen, image, hidden)
    np.testing.assert_array_equal(encoder.weights, attention_maps(frozen, image)[0].weights)
    assert (decoder.name, decoder.grid_side, decoder.weights.shape) == (
        DECODER,
        4,
        (frozen.config.decoder_depth, 2, 16, 16),
    )
    changed = image.copy()
    for place in np.flatnonzero(hidden):
        y, x = divmod(int(place), 4)
        changed[8 * y : 8 * y + 8, 8 * x : 8 * x + 8] = 255
    np.testing.assert_array_equal(attention_maps(frozen, changed, hidden)[1].weights, decoder.weights)
    assert not np.array_equal(attention_maps(frozen, changed)[0].weights, encoder.weights)


@pytest.mark.parametrize("ratio", [0, 1])
def test_nothing_and_everything_may_be_hidden(frozen, image, ratio):
    _, decoder = attention_maps(frozen, image, np.full(16, bool(ratio)))
    np.testing.assert_allclose(decoder.weights.sum(-1), 1, atol=1e-5)


def test_the_page_can_show_the_stacks(frozen, image):
    from playground.components.head_view import pack_heads
    from playground.tabs.attention_heads import view_of

    stacks = attention_maps(frozen, image, draw_mask("random", 0.5, 4, 1))
    assert "data:image/" in pack_heads([view_of(stack, image) for stack in stacks])


def test_too_many_patches_are_refused_in_a_sentence_that_says_what_would_do():
    frozen = MAETrainer(CONFIG.with_changes(image_size="48", patch="2"), pictures=toy_pictures(20, size=48)).freeze()
    with pytest.raises(InsideError, match=r"576 patches there are too many .* at most 256\."):
        attention_maps(frozen, np.zeros((48, 48, 3), np.uint8))


@pytest.mark.parametrize(
    "image", [np.zeros((31, 32, 3), np.uint8), np.zeros((32, 32), np.uint8), np.zeros((32, 32, 3))]
)
def test_a_picture_of_another_shape_or_type_is_refused(frozen, image):
    with pytest.raises(InsideError, match=r"must be \(32, 32, 3\) uint8"):
        attention_maps(frozen, image)


def test_a_mask_of_another_shape_is_refused(frozen, image):
    with pytest.raises(InsideError, match=r"must be \(16,\)"):
        attention_maps(frozen, image, np.zeros(15, bool))


def test_positions_are_most_like_themselves_then_like_their_neighbours(frozen):
    similarity = position_similarity(frozen)
    assert similarity.shape == (16, 16)
    assert similarity.dtype == np.float32
    np.testing.assert_allclose(np.diag(similarity), 1, atol=1e-6)
    np.testing.assert_allclose(similarity, similarity.T, atol=1e-6)
    first, second = frozen.model.positions[0], frozen.model.positions[6]
    assert similarity[0, 6] == pytest.approx(float(first @ second / first.norm() / second.norm()), abs=1e-6)
    corner = similarity[0].reshape(4, 4)
    assert corner[0, 1] > corner[0, 3]
    assert corner[1, 0] > corner[3, 3]
