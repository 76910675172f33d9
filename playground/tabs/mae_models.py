"""Which model paints: the visitor's own run, one that this project ships, or a ViT-MAE of the library transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.session import Session, SessionStore
from playground.tabs.mae_state import model_of

if TYPE_CHECKING:
    from backends.mae.trainer import FrozenMAE
    from backends.mae.vit_mae import ViTMAE

PRESENT = "present"
SHIPPED, FOLDER, KNOWN = "shipped:", "folder:", "known:"
FIRST_SHAPE = (32, 4)
"""Pixels of a picture and of a patch where there is no model."""


class ModelProblem(ValueError):
    """A model can't be had; one sentence says why and what would do."""


def choices(store: SessionStore) -> list[tuple[str, str]]:
    """(label, value) of every model that may be chosen."""
    from backends.mae import shipped
    from backends.mae.vit_mae import KNOWN_MODELS, folder_names

    offered = [("your run, or the loaded model", PRESENT)]
    offered += [(f"{model.title}, by this project", SHIPPED + name) for name, model in shipped.MODELS.items()]
    offered += [(name, FOLDER + name) for name in folder_names(store.model_folder)]
    return offered + [
        (f"{known.name}, {known.megabytes} MB from the network", KNOWN + name) for name, known in KNOWN_MODELS.items()
    ]


def chosen(store: SessionStore, session: Session, choice: str) -> tuple[FrozenMAE | ViTMAE | None, str]:
    """The chosen model and the line that says where it comes from; None: there is none yet.

    Raises:
        ModelProblem: it can't be had.
    """
    from backends.attention.heads import HeadsError
    from backends.engine.checkpoints import CheckpointError

    try:
        return _load(store, session, choice)
    except (CheckpointError, HeadsError) as error:
        raise ModelProblem(str(error)) from None


def painter(store: SessionStore, session: Session, choice: str) -> tuple[Any, int, int, str]:
    """The chosen model, the side of its pictures and of its patches in pixels, and the line.

    Raises:
        ModelProblem: it can't be had.
    """
    from backends.mae.vit_mae import ViTMAE

    model, line = chosen(store, session, choice)
    if model is None:
        return None, *FIRST_SHAPE, line
    if isinstance(model, ViTMAE):
        return model, model.image_size, model.patch, line
    return model, int(model.config.image_size), int(model.config.patch), line


def _load(store: SessionStore, session: Session, choice: str) -> tuple[FrozenMAE | ViTMAE | None, str]:
    if choice.startswith(SHIPPED):
        from backends.mae import shipped

        name = choice.removeprefix(SHIPPED)
        return shipped.load(name), shipped.origin(name)
    if choice.startswith(FOLDER) and store.model_folder is not None:
        from backends.mae.vit_mae import load_from

        name = choice.removeprefix(FOLDER)
        return load_from(store.model_folder, name), f"{name} paints, from the folder of models."
    if choice.startswith(KNOWN):
        from backends.mae.vit_mae import KNOWN_MODELS, load_known

        name = choice.removeprefix(KNOWN)
        return load_known(name), f"{name} paints: {KNOWN_MODELS[name].licence}." if name in KNOWN_MODELS else name
    return model_of(session)
