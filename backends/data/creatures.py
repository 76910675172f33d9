"""Creatures that nobody has named: a species is a fixed vector of numbers, an individual one of its many pictures.

Drawn in batches with torch, on any device. Every edge is smoothed over one pixel by its distance, so a small picture
looks like a large one made smaller. Axes: x to the right, y up, in radii of the body; angles run from up, clockwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from backends.data.painting import paint, paint_bytes

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from backends.data.painting import Painter
    from backends.data.pictures import PictureSet

MAX_SIZE = 512
WAVES = 5
PATTERNS = ("plain", "spots", "bands", "stripes", "rings")
LIMB_PLACES = ((2.45, 2.85), (1.35, 1.85), (0.25, 0.65), (1.95, 2.35))
"""Where each pair of limbs may grow: feet, arms, horns, and a second pair of feet."""
LIMB_ODDS = (0.85, 0.6, 0.7, 0.4)
LIMB_LENGTHS = (0.15, 0.75)
LIMB_WIDTHS = (0.07, 0.19)
HEAD_BLEND = 0.22
MOUTH_DARK = 0.25
HUE_JITTER, TONE_JITTER = 0.035, 0.1
"""How far an individual's colours may lie from those of its species: turns of the colour circle, and a share."""
SOURCE = "Creatures drawn by this project's own generator; their species have no names."
LICENCE = "Apache-2.0, as this project"

Own = TypeVar("Own", "Species", "Individuals")


@dataclass(frozen=True)
class Species:
    """What all individuals of a kind share; every tensor is float32 with a row for each of n species.

    Attributes:
        outline: (n, WAVES) amplitudes of cos kθ, k = 1 to WAVES, in the body's radius.
        build: (n, 3) width of the body, radius of the head (0: none), place of the head above the centre.
        limbs: (n, 4, 6) of each pair: whether it is there, angle, lean, length, width, radius of its tip.
        eyes: (n, 5) how many (1 to 3), radius, distance from the middle, height, size of the pupil as a share.
        mouth: (n, 2) half its width, and its height.
        pattern: (n, 4) place in PATTERNS, how often it repeats, phase, how much of the skin it covers.
        colours: (n, 3, 3) hue in turns, saturation and brightness of skin, pattern and limbs.
    """

    outline: Tensor
    build: Tensor
    limbs: Tensor
    eyes: Tensor
    mouth: Tensor
    pattern: Tensor
    colours: Tensor

    def __len__(self) -> int:
        return len(self.outline)


@dataclass(frozen=True)
class Individuals:
    """What differs between two pictures of one species; float32, a row for each of n pictures.

    Attributes:
        place: (n, 2) centre of the body, right and down, as a share of the picture's side.
        size: (n, 1) the body's radius, as a share of the picture's side.
        lean: (n, 1) in radians.
        swing: (n, 4, 2) how far each limb, left and right, is moved, in radians.
        gaze: (n, 2) where the eyes look, in [-1, 1].
        tint: (n, 3) added to all hues; factors less 1 on saturation and brightness.
        light: (n, 2) where the light comes from.
        ground: (n, 5) hue, saturation, brightness, fall of brightness from top to bottom, and a blot's place.
    """

    place: Tensor
    size: Tensor
    lean: Tensor
    swing: Tensor
    gaze: Tensor
    tint: Tensor
    light: Tensor
    ground: Tensor

    def __len__(self) -> int:
        return len(self.place)


