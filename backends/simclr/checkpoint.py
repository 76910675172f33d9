"""SimCLR's models as files; `backends.engine.model_files` says what is checked in one that a stranger brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.data.pictures import PictureError, PictureSet
from backends.engine.checkpoints import CheckpointError, save_checkpoint, save_tensors
from backends.engine.model_files import (
    MODEL_NAME,
    ODD_NUMBERS,
    ModelKind,
    arrays_of,
    bytes_of,
    metadata_of,
    read_weights,
    torch_name,
    trial_pictures,
)
from backends.simclr.config import OWN_PICTURES, SimCLRConfig

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from backends.data.splits import Split
    from backends.simclr.model import TwoViewModel
    from backends.simclr.trainer import FrozenModel

METHOD, ENCODER = "simclr", "simclr-encoder"
"""What a file says of itself: the whole model, or its encoder alone."""
MAX_FILE_BYTES = 60 << 20
"""The largest model, with a ResNet-18, has 46 MB."""


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
    return save_checkpoint(directory / MODEL_NAME, arrays_of(frozen.model), card, _metadata(METHOD, frozen))


def save_whole(frozen: FrozenModel, path: Path) -> Path:
    """Write encoder and head without a card: one file, which `load_model` reads."""
    return save_tensors(path, arrays_of(frozen.model), _metadata(METHOD, frozen))


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
    tensors = arrays_of(encoder)
    if name != "vit":
        start = {"conv": "layers.", "resnet18": "net."}[name]
        return {name.removeprefix(start): value for name, value in tensors.items()}
    positions: Tensor = encoder.positions
    return {"positions": positions.cpu().numpy(), **{torch_name(name): value for name, value in tensors.items()}}


def size_of(frozen: FrozenModel) -> int:
    """Bytes of a model's weights."""
    return bytes_of(frozen.model)


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
    config, step, read = read_weights(path, _kind())
    model = _ready(read, device)
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


def _metadata(method: str, frozen: FrozenModel) -> dict[str, str]:
    return metadata_of(method, frozen.config, frozen.step)


def _kind() -> ModelKind[SimCLRConfig]:
    return ModelKind(
        method=METHOD,
        part=ENCODER,
        part_sentence="The file holds an encoder without its head, for use elsewhere: bring the whole model.",
        config=SimCLRConfig,
        build=_untrained,
        max_bytes=MAX_FILE_BYTES,
    )


def _check_features(model: TwoViewModel, size: int, device: str) -> None:
    import torch

    with torch.no_grad():
        projections = model.project(trial_pictures(size).to(device))
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
    from backends.data.splits import load_split, no_pictures

    if config.data == OWN_PICTURES and pictures is None:
        return no_pictures(int(config.image_size))
    try:
        return load_split(config.data, int(config.image_size), pictures, config.shortcut)
    except PictureError as error:
        raise CheckpointError(str(error)) from None
