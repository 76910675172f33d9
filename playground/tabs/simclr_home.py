"""The SimCLR tab's two doors: what a visitor takes home, and models that a visitor loads."""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from backends.data.pictures import PictureError
from backends.engine.checkpoints import CheckpointError
from backends.simclr import checkpoint, export, shipped
from backends.simclr.config import OWN_PICTURES, SimCLRConfig
from backends.simclr.notebook import ENCODER_FILE, write_notebook
from playground.components import answers
from playground.session import Session, SessionStore
from playground.tabs.simclr_state import LOADED, own_pictures
from playground.tabs.word2vec_home import FOLDER, Folder

if TYPE_CHECKING:
    from backends.simclr.trainer import FrozenModel

FEATURES_NAME, PROBES_NAME, NOTEBOOK_NAME = "features_tsv.zip", "probes.csv", "simclr.ipynb"
MAX_LOADED_BYTES = 1 << 30
"""Held for all sessions together; shipped models are shared and count nothing."""
LONGEST_NAME = 60

HOME_INTRODUCTION = "The model that answers now, what it knows, or the run itself as a notebook."
LOAD_INTRODUCTION = (
    "Let another model answer: one that this project trained, or a model.safetensors taken home from here, up to "
    f"{checkpoint.MAX_FILE_BYTES >> 20} MB. It stays on this server only while this page is open."
)
NO_MODEL = "There is no model yet: press Train."
NO_PICTURES = "The pictures that it learned from are not here, so there is no map: bring their .zip, and load it again."
_START_DOWNLOAD = "() => { document.querySelector('#simclr-home-file')?.click(); }"

ModelOf = Callable[[Session], "tuple[FrozenModel | None, str]"]
Take = Callable[[Folder, "FrozenModel"], tuple[Path, str]]


def loaded(session: Session) -> tuple[FrozenModel, str] | None:
    """The model that this visitor has loaded and the line that says which, if any."""
    found: tuple[FrozenModel, str] | None = session.uploads.get(LOADED)
    return found


def build_take_home(store: SessionStore, model_of: ModelOf) -> None:
    """Lay out and wire the downloads.

    Args:
        store: the sessions.
        model_of: the model that answers now and the line that says which; it is what is taken home.
    """
    answers.html_area(answers.sentence(HOME_INTRODUCTION), elem_classes=["note-line"])
    buttons: list[tuple[gr.Button, Take, str]] = []
    with gr.Row(elem_classes=["actions"]):
        for title, take_it, name in (
            ("Model (.safetensors)", take_model, "model"),
            ("Encoder for torch (.safetensors)", take_encoder, "encoder"),
            ("Notebook (.ipynb)", take_notebook, "notebook"),
            ("For the Embedding Projector (.zip)", take_features, "features"),
            ("Probes (.csv)", take_probes, "probes"),
        ):
            buttons.append((gr.Button(title, size="sm", elem_id=f"simclr-home-{name}", min_width=120), take_it, name))
    message = answers.html_area(elem_id="simclr-home-note")
    # Gradio's button downloads what it held before the click; so a plain one makes the file and presses this one.
    file = gr.DownloadButton("Download", visible="hidden", elem_id="simclr-home-file")
    for button, take, name in buttons:
        made = button.click(
            _handler(store, model_of, take, file),
            None,
            [file, message],
            api_name=f"simclr_{name}",
            show_progress="hidden",
            concurrency_limit=2,
            concurrency_id="take-home",
            trigger_mode="once",
        )
        made.then(None, None, None, js=_START_DOWNLOAD)


