"""What to try with SimCLR: settings, and what comes out. tests/backends/simclr/test_presets.py holds it to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backends.simclr.augment_config import AUGMENTATIONS, COLOUR_AUGMENTATIONS
from backends.simclr.config import SimCLRConfig


@dataclass(frozen=True)
class Preset:
    """One click: some settings, the rest at their defaults, for which alone the expectation was checked.

    Attributes:
        name: what the button says.
        group: presets to compare with each other have the same one.
        changes: setting → value.
        expect: what comes out.
        look_at: where to see it.
    """

    name: str
    group: str
    changes: Mapping[str, Any]
    expect: str
    look_at: str

    def config(self, **others: Any) -> SimCLRConfig:
        """Return the settings of the preset; `others` are those that don't change what to expect: the seed."""
        return SimCLRConfig.parse({**others, **self.changes})


def _without(*kept: str) -> dict[str, float]:
    return {name: 0 for name in AUGMENTATIONS if name not in kept and getattr(SimCLRConfig(), name)}


PRESETS: tuple[Preset, ...] = (
    Preset(
        "Colours kept",
        "Views",
        dict.fromkeys(COLOUR_AUGMENTATIONS, 0),
        "Colour now tells which views belong together, so neighbours agree in colour nearly always. Shape is "
        "neglected: neighbours agree in it far less often than with jitter.",
        "Colour and Shape in the table. Pin this run, then train with the default settings.",
    ),
)
