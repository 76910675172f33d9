"""Where a model puts pictures and captions, as tables for the Embedding Projector."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backends.analysis.picture_export import write_vectors as write_table
from backends.data.pictures import PictureError

if TYPE_CHECKING:
    from backends.clip.trainer import FrozenCLIP

EACH = 600
"""Pictures of each test that are written, beside the caption of each name among them."""
HEADER = ("name", "kind", "test")


def write_vectors(frozen: FrozenCLIP, path: Path) -> Path:
    """Write pictures that were held out and their captions, one vector of length 1 each, as features and labels.

    Raises:
        PictureError: the model's pictures are not here.
    """
    if frozen.pairs is None:
        raise PictureError("The pictures of this model are not here, so there are no vectors to take home.")
    vectors: list[np.ndarray] = []
    labels: list[tuple[str, ...]] = [HEADER]
    for name, test in frozen.pairs.tests.items():
        if not len(test):
            continue
        chosen = np.sort(np.random.default_rng(0).permutation(len(test))[:EACH])
        classes = np.unique(test.class_idx[chosen])
        vectors += [
            frozen.embed_pictures(test.pictures.images[chosen]),
            frozen.embed_prompts([test.classes[i] for i in classes]),
        ]
        labels += [(test.classes[i], "picture", name) for i in test.class_idx[chosen]]
        labels += [(test.classes[i], "caption", name) for i in classes]
    return write_table(np.concatenate(vectors), labels, path)
