"""The two doors of a tab that works with pictures: what a visitor takes home, and models that a visitor loads."""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

import gradio as gr

from backends.analysis import picture_export
from backends.data.pictures import PictureError, PictureSet
from backends.engine.checkpoints import CheckpointError
from backends.engine.model_files import MODEL_NAME
from playground.components import answers
from playground.components.downloads import Make, download_button, wire_download
from playground.own_pictures import OWN_DATA, own_pictures
from playground.session import Session, SessionStore

ENCODER_NAME, FEATURES_NAME, PROBES_NAME = "encoder.safetensors", "features_tsv.zip", "probes.csv"
MAX_LOADED_BYTES = 1 << 30
"""Held for all sessions together, of each tab's models; shipped ones are shared and count nothing."""
LONGEST_NAME = 60
DATA_NAMES: dict[str, str] = {OWN_DATA: "own pictures", "both": "apples and emoji"}

LOAD_INTRODUCTION = (
    "Let another model answer: one that this project trained, or a model.safetensors taken home from here. It stays on "
    "this server only while this page is open."
)
HOME_INTRODUCTION = "The model that answers now, what it knows, or the run itself as a notebook."
NO_MODEL = "There is no model yet: press Train."


class HomeConfig(Protocol):
    """The settings of a run that are spoken of here."""

    @property
    def data(self) -> str:
        """Which pictures."""

    @property
    def seed(self) -> int:
        """Of the run."""


class HomeModel(Protocol):
    """A frozen copy of a model that can be taken home."""

    @property
    def config(self) -> HomeConfig:
        """Of the run."""

    @property
    def step(self) -> int:
        """How far it was."""


class ProbedHomeModel(HomeModel, picture_export.ProbedModel, Protocol):
    """One that was probed, with an encoder of pictures."""


ModelT = TypeVar("ModelT", bound=HomeModel)
ProbedT = TypeVar("ProbedT", bound=ProbedHomeModel)
LoadedT = TypeVar("LoadedT", bound=HomeModel, covariant=True)


class ModelFiles(Protocol[ModelT]):
    """A method's module `checkpoint`."""

    @property
    def MAX_FILE_BYTES(self) -> int:  # noqa: N802
        """Of the largest file."""

    def save_whole(self, frozen: ModelT, path: Path) -> Path:
        """Write a file that `load_model` reads."""

    def load_model(self, path: Path, device: str = "cpu", *, pictures: PictureSet | None = None) -> ModelT:
        """Read a model, which may come from a stranger, and test it; a refusal is a `CheckpointError`."""

    def size_of(self, frozen: ModelT) -> int:
        """Bytes of a model's weights."""


class EncoderFiles(ModelFiles[ProbedT], Protocol[ProbedT]):
    """One of a method whose encoder is of use alone."""

    def save_encoder(self, frozen: ProbedT, path: Path) -> Path:
        """Write the encoder alone."""


class Titled(Protocol):
    """A shipped model's entry."""

    @property
    def title(self) -> str:
        """As the page calls it."""


class ShippedModels(Protocol[LoadedT]):
    """A method's module `shipped`."""

    @property
    def MODELS(self) -> Mapping[str, Titled]:  # noqa: N802
        """By name."""

    @property
    def FIRST(self) -> str:  # noqa: N802
        """Name of the one that stands on the page at first."""

    def load(self, name: str) -> LoadedT:
        """Read one; a refusal is a `CheckpointError`."""

    def origin(self, name: str) -> str:
        """Say where it comes from."""


Take = Callable[["PictureHome[ModelT]", Path, ModelT], tuple[Path, str]]


@dataclass(frozen=True)
class PictureHome(Generic[ModelT]):
    """What a tab's two doors look like.

    Attributes:
        tab: begins the names of elements ("simclr-home-model") and of endpoints ("simclr_model").
        loaded_key: where in `Session.uploads` a loaded model stands, with the line that says which.
        files: the method's module `checkpoint`.
        shipped: the method's module `shipped`.
        notebook_name: of the file.
        write_notebook: writes the notebook of a model's run: (model, path, what to say of the pictures).
        net_of: names the net in a few words of ours, as in "small conv net, 400 steps on apples".
        whole: what the file of the model holds, as in "Encoder and head".
        origin: the sentence that says which file answers, with {name} and {extent}.
        no_pictures: what to say where a loaded model's pictures are not here.
        trained_on: how many of the pictures that a model was trained on are here.
        takes: what can be taken home: title of the button, what makes the file, and the end of the element's name.
        home_introduction: above the downloads.
    """

    tab: str
    loaded_key: str
    files: ModelFiles[ModelT]
    shipped: ShippedModels[ModelT]
    notebook_name: str
    write_notebook: Callable[[ModelT, Path, str], Path]
    net_of: Callable[[ModelT], str]
    whole: str
    origin: str
    no_pictures: str
    trained_on: Callable[[ModelT], int]
    takes: Sequence[tuple[str, Take[ModelT], str]]
    home_introduction: str = HOME_INTRODUCTION

    def loaded(self, session: Session) -> tuple[ModelT, str] | None:
        """The model that this visitor has loaded and the line that says which, if any."""
        found: tuple[ModelT, str] | None = session.uploads.get(self.loaded_key)
        return found

    def extent_of(self, model: ModelT) -> str:
        """Net, steps and pictures in words of ours."""
        data = DATA_NAMES.get(model.config.data, model.config.data)
        return f"{self.net_of(model)}, {model.step:,} steps on {data}"


