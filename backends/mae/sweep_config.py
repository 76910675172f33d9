"""What the sweep over mask ratios trains at: kept apart from it, because the page reads it and torch is heavy."""

from __future__ import annotations

import math
from collections.abc import Sequence

from backends.mae.config import MAEConfig

RATIOS = (0.25, 0.5, 0.75, 0.9)
MAX_RATIOS = 8
MIN_STEPS = 10
"""Of each run; the config takes no fewer."""


def sweep_configs(config: MAEConfig, ratios: Sequence[float] = RATIOS) -> dict[str, MAEConfig]:
    """One run's settings for each ratio, by its percentage ("75"), the lowest first.

    They share the seed and everything else, and the steps of the config are shared out among them.

    Args:
        config: what they have in common; its own mask ratio is not used.
        ratios: 1 to 8 of them, each in [0.05, 0.95] and a whole percentage; each is taken once.

    Raises:
        ConfigError: a ratio is out of range.
        ValueError: there are none, too many, or one is no whole percentage.
    """
    chosen = sorted(set(ratios))
    if not 1 <= len(chosen) <= MAX_RATIOS:
        raise ValueError(f"There are {len(chosen)} mask ratios; a sweep takes from 1 to {MAX_RATIOS}.")
    steps = max(MIN_STEPS, config.steps // len(chosen))
    return {percentage(ratio): config.with_changes(mask_ratio=ratio, steps=steps) for ratio in chosen}


def percentage(ratio: float) -> str:
    """A ratio as metrics name it: "75" for 0.75.

    Raises:
        ValueError: it is no whole percentage.
    """
    hundredths = 100 * ratio
    if not math.isfinite(ratio) or abs(hundredths - round(hundredths)) > 1e-6:
        raise ValueError(f"The mask ratio {ratio} is no whole percentage.")
    return str(round(hundredths))
