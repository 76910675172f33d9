"""What to try with the pretext tasks, and what comes out. tests/backends/pretext/test_presets.py holds them to it."""

from __future__ import annotations

from typing import Any

from backends.engine.presets import Preset
from backends.pretext.task_config import TaskConfig

STEPS = 250
"""Of every preset: short enough to try one after the other."""


def _preset(name: str, group: str, changes: dict[str, Any], expect: str, look_at: str) -> Preset[TaskConfig]:
    return Preset(TaskConfig, name, group, {"steps": STEPS, **changes}, expect, look_at)


PRESETS: tuple[Preset[TaskConfig], ...] = (
    _preset(
        "Which way is up",
        "Rotation",
        {},
        "Nearly every held-out apple is put upright. A linear probe then finds more of pose and light than in an "
        "untrained net, and less of colour, which no answer needs.",
        "Pose, Light and Colour in the table, column “linear”.",
    ),
    _preset(
        "Emoji",
        "Rotation",
        {"data": "emoji"},
        "Much harder than apples: after so few steps about half are put upright, where guessing gives a quarter. Some "
        "never can be.",
        "Held-out accuracy; then Unsolvable.",
    ),
    _preset(
        "Lit from above",
        "Shortcuts",
        {"light_from_above": "on"},
        "The light gives the answer away. Without it about nine of ten are still put upright: the net looked at the "
        "apple too. But a probe finds less of pose and shape.",
        "Held-out accuracy without the shortcut; Pose and Shape. Compare with “Which way is up”.",
    ),
    _preset(
        "Printed label",
        "Shortcuts",
        {"printed_label": "on"},
        "Every picture is put upright, as long as the label is there. Without it the net guesses: one of four. It read "
        "the label, and a probe finds less of pose.",
        "Held-out accuracy without the shortcut, and Pose. Compare with “Which way is up”.",
    ),
    _preset(
        "A hole in the middle",
        "Inpainting",
        {"task": "inpainting", "hole": "centre"},
        "The apple itself is missing. The error falls to about a third of guessing’s. Neighbours agree in shape more "
        "often than in an untrained net.",
        "The paintings, and Shape in the table. Compare with “A hole anywhere”.",
    ),
    _preset(
        "A hole anywhere",
        "Inpainting",
        {"task": "inpainting", "hole": "random"},
        "Often only paper is missing, so guessing is nearer. Neighbours agree in colour nearly always, but in shape "
        "less often than in an untrained net.",
        "Colour and Shape in the table. Compare with “A hole in the middle”.",
    ),
    _preset(
        "Tiles that touch",
        "Jigsaw",
        {"task": "jigsaw", "gap": 0},
        "Nearly every held-out tile gets its place. A linear probe finds more of shape than in an untrained net, and "
        "less of colour.",
        "Held-out accuracy; Shape and Colour in the table, column “linear”.",
    ),
    _preset(
        "Tiles with a gap",
        "Jigsaw",
        {"task": "jigsaw", "gap": 4},
        "No line runs across an edge now, and still 97 of 100 tiles get their place. On these small pictures the gap "
        "does not help: of shape a probe finds less than without it.",
        "Held-out accuracy, and Shape. Compare with “Tiles that touch”.",
    ),
    _preset(
        "Shifted colours",
        "Jigsaw",
        {"task": "jigsaw", "tile_colour": "shifted"},
        "Equal colours no longer tell which tiles belong together. Still 99 of 100 get their place, so it was not the "
        "colours that told it; and a probe finds even less of colour.",
        "Held-out accuracy, and Colour. Compare with “Tiles that touch”.",
    ),
)
