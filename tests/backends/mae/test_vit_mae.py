"""ViT-MAE in the format of transformers: tiny random ones saved here, painted as the library itself would."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.attention import transformers_models
from backends.attention.heads import HeadsError
from backends.attention.transformers_models import KnownModel, ModelFolder, ModelUnavailable
from backends.mae import vit_mae
from backends.mae.vit_mae import IMAGENET_MEAN, IMAGENET_SPREAD, ViTMAE, folder_names, load_folder, load_from
from backends.nets.seeded import seeded

SIZE = {
    "image_size": 32,
    "patch_size": 8,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "decoder_hidden_size": 16,
    "decoder_num_hidden_layers": 1,
    "decoder_num_attention_heads": 2,
    "decoder_intermediate_size": 32,
}


def save_vit_mae(folder: Path, *, preprocessor: dict | None = None, **settings) -> Path:
    import transformers

    config = transformers.ViTMAEConfig(**{**SIZE, "initializer_range": 0.3, **settings})
    with seeded(1):
        transformers.ViTMAEForPreTraining(config).save_pretrained(folder)
    if preprocessor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("models")
    save_vit_mae(root / "painter")
    save_vit_mae(root / "normaliser", norm_pix_loss=True)
    (root / "a-bert").mkdir()
    (root / "a-bert" / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    (root / "a-bert" / "model.safetensors").write_bytes(b"x")
    return root


@pytest.fixture(autouse=True)
def fresh():
    vit_mae._load.cache_clear()


@pytest.fixture
def painter(root) -> ViTMAE:
    return load_folder(root / "painter", title="painter")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)


def masks(*counts: int) -> np.ndarray:
    random = np.random.default_rng(1)
    hidden = np.zeros((len(counts), 16), bool)
    for row, count in zip(hidden, counts, strict=True):
        row[random.permutation(16)[:count]] = True
    return hidden


def reference(folder: Path, image: np.ndarray, hidden: np.ndarray):
    """The library's own pass, told by noise what to keep: (1, L, P) output, mask, loss."""
    import transformers

    model = transformers.ViTMAEForPreTraining.from_pretrained(folder, attn_implementation="eager").eval()
    model.config.mask_ratio = hidden.sum() / 16
    pixels = (torch.from_numpy(image).float() / 255 - torch.tensor(IMAGENET_MEAN)) / torch.tensor(IMAGENET_SPREAD)
    with torch.no_grad():
        output = model(pixels.permute(2, 0, 1)[None], noise=torch.from_numpy(hidden[None].astype(np.float32)))
    return output.logits, output.mask, float(output.loss), model


@pytest.mark.parametrize("count", [4, 8, 12])
def test_it_paints_what_the_library_paints_and_hides_exactly_what_was_asked(root, painter, images, count):
    (hidden,) = masks(count)
    logits, mask, _, model = reference(root / "painter", images[0], hidden)
    assert (mask[0].bool().numpy() == hidden).all()
    made = painter.reconstruct(images[:1], hidden)
    spread, mean = np.array(IMAGENET_SPREAD, np.float32), np.array(IMAGENET_MEAN, np.float32)
    expected = model.unpatchify(logits)[0].permute(1, 2, 0).numpy() * spread + mean
    np.testing.assert_allclose(made.painted[0], expected.clip(0, 1), atol=1e-5)
    assert made.painted.dtype == made.errors.dtype == np.float32
    differences = (expected - images[0] / 255).reshape(4, 8, 4, 8, 3).swapaxes(1, 2).reshape(16, -1)
    np.testing.assert_allclose(made.errors[0], (differences**2).mean(1), rtol=1e-4)
    assert not made.normalised


def test_normalised_targets_are_shown_and_measured_as_such(root, images):
    model = load_folder(root / "normaliser", title="normaliser")
    (hidden,) = masks(12)
    logits, _, loss, library = reference(root / "normaliser", images[0], hidden)
    made = model.reconstruct(images[:1], hidden)
    assert made.normalised
    expected = library.unpatchify(0.5 + logits / 4)[0].permute(1, 2, 0).clamp(0, 1)
    np.testing.assert_allclose(made.painted[0], expected.numpy(), atol=1e-5)
    assert made.errors[0][hidden].mean() == pytest.approx(loss, rel=1e-4)
    other = images[:1].copy()
    for place in np.flatnonzero(hidden):
        y, x = divmod(int(place), 4)
        other[0, 8 * y : 8 * y + 8, 8 * x : 8 * x + 8] //= 3
    np.testing.assert_allclose(model.reconstruct(other, hidden).painted, made.painted, atol=1e-6)


def test_each_picture_has_a_mask_of_its_own_and_none_and_all_may_be_hidden(painter, images):
    hidden = masks(0, 5, 16)
    together = painter.reconstruct(images, hidden)
    assert np.isfinite(together.painted).all()
    assert np.isfinite(together.errors).all()
    for number in range(3):
        alone = painter.reconstruct(images[number : number + 1], hidden[number])
        np.testing.assert_allclose(together.painted[number], alone.painted[0], atol=1e-6)
    blind = painter.reconstruct(images[:2], np.ones(16, bool)).painted
    np.testing.assert_allclose(blind[0], blind[1], atol=1e-6)


