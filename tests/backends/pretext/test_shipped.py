from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from backends.engine.checkpoints import CheckpointError
from backends.pretext import shipped
from backends.pretext.checkpoint import measures_of
from backends.pretext.config import CONFIGS, RotationConfig
from backends.pretext.solvable import close_ups, graded


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A copy of the shipped files that may be spoiled."""
    shutil.copytree(shipped.FOLDER, tmp_path / "pretext")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "pretext")
    return tmp_path / "pretext"


@pytest.mark.parametrize("name", shipped.MODELS)
def test_a_shipped_model_is_here_with_its_map_and_its_probes(name):
    model = shipped.load(name)
    assert model.config == shipped.MODELS[name].config
    assert model.step == model.config.steps
    assert model.probed.features.shape == (400, 128)
    np.testing.assert_array_equal(model.probed.features, model.embed(model.map_pictures.images))
    for scores in (model.probed.scores, model.untrained.scores, model.pixels):
        assert scores.keys() == {
            f"{kind}_{factor}" for kind in ("knn", "linear") for factor in model.split.held_out.factors
        }
    assert shipped.scores_of(name) == {
        "": model.probed.scores,
        "untrained_": model.untrained.scores,
        "pixels_": model.pixels,
    }


@pytest.mark.parametrize("name", shipped.MODELS)
def test_a_shipped_model_solves_puzzles_as_its_card_says(name):
    model, card = shipped.load(name), shipped.measures_of(name)
    assert model.metrics == card
    assert measures_of(model) == pytest.approx(card, rel=0.02)


def test_all_of_them_are_good_at_their_puzzles():
    assert shipped.measures_of("rotation")["accuracy"] > 0.99
    assert shipped.measures_of("jigsaw")["accuracy"] > 0.95
    assert shipped.measures_of("inpainting")["error_ratio"] < 0.35


def test_about_what_nobody_can_know_the_best_guess_is_no_better_than_chance():
    near = close_ups(40, 2, 32)
    assert graded("whole", shipped.load("rotation"), held_out()[:40]).right > 0.99
    assert graded("near", shipped.load("rotation"), near.images).right < 0.6


def held_out() -> np.ndarray:
    return shipped.load("rotation").split.held_out.images


def test_the_first_answers_need_no_training_pictures(monkeypatch):
    from backends.data import splits

    shipped._load.cache_clear()
    monkeypatch.setattr(splits, "TRAINING_APPLES", -1)  # to draw so many is refused
    assert shipped.load("jigsaw").answer(held_out()[:10]).shape == (10, 9, 9)


@pytest.mark.parametrize("name", shipped.MODELS)
def test_the_origin_is_a_sentence_without_date_or_path(name):
    line = shipped.origin(name)
    assert line.startswith("Trained earlier by this project: ")
    assert f"{shipped.MODELS[name].config.steps:,} steps" in line
    card = (shipped.FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert not re.search(r"20\d\d-\d\d|/home|/work|/tmp", card)
    assert json.loads(card)["seconds"] > 0


def test_each_task_has_a_first_one_and_each_file_is_small():
    assert {name: model.method for name, model in shipped.MODELS.items()} == {task: task for task in CONFIGS}
    paths = [path for path in shipped.FOLDER.rglob("*") if path.is_file()]
    assert {path.name for path in paths} == {
        f"{name}{end}" for name in shipped.MODELS for end in (".safetensors", ".json")
    }
    assert max(path.stat().st_size for path in paths) < 4_000_000


def test_missing_and_damaged_files_are_named(folder):
    (folder / "rotation.json").write_bytes(b"{")
    with pytest.raises(CheckpointError, match="The card of rotation is damaged"):
        shipped.origin("rotation")
    (folder / "jigsaw.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"jigsaw\.safetensors is missing\."):
        shipped._load.__wrapped__("jigsaw", "cpu")
    with pytest.raises(CheckpointError, match=r"There is no model '\.\./x' here; choose from rotation"):
        shipped.load("../x")


def test_making_one_writes_what_can_be_loaded(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    config = RotationConfig(data="emoji", steps=10, batch=16)
    monkeypatch.setattr(shipped, "MODELS", {"tiny": shipped.ShippedModel("tiny", "a test", config)})
    shipped.main(["tiny"])
    assert "tiny: accuracy" in capsys.readouterr().out
    assert shipped._load.__wrapped__("tiny", "cpu").config == config
    assert shipped.origin("tiny") == "Trained earlier by this project: a test, 10 steps of 16 pictures."
