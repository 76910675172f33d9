"""Nets of pretext tasks as files; `backends.engine.model_files` says what is checked in one that a stranger brings."""

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
    NOT_OURS,
    ODD_NUMBERS,
    ModelKind,
    arrays_of,
    bytes_of,
    metadata_of,
    method_of,
    read_weights,
    trial_pictures,
)
from backends.pretext.config import (
    CONFIGS,
    OWN_PICTURES,
    PretextConfig,
    task_of,
)

if TYPE_CHECKING:
    from backends.data.splits import Split
    from backends.pretext.frozen import Frozen
    from backends.pretext.model import PretextModel

ENCODER = "-encoder"
"""Behind a method's name: what the file of an encoder alone says of itself."""
MAX_FILE_BYTES = 64 << 20
"""The largest net, an inpainting one with a ResNet-18, has 54 MB."""


@dataclass(frozen=True)
class StoredModel:
    """What a file holds.

    Attributes:
        config: of the run that it comes from.
        step: how far the run was.
        model: in evaluation mode.
    """

    config: PretextConfig
    step: int
    model: PretextModel


def save_model(
    frozen: Frozen, directory: Path, card: Mapping[str, Any] | None = None, *, name: str = MODEL_NAME
) -> list[Path]:
    """Write the whole net as a .safetensors file, which `load_model` reads, and a card beside it.

    Args:
        frozen: the model.
        directory: where to; made if it isn't there.
        card: what the card says; if not given, what `card_of` says.
        name: of the file.
    """
    card = card_of(frozen) if card is None else card
    return save_checkpoint(directory / name, arrays_of(frozen.model), card, _metadata("", frozen))


def save_whole(frozen: Frozen, path: Path) -> Path:
    """Write the whole net without a card: one file, which `load_model` reads."""
    return save_tensors(path, arrays_of(frozen.model), _metadata("", frozen))


def save_encoder(frozen: Frozen, path: Path) -> Path:
    """Write the encoder alone, under names that a torch module without this project takes.

    They are those of `backends.simclr.checkpoint.encoder_tensors`: the encoders can be exchanged.
    """
    from backends.simclr.checkpoint import encoder_tensors

    return save_tensors(path, encoder_tensors(frozen.config.encoder, frozen.model.encoder), _metadata(ENCODER, frozen))


def card_of(frozen: Frozen) -> dict[str, Any]:
    """What a model's card says; how well it solves held-out puzzles is measured anew."""
    train = frozen.split.train
    return {
        "method": task_of(frozen.config),
        "config": frozen.config.model_dump(),
        "data": {"source": train.source, "licence": train.licence, "pictures": len(train)},
        "step": frozen.step,
        "metrics": {
            **measures_of(frozen),
            **frozen.probed.scores,
            **{f"untrained_{name}": value for name, value in frozen.untrained.scores.items()},
            **{f"pixels_{name}": value for name, value in frozen.pixels.items()},
        },
    }


def measures_of(frozen: Frozen) -> dict[str, float]:
    """How well a model solves held-out puzzles, measured anew; nothing where the pictures are not here."""
    from backends.pretext.held_out import MOST_PICTURES, held_out_of

    if not len(frozen.split.held_out):
        return {}
    measured = held_out_of(frozen.config, frozen.split, frozen.device).measure(frozen.model, MOST_PICTURES)
    return {name: value for name, value in measured.metrics.items() if np.isfinite(value)}


def size_of(frozen: Frozen) -> int:
    """Bytes of a model's weights."""
    return bytes_of(frozen.model)


