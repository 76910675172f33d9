"""Language models as files; `backends.engine.model_files` says what is checked in one that a stranger brings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.engine.checkpoints import CheckpointError, save_checkpoint, save_tensors
from backends.engine.model_files import (
    MODEL_NAME,
    NOT_OURS,
    ODD_NUMBERS,
    ModelKind,
    arrays_of,
    metadata_of,
    read_text,
    read_weights,
    text_tensor,
)
from backends.language.config import CONFIGS, METHOD_OF, TITLES, LanguageConfig
from backends.language.tokens import FIRST_ORDINARY, START_ID, TextTokenizer

if TYPE_CHECKING:
    from backends.language.model import LanguageModel
    from backends.language.trainer import FrozenLanguage

TOKENIZER = "tokenizer"
MAX_FILE_BYTES = 80 << 20
"""The largest model, a T5 of eight blocks and width 256, has 70 MB."""
MAX_TOKENIZER_BYTES = 1 << 20


def save_model(frozen: FrozenLanguage, directory: Path, card: Mapping[str, Any]) -> list[Path]:
    """Write the model and its tokenizer as model.safetensors, which `load_model` reads, and a card beside it."""
    return save_checkpoint(directory / MODEL_NAME, tensors_of(frozen), card, _metadata(frozen))


def save_whole(frozen: FrozenLanguage, path: Path) -> Path:
    """Write the same file without a card."""
    return save_tensors(path, tensors_of(frozen), _metadata(frozen))


def tensors_of(frozen: FrozenLanguage) -> dict[str, Any]:
    """What goes into a file: the weights, and the tokenizer as bytes."""
    return {**arrays_of(frozen.model), TOKENIZER: text_tensor(frozen.tokenizer.to_json())}


def load_model(path: Path, device: str = "cpu", *, method: str | None = None) -> FrozenLanguage:
    """Read a model; the text of its run is not read with it.

    Args:
        path: of the .safetensors file; nothing in it is believed.
        device: "cpu", "cuda" or "mps".
        method: "bert", "t5" or "gpt"; None takes any of them.

    Raises:
        CheckpointError: the file is missing or refused.
    """
    import torch

    from backends.language.model import features
    from backends.language.trainer import FrozenLanguage

    tokenizer = _read_tokenizer(path)
    found = _method_of(path)
    if method is not None and found != method:
        raise CheckpointError(f"The file holds a {TITLES[found]}; bring a {TITLES.get(method, method)}.")
    config, step, model = read_weights(path, _kind(found, tokenizer))
    model = model.to(device).eval()
    trial = torch.arange(len(tokenizer), device=device).split(config.length)
    with torch.no_grad():
        finite = all(bool(torch.isfinite(_trial_logits(model, features, part[None])).all()) for part in trial)
    if not finite:
        raise CheckpointError(ODD_NUMBERS)
    return FrozenLanguage(config, step, model, tokenizer, device, {})


def _trial_logits(model: LanguageModel, features: Any, tokens: Any) -> Any:
    """Scores over all tokens of a model, so that finite weights that overflow are seen."""
    import torch

    start = torch.full_like(tokens[:, :1], START_ID)
    if hasattr(model, "decode"):
        return model.decode(start, features(model, tokens))
    return model.embedding.logits(features(model, tokens))


def _metadata(frozen: FrozenLanguage) -> dict[str, str]:
    return metadata_of(METHOD_OF[type(frozen.config)], frozen.config, frozen.step)


def _kind(method: str, tokenizer: TextTokenizer | None) -> ModelKind[Any]:
    return ModelKind(
        method=method,
        part=f"{method}-encoder",
        part_sentence="The file holds a part of a model only: bring the whole one.",
        config=CONFIGS[method],
        build=partial(_untrained, tokenizer),
        max_bytes=MAX_FILE_BYTES,
        texts=(TOKENIZER,),
    )


def _untrained(tokenizer: TextTokenizer | None, config: LanguageConfig) -> LanguageModel:
    from backends.language.model import build

    assert tokenizer is not None
    if len(tokenizer) > config.vocabulary:
        raise CheckpointError("The file's tokenizer has more tokens than its settings allow.")
    return build(config, len(tokenizer))


def _method_of(path: Path) -> str:
    """Which of the three a file says it is; `read_text` has checked the header's size."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            method = (file.metadata() or {}).get("method", "")
    except (SafetensorError, OSError, UnicodeDecodeError):
        raise CheckpointError(NOT_OURS) from None
    if method not in CONFIGS:
        raise CheckpointError(NOT_OURS)
    return method


def _read_tokenizer(path: Path) -> TextTokenizer:
    """Read the tokenizer, whose numbers are all that the model needs vectors for."""
    text = read_text(path, TOKENIZER, _kind("bert", None), MAX_TOKENIZER_BYTES)
    try:
        tokenizer = TextTokenizer.from_json(text)
    except ValueError:
        raise CheckpointError(NOT_OURS) from None
    if len(tokenizer) < FIRST_ORDINARY:
        raise CheckpointError(NOT_OURS)
    return tokenizer
