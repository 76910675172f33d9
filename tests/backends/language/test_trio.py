"""The three language models trained by turns on one text."""

from __future__ import annotations

import pytest
import torch

from backends.engine.config import ConfigError
from backends.engine.trainer import TrainingDiverged, TrainingError
from backends.language.config import BERTConfig, GPTConfig, T5Config
from backends.language.trainer import GPTTrainer
from backends.language.trio import TrioTrainer
from backends.language.trio_config import METHODS, TrioConfig, trio_of
from tests.conftest import topic_lines

TINY = {"corpus": "own", "steps": 30, "batch": 16, "length": 16, "vocabulary": 512, "width": "64", "depth": 1}


@pytest.fixture(scope="module")
def text() -> list[str]:
    return topic_lines()


@pytest.fixture(scope="module")
def trained(text) -> TrioTrainer:
    trainer = TrioTrainer(TrioConfig.parse(TINY), text=text)
    trainer.snapshots = list(trainer.steps())
    return trainer


def test_each_model_gets_the_settings_that_are_its_own():
    config = TrioConfig.parse({"mask_ratio": 0.4, "mean_span": 5, "steps": 50, "width": "64"})
    assert config.of("bert") == BERTConfig(mask_ratio=0.4, steps=50, width="64")
    assert config.of("t5") == T5Config(mean_span=5, steps=50, width="64")
    assert config.of("gpt") == GPTConfig(steps=50, width="64")
    assert config.methods == METHODS
    assert trio_of(config.of("gpt"), "gpt").methods == ("gpt",)
    assert trio_of(config.of("gpt"), "gpt").of("gpt") == config.of("gpt")


def test_settings_that_one_of_them_refuses_are_refused():
    with pytest.raises(ConfigError, match="names for them"):
        TrioConfig.parse({"length": 256, "corruption_ratio": 0.5, "mean_span": 1})


def test_all_three_advance_side_by_side_to_the_end(trained):
    for snapshot in trained.snapshots:
        shares = [snapshot.metrics[f"{method}_step"] / 30 for method in METHODS]
        assert max(shares) - min(shares) <= 1.0
    last = trained.snapshots[-1]
    assert last.done
    assert (last.step, last.total) == (90, 90)
    assert [s.done for s in trained.snapshots[:-1]] == [False] * (len(trained.snapshots) - 1)


def test_each_learns_something_of_the_text(trained):
    for method, score in trained.freeze().models.items():
        before = trained.freeze().untrained[method]
        assert score.scores["heldout_loss"] < before["heldout_loss"] - 0.1


def test_a_model_beside_others_learns_what_it_learns_alone(text, trained):
    alone = GPTTrainer(GPTConfig.parse(TINY), text=text)
    for _ in alone.steps():
        pass
    beside = trained.freeze().models["gpt"].model.state_dict()
    assert all((beside[name] == value).all() for name, value in alone.freeze().model.state_dict().items())


def test_samples_begin_untrained_and_end_with_the_newest(trained):
    for method, samples in trained.freeze().samples.items():
        assert samples[0].step == 0
        assert samples[-1].step == trained.trainers[method].step
        assert len(samples) <= 6
        assert any(part.written for part in samples[-1].parts)


def test_a_frozen_copy_stays_as_it_was(text):
    trainer = TrioTrainer(TrioConfig.parse({**TINY, "models": "bert"}), text=text)
    frozen = trainer.freeze()
    before = {name: value.clone() for name, value in frozen.models["bert"].model.state_dict().items()}
    for _ in trainer.steps():
        pass
    assert list(frozen.models) == ["bert"]
    assert all((before[name] == value).all() for name, value in frozen.models["bert"].model.state_dict().items())
    assert len(frozen.samples["bert"]) == 1


def test_own_text_that_is_missing_or_short_is_refused():
    with pytest.raises(TrainingError, match="No text of your own"):
        TrioTrainer(TrioConfig.parse(TINY))
    with pytest.raises(TrainingError):
        TrioTrainer(TrioConfig.parse(TINY), text=["three words only"])


def test_numbers_that_are_not_finite_stop_it_and_the_last_good_state_is_kept(text):
    trainer = TrioTrainer(TrioConfig.parse({**TINY, "steps": 400}), text=text)
    steps = trainer.steps()
    for _ in range(3):
        next(steps)
    kept = {method: model.step for method, model in trainer.freeze().models.items()}
    with torch.no_grad():
        next(iter(trainer.trainers["t5"].model.parameters())).fill_(torch.nan)
    with pytest.raises(TrainingDiverged, match="learning rate"):
        for _ in steps:
            pass
    frozen = trainer.freeze().models["t5"]
    assert frozen.step >= kept["t5"]
    assert all(torch.isfinite(parameter).all() for parameter in frozen.model.parameters())


def test_everything_is_saved_in_a_folder_for_each(tmp_path, trained):
    paths = trained.save(tmp_path)
    assert {path.parent.name for path in paths} == set(METHODS)
