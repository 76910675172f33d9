"""Every augmentation against torchvision's, with the same drawn parameters, a picture at a time.

Tolerances: both sides compute in float32 but in another order. Factors and sums of a few terms differ by some 1e-7
(FINE); matrix products and grids, whose coordinates are rounded at 32 to 64 pixels, by some 1e-5 (RESAMPLED); hue, for
which torchvision divides by the chroma and takes remainders, by some 1e-6 (HUE).
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torchvision.transforms.functional as reference
from torch.overrides import TorchFunctionMode

from backends.simclr import augment as module
from backends.simclr.augment import Parameters, apply, augment, crop_boxes, cutout_boxes, draw_parameters, two_views
from backends.simclr.augment_config import AUGMENTATIONS, AugmentConfig

FINE, HUE, RESAMPLED = 1e-6, 5e-6, 5e-5
BATCH = 24
OFF = dict.fromkeys(AUGMENTATIONS, 0.0)
ALL_ON = {
    "crop": 0.8, "flip": 0.5, "rotation": 45, "brightness": 0.6, "contrast": 0.6, "saturation": 0.6, "hue": 0.5,
    "grayscale": 0.3, "blur": 0.5, "cutout": 0.5, "noise": 0.1, "solarise": 0.5,
}  # fmt: skip
GREATEST = {info.name: info.maximum for info in AugmentConfig.settings()}
CHANCES = ("flip", "grayscale", "blur", "solarise")
FLAGS = {"flip": "flipped", "grayscale": "grayscale", "blur": "blurred", "solarise": "solarised"}


def only(**strengths: float) -> AugmentConfig:
    return AugmentConfig(**{**OFF, **strengths})


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = BATCH, side: int = 32) -> torch.Tensor:
    """Smooth blobs with noise: (count, 3, side, side) that hold black, white, gray and equal channels too."""
    coarse = torch.rand((count, 3, 6, 6), generator=seeded(11))
    smooth = torch.nn.functional.interpolate(coarse, size=side, mode="bilinear")
    images = (smooth + 0.1 * torch.randn((count, 3, side, side), generator=seeded(12))).clamp(0, 1)
    if side < 6:
        return images
    images[:, :, :2, :2] = torch.tensor((0.0, 1.0)).view(1, 1, 1, 2)
    images[:, :, 2, :4] = 0.5
    images[:, 1, 3] = images[:, 0, 3]
    images[:, 2, 4] = images[:, 1, 4]
    images[:, 2, 5] = images[:, 0, 5]
    return images


def drawn_and_applied(
    config: AugmentConfig, side: int = 32, size: int = 32
) -> tuple[torch.Tensor, Parameters, torch.Tensor]:
    images = pictures(side=side)
    parameters = draw_parameters(len(images), config, seeded(5), size)
    return images, parameters, apply(images, parameters, config, size)


def assert_close(views: torch.Tensor, expected: list[torch.Tensor], tolerance: float) -> None:
    torch.testing.assert_close(views, torch.stack(expected), atol=tolerance, rtol=0)


# Against torchvision, one operation at a time.


@pytest.mark.parametrize(("side", "size"), [(32, 32), (64, 32), (24, 32), (40, 32), (33, 32)])
def test_crop_and_flip_equal_resized_crop_and_hflip(side, size):
    images, parameters, views = drawn_and_applied(only(crop=0.9, flip=0.5), side, size)
    expected = []
    for image, flipped, *box in zip(images, parameters.flipped, *crop_boxes(parameters, side), strict=True):
        view = reference.resized_crop(image, *map(int, box), [size, size], antialias=True)
        expected.append(reference.hflip(view) if flipped else view)
    assert 0 < parameters.flipped.sum() < BATCH
    assert_close(views, expected, RESAMPLED)


@pytest.mark.parametrize(("side", "size"), [(64, 32), (32, 48), (33, 32), (32, 1), (1, 8)])
def test_another_size_alone_equals_resize(side, size):
    images, _, views = drawn_and_applied(only(), side, size)
    assert_close(views, [reference.resize(image, [size, size], antialias=True) for image in images], RESAMPLED)


def test_flip_alone_moves_pixels_and_changes_none():
    images, parameters, views = drawn_and_applied(only(flip=0.5))
    flipped = parameters.flipped
    assert 0 < flipped.sum() < BATCH
    assert torch.equal(views[flipped], images[flipped].flip(-1))
    assert torch.equal(views[~flipped], images[~flipped])


@pytest.mark.parametrize("side", [32, 33])
def test_rotation_equals_rotate(side):
    images, parameters, views = drawn_and_applied(only(rotation=180), side, side)
    mode = reference.InterpolationMode.BILINEAR
    expected = [
        reference.rotate(image, float(angle), mode) for image, angle in zip(images, parameters.angle, strict=True)
    ]
    assert parameters.angle.min() < -90
    assert parameters.angle.max() > 90
    assert_close(views, expected, 10 * RESAMPLED)  # torchvision's own grid and ours round differently


@pytest.mark.parametrize(
    ("name", "function", "tolerance"),
    [
        ("brightness", reference.adjust_brightness, FINE),
        ("contrast", reference.adjust_contrast, FINE),
        ("saturation", reference.adjust_saturation, FINE),
        ("hue", reference.adjust_hue, HUE),
    ],
)
def test_jitter_equals_adjust(name, function, tolerance):
    images, parameters, views = drawn_and_applied(only(**{name: GREATEST[name]}))
    drawn = getattr(parameters, name)
    expected = [function(image, float(strength)) for image, strength in zip(images, drawn, strict=True)]
    assert drawn.std() > 0.2
    assert_close(views, expected, tolerance)


def test_hue_equals_adjust_hue_for_every_pair_of_colour_and_turn():
    levels = torch.tensor((0.0, 0.2, 0.5, 0.500001, 0.8, 1.0))
    colours = torch.cartesian_prod(levels, levels, levels).T.reshape(3, 12, 18)
    colours = torch.nn.functional.pad(colours, (0, 0, 0, 6))
    turns = torch.cat((torch.arange(-6, 7) / 12, torch.linspace(-0.5, 0.5, 40)))
    config = only(hue=0.5)
    parameters = replace(draw_parameters(len(turns), config, seeded(), 18), hue=turns)
    views = apply(colours.expand(len(turns), 3, 18, 18), parameters, config)
    assert_close(views, [reference.adjust_hue(colours, float(turn)) for turn in turns], HUE)


def test_jitter_runs_in_the_order_that_is_documented():
    images, parameters, views = drawn_and_applied(only(brightness=0.8, contrast=0.8, saturation=0.8, hue=0.4))
    expected = []
    for i, image in enumerate(images):
        view = reference.adjust_brightness(image, float(parameters.brightness[i]))
        view = reference.adjust_contrast(view, float(parameters.contrast[i]))
        view = reference.adjust_saturation(view, float(parameters.saturation[i]))
        expected.append(reference.adjust_hue(view, float(parameters.hue[i])))
    assert_close(views, expected, HUE)


def test_grayscale_equals_rgb_to_grayscale_where_drawn():
    images, parameters, views = drawn_and_applied(only(grayscale=0.5))
    expected = [
        reference.rgb_to_grayscale(image, 3) if gray else image
        for image, gray in zip(images, parameters.grayscale, strict=True)
    ]
    assert 0 < parameters.grayscale.sum() < BATCH
    assert_close(views, expected, FINE)


@pytest.mark.parametrize("size", [32, 48, 5])
def test_blur_equals_gaussian_blur_where_drawn(size):
    images, parameters, views = drawn_and_applied(only(blur=0.7), size, size)
    taps = 2 * module.blur_reach(size) + 1
    expected = [
        reference.gaussian_blur(image, [taps, taps], [float(sigma) * size / module.BLUR_SIDE]) if blurred else image
        for image, blurred, sigma in zip(images, parameters.blurred, parameters.blur_sigma, strict=True)
    ]
    assert 0 < parameters.blurred.sum() < BATCH
    assert_close(views, expected, RESAMPLED)


def test_solarise_equals_solarize_where_drawn():
    images, parameters, views = drawn_and_applied(only(solarise=0.5))
    expected = [
        reference.solarize(image, 0.5) if solarised else image
        for image, solarised in zip(images, parameters.solarised, strict=True)
    ]
    assert 0 < parameters.solarised.sum() < BATCH
    assert torch.equal(views, torch.stack(expected))


def test_cutout_equals_erase():
    images, parameters, views = drawn_and_applied(only(cutout=0.8))
    expected = []
    for image, top, left, side in zip(images, *cutout_boxes(parameters, 32), strict=True):
        expected.append(reference.erase(image, int(top), int(left), int(side), int(side), torch.tensor(0.5)))
    assert torch.equal(views, torch.stack(expected))


def test_noise_is_the_drawn_noise_times_its_drawn_standard_deviation():
    images, parameters, views = drawn_and_applied(only(noise=0.2))
    expected = images + parameters.noise * parameters.noise_sd[:, None, None, None]
    torch.testing.assert_close(views, expected.clamp(0, 1), atol=FINE, rtol=0)
    assert abs(float(parameters.noise.std()) - 1) < 0.02
    assert abs(float(parameters.noise.mean())) < 0.02
    assert 0 <= parameters.noise_sd.min() < 0.05
    assert 0.15 < parameters.noise_sd.max() <= 0.2


def test_everything_together_equals_the_chain_of_torchvision():
    images, parameters, views = drawn_and_applied(AugmentConfig(**ALL_ON), 64, 32)
    boxes, squares = torch.stack(crop_boxes(parameters, 64), 1), torch.stack(cutout_boxes(parameters, 32), 1)
    taps, expected = 2 * module.blur_reach(32) + 1, []
    for i, image in enumerate(images):
        view = reference.resized_crop(image, *boxes[i].int().tolist(), [32, 32], antialias=True)
        view = reference.hflip(view) if parameters.flipped[i] else view
        view = reference.rotate(view, float(parameters.angle[i]), reference.InterpolationMode.BILINEAR)
        view = reference.adjust_brightness(view, float(parameters.brightness[i]))
        view = reference.adjust_contrast(view, float(parameters.contrast[i]))
        view = reference.adjust_saturation(view, float(parameters.saturation[i]))
        view = reference.adjust_hue(view, float(parameters.hue[i]))
        view = reference.rgb_to_grayscale(view, 3) if parameters.grayscale[i] else view
        if parameters.blurred[i]:
            view = reference.gaussian_blur(view, [taps, taps], [float(parameters.blur_sigma[i])])
        view = reference.solarize(view, 0.5) if parameters.solarised[i] else view
        view = (view + parameters.noise[i] * parameters.noise_sd[i]).clamp(0, 1)
        top, left, side = squares[i].int().tolist()
        expected.append(reference.erase(view, top, left, side, side, torch.tensor(0.5)))
    # Solarising jumps at 0.5 only in slope, so rounding is not blown up; saturation and contrast add theirs up.
    assert_close(views, expected, 10 * RESAMPLED)


# What is off.


def test_all_off_returns_the_pictures_bit_for_bit_and_not_the_same_memory():
    images = pictures()
    views = augment(images, only(), seeded())
    assert torch.equal(views, images)
    views.zero_()
    assert torch.equal(images, pictures())


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_an_augmentation_at_0_runs_no_code(name, monkeypatch):
    """Every step of each augmentation goes through a function of its own; the others must not be reached."""
    owners = {
        "crop": "_crop_and_flip", "rotation": "_rotate", "contrast": "_blend_", "saturation": "_blend_",
        "hue": "_turn_hue_", "grayscale": "_gray", "blur": "_blur_", "cutout": "_cut_out_", "noise": "_unit_noise",
    }  # fmt: skip
    reached = {owner: False for owner in owners.values()}
    for owner in reached:
        original = getattr(module, owner)

        def spy(*arguments, owner=owner, original=original):
            reached[owner] = True
            return original(*arguments)

        monkeypatch.setattr(module, owner, spy)
    augment(pictures(), only(**{name: GREATEST[name]}), seeded())
    helpers = {"contrast": {"_blend_", "_gray"}, "saturation": {"_blend_", "_gray"}}
    expected = helpers.get(name, {owners[name]} if name in owners else set())
    assert {owner for owner, was in reached.items() if was} == expected


class Recorded(TorchFunctionMode):
    """Names of the torch functions that were called."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_function__(self, function, types, arguments=(), options=None):
        self.names.append(function.__name__)
        return function(*arguments, **(options or {}))


