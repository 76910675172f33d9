"""What a batch of pictures and captions must do: CLIP's softmax both ways, or SigLIP's yes or no for each pair."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def clip_loss(images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
    """Cross-entropy of the similarity matrix's rows and columns, half of each (Radford et al., 2021, figure 3).

    Args:
        images: (B, P) of length 1.
        texts: (B, P) of length 1; row i belongs to picture i.
        scale: scalar, 1 / temperature.

    Returns:
        Scalar, at least 0; ln B where nothing is known.
    """
    logits = scale * images @ texts.T
    targets = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2


def siglip_loss(images: Tensor, texts: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Binary cross-entropy of every pair, summed over captions, mean over pictures (Zhai et al., 2023, algorithm 1).

    Args:
        images: (B, P) of length 1.
        texts: (B, P) of length 1; row i belongs to picture i.
        scale: scalar, 1 / temperature.
        bias: scalar, added to each logit; negative, since most pairs do not match.

    Returns:
        Scalar, at least 0.
    """
    logits = scale * images @ texts.T + bias
    labels = 2 * torch.eye(len(logits), device=logits.device, dtype=logits.dtype) - 1
    return -F.logsigmoid(labels * logits).sum(dim=1).mean()
