"""The Word2Vec tab's two doors: what a visitor takes home, and vectors that a visitor brings."""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from backends.analysis.word_vectors import WordQuestionError, WordVectors
from backends.data.corpora import OWN_TEXT
from backends.word2vec import export, named_vectors
from backends.word2vec.config import Word2VecConfig
from backends.word2vec.notebook import write_notebook
from backends.word2vec.vectors_file import MAX_FILE_BYTES, LoadedVectors, VectorsFileError, read_vectors
from playground.components import answers
from playground.components.downloads import download_button, wire_download
from playground.session import Run, Session, SessionStore, worth_keeping

LOADED = worth_keeping("loaded_vectors")
"""Where in `Session.uploads` the vectors that a visitor brought are."""
VECTORS_NAME, TSV_NAME, NOTEBOOK_NAME = "vectors.txt", "vectors_tsv.zip", "word2vec.ipynb"
MAX_LOADED_BYTES = 2 << 30
"""Held for all sessions together; vectors by name are shared and count once."""
WORD_BYTES = 250
"""What a word of about eight letters costs in Python: the string and two entries in a table."""
LONGEST_NAME = 60

HOME_INTRODUCTION = "The vectors that answer now, or the run itself as a notebook."
LOAD_INTRODUCTION = (
    "Ask your questions of other vectors: a word2vec file (text or binary) or GloVe. They stay on this server only "
    "while this page is open."
)
NAMED_INTRODUCTION = f"By name, where this server has a network: {named_vectors.LICENCE}."

VectorsOf = Callable[[Session], tuple[WordVectors, str]]
RunOf = Callable[[Session], Run | None]


@dataclass(frozen=True, eq=False)
class Loaded:
    """Vectors that a visitor brought.

    Attributes:
        read: what was read, with notes on what was not as expected.
        origin: the line that says what answers: plain text without a character that HTML would mind.
    """

    read: LoadedVectors
    origin: str

    @property
    def vectors(self) -> WordVectors:
        """What answers instead of the run."""
        return self.read.vectors


def loaded(session: Session) -> Loaded | None:
    """The vectors that this visitor has loaded, if any."""
    found = session.uploads.get(LOADED)
    return found if isinstance(found, Loaded) else None


def build_take_home(store: SessionStore, vectors_of: VectorsOf, run_of: RunOf) -> None:
    """Lay out and wire the downloads.

    Args:
        store: the sessions.
        vectors_of: the vectors that answer now and the line that says which; these are exported.
        run_of: the visitor's run, if any; the notebook repeats it.
    """
    answers.html_area(answers.sentence(HOME_INTRODUCTION), elem_classes=["note-line"])
    with gr.Row(elem_classes=["actions"]):
        text = gr.Button("Vectors (.txt)", size="sm", elem_id="w2v-home-vectors", min_width=120)
        tsv = gr.Button("For the Embedding Projector (.zip)", size="sm", elem_id="w2v-home-tsv", min_width=200)
        notebook = gr.Button("Notebook (.ipynb)", size="sm", elem_id="w2v-home-notebook", min_width=140)
    message = answers.html_area(elem_id="w2v-home-note")
    file = download_button("w2v-home-file")

    def make_text(session: Session, folder: Path) -> tuple[Path | None, str]:
        return take_vectors(folder, session, vectors_of)

    def make_tsv(session: Session, folder: Path) -> tuple[Path | None, str]:
        return take_tsv(folder, session, vectors_of)

    def make_notebook(session: Session, folder: Path) -> tuple[Path | None, str]:
        return take_notebook(folder, run_of(session))

    for button, make, name in (
        (text, make_text, "vectors"),
        (tsv, make_tsv, "tsv"),
        (notebook, make_notebook, "notebook"),
    ):
        wire_download(store, button, make, file, message, f"word2vec_{name}")


