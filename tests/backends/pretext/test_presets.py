"""Every preset parses, and what it says comes true. The trainings take some minutes in all on two cores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import pytest

from backends.pretext.config import CONFIGS, TURNS
from backends.pretext.presets import PRESETS, STEPS
from backends.pretext.task_config import TaskConfig
from backends.pretext.task_trainer import TaskTrainer

MAX_CHARS = 200
SEED = 1
BY_NAME = {preset.name: preset for preset in PRESETS}


@dataclass(frozen=True)
class Outcome:
    """A finished run: what it measures on held-out pictures, the untrained net's probes included."""

    metrics: dict[str, float]

    @property
    def accuracy(self) -> float:
        return self.metrics["accuracy"]

    @property
    def without_shortcut(self) -> float:
        return self.metrics["accuracy_without_shortcut"]

    @property
    def share(self) -> float:
        """The error as a share of guessing's."""
        return self.metrics["error_ratio"]

    @property
    def guess(self) -> float:
        return self.metrics["border_mean_error"]

    def knn(self, factor: str) -> float:
        return self.metrics[f"knn_{factor}"]

    def linear(self, factor: str) -> float:
        return self.metrics[f"linear_{factor}"]

    def gain(self, factor: str, kind: str = "linear") -> float:
        """By how much a probe finds more than in the untrained net's features."""
        return self.metrics[f"{kind}_{factor}"] - self.metrics[f"untrained_{kind}_{factor}"]


def test_names_and_settings_are_all_different():
    assert len(BY_NAME) == len(PRESETS)
    assert len({preset.config() for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_changes_what_it_says_and_nothing_else(preset):
    assert preset.config(seed=7) == TaskConfig.parse({"seed": 7, **preset.changes})
    assert preset.config().steps == STEPS, "all are trained equally long, so that they can be compared"


def test_every_task_has_a_group_and_so_have_the_shortcuts():
    assert {preset.group.lower() for preset in PRESETS} == {*CONFIGS, "shortcuts"}
    of_group = {"shortcuts": "rotation"}
    assert all(preset.config().task == of_group.get(preset.group.lower(), preset.group.lower()) for preset in PRESETS)


def test_a_preset_can_not_be_turned_into_something_else():
    assert BY_NAME["Tiles with a gap"].config(gap=0).gap == 4


def test_the_first_is_the_default_but_for_its_steps():
    assert PRESETS[0].config() == TaskConfig(steps=STEPS)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_texts_are_short_and_plain(preset):
    for text in (preset.expect, preset.look_at):
        assert 0 < len(text) <= MAX_CHARS
        assert "!" not in text
        assert text.endswith(".")
    assert len(preset.name) <= 20


@lru_cache
def run(name: str) -> Outcome:
    trainer = TaskTrainer(BY_NAME[name].config(seed=SEED))
    for _ in trainer.steps():
        pass
    return Outcome(trainer.evaluate())


# Figures in comments: seeds 1 and 2, 250 steps.


@pytest.mark.slow
def test_apples_are_put_upright_by_who_knows_pose_and_light_but_not_colour():
    up = run("Which way is up")
    assert up.accuracy > 0.98  # 1.000, 0.999
    assert up.gain("pose") > 0.06  # 0.689, 0.707 against 0.557
    assert up.gain("light") > 0.04  # 0.849, 0.869 against 0.754
    assert up.gain("colour") < -0.07  # 0.487, 0.475 against 0.633


@pytest.mark.slow
def test_light_from_above_costs_some_of_what_is_known_but_the_apple_is_still_looked_at():
    lit, up = run("Lit from above"), run("Which way is up")
    assert lit.accuracy > 0.98  # 1.000, 1.000
    assert 0.8 < lit.without_shortcut < 0.96  # 0.889, 0.907
    assert lit.linear("pose") < up.linear("pose") - 0.03  # 0.572 against 0.689, 0.628 against 0.707
    assert lit.linear("shape") < up.linear("shape") - 0.02  # 0.514 against 0.577, 0.534 against 0.670


@pytest.mark.slow
def test_a_label_is_read_and_nothing_else_is_looked_at():
    label, up = run("Printed label"), run("Which way is up")
    assert label.accuracy > 0.98  # 1.000, 1.000
    assert label.without_shortcut == pytest.approx(1 / TURNS, abs=0.05)  # 0.250, 0.250
    assert label.linear("pose") < up.linear("pose") - 0.05  # 0.542 against 0.689, 0.596 against 0.707


@pytest.mark.slow
def test_emoji_are_much_harder_than_apples():
    assert 0.4 < run("Emoji").accuracy < 0.6  # 0.522, 0.518


@pytest.mark.slow
def test_a_hole_in_the_middle_asks_for_shape_and_one_anywhere_for_colour():
    middle, anywhere = run("A hole in the middle"), run("A hole anywhere")
    assert 0.25 < middle.share < 0.42  # 0.337, 0.315
    assert anywhere.guess < 0.9 * middle.guess  # 0.0400 against 0.0520 with either seed
    assert middle.gain("shape", "knn") > 0.03  # 0.573, 0.582 against 0.503
    assert anywhere.knn("colour") > 0.93  # 0.978, 0.980
    assert anywhere.gain("shape", "knn") < -0.08  # 0.345, 0.343 against 0.503


@pytest.mark.slow
def test_tiles_ask_for_shape_and_not_for_colour():
    touch = run("Tiles that touch")
    assert touch.accuracy > 0.98  # 0.996, 0.996
    assert touch.gain("shape") > 0.1  # 0.712, 0.705 against 0.514
    assert touch.gain("colour") < -0.06  # 0.505, 0.513 against 0.633


@pytest.mark.slow
def test_a_gap_makes_the_puzzle_hardly_harder_and_the_features_no_better():
    gap, touch = run("Tiles with a gap"), run("Tiles that touch")
    assert 0.96 < gap.accuracy < touch.accuracy  # 0.978, 0.977
    assert gap.linear("shape") < touch.linear("shape") - 0.04  # 0.574 against 0.712, 0.601 against 0.705


@pytest.mark.slow
def test_without_common_colours_tiles_are_placed_as_well_and_colour_is_known_less():
    shifted, touch = run("Shifted colours"), run("Tiles that touch")
    assert shifted.accuracy > 0.97  # 0.991, 0.990
    assert shifted.linear("colour") < touch.linear("colour") - 0.03  # 0.416 against 0.505, 0.442 against 0.513
