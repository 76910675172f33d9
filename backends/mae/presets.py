"""What to try with the masked autoencoder, and what comes out. tests/backends/mae/test_presets.py holds it to it."""

from __future__ import annotations

from typing import Any

from backends.engine.presets import Preset
from backends.mae.config import MAEConfig

STEPS = 250
"""Of every preset: short enough to try one after the other. Features need more."""


def _preset(name: str, group: str, changes: dict[str, Any], expect: str, look_at: str) -> Preset[MAEConfig]:
    return Preset(MAEConfig, name, group, {"steps": STEPS, **changes}, expect, look_at)


PRESETS: tuple[Preset[MAEConfig], ...] = (
    _preset(
        "Three quarters",
        "Mask ratio",
        {},
        "The error falls below half of guessing's. The features are slower: of shape a linear probe still finds less "
        "than in an untrained net.",
        "The error, and Shape in the table, column “linear”. Then train with more steps.",
    ),
    _preset(
        "A quarter",
        "Mask ratio",
        {"mask_ratio": 0.25},
        "An easy puzzle, one would think. In so few steps the error is about as large as with three quarters hidden, "
        "and neighbours agree in colour less often.",
        "The error, and Colour in the table. Compare with “Three quarters”.",
    ),
    _preset(
        "Nearly nothing",
        "Mask ratio",
        {"mask_ratio": 0.9},
        "Six patches of 64 are visible. Even so the error falls below half of guessing's; its share is only a little "
        "larger than with three quarters hidden.",
        "The paintings: which parts of an apple are made up? Compare the error with “Three quarters”.",
    ),
    _preset(
        "One block",
        "Mask",
        {"masking": "block"},
        "As much is hidden, in one piece. The error is much larger than with scattered patches, and so is guessing's; "
        "neighbours agree in colour much less often.",
        "The middle of the block, the error, and Colour in the table. Compare with “Three quarters”.",
    ),
    _preset(
        "Even grid",
        "Mask",
        {"masking": "grid"},
        "Every hidden patch touches a visible one. The error is about half of that with one block, though as many "
        "patches are hidden.",
        "The paintings and the error. Compare with “One block”.",
    ),
    _preset(
        "Large patches",
        "Task",
        {"patch": "8"},
        "Four patches of 16 are visible, each as large as four of the usual ones. The error stays a larger share of "
        "guessing's than with small patches.",
        "The paintings, and the error as a share of guessing. Compare with “Three quarters”.",
    ),
    _preset(
        "Normalised targets",
        "Task",
        {"targets": "normalised"},
        "Each patch is painted without its own brightness and contrast. Guessing's error is near 1 and not 0.03, so "
        "only shares can be compared: it falls below half here too.",
        "The paintings, shown as they come out, and the error as a share of guessing.",
    ),
    _preset(
        "Emoji",
        "Pictures",
        {"data": "emoji"},
        "Guessing is further off than with apples, and the net is nearer to it: in as many steps its error stays above "
        "half of guessing's, where that of apples falls below.",
        "The paintings, and the error as a share of guessing. Compare with “Three quarters”.",
    ),
)
