"""Which model answers in the CLIP tab, and what a visitor takes home of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from backends.clip import checkpoint, shipped
from backends.clip.config import CLIPConfig
from backends.clip.export import write_vectors
from backends.clip.notebook import write_notebook
from playground.components import answers
from playground.session import Session, SessionStore
from playground.tabs import picture_home
from playground.tabs.clip_state import LOADED, TAB, own_model_of
from playground.tabs.picture_home import MODEL_TAKE, NOTEBOOK_TAKE, MoreModels, PictureHome

if TYPE_CHECKING:
    from backends.clip.trainer import FrozenCLIP

FOLDER, KNOWN = "folder:", "known:"
VECTORS_NAME = "vectors_tsv.zip"
NO_PICTURES = (
    "It answers to any picture of yours, but those that it learned from are not here: bring their .zip, and load it "
    "again."
)
INTRODUCTION = "The model that answers now, where it puts pictures and captions, or the run itself as a notebook."
FOREIGN = "Made elsewhere; it answers to any picture, and {count} of the emoji stand for all, to keep the wait short."


def build_models(
    store: SessionStore,
    on_loaded: Callable[[Session], Sequence[Any]],
    outputs: Sequence[gr.components.Component],
) -> None:
    """Lay out and wire the loading of models and the downloads.

    Args:
        store: the sessions.
        on_loaded: makes the values of `outputs` after another model came or went.
        outputs: the components elsewhere that show which model answers.
    """
    more = MoreModels(choices(store), partial(take_foreign, store))
    with gr.Row(elem_classes=["two-parts"]):
        with gr.Column():
            answers.html_area("<h3>Let another model answer</h3>")
            picture_home.build_load(HOME, store, on_loaded, outputs, more)
        with gr.Column():
            answers.html_area("<h3>Take it home</h3>")
            picture_home.build_take_home(HOME, store, own_model_of)


def choices(store: SessionStore) -> list[tuple[str, str]]:
    """(title, value) of the models made elsewhere: those in the operator's folder, and those of the fixed list."""
    from backends.clip.transformers_clip import KNOWN_MODELS, folder_names

    offered = [(name, FOLDER + name) for name in folder_names(store.model_folder)]
    return offered + [
        (f"{known.name}, {known.megabytes} MB from the network", KNOWN + name) for name, known in KNOWN_MODELS.items()
    ]


def take_foreign(store: SessionStore, session: Session, choice: str) -> tuple[str, bool]:
    """Let a model of the library transformers answer; return what to say and whether the model changed."""
    from backends.attention.heads import HeadsError
    from backends.clip.transformers_clip import KNOWN_MODELS, load_from, load_known

    name = choice.removeprefix(FOLDER).removeprefix(KNOWN)
    try:
        if choice.startswith(FOLDER) and store.model_folder is not None:
            model, origin = (
                load_from(store.model_folder, name, device=store.device),
                f"{name} answers, from the folder of models.",
            )
        else:
            model = load_known(name, device=store.device)
            origin = f"{name} answers: {KNOWN_MODELS[name].licence}."
    except HeadsError as error:
        return answers.problem(str(error)), False
    session.uploads[LOADED] = (model, origin)
    count = sum(len(test) for test in model.pairs.tests.values())
    return answers.sentence(origin) + answers.sentence(FOREIGN.format(count=count)), True


def take_vectors(home: PictureHome[FrozenCLIP], folder: Path, model: FrozenCLIP) -> tuple[Path, str]:
    """Write where the model puts pictures and captions; return the path and what to say."""
    path = write_vectors(model, folder / VECTORS_NAME)
    return path, (
        "pictures and captions that were held out, one vector each; unpack it, and load both files at "
        "projector.tensorflow.org."
    )


def _write_notebook(model: FrozenCLIP, path: Path, note: str) -> Path:
    return write_notebook(model.config, path, data_note=note)


def _net_of(model: FrozenCLIP) -> str:
    labels = {setting.name: setting.choices or {} for setting in CLIPConfig.settings()}
    return f"{labels['image_encoder'][model.config.image_encoder]}, {labels['loss'][model.config.loss]}"


HOME: PictureHome[FrozenCLIP] = PictureHome(
    tab=TAB,
    loaded_key=LOADED,
    files=checkpoint,
    shipped=shipped,
    notebook_name="clip.ipynb",
    write_notebook=_write_notebook,
    net_of=_net_of,
    whole="Both encoders and the tokenizer",
    origin="The model in {name} answers: {extent}.",
    no_pictures=NO_PICTURES,
    trained_on=lambda model: 0 if model.pairs is None else len(model.pairs.train),
    takes=(MODEL_TAKE, NOTEBOOK_TAKE, ("For the Embedding Projector (.zip)", take_vectors, "vectors")),
    home_introduction=INTRODUCTION,
)
