"""The transformer block that every model here shares: pre-norm, scaled dot-product attention (Vaswani et al., 2017)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MLP_RATIO = 4


class Attention(nn.Module):
    """Multi-head self-attention over (B, T, D)."""

    def __init__(self, width: int, heads: int) -> None:
        """Take a width that the number of heads divides.

        Raises:
            ValueError: it does not.
        """
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads do not divide a width of {width}; choose a multiple.")
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, *, causal: bool = False) -> Tensor:
        """Attend: (B, T, D) to (B, T, D); causal: a position may not see those after it."""
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)  # (B, heads, T, d_head)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.out(mixed.transpose(1, 2).reshape(b, t, d))


class Block(nn.Module):
    """x + attention(norm(x)), then x + MLP(norm(x))."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, MLP_RATIO * width), nn.GELU(), nn.Linear(MLP_RATIO * width, width))

    def forward(self, x: Tensor, *, causal: bool = False) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        x = x + self.attention(self.norm_attention(x), causal=causal)
        return x + self.mlp(self.norm_mlp(x))


def sine_positions_2d(side: int, width: int, longest: float = 100.0) -> Tensor:
    """Positions of a side × side grid as sines and cosines: (side², width), half for rows and half for columns.

    Periods run from 2π to 2π · longest cells, as in Vaswani et al., section 3.5, but far shorter: the grids are small.

    Raises:
        ValueError: width is not a multiple of 4.
    """
    if width % 4:
        raise ValueError(f"The width is {width}; two-dimensional positions need a multiple of 4.")
    rates = torch.exp(-math.log(longest) * torch.arange(width // 4) / (width // 4))
    angles = torch.arange(side)[:, None] * rates  # (side, width / 4)
    axis = torch.cat([angles.sin(), angles.cos()], dim=1)  # (side, width / 2)
    rows = axis[:, None].expand(side, side, -1)
    columns = axis[None].expand(side, side, -1)
    return torch.cat([rows, columns], dim=2).reshape(side * side, width)
