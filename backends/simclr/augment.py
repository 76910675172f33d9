"""Batched augmentations in torch: every picture gets its own random draw, and a batch is one set of tensor operations.

The operations mean what they mean in torchvision (`RandomResizedCrop`, `RandomHorizontalFlip`, `RandomRotation`,
`ColorJitter`, `RandomGrayscale`, `GaussianBlur`, `RandomSolarize`, `GaussianNoise`); the tests compare each with
`torchvision.transforms.functional`. Two steps: `draw_parameters` draws, `apply` computes and draws nothing.

Where we deviate from torchvision, and why:

- The order is fixed: crop, flip, rotation, brightness, contrast, saturation, hue, grayscale, blur, solarise, noise,
  cutout. `ColorJitter` shuffles its four for every call; a shuffle for every picture would part a batch into 24 groups.
- A box fits if its sides do before they are rounded to pixels, so that the draw does not depend on the size.
- A cutout is a grey square that lies wholly in the view (DeVries & Taylor 2017 let it stick out).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from backends.simclr.augment_config import AugmentConfig

CROP_RATIO = (3 / 4, 4 / 3)
"""Width over height of a random resized crop; torchvision's default."""
CROP_TRIES = 10
"""Boxes drawn until one fits; where none does, the whole picture is taken. Both as in torchvision."""
LUMA = (0.2989, 0.587, 0.114)
"""What red, green and blue add to the gray value, in torchvision and in ITU-R BT.601."""
BLUR_SIGMA = (0.1, 2.0)
"""Standard deviations of the blur in pixels of a view of BLUR_SIDE: Chen et al. 2020, appendix A."""
BLUR_SIDE = 32
BLUR_REACH = 3.0
"""The blur's kernel reaches so many of the largest standard deviations to each side: 13 taps at 32 pixels."""
CUTOUT_GREY = 0.5
CHUNK_PIXELS = 96 * 32 * 32
"""Pixels that a CPU works on at a time, so that they stay in its cache: up to 1.5 times as fast as 192 views at once
where other programs run beside it, and no slower where none do."""


