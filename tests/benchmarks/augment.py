"""Augmentations: views a second in batches and through torchvision a picture at a time; the bench's preview."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

BATCH = 192
SIZES = (32, 64)
PREVIEW_SIDE = 160
PREVIEWS = 30
PICTURES_AT_A_TIME = 200
ALL_ON = {"rotation": 30, "blur": 0.5, "cutout": 0.4, "noise": 0.1, "solarise": 0.2}
"""Besides the defaults."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long to measure."""
    parser.add_argument(
        "--augment-seconds", type=float, default=4.0, help="seconds to measure each pipeline of augmentations"
    )


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure the defaults and everything, at each size, then the preview."""
    from backends.simclr.augment_config import AugmentConfig

    for name, config in (("default", AugmentConfig()), ("all", AugmentConfig().with_changes(**ALL_ON))):
        for size in SIZES:
            yield _throughput(name, config, size, options.augment_seconds)
    yield _preview()


def _throughput(name: str, config: Any, size: int, seconds: float) -> dict[str, Any]:
    """Median over short turns that the pipelines take.

    On one core by the processor's time, which the work of others hardly touches; on all cores by the clock.
    """
    import torch

    from backends.engine.device import available_cores

    before, cores = torch.get_num_threads(), available_cores()
    pictures = np.random.default_rng(0).integers(0, 256, (BATCH, size, size, 3), np.uint8)
    batched, single = _batched(pictures, config), _one_by_one(pictures, config)
    speeds: dict[str, list[float]] = {"batched": [], "batched_one_core": [], "torchvision_one_core": []}
    try:
        end = time.perf_counter() + seconds
        while not speeds["batched"] or time.perf_counter() < end:
            for which, work, threads, clock in (
                ("batched", batched, cores, time.perf_counter),
                ("batched_one_core", batched, 1, time.process_time),
                ("torchvision_one_core", single, 1, time.process_time),
            ):
                torch.set_num_threads(threads)
                work()
                begun = clock()
                views = work()
                speeds[which].append(views / (clock() - begun))
    finally:
        torch.set_num_threads(before)
    medians = {which: statistics.median(measured) for which, measured in speeds.items()}
    return {
        "benchmark": "augment",
        "augmentations": name,
        "size": size,
        "batch": BATCH,
        "threads": cores,
        **{f"{which}_views_per_second": round(median) for which, median in medians.items()},
        "batched_best_views_per_second": round(max(speeds["batched"])),
        "times_torchvision": round(medians["batched"] / medians["torchvision_one_core"], 1),
        "times_torchvision_one_core": round(medians["batched_one_core"] / medians["torchvision_one_core"], 1),
    }


def _batched(pictures: np.ndarray, config: Any) -> Callable[[], int]:
    """Two views of each picture of a batch, from uint8; the work returns how many views it made."""
    import torch

    from backends.simclr.augment import two_views

    images = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
    generator = torch.Generator().manual_seed(0)

    def work() -> int:
        first, second = two_views(images, config, generator)
        return len(first) + len(second)

    return work


def _one_by_one(pictures: np.ndarray, config: Any) -> Callable[[], int]:
    """The same through torchvision and PIL, as a data set's `transform` runs for each picture."""
    from PIL import Image

    images = [Image.fromarray(picture) for picture in pictures]
    transform = torchvision_pipeline(config, pictures.shape[1])

    def work() -> int:
        for i in range(PICTURES_AT_A_TIME):
            transform(images[i % len(images)])
        return PICTURES_AT_A_TIME

    return work


def torchvision_pipeline(config: Any, size: int) -> Callable[[Any], Any]:
    """Return torchvision's transforms of the same strengths, from a PIL image to a tensor; those at 0 are left out.

    Cutout is RandomErasing of a fixed area range: the nearest that there is.
    """
    from torchvision import transforms
    from torchvision.transforms import v2

    from backends.simclr.augment import BLUR_SIDE, BLUR_SIGMA, blur_reach

    sigma = tuple(bound * size / BLUR_SIDE for bound in BLUR_SIGMA)
    steps = [
        (config.crop, lambda: transforms.RandomResizedCrop(size, scale=(1 - config.crop, 1))),
        (config.flip, lambda: transforms.RandomHorizontalFlip(config.flip)),
        (config.rotation, lambda: _rotation(transforms, config.rotation)),
        (
            config.brightness + config.contrast + config.saturation + config.hue,
            lambda: transforms.ColorJitter(config.brightness, config.contrast, config.saturation, config.hue),
        ),
        (config.grayscale, lambda: transforms.RandomGrayscale(config.grayscale)),
        (
            config.blur,
            lambda: transforms.RandomApply([transforms.GaussianBlur(2 * blur_reach(size) + 1, sigma)], config.blur),
        ),
        (config.solarise, lambda: transforms.RandomSolarize(128, config.solarise)),
        (1, transforms.ToTensor),
        (config.noise, lambda: v2.GaussianNoise(sigma=config.noise / 2)),
        (config.cutout, lambda: transforms.RandomErasing(1, (0.0001, config.cutout**2), (1, 1), 0.5)),
    ]
    return transforms.Compose([make() for strength, make in steps if strength > 0])


def _rotation(transforms: Any, degrees: float) -> Any:
    return transforms.RandomRotation(degrees, transforms.InterpolationMode.BILINEAR)


def _preview() -> dict[str, Any]:
    """Two views of one picture with everything on, from uint8 to uint8: what a change of a slider costs."""
    import torch

    from backends.simclr.augment import two_views
    from backends.simclr.augment_config import AUGMENTATIONS, AugmentConfig

    config = AugmentConfig().with_changes(**{**ALL_ON, "blur": 1, "solarise": 1, "grayscale": 1})
    assert all(getattr(config, name) > 0 for name in AUGMENTATIONS)
    picture = torch.randint(0, 256, (1, 3, PREVIEW_SIDE, PREVIEW_SIDE), dtype=torch.uint8)
    milliseconds = []
    for turn in range(PREVIEWS):
        begun = time.perf_counter()
        for view in two_views(picture, config, torch.Generator().manual_seed(turn)):
            view.mul(255).round_().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        milliseconds.append(1000 * (time.perf_counter() - begun))
    return {
        "benchmark": "augment_preview",
        "size": PREVIEW_SIDE,
        "views": 2,
        "milliseconds_median": round(statistics.median(milliseconds), 1),
        "milliseconds_slowest": round(max(milliseconds), 1),
    }