def test_all_off_only_copies():
    images, config = pictures(), only()
    parameters = draw_parameters(BATCH, config, seeded(), 32)
    with Recorded() as recorded:
        apply(images, parameters, config)
    tensor_functions = {name for name in recorded.names if hasattr(torch.Tensor, name)}
    assert tensor_functions <= {
        "__get__",
        "__len__",
        "__getitem__",
        "__setitem__",
        "contiguous",
        "transpose",
        "clone",
        "flatten",
    }


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_an_augmentation_changes_pictures_when_on_and_only_then(name):
    images = pictures()
    config = AugmentConfig(**{**OFF, name: GREATEST[name]})
    assert not torch.equal(augment(images, config, seeded()), images)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_switching_one_off_leaves_the_draws_of_the_others_alone(name):
    generators = seeded(), seeded()
    full = draw_parameters(BATCH, AugmentConfig(**ALL_ON), generators[0], 8)
    without = draw_parameters(BATCH, AugmentConfig(**{**ALL_ON, name: 0}), generators[1], 8)
    changed = {
        field
        for field in Parameters.__dataclass_fields__
        if not torch.equal(getattr(full, field), getattr(without, field))
    }
    own = {
        "crop": {"crop_height", "crop_width"}, "flip": {"flipped"}, "rotation": {"angle"}, "blur": {"blurred"},
        "cutout": {"cutout_side"}, "noise": {"noise", "noise_sd"}, "solarise": {"solarised"},
    }  # fmt: skip
    assert changed == own.get(name, {name})
    assert torch.equal(generators[0].get_state(), generators[1].get_state())