def build_load(
    store: SessionStore,
    on_loaded: Callable[[Session], Sequence[Any]],
    outputs: Sequence[gr.components.Component],
) -> list[Any]:
    """Lay out and wire the loading of models; returns the events, so that more can follow them.

    Args:
        store: the sessions; what is loaded stands in `Session.uploads[LOADED]`.
        on_loaded: makes the values of `outputs` after a model came or went.
        outputs: the components that show which model answers.
    """
    shelf = Shelf()
    answers.html_area(answers.sentence(LOAD_INTRODUCTION), elem_classes=["note-line"])
    with gr.Row(elem_classes=["actions"]):
        name = gr.Radio(
            [(_capital(model.title), key) for key, model in shipped.MODELS.items()],
            value=shipped.FIRST,
            label="Trained earlier by this project",
            scale=2,
            min_width=300,
            elem_id="simclr-load-name",
        )
        load = gr.Button("Load", size="sm", variant="primary", elem_id="simclr-load-go", min_width=90)
        back = gr.Button("Back to my run", size="sm", elem_id="simclr-load-back", min_width=130)
    file = gr.File(
        label=f"A model made here (.safetensors, up to {checkpoint.MAX_FILE_BYTES >> 20} MB)",
        file_types=[".safetensors"],
        height=120,
        elem_id="simclr-load-file",
    )
    message = answers.html_area(elem_id="simclr-load-note")
    unchanged = [gr.skip() for _ in outputs]

    def on_file(path: str | None, request: gr.Request) -> Iterator[list[Any]]:
        session = _session(store, request)
        try:
            yield [answers.sentence("Reading the file and probing what it knows…"), gr.skip(), *unchanged]
            said, changed = take_file(shelf, session, path, store.device)
        finally:
            if path:
                Path(path).unlink(missing_ok=True)
        yield [said, None, *(on_loaded(session) if changed else unchanged)]

    def on_name(chosen: str, request: gr.Request) -> Iterator[list[Any]]:
        session = _session(store, request)
        yield [answers.sentence("Loading…"), gr.skip(), *unchanged]
        said, changed = take_shipped(session, str(chosen))
        yield [said, gr.skip(), *(on_loaded(session) if changed else unchanged)]

    def on_back(request: gr.Request) -> list[Any]:
        session = _session(store, request)
        had = session.uploads.pop(LOADED, None) is not None
        said = "The loaded model is put away." if had else "No model is loaded."
        return [answers.sentence(said), None, *on_loaded(session)]

    shown = [message, file, *outputs]
    quick: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "once"}
    return [
        file.upload(
            on_file, file, shown, api_name="simclr_load_file", concurrency_limit=1, concurrency_id="read", **quick
        ),
        load.click(on_name, name, shown, api_name="simclr_load_shipped", concurrency_limit=2, **quick),
        back.click(on_back, None, shown, api_name="simclr_unload", concurrency_limit=8, **quick),
    ]


class Shelf:
    """Counts what all sessions have loaded, without keeping it alive."""

    def __init__(self) -> None:
        self._held: weakref.WeakValueDictionary[int, FrozenModel] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()

    def put(self, session: Session, model: FrozenModel, origin: str) -> None:
        """Give a session its model in place of the one it had.

        Raises:
            CheckpointError: all sessions together hold too much.
        """
        with self._lock:
            before = loaded(session)
            others = [held for held in self._held.values() if before is None or held is not before[0]]
            if sum(map(checkpoint.size_of, others)) + checkpoint.size_of(model) > MAX_LOADED_BYTES:
                raise CheckpointError(
                    "Other visitors have loaded as many models as this server can hold: try again in some minutes, "
                    "or bring a smaller one."
                )
            self._held[id(model)] = model
            session.uploads[LOADED] = (model, origin)


def take_model(folder: Folder, model: FrozenModel) -> tuple[Path, str]:
    """Write model.safetensors, which `build_load` takes; return its path and what to say."""
    path = checkpoint.save_whole(model, folder.path / checkpoint.MODEL_NAME)
    return path, f"Encoder and head with their settings, {_extent(model)}; it can be loaded here again."


def take_encoder(folder: Folder, model: FrozenModel) -> tuple[Path, str]:
    """Write the encoder alone; return its path and what to say."""
    path = checkpoint.save_encoder(model, folder.path / ENCODER_FILE)
    said = f"The encoder alone, {_extent(model)}; the end of the notebook loads it with torch and nothing of this page."
    return path, said


