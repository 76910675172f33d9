"""Losses on two views of a batch. Each takes its embeddings as arguments and holds nothing."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

BARLOW_REDUNDANCY = 0.005
VICREG_INVARIANCE, VICREG_VARIANCE, VICREG_COVARIANCE = 25.0, 25.0, 1.0
VARIANCE_FLOOR = 1e-4


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Normalised temperature-scaled cross entropy (Chen et al., 2020, equation 1), averaged over the 2B views.

    Args:
        first: (B, P) projections of one view of each picture, of any length.
        second: (B, P) projections of the other views.
        temperature: above 0.

    Returns:
        The loss, a scalar; log(2B - 1) where all projections are the same.
    """
    views = F.normalize(torch.cat([first, second]), dim=1)
    similarity_logits = views @ views.T / temperature
    similarity_logits.fill_diagonal_(float("-inf"))
    n = len(first)
    partner = torch.arange(2 * n, device=first.device).roll(n)
    return F.cross_entropy(similarity_logits, partner)


def simsiam(
    first: Tensor, second: Tensor, first_prediction: Tensor, second_prediction: Tensor, *, stop_gradient: bool = True
) -> Tensor:
    """Negative cosine between a view's prediction and the other view's projection (Chen and He, 2021, algorithm 1).

    Args:
        first: (B, P) projections of one view; second: of the other.
        first_prediction: (B, P) what the predictor makes of `first`; second_prediction: of `second`.
        stop_gradient: hold the projections fixed; without it everything collapses.

    Returns:
        The loss, a scalar in [-1, 1].
    """
    if stop_gradient:
        first, second = first.detach(), second.detach()
    one = F.cosine_similarity(first_prediction, second).mean()
    other = F.cosine_similarity(second_prediction, first).mean()
    return -0.5 * (one + other)


def barlow_twins(first: Tensor, second: Tensor, redundancy: float = BARLOW_REDUNDANCY) -> Tensor:
    """Bring the views' cross-correlation matrix to the identity (Zbontar et al., 2021, equation 1).

    We divide by the number of dimensions, which the paper does not, so that the loss is of the same size for all.

    Args:
        first: (B, P) projections of one view; second: of the other. B at least 2.
        redundancy: weight of what stands off the diagonal.
    """
    correlation = _standardised(first).T @ _standardised(second) / len(first)  # (P, P)
    diagonal = correlation.diagonal()
    off_diagonal = correlation.square().sum() - diagonal.square().sum()
    return ((1 - diagonal).square().sum() + redundancy * off_diagonal) / len(correlation)


def vicreg(first: Tensor, second: Tensor) -> Tensor:
    """Variance, invariance, covariance (Bardes, Ponce and LeCun, 2022, equation 6).

    Args:
        first: (B, P) projections of one view; second: of the other. B at least 2.
    """
    invariance = F.mse_loss(first, second)
    variance = 0.5 * (_variance_hinge(first) + _variance_hinge(second))
    covariance = _off_diagonal_covariance(first) + _off_diagonal_covariance(second)
    return VICREG_INVARIANCE * invariance + VICREG_VARIANCE * variance + VICREG_COVARIANCE * covariance


def _standardised(views: Tensor) -> Tensor:
    return (views - views.mean(dim=0)) / (views.var(dim=0, correction=0) + VARIANCE_FLOOR).sqrt()


def _variance_hinge(views: Tensor) -> Tensor:
    """How far each dimension's standard deviation falls short of 1, averaged."""
    return F.relu(1 - (views.var(dim=0) + VARIANCE_FLOOR).sqrt()).mean()


def _off_diagonal_covariance(views: Tensor) -> Tensor:
    centred = views - views.mean(dim=0)
    covariance = centred.T @ centred / (len(views) - 1)
    return (covariance.square().sum() - covariance.diagonal().square().sum()) / views.shape[1]