def test_guessing_the_visible_mean_is_measured(painter, images):
    (hidden,) = masks(10)
    errors = painter.visible_mean(images, hidden)
    patches = (images[1] / 255).reshape(4, 8, 4, 8, 3).swapaxes(1, 2).reshape(16, -1, 3)
    guess = patches[~hidden].mean((0, 1))
    np.testing.assert_allclose(errors[1], ((patches - guess) ** 2).mean((1, 2)), rtol=1e-4)
    assert np.isfinite(painter.visible_mean(images, np.ones(16, bool))).all()


def test_its_heads_can_be_read(painter, images):
    stack = painter.attention(images[0])
    assert stack.weights.shape == (2, 4, 17, 17)
    np.testing.assert_allclose(stack.weights.sum(-1), 1, atol=1e-5)
    assert (stack.grid_side, stack.rows[0], stack.rows[6]) == (4, "[CLS]", "2,2")
    flipped = painter.attention(images[0, :, ::-1])
    assert not np.allclose(flipped.weights, stack.weights)


def test_pictures_and_masks_of_another_shape_are_refused(painter, images):
    with pytest.raises(ValueError, match=r"must be \(n, 32, 32, 3\)"):
        painter.reconstruct(images[:, :16], np.zeros(16, bool))
    with pytest.raises(ValueError, match=r"must be \(16,\) or \(3, 16\)"):
        painter.reconstruct(images, np.zeros(15, bool))


def test_the_operators_folder_offers_what_is_a_vit_mae(root):
    models = ModelFolder(root)
    assert folder_names(models) == ["normaliser", "painter"]
    assert folder_names(None) == []
    assert load_from(models, "painter").title == "painter"
    with pytest.raises(ModelUnavailable, match=r"There is no model .\.\./x"):
        load_from(models, "../x")
    with pytest.raises(HeadsError, match=r"kind 'bert' can't be read here; vit_mae can"):
        load_from(models, "a-bert")


def test_the_newest_one_is_kept(root):
    first = load_folder(root / "painter", title="painter")
    assert load_folder(root / "painter", title="painter") is first


@pytest.mark.parametrize(
    "content",
    [{"image_mean": [0.5] * 3, "image_std": [0.25] * 3}, {}],
    ids=["its own", "ImageNet's"],
)
def test_pixels_are_standardised_as_the_folder_says(tmp_path, images, content):
    model = load_folder(save_vit_mae(tmp_path / "m", preprocessor=content), title="m")
    pixels = model._pixels(images[0])[0].permute(1, 2, 0).numpy()
    mean, spread = (0.5, 0.25) if content else (np.array(IMAGENET_MEAN), np.array(IMAGENET_SPREAD))
    np.testing.assert_allclose(pixels, (images[0] / 255 - mean) / spread, atol=1e-5)


@pytest.mark.parametrize(
    "preprocessor",
    [
        {"image_mean": [0.5, 0.5]},
        {"image_std": [0.0, 1, 1]},
        {"image_mean": [1e400, 0, 0]},
        {"image_mean": "evil"},
        [1],
    ],
)
def test_odd_standardisation_is_a_sentence(tmp_path, preprocessor):
    folder = save_vit_mae(tmp_path / "m", preprocessor=preprocessor)
    with pytest.raises(HeadsError, match="The present model stays"):
        load_folder(folder, title="m")


def changed_config(folder: Path, **settings) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **settings}), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"image_size": 1024}, "damaged or incomplete|can't be cut"),
        ({"patch_size": 0}, "The present model stays"),
        ({"num_channels": 4}, "The present model stays|other colours"),
        ({"model_type": "resnet"}, "kind 'resnet'"),
        ({"hidden_size": "evil"}, "damaged or incomplete"),
    ],
)
def test_a_config_that_lies_is_a_sentence(tmp_path, settings, said):
    folder = changed_config(save_vit_mae(tmp_path / "m"), **settings)
    with pytest.raises(HeadsError, match=said):
        load_folder(folder, title="m")


def test_damaged_weights_and_pickled_ones_are_never_opened(tmp_path):
    folder = save_vit_mae(tmp_path / "m")
    (folder / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(HeadsError, match="damaged or incomplete"):
        load_folder(folder, title="m")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(HeadsError, match=r"needs config\.json and a \.safetensors file"):
        load_folder(folder, title="m")


def test_a_name_outside_the_list_is_refused_before_anything_is_fetched(monkeypatch):
    monkeypatch.setattr(transformers_models, "_fetch", lambda known: pytest.fail("it was fetched"))
    with pytest.raises(ModelUnavailable, match="choose from vit-mae-base"):
        vit_mae.load_known("evil/repository")


def test_without_a_network_the_known_one_says_so(monkeypatch):
    def offline(known: KnownModel) -> Path:
        raise ModelUnavailable(f"{known.name} can't be loaded here")

    monkeypatch.setattr(transformers_models, "_cached_folder", lambda known: None)
    monkeypatch.setattr(transformers_models, "_fetch", offline)
    with pytest.raises(ModelUnavailable, match="vit-mae-base can't be loaded here"):
        vit_mae.load_known("vit-mae-base")


def test_the_known_one_is_loaded_from_where_it_lies_and_needs_safetensors(root, tmp_path, monkeypatch):
    monkeypatch.setattr(transformers_models, "_cached_folder", lambda known: root / "painter")
    assert vit_mae.load_known("vit-mae-base").title == "vit-mae-base"
    monkeypatch.setattr(transformers_models, "_cached_folder", lambda known: tmp_path)
    with pytest.raises(ModelUnavailable, match=r"without a \.safetensors file"):
        vit_mae.load_known("vit-mae-base")
