"""Trained models as files: weights in safetensors, the settings that shaped them in the same file's metadata.

A file may come from a stranger. Nothing in it is believed: its size, its header, its settings, the name, type and shape
of each tensor and each number are checked before a model answers from them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from backends.engine.checkpoints import MAX_CARD_BYTES, CheckpointError
from backends.engine.config import ConfigError, MethodConfig

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

MODEL_NAME = "model.safetensors"
MAX_HEADER_BYTES = 64 << 10
"""The longest header, that of a ResNet-18, has 15 KB."""
MAX_STEP = 10**7
TRIAL_PICTURES = 8
ODD_NUMBERS = "The file's numbers are so odd that features come out as NaN: bring another one."
NOT_OURS = "The file is not a model of this page: bring the .safetensors file that Take home made."

ConfigT = TypeVar("ConfigT", bound=MethodConfig)


@dataclass(frozen=True)
class ModelKind(Generic[ConfigT]):
    """What a method's files look like.

    Attributes:
        method: what a whole model's file says of itself.
        part: what the file of a part says of itself.
        part_sentence: why a part is not enough.
        config: of the method's runs.
        build: makes the untrained model that a config describes.
        max_bytes: of the largest file.
        texts: names of the file's texts, such as a tokenizer; `read_text` reads them.
    """

    method: str
    part: str
    part_sentence: str
    config: type[ConfigT]
    build: Callable[[ConfigT], Module]
    max_bytes: int
    texts: tuple[str, ...] = ()


def read_text(path: Path, name: str, kind: ModelKind[ConfigT], most: int) -> str:
    """Read a text that stands among a model's tensors, as bytes of UTF-8; `text_tensor` makes one.

    Args:
        path: of the .safetensors file; nothing in it is believed.
        name: of the text.
        kind: what the file must be.
        most: bytes.

    Raises:
        CheckpointError: the file or the text is missing or refused.
    """
    from safetensors import SafetensorError, safe_open

    _check_size(path, kind.max_bytes)
    try:
        with safe_open(path, framework="numpy") as file:
            if name not in file.keys():  # noqa: SIM118 - a file is no dictionary
                raise CheckpointError(NOT_OURS)
            found = file.get_slice(name)
            shape = found.get_shape()
            if found.get_dtype() != "U8" or len(shape) != 1 or shape[0] > most:
                raise CheckpointError(f"The file's {name} is longer than one can be, or no text.")
            return bytes(file.get_tensor(name)).decode("utf-8")
    except (SafetensorError, OSError, UnicodeDecodeError):
        raise CheckpointError(NOT_OURS) from None


def text_tensor(text: str) -> np.ndarray:
    """A text as (n,) uint8, to stand among a model's tensors."""
    return np.frombuffer(text.encode("utf-8"), np.uint8)


def read_weights(path: Path, kind: ModelKind[ConfigT]) -> tuple[ConfigT, int, Any]:
    """Read a model that a file holds, on the CPU: its settings, its step and the net with its weights.

    Args:
        path: of the .safetensors file; nothing in it is believed.
        kind: what it must be.

    Raises:
        CheckpointError: the file is missing or refused.
    """
    from safetensors import SafetensorError, safe_open

    _check_size(path, kind.max_bytes)
    try:
        with safe_open(path, framework="pt") as file:
            config, step = _read_metadata(file.metadata(), kind)
            model = kind.build(config)
            _check_shapes(file, model, kind.texts)
            tensors = {name: file.get_tensor(name) for name in model.state_dict()}
    except (SafetensorError, OSError, UnicodeDecodeError):
        raise CheckpointError(NOT_OURS) from None
    check_numbers(tensors)
    model.load_state_dict(tensors)
    return config, step, model


def method_of(path: Path, max_bytes: int) -> str:
    """What a file says that it holds, where several kinds would do: a method, or a part of one; "" if nothing.

    Args:
        path: of the .safetensors file; nothing in it is believed.
        max_bytes: of the largest file of these kinds.

    Raises:
        CheckpointError: the file is missing, too large, or no such file at all.
    """
    from safetensors import SafetensorError, safe_open

    _check_size(path, max_bytes)
    try:
        with safe_open(path, framework="numpy") as file:
            return str((file.metadata() or {}).get("method", ""))
    except (SafetensorError, OSError, UnicodeDecodeError):
        raise CheckpointError(NOT_OURS) from None


def check_numbers(tensors: Mapping[str, Tensor]) -> None:
    """Refuse NaN and infinity.

    Raises:
        CheckpointError: a tensor holds one; it is named.
    """
    import torch

    for name, value in tensors.items():
        if not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"The file's tensor {name} holds NaN or infinity: take an earlier state home.")


def metadata_of(method: str, config: MethodConfig, step: int) -> dict[str, str]:
    """What a file's header says of its model; `read_weights` reads it."""
    return {
        "format": "pt",
        "method": method,
        "config": json.dumps(config.model_dump(), allow_nan=False),
        "step": str(step),
    }


def arrays_of(module: Module) -> dict[str, np.ndarray]:
    """A net's tensors on the CPU, by name."""
    return {name: value.contiguous().cpu().numpy() for name, value in module.state_dict().items()}


