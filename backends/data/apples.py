"""Apples that are drawn, not photographed: everything that differs between two of them is known.

Seven factors are drawn independently of each other; what is left (position, exact hue, curve of the stem, ...) jitters
within each class, so that no two apples are equal. Hue is told by nothing but hue: saturation and brightness of the
skin have the same distribution in every colour class, and backgrounds are grey. Only so is a net that is forbidden
to use hue (colour jitter) left without the colour class.
"""

from __future__ import annotations

import colorsys
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np

from backends.data.pictures import Factor, PictureSet

Tie = Literal["none", "colour", "shape"]
TIES: tuple[Tie, ...] = get_args(Tie)


@dataclass(frozen=True)
class AppleFactor:
    """One factor of the apples: its name in code, its label, and its classes as a person would say them."""

    name: str
    label: str
    classes: tuple[str, ...]


FACTORS = (
    AppleFactor("colour", "Colour", ("crimson", "red", "orange", "amber", "yellow", "lime", "grass green", "green")),
    AppleFactor("shape", "Shape", ("round", "flat", "tall", "heart", "bell", "lobed")),
    AppleFactor("leaf", "Leaf", ("no leaf", "one leaf", "two leaves")),
    AppleFactor("size", "Size", ("small", "medium", "large")),
    AppleFactor("pose", "Pose", ("leaning left", "upright", "leaning right")),
    AppleFactor("light", "Light", ("from the left", "from above", "from the right", "from the front")),
    AppleFactor("background", "Background", ("dark", "grey", "pale", "white")),
)
TIED_BACKGROUNDS = ("dark", "grey", "pale", "white", "dark stripes", "grey stripes", "pale stripes", "white stripes")
"""Backgrounds where they are tied to a factor with more classes than there are greys: the first so many of these."""

FIRST_HUE = -0.035
HUE_RANGE = 0.36
"""Turns of the colour circle from the middle of the first colour class to the middle of the last."""
HUE_JITTER = 0.012
"""Either way, in turns; neighbouring classes are 0.051 apart, so 0.027 stay empty between them."""

# Cosine terms 1 to 5 of the silhouette's radius over the angle from the stem; term 0 is 1.
OUTLINES = (
    (0.045, -0.030, 0.000, 0.015, 0.000),
    (0.030, -0.255, 0.000, 0.030, 0.000),
    (0.030, 0.225, 0.015, 0.030, 0.000),
    (0.120, 0.000, -0.165, 0.015, 0.015),
    (-0.135, 0.045, 0.150, 0.015, 0.000),
    (0.045, -0.015, 0.000, 0.000, 0.120),
)
OUTLINE_JITTER = 0.012
RADII = (0.235, 0.285, 0.335)
"""Of a disc as large as the apple, in sides of the picture."""
LEAN = 0.42
"""Radians by which an apple leans."""
LIGHTS = ((-0.80, 0.30, 0.52), (0.0, 0.74, 0.67), (0.80, 0.30, 0.52), (0.0, 0.12, 0.99))
"""Towards the light: right, up, towards the viewer."""
GREYS = (0.30, 0.48, 0.66, 0.84)
STRIPE_CONTRAST = 0.12

COLOUR_SWATCHES = tuple(
    "#"
    + "".join(
        f"{round(255 * part):02x}" for part in colorsys.hsv_to_rgb((FIRST_HUE + HUE_RANGE * i / 7) % 1, 0.8, 0.85)
    )
    for i in range(8)
)
"""What the colour classes look like, for keys of maps."""

SOURCE = "Drawn by the playground's own renderer; no photographs."
LICENCE = "Apache-2.0"


