"""Which models answer in the Language tab, and what a visitor takes home of them."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from backends.data.corpora import BUILT_IN, OWN_TEXT
from backends.engine.checkpoints import CheckpointError
from backends.engine.model_files import bytes_of
from backends.language import checkpoint, shipped
from backends.language.config import METHOD_OF, TITLES
from backends.language.export import write_token_vectors
from backends.language.notebook import write_notebook
from playground.components import answers
from playground.components.downloads import download_button, wire_download
from playground.session import Session, SessionStore
from playground.tabs.language_state import LOADED, TAB, model_of
from playground.tabs.picture_home import MAX_LOADED_BYTES, shown_name

if TYPE_CHECKING:
    from backends.language.trainer import FrozenLanguage

LOAD_INTRODUCTION = (
    "A file taken home from here: whether it is a BERT, a T5 or a GPT stands in it; the other two stay. "
    "It stays on this server only while this page is open."
)
HOME_INTRODUCTION = (
    "The models that answer now (.safetensors), the run itself as a notebook (.ipynb), or the vector of each token for "
    "the Embedding Projector (.zip)."
)
BACK = {
    True: "The loaded models are put away; your run answers, or where it has none, what this project trained.",
    False: "No model is loaded.",
}

Take = Callable[[Path, str, "FrozenLanguage"], tuple[Path, str]]


def build_models(
    store: SessionStore,
    on_loaded: Callable[[Session], Sequence[Any]],
    outputs: Sequence[gr.components.Component],
) -> None:
    """Lay out and wire the loading of models and the downloads.

    Args:
        store: the sessions; what is loaded stands in `Session.uploads[LOADED]`, by method.
        on_loaded: makes the values of `outputs` after models came or went.
        outputs: the components elsewhere that show which models answer.
    """
    with gr.Row(elem_classes=["two-parts"]):
        with gr.Column():
            answers.html_area("<h3>Let another model answer</h3>")
            _build_load(store, on_loaded, outputs)
        with gr.Column():
            answers.html_area("<h3>Take it home</h3>")
            _build_take_home(store)


def _build_load(
    store: SessionStore,
    on_loaded: Callable[[Session], Sequence[Any]],
    outputs: Sequence[gr.components.Component],
) -> None:
    shelf = Shelf()
    answers.html_area(answers.sentence(LOAD_INTRODUCTION), elem_classes=["note-line"])
    file = gr.File(
        label=f"A model made here (.safetensors, {store.limits.up_to(checkpoint.MAX_FILE_BYTES)})",
        file_types=[".safetensors"],
        height=120,
        elem_id="language-load-file",
    )
    with gr.Row(elem_classes=["actions"]):
        ours = gr.Button("Models of this project", size="sm", elem_id="language-load-shipped", min_width=150)
        back = gr.Button("Back to my run", size="sm", elem_id="language-load-back", min_width=130)
    message = answers.html_area(elem_id="language-load-note")
    unchanged = [gr.skip() for _ in outputs]

    def on_file(path: str | None, request: gr.Request) -> Iterator[list[Any]]:
        session = _session(store, request)
        try:
            yield [answers.sentence("Reading the file…"), gr.skip(), *unchanged]
            said, changed = take_file(shelf, session, path, store.device)
        finally:
            if path:
                Path(path).unlink(missing_ok=True)
        yield [said, None, *(on_loaded(session) if changed else unchanged)]

    def on_shipped(request: gr.Request) -> Iterator[list[Any]]:
        session = _session(store, request)
        yield [answers.sentence("Loading…"), gr.skip(), *unchanged]
        said, changed = take_shipped(session)
        yield [said, gr.skip(), *(on_loaded(session) if changed else unchanged)]

    def on_back(request: gr.Request) -> list[Any]:
        session = _session(store, request)
        had = bool(session.uploads.pop(LOADED, None))
        return [answers.sentence(BACK[had]), None, *on_loaded(session)]

    shown = [message, file, *outputs]
    quick: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "once"}
    reading: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "read", **quick}
    file.upload(on_file, file, shown, api_name="language_load_file", **reading)
    ours.click(on_shipped, None, shown, api_name="language_load_shipped", concurrency_limit=2, **quick)
    back.click(on_back, None, shown, api_name="language_unload", concurrency_limit=8, **quick)


def _build_take_home(store: SessionStore) -> None:
    answers.html_area(answers.sentence(HOME_INTRODUCTION), elem_classes=["note-line"])
    buttons: list[tuple[gr.Button, str, str]] = []
    for method, title in TITLES.items():
        with gr.Row(elem_classes=["actions", "language-home"]):
            answers.html_area(f"<b>{title}</b>", elem_classes=[f"of-{method}"])
            for name, (label, _) in TAKES.items():
                button = gr.Button(label, size="sm", elem_id=f"language-home-{name}-{method}", min_width=90)
                buttons.append((button, method, name))
    message = answers.html_area(elem_id="language-home-note")
    file = download_button("language-home-file")
    for button, method, name in buttons:

        def make(session: Session, folder: Path, of: str = method, what: str = name) -> tuple[Path | None, str]:
            return take_home(session, folder, of, what)

        wire_download(store, button, make, file, message, f"language_{name}_{method}")


class Shelf:
    """Counts what all sessions have loaded, without keeping it alive; shipped models are shared and count nothing."""

    def __init__(self) -> None:
        self._held: weakref.WeakSet[FrozenLanguage] = weakref.WeakSet()
        self._lock = threading.Lock()

    def put(self, session: Session, method: str, model: FrozenLanguage, line: str) -> None:
        """Give a session its model in place of the one that it had of this method.

        Raises:
            CheckpointError: all sessions together hold too much.
        """
        with self._lock:
            loaded: dict[str, tuple[FrozenLanguage, str]] = session.uploads.get(LOADED, {})
            before = loaded.get(method)
            others = [held for held in self._held if before is None or held is not before[0]]
            if sum(bytes_of(held.model) for held in others) + bytes_of(model.model) > MAX_LOADED_BYTES:
                raise CheckpointError(
                    "Other visitors have loaded as many models as this server can hold: try again in some minutes, "
                    "or bring a smaller one."
                )
            self._held.add(model)
            session.uploads[LOADED] = {**loaded, method: (model, line)}


def take_file(shelf: Shelf, session: Session, path: str | None, device: str) -> tuple[str, bool]:
    """Read an uploaded file into the session; return what to say and whether the models changed."""
    if not path:
        return answers.problem("No file arrived: choose a .safetensors file that Take home made."), False
    try:
        model = checkpoint.load_model(Path(path), device)
        method = METHOD_OF[type(model.config)]
        line = f"The {TITLES[method]} in {shown_name(path)} answers: {extent_of(model)}."
        session.stop(TAB)  # what is being trained would answer
        shelf.put(session, method, model, line)
    except CheckpointError as error:
        return answers.problem(str(error)), False
    return answers.sentence(line), True


def take_shipped(session: Session) -> tuple[str, bool]:
    """Let the models of this project answer; return what to say and whether the models changed."""
    loaded: dict[str, tuple[FrozenLanguage, str]] = {}
    problems = []
    for method in shipped.MODELS:
        try:
            loaded[method] = (shipped.load(method), shipped.origin(method))
        except CheckpointError as error:
            problems.append(f"{TITLES[method]}: {error}")
    if loaded:
        session.stop(TAB)
        session.uploads[LOADED] = {**session.uploads.get(LOADED, {}), **loaded}
    said = [answers.sentence(line) for _, line in loaded.values()] + [answers.problem(text) for text in problems]
    return "".join(said), bool(loaded)


def take_home(session: Session, folder: Path, method: str, what: str) -> tuple[Path | None, str]:
    """Make a file of the model that answers; return its path and what to say.

    Args:
        session: whose.
        folder: where it comes to lie.
        method: "bert", "t5" or "gpt".
        what: a key of `TAKES`.
    """
    model, line = model_of(session, method)
    if model is None:
        return None, answers.problem(line)
    _, take = TAKES[what]
    path, said = take(folder, method, model)
    return path, answers.sentence(f"{path.name}: {said}") + answers.sentence(line)


def take_model(folder: Path, method: str, model: FrozenLanguage) -> tuple[Path, str]:
    """Write the model, which can be loaded again; return its path and what to say."""
    path = checkpoint.save_whole(model, folder / f"{method}.safetensors")
    return path, f"The whole model with its tokenizer and settings, {extent_of(model)}; it can be loaded here again."


def take_notebook(folder: Path, method: str, model: FrozenLanguage) -> tuple[Path, str]:
    """Write the notebook that repeats the model's run; return its path and what to say."""
    own = model.config.corpus == OWN_TEXT
    note = f"your own .txt; {len(model.text.train):,} of its lines were trained on." if own and model.text else ""
    path = write_notebook(model.config, folder / f"{method}.ipynb", data_note=note)
    steps = f"all {model.config.steps:,} steps of the run"
    return path, f"{TITLES[method]}, {steps}, seed {model.config.seed}; the first cell says how to run it." + (
        " Your text is not in it." if own else ""
    )


def take_vectors(folder: Path, method: str, model: FrozenLanguage) -> tuple[Path, str]:
    """Write the vector of each token; return the path and what to say."""
    path = write_token_vectors(model, folder / f"{method}_tokens_tsv.zip")
    return path, (
        f"the vectors of {len(model.tokenizer):,} tokens, special ones left out; unpack it, and load both files at "
        "projector.tensorflow.org."
    )


TAKES: dict[str, tuple[str, Take]] = {
    "model": ("Model", take_model),
    "notebook": ("Notebook", take_notebook),
    "tokens": ("Token vectors", take_vectors),
}
"""What a visitor takes home: the button, and what makes the file."""


def extent_of(model: FrozenLanguage) -> str:
    """Size, steps and text in words of ours."""
    config = model.config
    text = "your own text" if config.corpus == OWN_TEXT else BUILT_IN[config.corpus].title.partition(":")[0].lower()
    blocks = "1 block" if config.depth == 1 else f"{config.depth} blocks"
    return f"{blocks} of width {config.width}, {model.step:,} steps on {text}"


def _session(store: SessionStore, request: gr.Request) -> Session:
    return store.of(str(request.session_hash))