# Draws.


def test_the_same_seed_draws_the_same_views_and_another_seed_others():
    images, config = pictures(), AugmentConfig(**ALL_ON)
    views = augment(images, config, seeded(1))
    assert torch.equal(views, augment(images, config, seeded(1)))
    assert not torch.equal(views, augment(images, config, seeded(2)))


def test_the_generator_alone_is_used():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    augment(pictures(), AugmentConfig(**ALL_ON), seeded())
    assert torch.equal(before, torch.get_rng_state())


def test_equal_pictures_of_a_batch_get_views_of_their_own():
    images = pictures(1).expand(BATCH, 3, 32, 32)
    views = augment(images, AugmentConfig(**ALL_ON), seeded()).flatten(1)
    assert torch.cdist(views, views).fill_diagonal_(1).min() > 0.5


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name not in CHANCES])
def test_each_augmentation_draws_anew_for_each_picture(name):
    images = pictures(1).expand(BATCH, 3, 32, 32)
    views = augment(images, AugmentConfig(**{**OFF, name: GREATEST[name]}), seeded()).flatten(1)
    assert len(torch.unique(views, dim=0)) >= BATCH - 3


def test_two_views_of_a_picture_differ_and_are_those_of_two_calls():
    images, config = pictures(), AugmentConfig()
    first, second = two_views(images, config, seeded(4), 16)
    generator = seeded(4)
    assert torch.equal(first, augment(images, config, generator, 16))
    assert torch.equal(second, augment(images, config, generator, 16))
    assert ((first - second).abs().amax((1, 2, 3)) > 0.01).all()


