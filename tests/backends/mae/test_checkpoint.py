"""Models as files: what is saved comes back, and what a stranger forged is refused in a sentence."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from backends.engine import model_files
from backends.engine.checkpoints import CheckpointError
from backends.mae import checkpoint
from backends.mae.checkpoint import encoder_tensors, load_model, save_encoder, save_model, save_whole, size_of
from backends.mae.config import MAEConfig
from backends.mae.masking import draw_mask
from backends.mae.trainer import FrozenMAE, MAETrainer
from tests.backends.simclr.conftest import toy_pictures

EVIL = "<img src=x onerror=alert(1)>"
SMALL = MAEConfig(data="own", patch="8", width="48", depth=1, decoder_width="32", decoder_depth=1, steps=10, batch=16)


def trained(**settings) -> FrozenMAE:
    trainer = MAETrainer(SMALL.with_changes(**settings), pictures=toy_pictures(60))
    for _ in trainer.steps():
        pass
    return trainer.freeze()


@pytest.fixture(scope="module")
def frozen() -> FrozenMAE:
    return trained()


@pytest.fixture
def saved(frozen, tmp_path) -> Path:
    return save_whole(frozen, tmp_path / "model.safetensors")


def parts_of(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with safe_open(path, framework="pt") as file:
        return load_file(path), file.metadata()


def forged(path: Path, change=lambda tensors: None, **metadata: str) -> Path:
    """The same file with something changed."""
    tensors, kept = parts_of(path)
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


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"image_size": "48", "patch": "6", "width": "64", "depth": 2, "targets": "normalised", "masking": "block"},
        {"patch": "16", "decoder_depth": 2, "mask_ratio": 0.5, "heads": "1"},
    ],
    ids=["default", "normalised", "four-patches"],
)
def test_a_model_comes_back_from_its_one_file_with_the_same_answers(tmp_path, settings):
    before = trained(**settings)
    path = save_whole(before, tmp_path / "m.safetensors")
    after = load_model(path, pictures=toy_pictures(60))
    assert after.config == before.config
    assert after.step == 10
    images = before.split.held_out.images
    hidden = draw_mask(before.config.masking, 0.75, before.config.side, 1)
    np.testing.assert_array_equal(after.embed(images), before.embed(images))
    first, second = before.reconstruct(images, hidden), after.reconstruct(images, hidden)
    np.testing.assert_array_equal(second.painted, first.painted)
    np.testing.assert_array_equal(second.errors, first.errors)
    assert second.normalised == first.normalised
    np.testing.assert_array_equal(after.probed.features, before.probed.features)
    for moment in ("probed", "untrained"):
        assert getattr(after, moment).scores == getattr(before, moment).scores
    assert after.pixels == before.pixels
    assert size_of(after) == pytest.approx(path.stat().st_size, rel=0.1)
    assert after.film == ()


def test_the_largest_net_fits_into_a_file():
    from backends.engine.model_files import bytes_of

    large = MAEConfig(
        image_size="64", patch="16", width="192", depth=6, decoder_width="128", decoder_depth=4, heads="1"
    )
    size = bytes_of(checkpoint.untrained(large))
    assert 0.5 * checkpoint.MAX_FILE_BYTES < size < 0.9 * checkpoint.MAX_FILE_BYTES


def test_the_card_says_what_the_model_is_and_measures_its_errors(frozen, tmp_path):
    path, card_path = save_model(frozen, tmp_path)
    assert (path.name, card_path.name) == ("model.safetensors", "model.json")
    card = json.loads(card_path.read_text(encoding="utf-8"))
    assert MAEConfig.parse(card["config"]) == frozen.config
    assert card["step"] == 10
    metrics = card["metrics"]
    assert metrics["knn_colour"] == frozen.probed.scores["knn_colour"]
    assert metrics["untrained_knn_form"] == frozen.untrained.scores["knn_form"]
    assert metrics["pixels_linear_form"] == frozen.pixels["linear_form"]
    assert metrics["error_ratio"] == pytest.approx(metrics["masked_error"] / metrics["visible_mean_error"])


def test_what_a_trainer_saves_can_be_loaded(tmp_path):
    trainer = MAETrainer(SMALL, pictures=toy_pictures(60))
    for _ in trainer.steps():
        pass
    path, card = trainer.save(tmp_path)
    assert json.loads(card.read_text(encoding="utf-8"))["loss"] == trainer.loss
    images = toy_pictures(5).images
    np.testing.assert_array_equal(load_model(path).embed(images), trainer.freeze().embed(images))


def test_without_its_own_pictures_a_model_paints_and_knows_no_scores(frozen, saved):
    alone, images = load_model(saved), toy_pictures(7).images
    np.testing.assert_array_equal(alone.embed(images), frozen.embed(images))
    assert alone.probed.features.shape == (0, 48)
    assert (alone.probed.scores, alone.untrained.scores, alone.pixels) == ({}, {}, {})
    assert len(alone.split.train) == len(alone.map_pictures) == 0
    assert not checkpoint.card_of(alone)["metrics"]


@pytest.mark.parametrize("patch", ["4", "8"])
def test_the_encoder_alone_has_the_names_of_a_plain_module(tmp_path, patch):
    frozen = trained(patch=patch, depth=2)
    path = save_encoder(frozen, tmp_path / "encoder.safetensors")
    images = toy_pictures(6).images
    side = int(patch)

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Linear(3 * side**2, 48)
            self.register_buffer("positions", torch.empty((32 // side) ** 2, 48))
            layers = [
                torch.nn.TransformerEncoderLayer(48, 4, 192, 0.0, "gelu", batch_first=True, norm_first=True)
                for _ in range(2)
            ]
            self.blocks = torch.nn.Sequential(*layers)
            self.norm = torch.nn.LayerNorm(48)

    net = Encoder()
    net.load_state_dict(load_file(path))
    pictures = torch.from_numpy(images).float() / 255
    rows = pictures.unfold(1, side, side).unfold(2, side, side)  # (B, side, side, 3, patch, patch)
    patches = rows.permute(0, 1, 2, 4, 5, 3).reshape(6, -1, 3 * side**2)
    with torch.no_grad():
        features = net.norm(net.blocks(net.embedding((patches - 0.5) / 0.25) + net.positions)).mean(1)
    np.testing.assert_allclose(features.numpy(), frozen.embed(images), atol=1e-5)
    assert "without its decoder" in refused(path)


def test_tensors_of_an_encoder_lie_in_memory_as_they_are_written(frozen):
    tensors = encoder_tensors(frozen.model)
    assert not any("decoder" in name for name in tensors)
    assert all(array.flags.c_contiguous for array in tensors.values()), "safetensors writes memory as it lies there"


# What a stranger may bring.


def test_a_missing_file_is_named(tmp_path):
    assert refused(tmp_path / "model.safetensors") == "model.safetensors is missing."


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 8, b"not a model at all", pickle.dumps({"head.weight": Bomb()}), struct.pack("<Q", 2**63) + b"{}"],
)
def test_what_is_no_model_is_refused_unopened(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    assert refused(path) == model_files.NOT_OURS


def test_a_file_cut_off_anywhere_and_one_with_more_is_refused(saved):
    whole = saved.read_bytes()
    for content in (whole[:9], whole[:2_000], whole[: len(whole) // 2], whole[:-1], whole + b"\x00" * 100):
        saved.write_bytes(content)
        assert refused(saved) == model_files.NOT_OURS


def test_a_huge_file_is_refused_before_it_is_opened(saved, monkeypatch):
    with saved.open("r+b") as file:
        file.truncate(checkpoint.MAX_FILE_BYTES + (3 << 20))
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    assert "23 MB; models have at most 20 MB" in refused(saved)


@pytest.mark.parametrize("method", ["simclr", "", EVIL])
def test_models_of_another_method_are_refused(saved, method):
    forged(saved, method=method)
    assert refused(saved) == model_files.NOT_OURS


def test_a_model_of_simclr_is_refused_here_and_ours_there(saved, tmp_path):
    from backends.simclr import checkpoint as simclr

    with pytest.raises(CheckpointError, match="not a model of this page"):
        simclr.load_model(saved)


def swapped(tensors):
    tensors["bridge.weight"] = tensors["bridge.weight"].reshape(48, 32)


def renamed(tensors):
    tensors["evil"] = tensors.pop("bridge.weight")


def one_more(tensors):
    tensors["evil"] = torch.zeros(1)


def half(tensors):
    tensors["bridge.weight"] = tensors["bridge.weight"].half()


def one_fewer(tensors):
    del tensors["mask_token"]


@pytest.mark.parametrize("change", [swapped, half, renamed, one_more, one_fewer])
def test_tensors_of_another_net_are_refused_before_they_are_read(saved, change, monkeypatch):
    forged(saved, change)
    monkeypatch.setattr(model_files, "check_numbers", lambda tensors: pytest.fail("tensors were read"))
    assert "that its settings describe" in refused(saved)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_refused(saved, value):
    def spoil(tensors):
        tensors["head.bias"][3] = value

    forged(saved, spoil)
    assert "head.bias holds NaN or infinity" in refused(saved)


@pytest.mark.parametrize(
    ("name", "value"),
    [("embedding.weight", 3e38), ("head.weight", 3e38), ("mask_token", 3e38), ("bridge.bias", 3e38)],
)
def test_finite_numbers_that_make_nan_are_refused(saved, name, value):
    forged(saved, lambda tensors: tensors[name].fill_(value))
    assert refused(saved) == model_files.ODD_NUMBERS


def test_features_that_overflow_only_on_the_probes_pictures_are_refused(saved, monkeypatch):
    """The trial's pictures are not all pictures there are."""
    forged(saved, lambda tensors: tensors["embedding.weight"].fill_(3e38))
    monkeypatch.setattr(checkpoint, "_check_painting", lambda *_: None)
    with pytest.raises(CheckpointError, match="so odd that"):
        load_model(saved, pictures=toy_pictures(60))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "can't be read"),
        ("[" * 30_000, "can't be read"),
        ("[1]", "does not know"),
        (json.dumps({EVIL: 1}), "does not know"),
        (json.dumps({"mask_ratio": 1.5}), "Mask ratio"),
        ('{"mask_ratio": NaN}', "Mask ratio"),
        (json.dumps({"patch": "6"}), "cut into patches of"),
        (json.dumps({"patch": "5", "data": EVIL, "steps": -1}), "Patch"),
        (json.dumps({"image_size": [[EVIL * 200]]}), "Image size"),
        (json.dumps({"depth": 10**9}), "Encoder blocks"),
    ],
)
def test_forged_settings_are_refused_in_one_sentence(saved, config, said):
    forged(saved, config=config)
    assert said in refused(saved)


@pytest.mark.parametrize("step", ["", "-1", "1e3", "10000001", "9" * 5_000, "nan"])
def test_a_forged_step_is_refused(saved, step):
    forged(saved, step=step)
    refused(saved)


def test_settings_of_another_net_are_refused(saved):
    config = json.loads(parts_of(saved)[1]["config"])
    forged(saved, config=json.dumps({**config, "depth": 2}))
    assert "tensors are not those of the net" in refused(saved)


def test_too_few_own_pictures_are_a_sentence(saved):
    with pytest.raises(CheckpointError, match="too few pictures"):
        load_model(saved, pictures=toy_pictures(1))


def test_the_global_random_numbers_stay_as_they_were(saved):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_model(saved)
    assert torch.equal(torch.rand(3), expected)
