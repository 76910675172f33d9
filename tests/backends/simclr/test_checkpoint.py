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
from backends.simclr import checkpoint
from backends.simclr.checkpoint import encoder_tensors, load_model, save_encoder, save_model, save_whole, size_of
from backends.simclr.config import SimCLRConfig
from backends.simclr.trainer import FrozenModel, SimCLRTrainer
from tests.backends.simclr.conftest import toy_pictures

EVIL = "<img src=x onerror=alert(1)>"


def trained(**settings) -> FrozenModel:
    config = SimCLRConfig(data="own", batch=16, steps=10).with_changes(**settings)
    trainer = SimCLRTrainer(config, pictures=toy_pictures(60))
    for _ in trainer.steps():
        pass
    return trainer.freeze()


@pytest.fixture(scope="module")
def frozen() -> FrozenModel:
    return trained()


@pytest.fixture
def saved(frozen, tmp_path) -> Path:
    return save_model(frozen, tmp_path)[0]


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
        {"encoder": "vit", "head": "linear", "image_size": "48"},
        {"loss": "simsiam", "head": "none"},
        pytest.param({"encoder": "resnet18", "batch": 4}, marks=pytest.mark.slow),
    ],
    ids=["conv", "vit", "simsiam", "resnet18"],
)
def test_a_model_comes_back_from_its_one_file_with_the_same_answers(tmp_path, settings):
    before = trained(**settings)
    path = save_whole(before, tmp_path / "m.safetensors")
    pictures = toy_pictures(60)
    after = load_model(path, pictures=pictures)
    assert after.config == before.config
    assert after.step == 10
    images = before.split.held_out.images
    np.testing.assert_array_equal(after.embed(images), before.embed(images))
    np.testing.assert_array_equal(after.project(images), before.project(images))
    np.testing.assert_array_equal(after.probed.features, before.probed.features)
    for moment in ("probed", "untrained"):
        assert getattr(after, moment).scores == getattr(before, moment).scores
    assert after.pixels == before.pixels
    assert size_of(after) == pytest.approx(path.stat().st_size, rel=0.05)


def test_the_card_says_what_the_model_is(frozen, saved):
    card = json.loads(saved.with_suffix(".json").read_text(encoding="utf-8"))
    assert SimCLRConfig.parse(card["config"]) == frozen.config
    assert card["step"] == 10
    assert card["metrics"]["knn_colour"] == frozen.probed.scores["knn_colour"]
    assert card["metrics"]["untrained_knn_form"] == frozen.untrained.scores["knn_form"]
    assert card["metrics"]["pixels_linear_form"] == frozen.pixels["linear_form"]


def test_what_a_trainer_saves_can_be_loaded(tmp_path, toys):
    trainer = SimCLRTrainer(SimCLRConfig(data="own", batch=16, steps=10), pictures=toys)
    for _ in trainer.steps():
        pass
    path, card = trainer.save(tmp_path)
    assert json.loads(card.read_text(encoding="utf-8"))["loss"] == trainer.loss
    images = toys.images[:5]
    np.testing.assert_array_equal(load_model(path).embed(images), trainer.freeze().embed(images))


def test_without_its_own_pictures_a_model_embeds_and_knows_no_scores(frozen, saved, toys):
    alone = load_model(saved)
    assert alone.embed(toys.images[:7]).shape == (7, 128)
    np.testing.assert_array_equal(alone.embed(toys.images), frozen.embed(toys.images))
    assert alone.probed.features.shape == (0, 128)
    assert (alone.probed.scores, alone.untrained.scores, alone.pixels) == ({}, {}, {})
    assert len(alone.split.train) == len(alone.map_pictures) == 0


def test_the_encoder_alone_has_the_names_of_a_plain_module(frozen, tmp_path, toys):
    path = save_encoder(frozen, tmp_path / "encoder.safetensors")
    net, channels = torch.nn.Sequential(), 3
    for width in (16, 32, 64, 128):
        convolution = torch.nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False)
        net.extend([convolution, torch.nn.BatchNorm2d(width), torch.nn.ReLU()])
        channels = width
    net.load_state_dict(load_file(path))
    images = torch.from_numpy(toys.images).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        features = net.eval()((images - 0.5) / 0.25).mean((2, 3))
    np.testing.assert_allclose(features.numpy(), frozen.embed(toys.images), atol=1e-5)
    assert "without its head" in refused(path)


def test_tensors_of_an_encoder_lie_in_memory_as_they_are_written(frozen):
    for array in encoder_tensors("conv", frozen.model.encoder).values():
        assert array.flags.c_contiguous, "safetensors writes memory as it lies there"


# What a stranger may bring.


def nothing(tensors):
    pass


