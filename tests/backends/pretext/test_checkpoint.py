"""Models as files: what is saved comes back, and what a stranger forged is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from backends.engine.checkpoints import CheckpointError
from backends.engine.model_files import bytes_of
from backends.nets.vision import build_encoder
from backends.pretext.checkpoint import (
    MAX_FILE_BYTES,
    card_of,
    load_model,
    save_encoder,
    save_whole,
    size_of,
)
from backends.pretext.config import CONFIGS, InpaintingConfig, task_of
from backends.pretext.frozen import Frozen
from backends.pretext.model import untrained
from backends.pretext.trainer import TRAINERS
from tests.backends.pretext.conftest import run
from tests.backends.simclr.conftest import toy_pictures

METHODS = tuple(TRAINERS)


@pytest.fixture(scope="module")
def trained() -> dict[str, Frozen]:
    return {method: run(method)[0].freeze() for method in METHODS}


@pytest.fixture
def saved(trained, tmp_path) -> Path:
    return save_whole(trained["jigsaw"], tmp_path / "model.safetensors")


def forged(path: Path, change=lambda tensors: None, **metadata: str) -> Path:
    """The same file with something changed."""
    with safe_open(path, framework="pt") as file:
        kept = file.metadata()
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, {**kept, **metadata})
    return path


def refused(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_model(path)
    message = str(caught.value)
    assert message.endswith((".", ")"))
    assert len(message) < 300
    return message


@pytest.mark.parametrize("method", METHODS)
def test_a_model_comes_back_from_its_one_file_with_the_same_answers(tmp_path, trained, method):
    before = trained[method]
    path = save_whole(before, tmp_path / "m.safetensors")
    after = load_model(path, pictures=toy_pictures(60))
    assert (after.config, after.step, type(after)) == (before.config, 10, type(before))
    images = before.split.held_out.images
    np.testing.assert_array_equal(after.answer(images), before.answer(images))
    np.testing.assert_array_equal(after.probed.features, before.probed.features)
    assert after.metrics == before.metrics
    assert after.pixels == before.pixels
    for moment in ("probed", "untrained"):
        assert getattr(after, moment).scores == getattr(before, moment).scores
    assert size_of(after) == pytest.approx(path.stat().st_size, rel=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_without_its_own_pictures_a_model_answers_and_knows_no_scores(tmp_path, trained, method):
    alone = load_model(save_whole(trained[method], tmp_path / "m.safetensors"))
    images = toy_pictures(5).images
    np.testing.assert_array_equal(alone.answer(images), trained[method].answer(images))
    assert (alone.probed.scores, alone.untrained.scores, alone.pixels, alone.metrics) == ({}, {}, {}, {})
    assert len(alone.map_pictures) == len(alone.probed.features) == 0
    assert card_of(alone)["metrics"] == {}


def test_what_a_trainer_saves_can_be_loaded_and_its_card_says_what_it_is(tmp_path):
    trainer, last = run("rotation")
    path, card_path = trainer.save(tmp_path)
    card = json.loads(card_path.read_text(encoding="utf-8"))
    assert (card["method"], card["step"], card["loss"]) == ("rotation", 10, trainer.loss)
    assert CONFIGS["rotation"].parse(card["config"]) == trainer.config
    assert card["metrics"]["accuracy"] == last.metrics["accuracy"]
    images = toy_pictures(5).images
    np.testing.assert_array_equal(load_model(path).embed(images), trainer.freeze().embed(images))


def test_the_encoder_alone_is_that_of_simclr_and_no_model(tmp_path, trained):
    frozen = trained["inpainting"]
    path = save_encoder(frozen, tmp_path / "encoder.safetensors")
    encoder = build_encoder("conv", 32)
    encoder.layers.load_state_dict(load_file(path))
    images = toy_pictures(6).images
    with torch.no_grad():
        features = encoder.eval()(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255)
    np.testing.assert_allclose(features.numpy(), frozen.embed(images), rtol=1e-4, atol=1e-5)
    assert refused(path) == "The file holds an encoder alone, for use elsewhere: bring the whole model."


def test_the_largest_net_fits_into_a_file_and_names_are_those_of_the_trainers():
    large = untrained(InpaintingConfig(encoder="resnet18", image_size="64"))
    assert 0.5 * MAX_FILE_BYTES < bytes_of(large) < 0.95 * MAX_FILE_BYTES
    assert tuple(CONFIGS) == METHODS
    assert [task_of(config()) for config in CONFIGS.values()] == list(METHODS)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"method": "mae"}, "not a model of this page"),
        ({"method": ""}, "not a model of this page"),
        ({"method": "rotation"}, "settings that this page does not know"),
        ({"config": "{"}, "can't be read"),
        ({"config": json.dumps({"gap": 99})}, "Gap"),
        ({"config": json.dumps({"gap": 7})}, "gaps of at most 6"),
        ({"config": json.dumps({"encoder": "vit"})}, "Encoder"),
        ({"config": json.dumps({"encoder": "resnet18"})}, "tensors are not those of the net"),
        ({"step": "-1"}, "step is out of range"),
    ],
)
def test_forged_metadata_is_refused(saved, metadata, said):
    assert said in refused(forged(saved, **metadata))


def test_forged_numbers_and_shapes_are_refused(saved):
    name = "encoder.layers.0.weight"
    original = saved.read_bytes()
    assert "NaN" in refused(forged(saved, lambda tensors: tensors[name].fill_(float("nan"))))
    saved.write_bytes(original)
    assert "shape" in refused(forged(saved, lambda tensors: tensors.update({name: torch.zeros(2)})))
    saved.write_bytes(original)
    assert "so odd that" in refused(forged(saved, lambda tensors: tensors["encoder.layers.1.running_var"].fill_(-1)))
    saved.write_bytes(original)
    assert "not those of the net" in refused(forged(saved, lambda tensors: tensors.pop(name)))


@pytest.mark.parametrize("content", [b"", b"\x00" * 7, b"\xff" * 64, b"PK\x03\x04" + b"\x00" * 99])
def test_what_is_no_such_file_is_refused(tmp_path, content):
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    assert refused(path).startswith("The file is not a model of this page")
    assert refused(tmp_path / "nothing.safetensors") == "nothing.safetensors is missing."


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    path = tmp_path / "m.safetensors"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    assert "models have at most 64 MB" in refused(path)


def test_too_few_own_pictures_are_a_sentence(saved):
    with pytest.raises(CheckpointError, match="too few pictures"):
        load_model(saved, pictures=toy_pictures(1))