def draw_species(count: int, seed: int) -> Species:
    """Draw species; the same from the same seed.

    Args:
        count: how many, at least 1.
        seed: of the draw.
    """
    import torch

    made = torch.Generator().manual_seed(seed)
    waves = torch.arange(1, WAVES + 1)
    has_head = _chance((count,), 0.45, made)
    head = has_head * _between((count,), 0.42, 0.68, made)
    limbs = torch.stack(
        [
            torch.stack(
                [
                    _chance((count,), odds, made),
                    _between((count,), *angles, made),
                    _between((count,), -0.5, 0.5, made),
                    _between((count,), *LIMB_LENGTHS, made),
                    _between((count,), *LIMB_WIDTHS, made),
                    _chance((count,), 0.5, made) * _between((count,), 0.1, 0.24, made),
                ],
                -1,
            )
            for angles, odds in zip(LIMB_PLACES, LIMB_ODDS, strict=True)
        ],
        1,
    )
    eyes = torch.stack(
        [
            torch.randint(1, 4, (count,), generator=made).float(),
            _between((count,), 0.13, 0.27, made),
            _between((count,), 0.26, 0.4, made),
            _between((count,), -0.05, 0.4, made),
            _between((count,), 0.35, 0.75, made),
        ],
        -1,
    )
    hue = torch.rand((count,), generator=made)
    hues = torch.stack([hue, hue + _between((count,), 0.1, 0.9, made), hue + _between((count,), -0.15, 0.15, made)], -1)
    colours = torch.stack([hues % 1, _between((count, 3), 0.35, 0.9, made), _between((count, 3), 0.5, 0.98, made)], -1)
    pattern = [
        torch.randint(0, len(PATTERNS), (count,), generator=made).float(),
        _between((count,), 2.0, 4.5, made),
        _between((count,), 0, 1, made),
        _between((count,), -0.3, 0.3, made),
    ]
    return Species(
        outline=_between((count, WAVES), -1, 1, made) * 0.24 / waves,
        build=torch.stack([_between((count,), 0.72, 1.28, made), head, _between((count,), 0.75, 1.05, made)], -1),
        limbs=limbs,
        eyes=eyes,
        mouth=torch.stack([_between((count,), 0.08, 0.34, made), _between((count,), -0.42, -0.2, made)], -1),
        pattern=torch.stack(pattern, -1),
        colours=colours,
    )


def draw_individuals(count: int, seed: int) -> Individuals:
    """Draw what differs from picture to picture, for any species; the same from the same seed.

    Args:
        count: how many, at least 1.
        seed: of the draw.
    """
    import torch

    made = torch.Generator().manual_seed(seed)
    tint = [
        _between((count,), -HUE_JITTER, HUE_JITTER, made),
        *(_between((count,), -TONE_JITTER, TONE_JITTER, made) for _ in range(2)),
    ]
    ground = [
        torch.rand((count,), generator=made),
        _between((count,), 0.0, 0.12, made),
        _between((count,), 0.3, 0.95, made),
        _between((count,), -0.15, 0.15, made),
        torch.rand((count,), generator=made),
    ]
    return Individuals(
        place=_between((count, 2), 0.42, 0.58, made),
        size=_between((count, 1), 0.19, 0.27, made),
        lean=_between((count, 1), -0.4, 0.4, made),
        swing=_between((count, 4, 2), -0.3, 0.3, made),
        gaze=_between((count, 2), -1, 1, made),
        tint=torch.stack(tint, -1),
        light=_between((count, 2), -0.8, 0.8, made),
        ground=torch.stack(ground, -1),
    )


def take(some: Own, chosen: Tensor) -> Own:
    """Rows of species or individuals, in the order of the indices (m,)."""
    return type(some)(**{field.name: getattr(some, field.name)[chosen] for field in fields(some)})


def render(species: Species, individuals: Individuals, size: int, device: str = "cpu") -> Tensor:
    """Draw the n-th individual as one of the n-th species: (n, 3, size, size) float32 in [0, 1], sRGB, on the device.

    Args:
        species: n of them, repeated where several pictures show the same.
        individuals: as many.
        size: side of the pictures in pixels, 1 to MAX_SIZE.
        device: "cpu", "cuda" or "mps".

    Raises:
        ValueError: the size is out of its range, or the numbers of rows differ.
    """
    return paint(len(species), size, device, _painter(species, individuals, size, device))


def render_bytes(species: Species, individuals: Individuals, size: int, device: str = "cpu") -> np.ndarray:
    """Draw as `render` does, to (n, size, size, 3) uint8 in main memory."""
    return paint_bytes(len(species), size, device, _painter(species, individuals, size, device))


