"""What to try with CLIP, and what comes out. tests/backends/clip/test_presets.py holds it to it."""

from __future__ import annotations

from typing import Any

from backends.clip.config import CLIPConfig
from backends.engine.presets import Preset

STEPS = 300
"""Of every preset: short enough to try one after the other."""


def _preset(name: str, group: str, changes: dict[str, Any], expect: str, look_at: str) -> Preset[CLIPConfig]:
    return Preset(CLIPConfig, name, group, {"steps": STEPS, **changes}, expect, look_at)


PRESETS: tuple[Preset[CLIPConfig], ...] = (
    _preset(
        "Emoji",
        "Pictures",
        {},
        "",
        "",
    ),
    _preset(
        "Apples",
        "Pictures",
        {"data": "apples"},
        "",
        "",
    ),
    _preset("Nothing changed", "Changes", {"augmentation": 0, "outlines": 0}, "", ""),
    _preset("Everything changed", "Changes", {"augmentation": 1.5, "outlines": 0.8}, "", ""),
    _preset("Small batch", "Batch and loss", {"batch": 16}, "", ""),
    _preset("SigLIP", "Batch and loss", {"loss": "siglip"}, "", ""),
    _preset("Small ViT", "Net", {"image_encoder": "vit"}, "", ""),
)
