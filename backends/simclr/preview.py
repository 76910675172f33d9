"""Two views of one picture, for eyes: the same augmentations at a size that is good to look at."""

from __future__ import annotations

import numpy as np

from backends.simclr.augment_config import AugmentConfig


def preview(picture: np.ndarray, config: AugmentConfig, seed: int, pairs: int) -> np.ndarray:
    """Draw pairs of views of one picture.

    Args:
        picture: (S, S, 3) uint8.
        config: the augmentations.
        seed: of the draw; the same seed gives the same views.
        pairs: how many.

    Returns:
        (2 · pairs, S, S, 3) uint8, a pair after the other.
    """
    import torch

    from backends.simclr.augment import two_views

    image = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).float() / 255
    generator = torch.Generator().manual_seed(seed)
    first, second = two_views(image.expand(pairs, -1, -1, -1).contiguous(), config, generator, picture.shape[0])
    views = torch.stack([first, second], dim=1).flatten(0, 1)  # (2 · pairs, 3, S, S)
    return (views * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
