"""Masked autoencoders as files; `backends.engine.model_files` says what is checked in one that a stranger brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
from backends.mae.config import OWN_PICTURES, MAEConfig

if TYPE_CHECKING:
    from torch import Tensor

    from backends.analysis.prober import PictureProber, Probed
    from backends.data.splits import Split
    from backends.mae.model import MaskedAutoencoder
    from backends.mae.trainer import FrozenMAE

METHOD, ENCODER = "mae", "mae-encoder"
"""What a file says of itself: the whole model, or its encoder alone."""
MAX_FILE_BYTES = 20 << 20
"""The largest model, six blocks of width 192 and four of 128 over patches of 16 pixels, has 15 MB."""


MANY_PATCHES = 256
"""With more of them a trial picture takes seconds in the largest models, so few are tried."""


@dataclass(frozen=True)
class StoredModel:
    """What a file holds.

    Attributes:
        config: of the run that it comes from.
        step: how far the run was.
        model: in evaluation mode.
    """

    config: MAEConfig
    step: int
    model: MaskedAutoencoder


def save_model(
    frozen: FrozenMAE, directory: Path, card: Mapping[str, Any] | None = None, *, name: str = MODEL_NAME
) -> list[Path]:
    """Write encoder and decoder as a .safetensors file, which `load_model` reads, and a card beside it.

    Args:
        frozen: the model.
        directory: where to; made if it isn't there.
        card: what the card says; if not given, what `card_of` says.
        name: of the file.
    """
    card = card_of(frozen) if card is None else card
    return save_checkpoint(directory / name, arrays_of(frozen.model), card, _metadata(METHOD, frozen))


def save_whole(frozen: FrozenMAE, path: Path) -> Path:
    """Write encoder and decoder without a card: one file, which `load_model` reads."""
    return save_tensors(path, arrays_of(frozen.model), _metadata(METHOD, frozen))


def save_encoder(frozen: FrozenMAE, path: Path) -> Path:
    """Write the encoder alone, under names that a torch module without this project takes; see `encoder_tensors`."""
    return save_tensors(path, encoder_tensors(frozen.model), _metadata(ENCODER, frozen))


def card_of(frozen: FrozenMAE) -> dict[str, Any]:
    """What a model's card says; its errors on held-out pictures are measured anew."""
    train = frozen.split.train
    return {
        "method": METHOD,
        "config": frozen.config.model_dump(),
        "data": {"source": train.source, "licence": train.licence, "pictures": len(train)},
        "step": frozen.step,
        "metrics": {
            **_errors(frozen),
            **frozen.probed.scores,
            **{f"untrained_{name}": value for name, value in frozen.untrained.scores.items()},
            **{f"pixels_{name}": value for name, value in frozen.pixels.items()},
        },
    }


def encoder_tensors(model: MaskedAutoencoder) -> dict[str, np.ndarray]:
    """The encoder's tensors, named as in a module of `nn.TransformerEncoderLayer`; the notebook builds it.

    They are embedding (a linear layer over a patch's pixels, row by row, colours innermost), positions, blocks, norm.
    """
    tensors = {"positions": model.positions.cpu().contiguous().numpy()}
    for name, value in arrays_of(model).items():
        if name.startswith("embedding."):
            tensors[name] = value
        elif name.startswith("encoder."):
            tensors[torch_name(name.removeprefix("encoder."))] = value
    return tensors


def size_of(frozen: FrozenMAE) -> int:
    """Bytes of a model's weights."""
    return bytes_of(frozen.model)


def load_model(path: Path, device: str = "cpu", *, pictures: PictureSet | None = None) -> FrozenMAE:
    """Read a model and probe it on the pictures that its settings name.

    A model of a visitor's own pictures has none here unless they are given: it paints, and knows no scores.

    Args:
        path: of the .safetensors file; nothing in it is believed.
        device: "cpu", "cuda" or "mps".
        pictures: the visitor's own, for a model of own pictures.

    Raises:
        CheckpointError: the file is missing or refused.
    """
    stored = read_model(path, device)
    split = split_of(stored.config, pictures)
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
    model: MaskedAutoencoder = read.to(device).eval()
    _check_painting(model, int(config.image_size), device)
    return StoredModel(config, step, model)