def test_a_picture_gets_the_same_view_wherever_it_stands_in_the_batch():
    images, config = pictures(), AugmentConfig(**ALL_ON)
    parameters = draw_parameters(BATCH, config, seeded(), 32)
    views = apply(images, parameters, config)
    order = torch.randperm(BATCH, generator=seeded(1))
    torch.testing.assert_close(apply(images[order], parameters.select(order), config), views[order], atol=FINE, rtol=0)
    alone = torch.cat([apply(images[i : i + 1], parameters.select(torch.tensor([i])), config) for i in range(BATCH)])
    torch.testing.assert_close(alone, views, atol=FINE, rtol=0)


def test_views_do_not_depend_on_how_many_are_computed_at_a_time(monkeypatch):
    images, config = pictures(), AugmentConfig(**ALL_ON)
    views = augment(images, config, seeded(), 16)
    monkeypatch.setattr(module, "CHUNK_PIXELS", 7 * 32 * 32)
    torch.testing.assert_close(augment(images, config, seeded(), 16), views, atol=FINE, rtol=0)


# Statistics: 20,000 draws; a share of p has a standard error of at most 0.0036, so 0.015 is more than four of them.

DRAWS = 20_000


@pytest.mark.parametrize("name", CHANCES)
@pytest.mark.parametrize("chance", [0.2, 0.5, 1.0])
def test_what_has_a_probability_happens_that_often(name, chance):
    parameters = draw_parameters(DRAWS, only(**{name: chance}), seeded(), 1)
    share = float(getattr(parameters, FLAGS[name]).float().mean())
    assert share == pytest.approx(chance, abs=0.015 if chance < 1 else 0)