def test_a_missing_file_is_named(tmp_path):
    assert refused(tmp_path / "model.safetensors") == "model.safetensors is missing."


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 7,
        b"\x00" * 8,
        b"not a model at all",
        pickle.dumps({"encoder.layers.0.weight": Bomb()}),
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 10**9) + b"{}",
        struct.pack("<Q", 60_000) + b"[" * 60_000,
        struct.pack("<Q", 9) + b"\xff" * 9,
    ],
)
def test_what_is_no_model_is_refused_unopened(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    assert refused(path) == model_files.NOT_OURS


def test_a_file_cut_off_anywhere_is_refused(saved):
    whole = saved.read_bytes()
    for length in (9, 2_000, len(whole) // 2, len(whole) - 1):
        saved.write_bytes(whole[:length])
        assert refused(saved) == model_files.NOT_OURS


def test_more_bytes_than_the_header_names_are_refused(saved):
    saved.write_bytes(saved.read_bytes() + b"\x00" * 100)
    assert refused(saved) == model_files.NOT_OURS


def test_a_huge_file_is_refused_before_it_is_opened(saved, monkeypatch):
    with saved.open("r+b") as file:
        file.truncate(checkpoint.MAX_FILE_BYTES + (3 << 20))
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    assert "63 MB; models have at most 60 MB" in refused(saved)


def test_a_huge_header_is_refused_before_a_library_parses_it(tmp_path, monkeypatch):
    header = json.dumps(
        {f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(5_000)}
    ).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    monkeypatch.setattr("safetensors.safe_open", lambda *_, **__: pytest.fail("it was parsed"))
    assert refused(path) == model_files.NOT_OURS


def lying_header(path: Path, change) -> Path:
    """Rewrite the header alone: the numbers stay where they are."""
    whole = path.read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + whole[8 + length :])
    return path


@pytest.mark.parametrize(
    "lie",
    [
        {"shape": [10**9, 128]},
        {"shape": [2**62, 4]},
        {"shape": [-1, 128]},
        {"data_offsets": [0, 10**12]},
        {"data_offsets": [0, 4]},
        {"dtype": "F64"},
    ],
    ids=str,
)
def test_a_header_that_lies_is_refused(saved, lie):
    lying_header(saved, lambda header: header["head.0.weight"].update(lie))
    assert refused(saved) == model_files.NOT_OURS


def swapped(tensors):
    tensors["head.0.weight"] = tensors["head.0.weight"].reshape(64, 256)


def renamed(tensors):
    tensors["evil"] = tensors.pop("head.0.weight")


def one_more(tensors):
    tensors["evil"] = torch.zeros(1)


def half(tensors):
    tensors["head.0.weight"] = tensors["head.0.weight"].half()


def one_fewer(tensors):
    del tensors["head.0.weight"]


@pytest.mark.parametrize("change", [swapped, half, renamed, one_more, one_fewer])
def test_tensors_of_another_net_are_refused_before_they_are_read(saved, change, monkeypatch):
    forged(saved, change)
    monkeypatch.setattr(model_files, "check_numbers", lambda tensors: pytest.fail("tensors were read"))
    assert "that its settings describe" in refused(saved)


def test_settings_of_another_net_are_refused(saved):
    config = json.loads(parts_of(saved)[1]["config"])
    forged(saved, config=json.dumps({**config, "encoder": "resnet18"}))
    assert "tensors are not those of the net" in refused(saved)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_refused(saved, value):
    def spoil(tensors):
        tensors["head.3.weight"][3, 4] = value

    forged(saved, spoil)
    assert "head.3.weight holds NaN or infinity" in refused(saved)


@pytest.mark.parametrize(
    ("name", "value"),
    [("encoder.layers.1.running_var", -1.0), ("encoder.layers.3.weight", 3e38)],
    ids=["variance", "overflow"],
)
def test_finite_numbers_that_make_nan_are_refused(saved, name, value):
    forged(saved, lambda tensors: tensors[name].fill_(value))
    assert refused(saved) == model_files.ODD_NUMBERS


def test_features_that_overflow_only_on_the_probes_pictures_are_refused(saved, monkeypatch):
    """The trial's pictures are not all pictures there are."""
    forged(saved, lambda tensors: tensors["encoder.layers.1.running_var"].fill_(-1))
    monkeypatch.setattr(checkpoint, "_check_features", lambda *_: None)
    with pytest.raises(CheckpointError, match="so odd that"):
        load_model(saved, pictures=toy_pictures(60))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "can't be read"),
        ("[" * 30_000, "can't be read"),
        ('{"steps": ' + "9" * 5_000 + "}", "can't be read"),
        ("[1]", "does not know"),
        (json.dumps({EVIL: 1}), "does not know"),
        (json.dumps({"temperature": 0}), "Temperature"),
        ('{"temperature": NaN}', "Temperature"),
        (json.dumps({"encoder": "os.system", "loss": EVIL, "steps": -1}), "Encoder"),
        (json.dumps({"image_size": [[EVIL * 200]]}), "Image size"),
        (json.dumps({"batch": 10**9}), "Batch"),
    ],
)
def test_forged_settings_are_refused_in_one_sentence(saved, config, said):
    forged(saved, config=config)
    assert said in refused(saved)


@pytest.mark.parametrize("step", ["", "-1", "1e3", "10000001", "9" * 5_000, "nan"])
def test_a_forged_step_is_refused(saved, step):
    forged(saved, step=step)
    refused(saved)


@pytest.mark.parametrize("method", ["word2vec", "", EVIL])
def test_models_of_another_method_are_refused(saved, method):
    forged(saved, method=method)
    assert refused(saved) == model_files.NOT_OURS


def test_a_safetensors_file_without_metadata_is_refused(saved):
    tensors, _ = parts_of(saved)
    save_file(tensors, saved)
    assert refused(saved) == model_files.NOT_OURS


def test_too_few_own_pictures_are_a_sentence(saved):
    with pytest.raises(CheckpointError, match="too few pictures"):
        load_model(saved, pictures=toy_pictures(1))


def test_the_global_random_numbers_stay_as_they_were(saved):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_model(saved)
    assert torch.equal(torch.rand(3), expected)
