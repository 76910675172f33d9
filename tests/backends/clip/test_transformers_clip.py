"""CLIP and SigLIP in the format of transformers: tiny random ones saved here, compared with the library itself."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backends.attention import transformers_models
from backends.attention.heads import HeadsError
from backends.attention.transformers_models import KnownModel, ModelFolder, ModelUnavailable
from backends.clip import transformers_clip
from backends.clip.tokens import MAX_PROMPT_CHARS
from backends.clip.transformers_clip import (
    SAMPLE,
    SAMPLE_CONCEPTS,
    PretrainedCLIP,
    folder_names,
    load_folder,
    load_from,
    sample_pairs,
)
from backends.clip.zero_shot import make_classes, occlude, score
from backends.nets.seeded import seeded

SIDE, LONGEST, WIDTH = 24, 20, 16
SCALE, BIAS = 12.0, -3.0
START, END = "<|startoftext|>", "<|endoftext|>"
LETTERS = [chr(code) for code in range(33, 127)]
PROMPTS = ["a cat", "A dog, running!", "x"]
LAYERS = {"hidden_size": WIDTH, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION = {**LAYERS, "image_size": SIDE, "patch_size": 8}


def save_clip(folder: Path, *, vision: dict | None = None, text: dict | None = None, tokenizer: bool = True) -> Path:
    import transformers

    vocabulary = {piece: place for place, piece in enumerate([*LETTERS, *(f"{letter}</w>" for letter in LETTERS)])}
    vocabulary |= {START: len(vocabulary), END: len(vocabulary) + 1}
    known = {"vocab_size": len(vocabulary), "max_position_embeddings": LONGEST, "eos_token_id": vocabulary[END]}
    config = transformers.CLIPConfig(
        text_config={**LAYERS, **known, **(text or {})},
        vision_config={**VISION, **(vision or {})},
        projection_dim=10,
        initializer_factor=4.0,
    )
    _save(transformers.CLIPModel, config, folder)
    if tokenizer:
        transformers.CLIPTokenizer(vocab=vocabulary, merges=[]).save_pretrained(folder)
    return folder


def save_siglip(folder: Path, *, vision: dict | None = None, text: dict | None = None, tokenizer: bool = True) -> Path:
    import transformers

    known = {"vocab_size": 3 + len(LETTERS), "max_position_embeddings": LONGEST, "projection_size": WIDTH}
    config = transformers.SiglipConfig(
        text_config={**LAYERS, **known, **(text or {})}, vision_config={**VISION, **(vision or {})}
    )
    _save(transformers.SiglipModel, config, folder)
    if tokenizer:
        siglip_tokenizer().save_pretrained(folder)
    return folder


def siglip_tokenizer() -> Any:
    """Cuts a text into letters, large ones too; ends and padding are the same token, as in the true one."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    pieces = [("<unk>", 0.0), ("</s>", 0.0), ("▁", -2.0), *((letter, -3.0) for letter in LETTERS)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", pad_token="</s>", unk_token="<unk>"
    )


