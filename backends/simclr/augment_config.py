"""Settings of the augmentations: each has one strength; 0 switches it off."""

from __future__ import annotations

from backends.engine.config import MethodConfig, setting


class AugmentConfig(MethodConfig):
    """How two views of one picture are made. Every strength is drawn anew for each picture, up to the one given."""

    crop: float = setting(
        0.6,
        "Random resized crop: how much of the picture may be cut away. A view keeps an area of at least 1 minus this.",
        label="Crop",
        ge=0,
        le=0.95,
        step=0.01,
    )
    flip: float = setting(0.5, "How often a view is mirrored.", label="Flip", unit="probability", ge=0, le=1, step=0.05)
    rotation: float = setting(
        0,
        "A view is turned by up to so many degrees either way.",
        label="Rotation",
        unit="degrees",
        ge=0,
        le=180,
        step=5,
    )
    brightness: float = setting(
        0.4,
        "Brightness is multiplied by a factor from 1 minus this to 1 plus this.",
        label="Brightness",
        ge=0,
        le=1,
        step=0.05,
    )
    contrast: float = setting(
        0.4,
        "Contrast is multiplied by a factor from 1 minus this to 1 plus this.",
        label="Contrast",
        ge=0,
        le=1,
        step=0.05,
    )
    saturation: float = setting(
        0.4,
        "Colourfulness is multiplied by a factor from 1 minus this to 1 plus this.",
        label="Saturation",
        ge=0,
        le=1,
        step=0.05,
    )
    hue: float = setting(
        0.5,
        "All hues are turned by up to this share of the colour circle, either way. At 0.5 red may become any colour.",
        label="Hue",
        unit="turns",
        ge=0,
        le=0.5,
        step=0.05,
    )
    grayscale: float = setting(
        0.2, "How often a view loses its colours.", label="Grayscale", unit="probability", ge=0, le=1, step=0.05
    )
    blur: float = setting(
        0, "How often a view is blurred (Gaussian, standard deviation drawn from 0.1 to 2 pixels at 32).", label="Blur",
        unit="probability", ge=0, le=1, step=0.05,
    )  # fmt: skip
    cutout: float = setting(
        0, "A square of up to this share of the view's side is painted grey.", label="Cutout", ge=0, le=0.8, step=0.05
    )
    noise: float = setting(
        0, "Gaussian noise with a standard deviation of up to this is added; 1 is the range from black to white.",
        label="Noise", ge=0, le=0.5, step=0.01,
    )  # fmt: skip
    solarise: float = setting(
        0, "How often the bright half of a view is turned into its negative.", label="Solarise", unit="probability",
        ge=0, le=1, step=0.05,
    )  # fmt: skip


AUGMENTATIONS = tuple(AugmentConfig.model_fields)
COLOUR_AUGMENTATIONS = ("saturation", "hue", "grayscale")
"""Those that change a colour into another one; what the colour experiment switches."""
