"""Every preset parses, and what it says comes true. The trainings take some minutes in all on two cores."""

from __future__ import annotations

from functools import lru_cache

import pytest

from backends.language.presets import PRESETS, STEPS
from backends.language.trainer import TRAINERS
from backends.language.trio_config import TrioConfig

MAX_CHARS = 200
SEED = 1
BY_NAME = {preset.name: preset for preset in PRESETS}


def test_names_and_settings_are_all_different():
    assert len(BY_NAME) == len(PRESETS)
    assert len({preset.config() for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_changes_what_it_says_and_nothing_else(preset):
    assert preset.config(seed=7) == TrioConfig.parse({"seed": 7, **preset.changes})
    assert preset.config().steps == STEPS, "all are trained equally long, so that they can be compared"


def test_the_first_is_the_default():
    assert PRESETS[0].config() == TrioConfig()


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_texts_are_short_and_plain(preset):
    for text in (preset.expect, preset.look_at):
        assert 0 < len(text) <= MAX_CHARS
        assert "!" not in text
        assert text.endswith(".")
    assert len(preset.name) <= 20


@lru_cache
def run(name: str, method: str) -> dict[str, float]:
    """What one model of a preset measures at the end on text that it never saw; `gain` in nats over frequency."""
    trainer = TRAINERS[method](BY_NAME[name].config(seed=SEED).of(method))
    for _ in trainer.steps():
        pass
    scores = trainer.evaluate()
    return {**scores, "gain": scores["unigram_entropy"] - scores["heldout_loss"]}


# Figures in comments: seed 1, 300 steps.


@pytest.mark.slow
def test_gpt_is_asked_everywhere_and_gains_most_and_t5_learns_words():
    assert 2.0 < run("All three", "gpt")["gain"] < 2.5  # 5.974 − 3.736 = 2.238
    assert 1.3 < run("All three", "bert")["gain"] < 1.9  # 5.969 − 4.373 = 1.596
    t5 = run("All three", "t5")
    assert 0.95 < t5["gain"] < 1.4  # 5.560 − 4.346 = 1.214
    assert 0.7 < t5["text_unigram_entropy"] - t5["text_loss"] < 1.1  # 5.978 − 5.111 = 0.867


@pytest.mark.slow
def test_fewer_masks_teach_more_slowly():
    assert 0.75 < run("BERT masks 15 %", "bert")["gain"] < 1.15  # 5.983 − 5.034 = 0.949


@pytest.mark.slow
def test_too_many_masks_leave_nothing_to_guess_by():
    hidden, usual = run("BERT masks 80 %", "bert"), run("All three", "bert")
    assert 0.5 < hidden["gain"] < 0.9  # 5.969 − 5.259 = 0.710
    assert hidden["heldout_accuracy"] == pytest.approx(0.15, abs=0.03)  # 0.152
    assert usual["heldout_accuracy"] == pytest.approx(0.23, abs=0.03)  # 0.228


@pytest.mark.slow
def test_a_long_vocabulary_gains_less_in_as_many_steps():
    assert 0.9 < run("Long vocabulary", "bert")["gain"] < 1.3  # 6.663 − 5.604 = 1.059


@pytest.mark.slow
def test_an_encyclopedia_is_harder_to_guess_than_speeches():
    mixed, speeches = run("Encyclopedia", "gpt"), run("All three", "gpt")
    assert 1.6 < mixed["gain"] < 2.0  # 6.022 − 4.225 = 1.797
    assert mixed["heldout_accuracy"] == pytest.approx(0.17, abs=0.03)  # 0.175
    assert speeches["heldout_accuracy"] == pytest.approx(0.26, abs=0.03)  # 0.261


@pytest.mark.slow
def test_t5_finds_out_how_to_copy():
    sorting = run("T5 sorts sentences", "t5")
    assert sorting["gain"] > 3.4  # 5.929 − 1.794 = 4.134
    assert sorting["heldout_accuracy"] == pytest.approx(0.70, abs=0.09)  # 0.728


@pytest.mark.slow
def test_t5_learns_the_names_of_its_gaps_first():
    spans = run("All three", "t5")
    assert spans["gain"] > 0.5  # 1.214
    assert spans["gain"] > spans["text_unigram_entropy"] - spans["text_loss"] + 0.2  # 0.867
