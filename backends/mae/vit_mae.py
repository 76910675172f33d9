"""ViT-MAE in the format of the library transformers, from a fixed list or the operator's folder, beside our own models.

Only safetensors files are read and no code that comes with a model is run; see `transformers_models`, which also
fetches. The library takes seconds to import, so it is imported when the first model is loaded.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.attention.heads import ENCODER, AttentionStack, HeadsError
from backends.attention.transformers_models import (
    KnownModel,
    ModelFolder,
    ModelUnavailable,
    check_folder,
    folder_of,
    load_pretrained,
    standardisation,
)

if TYPE_CHECKING:
    from torch import Tensor

    from backends.mae.trainer import Reconstruction

KIND = "vit_mae"
"""As config.json names it."""
KNOWN_MODELS: dict[str, KnownModel] = {
    "vit-mae-base": KnownModel(
        "vit-mae-base", "facebook/vit-mae-base", "ViT-MAE: paints photographs", 450, "Apache-2.0, by its model card"
    )
}
MAX_IMAGE_SIZE, MAX_PATCHES = 512, 1024
"""Of a picture that a model takes; those that are known take 224 pixels and 196 patches."""
IMAGENET_MEAN, IMAGENET_SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What ViT-MAE's pixels are standardised with, where preprocessor_config.json says nothing else."""

_loading = threading.Lock()


