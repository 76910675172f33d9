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
        "The diagonal grows. At the end about two of three drawings of an artist that was never seen get their name "
        "out of ten; where the name too is new, little more than one of three.",
        "Your run: the matrix, and both curves against chance. Then Ten names.",
    ),
    _preset(
        "Apples",
        "Pictures",
        {"data": "apples"},
        "Six pairs of a colour and a shape are never seen together. Nine of ten such apples still get their own name "
        "out of 48, nearly as many as of the others.",
        "Composition: the framed cells.",
    ),
    _preset(
        "Nothing changed",
        "Changes",
        {"augmentation": 0, "outlines": 0},
        "The loss falls to a quarter of that of “Emoji”, and fewer drawings of the unseen artist get their name: the "
        "drawings were learned by heart.",
        "Your run: the loss beside the unseen artist's curve. Compare with “Emoji”.",
    ),
    _preset(
        "All changed",
        "Changes",
        {"augmentation": 1.5, "outlines": 0.8},
        "Too hard for so few steps: the loss ends nearly twice as high as that of “Emoji”, and fewer drawings get "
        "their name.",
        "Your run: the loss beside the unseen artist's curve. Compare with “Nothing changed”.",
    ),
    _preset(
        "Small batch",
        "Loss",
        {"batch": 16},
        "Each picture has only 15 wrong captions to tell apart. The loss ends as low as that of “Emoji”, but only "
        "about half as many drawings of the unseen artist get their name.",
        "Your run: the unseen artist's curve. Compare with “Emoji”.",
    ),
    _preset(
        "SigLIP",
        "Loss",
        {"loss": "siglip"},
        "Each pair is asked for itself, yes or no. At this size it learns more slowly: fewer drawings of the unseen "
        "artist get their name than with CLIP's loss.",
        "Ask: the column “by itself”, now a trained sigmoid. Then the gap.",
    ),
    _preset(
        "Small ViT",
        "Net",
        {"image_encoder": "vit"},
        "Nothing tells it that neighbouring patches belong together. In as many steps it learns less than the conv "
        "net, and each step takes about twice as long.",
        "Your run: the unseen artist's curve. Compare with “Emoji”.",
    ),
)