def creature_pictures(species: Species, each: int, seed: int, size: int) -> PictureSet:
    """Draw so many individuals of each species as a set of pictures; which species each is, is its one factor.

    Args:
        species: n of them.
        each: individuals of one.
        seed: of the individuals.
        size: side in pixels.
    """
    import torch

    from backends.data.pictures import Factor, PictureSet

    which = torch.arange(len(species)).repeat_interleave(each)
    every, individuals = take(species, which), draw_individuals(len(which), seed)

    classes = tuple(f"species {number + 1}" for number in range(len(species)))
    return PictureSet(
        name="creatures",
        images=render_bytes(every, individuals, size),
        factors={"species": Factor("species", "Species", classes, which.numpy())},
        names=tuple(classes[number] for number in which.tolist()),
        source=SOURCE,
        licence=LICENCE,
        draw=partial(_draw_some, every, individuals),
    )


def _draw_some(species: Species, individuals: Individuals, indices: np.ndarray, size: int) -> np.ndarray:
    import torch

    rows = torch.from_numpy(np.asarray(indices, dtype=np.int64))
    return render_bytes(take(species, rows), take(individuals, rows), size)


def _between(shape: tuple[int, ...], low: float, high: float, made: Generator) -> Tensor:
    import torch

    return low + (high - low) * torch.rand(shape, generator=made)


def _chance(shape: tuple[int, ...], odds: float, made: Generator) -> Tensor:
    import torch

    return (torch.rand(shape, generator=made) < odds).float()


def _moved(some: Own, device: str) -> Own:
    return type(some)(**{field.name: getattr(some, field.name).to(device) for field in fields(some)})


def _painter(species: Species, individuals: Individuals, size: int, device: str) -> Painter:
    """Paints some of them; `render` says what is refused."""
    import torch

    if not 1 <= size <= MAX_SIZE:
        raise ValueError(f"size is {size}; creatures are drawn at 1 to {MAX_SIZE} pixels.")
    if len(species) != len(individuals):
        raise ValueError(f"There are {len(species)} species for {len(individuals)} individuals; there must be as many.")

    def paint_some(chosen: slice, picture: Tensor) -> None:
        rows = torch.arange(chosen.start, chosen.stop)
        with torch.no_grad():
            _paint(_moved(take(species, rows), device), _moved(take(individuals, rows), device), picture)

    return paint_some


class _Canvas:
    """The pixels of some pictures in their creatures' own upright frames.

    Attributes:
        species, who: what is painted.
        picture: (n, 3, S, S), painted in place.
        x, y: (n, S, S) in radii of the body.
        pixel: (n, 1, 1) side of a pixel in radii.
    """

    def __init__(self, species: Species, who: Individuals, picture: Tensor) -> None:
        import torch

        self.species, self.who, self.picture = species, who, picture
        side = picture.shape[-1]
        at = (torch.arange(side, device=picture.device) + 0.5) / side
        size, lean = column(who.size[:, 0]), column(who.lean[:, 0])
        right = (at[None, None, :] - column(who.place[:, 0])) / size
        up = (column(who.place[:, 1]) - at[None, :, None]) / size
        self.x = lean.cos() * right - lean.sin() * up
        self.y = lean.sin() * right + lean.cos() * up
        self.pixel = 1 / (side * size)

    def cover(self, beyond: Tensor) -> Tensor:
        """How much of each pixel is covered, given how far it lies beyond the edge, in radii."""
        return (0.5 - beyond / self.pixel).clamp(0, 1)

    def blend(self, colour: Tensor, cover: Tensor) -> None:
        """Paint (n, 3, 1, 1) or (n, 3, S, S) where `cover` (n, S, S) lets it."""
        self.picture.lerp_(colour.expand_as(self.picture).clamp(0, 1), cover[:, None])

    def colour(self, part: int) -> Tensor:
        """The individual's own colour of skin (0), pattern (1) or limbs (2): (n, 3, 1, 1)."""
        hue, saturation, brightness = self.species.colours[:, part].unbind(-1)
        tint = self.who.tint
        return _rgb(hue + tint[:, 0], saturation * (1 + tint[:, 1]), brightness * (1 + tint[:, 2]))


def column(values: Tensor) -> Tensor:
    """(n,) as (n, 1, 1)."""
    return values[:, None, None]


def _rgb(hue: Tensor, saturation: Tensor, brightness: Tensor) -> Tensor:
    """(n,) each to (n, 3, 1, 1) in [0, 1]."""
    import torch

    away = ((hue[:, None] * 6 + torch.tensor([0.0, 4.0, 2.0], device=hue.device)) % 6 - 3).abs() - 1
    colour = brightness[:, None] * (1 + saturation[:, None] * (away.clamp(0, 1) - 1))
    return colour.clamp(0, 1)[:, :, None, None]


