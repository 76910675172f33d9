from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from backends.engine.checkpoints import CheckpointError
from backends.simclr import shipped
from backends.simclr.augment_config import COLOUR_AUGMENTATIONS
from backends.simclr.config import SimCLRConfig

ROOT = Path(__file__).resolve().parents[3]
WITHOUT, WITH, EMOJI = shipped.MODELS


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A copy of the shipped files that may be spoiled."""
    shutil.copytree(shipped.FOLDER, tmp_path / "simclr")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "simclr")
    return tmp_path / "simclr"


@pytest.mark.parametrize("name", shipped.MODELS)
def test_a_shipped_model_is_here_with_its_map_and_its_probes(name):
    model = shipped.load(name)
    assert model.config == shipped.MODELS[name].config
    assert model.step == model.config.steps
    assert model.probed.features.shape == (400, 128)
    np.testing.assert_array_equal(model.probed.features, model.embed(model.map_pictures.images))
    for scores in (model.probed.scores, model.untrained.scores, model.pixels):
        assert scores.keys() == {
            f"{kind}_{factor}" for kind in ("knn", "linear") for factor in model.split.train.factors
        }


@pytest.mark.parametrize("name", shipped.MODELS)
def test_a_shipped_model_knows_what_its_card_says(name):
    from backends.simclr.trainer import Prober

    model = shipped.load(name)
    scores = Prober(model.split, "cpu").probe(model.model, model.step).scores
    assert scores == pytest.approx(model.probed.scores, abs=0.01)


def test_the_shipped_models_differ_in_colour_jitter_alone():
    without, jittered, emoji = (shipped.MODELS[name].config for name in (WITHOUT, WITH, EMOJI))
    assert jittered.differences(SimCLRConfig()).keys() <= {"steps"}, "the page's own settings, longer"
    assert without.differences(jittered).keys() == set(COLOUR_AUGMENTATIONS)
    assert emoji.differences(jittered).keys() <= {"data", *COLOUR_AUGMENTATIONS}


def test_with_jitter_colour_knowledge_falls_and_shape_knowledge_rises():
    without, jittered = shipped.load(WITHOUT).probed.scores, shipped.load(WITH).probed.scores
    assert without["knn_colour"] - jittered["knn_colour"] > 0.3
    assert jittered["knn_shape"] - without["knn_shape"] > 0.2


def test_the_emoji_model_knows_more_of_categories_than_an_untrained_net_and_pixels():
    model = shipped.load(EMOJI)
    for baseline in (model.untrained.scores, model.pixels):
        assert model.probed.scores["linear_category"] > baseline["linear_category"]


@pytest.mark.parametrize("name", shipped.MODELS)
def test_the_origin_is_a_sentence_without_date_or_path(name):
    line = shipped.origin(name)
    assert line.startswith("Trained earlier by this project: ")
    assert f"{shipped.MODELS[name].config.steps:,} steps" in line
    assert line.endswith(".")
    card = (shipped.FOLDER / name / "model.json").read_text(encoding="utf-8")
    assert not re.search(r"20\d\d-\d\d|/home|/work|/tmp", card)
    assert json.loads(card)["seconds"] > 0


def test_all_files_together_are_small():
    assert sum(path.stat().st_size for path in shipped.FOLDER.rglob("*") if path.is_file()) < 2_000_000


def test_who_asks_at_the_same_time_gets_the_same_model_read_once(monkeypatch):
    read = []
    monkeypatch.setattr(shipped, "read_model", lambda path, true=shipped.read_model: read.append(path) or true(path))
    shipped._load.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(shipped.load, [WITH] * 4))
    assert all(model is models[0] for model in models)
    assert len(read) == 1


def spoiled(name: str) -> str:
    with pytest.raises(CheckpointError) as caught:
        shipped._load.__wrapped__(name)
    return str(caught.value)


def test_missing_files_are_named(folder):
    (folder / WITH / "model.json").unlink()
    assert spoiled(WITH) == f"{WITH}/model.json is missing."
    (folder / WITHOUT / "model.safetensors").unlink()
    assert spoiled(WITHOUT) == "model.safetensors is missing."
    with pytest.raises(CheckpointError, match="missing"):
        shipped.origin(WITH)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"origin": "x", "metrics": 1}', b"\xff"])
def test_a_damaged_card_is_refused(folder, content):
    (folder / EMOJI / "model.json").write_bytes(content)
    assert spoiled(EMOJI) == "The card of emoji is damaged."


def test_a_name_that_is_not_shipped_is_refused():
    with pytest.raises(CheckpointError, match=r"There is no model '\.\./x' here; choose from apples"):
        shipped.load("../x")
    with pytest.raises(CheckpointError, match="There is no model"):
        shipped.origin("../x")


def test_importing_them_imports_nothing_heavy():
    code = (
        "import sys, backends.simclr.shipped, backends.simclr.notebook, backends.analysis.picture_export\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_making_one_writes_what_can_be_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    config = SimCLRConfig(data="emoji", steps=10, batch=16)
    tiny = shipped.ShippedModel("emoji", "a test", config)
    monkeypatch.setattr(shipped, "MODELS", {"emoji": tiny})
    shipped.main(["emoji"])
    model = shipped._load.__wrapped__("emoji")
    assert model.config == config
    assert model.probed.scores["knn_category"] > 0
    assert shipped.origin("emoji") == "Trained earlier by this project: a test, 10 steps of 16 pictures."
