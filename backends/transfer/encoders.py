"""The encoders to choose from: shipped ones by name, an untrained net, raw pixels, and a frozen copy of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from backends.engine.checkpoints import CheckpointError
from backends.engine.trainer import TrainingError
from backends.nets.frozen import frozen_copy
from backends.nets.seeded import seeded
from backends.nets.vision import ConvEncoder, build_encoder
from backends.transfer.config import OWN_RUNS, PIXELS, TITLES, UNTRAINED

UNTRAINED_SEED = 1
SIMCLR_MODELS = {
    "simclr": "apples-with-jitter",
    "simclr-without-jitter": "apples-without-jitter",
    "simclr-emoji": "emoji",
}
MAE_MODELS = {"mae": "apples", "mae-emoji": "emoji"}
MAE_LARGE = {("mae", 64): "apples-64"}
CLIP_MODELS = {"clip": "apples", "clip-emoji": "emoji"}


class EncoderError(TrainingError):
    """An encoder can't be had, or doesn't fit the pictures. The message is one sentence that says what to do.

    Attributes:
        reason: its first half, for a page where something else is to be done than what the second half says.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        """Make the sentence "reason: remedy."."""
        super().__init__(f"{reason}: {remedy}.")
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Encoder:
    """Whose features are tried.

    Attributes:
        name: of `backends.transfer.config.TITLES`.
        title: as a chart calls it.
        net: (B, 3, S, S) in [0, 1] to (B, D), in evaluation mode, not for training; None: the pixels are the features.
        fresh: builds the same net with random weights from torch's global generator; None where there is no net.
        trained_on: "apples", "emoji" or "own"; "" where it was not trained.
        learned: whether the net's weights are other than random.
        steps: of a visitor's own run, how far it was; None of all others.
    """

    name: str
    title: str
    net: nn.Module | None
    fresh: Callable[[], nn.Module] | None
    trained_on: str = ""
    learned: bool = False
    steps: int | None = None

    @torch.no_grad()
    def embed(self, images: Tensor) -> Tensor:
        """(n, 3, S, S) uint8 to (n, D) float32 features."""
        pixels = images.float() / 255
        if self.net is None:
            return pixels.flatten(1)
        features: Tensor = self.net(pixels.contiguous(memory_format=torch.channels_last))
        return features


class PatchFeatures(nn.Module):
    """A masked autoencoder as an encoder: the mean over its patches, with nothing hidden; the decoder is left out."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        for part in ("bridge", "decoder", "head"):
            setattr(model, part, nn.Identity())
        model.mask_token = None

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 1] to (B, D)."""
        features: Tensor = self.model.features(images)
        return features


def load_encoder(name: str, *, size: int, data: str, run: Any = None, device: str = "cpu") -> Encoder:
    """Return an encoder by name; what is loaded elsewhere is copied, so nothing here changes it.

    Args:
        name: of `backends.transfer.config.TITLES`.
        size: side of the task's pictures in pixels.
        data: the task's pictures: "apples", "emoji" or "own".
        run: the visitor's own frozen run of SimCLR, a masked autoencoder, a pretext task or CLIP; needed for a name of
            `OWN_RUNS`.
        device: "cpu", "cuda" or "mps".

    Raises:
        EncoderError: there is no such encoder, its files are missing, it takes pictures of another size, or it has been
            told the names of what is held out.
    """
    if name not in TITLES:
        raise EncoderError(f"There is no encoder {name[:40]!r}", f"choose from {', '.join(TITLES)}")
    if name == PIXELS:
        return Encoder(name, TITLES[name], None, None)
    if name == UNTRAINED:
        with seeded(UNTRAINED_SEED):
            net = ConvEncoder()
        return Encoder(name, TITLES[name], frozen_copy(net).to(device), ConvEncoder)
    if name in OWN_RUNS and run is None:
        raise EncoderError(
            f"No {OWN_RUNS[name]} run of yours is here yet", "train one in that tab first, or choose another encoder"
        )
    try:
        found = run if name in OWN_RUNS else _shipped(name, size)
    except CheckpointError as error:
        reason = f"{TITLES[name]} can't be had ({str(error).rstrip('.')})"
        raise EncoderError(reason, "choose another one") from None
    return _encoder_of(name, found, size, data, device)


def _shipped(name: str, size: int) -> Any:
    """A shipped frozen model."""
    if name in SIMCLR_MODELS:
        from backends.simclr import shipped as simclr

        return simclr.load(SIMCLR_MODELS[name])
    if name in MAE_MODELS:
        from backends.mae import shipped as mae

        return mae.load(MAE_LARGE.get((name, size), MAE_MODELS[name]))
    if name in CLIP_MODELS:
        from backends.clip import shipped as clip

        return clip.load(CLIP_MODELS[name])
    from backends.pretext import shipped as pretext

    return pretext.load(name)


def _encoder_of(name: str, frozen: Any, size: int, data: str, device: str) -> Encoder:
    """The picture encoder of a frozen model, copied."""
    from backends.clip.model import CLIPModel
    from backends.mae.model import MaskedAutoencoder

    title = TITLES[name]
    config: Any = getattr(frozen, "config", None)
    model: Any = getattr(frozen, "model", None)
    fresh: Callable[[], nn.Module]
    if isinstance(model, MaskedAutoencoder):
        net, fresh = PatchFeatures(frozen_copy(model)), lambda: PatchFeatures(MaskedAutoencoder(model.config))
    elif isinstance(model, CLIPModel):
        if data == config.data == "emoji":
            raise EncoderError(
                f"{title} was told the names of emoji that this task holds out", "choose apples or your own pictures"
            )
        net, fresh = frozen_copy(model.image_encoder), lambda: CLIPModel(model.config, 1).image_encoder
    elif isinstance(model, nn.Module) and isinstance(getattr(model, "encoder", None), nn.Module) and _sees(config):
        net, fresh = frozen_copy(model.encoder), lambda: build_encoder(config.encoder, int(config.image_size))
    else:
        raise EncoderError(f"{title} has no encoder of pictures", "choose a run that learns from pictures")
    if int(config.image_size) != size:
        raise EncoderError(
            f"{title} was trained on pictures of {config.image_size} pixels, and these have {size}",
            f"set Image size (image_size) to {config.image_size}",
        )
    steps = getattr(frozen, "step", None) if name in OWN_RUNS else None
    return Encoder(name, title, net.eval().to(device), fresh, trained_on=config.data, learned=True, steps=steps)


def _sees(config: Any) -> bool:
    """Whether a run's config is that of a net that `build_encoder` makes."""
    return hasattr(config, "image_size") and isinstance(getattr(config, "encoder", None), str)
