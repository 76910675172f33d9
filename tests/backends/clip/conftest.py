"""Squares and bars in four colours, and a model that was trained on them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backends.clip.config import CLIPConfig
from backends.clip.trainer import CLIPTrainer
from backends.data.pictures import Factor, PictureSet

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 220), "yellow": (230, 220, 40)}
FORMS = ("square", "bar")
SMALL = CLIPConfig(data="own", steps=30, batch=16, text_depth=1, outlines=0, learning_rate=0.003)


def shapes(each: int = 12) -> PictureSet:
    """Squares and bars in four colours at places that vary, in folders named after both."""
    random = np.random.default_rng(0)
    names, images = [], []
    for colour, form, _ in itertools.product(COLOURS, FORMS, range(each)):
        image = np.full((32, 32, 3), 240, np.uint8)
        top, left = random.integers(2, 14, 2)
        height, width = (14, 14) if form == "square" else (5, 26 - left)
        image[top : top + height, left : left + width] = COLOURS[colour]
        names.append(f"{colour} {form}")
        images.append(image)
    classes = tuple(dict.fromkeys(names))
    values = np.array([classes.index(name) for name in names])
    folder = {"folder": Factor("folder", "Folder", classes, values)}
    return PictureSet("own", np.stack(images), folder, tuple(names), "made for a test", "none")


def train_clip(config: CLIPConfig = SMALL) -> CLIPTrainer:
    """Train on the shapes to the end."""
    trainer = CLIPTrainer(config, pictures=shapes())
    for _ in trainer.steps():
        pass
    return trainer


@pytest.fixture(scope="session")
def trained() -> CLIPTrainer:
    """Knows most shapes by name."""
    return train_clip(SMALL.with_changes(steps=120))
