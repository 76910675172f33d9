"""How pictures are changed in training, so that the net learns what they show and not who drew them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from backends.clip.config import CLIPConfig
from backends.simclr.augment import augment
from backends.simclr.augment_config import AugmentConfig

EDGE_FULL = 0.35
"""A step in grey level from which on an edge is drawn wholly black; half of it leaves the picture as it is."""
THICK_SHARE = 0.5
"""Of outlines that are three pixels wide instead of one."""


def augment_config(config: CLIPConfig) -> AugmentConfig:
    """The strengths for a run's pictures.

    Captions of apples name colours, sizes, and where the light comes from: what they name must not change.
    """
    a = min(1.0, config.augmentation)
    names_everything = config.data == "apples"
    return AugmentConfig(
        crop=0.1 * a if names_everything else 0.35 * a,
        flip=0.0 if names_everything else 0.5 * a,
        rotation=10 * config.augmentation,
        brightness=0.1 * a if names_everything else 0.3 * a,
        contrast=0.3 * a,
        saturation=0.1 * a if names_everything else 0.4 * a,
        hue=0.0 if names_everything else 0.04 * a,
        grayscale=0.0 if names_everything else 0.15 * a,
        blur=0.0,
        cutout=0.4 * a,
        noise=0.04 * a,
        solarise=0.0,
    )


def change(images: Tensor, config: CLIPConfig, generator: torch.Generator) -> Tensor:
    """Return a changed copy of a batch.

    Args:
        images: (B, 3, S, S) float32 in [0, 1].
        config: says how strongly.
        generator: draws everything.
    """
    if config.outlines and config.data != "apples":
        images = draw_outlines(images, config.outlines, generator)
    if config.augmentation:
        images = augment(images, augment_config(config), generator)
    return images


def draw_outlines(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Draw over some pictures' edges in black and pale their colours: some artists draw little but outlines.

    Args:
        images: (B, 3, S, S) in [0, 1].
        probability: of a picture to be drawn over.
        generator: decides which, how black and how pale, and whether with a broad pen.
    """
    drawn = torch.rand((len(images), 4), generator=generator, device=images.device)
    chosen = (drawn[:, 0] < probability).nonzero().squeeze(1)
    if not len(chosen):
        return images
    part = images[chosen]
    ink = edges(part)
    broad = (drawn[chosen, 1] < THICK_SHARE)[:, None, None, None]
    ink = torch.where(broad, F.max_pool2d(ink, 3, stride=1, padding=1), ink)
    strength = 0.5 + 0.5 * drawn[chosen, 2, None, None, None]
    colour = drawn[chosen, 3, None, None, None]
    changed = images.clone()
    changed[chosen] = (1 - colour * (1 - part)) * (1 - strength * ink)
    return changed


def edges(images: Tensor) -> Tensor:
    """Where neighbouring pixels differ: (B, 3, S, S) in [0, 1] to (B, 1, S, S), 1 at strong edges, 0 on plain areas."""
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    across = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]).abs().amax(1, keepdim=True)
    down = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]).abs().amax(1, keepdim=True)
    return ((torch.maximum(across, down) - EDGE_FULL / 2) / (EDGE_FULL / 2)).clamp(0, 1)
