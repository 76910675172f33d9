"""Renders apples in batches with torch: a silhouette in polar coordinates, the normals of a bulged disc, light.

Nothing is supersampled: every edge is smoothed over one pixel by its distance, so a small picture looks like a large
one made smaller. Axes: x to the right, y along the stem, z towards the viewer; lengths are in radii of the apple
unless said otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from backends.data.painting import paint, paint_bytes

if TYPE_CHECKING:
    from backends.data.apples import AppleParameters

MAX_SIZE = 1024

DENT, DENT_SHARPNESS = 0.17, 15.0
"""Depth of the dent at the stem, and how narrow it is (the concentration of a von Mises curve)."""
DIMPLE_DEPTH, DIMPLE_WIDTH, DIMPLE_HEIGHT, DIMPLE_SLOPE = 0.13, 0.34, 0.15, 0.5
"""The hollow around the stem: its middle below the silhouette, its extent, and how far it turns the normals."""
AMBIENT, DIFFUSE, SHEEN, GLOSS = 0.70, 0.34, 0.15, 0.7
STREAKS, SPECKLES = 0.035, 0.7
FINE_FROM = 48
"""Smallest picture, in pixels, with speckles and veins; below, they would be smaller than a pixel."""
STEM_WIDTH = 0.055
STEM_COLOUR = (0.36, 0.28, 0.20)
LEAF_SATURATION = 0.62
LEAF_ARCH = 0.09
LEAF_FROM = 0.45
"""Where the leaves sit, as a share of the stem's length."""
STRIPE_SHARPNESS = 3.0
FOOT_ANGLES = 48


def render(parameters: AppleParameters, size: int, device: str = "cpu") -> torch.Tensor:
    """Render apples: (N, 3, size, size) float32 in [0, 1], sRGB, on the device.

    Args:
        parameters: of the apples (see `apples.draw_apples`).
        size: side of the pictures in pixels, 1 to MAX_SIZE.
        device: "cpu", "cuda" or "mps".

    Raises:
        ValueError: the size is out of its range.
    """
    return paint(len(parameters), _checked(size), device, lambda chosen, out: _paint(parameters.take(chosen), out))


def render_bytes(parameters: AppleParameters, size: int, device: str = "cpu") -> np.ndarray:
    """Render apples as `render` does, to (N, size, size, 3) uint8 in main memory."""
    return paint_bytes(
        len(parameters), _checked(size), device, lambda chosen, out: _paint(parameters.take(chosen), out)
    )


