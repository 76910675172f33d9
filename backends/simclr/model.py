"""What is trained: an encoder, a projection head, and for SimSiam a predictor."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backends.nets.vision import build_encoder
from backends.simclr.config import SimCLRConfig
from backends.simclr.losses import barlow_twins, nt_xent, simsiam, vicreg

PROJECTION = 128
PREDICTOR_WIDTH = 64


class TwoViewModel(nn.Module):
    """Features h = encoder(x), projections z = head(h); the loss compares the z of two views, probes read h."""

    def __init__(self, config: SimCLRConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = build_encoder(config.encoder, int(config.image_size))
        width = int(self.encoder.width)
        self.head, projected = _build_head(config.head, width)
        self.predictor = _build_predictor(projected) if config.loss == "simsiam" else None

    def project(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 1] to (B, P)."""
        projections: Tensor = self.head(self.encoder(images))
        return projections

    def loss(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss of two views' projections, (B, P) each."""
        config = self.config
        if config.loss == "nt-xent":
            return nt_xent(first, second, config.temperature)
        if config.loss == "barlow-twins":
            return barlow_twins(first, second)
        if config.loss == "vicreg":
            return vicreg(first, second)
        assert self.predictor is not None
        predicted = self.predictor(torch.cat([first, second])).chunk(2)
        return simsiam(first, second, *predicted, stop_gradient=config.stop_gradient == "on")


def _build_head(name: str, width: int) -> tuple[nn.Module, int]:
    if name == "none":
        return nn.Identity(), width
    if name == "linear":
        return nn.Linear(width, PROJECTION, bias=False), PROJECTION
    hidden = nn.Sequential(nn.Linear(width, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True))
    return nn.Sequential(
        *hidden, nn.Linear(width, PROJECTION, bias=False), nn.BatchNorm1d(PROJECTION, affine=False)
    ), PROJECTION


def _build_predictor(projected: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(projected, PREDICTOR_WIDTH, bias=False),
        nn.BatchNorm1d(PREDICTOR_WIDTH),
        nn.ReLU(inplace=True),
        nn.Linear(PREDICTOR_WIDTH, projected),
    )