def build_load(
    store: SessionStore,
    on_loaded: Callable[[Session], Sequence[Any]],
    outputs: Sequence[gr.components.Component],
) -> list[Any]:
    """Lay out and wire the loading of vectors; returns the events, so that more can follow them.

    Args:
        store: the sessions; what is loaded stands in `Session.uploads[LOADED]`.
        on_loaded: makes the values of `outputs` after vectors came or went.
        outputs: the components that show which vectors answer.
    """
    shelf = Shelf()
    answers.html_area(answers.sentence(LOAD_INTRODUCTION), elem_classes=["note-line"])
    file = gr.File(
        label=f"Vectors (.txt, .vec, .bin, .gz; {store.limits.up_to(MAX_FILE_BYTES)})",
        file_types=[".txt", ".vec", ".bin", ".gz"],
        height=120,
        elem_id="w2v-load-file",
    )
    answers.html_area(answers.sentence(NAMED_INTRODUCTION), elem_classes=["note-line"])
    with gr.Row(elem_classes=["actions"]):
        name = gr.Dropdown(
            [(f"{entry.title} ({entry.size / 2**20:.0f} MB)", key) for key, entry in named_vectors.CATALOGUE.items()],
            value=next(iter(named_vectors.CATALOGUE)),
            label="GloVe",
            filterable=False,
            min_width=300,
            scale=2,
            elem_id="w2v-load-name",
        )
        load = gr.Button("Load", size="sm", variant="primary", elem_id="w2v-load-go", min_width=90)
        back = gr.Button("Back to my run", size="sm", elem_id="w2v-load-back", min_width=130)
    message = answers.html_area(elem_id="w2v-load-note")
    unchanged = [gr.skip() for _ in outputs]

    def on_file(path: str | None, request: gr.Request) -> Iterator[list[Any]]:
        session = _session(store, request)
        try:
            yield [answers.sentence("Reading the file…"), gr.skip(), *unchanged]
            said, changed = take_file(shelf, session, path)
        finally:
            if path:
                Path(path).unlink(missing_ok=True)
        yield [said, None, *(on_loaded(session) if changed else unchanged)]

    def on_name(chosen: str, request: gr.Request) -> Iterator[list[Any]]:
        session = _session(store, request)
        for said, changed in fetch_named(shelf, session, str(chosen)):
            yield [said, gr.skip(), *(on_loaded(session) if changed else unchanged)]

    def on_back(request: gr.Request) -> list[Any]:
        session = _session(store, request)
        had = session.uploads.pop(LOADED, None) is not None
        said = "The loaded vectors are put away." if had else "No vectors are loaded."
        return [answers.sentence(said), None, *on_loaded(session)]

    shown = [message, file, *outputs]
    quick: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "once"}
    reading: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "read", **quick}
    fetching: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "get", **quick}
    return [
        file.upload(on_file, file, shown, api_name="word2vec_load_file", **reading),
        load.click(on_name, name, shown, api_name="word2vec_load_named", **fetching),
        back.click(on_back, None, shown, api_name="word2vec_unload", concurrency_limit=8, **quick),
    ]


class Shelf:
    """Counts what all sessions have loaded, without keeping it alive."""

    def __init__(self) -> None:
        self._held: weakref.WeakSet[WordVectors] = weakref.WeakSet()
        self._named: weakref.WeakValueDictionary[str, LoadedVectors] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()

    def put(self, session: Session, read: LoadedVectors, origin: str) -> Loaded:
        """Give a session its vectors in place of those it had.

        Raises:
            VectorsFileError: all sessions together hold too much.
        """
        with self._lock:
            before = loaded(session)
            others = {v for v in self._held if before is None or v is not before.vectors} - {read.vectors}
            if sum(map(_bytes, others)) + _bytes(read.vectors) > MAX_LOADED_BYTES:
                raise VectorsFileError(
                    "Other visitors have loaded as many vectors as this server can hold: try again in some minutes, "
                    "or bring a smaller file."
                )
            self._held.add(read.vectors)
            made = Loaded(read, origin)
            session.uploads[LOADED] = made
            return made

    def named(self, name: str) -> LoadedVectors | None:
        """Vectors by name, if some session holds them."""
        return self._named.get(name)

    def share(self, name: str, read: LoadedVectors) -> None:
        """Let other sessions find vectors by name as long as one holds them."""
        self._named[name] = read