def from_hsv(hue: np.ndarray, saturation: np.ndarray | float, value: np.ndarray) -> np.ndarray:
    """Turn hue (N,) in turns, saturation and value in [0, 1] into RGB: (N, 3) float32 in [0, 1]."""
    away = np.abs((hue[:, None] * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1
    full = np.clip(away, 0, 1)
    return (value[:, None] * (1 + np.reshape(saturation, (-1, 1)) * (full - 1))).astype(np.float32)


def _checked(size: int) -> int:
    if not 1 <= size <= MAX_SIZE:
        raise ValueError(f"size is {size}; apples are rendered at 1 to {MAX_SIZE} pixels.")
    return size


@torch.no_grad()
def _paint(apples: AppleParameters, out: torch.Tensor) -> None:
    """Paint some apples into `out` (n, 3, size, size), from back to front."""
    every = torch.arange(out.shape[-1], device=out.device)[None, :]
    whole = _Canvas(apples, out, every, every)
    _paint_background(whole)
    _paint_body(whole)
    _paint_part(apples, out, _on_stem(apples, 0.5), float(apples.stem[:, 0].max()) + 4 * STEM_WIDTH, _paint_stem)
    for which in (1, 0):
        there = np.flatnonzero(apples.leaves[:, which, 0])
        if len(there):
            few = apples.take(there)
            extent = float(few.leaves[:, which, 2].max()) + 2 * LEAF_ARCH
            _paint_part(few, out, _leaf_middle(few, which), extent, partial(_paint_leaf, which=which), there)


class _Canvas:
    """A square part of each of some pictures: where its pixels are on the apple, and what is painted there.

    Columns such as `light_x` are (n, 1, 1); planes such as `x` are (n, side, side).

    Attributes:
        picture: (n, 3, side, side), painted in place.
        right, up: place from the apple's centre in radii, upright: (n, 1, side) and (n, side, 1).
        x, y: the same on the apple, which leans.
        pixel: side of a pixel in radii.
        top: y of the silhouette at the stem.
        light_x, light_y, light_z: towards the light, on the apple.
    """

    def __init__(
        self, apples: AppleParameters, picture: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, size: int = 0
    ) -> None:
        """Place the pixels of `rows` and `columns` (n or 1, side) of pictures of `size` pixels; 0: these are all."""
        self.apples, self.picture, self.size = apples, picture, size or picture.shape[-1]
        radius = self.column(apples.radius)
        self.pixel = 1 / (self.size * radius)
        self.right = ((columns[:, None, :] + 0.5) / self.size - self.column(apples.centre[:, 0])) / radius
        self.up = (self.column(apples.centre[:, 1]) - (rows[:, :, None] + 0.5) / self.size) / radius
        cos, sin = self.column(np.cos(apples.lean)), self.column(np.sin(apples.lean))
        self.x, self.y = cos * self.right - sin * self.up, sin * self.right + cos * self.up
        right, up, self.light_z = (self.column(part) for part in apples.light.T)
        self.light_x, self.light_y = cos * right - sin * up, sin * right + cos * up
        self.top = self.column(_top(apples))

    def column(self, values: np.ndarray) -> torch.Tensor:
        """Return a number for each apple, (n,), as (n, 1, 1) on the device."""
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.picture.device)[:, None, None]

    def cover(self, beyond: torch.Tensor) -> torch.Tensor:
        """Return how much of each pixel is covered, given how far it is beyond the edge. Overwrites its argument."""
        return beyond.div_(self.pixel).neg_().add_(0.5).clamp_(0, 1)

    def blend(self, colour: np.ndarray, shade: torch.Tensor, shine: torch.Tensor | None, cover: torch.Tensor) -> None:
        """Paint a colour (n, 3) times `shade`, turned into white by `shine`, where `cover` lets it."""
        for channel in range(3):
            painted = (self.column(colour[:, channel]) * shade).clamp_(0, 1)
            if shine is not None:
                painted.lerp_(shine.new_ones(()), shine)
            self.picture[:, channel].lerp_(painted, cover)


def _paint_part(
    apples: AppleParameters,
    out: torch.Tensor,
    middle: tuple[np.ndarray, np.ndarray],
    extent: float,
    paint: Callable[[_Canvas], None],
    chosen: np.ndarray | None = None,
) -> None:
    """Paint only what lies within a square: most pixels are far from a stem or a leaf.

    Args:
        apples: n of them.
        out: the pictures, of which `chosen` (n,) are theirs; None: all.
        middle: x and y on each apple, (n,) both.
        extent: side of the square in radii.
        paint: what to do with the square.
    """
    size = out.shape[-1]
    side = min(size, math.ceil(extent * float(apples.radius.max()) * size) + 2)
    cos, sin = np.cos(apples.lean), np.sin(apples.lean)
    column = apples.centre[:, 0] + apples.radius * (cos * middle[0] + sin * middle[1])
    row = apples.centre[:, 1] - apples.radius * (cos * middle[1] - sin * middle[0])
    corner = np.clip(np.rint(np.stack([row, column]) * size - side / 2), 0, size - side).astype(np.int64)
    rows, columns = torch.from_numpy(corner[:, :, None] + np.arange(side)).to(out.device)
    pictures = torch.from_numpy(np.arange(len(apples)) if chosen is None else chosen).to(out.device)
    colours = torch.arange(3, device=out.device)[None, :, None, None]
    where = (pictures[:, None, None, None], colours, rows[:, None, :, None], columns[:, None, None, :])
    canvas = _Canvas(apples, out[where], rows, columns, size)
    paint(canvas)
    out[where] = canvas.picture


def _paint_background(canvas: _Canvas) -> None:
    """Grey, lighter towards the top, perhaps striped, with the soft shadow that the apple casts on the ground."""
    contrast, number, phase = (canvas.column(part) for part in canvas.apples.stripes.T)
    across = (torch.arange(canvas.size, device=canvas.picture.device) + 0.5)[None, None, :] / canvas.size
    stripes = (STRIPE_SHARPNESS * (2 * math.pi * (number * across + phase)).sin_()).clamp_(-1, 1).mul_(contrast)
    grey = canvas.column(canvas.apples.grey) + stripes + 0.02 * canvas.up
    grey.mul_(_shadow(canvas)).clamp_(0, 1)
    canvas.picture.copy_(grey[:, None])


def _shadow(canvas: _Canvas) -> torch.Tensor:
    """Return what is left of the light on the ground: a dark line of contact within a wide, soft ellipse."""
    away = -canvas.column(canvas.apples.light[:, 0])
    middle, foot = (canvas.column(part) for part in _foot(canvas.apples))
    below = (canvas.up - foot - 0.07).square_()
    wide = (canvas.right - middle - 0.35 * away).square_().mul_(0.9) + below * 22
    narrow = (canvas.right - middle - 0.08 * away).square_().mul_(3) + below * 90
    return wide.neg_().exp_().mul_(-0.42).add_(1).sub_(narrow.neg_().exp_(), alpha=0.38)


def _foot(apples: AppleParameters) -> tuple[np.ndarray, np.ndarray]:
    """Return where each apple touches the ground: (n,) to the right and up of its centre, in radii."""
    angles = np.linspace(0, 2 * np.pi, FOOT_ANGLES, endpoint=False, dtype=np.float32)
    waves = [np.cos(k * angles) for k in range(6)] + [np.sin(k * angles) for k in (2, 3)]
    reach = apples.outline @ np.stack(waves)
    seen = angles + apples.lean[:, None]
    lowest = (reach * np.cos(seen)).argmin(axis=1)[:, None]
    reach, seen = np.take_along_axis(reach, lowest, 1)[:, 0], np.take_along_axis(seen, lowest, 1)[:, 0]
    return reach * np.sin(seen), reach * np.cos(seen)


def _paint_body(canvas: _Canvas) -> None:
    """The apple itself: its skin in the light, cut out by its silhouette."""
    r = (canvas.x.square() + canvas.y.square()).add_(1e-8).sqrt_()
    sin, cos = canvas.x / r, canvas.y / r
    edge, slope = _silhouette(canvas, sin, cos)
    cover = canvas.cover((r - edge).mul_((slope.square() + 1).rsqrt_()))
    inside = r.div_(edge).clamp_(max=1)
    slope.mul_(inside).mul_(inside)  # folds of the silhouette run out towards the middle
    length = inside * slope.square().add_(1).rsqrt_()
    x, y = (sin - slope * cos).mul_(length), sin.mul_(slope).add_(cos).mul_(length)
    z = (1 - inside.square_()).sqrt_()
    grain = _grain(canvas, x, z)
    shade, shine = _lit(canvas, x, y, z)
    colour = from_hsv(canvas.apples.hue, canvas.apples.saturation, canvas.apples.brightness)
    canvas.blend(colour, shade.mul_(grain), shine, cover)


def _silhouette(canvas: _Canvas, sin: torch.Tensor, cos: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the silhouette's radius R in each pixel's direction θ from the stem, and R'(θ) / R(θ).

    R = Σ aₖ cos kθ + Σ bₖ sin kθ − dent, computed as P(cos θ) + sin θ Q(cos θ) − dent.
    """
    even, odd = _as_polynomials(canvas.apples.outline)
    p, p_slope = _horner([canvas.column(term) for term in even], cos)
    q, q_slope = _horner([canvas.column(term) for term in odd], cos)
    dent = (cos - 1).mul_(DENT_SHARPNESS).exp_().mul_(DENT)
    edge = p.addcmul_(sin, q).sub_(dent)
    turn = p_slope.sub_(dent, alpha=DENT_SHARPNESS).addcmul_(sin, q_slope).mul_(sin)
    return edge, q.mul_(cos).sub_(turn).div_(edge)


def _as_polynomials(outline: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return P and Q of `_silhouette`, highest power first, by the Chebyshev polynomials."""
    a0, a1, a2, a3, a4, a5, b2, b3 = outline.T
    p = [16 * a5, 8 * a4, 4 * a3 - 20 * a5, 2 * a2 - 8 * a4, a1 - 3 * a3 + 5 * a5, a0 - a2 + a4]
    return p, [4 * b3, 2 * b2, -b3]


def _horner(terms: list[torch.Tensor], at: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a polynomial and its derivative at a plane of places."""
    value = torch.addcmul(terms[1], terms[0], at)
    slope = terms[0].expand_as(at)
    for term in terms[2:]:
        slope = torch.addcmul(value, slope, at)
        value = torch.addcmul(term, value, at)
    return value, slope


def _top(apples: AppleParameters) -> np.ndarray:
    """Return y of the silhouette in the dent at the stem: (n,)."""
    return apples.outline[:, :6].sum(axis=1) - DENT


def _grain(canvas: _Canvas, normal_x: torch.Tensor, normal_z: torch.Tensor) -> torch.Tensor:
    """Return a factor on the skin's brightness: streaks from stem to foot and, where they can be seen, speckles."""
    first, second, third, fourth = (canvas.column(part) for part in canvas.apples.texture.T)
    around = normal_x * (normal_x.square() + normal_z.square()).add_(1e-6).rsqrt_()
    grain = (around * 9 + first).sin_().mul_((around * 23 + second).sin_()).mul_(STREAKS).add_(1)
    if canvas.size >= FINE_FROM:
        wave = (canvas.y * 5 + third).sin_()
        spots = (canvas.y * 21 + around * 4 + fourth).sin_().mul_((around * 19 + wave * 2 + first).sin_())
        grain.add_(spots.sub_(0.80).clamp_(min=0), alpha=SPECKLES)
    return grain


def _lit(canvas: _Canvas, x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what light does to the skin: a factor on its colour, and how much of it turns white.

    Lambert's diffuse light on top of light from the sky; Blinn's half-vector for the gloss; darker in the hollow and
    towards the silhouette. Takes the normals, and overwrites them.
    """
    hollow_x = canvas.x / DIMPLE_WIDTH
    hollow_y = (canvas.y - canvas.top + DIMPLE_DEPTH) / DIMPLE_HEIGHT
    hollow = (hollow_x.square() + hollow_y.square()).neg_().exp_()
    x.addcmul_(hollow, hollow_x, value=-DIMPLE_SLOPE)
    y.addcmul_(hollow, hollow_y, value=-DIMPLE_SLOPE)
    facing = x.mul_(canvas.light_x).addcmul_(y, canvas.light_y).addcmul_(z, canvas.light_z)
    half = (facing + z).mul_((2 + 2 * canvas.light_z).rsqrt()).clamp_(0, 1)
    broad = half.square_().square_().square_()
    shine = broad.square().square_().square_().mul_(GLOSS).add_(broad, alpha=SHEEN)
    shine.mul_(hollow.mul_(-0.9).add_(1))
    shade = facing.clamp_(min=0).mul_(DIFFUSE).add_(y, alpha=0.05).add_(AMBIENT)
    shade.mul_(z.mul_(0.22).add_(0.77)).mul_(hollow.mul_(0.5).add_(0.5))  # hollow is 1 - 0.9 of itself here
    return shade, shine


def _on_stem(apples: AppleParameters, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y at a share of the stem's length, (n,) both."""
    length, bend = apples.stem.T
    return bend * share**2, _top(apples) - DIMPLE_DEPTH + length * share


def _paint_stem(canvas: _Canvas) -> None:
    """A bent stem that starts in the hollow and widens a little to its end."""
    length, bend = (canvas.column(part) for part in canvas.apples.stem.T)
    along = (canvas.y - canvas.top + DIMPLE_DEPTH).div_(length)
    aside = canvas.x - bend * along.square()
    width = along.square().mul_(0.5).add_(0.75).mul_(STEM_WIDTH)
    cover = canvas.cover(aside.abs().sub_(width))
    cover.mul_(canvas.cover((along - 1).mul_(length))).mul_(canvas.cover(along.neg_().mul_(length)))
    shade = aside.div_(width).mul_(canvas.light_x).mul_(0.35).add_(0.9)
    canvas.blend(np.tile(np.asarray(STEM_COLOUR, np.float32), (len(canvas.apples), 1)), shade, None, cover)


def _leaf_middle(apples: AppleParameters, which: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = _on_stem(apples, LEAF_FROM)
    _, angle, length = apples.leaves[:, which, :3].T
    return x + length / 2 * np.sin(angle), y + length / 2 * np.cos(angle)


def _paint_leaf(canvas: _Canvas, which: int) -> None:
    """One of the two leaves: a lens bent upwards with a midrib, one half of it in the light."""
    apples = canvas.apples
    _, angle, length, width, hue, brightness = apples.leaves[:, which].T
    x, y = (canvas.column(part) for part in _on_stem(apples, LEAF_FROM))
    sin, cos = canvas.column(np.sin(angle)), canvas.column(np.cos(angle))
    upper = canvas.column(-np.sign(angle))  # the side of the midrib that looks up
    x, y = canvas.x - x, canvas.y - y
    along = (x * sin + y * cos).div_(canvas.column(length))
    bulge = (along * (1 - along)).mul_(4)
    aside = (x * cos - y * sin).mul_(upper).sub_(bulge, alpha=LEAF_ARCH)
    half = (bulge * (1.25 - 0.5 * along)).mul_(canvas.column(width / 2))
    cover = canvas.cover(aside.abs().sub_(half))
    shade = (aside / canvas.pixel).clamp_(-1, 1).mul_(0.16).add_(1)
    if canvas.size >= FINE_FROM:
        shade.add_((along * 40 - aside.abs() * 50).sin_(), alpha=0.05)
    shade.add_(canvas.cover(aside.abs().sub_(0.012)), alpha=0.28)
    canvas.blend(from_hsv(hue, LEAF_SATURATION, brightness), shade, None, cover)
