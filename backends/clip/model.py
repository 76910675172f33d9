"""Two encoders that meet: one reads pictures, one reads captions, and both end in one space of unit vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backends.clip.config import CLIPConfig
from backends.clip.losses import clip_loss, siglip_loss
from backends.clip.tokens import LONGEST
from backends.nets.transformer import Stack, TokenEmbedding
from backends.nets.vision import MEAN, SPREAD, ViTEncoder

PROJECTION = 128
TEXT_WIDTH, TEXT_HEADS = 128, 4
CONV_WIDTHS: dict[str, tuple[int, ...]] = {"conv": (24, 48, 96, 192), "wide": (32, 64, 128, 256)}
"""Channels of each stage."""
SCALE_START = 1 / 0.07
"""As in Radford et al., section 2.5."""
SIGLIP_SCALE, SIGLIP_BIAS = 10.0, -10.0
"""As in Zhai et al., section 3."""
MAX_SCALE = 100.0


class CLIPModel(nn.Module):
    """Pictures and captions as unit vectors, and a learned temperature between them."""

    def __init__(self, config: CLIPConfig, vocabulary: int) -> None:
        """`vocabulary`: how many tokens there are; token 0 is the padding."""
        super().__init__()
        self.config = config
        widths = CONV_WIDTHS.get(config.image_encoder)
        self.image_encoder = ResidualConvEncoder(widths) if widths else ViTEncoder(int(config.image_size))
        self.image_drop = nn.Dropout(config.dropout)
        self.image_projection = nn.Linear(int(self.image_encoder.width), PROJECTION, bias=False)
        self.text_encoder = TextEncoder(vocabulary, config.text_depth, config.dropout)
        self.text_projection = nn.Linear(TEXT_WIDTH, PROJECTION, bias=False)
        siglip = config.loss == "siglip"
        self.logit_scale = nn.Parameter(torch.tensor(math.log(SIGLIP_SCALE if siglip else SCALE_START)))
        self.logit_bias = nn.Parameter(torch.tensor(SIGLIP_BIAS)) if siglip else None

    @property
    def scale(self) -> Tensor:
        """1 / temperature, at most 100."""
        return self.logit_scale.exp().clamp(max=MAX_SCALE)

    def embed_images(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 1] to (B, P) of length 1."""
        features = self.image_drop(self.image_encoder(images))
        return F.normalize(self.image_projection(features), dim=1)

    def embed_texts(self, tokens: Tensor) -> Tensor:
        """(B, T) token numbers to (B, P) of length 1."""
        return F.normalize(self.text_projection(self.text_encoder(tokens)), dim=1)

    def loss(self, images: Tensor, texts: Tensor) -> Tensor:
        """Of unit vectors, (B, P) each."""
        if self.logit_bias is None:
            return clip_loss(images, texts, self.scale)
        return siglip_loss(images, texts, self.scale, self.logit_bias)


class TextEncoder(nn.Module):
    """A small transformer; the mean over a caption's tokens stands for it."""

    def __init__(self, vocabulary: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(vocabulary, TEXT_WIDTH, LONGEST)
        del self.embedding.bias  # it scores outputs, and there are none
        self.drop = nn.Dropout(dropout)
        self.stack = Stack("encoder", TEXT_WIDTH, TEXT_HEADS, depth, dropout=dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) token numbers, 0 where there is none, to (B, 128)."""
        seen = tokens != 0
        features = self.stack(self.drop(self.embedding(tokens)), seen=seen)
        weights = seen.to(features.dtype).unsqueeze(2)
        return (features * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


class ResidualConvEncoder(nn.Module):
    """Stages that each halve the picture, with a residual convolution in all but the first; batch norm and ReLU.

    Names ask for finer features than colours and shapes do, so it is wider than SimCLR's.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        """`widths`: channels of each stage."""
        super().__init__()
        stages: list[nn.Module] = []
        channels = 3
        for stage, width in enumerate(widths):
            stages.append(_convolution(channels, width, stride=2))
            if stage:
                stages.append(Residual(width))
            channels = width
        self.stages = nn.Sequential(*stages)
        self.width = channels

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 1] to (B, D), D the channels of the last stage."""
        features: Tensor = self.stages(torch.sub(images, MEAN).div_(SPREAD))
        return features.mean(dim=(2, 3))


class Residual(nn.Module):
    """x + convolution(x)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = _convolution(width, width, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        return x + self.convolution(x)


def _convolution(channels: int, width: int, *, stride: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )
