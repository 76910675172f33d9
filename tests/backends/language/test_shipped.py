"""The language models that this project ships: files, cards, and what they know."""

from __future__ import annotations

import json

import pytest

from backends.engine.checkpoints import CheckpointError
from backends.language import shipped, use
from backends.language.config import CONFIGS

MAX_BYTES = 8_000_000


@pytest.mark.parametrize("name", CONFIGS)
def test_each_is_small_and_its_card_says_how_it_was_made(name):
    model = shipped.MODELS[name]
    card = json.loads(model.path.with_suffix(".json").read_text(encoding="utf-8"))
    assert model.path.stat().st_size <= MAX_BYTES
    assert card["made_by"] == f"python -m backends.language.shipped {name}"
    assert card["config"] == model.config.model_dump(), "the command would train something else"
    assert card["step"] == model.config.steps
    assert card["metrics"]["perplexity"] > 1
    assert card["data"]["licence"]
    assert "this project" in shipped.origin(name)


@pytest.mark.parametrize("name", CONFIGS)
def test_each_is_far_better_than_guessing_by_frequency(name):
    scores = shipped.load(name).scores
    assert scores["heldout_loss"] < scores["unigram_entropy"] - 1.2
    assert shipped.load(name) is shipped.load(name)


def test_they_know_what_the_speeches_say_again_and_again():
    filled = use.fill_masks(shipped.load("bert"), "The people of the United [MASK] want peace.")
    assert filled.guesses[0][0].token == "States"
    steps = list(use.continue_text(shipped.load("gpt"), "The people of the United", count=1, temperature=0))
    assert steps[0].token == "States"
    repaired = use.repair(shipped.load("t5"), "The people of the <X> want peace and the rule of law.")
    assert "United States" in repaired.answers[0][1]


def test_a_name_that_is_none_and_a_missing_file_are_sentences(tmp_path, monkeypatch):
    with pytest.raises(CheckpointError, match="There is no model 'elmo' here"):
        shipped.load("elmo")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    shipped._load.cache_clear()
    with pytest.raises(CheckpointError):
        shipped.load("bert")
    with pytest.raises(CheckpointError):
        shipped.origin("bert")
    shipped._load.cache_clear()