@dataclass(frozen=True, eq=False)
class AppleParameters:
    """All that the renderer needs to know of N apples, at whatever size; lengths in sides of the picture.

    Attributes:
        classes: by factor, (N,) int64: the class of each apple.
        tie: the factor that the background gives away, or "none".
        hue: (N,) in turns, of the skin.
        saturation: (N,) of the skin, in [0, 1].
        brightness: (N,) of the skin: the V of HSV, in [0, 1].
        outline: (N, 8): cosine terms 0 to 5 and sine terms 2 and 3 of the silhouette's radius, area π.
        radius: (N,) of a disc of the same area.
        centre: (N, 2) right and down.
        lean: (N,) radians, clockwise.
        light: (N, 3) right, up and towards the viewer; length 1.
        grey: (N,) of the background, in [0, 1].
        stripes: (N, 3): contrast, number across the picture and phase in turns of the background's stripes.
        stem: (N, 2): length and bend in radii.
        leaves: (N, 2, 6): of either leaf whether it is there (0 or 1), its angle from the stem's direction in radians,
            clockwise, length and width in radii, hue in turns and brightness.
        texture: (N, 4) phases in radians of the streaks and speckles on the skin.
    """

    classes: Mapping[str, np.ndarray]
    tie: Tie
    hue: np.ndarray
    saturation: np.ndarray
    brightness: np.ndarray
    outline: np.ndarray
    radius: np.ndarray
    centre: np.ndarray
    lean: np.ndarray
    light: np.ndarray
    grey: np.ndarray
    stripes: np.ndarray
    stem: np.ndarray
    leaves: np.ndarray
    texture: np.ndarray

    def __len__(self) -> int:
        return len(self.hue)

    def take(self, indices: np.ndarray | slice) -> AppleParameters:
        """Return only these apples, in this order."""
        taken = {
            field.name: getattr(self, field.name)[indices]
            for field in dataclasses.fields(self)
            if field.name not in ("classes", "tie")
        }
        return AppleParameters({name: values[indices] for name, values in self.classes.items()}, self.tie, **taken)

    def describe(self) -> tuple[str, ...]:
        """Name each apple by what meets the eye first: "red, flat, two leaves"."""
        shown = [(factor.classes, self.classes[factor.name]) for factor in FACTORS[:3]]
        return tuple(", ".join(classes[values[i]] for classes, values in shown) for i in range(len(self)))


class _Draws:
    """Random numbers from a stream of their own for each quantity: none changes because another is drawn."""

    def __init__(self, count: int, seed: int) -> None:
        self._count, self._seed, self._streams = count, seed, 0

    def _next(self) -> np.random.Generator:
        self._streams += 1
        return np.random.default_rng([self._seed, self._streams])

    def classes(self, number: int) -> np.ndarray:
        return self._next().integers(0, number, self._count)

    def between(self, low: float, high: float, *shape: int) -> np.ndarray:
        return self._next().uniform(low, high, (self._count, *shape))


def draw_apples(
    count: int, seed: int, tie: Tie = "none", classes: Mapping[str, np.ndarray | int] | None = None
) -> AppleParameters:
    """Draw the parameters of some apples.

    The first n of more apples are the same as n apples from the same seed.

    Args:
        count: how many, at least 0.
        seed: of the draw, at least 0.
        tie: "none", or the factor that shall be told by the background: a shortcut to find.
        classes: by factor, classes to take instead of drawn ones, one or (count,). All else stays as drawn, so the same
            apples can be had in another colour.

    Raises:
        ValueError: `count` or `seed` is negative, `tie` or a factor is unknown, or a class is out of range.
    """
    if count < 0 or seed < 0:
        raise ValueError(f"count and seed must be at least 0; they are {count} and {seed}.")
    if tie not in TIES:
        raise ValueError(f"tie is {tie}; choose from {', '.join(TIES)}.")
    draws = _Draws(count, seed)
    chosen = {factor.name: draws.classes(len(factor.classes)) for factor in FACTORS}
    for name, values in (classes or {}).items():
        chosen[name] = _given(name, values, count)
    if tie != "none":
        chosen["background"] = chosen[tie]
    return AppleParameters(chosen, tie, **_skin(chosen, draws), **_body(chosen, draws), **_scene(chosen, tie, draws))


def apple_pictures(count: int, seed: int, size: int, tie: Tie = "none", device: str = "cpu") -> PictureSet:
    """Draw and render some apples.

    Args:
        count: how many, at least 0.
        seed: of the draw, at least 0.
        size: side of the pictures in pixels.
        tie: "none", or the factor that shall be told by the background.
        device: where to render.

    Raises:
        ValueError: an argument is out of its range.
    """
    from backends.data import apple_renderer

    apples = draw_apples(count, seed, tie)

    return PictureSet(
        name="apples",
        images=apple_renderer.render_bytes(apples, size, device),
        factors=apple_factors(apples),
        names=apples.describe(),
        source=SOURCE,
        licence=LICENCE,
        draw=partial(_draw_some, apples, device),
    )


def _draw_some(apples: AppleParameters, device: str, indices: np.ndarray, size: int) -> np.ndarray:
    from backends.data import apple_renderer

    return apple_renderer.render_bytes(apples.take(np.asarray(indices, np.int64)), size, device)


