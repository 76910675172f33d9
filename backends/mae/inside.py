"""Inside a masked autoencoder: what its heads look at, and how alike the positions of its patches are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backends.attention.heads import DECODER, ENCODER, AttentionStack

if TYPE_CHECKING:
    from torch import Tensor

    from backends.mae.trainer import FrozenMAE
    from backends.nets.transformer import Look

MAX_PATCHES = 256
"""Each looks at each in every head: a thousand patches make millions of weights, and maps too fine to read."""


class InsideError(ValueError):
    """A model's inside can't be shown. The message is one sentence that says what would do."""


def attention_maps(
    frozen: FrozenMAE, image: np.ndarray, hidden: np.ndarray | None = None
) -> tuple[AttentionStack, ...]:
    """Read every head on a picture; a stack's `rollout` is there too.

    Args:
        frozen: the model.
        image: (S, S, 3) uint8, S as in the config.
        hidden: (L,) bool, True = hidden. With it the decoder's heads are read too: they show where the paint of a
            hidden patch comes from.

    Returns:
        The encoder over the whole picture, as features are made, and with `hidden` the decoder. `grid_side` is set; the
        weights are (layers, heads, L, L) float32, rows sum to 1.

    Raises:
        InsideError: there are more than `MAX_PATCHES` patches, or the shapes do not fit the model.
    """
    config = frozen.config
    if config.patches > MAX_PATCHES:
        raise InsideError(
            f"With {config.patches:,} patches there are too many to show what each looks at: train with larger ones, "
            f"so that there are at most {MAX_PATCHES}."
        )
    size = int(config.image_size)
    if image.shape != (size, size, 3) or image.dtype != np.uint8:
        raise InsideError(f"The picture must be ({size}, {size}, 3) uint8, not {image.shape} {image.dtype}.")
    if hidden is not None and hidden.shape != (config.patches,):
        raise InsideError(f"The mask must be ({config.patches},), not {hidden.shape}.")
    encoder = _stack(ENCODER, config.depth, config.side, _encoder_look(frozen, image))
    if hidden is None:
        return (encoder,)
    decoder = _stack(DECODER, config.decoder_depth, config.side, _decoder_look(frozen, image, hidden))
    return encoder, decoder


def position_similarity(frozen: FrozenMAE) -> np.ndarray:
    """Cosines of the encoder's position embeddings: (L, L) float32, 1 on the diagonal.

    Row i, drawn as a side × side map, shows which places are like place i before anything is learned: they are fixed
    sines and cosines.
    """
    positions = frozen.model.positions.cpu().numpy().astype(np.float64)
    unit = positions / np.linalg.norm(positions, axis=1, keepdims=True)
    return np.clip(unit @ unit.T, -1, 1).astype(np.float32)


def _encoder_look(frozen: FrozenMAE, image: np.ndarray) -> Look:
    """A pass of the encoder over the whole picture."""
    import torch

    from backends.nets.transformer import Look

    look = Look()
    with torch.inference_mode():
        frozen.model.encode(_patches(frozen, image), look=look)
    return look


def _decoder_look(frozen: FrozenMAE, image: np.ndarray, hidden: np.ndarray) -> Look:
    """A pass of both halves, as in painting; only the decoder is looked at."""
    import torch

    from backends.mae.model import split_patches
    from backends.nets.transformer import Look

    look, model = Look(), frozen.model
    with torch.inference_mode():
        visible_idx, _ = split_patches(torch.from_numpy(np.asarray(hidden, bool)[None]).to(frozen.device))
        model.decode(model.encode(_patches(frozen, image), visible_idx), visible_idx, look=look)
    return look


def _patches(frozen: FrozenMAE, image: np.ndarray) -> Tensor:
    """(S, S, 3) uint8 to (1, L, P) standardised patches on the model's device."""
    from backends.analysis.prober import as_tensor

    return frozen.model.cut(as_tensor(image[None], frozen.device).float() / 255)


def _stack(name: str, layers: int, side: int, look: Look) -> AttentionStack:
    from backends.nets.transformer import SELF

    weights = np.stack([look.weights[name, SELF, layer][0].float().cpu().numpy() for layer in range(layers)])
    places = tuple(f"{y + 1},{x + 1}" for y in range(side) for x in range(side))
    return AttentionStack(name, places, places, weights, grid_side=side)
