"""How the learning rate goes over a run, for every trainer of pictures."""

from __future__ import annotations

import math

WARM_UP_SHARE = 0.05


def rate_at(share: float) -> float:
    """Learning rate as a share of its peak: a short linear rise, then a cosine down to 0.

    Args:
        share: how much of the run is over, in [0, 1].
    """
    if share < WARM_UP_SHARE:
        return max(0.05, share / WARM_UP_SHARE)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (share - WARM_UP_SHARE) / (1 - WARM_UP_SHARE))))
