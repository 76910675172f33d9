"""Copies of what a run had learned: features, and answers to puzzles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from backends.analysis.prober import Probed, as_tensor, map_pictures
from backends.data.pictures import PictureSet
from backends.data.splits import Split
from backends.nets.vision import embed
from backends.pretext.config import TILES, TURNS, InpaintingConfig, JigsawConfig, PretextConfig, RotationConfig
from backends.pretext.held_out import filled_pictures
from backends.pretext.model import InpaintingModel, JigsawModel, PretextModel, RotationModel
from backends.pretext.puzzles import (
    LUMA,
    PuzzleError,
    check_holes,
    check_pictures,
    cut_tiles,
    draw_holes,
    fill_with_border_mean,
)

CHUNK = 250
ConfigT = TypeVar("ConfigT", bound=PretextConfig)
ModelT = TypeVar("ModelT", bound=PretextModel)


@dataclass(frozen=True)
class FrozenPretext(Generic[ConfigT, ModelT]):
    """A copy of what a run had learned; later steps do not change it.

    Attributes:
        config: of the run.
        step: how far it was.
        model: in evaluation mode; not for training.
        split: the pictures of the run.
        device: where the model is.
        probed: the newest probe.
        untrained: the probe before the first step.
        pixels: the same probes of the raw pixels.
        metrics: the newest held-out measures of the task itself.
    """

    config: ConfigT
    step: int
    model: ModelT
    split: Split
    device: str
    probed: Probed
    untrained: Probed
    pixels: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def map_pictures(self) -> PictureSet:
        """The held-out pictures whose features `probed` holds, in its order."""
        return map_pictures(self.split)

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Return the encoder's features of (n, S, S, 3) uint8 pictures: (n, D) float32."""
        return embed(self.model.encoder, as_tensor(images, self.device)).cpu().numpy()

    def _chunks(self, images: np.ndarray) -> Iterator[Tensor]:
        """Some pictures at a time: (n, 3, S, S) in [0, 1]."""
        checked = check_pictures(images, self.config.size)
        for chunk in as_tensor(checked, self.device).split(CHUNK):
            yield chunk.float() / 255


class FrozenRotation(FrozenPretext[RotationConfig, RotationModel]):
    """Says which way is up."""

    @torch.no_grad()
    def answer(self, images: np.ndarray) -> np.ndarray:
        """How far have these pictures been turned?

        Args:
            images: (n, S, S, 3) uint8 as they are seen.

        Returns:
            (n, 4) float32 probabilities of 0 to 3 quarter turns counter-clockwise.

        Raises:
            PuzzleError: the pictures do not fit the net.
        """
        parts = [self.model(chunk).softmax(dim=1) for chunk in self._chunks(images)]
        return _joined(parts, (TURNS,))


class FrozenInpainting(FrozenPretext[InpaintingConfig, InpaintingModel]):
    """Fills holes."""

    @torch.no_grad()
    def answer(self, images: np.ndarray, holes: np.ndarray | None = None) -> np.ndarray:
        """Fill holes.

        Args:
            images: (n, S, S, 3) uint8; what is in the holes is not looked at.
            holes: (S, S) bool for all of them or (n, S, S), True where the model may not see; None: holes as in
                training, from the run's seed.

        Returns:
            (n, S, S, 3) uint8, the pictures themselves outside of the holes.

        Raises:
            PuzzleError: pictures or holes do not fit the net, or a hole is nothing or everything.
        """
        cut = self._holes(images, holes)
        parts = [
            filled_pictures(chunk, hole, self.model(chunk, hole))
            for chunk, hole in zip(self._chunks(images), cut.split(CHUNK), strict=True)
        ]
        return np.concatenate(parts)

    @torch.no_grad()
    def errors(self, images: np.ndarray, holes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Mean squared errors in the holes, of pixels in [0, 1]; arguments as of `answer`.

        Returns:
            (n,) float32 of the model, and (n,) of filling with the mean of the pixels around the hole.
        """
        cut = self._holes(images, holes)
        ours, guessed = [], []
        for chunk, hole in zip(self._chunks(images), cut.split(CHUNK), strict=True):
            ours.append(_error_in(self.model(chunk, hole), chunk, hole))
            guessed.append(_error_in(fill_with_border_mean(chunk, hole), chunk, hole))
        return _joined(ours, ()), _joined(guessed, ())

    def guess(self, images: np.ndarray, holes: np.ndarray | None = None) -> np.ndarray:
        """The guess to beat: holes filled with the mean of the pixels around them; as `answer`."""
        cut = self._holes(images, holes)
        parts = [
            filled_pictures(chunk, hole, fill_with_border_mean(chunk, hole))
            for chunk, hole in zip(self._chunks(images), cut.split(CHUNK), strict=True)
        ]
        return np.concatenate(parts)

    def _holes(self, images: np.ndarray, holes: np.ndarray | None) -> Tensor:
        """(n, S, S) bool on the device."""
        size, count = self.config.size, len(images)
        if holes is None:
            generator = torch.Generator(self.device).manual_seed(self.config.seed)
            return draw_holes(self.config.hole, self.config.hole_share, size, count, generator)
        checked = check_holes(np.asarray(holes))
        if checked.shape not in ((size, size), (count, size, size)):
            raise PuzzleError(f"Holes must be ({size}, {size}) or ({count}, {size}, {size}), not {checked.shape}.")
        return torch.from_numpy(np.broadcast_to(checked, (count, size, size)).copy()).to(self.device)


class FrozenJigsaw(FrozenPretext[JigsawConfig, JigsawModel]):
    """Says where tiles belong."""

    @torch.no_grad()
    def answer(self, images: np.ndarray) -> np.ndarray:
        """Where does each tile belong?

        Args:
            images: (n, S, S, 3) uint8 whose tiles may lie in any order, as `deal.deal_jigsaws` lays them.

        Returns:
            (n, 9, 9) float32: in row i the probabilities of where the tile that lies at place i belongs.

        Raises:
            PuzzleError: the pictures do not fit the net.
        """
        parts = [self.model(self._seen(chunk)).softmax(dim=2) for chunk in self._chunks(images)]
        return _joined(parts, (TILES, TILES))

    def _seen(self, images: Tensor) -> Tensor:
        """The tiles; grey where the net never saw a colour. A tint that tiles have been given stays as it is."""
        tiles = cut_tiles(images, self.config.gap)
        if self.config.tile_colour != "grey":
            return tiles
        weights = tiles.new_tensor(LUMA)[:, None, None]
        return (tiles * weights).sum(dim=2, keepdim=True).expand_as(tiles)


Frozen = FrozenRotation | FrozenInpainting | FrozenJigsaw


def frozen_class(config: PretextConfig) -> type[Frozen]:
    """The class of a task's frozen copies."""
    if isinstance(config, RotationConfig):
        return FrozenRotation
    return FrozenInpainting if isinstance(config, InpaintingConfig) else FrozenJigsaw


def _error_in(made: Tensor, images: Tensor, holes: Tensor) -> Tensor:
    """(n,) mean squared errors over the pixels in the holes."""
    wrong = (made - images).square().mean(dim=1) * holes
    return wrong.sum(dim=(1, 2)) / holes.sum(dim=(1, 2)).clamp_min(1)


def _joined(parts: list[Tensor], shape: tuple[int, ...]) -> np.ndarray:
    return torch.cat(parts).cpu().numpy() if parts else np.zeros((0, *shape), np.float32)
