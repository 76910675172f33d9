from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from backends.engine.checkpoints import CheckpointError
from backends.mae import shipped
from backends.mae.config import MAEConfig
from backends.mae.trainer import film_mask, film_pictures

ROOT = Path(__file__).resolve().parents[3]
APPLES, EMOJI, LARGE = shipped.MODELS


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A copy of the shipped files that may be spoiled."""
    shutil.copytree(shipped.FOLDER, tmp_path / "mae")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "mae")
    return tmp_path / "mae"


@pytest.mark.parametrize("name", shipped.MODELS)
def test_a_shipped_model_is_here_with_its_map_and_its_probes(name):
    model = shipped.load(name)
    assert model.config == shipped.MODELS[name].config
    assert model.step == model.config.steps
    assert model.probed.features.shape == (400, int(model.config.width))
    np.testing.assert_array_equal(model.probed.features, model.embed(model.map_pictures.images))
    for scores in (model.probed.scores, model.untrained.scores, model.pixels):
        assert scores.keys() == {
            f"{kind}_{factor}" for kind in ("knn", "linear") for factor in model.split.held_out.factors
        }


@pytest.mark.parametrize("name", shipped.MODELS)
def test_a_shipped_model_paints_as_its_card_says(name):
    from backends.mae.trainer import HeldOut

    model, card = shipped.load(name), shipped.errors_of(name)
    measured = HeldOut(model.config, model.split, "cpu").measure(model.model, 1_000)
    assert measured == pytest.approx(card, rel=0.01)
    assert card["error_ratio"] == pytest.approx(card["masked_error"] / card["visible_mean_error"], rel=0.01)
    images, hidden = film_pictures(model.split), film_mask(model.config)
    errors = model.reconstruct(images, hidden).errors[:, hidden].mean()
    assert errors < model.visible_mean(images, hidden)[:, hidden].mean() / 2


@pytest.mark.parametrize(("name", "most"), [(APPLES, 0.15), (LARGE, 0.2), (EMOJI, 0.5)])
def test_little_is_left_of_the_error_of_guessing_the_visible_mean(name, most):
    assert shipped.errors_of(name)["error_ratio"] < most


def test_the_first_answers_are_quick_and_training_pictures_are_drawn_when_asked_for(monkeypatch):
    from backends.data import splits

    shipped._load.cache_clear()
    drawn = []
    monkeypatch.setattr(shipped, "load_split", lambda *args: drawn.append(args) or splits.load_split(*args))
    begun = time.perf_counter()
    model = shipped.load(APPLES)
    images, hidden = film_pictures(model.split), film_mask(model.config)
    model.reconstruct(images, hidden)
    assert time.perf_counter() - begun < 10, "a tenth of that on two idle cores"
    assert drawn == []
    whole = splits.load_split("apples", 32)
    np.testing.assert_array_equal(model.split.held_out.images, whole.held_out.images)
    assert model.split.train is whole.train
    assert drawn == [("apples", 32)]


@pytest.mark.parametrize("name", shipped.MODELS)
def test_the_origin_is_a_sentence_without_date_or_path(name):
    line = shipped.origin(name)
    assert line.startswith("Trained earlier by this project: ")
    assert f"{shipped.MODELS[name].config.steps:,} steps" in line
    assert line.endswith(".")
    card = (shipped.FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert not re.search(r"20\d\d-\d\d|/home|/work|/tmp", card)
    assert json.loads(card)["seconds"] > 0


def test_the_first_one_was_trained_with_the_pages_own_settings():
    assert shipped.MODELS[shipped.FIRST].config.differences(MAEConfig()).keys() <= {"steps"}


def test_each_file_is_small_and_there_are_no_others():
    paths = [path for path in shipped.FOLDER.rglob("*") if path.is_file()]
    assert {path.name for path in paths} == {
        f"{name}{end}" for name in shipped.MODELS for end in (".safetensors", ".json")
    }
    assert max(path.stat().st_size for path in paths) < 3_000_000


def test_who_asks_at_the_same_time_gets_the_same_model_read_once(monkeypatch):
    read = []
    monkeypatch.setattr(
        shipped, "read_model", lambda path, device, true=shipped.read_model: read.append(path) or true(path, device)
    )
    shipped._load.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(shipped.load, [APPLES] * 4))
    assert all(model is models[0] for model in models)
    assert len(read) == 1


def spoiled(name: str) -> str:
    with pytest.raises(CheckpointError) as caught:
        shipped._load.__wrapped__(name, "cpu")
    return str(caught.value)


def test_missing_files_are_named(folder):
    (folder / "apples.json").unlink()
    assert spoiled(APPLES) == "apples.json is missing."
    (folder / "emoji.safetensors").unlink()
    assert spoiled(EMOJI) == "emoji.safetensors is missing."
    with pytest.raises(CheckpointError, match="missing"):
        shipped.origin(APPLES)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"origin": "x", "metrics": 1}', b"\xff"])
def test_a_damaged_card_is_refused(folder, content):
    (folder / "emoji.json").write_bytes(content)
    assert spoiled(EMOJI) == "The card of emoji is damaged."


def test_a_huge_card_is_refused_unread(folder):
    with (folder / "emoji.json").open("r+b") as file:
        file.truncate(5 << 20)
    assert spoiled(EMOJI) == "The card of emoji is larger than a card may be."


def test_a_name_that_is_not_shipped_is_refused():
    for ask in (shipped.load, shipped.origin, shipped.errors_of):
        with pytest.raises(CheckpointError, match=r"There is no model '\.\./x' here; choose from apples"):
            ask("../x")


def test_importing_them_imports_nothing_heavy():
    code = (
        "import sys, backends.mae.shipped, backends.mae.notebook, backends.mae.inside, backends.mae.vit_mae\n"
        "import backends.mae.checkpoint, backends.mae.sweep_config\n"
        "print([name for name in ('torch', 'transformers', 'gradio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_making_one_writes_what_can_be_loaded(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    config = MAEConfig(data="emoji", steps=10, batch=16, patch="8")
    tiny = shipped.ShippedModel("emoji", "a test", config)
    monkeypatch.setattr(shipped, "MODELS", {"emoji": tiny})
    shipped.main(["emoji"])
    assert "times that of guessing the visible mean" in capsys.readouterr().out
    model = shipped._load.__wrapped__("emoji", "cpu")
    assert model.config == config
    assert model.probed.scores["knn_category"] > 0
    assert shipped.origin("emoji") == "Trained earlier by this project: a test, 10 steps of 16 pictures."
    with pytest.raises(CheckpointError, match="There is no model"):
        shipped.main(["evil"])
