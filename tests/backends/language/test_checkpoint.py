"""Files answer as the run did; strange ones are refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from backends.engine.checkpoints import CheckpointError, load_checkpoint, save_tensors
from backends.language.checkpoint import TOKENIZER, load_model, save_whole, tensors_of
from backends.language.config import BERTConfig
from backends.language.use import sentence_vectors
from tests.backends.language.conftest import CONFIGS

SENTENCES = ["violin chord tempo", "🙂 something else"]


@pytest.mark.parametrize("method", CONFIGS)
def test_a_file_answers_as_the_run_did(method, trained, tmp_path: Path):
    written = trained[method].save(tmp_path)
    assert [path.name for path in written] == ["model.safetensors", "model.json"]
    loaded, frozen = load_model(written[0]), trained[method].freeze()
    assert np.allclose(sentence_vectors(loaded, SENTENCES), sentence_vectors(frozen, SENTENCES), atol=1e-5)
    assert loaded.config == frozen.config
    assert loaded.step == frozen.step
    assert loaded.tokenizer.merges == frozen.tokenizer.merges
    assert loaded.text is None
    _, card = load_checkpoint(written[0])
    assert card["method"] == method
    assert load_model(written[0], method=method).step == loaded.step


def test_another_method_is_refused_by_name(trained, tmp_path: Path):
    path = save_whole(trained["bert"].freeze(), tmp_path / "bert.safetensors")
    with pytest.raises(CheckpointError, match="holds a BERT; bring a GPT"):
        load_model(path, method="gpt")


def rewritten(trained, path: Path, tensors=None, **metadata: str) -> Path:
    """A BERT's file with something changed."""
    frozen = trained["bert"].freeze()
    told = {"method": "bert", "config": json.dumps(frozen.config.model_dump()), "step": "3", **metadata}
    return save_tensors(path, {**tensors_of(frozen), **(tensors or {})}, told)


def test_cut_and_strange_tokenizers_are_refused(trained, tmp_path: Path):
    path = tmp_path / "strange.safetensors"
    assert load_model(rewritten(trained, path)).step == 3
    whole = json.loads(trained["bert"].tokenizer.to_json())
    cut = {"merges": whole["merges"][:-5]}
    more = {"merges": [*whole["merges"], ["a", "b"], ["a", "c"]]}
    swapped = {"merges": whole["merges"][::-1]}
    texts = ["", "[]", "{}", trained["bert"].tokenizer.to_json()[:-9], *map(json.dumps, (cut, more, swapped))]
    for text in texts:
        tokens = np.frombuffer(text.encode() or b" ", np.uint8)
        with pytest.raises(CheckpointError):
            load_model(rewritten(trained, path, {TOKENIZER: tokens}))


def test_strange_files_are_refused(trained, tmp_path: Path):
    with pytest.raises(CheckpointError, match="missing"):
        load_model(tmp_path / "missing.safetensors")
    path = tmp_path / "strange.safetensors"
    path.write_bytes(b"hello" * 100)
    with pytest.raises(CheckpointError):
        load_model(path)
    bias = tensors_of(trained["bert"].freeze())["embedding.bias"]
    huge = tensors_of(trained["bert"].freeze())["stack.norm.weight"] * np.float32(1e38)
    for tensors, metadata, sentence in (
        ({"embedding.bias": bias * np.nan}, {}, "NaN"),
        ({"embedding.bias": bias[:-1]}, {}, "another shape"),
        ({"stack.norm.weight": huge, "embedding.tokens.weight": None}, {}, "odd"),
        ({"extra": bias}, {}, "not those of the net"),
        ({}, {"method": "clip"}, "not a model of this page"),
        ({}, {"method": "gpt"}, "settings that this page does not know|not those"),
        ({}, {"config": "[" * 9_000}, "settings can't be read"),
        ({}, {"config": json.dumps({"width": "4096"})}, "refused"),
        ({}, {"config": json.dumps({**BERTConfig().model_dump(), "vocabulary": 8_192})}, "another shape|not those"),
        ({}, {"step": "-1"}, "out of range"),
    ):
        kept = {name: value for name, value in tensors.items() if value is not None}
        if len(kept) < len(tensors):
            kept["embedding.tokens.weight"] = tensors_of(trained["bert"].freeze())["embedding.tokens.weight"] * 100
        with pytest.raises(CheckpointError, match=sentence):
            load_model(rewritten(trained, path, kept, **metadata))