class ViTMAE:
    """A ViT-MAE that paints as our own models do; see `backends.mae.trainer.FrozenMAE`. Threads take turns."""

    def __init__(self, model: Any, title: str, mean: tuple[float, ...], spread: tuple[float, ...]) -> None:
        """Take a `ViTMAEForPreTraining` in evaluation mode, and what its pixels are standardised with.

        Raises:
            HeadsError: its pictures are not square, too large, or not in three colours.
        """
        config = model.config
        self.title, self._model, self._turn = title, model, threading.Lock()
        self.image_size, self.patch = _side(config.image_size), _side(config.patch_size)
        if not 1 <= self.image_size <= MAX_IMAGE_SIZE or self.patch < 1 or self.image_size % self.patch:
            raise HeadsError(f"{title} takes pictures that can't be cut here. The present model stays.")
        self.side = self.image_size // self.patch
        if self.patches > MAX_PATCHES or int(config.num_channels) != 3:
            raise HeadsError(f"{title} has {self.patches:,} patches or other colours than red, green and blue.")
        self.normalised = bool(config.norm_pix_loss)
        self._mean, self._spread = mean, spread

    @property
    def patches(self) -> int:
        """How many patches a picture has: L."""
        return int(self.side**2)

    def reconstruct(self, images: np.ndarray, hidden: np.ndarray) -> Reconstruction:
        """Paint pictures from their visible patches, one after the other.

        Args:
            images: (n, S, S, 3) uint8, S = `image_size`.
            hidden: (L,) bool for all of them or (n, L), True = hidden; none and all are allowed.

        Raises:
            ValueError: the shapes do not fit the model.
        """
        from backends.mae.trainer import Reconstruction

        masks = self._masks(images, hidden)
        painted = np.zeros(images.shape, np.float32)
        errors = np.zeros(masks.shape, np.float32)
        for number, mask in enumerate(masks):
            painted[number], errors[number] = self._paint(images[number], mask)
        return Reconstruction(painted, errors, self.normalised)

    def visible_mean(self, images: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        """The errors of guessing the mean colour of what is visible: (n, L) float32; arguments as of `reconstruct`."""
        import torch

        masks = self._masks(images, hidden)
        errors = np.zeros(masks.shape, np.float32)
        for number, mask in enumerate(masks):
            colours = self._target(self._pixels(images[number]))[0].unflatten(1, (-1, 3))  # (L, patch², 3)
            visible = colours[torch.from_numpy(~mask)]
            guess = visible.mean(dim=(0, 1)) if len(visible) else torch.zeros(3)
            errors[number] = self._shown_errors(colours - guess).mean(dim=(1, 2)).numpy()
        return errors

    def attention(self, image: np.ndarray) -> AttentionStack:
        """The encoder's heads over a whole picture (S, S, 3) uint8, its class token first.

        Raises:
            ValueError: the picture does not fit the model.
        """
        import torch

        self._masks(image[None], np.zeros(self.patches, bool))
        with self._turn, torch.inference_mode():
            self._model.config.mask_ratio = 0.0
            output = self._model.vit(
                pixel_values=self._pixels(image), noise=torch.arange(self.patches)[None].float(), output_attentions=True
            )
        weights = np.stack([layer[0].float().numpy() for layer in output.attentions])
        tokens = ("[CLS]", *(f"{y + 1},{x + 1}" for y in range(self.side) for x in range(self.side)))
        return AttentionStack(
            ENCODER, tokens, tokens, weights, special_rows=(0,), special_columns=(0,), grid_side=self.side
        )

    def _paint(self, image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(S, S, 3) in [0, 1] and (L,) errors of one picture."""
        import torch

        from backends.mae.model import unpatchify

        pixels = self._pixels(image)
        with self._turn, torch.inference_mode():
            # It keeps int(L · (1 − ratio)) patches, those with the least noise; half a patch more than is visible makes
            # rounding harmless.
            self._model.config.mask_ratio = 1 - (int((~mask).sum()) + 0.5) / len(mask)
            order = torch.arange(len(mask)) / len(mask)
            noise = torch.from_numpy(mask).float() + order
            output = self._model(pixel_values=pixels, noise=noise[None]).logits.float()  # (1, L, P)
        differences = (output - self._target(pixels)).unflatten(2, (-1, 3))
        errors = self._shown_errors(differences).mean(dim=(2, 3))[0].numpy()
        shown = output.unflatten(2, (-1, 3))
        shown = 0.5 + shown / 4 if self.normalised else shown * torch.tensor(self._spread) + torch.tensor(self._mean)
        picture = unpatchify(shown.flatten(2), self.patch)[0].clamp(0, 1).permute(1, 2, 0)
        return picture.numpy(), errors

    def _pixels(self, image: np.ndarray) -> Tensor:
        """(S, S, 3) uint8 to (1, 3, S, S) standardised."""
        import torch

        pixels = torch.from_numpy(np.ascontiguousarray(image)).float() / 255
        return ((pixels - torch.tensor(self._mean)) / torch.tensor(self._spread)).permute(2, 0, 1)[None]

    def _target(self, pixels: Tensor) -> Tensor:
        """(1, 3, S, S) standardised to (1, L, P): what the model paints."""
        from backends.mae.model import normalise, patchify

        patches = patchify(pixels, self.patch)
        return normalise(patches) if self.normalised else patches

    def _shown_errors(self, differences: Tensor) -> Tensor:
        """Squares of (..., 3) differences: of pixels in [0, 1], or of normalised ones."""
        import torch

        return (differences if self.normalised else differences * torch.tensor(self._spread)).square()

    def _masks(self, images: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        size = self.image_size
        if images.ndim != 4 or images.shape[1:] != (size, size, 3) or images.dtype != np.uint8:
            raise ValueError(f"Pictures must be (n, {size}, {size}, 3) uint8, not {images.shape} {images.dtype}.")
        if hidden.shape not in ((self.patches,), (len(images), self.patches)):
            raise ValueError(
                f"The mask must be ({self.patches},) or ({len(images)}, {self.patches}), not {hidden.shape}."
            )
        return np.array(np.broadcast_to(np.asarray(hidden, bool), (len(images), self.patches)))


def folder_names(models: ModelFolder | None) -> list[str]:
    """The subfolders of the operator's folder that hold a ViT-MAE; none without such a folder."""
    return [] if models is None else models.names_of((KIND,))


def load_known(name: str) -> ViTMAE:
    """Load a model of the fixed list: from the local cache, else over the network.

    Raises:
        ModelUnavailable: it is not in the list, or there is neither a copy nor a network.
        HeadsError: the copy is damaged.
    """
    if name not in KNOWN_MODELS:
        raise ModelUnavailable(f"There is no model {str(name)[:40]!r} here; choose from {', '.join(KNOWN_MODELS)}.")
    folder = folder_of(KNOWN_MODELS[name])
    if not any(folder.glob("*.safetensors")):
        raise ModelUnavailable(
            f"{name} is there without a .safetensors file, and no other is read: convert a copy, and put it into the "
            "folder of models (--model-dir). The present model stays."
        )
    return load_folder(folder, title=name)


def load_from(models: ModelFolder, name: str) -> ViTMAE:
    """Load the ViT-MAE in a subfolder of the operator's folder.

    Raises:
        ModelUnavailable: there is no subfolder of this name.
        HeadsError: it holds no ViT-MAE that can be read.
    """
    return load_folder(models.path(name), title=name)


def load_folder(folder: Path, *, title: str) -> ViTMAE:
    """Load the ViT-MAE in a folder; the newest one is kept. Who asks while another loads waits.

    Raises:
        HeadsError: the folder holds none that can be read; one sentence says why.
    """
    with _loading:
        return _load(folder, title)


@lru_cache(maxsize=1)
def _load(folder: Path, title: str) -> ViTMAE:
    check_folder(folder, (KIND,))
    try:
        import transformers

        mean, spread = standardisation(folder, (IMAGENET_MEAN, IMAGENET_SPREAD))
        return ViTMAE(load_pretrained(transformers.ViTMAEForPreTraining, folder), title, mean, spread)
    except HeadsError:
        raise
    except Exception as error:  # whatever a damaged file makes the library raise, a visitor gets one sentence
        _log().warning("%s can't be loaded", folder, exc_info=error)
        raise HeadsError(f"The files of {title} are damaged or incomplete. The present model stays.") from None


def _side(size: Any) -> int:
    """Of a square that a config gives as one number or as two."""
    sides = {int(side) for side in size} if isinstance(size, list | tuple) else {int(size)}
    return sides.pop() if len(sides) == 1 else 0


def _log() -> Any:
    import logging

    return logging.getLogger(__name__)
