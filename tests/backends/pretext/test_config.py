"""Settings of the pretext tasks: what is on offer, what is refused and in which words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backends.engine.config import ConfigError
from backends.pretext.config import (
    MIN_TILE,
    InpaintingConfig,
    JigsawConfig,
    PretextConfig,
    RotationConfig,
    largest_gap,
)
from backends.pretext.puzzles import tile_side

ROOT = Path(__file__).resolve().parents[3]
KINDS = (RotationConfig, InpaintingConfig, JigsawConfig)
EVERY = [(kind, info) for kind in KINDS for info in kind.settings()]


@pytest.mark.parametrize(("kind", "info"), EVERY, ids=lambda part: getattr(part, "name", None) or part.__name__)
def test_every_setting_has_what_its_widget_needs_and_keeps_to_its_range(kind, info):
    assert info.label != info.name
    assert info.description.endswith(".")
    if info.choices:
        assert info.default in info.choices
        assert all(getattr(kind.parse({info.name: value}), info.name) == value for value in info.choices)
        wrong = ["nonsense", "", None]
    else:
        assert getattr(kind.parse({info.name: info.minimum}), info.name) == info.minimum
        wrong = [info.minimum - 1, info.maximum * 2 + 1, "nan", "inf", "many", None]
    for value in wrong:
        with pytest.raises(ConfigError, match=info.label):
            kind.parse({info.name: value})


@pytest.mark.parametrize("kind", KINDS)
def test_all_three_share_the_same_settings_and_add_their_own(kind):
    shared = {info.name: info for info in PretextConfig.settings()}
    assert {info.name: info for info in kind.settings() if info.name in shared} == shared
    assert kind.parse(kind().model_dump()) == kind()


def test_shortcuts_are_off_unless_asked_for():
    plain = RotationConfig()
    assert (plain.lit, plain.labelled, plain.has_shortcut) == (False, False, False)
    lit, labelled = plain.with_changes(light_from_above="on"), plain.with_changes(printed_label="on")
    assert (lit.lit, lit.labelled, lit.has_shortcut) == (True, False, True)
    assert (labelled.lit, labelled.labelled, labelled.has_shortcut) == (False, True, True)


@pytest.mark.parametrize(("size", "most"), [("32", 6), ("48", 12), ("64", 12)])
def test_gaps_leave_tiles_of_four_pixels(size, most):
    assert largest_gap(size) == most
    widest = JigsawConfig(image_size=size, gap=most)
    assert widest.tile == tile_side(widest.size, most) >= MIN_TILE
    if most < 12:
        with pytest.raises(ConfigError) as refused:
            widest.with_changes(gap=most + 1)
        assert str(refused.value) == (
            f"Gap (gap) is {most + 1}; pictures of {size} pixels are cut into tiles with gaps of at most {most}."
        )


def test_importing_the_settings_imports_nothing_heavy():
    code = (
        "import sys, backends.pretext.config, backends.pretext.deal, backends.pretext.shipped\n"
        "import backends.pretext.checkpoint, backends.pretext.compare, backends.pretext.solvable\n"
        "print([name for name in ('torch', 'scipy', 'gradio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
