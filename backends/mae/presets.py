"""What to try with the masked autoencoder, and what comes out. tests/backends/mae/test_presets.py holds it to it."""

from __future__ import annotations

from typing import Any

from backends.engine.presets import Preset
from backends.mae.config import MAEConfig

STEPS = 250
"""Of every preset: long enough to paint, and short enough to try one after the other."""


def _preset(name: str, group: str, changes: dict[str, Any], expect: str, look_at: str) -> Preset[MAEConfig]:
    return Preset(MAEConfig, name, group, {"steps": STEPS, **changes}, expect, look_at)


PRESETS: tuple[Preset[MAEConfig], ...] = (
    _preset(
        "Three quarters",
        "Mask ratio",
        {},
        "Apples grow out of a quarter of their patches. The error on hidden patches falls below half of that of "
        "guessing the visible mean.",
        "The error over the steps. The other presets are to be compared with this one.",
    ),
    _preset(
        "Too easy",
        "Mask ratio",
        {"mask_ratio": 0.25},
        "Only a quarter is hidden, so most hidden patches have visible neighbours on all sides.",
        "The error and the table of what the features know. Compare with “Three quarters”.",
    ),
    _preset(
        "Nearly nothing",
        "Mask ratio",
        {"mask_ratio": 0.9},
        "Six patches of 64 are left, so much of every apple has to be guessed.",
        "The paintings, and the error. Compare with “Three quarters”.",
    ),
    _preset(
        "One block",
        "Mask",
        {"masking": "block"},
        "Three quarters are hidden in one piece, so most hidden patches have no visible neighbour at all.",
        "The middle of the hidden block, and the error. Compare with “Three quarters”.",
    ),
    _preset(
        "Even grid",
        "Mask",
        {"masking": "grid"},
        "Every fourth patch is visible, in an even grid, so each hidden one has a visible neighbour.",
        "The error. Compare with “One block” and with “Three quarters”.",
    ),
    _preset(
        "Large patches",
        "Task",
        {"patch": "8"},
        "Sixteen patches of 8 pixels, of which four are visible.",
        "The error, and images per second. Compare with “Three quarters”.",
    ),
    _preset(
        "Normalised targets",
        "Task",
        {"targets": "normalised"},
        "Each patch is painted less its mean and divided by its spread, so the paintings are grey.",
        "The paintings, and the error: it is not one of pixels, so only its share of guessing can be compared.",
    ),
    _preset(
        "Emoji",
        "Pictures",
        {"data": "emoji"},
        "Emoji differ more from each other than apples do.",
        "The paintings, and the error as a share of guessing.",
    ),
)
