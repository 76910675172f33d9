"""The encoders to choose from: shipped ones by name, an untrained net, raw pixels, and a frozen copy of a run.

Those of text are made in `backends.transfer.text_encoders`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from backends.analysis.prober import as_tensor
from backends.data.pictures import PictureSet
from backends.engine.checkpoints import CheckpointError
from backends.nets.frozen import frozen_copy
from backends.nets.seeded import seeded
from backends.nets.vision import ConvEncoder, build_encoder
from backends.transfer.config import OWN_RUNS, PIXELS, READ_CAPTIONS, TEXT_TITLES, TITLES, UNTRAINED
from backends.transfer.encoder import Encoder, EncoderError
from backends.transfer.text_encoders import load_text_encoder

UNTRAINED_SEED = 1
SIMCLR_MODELS = {
    "simclr": "apples-with-jitter",
    "simclr-without-jitter": "apples-without-jitter",
    "simclr-emoji": "emoji",
}
MAE_MODELS = {"mae": "apples", "mae-emoji": "emoji"}
MAE_LARGE = {("mae", 64): "apples-64"}
CLIP_MODELS = {"clip": "apples", "clip-emoji": "emoji"}


class PictureEncoder(Encoder):
    """An encoder of (B, 3, S, S) pictures in [0, 1]; its rows are uint8."""

    @staticmethod
    def read(examples: PictureSet) -> Tensor:
        """N pictures to (N, 3, S, S) uint8, whatever the encoder."""
        return as_tensor(examples.images, "cpu")

    def origin_notes(self, data: str) -> Iterator[str]:
        """Whether the net meets strange pictures, and whether it has been told what is asked."""
        if self.learned and self.trained_on != data:
            home = "pictures of its owner" if self.trained_on == "own" else self.trained_on
            here = "your own pictures" if data == "own" else data
            yield f"{self.title} was trained on {home} and here it meets {here}."
        if self.name in READ_CAPTIONS and data == self.trained_on == "apples":
            yield f"{self.title} has read captions that name colour, shape, leaf, size, light and background."

    def prepare(self, rows: Tensor) -> Tensor:
        """(B, 3, S, S) uint8 to [0, 1]."""
        return (rows.float() / 255).contiguous(memory_format=torch.channels_last)


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
        size: side of the task's pictures in pixels; of no matter to an encoder of text.
        data: of the task: "apples", "emoji", "own" or "speeches".
        run: the visitor's own frozen run: of SimCLR, a masked autoencoder, a pretext task or CLIP, of text word
            vectors or a language model; needed for a name of `OWN_RUNS`.
        device: "cpu", "cuda" or "mps".

    Raises:
        EncoderError: there is no such encoder, its files are missing, it takes pictures of another size, or it has been
            told the names of what is held out.
    """
    if name not in TITLES:
        raise EncoderError(f"There is no encoder {name[:40]!r}", f"choose from {', '.join(TITLES)}")
    if name == PIXELS:
        return PictureEncoder(name, TITLES[name], None, None)
    if name == UNTRAINED:
        with seeded(UNTRAINED_SEED):
            net = ConvEncoder()
        return PictureEncoder(name, TITLES[name], frozen_copy(net).to(device), ConvEncoder)
    if name in OWN_RUNS and run is None:
        own = OWN_RUNS[name]
        where = "that tab" if own.model == own.tab else f"the tab {own.tab}"
        raise EncoderError(
            f"No {own.model} run of yours is here yet", f"train one in {where} first, or choose another encoder"
        )
    try:
        if name in TEXT_TITLES:
            return load_text_encoder(name, run, device)
        return _encoder_of(name, run if name in OWN_RUNS else _shipped(name, size), size, data, device)
    except CheckpointError as error:
        reason = f"{TITLES[name]} can't be had ({str(error).rstrip('.')})"
        raise EncoderError(reason, "choose another one") from None


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
    return PictureEncoder(name, title, net.eval().to(device), fresh, trained_on=config.data, learned=True, steps=steps)


def _sees(config: Any) -> bool:
    """Whether a run's config is that of a net that `build_encoder` makes."""
    return hasattr(config, "image_size") and isinstance(getattr(config, "encoder", None), str)
