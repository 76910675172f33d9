"""SimCLR's models as files: weights in safetensors, the settings that shaped them in the same file's metadata.

A file may come from a stranger. Nothing in it is believed: its size, its header, its settings, the name, type and shape
of each tensor and each number are checked before a model answers from them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.data.pictures import PictureError, PictureSet
from backends.engine.checkpoints import CheckpointError, save_checkpoint, save_tensors
from backends.engine.config import ConfigError
from backends.simclr.config import OWN_PICTURES, SimCLRConfig

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from backends.simclr.data import Split
    from backends.simclr.model import TwoViewModel
    from backends.simclr.trainer import FrozenModel

MODEL_NAME = "model.safetensors"
METHOD, ENCODER = "simclr", "simclr-encoder"
"""What a file says of itself: the whole model, or its encoder alone."""
MAX_FILE_BYTES = 60 << 20
"""The largest model, with a ResNet-18, has 46 MB."""
MAX_HEADER_BYTES = 64 << 10
"""The longest header, that of a ResNet-18, has 15 KB."""
MAX_STEP = 10**7
TRIAL_PICTURES = 8
ODD_NUMBERS = "The file's numbers are so odd that features come out as NaN: bring another one."
NOT_OURS = "The file is not a model of this page: bring the .safetensors file that Take home made."


@dataclass(frozen=True)
class StoredModel:
    """What a file holds.

    Attributes:
        config: of the run that it comes from.
        step: how far the run was.
        model: in evaluation mode.
    """

    config: SimCLRConfig
    step: int
    model: TwoViewModel


def save_model(frozen: FrozenModel, directory: Path, card: Mapping[str, Any] | None = None) -> list[Path]:
    """Write encoder and head as model.safetensors, which `load_model` reads, and a card as model.json.

    Args:
        frozen: the model.
        directory: where to; made if it isn't there.
        card: what the card says; if not given, what `card_of` says.
    """
    card = card_of(frozen) if card is None else card
    return save_checkpoint(directory / MODEL_NAME, _tensors(frozen.model), card, _metadata(METHOD, frozen))


def save_whole(frozen: FrozenModel, path: Path) -> Path:
    """Write encoder and head without a card: one file, which `load_model` reads."""
    return save_tensors(path, _tensors(frozen.model), _metadata(METHOD, frozen))


def save_encoder(frozen: FrozenModel, path: Path) -> Path:
    """Write the encoder alone, under names that a torch module without this project takes; see `encoder_tensors`."""
    return save_tensors(path, encoder_tensors(frozen.config.encoder, frozen.model.encoder), _metadata(ENCODER, frozen))


def card_of(frozen: FrozenModel) -> dict[str, Any]:
    """What a model's card says."""
    train = frozen.split.train
    return {
        "method": METHOD,
        "config": frozen.config.model_dump(),
        "data": {"source": train.source, "licence": train.licence, "pictures": len(train)},
        "step": frozen.step,
        "metrics": {
            **frozen.probed.scores,
            **{f"untrained_{name}": value for name, value in frozen.untrained.scores.items()},
            **{f"pixels_{name}": value for name, value in frozen.pixels.items()},
        },
    }


def encoder_tensors(name: str, encoder: Module) -> dict[str, np.ndarray]:
    """An encoder's tensors, named as in modules that torch and torchvision bring; the notebook builds these.

    The small conv net loads into an `nn.Sequential`, ResNet-18 into torchvision's with two layers changed, and the
    vision transformer into one of `nn.TransformerEncoderLayer`.

    Args:
        name: "conv", "resnet18" or "vit".
        encoder: built as such.
    """
    tensors = _tensors(encoder)
    if name != "vit":
        start = {"conv": "layers.", "resnet18": "net."}[name]
        return {name.removeprefix(start): value for name, value in tensors.items()}
    positions: Tensor = encoder.positions
    return {"positions": positions.cpu().numpy(), **{_torch_name(name): value for name, value in tensors.items()}}


def size_of(frozen: FrozenModel) -> int:
    """Bytes of a model's weights."""
    return sum(value.numel() * value.element_size() for value in frozen.model.state_dict().values())


def load_model(path: Path, device: str = "cpu", *, pictures: PictureSet | None = None) -> FrozenModel:
    """Read a model and probe it on the pictures that its settings name.

    A model of a visitor's own pictures has none here unless they are given: it embeds, and knows no scores.

    Args:
        path: of the .safetensors file; nothing in it is believed.
        device: "cpu", "cuda" or "mps".
        pictures: the visitor's own, for a model of own pictures.

    Raises:
        CheckpointError: the file is missing or refused.
    """
    stored = read_model(path, device)
    split = _split_of(stored.config, pictures)
    try:
        frozen = probed_model(stored, split, device)
    except RuntimeError:  # of the linear probe, where it meets NaN or infinity
        raise CheckpointError(ODD_NUMBERS) from None
    if not np.isfinite(frozen.probed.features).all():
        raise CheckpointError(ODD_NUMBERS)
    return frozen


def read_model(path: Path, device: str = "cpu") -> StoredModel:
    """Read a model alone; `load_model` says more.

    Raises:
        CheckpointError: the file is missing or refused.
    """
    from safetensors import SafetensorError, safe_open

    _check_size(path)
    try:
        with safe_open(path, framework="pt") as file:
            config, step = _read_metadata(file.metadata())
            model = _untrained(config)
            _check_shapes(file, model)
            tensors = {name: file.get_tensor(name) for name in model.state_dict()}
    except (SafetensorError, OSError, UnicodeDecodeError):
        raise CheckpointError(NOT_OURS) from None
    _check_numbers(tensors)
    model.load_state_dict(tensors)
    model = _ready(model, device)
    _check_features(model, int(config.image_size), device)
    return StoredModel(config, step, model)