@dataclass(frozen=True)
class Parameters:
    """What was drawn for N views. Neutral (factor 1, angle 0, False) where an augmentation is off.

    Attributes:
        crop_height: (N,) of the box, as a share of the picture's side; see `crop_boxes` for pixels.
        crop_width: (N,) likewise.
        crop_top: (N,) in [0, 1): where the box lies, as a share of the room that it leaves.
        crop_left: (N,) likewise.
        angle: (N,) degrees, counterclockwise.
        brightness: (N,) factor.
        contrast: (N,) factor.
        saturation: (N,) factor.
        hue: (N,) turns of the colour circle.
        blur_sigma: (N,) standard deviation in pixels of a view of BLUR_SIDE.
        cutout_side: (N,) share of the view's side; see `cutout_boxes` for pixels.
        cutout_top: (N,) in [0, 1): share of the room that the square leaves.
        cutout_left: (N,) likewise.
        noise_sd: (N,) standard deviation; 1 is the range from black to white.
        flipped: (N,) bool.
        grayscale: (N,) bool.
        blurred: (N,) bool.
        solarised: (N,) bool.
        noise: (N, 3, size, size) with variance 1; (N, 0) where noise is off.
    """

    crop_height: Tensor
    crop_width: Tensor
    crop_top: Tensor
    crop_left: Tensor
    angle: Tensor
    brightness: Tensor
    contrast: Tensor
    saturation: Tensor
    hue: Tensor
    blur_sigma: Tensor
    cutout_side: Tensor
    cutout_top: Tensor
    cutout_left: Tensor
    noise_sd: Tensor
    flipped: Tensor
    grayscale: Tensor
    blurred: Tensor
    solarised: Tensor
    noise: Tensor

    def __len__(self) -> int:
        return len(self.angle)

    def select(self, indices: Tensor | slice) -> Parameters:
        """Return the parameters of these views, in this order; `indices` (n,) int64 or a slice."""
        return Parameters(**{field.name: getattr(self, field.name)[indices] for field in fields(self)})

    def to(self, device: torch.device) -> Parameters:
        """Return the parameters on a device; themselves if they are there."""
        if self.angle.device == device:
            return self
        return Parameters(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


def augment(images: Tensor, config: AugmentConfig, generator: torch.Generator, size: int | None = None) -> Tensor:
    """Draw one view of each picture.

    Args:
        images: (B, 3, H, H) float32 in [0, 1], or uint8. On any device.
        config: strengths; an augmentation of strength 0 costs nothing. All 0 returns the pictures, bit for bit.
        generator: draws everything. On the CPU it draws the same for pictures on every device; on the pictures'
            device nothing has to be copied there.
        size: side of the views in pixels; that of the pictures if not given.

    Returns:
        (B, 3, size, size) float32 in [0, 1], contiguous, without gradient, never sharing memory with `images`.

    Raises:
        ValueError: pictures or size of another kind.
    """
    size = _checked_size(images, size)
    return apply(images, draw_parameters(len(images), config, generator, size), config, size)


def two_views(
    images: Tensor, config: AugmentConfig, generator: torch.Generator, size: int | None = None
) -> tuple[Tensor, Tensor]:
    """Draw two independent views of each picture: two calls of `augment`, which see for arguments and errors."""
    return augment(images, config, generator, size), augment(images, config, generator, size)


def draw_parameters(count: int, config: AugmentConfig, generator: torch.Generator, size: int) -> Parameters:
    """Draw what happens to `count` views of `size` pixels; on the generator's device.

    As many numbers are drawn whatever is on, so that switching one augmentation leaves the draws of the others alone.
    """
    device = generator.device
    ranges, chances = torch.tensor(_ranges(config)), torch.tensor(_chances(config))
    rows = 2 * CROP_TRIES + len(ranges) + len(chances)
    uniform = torch.rand((rows, count), generator=generator, device=device)
    seed = torch.randint(2**31, (1,), generator=generator, device=device)
    tries, values, flags = uniform.split([2 * CROP_TRIES, len(ranges), len(chances)])
    low, high = ranges.to(device)[:, :, None].unbind(1)
    values = values * (high - low) + low
    noise = _unit_noise(count, size, seed) if config.noise > 0 else torch.empty((count, 0), device=device)
    flags = flags < chances.to(device)[:, None]
    in_order: list[Tensor] = [*_crop_sides(tries, config.crop), *values, *flags, noise]
    return Parameters(*in_order)


def _ranges(config: AugmentConfig) -> list[tuple[float, float]]:
    """From where to where each number is drawn evenly, in the order of `Parameters`, crop_top to noise_sd."""
    factors = [(1 - strength, 1 + strength) for strength in (config.brightness, config.contrast, config.saturation)]
    return [
        (0, 1),
        (0, 1),
        (-config.rotation, config.rotation),
        *factors,
        (-config.hue, config.hue),
        BLUR_SIGMA,
        (0, config.cutout),
        (0, 1),
        (0, 1),
        (0, config.noise),
    ]


def _chances(config: AugmentConfig) -> list[float]:
    return [config.flip, config.grayscale, config.blur, config.solarise]


def _crop_sides(uniform: Tensor, crop: float) -> tuple[Tensor, Tensor]:
    """Height and width (N,) of the first box that fits; `uniform` (2 * CROP_TRIES, N)."""
    whole = torch.ones_like(uniform[0])
    if crop == 0:
        return whole, whole
    area = 1 - crop * uniform[:CROP_TRIES]
    low, high = math.log(CROP_RATIO[0]), math.log(CROP_RATIO[1])
    root_ratio = torch.exp((low + (high - low) * uniform[CROP_TRIES:]) / 2)
    sides = torch.stack((area.sqrt() / root_ratio, area.sqrt() * root_ratio))
    fits = sides.amax(0) <= 1
    first = fits.int().argmax(0).expand(2, 1, -1)
    height, width = torch.where(fits.any(0), sides.gather(1, first).squeeze(1), whole)
    return height, width


def _unit_noise(count: int, size: int, seed: Tensor) -> Tensor:
    """Normal numbers from a generator of their own, so that the next batch's draws don't depend on their count."""
    own = torch.Generator(seed.device).manual_seed(int(seed))
    return torch.randn((count, 3, size, size), generator=own, device=seed.device)


@torch.no_grad()
def apply(images: Tensor, parameters: Parameters, config: AugmentConfig, size: int | None = None) -> Tensor:
    """Compute the views that were drawn; arguments, result and errors as of `augment`.

    `config` says what to compute: an augmentation of strength 0 is passed over, whatever was drawn for it.
    """
    size = _checked_size(images, size)
    if len(parameters) != len(images):
        raise ValueError(f"There are {len(images)} pictures but parameters for {len(parameters)}.")
    drawn = parameters.to(images.device)
    views = torch.empty((len(images), 3, size, size), device=images.device)
    with torch.autocast(images.device.type, enabled=False):  # half precision would move the pixels
        for chunk in _chunks(images, size):
            views[chunk] = _planes(images[chunk], drawn.select(chunk), config, size).transpose(0, 1)
    return views


def _chunks(images: Tensor, size: int) -> list[slice]:
    pixels = max(size, images.shape[-1]) ** 2
    step = max(1, CHUNK_PIXELS // pixels if images.device.type == "cpu" else len(images))
    return [slice(first, first + step) for first in range(0, len(images), step)]


def _planes(images: Tensor, drawn: Parameters, config: AugmentConfig, size: int) -> Tensor:
    planes = _geometry(_as_float(images), drawn, config, size)
    _colour_(planes, drawn, config)
    _finish_(planes, drawn, config)
    return planes


def crop_boxes(parameters: Parameters, side: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return top, left, height, width (N,) in whole pixels of the boxes cut out of pictures of `side` pixels."""
    height = (parameters.crop_height * side).round().clamp(1, side)
    width = (parameters.crop_width * side).round().clamp(1, side)
    return _start(parameters.crop_top, side - height), _start(parameters.crop_left, side - width), height, width


def cutout_boxes(parameters: Parameters, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return top, left, side (N,) in whole pixels of the squares painted grey in views of `size` pixels."""
    side = (parameters.cutout_side * size).round()
    return _start(parameters.cutout_top, size - side), _start(parameters.cutout_left, size - side), side


def _start(share: Tensor, room: Tensor) -> Tensor:
    """Each of the whole numbers 0..room equally often."""
    return torch.minimum((share * (room + 1)).floor(), room)


def _checked_size(images: Tensor, size: int | None) -> int:
    if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] != images.shape[3] or images.shape[3] < 1:
        raise ValueError(f"The pictures are {tuple(images.shape)}; augmentations take (B, 3, H, H).")
    if images.dtype not in (torch.float32, torch.uint8):
        raise ValueError(f"The pictures are {images.dtype}; augmentations take float32 in [0, 1] or uint8.")
    if size is not None and size < 1:
        raise ValueError(f"The size is {size}; views have at least 1 pixel.")
    return images.shape[-1] if size is None else size


def _as_float(images: Tensor) -> Tensor:
    """(B, 3, H, H) float32 in [0, 1], contiguous."""
    if images.dtype == torch.uint8:
        return images.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
    return images.contiguous()


# Geometry. Inside, a batch is held as three planes (3, B, H, H): matrix products into contiguous planes are six times
# as fast as into (B, 3, H, H), and one colour of all pictures lies together. Functions ending in _ change their planes.


def _geometry(images: Tensor, drawn: Parameters, config: AugmentConfig, size: int) -> Tensor:
    """Crop, flip, resize and turn: (B, 3, H, H) to new planes (3, B, size, size)."""
    if config.crop > 0 or size != images.shape[-1]:
        planes = _crop_and_flip(images, drawn, size)
    else:
        planes = images.transpose(0, 1).clone(memory_format=torch.contiguous_format)
        if config.flip > 0:
            planes = torch.where(drawn.flipped[:, None, None], planes.flip(-1), planes)
    return _rotate(planes, drawn.angle) if config.rotation > 0 else planes


def _crop_and_flip(images: Tensor, drawn: Parameters, size: int) -> Tensor:
    """Bilinear resize of each box, as two matrix products: rows @ picture @ columns^T. Box and flip are separable."""
    side = images.shape[-1]
    top, left, height, width = crop_boxes(drawn, side)
    rows = _resize_weights(top, height, side, size)
    columns = _resize_weights(left, width, side, size)
    columns = torch.where(drawn.flipped[:, None, None], columns.flip(1), columns)
    planes = _resample(images, rows, columns)
    return planes.clamp_(0, 1)  # the weights of a pixel add up to 1 but for rounding


def _resize_weights(start: Tensor, extent: Tensor, side: int, size: int) -> Tensor:
    """What each pixel of a line adds to each pixel of its view: (N, size, side), each row adding up to 1.

    Linear interpolation between pixel centres, and where the line is shrunk an average with a triangle as wide as the
    shrinking (antialiasing): the same as torchvision's `resized_crop` of `start` to `start + extent`.
    """
    scale = (extent / size)[:, None]
    middles = (torch.arange(size, device=start.device) + 0.5) * scale
    pixels = torch.arange(side, device=start.device) + 0.5
    if side <= size:  # never shrunk: holding the middles between the outer pixels' centres does what edges need
        middles = torch.minimum(middles.clamp_min_(0.5), extent[:, None] - 0.5).add_(start[:, None])
        return (pixels - middles[:, :, None]).abs_().neg_().add_(1).clamp_min_(0)
    middles = middles.add_(start[:, None])[:, :, None]
    weights = (pixels - middles).abs_().div_(scale.clamp_min(1)[:, :, None]).neg_().add_(1).clamp_min_(0)
    inside = (pixels > start[:, None]) & (pixels < (start + extent)[:, None])
    weights.mul_(inside[:, None])
    return weights.div_(weights.sum(2, keepdim=True))


def _resample(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return planes (3, B, S, S) of rows (B, S, H) @ images (B, 3, H, H) @ columns (B, S, H)^T."""
    count, _, side, _ = images.shape
    size = rows.shape[1]
    lines = torch.bmm(images.view(count, 3 * side, side), columns.transpose(1, 2)).view(count, 3, side, size)
    planes = images.new_empty((3, count, size, size))
    for channel, plane in enumerate(planes):
        torch.bmm(rows, lines[:, channel], out=plane)
    return planes


def _rotate(planes: Tensor, degrees: Tensor) -> Tensor:
    """Turn about the centre, bilinear, black where nothing was: torchvision's `rotate`."""
    size = planes.shape[-1]
    angle = torch.deg2rad(degrees)[:, None, None]
    cosine, sine = angle.cos(), angle.sin()
    steps = (2 * torch.arange(size, device=planes.device) + 1) / size - 1
    across, down = steps[None, None, :], steps[None, :, None]
    grid = torch.stack((cosine * across - sine * down, sine * across + cosine * down), dim=-1)
    turned = F.grid_sample(planes.transpose(0, 1), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return turned.transpose(0, 1).contiguous().clamp_(0, 1)


# Colour.


def _colour_(planes: Tensor, drawn: Parameters, config: AugmentConfig) -> None:
    """Jitter in a fixed order, each step held to [0, 1] as in torchvision, then grayscale."""
    flat = planes.flatten(2)
    if config.brightness > 0:
        flat.mul_(drawn.brightness[:, None]).clamp_max_(1)
    if config.contrast > 0:
        _blend_(flat, _gray(flat.mean(2, keepdim=True)), drawn.contrast)
    if config.saturation > 0:
        _blend_(flat, _gray(flat), drawn.saturation)
    if config.hue > 0:
        _turn_hue_(flat, drawn.hue)
    if config.grayscale > 0:
        chosen = drawn.grayscale.nonzero().squeeze(1)
        flat[:, chosen] = _gray(flat[:, chosen])


def _gray(planes: Tensor) -> Tensor:
    """The gray value of (3, ...), shape (...)."""
    red, green, blue = planes
    return (red * LUMA[0]).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])


def _blend_(flat: Tensor, other: Tensor, share: Tensor) -> None:
    """Keep `share` (B,) of flat (3, B, P) and add the rest of `other` (B, 1) or (B, P)."""
    share = share[:, None]
    flat.mul_(share).add_(other * (1 - share)).clamp_(0, 1)


def _turn_hue_(flat: Tensor, turns: Tensor) -> None:
    """Turn the hue in HSV by (B,) turns: equal to torchvision's `adjust_hue`, without divisions and case distinctions.

    The hue walks round a hexagon (Smith 1978, "Color gamut transform pairs", eq. for HSV) whose sides are as long as
    the chroma C = max - min. With its way y from red in [-3C, 3C],

        |y| = max - 2 min + green + blue - red,    y has the sign of green - blue

    (seen by cases: red largest, in the middle, smallest). After a turn by t = 6 turns, a colour channel whose own place
    on the hexagon is p = 0, 2C or 4C stands u = y + tC - p away from it, and holds

        min + clamp(| |u| - 3C | - C, 0, C)

    for any u in [-6C, 6C], which the wrapping of t - p/C to [-3, 3) makes sure of.
    """
    red, green, blue = flat
    low, high = torch.minimum(green, blue), torch.maximum(green, blue)
    way = (low + high).sub_(red)
    torch.minimum(low, red, out=low)
    torch.maximum(high, red, out=high)
    way.add_(high).sub_(low, alpha=2)
    torch.copysign(way, green - blue, out=way)
    chroma = high - low
    places = torch.arange(0, 6, 2, device=flat.device)[:, None, None]
    ahead = torch.remainder(6 * turns[:, None] - places + 3, 6) - 3
    away = (chroma * ahead).add_(way).abs_().sub_(chroma, alpha=3).abs_().add_(low - chroma)
    torch.clamp(away, low, high, out=flat)


# Blur, solarise, noise, cutout.


def _finish_(planes: Tensor, drawn: Parameters, config: AugmentConfig) -> None:
    if config.blur > 0:
        _blur_(planes, drawn.blurred.nonzero().squeeze(1), drawn.blur_sigma)
    if config.solarise > 0:
        chosen = drawn.solarised.nonzero().squeeze(1)
        bright = planes[:, chosen]
        planes[:, chosen] = torch.minimum(bright, 1 - bright)  # the same as: where at least 0.5, the negative
    if config.noise > 0:
        noise = drawn.noise.transpose(0, 1)
        planes.add_(noise * drawn.noise_sd[:, None, None]).clamp_(0, 1)
    if config.cutout > 0:
        _cut_out_(planes, drawn)


def _blur_(planes: Tensor, chosen: Tensor, sigmas: Tensor) -> None:
    """Gaussian blur of the chosen pictures, mirrored at the edges as in torchvision, as two matrix products."""
    if len(chosen) == 0:
        return
    weights = _blur_weights(sigmas[chosen], planes.shape[-1])
    pictures = planes.transpose(0, 1)[chosen].contiguous()
    planes[:, chosen] = _resample(pictures, weights, weights).clamp_(0, 1)


def blur_reach(size: int) -> int:
    """How many pixels the blur's kernel reaches to each side of its middle; it has twice as many taps and one."""
    return min(size - 1, math.ceil(BLUR_REACH * BLUR_SIGMA[1] * size / BLUR_SIDE))


def _blur_weights(sigmas: Tensor, size: int) -> Tensor:
    """What each pixel of a line adds to each pixel of the blurred line: (N, size, size).

    A pixel adds what its distance says, and once more for each edge in which it is mirrored within reach; the outer
    pixels themselves are not mirrored ("reflect").
    """
    to, source = torch.arange(size, device=sigmas.device)[:, None], torch.arange(size, device=sigmas.device)[None, :]
    never = torch.full_like(source, size)
    left = torch.where(source > 0, to + source, never)
    right = torch.where(source < size - 1, 2 * (size - 1) - to - source, never)
    distances = torch.stack(((to - source).abs(), left, right))
    squares = torch.where(distances <= blur_reach(size), distances.float().square(), torch.inf)
    weights = torch.exp(squares * (-0.5 / (sigmas * size / BLUR_SIDE).square())[:, None, None, None]).sum(1)
    return weights.div_(weights.sum(2, keepdim=True))


def _cut_out_(planes: Tensor, drawn: Parameters) -> None:
    size = planes.shape[-1]
    top, left, side = (edge[:, None] for edge in cutout_boxes(drawn, size))
    pixels = torch.arange(size, device=planes.device)
    rows = (pixels >= top) & (pixels < top + side)
    columns = (pixels >= left) & (pixels < left + side)
    planes.masked_fill_(rows[:, :, None] & columns[:, None, :], CUTOUT_GREY)
