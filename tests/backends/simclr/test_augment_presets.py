"""What the presets say about views is seen in views. What features learn from them, the trainings' tests hold."""

from __future__ import annotations

import colorsys

import pytest
import torch

from backends.simclr.augment import augment, draw_parameters, two_views
from backends.simclr.augment_config import COLOUR_AUGMENTATIONS, AugmentConfig
from backends.simclr.augment_presets import COLOUR_JITTER, PRESETS

MAX_CHARS = 200
VIEWS = 256
RED, CYAN = 0.0, 0.5


def painted(*colour: float) -> torch.Tensor:
    """(VIEWS, 3, 8, 8) of one colour."""
    return torch.tensor(colour).view(1, 3, 1, 1).expand(VIEWS, 3, 8, 8)


def hues(views: torch.Tensor) -> list[float]:
    """Hue in turns of each view's first pixel; none for gray ones."""
    pixels = (colorsys.rgb_to_hsv(*pixel.tolist()) for pixel in views[:, :, 0, 0])
    return [hue for hue, saturation, value in pixels if saturation > 0.01 and value > 0.01]


def turned(hue: float, origin: float) -> float:
    """How far apart two hues are, in turns."""
    return abs((hue - origin + 0.5) % 1 - 0.5)


def views_of(name: str, pictures: torch.Tensor) -> torch.Tensor:
    return augment(pictures, PRESETS[name].config, torch.Generator().manual_seed(3))


def test_presets_differ_in_name_words_and_settings():
    assert len({preset.label for preset in PRESETS.values()}) == len(PRESETS)
    assert len({preset.expect for preset in PRESETS.values()}) == len(PRESETS)
    assert len({preset.config for preset in PRESETS.values()}) == len(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_an_expectation_is_one_sentence_that_fits_its_place(name):
    expect = PRESETS[name].expect
    assert expect.endswith(".")
    assert ". " not in expect
    assert len(expect) <= MAX_CHARS


@pytest.mark.parametrize("name", PRESETS)
def test_settings_lie_on_the_steps_of_their_sliders(name):
    config = PRESETS[name].config
    for info in AugmentConfig.settings():
        steps = getattr(config, info.name) / info.step
        assert steps == pytest.approx(round(steps)), info.name


def test_full_colour_jitter_is_the_default():
    assert PRESETS["full-colour-jitter"].config == AugmentConfig()


def test_no_colour_is_the_default_without_what_changes_colours():
    changed = AugmentConfig().differences(PRESETS["no-colour"].config)
    assert set(changed) == set(COLOUR_AUGMENTATIONS)
    assert all(new == 0 for _, new in changed.values())


def test_the_paper_turns_red_into_yellow_and_violet_but_never_into_cyan():
    seen = hues(views_of("simclr-paper", painted(0.8, 0.0, 0.0)))
    assert max(turned(hue, RED) for hue in seen) <= 0.2 + 1e-3
    assert min(turned(hue, 1 / 6) for hue in seen) < 0.02
    assert min(turned(hue, 5 / 6) for hue in seen) < 0.02


def test_the_paper_keeps_at_least_eight_hundredths_of_a_picture():
    parameters = draw_parameters(4000, PRESETS["simclr-paper"].config, torch.Generator().manual_seed(0), 32)
    area = parameters.crop_height * parameters.crop_width
    assert 0.08 <= area.min() < 0.1


def test_full_colour_jitter_turns_red_into_any_hue():
    seen = hues(views_of("full-colour-jitter", painted(0.8, 0.1, 0.1)))
    assert {int(hue * 12) for hue in seen} == set(range(12))
    assert min(turned(hue, CYAN) for hue in seen) < 0.02


def test_no_colour_keeps_hues():
    seen = hues(views_of("no-colour", painted(0.5, 0.2, 0.2)))
    assert len(seen) == VIEWS
    assert max(turned(hue, RED) for hue in seen) < 1e-3


def test_colour_only_leaves_outlines_where_they_are():
    pictures = painted(0.2, 0.4, 0.6).clone()
    pictures[:, :, 2:5, 3:] = torch.tensor((0.7, 0.5, 0.3)).view(1, 3, 1, 1)
    views = views_of("colour-only", pictures)
    inside, outside = views[:, :, 2:5, 3:].flatten(2), views[:, :, 5:].flatten(2)
    assert (inside == inside[:, :, :1]).all()
    assert (outside == outside[:, :, :1]).all()
    assert (inside[:, :, 0] - outside[:, :, 0]).abs().mean() > 0.05


def test_colour_only_has_the_strengths_of_the_default():
    config = PRESETS["colour-only"].config
    assert {name: getattr(config, name) for name in COLOUR_JITTER} == {
        name: getattr(AugmentConfig(), name) for name in COLOUR_JITTER
    }


def test_crop_only_shows_parts_whose_colours_are_untouched():
    stripes = torch.rand(3, generator=torch.Generator().manual_seed(1)).view(1, 3, 1, 1).expand(VIEWS, 3, 8, 8)
    assert torch.allclose(views_of("crop-only", stripes), stripes, atol=1e-6)
    pictures = torch.rand((VIEWS, 3, 8, 8), generator=torch.Generator().manual_seed(2))
    first, second = two_views(pictures, PRESETS["crop-only"].config, torch.Generator().manual_seed(3))
    assert ((first - second).abs().amax((1, 2, 3)) > 0.1).float().mean() > 0.95


def test_none_shows_the_picture_itself_twice():
    pictures = torch.rand((VIEWS, 3, 8, 8), generator=torch.Generator().manual_seed(2))
    first, second = two_views(pictures, PRESETS["none"].config, torch.Generator().manual_seed(3))
    assert torch.equal(first, pictures)
    assert torch.equal(second, pictures)
