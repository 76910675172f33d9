"""Settings of the masked autoencoder: what is on offer, what is refused and in which words."""

from __future__ import annotations

import urllib.parse
from typing import get_args

import pytest

from backends.data.splits import Data
from backends.engine.config import ConfigError
from backends.mae.config import MIN_PATCHES, OWN_PICTURES, PATCHES, MAEConfig, valid_patches
from backends.mae.masking import MASKINGS
from playground.links import Link, LinkTarget, query_of, read_query

SETTINGS = {info.name: info for info in MAEConfig.settings()}
NUMBERS = [info for info in SETTINGS.values() if not info.choices]
CHOICES = [info for info in SETTINGS.values() if info.choices]
SIZES = tuple(SETTINGS["image_size"].choices)


@pytest.mark.parametrize("size", SIZES)
def test_only_patches_that_tile_the_picture_are_on_offer(size):
    expected = [patch for patch in PATCHES if int(size) % int(patch) == 0 and (int(size) / int(patch)) ** 2 >= 4]
    assert list(valid_patches(size)) == expected
    assert MIN_PATCHES == 4


def test_the_offers_are_those_of_the_page():
    assert valid_patches("32") == ("2", "4", "8", "16")
    assert valid_patches("48") == ("2", "4", "6", "8", "12", "16")
    assert valid_patches("64") == ("2", "4", "8", "16")
    assert valid_patches("16") == ("2", "4", "8"), "one patch of 16 leaves nothing to choose"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("patch", PATCHES)
def test_a_config_takes_what_is_on_offer_and_refuses_the_rest_in_a_sentence(size, patch):
    valid = valid_patches(size)
    values = {"image_size": size, "patch": patch}
    if patch in valid:
        config = MAEConfig.parse(values)
        assert (config.side, config.patches) == (int(size) // int(patch), (int(size) // int(patch)) ** 2)
        return
    with pytest.raises(ConfigError) as refused:
        MAEConfig.parse(values)
    assert str(refused.value) == (
        f"Patch (patch) is {patch}; pictures of {size} pixels are cut into patches of {', '.join(valid[:-1])} or "
        f"{valid[-1]}."
    )


def test_a_change_of_size_alone_that_leaves_the_patch_behind_is_refused():
    config = MAEConfig(image_size="48", patch="6")
    with pytest.raises(ConfigError, match=r"Patch \(patch\) is 6; pictures of 32 pixels"):
        config.with_changes(image_size="32")


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "0", "1", "0.04", "0.96", "many", ""])
def test_a_mask_ratio_that_is_no_share_is_refused(value):
    with pytest.raises(ConfigError, match=r"Mask ratio \(mask_ratio\) is .*; it must be a number from 0.05 to 0.95\."):
        MAEConfig.parse({"mask_ratio": value})


@pytest.mark.parametrize("info", NUMBERS, ids=lambda info: info.name)
def test_numbers_keep_to_their_range(info):
    for value in (info.minimum, info.maximum):
        assert getattr(MAEConfig.parse({info.name: value}), info.name) == value
    for value in (info.minimum - 1, info.maximum * 2 + 1, float("nan"), float("inf"), "many", None):
        with pytest.raises(ConfigError, match=info.label):
            MAEConfig.parse({info.name: value})


@pytest.mark.parametrize("info", CHOICES, ids=lambda info: info.name)
def test_choices_keep_to_what_is_on_offer(info):
    for value in info.choices:
        size = "48" if info.name == "patch" else info.default if info.name == "image_size" else "32"
        assert getattr(MAEConfig.parse({"image_size": size, info.name: value}), info.name) == value
    for value in ("nonsense", "", None, info.default + "0"):
        with pytest.raises(ConfigError):
            MAEConfig.parse({info.name: value})


@pytest.mark.parametrize("info", SETTINGS.values(), ids=lambda info: info.name)
def test_every_setting_has_what_its_widget_needs(info):
    assert info.label
    assert info.label != info.name
    assert info.description.endswith(".")
    assert info.default in info.choices if info.choices else info.minimum <= info.default <= info.maximum


def test_the_defaults_are_valid_and_few_settings_stand_in_the_tab():
    config = MAEConfig()
    assert MAEConfig.parse(config.model_dump()) == config
    assert config.mask_ratio == 0.75
    assert config.patches == 64
    assert not config.normalised
    assert [info.name for info in SETTINGS.values() if info.essential] == ["data", "mask_ratio", "patch", "steps"]


def test_every_width_is_divided_by_every_number_of_heads_and_has_two_dimensional_positions():
    for name in ("width", "decoder_width"):
        for width in SETTINGS[name].choices:
            assert int(width) % 4 == 0
            assert all(int(width) % int(heads) == 0 for heads in SETTINGS["heads"].choices)


def test_names_are_those_that_data_and_masks_go_by():
    assert set(SETTINGS["data"].choices) == set(get_args(Data))
    assert OWN_PICTURES in SETTINGS["data"].choices
    assert tuple(SETTINGS["masking"].choices) == MASKINGS
    assert tuple(SETTINGS["patch"].choices) == PATCHES


def through_a_link(query: str) -> Link:
    return read_query(dict(urllib.parse.parse_qsl(query)), {"mae": LinkTarget({"": MAEConfig})})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mask_ratio": 0.9, "masking": "block", "targets": "normalised", "width": "128", "seed": 7},
        {"image_size": "64", "patch": "16"},
        {"image_size": "48", "patch": "6"},
        {"image_size": "48", "patch": "12"},
    ],
    ids=lambda changes: " ".join(map(str, changes.values())) or "defaults",
)
def test_a_link_brings_the_settings_back(changes):
    config = MAEConfig(**changes)
    link = through_a_link(query_of("mae", {"": config}))
    assert link.problems == []
    assert link.configs[""] == config


@pytest.mark.parametrize("query", ["tab=mae&patch=6", "tab=mae&image_size=64&patch=12", "tab=mae&patch=5"])
def test_a_link_with_a_patch_that_does_not_tile_says_so_and_keeps_a_valid_one(query):
    link = through_a_link(query)
    assert any("Patch (patch) is" in problem for problem in link.problems)
    assert link.configs[""].patch in valid_patches(link.configs[""].image_size)
