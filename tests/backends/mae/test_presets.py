"""Every preset parses, and what it says comes true. The trainings take some minutes in all on two cores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import pytest

from backends.mae.config import MAEConfig
from backends.mae.masking import hidden_count
from backends.mae.presets import PRESETS, STEPS
from backends.mae.trainer import MAETrainer

MAX_CHARS = 200
SEED = 1
BY_NAME = {preset.name: preset for preset in PRESETS}


@dataclass(frozen=True)
class Outcome:
    """A finished run: what it measures on held-out pictures, the untrained net's probes included."""

    metrics: dict[str, float]

    @property
    def error(self) -> float:
        return self.metrics["masked_error"]

    @property
    def guess(self) -> float:
        return self.metrics["visible_mean_error"]

    @property
    def share(self) -> float:
        """The error as a share of guessing's."""
        return self.metrics["error_ratio"]

    def knn(self, factor: str) -> float:
        return self.metrics[f"knn_{factor}"]

    def linear(self, factor: str) -> float:
        return self.metrics[f"linear_{factor}"]

    def gain(self, factor: str) -> float:
        """By how much a linear probe finds more than in the untrained net's features."""
        return self.linear(factor) - self.metrics[f"untrained_linear_{factor}"]


def test_names_and_settings_are_all_different():
    assert len(BY_NAME) == len(PRESETS)
    assert len({preset.config() for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_changes_what_it_says_and_nothing_else(preset):
    assert preset.config(seed=7) == MAEConfig.parse({"seed": 7, **preset.changes})
    assert preset.config().steps == STEPS, "all are trained equally long, so that they can be compared"


def test_a_preset_can_not_be_turned_into_something_else():
    assert BY_NAME["One block"].config(masking="random").masking == "block"


def test_the_first_is_the_default_but_for_its_steps():
    assert PRESETS[0].config() == MAEConfig(steps=STEPS)
    assert PRESETS[0].config().mask_ratio == 0.75, "its name says so"


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_texts_are_short_and_plain(preset):
    for text in (preset.expect, preset.look_at):
        assert 0 < len(text) <= MAX_CHARS
        assert "!" not in text
        assert text.endswith(".")
    assert len(preset.name) <= 20


def test_the_numbers_of_patches_are_right():
    assert "Six patches of 64" in BY_NAME["Nearly nothing"].expect
    assert visible("Nearly nothing") == (6, 64)
    assert "Four patches of 16" in BY_NAME["Large patches"].expect
    assert visible("Large patches") == (4, 16)


def visible(name: str) -> tuple[int, int]:
    """How many patches of a preset are visible, of how many."""
    config = BY_NAME[name].config()
    return config.patches - hidden_count(config.mask_ratio, config.patches), config.patches


@lru_cache
def run(name: str) -> Outcome:
    trainer = MAETrainer(BY_NAME[name].config(seed=SEED))
    for _ in trainer.steps():
        pass
    return Outcome(trainer.evaluate())


