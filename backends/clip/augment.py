"""How pictures are changed in training, so that the net learns what they show and not who drew them."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from backends.clip.config import CLIPConfig
from backends.simclr.augment import augment
from backends.simclr.augment_config import AugmentConfig

EDGE_FULL = 0.35
"""A step in grey level from which on an edge is drawn wholly black; half of it leaves the picture as it is."""
TURN, ZOOM, STRETCH, SHIFT = 10.0, 1.25, 1.1, 1 / 12
"""Degrees, factors, and a share of the side: see `place`."""
BROAD_SHARE = 0.5
"""Of outlines that are two pixels wide instead of one."""


def augment_config(config: CLIPConfig) -> AugmentConfig:
    """The strengths for a run's pictures.

    Captions of apples name colours, sizes, and where the light comes from: what they name must not change.
    """
    a = min(1.0, config.augmentation)
    names_everything = config.data == "apples"
    return AugmentConfig(
        crop=0.0,
        flip=0.0 if names_everything else 0.5 * a,
        rotation=0.0,
        brightness=0.1 * a if names_everything else 0.15 * a,
        contrast=0.3 * a,
        saturation=0.1 * a if names_everything else 0.4 * a,
        hue=0.0 if names_everything else 0.04 * a,
        grayscale=0.0 if names_everything else 0.15 * a,
        blur=0.0,
        cutout=0.4 * a,
        noise=0.0,
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
        images = place(images, config, generator)
        images = augment(images, augment_config(config), generator)
    return images


def place(images: Tensor, config: CLIPConfig, generator: torch.Generator) -> Tensor:
    """Turn, shift, stretch and zoom each picture a little; of apples, whose size may be told, hardly any zoom.

    Around emoji there is white paper; around other pictures their own border goes on.

    Args:
        images: (B, 3, S, S) in [0, 1].
        config: at augmentation 1, `TURN`, `ZOOM`, `STRETCH` and `SHIFT` are the most that is done.
        generator: draws everything.
    """
    drawn = 2 * torch.rand((len(images), 5), generator=generator, device=images.device) - 1
    strength = config.augmentation * torch.ones(5, device=images.device)
    strength[1:3] *= 0.25 if config.data == "apples" else 1.0
    turn, zoom, stretch, right, down = (strength * drawn).unbind(1)
    angle, scale, ratio = math.radians(TURN) * turn, ZOOM**zoom, STRETCH**stretch
    cos, sin = angle.cos() * scale, angle.sin() * scale
    rows = (
        torch.stack((cos * ratio, -sin * ratio, 2 * SHIFT * right), 1),
        torch.stack((sin / ratio, cos / ratio, 2 * SHIFT * down), 1),
    )
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    if config.data == "emoji":
        return 1 - F.grid_sample(1 - images, grid, padding_mode="zeros", align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


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
    broad = (drawn[chosen, 1] < BROAD_SHARE)[:, None, None, None]
    ink = torch.where(broad, edges(part, broad=True), edges(part, broad=False))
    strength = 0.5 + 0.5 * drawn[chosen, 2, None, None, None]
    colour = drawn[chosen, 3, None, None, None]
    changed = images.clone()
    changed[chosen] = (1 - colour * (1 - part)) * (1 - strength * ink)
    return changed


def edges(images: Tensor, *, broad: bool) -> Tensor:
    """Where neighbouring pixels differ: (B, 3, S, S) in [0, 1] to (B, 1, S, S), 1 at strong edges, 0 on plain areas.

    Args:
        images: the pictures.
        broad: mark the pixels on both sides of an edge, not only those above or to the left of it.
    """
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    near = padded[:, :, :-2, 1:-1], padded[:, :, 1:-1, :-2]
    here = (images, images) if not broad else (padded[:, :, 2:, 1:-1], padded[:, :, 1:-1, 2:])
    down, across = ((a - b).abs().amax(1, keepdim=True) for a, b in zip(here, near, strict=True))
    return ((torch.maximum(across, down) - EDGE_FULL / 2) / (EDGE_FULL / 2)).clamp(0, 1)
