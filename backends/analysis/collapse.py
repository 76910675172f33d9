"""Whether embeddings still tell pictures apart: alignment, uniformity, effective rank, spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

COLLAPSED_SPREAD = 0.1
"""Below this share of an even spread all embeddings are as good as the same."""
FEW_DIMENSIONS = 0.1
"""Below this share of the dimensions in use, collapse is dimensional."""


@dataclass(frozen=True)
class CollapseMeasures:
    """How a batch of embeddings is spread over the unit sphere.

    Attributes:
        alignment: mean squared distance between two views of a picture, in [0, 4]; small is good.
        uniformity: log of the mean Gaussian potential, in [-4, 0]; 0 is collapse.
        effective_rank: dimensions in use, from 1 to `dimensions`.
        spread: standard deviation of a coordinate times √dimensions: 0 is collapse, 1 an even spread.
        dimensions: of the embeddings.
    """

    alignment: float
    uniformity: float
    effective_rank: float
    spread: float
    dimensions: int

    @property
    def kind(self) -> str:
        """One of "complete", "dimensional" and "none"."""
        if self.spread < COLLAPSED_SPREAD:
            return "complete"
        return "dimensional" if self.effective_rank < max(2.0, FEW_DIMENSIONS * self.dimensions) else "none"


def measure_collapse(first: Tensor, second: Tensor) -> CollapseMeasures:
    """Measure two views' projections.

    Alignment and uniformity: Wang and Isola (2020), equations 4 and 5, with α = 2 and t = 2. Effective rank: exp of the
    entropy of the normalised singular values (Roy and Vetterli, 2007) of the centred embeddings. Spread: Chen and He
    (2021), section 4.1.

    Args:
        first: (B, P) projections of one view of each picture; second: (B, P) of the other. B at least 2.
    """
    import torch
    from torch.nn import functional as F

    with torch.no_grad():
        one, other = F.normalize(first.float(), dim=1), F.normalize(second.float(), dim=1)
        alignment = (one - other).square().sum(dim=1).mean()
        squared = (2 - 2 * one @ one.T).clamp_min(0)
        n, dimensions = one.shape
        off_diagonal = torch.exp(-2 * squared).sum() - n  # the diagonal's distance is 0
        uniformity = (off_diagonal / (n * (n - 1))).clamp_min(1e-12).log()
        views = torch.cat([one, other])
        centred = views - views.mean(dim=0)
        values = torch.linalg.eigvalsh(centred.T @ centred).clamp_min(0).sqrt()
        shares = values / values.sum().clamp_min(1e-12)
        rank = torch.exp(-(shares * shares.clamp_min(1e-12).log()).sum())
        spread = views.std(dim=0, correction=0).mean() * dimensions**0.5
        return CollapseMeasures(float(alignment), float(uniformity), float(rank), float(spread), dimensions)