def probed_model(stored: StoredModel, split: Split, device: str) -> FrozenModel:
    """Probe a stored model, an untrained one of the same seed and the raw pixels, as a run does."""
    from backends.simclr.trainer import FrozenModel, Probed, Prober

    config, step, model = stored.config, stored.step, stored.model
    if not len(split.held_out):
        nothing = Probed(step, np.zeros((0, int(model.encoder.width)), np.float32), {})
        return FrozenModel(config, step, model, split, device, nothing, nothing)
    prober = Prober(split, device)
    untrained = prober.probe(_ready(_untrained(config), device), 0)
    return FrozenModel(config, step, model, split, device, prober.probe(model, step), untrained, prober.pixels())


def _tensors(module: Module) -> dict[str, np.ndarray]:
    return {name: value.contiguous().cpu().numpy() for name, value in module.state_dict().items()}


def _metadata(method: str, frozen: FrozenModel) -> dict[str, str]:
    config = json.dumps(frozen.config.model_dump(), allow_nan=False)
    return {"format": "pt", "method": method, "config": config, "step": str(frozen.step)}


def _torch_name(name: str) -> str:
    """A tensor of the vision transformer, as `nn.TransformerEncoderLayer` calls it."""
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


def _check_size(path: Path) -> None:
    """Before a library opens the file: a header of 60 MB would take far more than that to be read."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise CheckpointError(f"The file has {size >> 20} MB; models have at most {MAX_FILE_BYTES >> 20} MB.")
        with path.open("rb") as file:
            header = int.from_bytes(file.read(8), "little")
    except FileNotFoundError:
        raise CheckpointError(f"{path.name} is missing.") from None
    except OSError:
        raise CheckpointError(NOT_OURS) from None
    if size < 8 or header > min(size - 8, MAX_HEADER_BYTES):
        raise CheckpointError(NOT_OURS)


def _read_metadata(metadata: Mapping[str, str] | None) -> tuple[SimCLRConfig, int]:
    """The settings and the step that a header names."""
    metadata = metadata or {}
    if metadata.get("method") == ENCODER:
        raise CheckpointError("The file holds an encoder without its head, for use elsewhere: bring the whole model.")
    if metadata.get("method") != METHOD:
        raise CheckpointError(NOT_OURS)
    try:
        values = json.loads(metadata.get("config", ""))
        step = int(metadata.get("step", ""))
    except (ValueError, RecursionError):
        raise CheckpointError("The file's settings can't be read: bring the file as Take home made it.") from None
    if not isinstance(values, dict) or not values.keys() <= SimCLRConfig.model_fields.keys():
        raise CheckpointError("The file has settings that this page does not know: bring one that it made itself.")
    if not 0 <= step <= MAX_STEP:
        raise CheckpointError(f"The file's step is out of range: it must be from 0 to {MAX_STEP:,}.")
    return _parsed(values), step


def _parsed(values: Mapping[str, Any]) -> SimCLRConfig:
    """Parse the settings; where several are wrong, the first is named."""
    try:
        for name, value in values.items():
            SimCLRConfig.parse({name: value})
        return SimCLRConfig.parse(values)
    except ConfigError as error:
        raise CheckpointError(f"The file's settings are refused. {error}") from None


def _check_shapes(file: Any, model: TwoViewModel) -> None:
    """Compare the header with the model that the settings describe, before a tensor is read."""
    expected = model.state_dict()
    if set(file.keys()) != expected.keys():
        raise CheckpointError("The file's tensors are not those of the net that its settings describe.")
    for name, value in expected.items():
        found = file.get_slice(name)
        kind = "F32" if value.is_floating_point() else "I64"
        if tuple(found.get_shape()) != tuple(value.shape) or found.get_dtype() != kind:
            raise CheckpointError(
                f"The file's tensor {name} has another shape or type than the net that its settings describe."
            )


def _check_numbers(tensors: Mapping[str, Tensor]) -> None:
    import torch

    for name, value in tensors.items():
        if not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"The file's tensor {name} holds NaN or infinity: take an earlier state home.")


def _check_features(model: TwoViewModel, size: int, device: str) -> None:
    """Finite weights can still make NaN: a negative variance, numbers that overflow. Some pictures show it."""
    import torch

    noise = torch.rand((TRIAL_PICTURES, 3, size, size), generator=torch.Generator().manual_seed(0))
    pictures = torch.cat([noise, noise.round(), torch.zeros(1, 3, size, size), torch.ones(1, 3, size, size)])
    with torch.no_grad():
        projections = model.project(pictures.to(device))
    if not bool(torch.isfinite(projections).all()):
        raise CheckpointError(ODD_NUMBERS)


def _untrained(config: SimCLRConfig) -> TwoViewModel:
    """The model that a run with these settings starts from."""
    from backends.nets.seeded import seeded
    from backends.simclr.model import TwoViewModel

    with seeded(config.seed):
        return TwoViewModel(config)


def _ready(model: TwoViewModel, device: str) -> TwoViewModel:
    import torch

    return model.to(device, memory_format=torch.channels_last).eval()


def _split_of(config: SimCLRConfig, pictures: PictureSet | None) -> Split:
    from backends.simclr.data import Split, load_split

    if config.data == OWN_PICTURES and pictures is None:
        none = _no_pictures(int(config.image_size))
        return Split(none, none)
    try:
        return load_split(config, pictures)
    except PictureError as error:
        raise CheckpointError(str(error)) from None


def _no_pictures(size: int) -> PictureSet:
    return PictureSet(
        name=OWN_PICTURES,
        images=np.zeros((0, size, size, 3), np.uint8),
        factors={},
        names=(),
        source="Pictures that whoever trained the model had; they are not here.",
        licence="unknown",
    )
