"""What to try with the transfer, and what comes out. tests/backends/transfer/test_presets.py holds them to it."""

from __future__ import annotations

from typing import Any

from backends.engine.presets import Preset
from backends.transfer.config import TransferConfig

PROBES = {"fine_tuning": "off", "scratch": "off"}
"""Of a preset that is there within seconds."""


def _preset(name: str, group: str, changes: dict[str, Any], expect: str, look_at: str) -> Preset[TransferConfig]:
    return Preset(TransferConfig, name, group, changes, expect, look_at)


PRESETS: tuple[Preset[TransferConfig], ...] = (
    _preset(
        "Few labels",
        "Pre-training",
        {},
        "TODO.",
        "TODO.",
    ),
    _preset(
        "Jitter and colour",
        "Which pretext?",
        {"encoder": "simclr-without-jitter", "against": "simclr", "factor": "colour", "knn": "off", **PROBES},
        "TODO.",
        "TODO.",
    ),
    _preset(
        "Who knows pose",
        "Which pretext?",
        {"encoder": "rotation", "against": "simclr", "factor": "pose", "knn": "off", **PROBES},
        "TODO.",
        "TODO.",
    ),
    _preset(
        "A stranger's pictures",
        "Further away",
        {"data": "emoji", "factor": "category", "encoder": "simclr", "against": "simclr-emoji", "knn": "off", **PROBES},
        "TODO.",
        "TODO.",
    ),
    _preset(
        "Enough labels",
        "Pre-training",
        {"most_labels": "100", "against": "none", "linear": "on", "knn": "off"},
        "TODO.",
        "TODO.",
    ),
)