def _paint(species: Species, who: Individuals, picture: Tensor) -> None:
    """From back to front."""
    canvas = _Canvas(species, who, picture)
    _paint_ground(canvas)
    for pair in (2, 3, 1, 0):
        _paint_limbs(canvas, pair)
    _paint_body(canvas)
    _paint_face(canvas)


def _paint_ground(canvas: _Canvas) -> None:
    """A wall with a soft blot of light, and the creature's shadow."""
    import torch

    hue, saturation, brightness, fall, blot = canvas.who.ground.unbind(-1)
    side = canvas.picture.shape[-1]
    at = (torch.arange(side, device=canvas.picture.device) + 0.5) / side - 0.5
    down, right = at[None, :, None], at[None, None, :]
    shade = 1 + column(fall) * 2 * down
    away = (right - column(blot - 0.5)).square() + (down + column(blot % 0.37)).square()
    shade = shade + 0.12 * (-away * 9).exp()
    below = (canvas.y + 1.25).square() * 14 + canvas.x.square() * 0.9
    shade = shade * (1 - 0.3 * (-below).exp())
    canvas.picture.copy_((_rgb(hue, saturation, brightness) * shade[:, None]).clamp(0, 1))


def _radius(species: Species, sin: Tensor, cos: Tensor) -> Tensor:
    """The outline's radius in the direction of (sin θ, cos θ), by the recurrence of the Chebyshev polynomials."""
    import torch

    before, now = torch.ones_like(cos), cos
    shape = (-1,) + (1,) * (cos.dim() - 1)
    radius = torch.ones_like(cos)
    for wave in range(WAVES):
        radius = radius + species.outline[:, wave].reshape(shape) * now
        before, now = now, 2 * cos * now - before
    return radius


