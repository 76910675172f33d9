"""How well a net solves puzzles of pictures that it was never trained on; the same puzzles for every run."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from backends.analysis.prober import as_tensor, spread_out
from backends.data.splits import Split
from backends.pretext.config import TILES, TURNS, InpaintingConfig, JigsawConfig, PretextConfig, RotationConfig
from backends.pretext.model import InpaintingModel, JigsawModel, PretextModel, RotationModel
from backends.pretext.puzzles import (
    all_turns,
    blank_tiles,
    cut_tiles,
    draw_holes,
    draw_permutations,
    fill_with_border_mean,
    light_from_above,
    print_label,
    recolour_tiles,
    shuffle,
)

PICTURES, MOST_PICTURES = 160, 1_000
"""Held-out pictures whose puzzles are solved while training goes on, and at its end."""
PUZZLE_SEED = 21
"""Of the puzzles made of held-out pictures."""
SHOWN_PICTURES = 6
"""Held-out pictures whose holes a run shows filled."""
CHUNK = 250
"""Pictures that are looked at at a time."""

ConfigT = TypeVar("ConfigT", bound=PretextConfig)
ModelT = TypeVar("ModelT", bound=PretextModel)


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        metrics: flat scalars.
        arrays: for plots: `confusion`, (4, 4) or (9, 9) int64 counts, truth by guess; or `painted`,
            (K, S, S, 3) uint8, held-out pictures with their holes filled.
    """

    metrics: dict[str, float]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


class HeldOut(ABC, Generic[ConfigT, ModelT]):
    """Puzzles made of held-out pictures.

    Attributes:
        cost: seconds that the newest measurement took.
    """

    def __init__(self, config: ConfigT, split: Split, device: str) -> None:
        """Choose the pictures; the puzzles are made of them the same way every time."""
        self.config, self.device, self.cost = config, device, 0.0
        self._images = as_tensor(spread_out(split.held_out, MOST_PICTURES).images, device)

    @torch.no_grad()
    def measure(self, model: ModelT, pictures: int = PICTURES) -> Measured:
        """Solve the puzzles of so many of the pictures with a net in evaluation mode; notes what that costs."""
        begun = time.perf_counter()
        measured = self._measure(model, min(pictures, len(self._images)))
        self.cost = time.perf_counter() - begun
        return measured

    @abstractmethod
    def _measure(self, model: ModelT, pictures: int) -> Measured:
        """Do it."""

    def _chunks(self, pictures: int) -> list[Tensor]:
        """Some pictures at a time: (n, 3, S, S) in [0, 1]."""
        return [chunk.float() / 255 for chunk in self._images[:pictures].split(CHUNK)]

    def _generator(self) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(PUZZLE_SEED)


class HeldOutRotation(HeldOut[RotationConfig, RotationModel]):
    """Every picture in all four ways."""

    def _measure(self, model: RotationModel, pictures: int) -> Measured:
        """`accuracy` on pictures as those of training; where these have a shortcut, also without it."""
        chunks = self._chunks(pictures)
        confusion = sum(confusion_of_turns(model, with_shortcuts(chunk, self.config)) for chunk in chunks)
        metrics = {"accuracy": share_right(confusion)}
        if self.config.has_shortcut:
            plain = sum(confusion_of_turns(model, chunk) for chunk in chunks)
            metrics["accuracy_without_shortcut"] = share_right(plain)
        return Measured(metrics, {"confusion": np.asarray(confusion)})


class HeldOutInpainting(HeldOut[InpaintingConfig, InpaintingModel]):
    """Every picture with one hole of the run's kind and share."""

    def __init__(self, config: InpaintingConfig, split: Split, device: str) -> None:
        super().__init__(config, split, device)
        count = len(self._images)
        self.holes = draw_holes(config.hole, config.hole_share, config.size, count, self._generator())
        self._guesses: dict[int, float] = {}

    def shown(self) -> tuple[np.ndarray, np.ndarray]:
        """The first pictures: (K, S, S, 3) uint8 whole, and their (K, S, S) bool holes."""
        whole = self._images[:SHOWN_PICTURES].permute(0, 2, 3, 1).cpu().numpy()
        return whole, self.holes[:SHOWN_PICTURES].cpu().numpy()

    def _measure(self, model: InpaintingModel, pictures: int) -> Measured:
        """Mean squared errors over the pixels in the holes, of pixels in [0, 1].

        That is hole_error, border_mean_error, that of `fill_with_border_mean`, and error_ratio, one over the other.
        """
        wrong, shown = 0.0, np.zeros((0, self.config.size, self.config.size, 3), np.uint8)
        every = self.holes[:pictures]
        for number, (images, holes) in enumerate(zip(self._chunks(pictures), every.split(CHUNK), strict=True)):
            painted = model(images, holes)
            wrong += float(((painted - images).square().mean(dim=1) * holes).sum())
            if not number:
                shown = filled_pictures(images[:SHOWN_PICTURES], holes[:SHOWN_PICTURES], painted[:SHOWN_PICTURES])
        error, guess = wrong / max(1, int(every.sum())), self._guess(pictures)
        ratio = error / guess if guess > 0 else math.nan
        metrics = {"hole_error": error, "border_mean_error": guess, "error_ratio": ratio}
        return Measured(metrics, {"painted": shown})

    def _guess(self, pictures: int) -> float:
        if pictures not in self._guesses:
            holes, wrong = self.holes[:pictures], 0.0
            for images, some in zip(self._chunks(pictures), holes.split(CHUNK), strict=True):
                wrong += float(((fill_with_border_mean(images, some) - images).square().mean(dim=1) * some).sum())
            self._guesses[pictures] = wrong / max(1, int(holes.sum()))
        return self._guesses[pictures]


