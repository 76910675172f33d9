"""Augmentations to start from, and what to expect of each; tests/backends/simclr/test_augment_presets.py checks it."""

from __future__ import annotations

from dataclasses import dataclass

from backends.simclr.augment_config import AUGMENTATIONS, AugmentConfig

COLOUR_JITTER = ("brightness", "contrast", "saturation", "hue", "grayscale")


@dataclass(frozen=True)
class AugmentPreset:
    """One click on the bench.

    Attributes:
        label: what the button says.
        expect: what the views are like and what follows from it, in one sentence.
        config: every strength.
    """

    label: str
    expect: str
    config: AugmentConfig


def _only(**strengths: float) -> AugmentConfig:
    return AugmentConfig.parse({**dict.fromkeys(AUGMENTATIONS, 0), **strengths})


def _defaults(*names: str) -> AugmentConfig:
    return _only(**{name: getattr(AugmentConfig(), name) for name in names})


PRESETS: dict[str, AugmentPreset] = {
    # Chen et al. 2020, appendix A, strength 1: area 0.08 to 1, jitter (0.8, 0.8, 0.8, 0.2), grayscale 0.2, blur 0.5.
    # There a fifth of the views is spared the jitter; here none is.
    "simclr-paper": AugmentPreset(
        "SimCLR paper",
        "Hues turn by up to a fifth of the circle, so red may become yellow or violet but never cyan: expect features "
        "that still know a little about colour.",
        _only(crop=0.92, flip=0.5, brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, grayscale=0.2, blur=0.5),
    ),
    "full-colour-jitter": AugmentPreset(
        "Full colour jitter",
        "Any hue may become any other, so colour no longer tells which views belong together: expect features that "
        "know shapes and forget colours.",
        AugmentConfig(),
    ),
    "no-colour": AugmentPreset(
        "No colour",
        "Views are cropped, mirrored, brighter or darker but keep their hues, so colour tells which belong together: "
        "expect features that know colours and neglect shapes.",
        AugmentConfig().with_changes(saturation=0, hue=0, grayscale=0),
    ),
    "colour-only": AugmentPreset(
        "Colour only",
        "Both views show the same outlines in the same place, so matching positions is enough: expect features that "
        "know where things are rather than what they are.",
        _defaults(*COLOUR_JITTER),
    ),
    "crop-only": AugmentPreset(
        "Crop only",
        "Two parts of one picture share its very colours, so a list of its colours tells which belong together: "
        "expect features that know colours and neglect shapes.",
        _defaults("crop"),
    ),
    "none": AugmentPreset(
        "None",
        "Both views are the same picture, so the task is trivial: whatever tells pictures apart solves it, and the "
        "features have no reason to leave anything out.",
        _only(),
    ),
}
"""By name, in the order of the buttons."""