def load_model(path: Path, device: str = "cpu", *, pictures: PictureSet | None = None) -> Frozen:
    """Read a model of any of the three tasks; probe it and try it on the pictures that its settings name.

    A model of a visitor's own pictures has none here unless they are given: it answers, and knows no scores.

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
    method = method_of(path, MAX_FILE_BYTES).removesuffix(ENCODER)
    if method not in CONFIGS:
        raise CheckpointError(NOT_OURS)
    config, step, read = read_weights(path, _kind(method))
    model = _ready(read, device)
    _check_answers(model, config, device)
    return StoredModel(config, step, model)


def probed_model(stored: StoredModel, split: Split, device: str) -> Frozen:
    """Probe a stored model, an untrained one of the same seed and the raw pixels, and let it solve held-out puzzles."""
    from backends.analysis.prober import PictureProber, Probed
    from backends.nets.vision import embed
    from backends.pretext.model import untrained

    config, step, model = stored.config, stored.step, stored.model
    nothing = Probed(step, np.zeros((0, int(model.encoder.width)), np.float32), {})
    frozen = unprobed(stored, split, device, nothing, nothing)
    if not len(split.held_out):
        return frozen
    prober = PictureProber(split, device)
    start = _ready(untrained(config), device)
    before = prober.probe_features(lambda images: embed(start.encoder, images), 0)
    now = prober.probe_features(lambda images: embed(model.encoder, images), step)
    return replace(frozen, probed=now, untrained=before, pixels=prober.pixels(), metrics=measures_of(frozen))


def unprobed(stored: StoredModel, split: Split, device: str, probed: Any, before: Any, **scores: Any) -> Frozen:
    """A frozen copy of a stored model with probes that are known already.

    Args:
        stored: the model.
        split: its pictures.
        device: where it is.
        probed: its probe, a `backends.analysis.prober.Probed`; before: that of the untrained net.
        scores: `pixels` and `metrics`.
    """
    from backends.pretext.frozen import frozen_class

    kind: Any = frozen_class(stored.config)
    made: Frozen = kind(stored.config, stored.step, stored.model, split, device, probed, before, **scores)
    return made


def split_of(config: PretextConfig, pictures: PictureSet | None = None) -> Split:
    """The pictures of a model; of own pictures that are not here, none.

    Raises:
        CheckpointError: there are too few own pictures.
    """
    from backends.data.splits import load_split, no_pictures

    if config.data == OWN_PICTURES and pictures is None:
        return no_pictures(config.size)
    try:
        return load_split(config.data, config.size, pictures)
    except PictureError as error:
        raise CheckpointError(str(error)) from None


def _metadata(part: str, frozen: Frozen) -> dict[str, str]:
    return metadata_of(task_of(frozen.config) + part, frozen.config, frozen.step)


def _kind(method: str) -> ModelKind[PretextConfig]:
    from backends.pretext.model import untrained

    return ModelKind(
        method=method,
        part=method + ENCODER,
        part_sentence="The file holds an encoder alone, for use elsewhere: bring the whole model.",
        config=CONFIGS[method],
        build=untrained,
        max_bytes=MAX_FILE_BYTES,
    )


def _ready(model: PretextModel, device: str) -> PretextModel:
    import torch

    return model.to(device, memory_format=torch.channels_last).eval()


def _check_answers(model: PretextModel, config: PretextConfig, device: str) -> None:
    """Features and answers of trial pictures must come out as numbers."""
    import torch

    from backends.pretext.model import InpaintingModel, JigsawModel
    from backends.pretext.puzzles import cut_tiles, draw_holes

    pictures = trial_pictures(config.size).to(device)
    with torch.no_grad():
        outputs = [model.encoder(pictures)]
        if isinstance(model, JigsawModel):
            outputs.append(model(cut_tiles(pictures, model.config.gap)))
        elif isinstance(model, InpaintingModel):
            generator = torch.Generator(device).manual_seed(0)
            holes = draw_holes("random", model.config.hole_share, config.size, len(pictures), generator)
            outputs.append(model(pictures, holes))
        else:
            outputs.append(model(pictures))
    if not all(bool(torch.isfinite(output).all()) for output in outputs):
        raise CheckpointError(ODD_NUMBERS)
