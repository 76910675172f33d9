"""Picture encoders: (B, 3, S, S) in [0, 1] to (B, D) features. Small, because they must learn within seconds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backends.nets.transformer import Block, sine_positions_2d

MEAN, SPREAD = 0.5, 0.25
"""Pixels in [0, 1] are brought to about [-2, 2]; the same for every set, so that encoders can be exchanged."""
CONV_WIDTHS = (16, 32, 64, 128)
EMBED_CHUNK = 500
"""Pictures that are embedded at a time outside of training."""
VIT_PATCH, VIT_WIDTH, VIT_DEPTH, VIT_HEADS = 4, 96, 3, 4


def build_encoder(name: str, image_size: int) -> nn.Module:
    """Build an encoder with the attribute `width`, the number of its features.

    Args:
        name: "conv", "resnet18" or "vit".
        image_size: S; only the vision transformer depends on it.

    Raises:
        ValueError: there is no such encoder.
    """
    if name == "conv":
        return ConvEncoder()
    if name == "resnet18":
        return ResNet18Encoder()
    if name == "vit":
        return ViTEncoder(image_size)
    raise ValueError(f"There is no encoder {name}; choose conv, resnet18 or vit.")


def count_parameters(module: nn.Module) -> int:
    """How many numbers a module learns."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


class ConvEncoder(nn.Module):
    """Four convolutions of stride 2, batch norm and ReLU after each, and the mean over places.

    The first already halves the picture: at full size a convolution costs more than all the others together.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in CONV_WIDTHS:
            layers += [
                nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            channels = width
        self.layers = nn.Sequential(*layers)
        self.width = channels

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 1] to (B, 128)."""
        return self.maps(images).mean(dim=(2, 3))

    def maps(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 1] to (B, 128, S / 16, S / 16), rounded up: the features of each place."""
        found: Tensor = self.layers(_standardised(images))
        return found


class ResNet18Encoder(nn.Module):
    """ResNet-18 (He et al., 2016) from a random start; the first layer is a 3 × 3 of stride 2, without pooling.

    The original halves the picture three times before the first block, which leaves nothing of 32 pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import resnet18

        net = resnet18(weights=None)
        net.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
        net.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.width = net.fc.in_features
        net.fc = nn.Identity()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 1] to (B, 512)."""
        features: Tensor = self.net(_standardised(images))
        return features

    def maps(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 1] to (B, 512, S / 32, S / 32), rounded up: the features of each place."""
        net = self.net
        x = net.maxpool(net.relu(net.bn1(net.conv1(_standardised(images)))))
        found: Tensor = net.layer4(net.layer3(net.layer2(net.layer1(x))))
        return found


class ViTEncoder(nn.Module):
    """A small vision transformer (Dosovitskiy et al., 2021): patches of 4 × 4, three blocks, the mean over tokens."""

    def __init__(self, image_size: int) -> None:
        super().__init__()
        if image_size % VIT_PATCH:
            raise ValueError(f"Pictures of {image_size} pixels can't be cut into patches of {VIT_PATCH}.")
        self.width = VIT_WIDTH
        self.patches = nn.Conv2d(3, VIT_WIDTH, VIT_PATCH, stride=VIT_PATCH)
        self.register_buffer("positions", sine_positions_2d(image_size // VIT_PATCH, VIT_WIDTH), persistent=False)
        self.blocks = nn.ModuleList(Block(VIT_WIDTH, VIT_HEADS) for _ in range(VIT_DEPTH))
        self.norm = nn.LayerNorm(VIT_WIDTH)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 1] to (B, 96)."""
        tokens = self.patches(_standardised(images)).flatten(2).transpose(1, 2) + self.positions  # (B, L, D)
        for block in self.blocks:
            tokens = block(tokens)
        features: Tensor = self.norm(tokens).mean(dim=1)
        return features


@torch.no_grad()
def embed(encoder: nn.Module, images: Tensor) -> Tensor:
    """The features of many pictures, some of them at a time: (n, 3, S, S) uint8 to (n, D), n at least 1."""
    parts = [
        encoder((chunk.float() / 255).contiguous(memory_format=torch.channels_last))
        for chunk in images.split(EMBED_CHUNK)
    ]
    return torch.cat(parts)


def _standardised(images: Tensor) -> Tensor:
    return torch.sub(images, MEAN).div_(SPREAD)