def apple_factors(apples: AppleParameters) -> dict[str, Factor]:
    """Return the apples' factors, as probes and filters want them."""
    return {
        factor.name: Factor(factor.name, factor.label, background_classes(apples.tie), apples.classes[factor.name])
        if factor.name == "background"
        else Factor(factor.name, factor.label, factor.classes, apples.classes[factor.name])
        for factor in FACTORS
    }


def background_classes(tie: Tie) -> tuple[str, ...]:
    """Return the names of the backgrounds: four greys, or as many backgrounds as the tied factor has classes."""
    number = next((len(factor.classes) for factor in FACTORS if factor.name == tie), len(GREYS))
    return TIED_BACKGROUNDS[:number]


def _given(name: str, values: np.ndarray | int, count: int) -> np.ndarray:
    number = next((len(factor.classes) for factor in FACTORS if factor.name == name), None)
    if number is None:
        raise ValueError(f"Apples have no factor {name}; choose from {', '.join(factor.name for factor in FACTORS)}.")
    given = np.broadcast_to(np.asarray(values, np.int64), (count,)).copy()
    if count and not 0 <= given.min() <= given.max() < number:
        raise ValueError(f"{name} has the classes 0 to {number - 1}; {given.min()} to {given.max()} were given.")
    return given


def _skin(classes: Mapping[str, np.ndarray], draws: _Draws) -> dict[str, np.ndarray]:
    middle = FIRST_HUE + HUE_RANGE * classes["colour"] / (len(FACTORS[0].classes) - 1)
    return _float32(
        hue=(middle + draws.between(-HUE_JITTER, HUE_JITTER)) % 1,
        saturation=draws.between(0.78, 0.92),
        brightness=draws.between(0.90, 0.99),
        texture=draws.between(0, 2 * np.pi, 4),
    )


def _body(classes: Mapping[str, np.ndarray], draws: _Draws) -> dict[str, np.ndarray]:
    count = len(classes["shape"])
    outline = np.ones((count, 8))
    outline[:, 1:6] = np.asarray(OUTLINES)[classes["shape"]]
    outline[:, 6:] = 0
    outline[:, 1:] += draws.between(-OUTLINE_JITTER, OUTLINE_JITTER, 7)
    outline /= np.sqrt(1 + (outline[:, 1:] ** 2).sum(axis=1, keepdims=True) / 2)  # area of r(θ): ½ ∫ r² dθ
    side = np.where(draws.classes(2) == 0, -1.0, 1.0)[:, None] * np.array([1.0, -1.0])
    leaves = np.stack(
        [
            (classes["leaf"][:, None] > np.arange(2)).astype(float),
            side * draws.between(0.75, 1.35, 2),
            draws.between(0.70, 0.90, 2),
            draws.between(0.32, 0.40, 2),
            # Leaves range over as many hues as half of the skins do: a fixed green would tell the skin's hue even in
            # a picture whose hues were turned.
            draws.between(0.20, 0.38, 1) + draws.between(-0.015, 0.015, 2),
            draws.between(0.50, 0.70, 2),
        ],
        axis=-1,
    )
    return _float32(
        outline=outline,
        radius=np.asarray(RADII)[classes["size"]] * draws.between(0.96, 1.04),
        lean=LEAN * (classes["pose"] - 1.0) + draws.between(-0.1, 0.1),
        stem=np.stack([draws.between(0.38, 0.55), draws.between(-0.22, 0.22)], axis=-1),
        leaves=leaves,
    )


def _scene(classes: Mapping[str, np.ndarray], tie: Tie, draws: _Draws) -> dict[str, np.ndarray]:
    light = np.asarray(LIGHTS)[classes["light"]] + draws.between(-0.1, 0.1, 3)
    striped = classes["background"] >= len(GREYS) if tie != "none" else np.zeros(len(light), bool)
    stripes = [striped * STRIPE_CONTRAST, draws.between(4.5, 5.5), draws.between(0, 1)]
    return _float32(
        centre=np.array([0.5, 0.545]) + draws.between(-0.035, 0.035, 2),
        light=light / np.linalg.norm(light, axis=1, keepdims=True),
        grey=np.asarray(GREYS)[classes["background"] % len(GREYS)] + draws.between(-0.04, 0.04),
        stripes=np.stack(stripes, axis=-1),
    )


def _float32(**quantities: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values.astype(np.float32) for name, values in quantities.items()}
