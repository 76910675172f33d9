"""transformers' ViT-MAE of the same shape as ours, with its weights copied where wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from backends.mae.config import MAEConfig
from backends.mae.model import MaskedAutoencoder


def twin_config(config: MAEConfig, hidden: int, **changes: Any) -> Any:
    """A `ViTMAEConfig` of equal widths, depths, heads and patches that hides so many patches of a picture.

    It keeps int(L · (1 - ratio)) of them; half a patch more makes rounding harmless.
    """
    from transformers import ViTMAEConfig

    sizes = {
        "image_size": int(config.image_size),
        "patch_size": int(config.patch),
        "hidden_size": int(config.width),
        "num_hidden_layers": config.depth,
        "num_attention_heads": int(config.heads),
        "intermediate_size": 4 * int(config.width),
        "decoder_hidden_size": int(config.decoder_width),
        "decoder_num_hidden_layers": config.decoder_depth,
        "decoder_num_attention_heads": int(config.heads),
        "decoder_intermediate_size": 4 * int(config.decoder_width),
        "norm_pix_loss": config.normalised,
        "mask_ratio": (hidden - 0.5) / config.patches,
    }
    return ViTMAEConfig(**sizes, **changes)


def twin_of(model: MaskedAutoencoder, hidden: int) -> Any:
    """A `ViTMAEForPreTraining` with the same weights and positions as a model with a class token.

    Its norms add 1e-12 under the root where torch's add 1e-5; here they are told to do as ours.
    """
    from transformers import ViTMAEForPreTraining

    theirs = ViTMAEForPreTraining(twin_config(model.config, hidden, layer_norm_eps=1e-5))
    with torch.no_grad():
        for target, source in weight_pairs(theirs, model):
            target.copy_(source)
    return theirs.eval()


def copy_positions(theirs: Any, model: MaskedAutoencoder) -> None:
    """Give it our positions alone."""
    with torch.no_grad():
        theirs.vit.embeddings.position_embeddings[0, 1:].copy_(model.positions)
        theirs.decoder.decoder_pos_embed[0, 1:].copy_(model.decoder_positions)


def weight_pairs(theirs: Any, ours: MaskedAutoencoder) -> Iterator[tuple[Tensor, Tensor]]:
    """All of its weights and positions, each with ours."""
    embeddings, decoder = theirs.vit.embeddings, theirs.decoder
    projection = embeddings.patch_embeddings.projection
    yield projection.weight, ours.embedding.weight.unflatten(1, (ours.patch, ours.patch, 3)).permute(0, 3, 1, 2)
    yield projection.bias, ours.embedding.bias
    yield embeddings.cls_token[0, 0], ours.class_token
    yield embeddings.position_embeddings[0, 1:], ours.positions
    yield decoder.decoder_pos_embed[0, 1:], ours.decoder_positions
    yield decoder.mask_token[0, 0], ours.mask_token
    yield from _both(decoder.decoder_embed, ours.bridge)
    yield from _both(theirs.vit.layernorm, ours.encoder.norm)
    yield from _both(decoder.decoder_norm, ours.decoder.norm)
    yield from _both(decoder.decoder_pred, ours.head)
    for layers, stack in ((theirs.vit.layers, ours.encoder), (decoder.decoder_layers, ours.decoder)):
        for layer, block in zip(layers, stack.blocks, strict=True):
            attention = layer.attention
            for number, part in enumerate((attention.q_proj, attention.k_proj, attention.v_proj)):
                yield part.weight, block.attention.qkv.weight.chunk(3)[number]
                yield part.bias, block.attention.qkv.bias.chunk(3)[number]
            yield from _both(attention.o_proj, block.attention.out)
            yield from _both(layer.layernorm_before, block.norm_attention)
            yield from _both(layer.layernorm_after, block.norm_mlp)
            yield from _both(layer.mlp.fc1, block.mlp[0])
            yield from _both(layer.mlp.fc2, block.mlp[2])


def _both(theirs: Any, ours: Any) -> Iterator[tuple[Tensor, Tensor]]:
    yield theirs.weight, ours.weight
    yield theirs.bias, ours.bias
