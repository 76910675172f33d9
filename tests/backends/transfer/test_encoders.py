"""The encoders to choose from: those that can be had, and what is said of those that can't."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from backends.analysis.prober import as_tensor
from backends.clip import shipped as clip
from backends.engine.checkpoints import CheckpointError
from backends.mae import shipped as mae
from backends.nets.frozen import frozen_copy
from backends.pretext import shipped as pretext
from backends.simclr import shipped as simclr
from backends.transfer.config import OWN_RUNS, PICTURE_TITLES, PIXELS, TITLES, UNTRAINED
from backends.transfer.encoder import Encoder, EncoderError
from backends.transfer.encoders import load_encoder
from tests.backends.transfer.conftest import assert_starts_anew, toys

SHIPPED = tuple(name for name in PICTURE_TITLES if name not in (*OWN_RUNS, PIXELS, UNTRAINED))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return toys(6).images


def features_of(encoder: Encoder, images: np.ndarray) -> np.ndarray:
    return encoder.embed(as_tensor(images, "cpu")).numpy()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_encoder_makes_features_and_can_start_anew(name, images):
    encoder = load_encoder(name, size=32, data="apples")
    features = features_of(encoder, images)
    assert (encoder.title, encoder.learned, len(features)) == (TITLES[name], True, 6)
    assert np.isfinite(features).all()
    assert encoder.trained_on == ("emoji" if name.endswith("emoji") else "apples")
    assert_starts_anew(encoder)


def test_features_are_those_of_the_models_themselves(images):
    for name, frozen in (
        ("simclr", simclr.load("apples-with-jitter")),
        ("mae", mae.load("apples")),
        ("jigsaw", pretext.load("jigsaw")),
    ):
        made = features_of(load_encoder(name, size=32, data="apples"), images)
        np.testing.assert_allclose(made, frozen.embed(images), rtol=1e-3, atol=1e-4)


def test_clip_s_features_are_those_before_its_projection(images):
    frozen = clip.load("apples")
    made = torch.from_numpy(features_of(load_encoder("clip", size=32, data="apples"), images))
    with torch.no_grad():
        joined = torch.nn.functional.normalize(frozen.model.image_projection(made), dim=1)
    np.testing.assert_allclose(joined.numpy(), frozen.embed_pictures(images), atol=1e-4)


def test_loading_leaves_the_shared_model_whole(images):
    frozen = mae.load("apples")
    load_encoder("mae", size=32, data="apples")
    assert frozen.reconstruct(images, np.arange(64) < 32).painted.shape == images.shape


def test_pixels_are_their_own_features_and_the_untrained_net_is_always_the_same(images):
    pixels = load_encoder(PIXELS, size=64, data="own")
    assert (pixels.net, pixels.fresh, pixels.learned) == (None, None, False)
    np.testing.assert_allclose(
        features_of(pixels, images), images.transpose(0, 3, 1, 2).reshape(6, -1) / 255, rtol=1e-6
    )
    first, again = (features_of(load_encoder(UNTRAINED, size=48, data="own"), images) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_the_visitor_s_own_run_is_taken_and_copied(learned, images):
    encoder = load_encoder("own-simclr", size=32, data="own", run=learned)
    assert (encoder.name, encoder.title, encoder.trained_on) == ("own-simclr", "Your SimCLR run", "own")
    np.testing.assert_allclose(features_of(encoder, images), learned.embed(images), rtol=1e-4, atol=1e-5)
    assert encoder.net is not learned.model.encoder


def test_the_large_masked_autoencoder_takes_large_pictures():
    large = np.zeros((2, 64, 64, 3), np.uint8)
    assert features_of(load_encoder("mae", size=64, data="apples"), large).shape[0] == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "resnet50"}, "There is no encoder 'resnet50': choose from simclr, "),
        ({"name": "own-simclr"}, "No SimCLR run of yours is here yet: train one in that tab first"),
        ({"name": "own-simclr", "run": SimpleNamespace(model=torch.nn.Linear(2, 2))}, "Your SimCLR run has no enc"),
        ({"name": "own-simclr", "run": object()}, "Your SimCLR run has no encoder of pictures: choose a run"),
        ({"name": "simclr", "size": 48}, "SimCLR was trained on pictures of 32 pixels, and these have 48: set Im"),
        ({"name": "mae", "size": 48}, "Masked autoencoder was trained on pictures of 32 pixels, and these have"),
        ({"name": "clip-emoji", "data": "emoji"}, "CLIP's picture tower, from emoji was told the names of emoji that"),
    ],
)  # fmt: skip
def test_what_can_not_be_had_or_does_not_fit_is_said_in_one_sentence(arguments, sentence):
    with pytest.raises(EncoderError) as refused:
        load_encoder(**{"size": 32, "data": "apples", **arguments})
    assert str(refused.value).startswith(sentence)
    assert str(refused.value).count(". ") == 0


def test_a_missing_file_is_named(monkeypatch):
    def missing(name: str) -> None:
        raise CheckpointError("rotation.safetensors is missing.")

    monkeypatch.setattr(pretext, "load", missing)
    with pytest.raises(EncoderError, match=r"^Rotation can't be had \(rotation.safetensors is missing\): choose anoth"):
        load_encoder("rotation", size=32, data="apples")


def test_a_run_of_clip_is_taken_by_its_picture_tower_and_copied(images):
    run = clip.load("apples")
    encoder = load_encoder("own-clip", size=32, data="apples", run=run)
    assert (encoder.title, encoder.trained_on, encoder.steps) == ("Your CLIP run", "apples", run.step)
    np.testing.assert_array_equal(
        features_of(encoder, images), features_of(load_encoder("clip", size=32, data="apples"), images)
    )
    with torch.no_grad():
        next(encoder.net.parameters()).zero_()
    assert bool(next(run.model.image_encoder.parameters()).any())


def test_a_run_of_clip_on_emoji_is_refused_there_too():
    run = clip.load("emoji")
    with pytest.raises(EncoderError, match=r"^Your CLIP run was told the names of emoji"):
        load_encoder("own-clip", size=32, data="emoji", run=run)
    copied = replace(run, model=frozen_copy(run.model))
    assert load_encoder("own-clip", size=32, data="apples", run=copied).trained_on == "emoji"