def test_crops_have_the_areas_and_ratios_of_torchvision():
    from torchvision.transforms import RandomResizedCrop

    parameters = draw_parameters(DRAWS, only(crop=0.8), seeded(), 1)
    area = parameters.crop_height * parameters.crop_width
    ratio = (parameters.crop_width / parameters.crop_height).log()
    torch.manual_seed(0)
    big = torch.empty(3, 1000, 1000)
    boxes = torch.tensor([RandomResizedCrop.get_params(big, [0.2, 1.0], [3 / 4, 4 / 3]) for _ in range(4000)]) / 1000
    their_area, their_ratio = boxes[:, 2] * boxes[:, 3], (boxes[:, 3] / boxes[:, 2]).log()
    shares = torch.linspace(0.05, 0.95, 10)
    torch.testing.assert_close(area.quantile(shares), their_area.quantile(shares), atol=0.03, rtol=0)
    torch.testing.assert_close(ratio.quantile(shares), their_ratio.quantile(shares), atol=0.03, rtol=0)
    assert area.min() >= 0.2 - 1e-6
    assert parameters.crop_width.max() <= 1
    assert parameters.crop_height.max() <= 1


def test_crops_lie_anywhere_within_the_picture():
    parameters = draw_parameters(DRAWS, only(crop=0.8), seeded(), 1)
    top, left, height, width = crop_boxes(parameters, 32)
    assert top.min() == left.min() == 0
    assert (top + height).max() == (left + width).max() == 32
    small = height == 20
    assert set(top[small].tolist()) == set(range(13))
    assert float(top[small].mean()) == pytest.approx(6, abs=0.5)


def test_where_no_box_fits_the_whole_picture_is_taken():
    parameters = draw_parameters(DRAWS, only(crop=0.01), seeded(), 1)
    whole = (parameters.crop_height == 1) & (parameters.crop_width == 1)
    assert 0.5 < whole.float().mean() < 1


@pytest.mark.parametrize(("name", "low", "high"), [("brightness", 0.6, 1.4), ("hue", -0.4, 0.4)])
def test_strengths_are_drawn_evenly_on_both_sides(name, low, high):
    drawn = getattr(draw_parameters(DRAWS, only(**{name: 0.4}), seeded(), 1), name)
    assert low <= drawn.min() < low + 0.01
    assert high - 0.01 < drawn.max() <= high
    counts = torch.histc(drawn, 8, low, high) / DRAWS
    assert (counts - 1 / 8).abs().max() < 0.015