def _limb_ends(canvas: _Canvas, pair: int, side: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where a limb begins, inside the body, and ends: x and y of both, (n, 1, 1)."""
    _, angle, lean, length, _, _ = canvas.species.limbs[:, pair].unbind(-1)
    sin, cos = angle.sin(), angle.cos()
    reach = _radius(canvas.species, sin, cos) * 0.85
    towards = angle + lean + canvas.who.swing[:, pair, side]
    sign = 1.0 if side else -1.0
    x, y = sign * reach * sin * canvas.species.build[:, 0], reach * cos
    far = length + 0.2
    return column(x), column(y), column(x + sign * far * towards.sin()), column(y + far * towards.cos())


def _paint_limbs(canvas: _Canvas, pair: int) -> None:
    """A pair of limbs, each a capsule that may end in a ball."""
    there, _, _, _, width, tip = (column(part) for part in canvas.species.limbs[:, pair].unbind(-1))
    colour = canvas.colour(2)
    for side in (0, 1):
        x0, y0, x1, y1 = _limb_ends(canvas, pair, side)
        dx, dy = x1 - x0, y1 - y0
        along = (((canvas.x - x0) * dx + (canvas.y - y0) * dy) / (dx.square() + dy.square())).clamp(0, 1)
        away = ((canvas.x - x0 - along * dx).square() + (canvas.y - y0 - along * dy).square() + 1e-9).sqrt()
        ball = ((canvas.x - x1).square() + (canvas.y - y1).square() + 1e-9).sqrt()
        cover = canvas.cover(away - width * (1.25 - 0.4 * along)).maximum(canvas.cover(ball - tip) * (tip > 0))
        shade = 0.9 - 0.25 * (away / (width + 0.05)).clamp(0, 1).square()
        canvas.blend(colour * shade[:, None], cover * there)


def _paint_body(canvas: _Canvas) -> None:
    """Body and head in one skin, with its pattern, in the light."""
    species = canvas.species
    width, head, above = (column(part) for part in species.build.unbind(-1))
    x = canvas.x / width
    r = (x.square() + canvas.y.square() + 1e-8).sqrt()
    edge = _radius(species, x / r, canvas.y / r)
    body = (r - edge) * width.clamp(max=1)
    over = canvas.y - above
    skull = (canvas.x.square() + over.square() + 1e-8).sqrt() - head
    beyond = _smooth_union(body, skull + (head <= 0) * 9.0, HEAD_BLEND)
    depth = (beyond / 0.75).clamp(-1, 0) + 1  # 0 in the middle, 1 at the edge
    up = (1 - depth.square()).clamp(min=0).sqrt()
    light_x, light_y = (column(part) for part in canvas.who.light.unbind(-1))
    facing = (canvas.x * light_x + (canvas.y + 0.4) * light_y).clamp(-1.2, 1.2)
    shade = 0.66 + 0.26 * up + 0.13 * facing
    skin = canvas.colour(0).lerp(canvas.colour(1), _pattern(canvas)[:, None])
    gloss = (-((canvas.x - 0.45 * light_x).square() + (canvas.y - 0.35 - 0.3 * light_y).square()) * 9).exp()
    canvas.blend(skin * shade[:, None] + 0.16 * gloss[:, None], canvas.cover(beyond))


def _smooth_union(one: Tensor, other: Tensor, blend: float) -> Tensor:
    """The distance to two shapes that flow into each other (the polynomial smooth minimum)."""
    share = (0.5 + 0.5 * (other - one) / blend).clamp(0, 1)
    return other.lerp(one, share) - blend * share * (1 - share)


def _pattern(canvas: _Canvas) -> Tensor:
    """How much of the pattern's colour each place of the skin has: (n, S, S) in [0, 1]."""
    import torch

    kind, often, phase, covers = (column(part) for part in canvas.species.pattern.unbind(-1))
    turn = 2 * math.pi * phase
    across, along = canvas.x * often * 2.2, canvas.y * often * 2.2
    ring = (canvas.x.square() + (canvas.y - 0.2).square() + 1e-8).sqrt() * often * 2.2
    waves = (
        torch.full_like(canvas.x, -9.0),
        (across + turn).sin() * (along + turn).sin() * 1.6 - 0.5,
        (along + turn).sin(),
        (across + math.pi / 2).sin() + 0 * along,
        (ring + turn).sin(),
    )
    sharp = canvas.pixel * often * 2.2
    covered = torch.zeros_like(canvas.x)
    for number, wave in enumerate(waves):
        covered = torch.where(kind == number, ((wave + covers) / (2 * sharp) + 0.5).clamp(0, 1), covered)
    return covered


def _paint_face(canvas: _Canvas) -> None:
    """One to three eyes, and a mouth."""
    import torch

    many, radius, apart, height, pupil = (column(part) for part in canvas.species.eyes.unbind(-1))
    head, above = column(canvas.species.build[:, 1]), column(canvas.species.build[:, 2])
    up = torch.where(head > 0, above - 0.1, height)
    apart = torch.where(head > 0, apart * 0.75, apart).maximum(radius * 1.05)
    radius = torch.where(head > 0, radius * 0.8, radius)
    gaze_x, gaze_y = (column(part) for part in canvas.who.gaze.unbind(-1))
    white, dark = canvas.picture.new_tensor(0.97), canvas.picture.new_tensor(0.08)
    for x, y, there in (
        (torch.zeros_like(apart), torch.where(many == 3, 0.9 * radius, 0.0), many != 2),
        (-apart, torch.where(many == 3, -0.5 * radius, 0.0), many >= 2),
        (apart, torch.where(many == 3, -0.5 * radius, 0.0), many >= 2),
    ):
        away = ((canvas.x - x).square() + (canvas.y - up - y).square() + 1e-9).sqrt()
        canvas.blend(white, canvas.cover(away - radius) * there)
        move = radius * (1 - pupil) * 0.7
        looked = ((canvas.x - x - gaze_x * move).square() + (canvas.y - up - y - gaze_y * move).square() + 1e-9).sqrt()
        canvas.blend(dark, canvas.cover(looked - radius * pupil) * there)
    half, low = (column(part) for part in canvas.species.mouth.unbind(-1))
    low = torch.where(head > 0, up - 1.7 * radius, up + low - radius)
    half = torch.where(head > 0, half * 0.7, half)
    smile = canvas.y - low - 0.5 * canvas.x.square() / (half + 0.1)
    inside = canvas.cover(smile.abs() - 0.05) * canvas.cover(canvas.x.abs() - half)
    canvas.blend(canvas.colour(0) * MOUTH_DARK, inside)