def probed_model(stored: StoredModel, split: Split, device: str) -> FrozenMAE:
    """Probe a stored model, an untrained one of the same seed and the raw pixels, as a run does; there is no film."""
    from backends.analysis.prober import Probed
    from backends.mae.trainer import FrozenMAE, prober_of

    config, step = stored.config, stored.step
    nothing = Probed(step, np.zeros((0, int(config.width)), np.float32), {})
    frozen = FrozenMAE(config, step, stored.model, split, device, nothing, nothing)
    if not len(split.held_out):
        return frozen
    start = replace(frozen, step=0, model=untrained(config).to(device).eval())
    prober = prober_of(config, split, device)
    now, before = _probe(prober, frozen), _probe(prober, start)
    return replace(frozen, probed=now, untrained=before, pixels=prober.pixels())


def untrained(config: MAEConfig) -> MaskedAutoencoder:
    """The model that a run with these settings starts from."""
    from backends.mae.model import MaskedAutoencoder
    from backends.nets.seeded import seeded

    with seeded(config.seed):
        return MaskedAutoencoder(config)


def split_of(config: MAEConfig, pictures: PictureSet | None = None) -> Split:
    """The pictures of a model; of own pictures that are not here, none.

    Raises:
        CheckpointError: there are too few own pictures.
    """
    from backends.data.splits import load_split, no_pictures

    size = int(config.image_size)
    if config.data == OWN_PICTURES and pictures is None:
        return no_pictures(size)
    try:
        return load_split(config.data, size, pictures)
    except PictureError as error:
        raise CheckpointError(str(error)) from None


def _probe(prober: PictureProber, frozen: FrozenMAE) -> Probed:
    import torch

    def embed(images: Tensor) -> Tensor:
        return torch.from_numpy(frozen.embed(images.permute(0, 2, 3, 1).cpu().numpy()))

    return prober.probe_features(embed, frozen.step)


def _errors(frozen: FrozenMAE) -> dict[str, float]:
    """masked_error, visible_mean_error and error_ratio on held-out pictures; nothing where these are not here."""
    from backends.mae.trainer import MOST_ERROR_PICTURES, HeldOut

    if not len(frozen.split.held_out):
        return {}
    held_out = HeldOut(frozen.config, frozen.split, frozen.device)
    measured = held_out.measure(frozen.model, MOST_ERROR_PICTURES)
    return {name: value for name, value in measured.items() if np.isfinite(value)}


def _metadata(method: str, frozen: FrozenMAE) -> dict[str, str]:
    return metadata_of(method, frozen.config, frozen.step)


def _kind() -> ModelKind[MAEConfig]:
    return ModelKind(
        method=METHOD,
        part=ENCODER,
        part_sentence="The file holds an encoder without its decoder, for use elsewhere: bring the whole model.",
        config=MAEConfig,
        build=untrained,
        max_bytes=MAX_FILE_BYTES,
    )


def _check_painting(model: MaskedAutoencoder, size: int, device: str) -> None:
    """Trial pictures with nothing, every second patch and everything hidden must come out as numbers."""
    import torch

    pictures = trial_pictures(size).to(device)
    if model.side**2 > MANY_PATCHES:
        pictures = pictures[[0, -3, -2, -1]]  # one of each kind
    places = torch.arange(model.side**2, device=device)
    with torch.no_grad():
        patches = model.cut(pictures)
        outputs = [model.features(pictures)]
        for hidden in (places < 0, places % 2 == 0, places >= 0):
            outputs.append(model(patches, hidden.expand(len(patches), -1)))
    if not all(bool(torch.isfinite(output).all()) for output in outputs):
        raise CheckpointError(ODD_NUMBERS)