# Every input that may come.


@pytest.mark.parametrize(
    "strengths", [GREATEST, ALL_ON, *({**OFF, name: GREATEST[name]} for name in ("crop", "rotation", "blur"))]
)
@pytest.mark.parametrize(
    ("count", "side", "size"), [(1, 32, 32), (5, 64, 32), (3, 1, 1), (2, 2, 7), (4, 96, 3), (0, 8, 8)]
)
def test_views_are_finite_and_between_0_and_1(strengths, count, side, size):
    images = torch.rand((count, 3, side, side), generator=seeded())
    for extreme in (images, images.round(), torch.ones_like(images), torch.zeros_like(images)):
        views = augment(extreme, AugmentConfig(**strengths), seeded(), size)
        assert views.shape == (count, 3, size, size)
        assert views.dtype == torch.float32
        assert views.is_contiguous()
        assert torch.isfinite(views).all()
        assert count == 0 or (views.min() >= 0 and views.max() <= 1)


def test_turned_white_is_no_whiter_than_white():
    """At 33 pixels the four weights of a pixel add up to 1 + 1e-7 now and then."""
    assert augment(torch.ones(200, 3, 33, 33), only(rotation=180), seeded()).max() <= 1


def test_whole_numbers_are_taken_as_255ths():
    images = (255 * pictures()).to(torch.uint8)
    config = AugmentConfig(**ALL_ON)
    assert torch.equal(augment(images, config, seeded()), augment(images / 255, config, seeded()))


def test_pictures_with_channels_last_give_the_same_views():
    images, config = pictures(), AugmentConfig()
    stored = images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert torch.equal(augment(stored, config, seeded()), augment(images, config, seeded()))


def test_views_carry_no_gradient_but_can_be_trained_on():
    images = pictures().requires_grad_()
    views = augment(images, AugmentConfig(**ALL_ON), seeded())
    assert not views.requires_grad
    layer = torch.nn.Conv2d(3, 2, 3)
    layer(views).sum().backward()
    assert layer.weight.grad.abs().sum() > 0


def test_autocast_around_it_changes_nothing():
    images, config = pictures(), AugmentConfig(**ALL_ON)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        views = augment(images, config, seeded())
    assert torch.equal(views, augment(images, config, seeded()))


def test_the_pictures_are_left_as_they_were():
    images = pictures()
    augment(images, AugmentConfig(**ALL_ON), seeded())
    assert torch.equal(images, pictures())


@pytest.mark.parametrize(
    ("images", "size", "named"),
    [
        (torch.rand(3, 8, 8), None, "(3, 8, 8)"),
        (torch.rand(2, 1, 8, 8), None, "(2, 1, 8, 8)"),
        (torch.rand(2, 3, 8, 9), None, "(2, 3, 8, 9)"),
        (torch.rand(2, 3, 8, 8).double(), None, "float64"),
        (torch.rand(2, 3, 8, 8), 0, "size is 0"),
    ],
)
def test_other_input_is_refused_in_a_sentence(images, size, named):
    with pytest.raises(ValueError, match=r".+\.$") as refusal:
        augment(images, AugmentConfig(), seeded(), size)
    assert named in str(refusal.value)


def test_parameters_of_another_batch_are_refused():
    config = AugmentConfig()
    with pytest.raises(ValueError, match="24 pictures but parameters for 3"):
        apply(pictures(), draw_parameters(3, config, seeded(), 32), config)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_draws_and_computes_what_the_cpu_does():
    images, config = pictures(), AugmentConfig(**ALL_ON)
    views = augment(images.cuda(), config, seeded(), 24)
    torch.testing.assert_close(views.cpu(), augment(images, config, seeded(), 24), atol=10 * RESAMPLED, rtol=0)
    own = augment(images.cuda(), config, torch.Generator("cuda").manual_seed(0), 24)
    assert own.is_cuda
