"""The nets of the three tasks: each the encoder whose features are kept, and what answers the task's question."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backends.nets.vision import build_encoder
from backends.pretext.config import TILES, TURNS, InpaintingConfig, JigsawConfig, PretextConfig, RotationConfig
from backends.pretext.puzzles import cut_out

DECODER_WIDTHS = (64, 48)
PATCH = 4
"""Pixels a side that the decoder's last layer paints at a time: layers at full size would cost more than all else."""
CONTEXT_WIDTH = 256


class RotationModel(nn.Module):
    """Which of four quarter turns? Encoder and one linear layer (Gidaris et al., 2018)."""

    def __init__(self, config: RotationConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = build_encoder(config.encoder, config.size)
        self.head = nn.Linear(int(self.encoder.width), TURNS)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 1] to (B, 4) logits of the quarter turns, counter-clockwise."""
        turn_logits: Tensor = self.head(self.encoder(images))
        return turn_logits

    def loss(self, images: Tensor, turns: Tensor) -> Tensor:
        """Cross-entropy of (B, 3, S, S) turned pictures and their (B,) turns."""
        return F.cross_entropy(self(images), turns)


class InpaintingModel(nn.Module):
    """What stood in the hole? An encoder and a decoder that paints, after the context encoder (Pathak et al., 2016).

    Differences: squared error alone, without the adversarial loss; the hole has a colour of its own, so that the net
    sees where it is; the decoder gets the encoder's maps through a 3 × 3 convolution, not a channel-wise linear layer.
    """

    def __init__(self, config: InpaintingConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = build_encoder(config.encoder, config.size)
        width = int(self.encoder.width)
        layers: list[nn.Module] = [nn.Conv2d(width, width, 3, padding=1, bias=False), *_normed(width)]
        if config.encoder == "resnet18":  # its maps are half as large
            layers += [nn.Upsample(scale_factor=2)]
        for thinner in DECODER_WIDTHS:
            layers += [nn.ConvTranspose2d(width, thinner, 4, stride=2, padding=1, bias=False), *_normed(thinner)]
            width = thinner
        layers += [nn.Conv2d(width, 3 * PATCH**2, 3, padding=1), nn.PixelShuffle(PATCH)]
        self.decoder = nn.Sequential(*layers)

    def forward(self, images: Tensor, holes: Tensor) -> Tensor:
        """Paint whole pictures.

        Args:
            images: (B, 3, S, S) in [0, 1]; what is in the holes is not looked at.
            holes: (B, S, S) bool, True where the model may not see.

        Returns:
            (B, 3, S, S) in [0, 1].
        """
        painted: Tensor = self.decoder(self.encoder.maps(cut_out(images, holes)))
        side = images.shape[-1]
        return painted[..., :side, :side].sigmoid()

    def loss(self, images: Tensor, holes: Tensor) -> Tensor:
        """Mean squared error over the pixels in the holes; arguments as of `forward`."""
        wrong = (self(images, holes) - images).square().mean(dim=1)
        return (wrong * holes).sum() / holes.sum().clamp_min(1)


class JigsawModel(nn.Module):
    """Where does each tile belong? One encoder for all tiles, then each tile beside the mean of all nine.

    Nobody tells the net where a tile lies, and its answers move with the tiles. Noroozi and Favaro (2016) let the net
    choose one of a few hundred permutations; here every tile is asked for its place.
    """

    def __init__(self, config: JigsawConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = build_encoder(config.encoder, config.size)
        width = int(self.encoder.width)
        self.head = nn.Sequential(
            nn.Linear(2 * width, CONTEXT_WIDTH), nn.ReLU(inplace=True), nn.Linear(CONTEXT_WIDTH, TILES)
        )

    def forward(self, tiles: Tensor) -> Tensor:
        """(B, 9, 3, T, T) in [0, 1], in any order, to (B, 9, 9) logits: of each tile, of each place."""
        features = self.encoder(tiles.flatten(0, 1)).unflatten(0, (-1, TILES))  # (B, 9, D)
        context = features.mean(dim=1, keepdim=True).expand_as(features)
        place_logits: Tensor = self.head(torch.cat([features, context], dim=2))
        return place_logits

    def loss(self, tiles: Tensor, places: Tensor, blank_mask: Tensor) -> Tensor:
        """Cross-entropy over the tiles that are not blank.

        Args:
            tiles: (B, 9, 3, T, T) in [0, 1].
            places: (B, 9) where each belongs.
            blank_mask: (B, 9) bool, True where a tile is left out.
        """
        wrong = F.cross_entropy(self(tiles).flatten(0, 1), places.flatten(), reduction="none")
        counted = ~blank_mask.flatten()
        return (wrong * counted).sum() / counted.sum().clamp_min(1)


PretextModel = RotationModel | InpaintingModel | JigsawModel


def build_model(config: PretextConfig) -> PretextModel:
    """The untrained net of a task; torch's global generator draws its weights."""
    if isinstance(config, RotationConfig):
        return RotationModel(config)
    if isinstance(config, InpaintingConfig):
        return InpaintingModel(config)
    if isinstance(config, JigsawConfig):
        return JigsawModel(config)
    raise TypeError(f"{type(config).__name__} is not the config of a pretext task.")


def untrained(config: PretextConfig) -> PretextModel:
    """The net that a run with these settings starts from."""
    from backends.nets.seeded import seeded

    with seeded(config.seed):
        return build_model(config)


def _normed(width: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
