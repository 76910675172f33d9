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
        "With 10 labels per class a probe on SimCLR’s features tells about 60 of 100 shapes right, one on raw pixels "
        "about 45, and the same net from scratch about 35. That net needs 50 labels for what SimCLR has at 20.",
        "The distance between “fine-tuned” and “From scratch” at 10 labels, and at 50.",
    ),
    _preset(
        "Enough labels",
        "Pre-training",
        {"most_labels": "100", "seeds": 2, "against": "none", "knn": "off"},
        "The more labels, the less pre-training is worth: at 10 per class fine-tuning is ahead of the net from scratch "
        "by about 25 points, at 100 by about 10. Fine-tuning leaves the linear probe behind there.",
        "How the three lines come together towards the right.",
    ),
    _preset(
        "Jitter and colour",
        "Which pretext?",
        {"encoder": "simclr-without-jitter", "against": "simclr", "factor": "colour", "knn": "off", **PROBES},
        "What a pretext throws away no label brings back. Without colour jitter one label per class is enough for 60 "
        "of 100 colours, 10 for nearly all; with it 50 labels give no more than about 25.",
        "The two lines at 1 label and at 50, and guessing below.",
    ),
    _preset(
        "Who knows pose",
        "Which pretext?",
        {"encoder": "rotation", "against": "simclr", "factor": "pose", "knn": "off", **PROBES},
        "Rotation asks for nothing but how a thing stands, and yet SimCLR tells pose better: with 50 labels about 70 "
        "of 100 against 60. What sounds alike is not always what is learned.",
        "The two lines from 10 labels on.",
    ),
    _preset(
        "Other pictures",
        "Further away",
        {
            "data": "emoji",
            "factor": "category",
            "encoder": "simclr",
            "against": "simclr-emoji",
            "most_labels": "20",
            "knn": "off",
            **PROBES,
        },
        "An encoder that saw nothing but apples tells emoji hardly better than guessing until 10 labels per class. One "
        "that saw emoji is a few points ahead with 20, and that is little too.",
        "The bars: where they overlap, neither is better.",
    ),
    _preset(
        "When was it said?",
        "Text",
        {
            "data": "speeches",
            "factor": "century",
            "encoder": "bert",
            "against": "bag-of-words",
            "most_labels": "100",
            **PROBES,
        },
        "Nobody told BERT when a speech was given, yet by its nearest neighbours 10 labels per century tell 50 of 100 "
        "passages, counted words 34. A linear probe gets 55 from either with 100 labels. word2vec, put in BERT’s "
        "place, is ahead of both.",
        "The dotted lines, and how the solid ones meet.",
    ),
)