def take_notebook(folder: Folder, model: FrozenModel) -> tuple[Path, str]:
    """Write the notebook that repeats the model's run; return its path and what to say."""
    config = model.config
    note = ""
    if config.data == OWN_PICTURES and len(model.split.train):
        note = f"your own .zip; {len(model.split.train):,} of its pictures were trained on."
    path = write_notebook(config, folder.path / NOTEBOOK_NAME, data_note=note)
    return path, f"The run of {_extent(model)}, seed {config.seed}; the first cell says how to run it."


def take_features(folder: Folder, model: FrozenModel) -> tuple[Path, str]:
    """Write the .zip with the map's features and labels; return its path and what to say."""
    path = export.write_features(model, folder.path / FEATURES_NAME)
    count, width = model.probed.features.shape
    said = f"{count:,} held-out pictures, {width} features each; unpack it, and load both files at "
    return path, said + "projector.tensorflow.org."


def take_probes(folder: Folder, model: FrozenModel) -> tuple[Path, str]:
    """Write the table of the probes; return its path and what to say."""
    path = export.write_probes(model, folder.path / PROBES_NAME)
    return path, "What the features know of each factor, with chance, an untrained net and raw pixels beside it."


def take_file(shelf: Shelf, session: Session, path: str | None, device: str) -> tuple[str, bool]:
    """Read an uploaded file into the session; return what to say and whether the model changed."""
    if not path:
        return answers.problem("No file arrived: choose a .safetensors file that Take home made."), False
    try:
        model = checkpoint.load_model(Path(path), device, pictures=own_pictures(session))
        origin = f"Answers come from {_shown_name(path)}: {_extent(model)}."
        shelf.put(session, model, origin)
    except CheckpointError as error:
        return answers.problem(str(error)), False
    more = answers.sentence(NO_PICTURES) if not len(model.split.train) else ""
    return answers.sentence(origin) + more, True


def take_shipped(session: Session, name: str) -> tuple[str, bool]:
    """Let a shipped model answer; return what to say and whether the model changed."""
    try:
        model = shipped.load(name)
        origin = shipped.origin(name)
    except CheckpointError as error:
        return answers.problem(str(error)), False
    session.uploads[LOADED] = (model, origin)
    return answers.sentence(origin), True


def _handler(
    store: SessionStore, model_of: ModelOf, take: Take, file: gr.DownloadButton
) -> Callable[[gr.Request], tuple[str | None, str]]:
    def on_take(request: gr.Request) -> tuple[str | None, str]:
        session = _session(store, request)
        model, line = model_of(session)
        if model is None:
            return None, answers.problem(NO_MODEL)
        try:
            path, said = take(_folder(session, file.GRADIO_CACHE), model)
        except (PictureError, CheckpointError) as error:
            return None, answers.problem(str(error))
        return str(path), answers.sentence(f"{path.name}: {said}") + answers.sentence(line)

    on_take.__name__ = f"on_{take.__name__}"
    return on_take


def _extent(model: FrozenModel) -> str:
    """Net, pictures and steps in words of ours."""
    labels = {setting.name: setting.choices or {} for setting in SimCLRConfig.settings()}
    data = {OWN_PICTURES: "own pictures"}.get(model.config.data, model.config.data)
    return f"{labels['encoder'][model.config.encoder]}, {model.step:,} steps on {data}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _shown_name(path: str) -> str:
    """A file's name as it may be shown anywhere: nothing in it is HTML, whoever chose it."""
    name = re.sub(r"[^\w. -]", "_", Path(path).name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _session(store: SessionStore, request: gr.Request) -> Session:
    return store.of(str(request.session_hash))


def _folder(session: Session, cache: str) -> Folder:
    folder = session.uploads.get(FOLDER)
    if not isinstance(folder, Folder):
        folder = session.uploads[FOLDER] = Folder(cache)
    return folder
