"""The trainer on coloured squares and discs: what it learns, what it keeps, what it says when it can't."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.clip.checkpoint import load_model, save_whole
from backends.clip.trainer import CLIPTrainer, in_rounds, rate_at
from backends.clip.zero_shot import make_classes, score
from backends.engine.checkpoints import CheckpointError, save_tensors
from backends.engine.trainer import TrainingDiverged, TrainingError
from tests.backends.clip.conftest import COLOURS, SMALL, shapes, train_clip


def weights(trainer: CLIPTrainer) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trainer.model.parameters()])


@pytest.mark.slow
def test_it_learns_to_name_pictures_it_has_never_seen(trained):
    scores = trained.evaluate()
    assert trained.untrained["zero_shot_held_out"] < 0.5
    assert scores["zero_shot_held_out"] > 0.8


def test_prompts_answer_that_are_no_captions_of_it(trained):
    frozen = trained.freeze()
    classes = make_classes(frozen, [f"something {colour}" for colour in COLOURS], ["{}"])
    pictures = shapes()
    truth = [list(COLOURS).index(name.split()[0]) for name in pictures.names]
    scores = score(frozen, frozen.embed_pictures(pictures.images), classes.vectors)
    assert (scores.softmax.argmax(axis=1) == truth).mean() > 0.85
    assert frozen.read("purple square").unseen == ("purple",)


def test_the_diagonal_grows_and_the_matrix_is_of_cosines():
    trainer = CLIPTrainer(SMALL.with_changes(steps=80), pictures=shapes())
    snapshots = list(trainer.steps())
    first, last = snapshots[0], snapshots[-1]
    assert last.metrics["diagonal"] > first.metrics["diagonal"] + 0.1
    assert last.arrays["matrix"].shape == (8, 8)
    assert np.abs(last.arrays["matrix"]).max() <= 1 + 1e-5
    assert last.done
    assert last.step == last.total == 80
    assert all(math.isfinite(value) for value in last.metrics.values())


@pytest.mark.parametrize(
    "changes", [{"loss": "siglip"}, {"image_encoder": "vit"}, {"outlines": 0.8, "augmentation": 1.5}]
)
def test_every_kind_of_run_trains(changes):
    trainer = train_clip(SMALL.with_changes(**changes, steps=12))
    assert math.isfinite(trainer.loss)
    assert (trainer.freeze().bias is not None) == (changes.get("loss") == "siglip")


def test_the_same_seed_gives_the_same_run_and_another_another():
    config = SMALL.with_changes(steps=10)
    first, again, other = train_clip(config), train_clip(config), train_clip(config.with_changes(seed=2))
    assert torch.allclose(weights(first), weights(again), atol=1e-5)
    assert not torch.allclose(weights(first), weights(other), atol=1e-2)


def test_a_frozen_copy_is_not_changed_by_later_steps():
    trainer = CLIPTrainer(SMALL, pictures=shapes())
    steps = trainer.steps()
    next(steps)
    frozen = trainer.freeze()
    before = frozen.embed_prompts(["red square"])
    for _ in steps:
        pass
    assert np.array_equal(frozen.embed_prompts(["red square"]), before)
    assert not np.allclose(trainer.freeze().embed_prompts(["red square"]), before, atol=1e-3)


def test_a_time_budget_ends_the_run():
    trainer = CLIPTrainer(SMALL.with_changes(steps=50_000), pictures=shapes(), seconds=0.5)
    *_, last = trainer.steps()
    assert last.done
    assert 0.5 <= last.seconds < 5


def test_what_does_not_go_is_a_sentence():
    with pytest.raises(TrainingError, match="No pictures of your own"):
        CLIPTrainer(SMALL)
    with pytest.raises(TrainingDiverged, match="Lower the learning rate"):
        train_clip(SMALL.with_changes(learning_rate=10, steps=400, image_encoder="conv", dropout=0.7, weight_decay=2))


def test_a_batch_holds_as_many_captions_as_there_can_be():
    class_idx = np.repeat(np.arange(10), 3)
    order = in_rounds(class_idx, np.random.default_rng(0))
    assert sorted(order) == list(range(30))
    for start in (0, 10, 20):
        assert len(set(class_idx[order[start : start + 10]])) == 10


def test_the_rate_rises_and_falls():
    assert rate_at(0.0) < rate_at(0.05) == pytest.approx(1)
    assert rate_at(1.0) == pytest.approx(0, abs=1e-9)


def test_a_file_answers_as_the_run_did(trained, tmp_path: Path):
    written = trained.save(tmp_path)
    assert [path.name for path in written] == ["model.safetensors", "model.json"]
    loaded, frozen = load_model(written[0]), trained.freeze()
    prompts = ["red square", "a picture of blue bar", "something else"]
    assert np.allclose(loaded.embed_prompts(prompts), frozen.embed_prompts(prompts), atol=1e-5)
    pictures = shapes().images[:5]
    assert np.allclose(loaded.embed_pictures(pictures), frozen.embed_pictures(pictures), atol=1e-5)
    assert loaded.read("purple square").unseen == ("purple",)
    assert loaded.step == frozen.step


def test_strange_files_are_refused(trained, tmp_path: Path):
    missing = tmp_path / "missing.safetensors"
    with pytest.raises(CheckpointError, match="missing"):
        load_model(missing)
    none = tmp_path / "none.safetensors"
    none.write_bytes(b"hello" * 100)
    with pytest.raises(CheckpointError):
        load_model(none)
    whole = save_whole(trained.freeze(), tmp_path / "whole.safetensors")
    assert load_model(whole).step == 120
    for text in ("", "[]", '{"tokenizer": 1, "known": []}', '{"tokenizer": "{}", "known": [3]}'):
        strange = save_tensors(
            tmp_path / "strange.safetensors",
            {"tokenizer": np.frombuffer(text.encode() or b" ", np.uint8)},
            {"method": "clip", "config": "{}", "step": "1"},
        )
        with pytest.raises(CheckpointError):
            load_model(strange)