def _save(model_class: Any, config: Any, folder: Path) -> None:
    """Weights far from zero, so that pictures and texts differ, and a scale and bias of their own."""
    with seeded(1):
        model = model_class(config)
    with torch.no_grad():
        model.logit_scale.fill_(float(np.log(SCALE)))
        if hasattr(model, "logit_bias"):
            model.logit_bias.fill_(BIAS)
            for name, weights in model.named_parameters():
                if weights.ndim > 1 and "embedding" in name:
                    weights.mul_(3)
    model.save_pretrained(folder)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("models")
    save_clip(root / "a-clip")
    save_siglip(root / "a-siglip")
    (root / "a-bert").mkdir()
    (root / "a-bert" / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    (root / "a-bert" / "model.safetensors").write_bytes(b"x")
    return root


@pytest.fixture(autouse=True)
def fresh():
    transformers_clip._load.cache_clear()
    transformers_clip._held.clear()


@pytest.fixture(params=["a-clip", "a-siglip"])
def model(root, request) -> PretrainedCLIP:
    return load_folder(root / request.param, title=request.param)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Noise and plain colours, more than fit in a pass."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (10, SIDE, SIDE, 3))
    plain = np.broadcast_to(random.integers(0, 256, (10, 1, 1, 3)), noise.shape)
    return np.concatenate([noise, plain]).astype(np.uint8)


def library_logits(folder: Path, pictures: np.ndarray, prompts: list[str]) -> np.ndarray:
    """(n, m) as transformers' own processors and forward pass give them."""
    import transformers

    clip = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"] == "clip"
    sizes = {"do_resize": False, "do_center_crop": False} if clip else {"do_resize": False}
    processor = (transformers.CLIPImageProcessor if clip else transformers.SiglipImageProcessor)(**sizes)
    pixels = processor(images=list(pictures), return_tensors="pt", input_data_format="channels_last")
    if clip:
        tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
        tokens = tokenizer(prompts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
    else:
        lower = [prompt.lower() for prompt in prompts]
        tokens = siglip_tokenizer()(
            lower, padding="max_length", truncation=True, max_length=LONGEST, return_tensors="pt"
        )
        tokens = {"input_ids": tokens["input_ids"]}
    model = (transformers.CLIPModel if clip else transformers.SiglipModel).from_pretrained(folder).eval()
    with torch.no_grad():
        return model(**tokens, pixel_values=pixels["pixel_values"]).logits_per_image.numpy()


@pytest.mark.parametrize("name", ["a-clip", "a-siglip"])
def test_its_logits_are_those_of_the_library(root, pictures, name):
    model = load_folder(root / name, title=name)
    prompts = [*PROMPTS, "a prompt that is longer than the model reads"]
    expected = library_logits(root / name, pictures, prompts)
    assert expected.std() > 0.3  # pictures and prompts differ, so that a mistake would show
    cosines = model.embed_pictures(pictures) @ model.embed_prompts(prompts).T
    np.testing.assert_allclose(model.scale * cosines + (model.bias or 0), expected, rtol=1e-5, atol=1e-5)


def test_scale_and_bias_are_the_models_own(root):
    clip = load_folder(root / "a-clip", title="a-clip")
    assert (clip.scale, clip.bias, clip.size, clip.dimensions) == (pytest.approx(SCALE), None, SIDE, 10)
    siglip = load_folder(root / "a-siglip", title="a-siglip")
    assert (siglip.scale, siglip.bias, siglip.size) == (pytest.approx(SCALE), pytest.approx(BIAS), SIDE)
    assert (siglip.title, siglip.step, siglip.scores, siglip.device) == ("a-siglip", 0, {}, "cpu")
    assert siglip.config.data == "emoji"
    assert siglip.pairs is sample_pairs(SIDE)


def test_vectors_have_length_one_and_none_of_nothing(model, pictures):
    for vectors, count in ((model.embed_pictures(pictures), len(pictures)), (model.embed_prompts(PROMPTS), 3)):
        assert (vectors.shape, vectors.dtype) == ((count, model.dimensions), np.float32)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert model.embed_pictures(pictures[:0]).shape == model.embed_prompts([]).shape == (0, model.dimensions)


def test_a_prompt_and_a_picture_mean_the_same_alone_and_among_others(model, pictures):
    many = [f"{word} number {number}" for number in range(30) for word in ("cat", "a much longer dog", "x")]
    together = model.embed_prompts(many)
    assert len(together) == 90  # more than a pass takes
    np.testing.assert_allclose(model.embed_prompts([many[70]])[0], together[70], atol=1e-5)
    together = model.embed_pictures(pictures)
    np.testing.assert_allclose(model.embed_pictures(pictures[18:19])[0], together[18], atol=1e-5)


def test_a_picture_is_embedded_once_and_not_all_are_kept(model, pictures, monkeypatch):
    seen = []
    see = model._see
    monkeypatch.setattr(model, "_see", lambda some: seen.append(len(some)) or see(some))
    first = model.embed_pictures(pictures)
    np.testing.assert_array_equal(model.embed_pictures(pictures[::-1]), first[::-1])
    assert sum(seen) == len(pictures)
    monkeypatch.setattr(transformers_clip, "KNOWN_PICTURES", 3)
    model.embed_pictures(255 - pictures[:1])
    assert len(model._known) == 3
    assert len(model.embed_pictures(pictures)) == len(pictures), "what is forgotten is embedded anew"


def test_classes_scores_and_occlusion_work_with_it(model, pictures):
    classes = make_classes(model, ("cat", "dog"), ("{}", "a photo of {}"))
    assert classes.prompts.shape == (2, 2, model.dimensions)
    scores = score(model, model.embed_pictures(pictures), classes.vectors)
    np.testing.assert_allclose(scores.softmax.sum(axis=1), 1, atol=1e-6)
    if model.bias is not None:
        np.testing.assert_allclose(scores.alone, 1 / (1 + np.exp(-SCALE * scores.cosines - BIAS)), atol=1e-5)
    heat = occlude(model, pictures[0], classes.vectors[0], cells=2)
    assert heat.shape == (2, 2)
    assert np.abs(heat).max() > 1e-4


def test_threads_that_ask_at_once_take_turns(model, monkeypatch):
    """A tokenizer is not made for two threads; it raises "Already borrowed"."""
    alone, failures = model.embed_prompts(PROMPTS), []
    tokenizer, inside = model._tokenizer, threading.Lock()

    def slow(texts, **options):
        assert inside.acquire(blocking=False), "two threads are in the tokenizer"
        time.sleep(0.005)
        inside.release()
        return tokenizer(texts, **options)

    def ask() -> None:
        try:
            for _ in range(4):
                assert not model.read("a cat").cut
                np.testing.assert_allclose(model.embed_prompts(PROMPTS), alone, atol=1e-5)
        except BaseException as error:
            failures.append(error)

    monkeypatch.setattr(model, "_tokenizer", slow)
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_how_a_prompt_is_read(model):
    reading = model.read("A Café, <b>quite</b>")
    assert reading.words == ("a", "cafe", "b", "quite", "b")
    assert reading.unseen == ()
    assert model.read("zyzzyva").unseen == ()
    assert not model.read("x" * (LONGEST - 2)).cut  # each letter is a token; start and end, or space and end, are two
    assert model.read("x" * (LONGEST - 1)).cut


def test_what_is_longer_than_the_model_reads_is_left_out(model):
    long = "x" * LONGEST
    np.testing.assert_array_equal(model.embed_prompts([long]), model.embed_prompts([long + " and a dog"]))
    assert not np.allclose(model.embed_prompts([long]), model.embed_prompts(["x"]), atol=1e-3)


def test_a_prompt_of_any_length_is_cut_before_it_is_tokenised(model, monkeypatch):
    seen: list[str] = []
    tokenizer = model._tokenizer

    def spy(texts, **options):
        seen.extend([texts] if isinstance(texts, str) else texts)
        return tokenizer(texts, **options)

    monkeypatch.setattr(model, "_tokenizer", spy)
    spaces = "x" + " " * MAX_PROMPT_CHARS + "end"  # spaces are no tokens for CLIP, so only the characters are too many
    assert model.read(spaces).cut
    model.embed_prompts([spaces, "y" * 100_000])
    assert [len(text) for text in seen] == [MAX_PROMPT_CHARS] * 3


@pytest.mark.parametrize("prompt", ["<img src=x onerror=alert(1)>", END + START, "</s><unk>", "", "\x00🐱\ud800", "{}"])
def test_a_strange_prompt_is_only_text(model, prompt):
    vectors = model.embed_prompts([prompt, "a cat"])
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(vectors[1], model.embed_prompts(["a cat"])[0], atol=1e-5)
    assert isinstance(model.read(prompt).cut, bool)


def test_pictures_of_another_shape_are_refused(model, pictures):
    for wrong in (pictures[:, :16], pictures[0], pictures[..., :1], pictures.astype(np.float32)):
        with pytest.raises(ValueError, match=r"must be \(n, 24, 24, 3\) uint8"):
            model.embed_pictures(wrong)


def test_pixels_are_standardised_as_the_folder_says(tmp_path, pictures):
    folder = save_clip(tmp_path / "m")
    said = {"image_mean": [0.25, 0.5, 0.75], "image_std": [0.5, 0.25, 1.0]}
    (folder / "preprocessor_config.json").write_text(json.dumps(said), encoding="utf-8")
    pixels = load_folder(folder, title="m")._pixels(pictures)
    expected = (pictures / 255 - said["image_mean"]) / said["image_std"]
    np.testing.assert_allclose(pixels.permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)


def test_odd_standardisation_is_a_sentence(tmp_path):
    folder = save_clip(tmp_path / "m")
    (folder / "preprocessor_config.json").write_text('{"image_std": [0, 1, 1]}', encoding="utf-8")
    with pytest.raises(HeadsError, match="odd numbers"):
        load_folder(folder, title="m")


def test_the_sample_is_75_emoji_as_four_artists_drew_them():
    from backends.data.emoji import load_emoji, load_index

    pairs = sample_pairs(SIDE)
    sample = pairs.tests[SAMPLE]
    assert sample.pictures.images.shape == (4 * SAMPLE_CONCEPTS, SIDE, SIDE, 3)
    assert len(set(sample.classes)) == SAMPLE_CONCEPTS
    assert set(sample.classes) < set(load_index().concepts)
    assert (np.bincount(sample.class_idx) == 4).all()
    whole = load_emoji()
    for place in (0, 150, 299):
        name = sample.pictures.names[place]
        assert name.startswith(f"{sample.classes[sample.class_idx[place]]} (")
        original = whole.images[whole.names.index(name)]
        np.testing.assert_array_equal(sample.pictures.at_size([place], 64)[0], original)
    assert pairs.templates[0] == "{}"
    assert sample_pairs(SIDE) is pairs
    assert sample_pairs(32).tests[SAMPLE].classes == sample.classes


def test_nothing_is_trained_on(root, pictures):
    pairs = sample_pairs(SIDE)
    assert (len(pairs.train), pairs.captions, pairs.train.classes) == (0, (), ())
    images = np.concatenate([captioned.pictures.images for captioned in pairs.every])
    assert images.shape == (300, SIDE, SIDE, 3)
    assert pairs.train.pictures.at_size([], 48).shape == (0, 48, 48, 3)
    model = load_folder(root / "a-clip", title="a-clip")
    assert model.embed_pictures(pairs.train.pictures.images).shape == (0, 10)


def test_the_operators_folder_offers_what_is_a_clip_or_siglip(root):
    models = ModelFolder(root)
    assert folder_names(models) == ["a-clip", "a-siglip"]
    assert folder_names(None) == []
    assert load_from(models, "a-siglip").title == "a-siglip"
    with pytest.raises(ModelUnavailable, match=r"There is no model .\.\./x"):
        load_from(models, "../x")
    with pytest.raises(HeadsError, match=r"kind 'bert' can't be read here; clip, siglip can"):
        load_from(models, "a-bert")


def test_the_newest_one_is_kept(root):
    first = load_folder(root / "a-clip", title="a-clip")
    assert load_folder(root / "a-clip", title="a-clip") is first


def test_no_model_is_there_twice_while_somebody_has_it(root):
    """Visitors who choose in turns would else fill the memory with copies."""
    first = load_folder(root / "a-clip", title="a-clip")
    load_folder(root / "a-siglip", title="a-siglip")
    assert load_folder(root / "a-clip", title="a-clip") is first


@pytest.mark.parametrize("save", [save_clip, save_siglip])
def test_a_model_without_tokenizer_json_is_a_sentence(tmp_path, save):
    folder = save(tmp_path / "m", tokenizer=False)
    (folder / "spiece.model").write_bytes(b"\x00" * 100)
    with pytest.raises(HeadsError, match=r"has no tokenizer\.json, and no other file"):
        load_folder(folder, title="m")


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(tmp_path):
    folder = save_siglip(tmp_path / "m", text={"vocab_size": 3 + len(LETTERS) - 1})
    with pytest.raises(HeadsError, match="does not fit its model"):
        load_folder(folder, title="m")


def test_a_tokenizer_that_pads_with_nothing_pads_with_its_end_or_is_refused(root, tmp_path):
    folder = save_siglip(tmp_path / "m")
    path = folder / "tokenizer_config.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    del told["pad_token"]
    path.write_text(json.dumps(told), encoding="utf-8")
    expected = load_folder(root / "a-siglip", title="a").embed_prompts(PROMPTS)
    np.testing.assert_allclose(load_folder(folder, title="m").embed_prompts(PROMPTS), expected, atol=1e-6)
    del told["eos_token"]
    path.write_text(json.dumps(told), encoding="utf-8")
    transformers_clip._load.cache_clear()
    with pytest.raises(HeadsError, match="does not fit its model"):
        load_folder(folder, title="m")


@pytest.mark.parametrize("end", [START, None], ids=["another end", "no end"])
def test_a_tokenizer_whose_texts_end_where_clip_does_not_look_is_refused(tmp_path, end):
    """It would give all texts the vector of their first token."""
    folder = save_clip(tmp_path / "m")
    path = folder / "tokenizer.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told["post_processor"] = {
        "type": "RobertaProcessing",
        "sep": [end, 188],
        "cls": [START, 188],
        "trim_offsets": False,
        "add_prefix_space": False,
    }
    if end is None:
        told["post_processor"] = None
    path.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(HeadsError, match="does not fit its model"):
        load_folder(folder, title="m")


def test_the_end_may_be_named_as_the_first_clip_models_do(root, tmp_path):
    folder = save_clip(tmp_path / "m", text={"eos_token_id": 2})
    expected = load_folder(root / "a-clip", title="a").embed_prompts(PROMPTS)
    np.testing.assert_allclose(load_folder(folder, title="m").embed_prompts(PROMPTS), expected, atol=1e-6)


def changed_config(folder: Path, part: str | None = None, **settings) -> Path:
    path = folder / "config.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    (told if part is None else told[part]).update(settings)
    path.write_text(json.dumps(told), encoding="utf-8")
    return folder


@pytest.mark.parametrize("save", [save_clip, save_siglip])
@pytest.mark.parametrize(
    ("part", "settings", "said"),
    [
        ("vision_config", {"image_size": 96}, "damaged or incomplete"),
        ("vision_config", {"patch_size": 0}, "damaged or incomplete"),
        ("vision_config", {"hidden_size": "evil"}, "damaged or incomplete"),
        ("text_config", {"num_hidden_layers": 3}, "lacks 16 of its tensors"),
        (None, {"model_type": "resnet"}, "kind 'resnet'"),
    ],
)
def test_a_config_that_lies_is_a_sentence(tmp_path, save, part, settings, said):
    folder = changed_config(save(tmp_path / "m"), part, **settings)
    with pytest.raises(HeadsError, match=said):
        load_folder(folder, title="m")


@pytest.mark.parametrize("save", [save_clip, save_siglip])
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"vision": {"image_size": 520}}, "larger than 512 pixels"),
        ({"vision": {"num_channels": 4}}, "other colours"),
        ({"text": {"max_position_embeddings": 513}}, "reads 513 tokens"),
    ],
)
def test_what_a_model_reads_has_bounds(tmp_path, save, settings, said):
    with pytest.raises(HeadsError, match=said):
        load_folder(save(tmp_path / "m", **settings), title="m")


