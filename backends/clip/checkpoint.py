"""CLIP models as files; `backends.engine.model_files` says what is checked in one that a stranger brings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.clip.config import CLIPConfig
from backends.clip.tokens import LONGEST, VOCABULARY, CaptionTokenizer
from backends.data.pictures import PictureError
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
    trial_pictures,
)

if TYPE_CHECKING:
    from backends.clip.model import CLIPModel
    from backends.clip.pairs import Pairs
    from backends.clip.trainer import FrozenCLIP
    from backends.data.pictures import PictureSet

METHOD = "clip"
TOKENIZER = "tokenizer"
MAX_FILE_BYTES = 20 << 20
"""The largest model, six blocks deep, has 8 MB."""
MAX_TOKENIZER_BYTES = 2 << 20
MAX_KNOWN_WORDS = 100_000


def save_model(frozen: FrozenCLIP, directory: Path, card: Mapping[str, Any]) -> list[Path]:
    """Write both encoders and the tokenizer as model.safetensors, which `load_model` reads, and a card beside it."""
    return save_checkpoint(directory / MODEL_NAME, tensors_of(frozen), card, _metadata(frozen))


def save_whole(frozen: FrozenCLIP, path: Path) -> Path:
    """Write the same file without a card."""
    return save_tensors(path, tensors_of(frozen), _metadata(frozen))


def tensors_of(frozen: FrozenCLIP) -> dict[str, Any]:
    """What goes into a file: the weights, and the tokenizer as bytes."""
    told = {"tokenizer": frozen.tokenizer.to_json(), "known": sorted(frozen.tokenizer.known)}
    return {**arrays_of(frozen.model), TOKENIZER: text_tensor(json.dumps(told))}


def size_of(frozen: FrozenCLIP) -> int:
    """Bytes of a model's weights."""
    return sum(tensor.numel() * tensor.element_size() for tensor in frozen.model.state_dict().values())


def load_model(path: Path, device: str = "cpu", *, pictures: PictureSet | None = None) -> FrozenCLIP:
    """Read a model, and the data of its run where they are here.

    Args:
        path: of the .safetensors file; nothing in it is believed.
        device: "cpu", "cuda" or "mps".
        pictures: the visitor's own; a model of own pictures has none without them.

    Raises:
        CheckpointError: the file is missing or refused.
    """
    import torch

    from backends.clip.trainer import FrozenCLIP

    tokenizer = _read_tokenizer(path)
    config, step, model = read_weights(path, _kind(tokenizer))
    model = model.to(device, memory_format=torch.channels_last).eval()
    with torch.no_grad():
        seen = model.embed_images(trial_pictures(int(config.image_size)).to(device))
        texts = model.embed_texts(torch.from_numpy(tokenizer.encode(["a picture", "something else"])).to(device))
        finite = torch.isfinite(seen).all() and torch.isfinite(texts).all() and torch.isfinite(model.scale)
    if not bool(finite):
        raise CheckpointError(ODD_NUMBERS)
    return FrozenCLIP(config, step, model, tokenizer, _pairs_of(config, pictures), device, {})


def _pairs_of(config: CLIPConfig, pictures: PictureSet | None) -> Pairs | None:
    from backends.clip.pairs import load_pairs

    try:
        return load_pairs(config.data, int(config.image_size), pictures)
    except PictureError:
        return None


def _metadata(frozen: FrozenCLIP) -> dict[str, str]:
    return metadata_of(METHOD, frozen.config, frozen.step)


def _kind(tokenizer: CaptionTokenizer | None) -> ModelKind[CLIPConfig]:
    return ModelKind(
        method=METHOD,
        part="clip-encoder",
        part_sentence="The file holds one encoder of two: bring the whole model.",
        config=CLIPConfig,
        build=partial(_untrained, tokenizer),
        max_bytes=MAX_FILE_BYTES,
        texts=(TOKENIZER,),
    )


def _untrained(tokenizer: CaptionTokenizer | None, config: CLIPConfig) -> CLIPModel:
    from backends.clip.model import CLIPModel
    from backends.nets.seeded import seeded

    assert tokenizer is not None
    with seeded(config.seed):
        return CLIPModel(config, len(tokenizer))


def _read_tokenizer(path: Path) -> CaptionTokenizer:
    """Read the tokenizer, and see that it makes only numbers that the model has vectors for."""
    text = read_text(path, TOKENIZER, _kind(None), MAX_TOKENIZER_BYTES)
    try:
        told = json.loads(text)
        known = told["known"]
        if not isinstance(known, list) or len(known) > MAX_KNOWN_WORDS or not all(isinstance(w, str) for w in known):
            raise CheckpointError(NOT_OURS)
        tokenizer = CaptionTokenizer.from_json(told["tokenizer"], known)
        if len(tokenizer) > VOCABULARY + 64:
            raise CheckpointError("The file's tokenizer has more pieces than one of captions can have.")
        ids = tokenizer.encode(["a picture of something", *known[:200]])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(NOT_OURS) from None
    if ids.shape[1] > LONGEST or not 0 <= ids.min() <= ids.max() < len(tokenizer):
        raise CheckpointError(NOT_OURS)
    return tokenizer