@dataclass(frozen=True)
class MoreModels:
    """Models that a tab offers beside those that the project trained.

    Attributes:
        choices: (title, value) of each; no value is the name of a shipped one.
        take: lets one of them answer in a session; returns what to say, and whether the model changed.
    """

    choices: Sequence[tuple[str, str]]
    take: Callable[[Session, str], tuple[str, bool]]


ModelOf = Callable[[Session], "tuple[ModelT | None, str]"]


def build_take_home(home: PictureHome[ModelT], store: SessionStore, model_of: ModelOf[ModelT]) -> None:
    """Lay out and wire the downloads.

    Args:
        home: whose.
        store: the sessions.
        model_of: the model that answers now and the line that says which; it is what is taken home.
    """
    answers.html_area(answers.sentence(home.home_introduction), elem_classes=["note-line"])
    buttons: list[tuple[gr.Button, Take[ModelT], str]] = []
    with gr.Row(elem_classes=["actions"]):
        for title, take, name in home.takes:
            button = gr.Button(title, size="sm", elem_id=f"{home.tab}-home-{name}", min_width=120)
            buttons.append((button, take, name))
    message = answers.html_area(elem_id=f"{home.tab}-home-note")
    file = download_button(f"{home.tab}-home-file")
    for button, take, name in buttons:
        wire_download(store, button, _maker(home, model_of, take), file, message, f"{home.tab}_{name}")


def build_load(
    home: PictureHome[ModelT],
    store: SessionStore,
    on_loaded: Callable[[Session], Sequence[Any]],
    outputs: Sequence[gr.components.Component],
    more: MoreModels | None = None,
) -> list[Any]:
    """Lay out and wire the loading of models; returns the events, so that more can follow them.

    Args:
        home: whose.
        store: the sessions; what is loaded stands in `Session.uploads[home.loaded_key]`.
        on_loaded: makes the values of `outputs` after a model came or went.
        outputs: the components that show which model answers.
        more: models that are offered beside those that this project trained.
    """
    shelf = Shelf(home)
    answers.html_area(answers.sentence(LOAD_INTRODUCTION), elem_classes=["note-line"])
    name = gr.Radio(
        [
            *((_capital(model.title), key) for key, model in home.shipped.MODELS.items()),
            *(more.choices if more is not None else ()),
        ],
        value=home.shipped.FIRST,
        label="Trained earlier by this project" + (", or by others" if more is not None else ""),
        elem_id=f"{home.tab}-load-name",
    )
    with gr.Row(elem_classes=["actions"]):
        load = gr.Button("Load", size="sm", variant="primary", elem_id=f"{home.tab}-load-go", min_width=90)
        back = gr.Button("Back to my run", size="sm", elem_id=f"{home.tab}-load-back", min_width=130)
    file = gr.File(
        label=f"A model made here (.safetensors, {store.limits.up_to(home.files.MAX_FILE_BYTES)})",
        file_types=[".safetensors"],
        height=120,
        elem_id=f"{home.tab}-load-file",
    )
    message = answers.html_area(elem_id=f"{home.tab}-load-note")
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
        if more is not None and chosen not in home.shipped.MODELS:
            said, changed = more.take(session, str(chosen))
        else:
            said, changed = take_shipped(home, session, str(chosen))
        yield [said, gr.skip(), *(on_loaded(session) if changed else unchanged)]

    def on_back(request: gr.Request) -> list[Any]:
        session = _session(store, request)
        had = session.uploads.pop(home.loaded_key, None) is not None
        said = "The loaded model is put away." if had else "No model is loaded."
        return [answers.sentence(said), None, *on_loaded(session)]

    shown = [message, file, *outputs]
    quick: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "once"}
    reading: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "read", **quick}
    return [
        file.upload(on_file, file, shown, api_name=f"{home.tab}_load_file", **reading),
        load.click(on_name, name, shown, api_name=f"{home.tab}_load_shipped", concurrency_limit=2, **quick),
        back.click(on_back, None, shown, api_name=f"{home.tab}_unload", concurrency_limit=8, **quick),
    ]


class Shelf(Generic[ModelT]):
    """Counts what all sessions have loaded in a tab, without keeping it alive."""

    def __init__(self, home: PictureHome[ModelT]) -> None:
        self.home = home
        self._held: weakref.WeakValueDictionary[int, ModelT] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()

    def put(self, session: Session, model: ModelT, origin: str) -> None:
        """Give a session its model in place of the one it had.

        Raises:
            CheckpointError: all sessions together hold too much.
        """
        size_of = self.home.files.size_of
        with self._lock:
            before = self.home.loaded(session)
            others = [held for held in self._held.values() if before is None or held is not before[0]]
            if sum(map(size_of, others)) + size_of(model) > MAX_LOADED_BYTES:
                raise CheckpointError(
                    "Other visitors have loaded as many models as this server can hold: try again in some minutes, "
                    "or bring a smaller one."
                )
            self._held[id(model)] = model
            session.uploads[self.home.loaded_key] = (model, origin)