class HeldOutJigsaw(HeldOut[JigsawConfig, JigsawModel]):
    """The tiles of every picture in one random order."""

    def _measure(self, model: JigsawModel, pictures: int) -> Measured:
        """`accuracy`: of the tiles that are not blank, how many are given their place; and the share of blank ones.

        Where all tiles are blank, nothing was asked, and accuracy is NaN.
        """
        confusion, blanks = np.zeros((TILES, TILES), np.int64), 0
        generator = self._generator()
        for images in self._chunks(pictures):
            tiles, places, blank_mask = jigsaw_of(images, self.config, generator)
            guesses = model(tiles).argmax(dim=2)
            confusion += counts_of(places[~blank_mask], guesses[~blank_mask], TILES)
            blanks += int(blank_mask.sum())
        metrics = {"accuracy": share_right(confusion), "blank_share": blanks / max(1, TILES * pictures)}
        return Measured(metrics, {"confusion": confusion})


def shown_holes(config: InpaintingConfig, split: Split, device: str) -> tuple[np.ndarray, np.ndarray]:
    """The held-out pictures that `painted` shows filled: (K, S, S, 3) uint8 whole, and their (K, S, S) bool holes."""
    return HeldOutInpainting(config, split, device).shown()


def held_out_of(config: PretextConfig, split: Split, device: str) -> HeldOut:
    """The held-out puzzles of a run with these settings."""
    if isinstance(config, RotationConfig):
        return HeldOutRotation(config, split, device)
    if isinstance(config, InpaintingConfig):
        return HeldOutInpainting(config, split, device)
    if isinstance(config, JigsawConfig):
        return HeldOutJigsaw(config, split, device)
    raise TypeError(f"{type(config).__name__} is not the config of a pretext task.")


def with_shortcuts(images: Tensor, config: RotationConfig) -> Tensor:
    """(B, 3, S, S) pictures in [0, 1], upright, with the light and the label that the settings ask for."""
    if config.lit:
        images = light_from_above(images)
    return print_label(images) if config.labelled else images


def jigsaw_of(
    images: Tensor, config: JigsawConfig, generator: torch.Generator, places: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Cut (B, 3, S, S) pictures in [0, 1] and shuffle.

    Args:
        images: whole pictures.
        config: gap, and what is left of the colours.
        generator: what order and tints are drawn from.
        places: (B, 9) int64, the order in which the tiles are laid; None: drawn.

    Returns:
        (B, 9, 3, T, T) tiles in random order, (B, 9) where each belongs, and (B, 9) bool: which are blank.
    """
    places = draw_permutations(len(images), generator) if places is None else places
    tiles = recolour_tiles(shuffle(cut_tiles(images, config.gap), places), config.tile_colour, generator)
    return tiles, places, blank_tiles(tiles)


def filled_pictures(images: Tensor, holes: Tensor, painted: Tensor) -> np.ndarray:
    """Pictures with their holes filled by what was painted: (n, S, S, 3) uint8.

    Args:
        images: (n, 3, S, S) in [0, 1]; painted: the same.
        holes: (n, S, S) bool.
    """
    filled = torch.where(holes[:, None], painted, images).clamp(0, 1)
    return (filled * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def confusion_of_turns(model: RotationModel, images: Tensor) -> np.ndarray:
    """(4, 4) int64 counts, turn by guess, of upright (n, 3, S, S) pictures in [0, 1] in all four ways."""
    guesses = model(all_turns(images).flatten(0, 1)).argmax(dim=1)
    turns = torch.arange(TURNS, device=images.device).repeat(len(images))
    return counts_of(turns, guesses, TURNS)


def counts_of(truth: Tensor, guesses: Tensor, classes: int) -> np.ndarray:
    """(classes, classes) int64: how often each truth, row, met with each guess, column."""
    counts = torch.bincount(classes * truth + guesses, minlength=classes**2)
    found: np.ndarray = counts.reshape(classes, classes).cpu().numpy()
    return found


def share_right(confusion: np.ndarray | int) -> float:
    """Accuracy in [0, 1] of counts, truth by guess; NaN where nothing was counted."""
    counts = np.asarray(confusion)
    return float(np.trace(counts) / counts.sum()) if counts.any() else math.nan