def test_pictures_and_texts_in_different_spaces_are_refused(tmp_path):
    folder = save_siglip(tmp_path / "m", text={"projection_size": WIDTH - 2})
    with pytest.raises(HeadsError, match="different spaces"):
        load_folder(folder, title="m")


@pytest.mark.parametrize(
    "name",
    ["logit_scale", "logit_bias", "text_model.final_layer_norm.bias", "vision_model.post_layernorm.weight"],
)
def test_a_model_that_does_not_answer_in_numbers_is_refused(tmp_path, name):
    from safetensors.torch import load_file, save_file

    folder = save_siglip(tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    weights[name] = torch.full_like(weights[name], torch.nan if name != "logit_scale" else 1e4)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(HeadsError, match="not finite"):
        load_folder(folder, title="m")


@pytest.mark.parametrize("save", [save_clip, save_siglip])
def test_damaged_files_are_a_sentence_and_pickled_ones_are_never_opened(tmp_path, save):
    folder = save(tmp_path / "m")
    kept = (folder / "tokenizer.json").read_bytes()
    (folder / "tokenizer.json").write_text('{"model": "evil"}', encoding="utf-8")
    with pytest.raises(HeadsError, match="damaged or incomplete"):
        load_folder(folder, title="m")
    (folder / "tokenizer.json").write_bytes(kept)
    assert load_folder(folder, title="m").title == "m"
    transformers_clip._load.cache_clear()
    (folder / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(HeadsError, match="damaged or incomplete"):
        load_folder(folder, title="m")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(HeadsError, match=r"needs config\.json and a \.safetensors file"):
        load_folder(folder, title="m")


def test_a_name_outside_the_list_is_refused_before_anything_is_fetched(monkeypatch):
    monkeypatch.setattr(transformers_models, "_cached_folder", lambda known: pytest.fail("it was looked for"))
    monkeypatch.setattr(transformers_models, "_fetch", lambda known: pytest.fail("it was fetched"))
    with pytest.raises(ModelUnavailable, match="choose from clip-vit-base-patch32, siglip-base-patch16-224"):
        transformers_clip.load_known("evil/repository")


def test_without_a_network_the_known_ones_say_so(monkeypatch):
    def offline(known: KnownModel) -> Path:
        raise ModelUnavailable(f"{known.name} can't be loaded here")

    monkeypatch.setattr(transformers_models, "_cached_folder", lambda known: None)
    monkeypatch.setattr(transformers_models, "_fetch", offline)
    for name in transformers_clip.KNOWN_MODELS:
        with pytest.raises(ModelUnavailable, match=f"{name} can't be loaded here"):
            transformers_clip.load_known(name)


def test_the_known_one_is_loaded_from_where_it_lies_and_needs_safetensors(root, tmp_path, monkeypatch):
    monkeypatch.setattr(transformers_models, "_cached_folder", lambda known: root / "a-clip")
    assert transformers_clip.load_known("clip-vit-base-patch32").title == "clip-vit-base-patch32"
    monkeypatch.setattr(transformers_models, "_cached_folder", lambda known: tmp_path)
    with pytest.raises(ModelUnavailable, match=r"without a \.safetensors file"):
        transformers_clip.load_known("clip-vit-base-patch32")