def take_model(home: PictureHome[ModelT], folder: Path, model: ModelT) -> tuple[Path, str]:
    """Write model.safetensors, which `build_load` takes; return its path and what to say."""
    path = home.files.save_whole(model, folder / MODEL_NAME)
    return path, f"{home.whole} with their settings, {home.extent_of(model)}; it can be loaded here again."


def take_encoder(home: PictureHome[ProbedT], folder: Path, model: ProbedT) -> tuple[Path, str]:
    """Write the encoder alone; return its path and what to say. The method's files must be `EncoderFiles`."""
    files = cast("EncoderFiles[ProbedT]", home.files)
    path = files.save_encoder(model, folder / ENCODER_NAME)
    extent = home.extent_of(model)
    return path, f"The encoder alone, {extent}; the end of the notebook loads it with torch and nothing of this page."


def take_notebook(home: PictureHome[ModelT], folder: Path, model: ModelT) -> tuple[Path, str]:
    """Write the notebook that repeats the model's run; return its path and what to say."""
    config, note = model.config, ""
    if config.data == OWN_DATA and home.trained_on(model):
        note = f"your own .zip; {home.trained_on(model):,} of its pictures were trained on."
    path = home.write_notebook(model, folder / home.notebook_name, note)
    return path, f"The run of {home.extent_of(model)}, seed {config.seed}; the first cell says how to run it."


def take_features(home: PictureHome[ProbedT], folder: Path, model: ProbedT) -> tuple[Path, str]:
    """Write the .zip with the map's features and labels; return its path and what to say."""
    path = picture_export.write_features(model, folder / FEATURES_NAME)
    count, width = model.probed.features.shape
    said = f"{count:,} held-out pictures, {width} features each; unpack it, and load both files at "
    return path, said + "projector.tensorflow.org."


def take_probes(home: PictureHome[ProbedT], folder: Path, model: ProbedT) -> tuple[Path, str]:
    """Write the table of the probes; return its path and what to say."""
    path = picture_export.write_probes(model, folder / PROBES_NAME)
    return path, "What the features know of each factor, with chance, an untrained net and raw pixels beside it."


MODEL_TAKE = ("Model (.safetensors)", take_model, "model")
NOTEBOOK_TAKE = ("Notebook (.ipynb)", take_notebook, "notebook")


def probed_takes() -> Sequence[tuple[str, Take[ProbedT], str]]:
    """What a method that is probed lets its visitors take home."""
    return (
        MODEL_TAKE,
        ("Encoder for torch (.safetensors)", take_encoder, "encoder"),
        NOTEBOOK_TAKE,
        ("For the Embedding Projector (.zip)", take_features, "features"),
        ("Probes (.csv)", take_probes, "probes"),
    )


def take_file(shelf: Shelf[ModelT], session: Session, path: str | None, device: str) -> tuple[str, bool]:
    """Read an uploaded file into the session; return what to say and whether the model changed."""
    home = shelf.home
    if not path:
        return answers.problem("No file arrived: choose a .safetensors file that Take home made."), False
    try:
        model = home.files.load_model(Path(path), device, pictures=own_pictures(session))
        origin = home.origin.format(name=shown_name(path), extent=home.extent_of(model))
        shelf.put(session, model, origin)
    except CheckpointError as error:
        return answers.problem(str(error)), False
    more = "" if home.trained_on(model) else answers.sentence(home.no_pictures)
    return answers.sentence(origin) + more, True


def take_shipped(home: PictureHome[ModelT], session: Session, name: str) -> tuple[str, bool]:
    """Let a shipped model answer; return what to say and whether the model changed."""
    try:
        model = home.shipped.load(name)
        origin = home.shipped.origin(name)
    except CheckpointError as error:
        return answers.problem(str(error)), False
    session.uploads[home.loaded_key] = (model, origin)
    return answers.sentence(origin), True


def _maker(home: PictureHome[ModelT], model_of: ModelOf[ModelT], take: Take[ModelT]) -> Make:
    def make(session: Session, folder: Path) -> tuple[Path | None, str]:
        model, line = model_of(session)
        if model is None:
            return None, answers.problem(NO_MODEL)
        try:
            path, said = take(home, folder, model)
        except (PictureError, CheckpointError) as error:
            return None, answers.problem(str(error))
        return path, answers.sentence(f"{path.name}: {said}") + answers.sentence(line)

    return make


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def shown_name(path: str) -> str:
    """A file's name as it may be shown anywhere: nothing in it is HTML, whoever chose it."""
    name = re.sub(r"[^\w. -]", "_", Path(path).name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _session(store: SessionStore, request: gr.Request) -> Session:
    return store.of(str(request.session_hash))