def bytes_of(module: Module) -> int:
    """Bytes of a net's weights."""
    return sum(value.numel() * value.element_size() for value in module.state_dict().values())


def torch_name(name: str) -> str:
    """A tensor of a `backends.nets.transformer.Block`, as `nn.TransformerEncoderLayer` calls it."""
    for ours, theirs in (
        ("attention.qkv.", "self_attn.in_proj_"),
        ("attention.out.", "self_attn.out_proj."),
        ("norm_attention.", "norm1."),
        ("norm_mlp.", "norm2."),
        ("mlp.0.", "linear1."),
        ("mlp.2.", "linear2."),
    ):
        name = name.replace(f".{ours}", f".{theirs}")
    return name


def trial_pictures(size: int) -> Tensor:
    """Noise, its black-and-white version, black and white: (2 · 8 + 2, 3, size, size) in [0, 1].

    Finite weights can still make NaN: a negative variance, numbers that overflow. Some pictures show it.
    """
    import torch

    noise = torch.rand((TRIAL_PICTURES, 3, size, size), generator=torch.Generator().manual_seed(0))
    return torch.cat([noise, noise.round(), torch.zeros(1, 3, size, size), torch.ones(1, 3, size, size)])


def read_card(path: Path, name: str, missing: str) -> dict[str, Any]:
    """Read the card of a shipped model: JSON with `origin`, a sentence, and `metrics`.

    Args:
        path: of the card.
        name: of the model, as messages call it.
        missing: the file, as messages call it.

    Raises:
        CheckpointError: it is missing, too large or damaged.
    """
    try:
        if path.stat().st_size > MAX_CARD_BYTES:
            raise CheckpointError(f"The card of {name} is larger than a card may be.")
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{missing} is missing.") from None
    except CheckpointError:
        raise
    except ValueError:
        raise CheckpointError(f"The card of {name} is damaged.") from None
    if not isinstance(card, dict) or not isinstance(card.get("metrics"), dict) or "origin" not in card:
        raise CheckpointError(f"The card of {name} is damaged.")
    return card


def card_scores(metrics: Mapping[str, float], start: str) -> dict[str, float]:
    """Those of a card's probes whose names begin so ("", "untrained_" or "pixels_"), without that beginning."""
    kinds = (f"{start}knn_", f"{start}linear_")
    return {name.removeprefix(start): value for name, value in metrics.items() if name.startswith(kinds)}


def _check_size(path: Path, max_bytes: int) -> None:
    """Before a library opens the file: a header of 60 MB would take far more than that to be read."""
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise CheckpointError(f"The file has {size >> 20} MB; models have at most {max_bytes >> 20} MB.")
        with path.open("rb") as file:
            header = int.from_bytes(file.read(8), "little")
    except FileNotFoundError:
        raise CheckpointError(f"{path.name} is missing.") from None
    except OSError:
        raise CheckpointError(NOT_OURS) from None
    if size < 8 or header > min(size - 8, MAX_HEADER_BYTES):
        raise CheckpointError(NOT_OURS)


def _read_metadata(metadata: Mapping[str, str] | None, kind: ModelKind[ConfigT]) -> tuple[ConfigT, int]:
    """The settings and the step that a header names."""
    metadata = metadata or {}
    if metadata.get("method") == kind.part:
        raise CheckpointError(kind.part_sentence)
    if metadata.get("method") != kind.method:
        raise CheckpointError(NOT_OURS)
    try:
        values = json.loads(metadata.get("config", ""))
        step = int(metadata.get("step", ""))
    except (ValueError, RecursionError):
        raise CheckpointError("The file's settings can't be read: bring the file as Take home made it.") from None
    if not isinstance(values, dict) or not values.keys() <= kind.config.model_fields.keys():
        raise CheckpointError("The file has settings that this page does not know: bring one that it made itself.")
    if not 0 <= step <= MAX_STEP:
        raise CheckpointError(f"The file's step is out of range: it must be from 0 to {MAX_STEP:,}.")
    return _parsed(values, kind.config), step


def _parsed(values: Mapping[str, Any], config: type[ConfigT]) -> ConfigT:
    """Parse the settings; where several are wrong, one is named."""
    try:
        return config.parse(values)
    except ConfigError as error:
        every = str(error)
    for name, value in values.items():
        try:
            config.parse({name: value})
        except ConfigError as error:
            if str(error) in every:
                every = str(error)
                break
    raise CheckpointError(f"The file's settings are refused. {every}")


def _check_shapes(file: Any, model: Module, texts: tuple[str, ...]) -> None:
    """Compare the header with the model that the settings describe, before a tensor is read."""
    expected = model.state_dict()
    if set(file.keys()) - set(texts) != expected.keys():
        raise CheckpointError("The file's tensors are not those of the net that its settings describe.")
    for name, value in expected.items():
        found = file.get_slice(name)
        kind = "F32" if value.is_floating_point() else "I64"
        if tuple(found.get_shape()) != tuple(value.shape) or found.get_dtype() != kind:
            raise CheckpointError(
                f"The file's tensor {name} has another shape or type than the net that its settings describe."
            )
