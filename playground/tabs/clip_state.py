"""What the parts of the CLIP tab share: which model answers, which pictures there are, and what it makes of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backends.clip.answering import Answering
from playground.components import answers
from playground.session import Session, worth_keeping

if TYPE_CHECKING:
    from backends.clip.pairs import Captioned
    from backends.clip.trainer import FrozenCLIP

TAB = "clip"
LOADED = worth_keeping("clip_loaded")
GALLERY = "clip_gallery"
STALE_SECONDS = 15.0
"""While a model trains, what it made of all pictures is used for so long: to embed them again takes seconds."""
GROUP_TITLES = {
    "train": "trained on",
    "unseen_artist": "unseen artist",
    "unseen_concepts": "unseen names",
    "held_out": "held out",
    "unseen_combinations": "unseen combinations",
    "sample": "some emoji",
}


@dataclass(frozen=True)
class Gallery:
    """All pictures of a model's data, and where they are in its space.

    Attributes:
        frozen: whose.
        groups: by name, "train" first.
        starts: by name, where a group begins among all pictures.
        vectors: (N, P) of length 1.
        embedded: when, in seconds of the monotonic clock.
    """

    frozen: Answering
    groups: dict[str, Captioned]
    starts: dict[str, int]
    vectors: np.ndarray
    embedded: float

    def __len__(self) -> int:
        return len(self.vectors)

    def where(self, index: int) -> tuple[str, int]:
        """A picture's group, and its index there."""
        group = max((name for name, start in self.starts.items() if start <= index), key=self.starts.__getitem__)
        return group, index - self.starts[group]

    def name(self, index: int) -> str:
        """What a picture shows; may be a visitor's."""
        group, inner = self.where(index)
        return self.groups[group].pictures.names[inner]

    def caption(self, index: int) -> str:
        """The caption that belongs to a picture; may be a visitor's."""
        group, inner = self.where(index)
        captioned = self.groups[group]
        return captioned.classes[captioned.class_idx[inner]]

    def pictures(self, indices: np.ndarray, size: int) -> np.ndarray:
        """Some pictures at a size: (n, size, size, 3) uint8."""
        shown = np.zeros((len(indices), size, size, 3), np.uint8)
        for place, index in enumerate(indices):
            group, inner = self.where(int(index))
            shown[place] = self.groups[group].pictures.at_size([inner], size)[0]
        return shown


def model_of(session: Session) -> tuple[Answering | None, str]:
    """The model that answers questions, and a line that says where it comes from; None where there is none."""
    loaded: tuple[Answering, str] | None = session.uploads.get(LOADED)
    if loaded is not None and not session.is_driven(TAB):
        return loaded
    return _made_here(session)


def own_model_of(session: Session) -> tuple[FrozenCLIP | None, str]:
    """The model that can be taken home: the one that answers, or where that was made elsewhere, the visitor's run."""
    from backends.clip.trainer import FrozenCLIP

    model, line = model_of(session)
    return (model, line) if isinstance(model, FrozenCLIP) else _made_here(session)


def _made_here(session: Session) -> tuple[FrozenCLIP | None, str]:
    from backends.clip import shipped
    from backends.engine.checkpoints import CheckpointError

    run = session.runs.get(TAB)
    if run is not None:
        return run.frozen, f"Your own run answers{'' if run.snapshot else ', before its first step'}."
    try:
        model = shipped.load(shipped.FIRST)
    except CheckpointError:
        return None, "There is no model yet: press Train."
    return model, f"{shipped.origin(shipped.FIRST)} Press Train to make your own."


def groups_of(frozen: Answering) -> dict[str, Captioned]:
    """The pictures of a model's data by group; none where only its file is here."""
    if frozen.pairs is None:
        return {}
    groups = {"train": frozen.pairs.train, **frozen.pairs.tests}
    return {name: captioned for name, captioned in groups.items() if len(captioned)}


def gallery_of(session: Session) -> Gallery | None:
    """All pictures with their places in the present model's space; None where there is no model, or no pictures."""
    frozen, _ = model_of(session)
    if frozen is None:
        return None
    kept: Gallery | None = session.uploads.get(GALLERY)
    if kept is not None and _counts(kept, frozen, session.is_driven(TAB)):
        return kept
    fresh = _embed(frozen)
    if fresh is not None:
        session.uploads[GALLERY] = fresh
    return fresh


def waiting(session: Session, count: int) -> str:
    """What to say while a model reads so many pictures; nothing of those made here, which are quick."""
    from backends.clip.trainer import FrozenCLIP

    frozen, _ = model_of(session)
    if frozen is None or isinstance(frozen, FrozenCLIP):
        return ""
    return answers.sentence(
        f"The model reads {count:,} pictures; a large one on a CPU takes some seconds for ten of them."
    )


def sample_size(session: Session) -> int:
    """How many pictures the present model is shown with that are not yet in the gallery; 0 where all are."""
    frozen, _ = model_of(session)
    kept: Gallery | None = session.uploads.get(GALLERY)
    if frozen is None or (kept is not None and _counts(kept, frozen, session.is_driven(TAB))):
        return 0
    return sum(map(len, groups_of(frozen).values()))


def _counts(kept: Gallery, frozen: Answering, training: bool) -> bool:
    if getattr(kept.frozen, "model", kept.frozen) is getattr(frozen, "model", frozen):
        return True
    same_run = kept.frozen.pairs is frozen.pairs and kept.frozen.config == frozen.config
    return training and same_run and time.monotonic() - kept.embedded < STALE_SECONDS


def _embed(frozen: Answering) -> Gallery | None:
    groups = groups_of(frozen)
    if not groups:
        return None
    starts, total = {}, 0
    for name, captioned in groups.items():
        starts[name] = total
        total += len(captioned)
    images = np.concatenate([captioned.pictures.images for captioned in groups.values()])
    return Gallery(frozen, groups, starts, frozen.embed_pictures(images), time.monotonic())