def take_vectors(folder: Path, session: Session, vectors_of: VectorsOf) -> tuple[Path | None, str]:
    """Write vectors.txt; return its path and what to say."""
    try:
        vectors, line = vectors_of(session)
    except WordQuestionError as error:
        return None, answers.problem(str(error))
    path = export.write_text(export.first_words(vectors), folder / VECTORS_NAME)
    said = f"word2vec text format, for gensim's KeyedVectors.load_word2vec_format and for Load here. {line}"
    return path, answers.sentence(f"{VECTORS_NAME}: {_extent(vectors)}. {said}")


def take_tsv(folder: Path, session: Session, vectors_of: VectorsOf) -> tuple[Path | None, str]:
    """Write the .zip with vectors.tsv and metadata.tsv; return its path and what to say."""
    try:
        vectors, line = vectors_of(session)
    except WordQuestionError as error:
        return None, answers.problem(str(error))
    path = export.write_tsv_zip(export.first_words(vectors), folder / TSV_NAME)
    said = f"Unpack it, and load both files at projector.tensorflow.org. {line}"
    return path, answers.sentence(f"{TSV_NAME}: {_extent(vectors)}. {said}")


def take_notebook(folder: Path, run: Run | None) -> tuple[Path | None, str]:
    """Write the notebook of the visitor's run, or of the default settings; return its path and what to say."""
    config = run.config if run is not None else Word2VecConfig()
    assert isinstance(config, Word2VecConfig)
    note = ""
    if run is not None and config.corpus == OWN_TEXT:
        note = f"your own .txt; {len(run.frozen):,} of its words were frequent enough to be learned."
    path = write_notebook(config, folder / NOTEBOOK_NAME, data_note=note)
    which = f"your run, seed {config.seed}" if run is not None else "the default settings, as you have not trained yet"
    return path, answers.sentence(f"{NOTEBOOK_NAME}: {which}. Its first cell says how to run it.")


def take_file(shelf: Shelf, session: Session, path: str | None) -> tuple[str, bool]:
    """Read an uploaded file into the session; return what to say and whether the vectors changed."""
    if not path:
        return answers.problem("No file arrived: choose a .txt, .vec or .bin file."), False
    try:
        return _loaded_html(
            shelf.put(session, read := read_vectors(Path(path)), _origin(_shown_name(path), read))
        ), True
    except VectorsFileError as error:
        return answers.problem(str(error)), False


def fetch_named(shelf: Shelf, session: Session, name: str) -> Iterator[tuple[str, bool]]:
    """Load vectors by name; yields what to say and whether the vectors changed."""
    try:
        read = shelf.named(name)
        if read is None:
            yield answers.sentence("Looking for them…"), False
            for share in named_vectors.fetch(name):
                yield answers.sentence(f"{share:.0%} has arrived…"), False
            yield answers.sentence("Reading the file…"), False
            read = named_vectors.read_fetched(name)
            shelf.share(name, read)
        made = shelf.put(session, read, f"{_origin(name, read)} {named_vectors.LICENCE}.")
    except VectorsFileError as error:
        yield answers.problem(str(error)), False
        return
    yield _loaded_html(made), True


def _loaded_html(made: Loaded) -> str:
    return "".join(answers.sentence(line) for line in (made.origin, *made.read.notes))


def _origin(name: str, read: LoadedVectors) -> str:
    return f"Answers come from {name}: {len(read.vectors):,} words of {read.vectors.dim} numbers."


def _shown_name(path: str) -> str:
    """A file's name as it may be shown anywhere: nothing in it is HTML, whoever chose it."""
    name = re.sub(r"[^\w. -]", "_", Path(path).name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _extent(vectors: WordVectors) -> str:
    kept = len(export.first_words(vectors))
    words = f"{kept:,} words" if kept == len(vectors) else f"the first {kept:,} of {len(vectors):,} words"
    return f"{words}, {vectors.dim} numbers each"


def _bytes(vectors: WordVectors) -> int:
    """What vectors take once they have been asked something: they are kept at length one besides."""
    return 2 * vectors.vectors.nbytes + WORD_BYTES * len(vectors)


def _session(store: SessionStore, request: gr.Request) -> Session:
    return store.of(str(request.session_hash))
