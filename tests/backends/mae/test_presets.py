"""Every preset parses, and what it says comes true. The trainings take some minutes in all on two cores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest

from backends.mae.config import MAEConfig
from backends.mae.masking import draw_mask, hidden_count
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


@pytest.mark.parametrize("seed", range(20))
def test_in_the_grid_every_hidden_patch_touches_a_visible_one(seed):
    config = BY_NAME["Even grid"].config()
    seen = np.pad(~draw_mask(config.masking, config.mask_ratio, config.side, seed).reshape(config.side, -1), 1)
    around = np.lib.stride_tricks.sliding_window_view(seen, (3, 3))
    assert around.any(axis=(2, 3)).all()


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


# Figures in comments: seeds 1 and 2, 250 steps.


@pytest.mark.slow
def test_it_paints_before_its_features_know_more_than_an_untrained_net():
    usual = run("Three quarters")
    assert usual.share < 0.5  # 0.364, 0.374
    assert usual.gain("shape") < -0.03  # 0.286 against 0.368, 0.278 against 0.364


@pytest.mark.slow
def test_a_quarter_hidden_is_hardly_easier_in_so_few_steps():
    little, usual = run("A quarter"), run("Three quarters")
    assert 0.8 < little.share / usual.share < 1.25  # 0.354 against 0.364, 0.361 against 0.374
    assert little.knn("colour") < usual.knn("colour") - 0.04  # 0.656 against 0.770, 0.708 against 0.884


@pytest.mark.slow
def test_from_six_patches_it_paints_nearly_as_well():
    little, usual = run("Nearly nothing"), run("Three quarters")
    assert little.share < 0.5  # 0.384, 0.414
    assert 1 < little.share / usual.share < 1.25  # 1.05, 1.10


@pytest.mark.slow
def test_a_block_is_harder_than_scattered_patches_for_the_net_and_for_guessing():
    block, usual = run("One block"), run("Three quarters")
    assert block.error > 1.5 * usual.error  # 0.0217 against 0.0107, 0.0218 against 0.0110
    assert block.guess > 1.25 * usual.guess  # 0.0447 against 0.0295 with either seed
    assert block.knn("colour") < usual.knn("colour") - 0.15  # 0.476 against 0.770, 0.522 against 0.884


@pytest.mark.slow
def test_a_grid_is_easier_than_a_block():
    assert run("Even grid").error < 0.65 * run("One block").error  # 0.0096 against 0.0217, 0.0097 against 0.0218


@pytest.mark.slow
def test_large_patches_leave_a_larger_share():
    assert run("Large patches").share > run("Three quarters").share + 0.05  # 0.493 against 0.364, 0.565 against 0.374


@pytest.mark.slow
def test_normalised_patches_are_compared_by_their_share():
    normalised = run("Normalised targets")
    assert 0.8 < normalised.guess < 1.05  # 0.902
    assert run("Three quarters").guess == pytest.approx(0.03, abs=0.005)  # 0.0295
    assert normalised.share < 0.5  # 0.409, 0.428


@pytest.mark.slow
def test_emoji_stay_nearer_to_guessing_than_apples():
    emoji, usual = run("Emoji"), run("Three quarters")
    assert emoji.guess > 1.5 * usual.guess  # 0.0723 against 0.0295
    assert emoji.share > 0.5 > usual.share  # 0.637 against 0.364, 0.648 against 0.374
