"""The Word2Vec tab: train on real text, watch words find their places, ask for analogies."""

from __future__ import annotations

import time
import unicodedata
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from backends.analysis import analogies, projection
from backends.analysis.word_vectors import WordQuestionError, WordVectors
from backends.data.corpora import BUILT_IN, OWN_TEXT
from backends.data.text import TextError, TokenisedText, read_text_file
from backends.engine.checkpoints import CheckpointError
from backends.engine.config import MethodConfig
from backends.engine.trainer import Trainer
from backends.word2vec import shipped
from backends.word2vec.config import Word2VecConfig
from playground import controls
from playground.components import answers
from playground.components.plotly_view import pack, plotly_view
from playground.components.run_panel import RunPanel, TabRun
from playground.components.word_fields import list_value, word_box, word_list
from playground.figures import curves, word_maps
from playground.session import Run, Session, SessionStore
from playground.tabs.tab import Tab
from playground.tabs.word2vec_questions import build_questions

TAB = "word2vec"
QUESTION = "Do words that keep the same company mean the same?"
LEAD = "No labels: the text itself says which words stand together. Train, and watch king − man + woman become queen."
MAP_WORDS = shipped.MAP_WORDS
NEIGHBOURS_SHOWN = 5
FIRST_WORD = "king"
MAP_SECONDS = 0.2
"""At least so long from one layout to the next while training: every second update, which leaves cores to train."""
MOVES_BEFORE_REST = 20
"""A map that came late (UMAP was still compiling) makes at least so many moves before it settles."""


@dataclass
class MapProgress:
    """The map of one run: laid out off the event loop, one frame at a time."""

    live: projection.LiveMap
    frame: projection.MapFrame
    laid_out_at: int = 0
    moved: int = 0
    settled: int = 0
    job: Future[projection.MapFrame | None] | None = None
    begun: float = 0.0

    def poll(self, store: SessionStore, run: Run) -> tuple[bool, bool]:
        """Take a finished frame and start the next; return (a new frame was taken, more are to come)."""
        fresh = False
        if self.job is not None:
            if not self.job.done():
                return False, True
            frame, self.job = self.job.result(), None
            if frame is not None:
                self.frame, fresh = frame, True
                self.moved += frame.method == "umap"
        step = run.snapshot.step if run.snapshot else 0
        words = min(MAP_WORDS, len(run.frozen))
        if step == 0:
            return fresh, False
        waits_for_umap = run.done and self.frame.method == "pca" and words > projection.N_NEIGHBORS + 1
        if waits_for_umap and not projection.is_warm() and step == self.laid_out_at:
            return fresh, True
        restless = waits_for_umap or (self.frame.method == "umap" and self.moved < MOVES_BEFORE_REST)
        if not run.done and time.monotonic() - self.begun < MAP_SECONDS:
            return fresh, True
        if step != self.laid_out_at or (run.done and restless):
            self.laid_out_at, self.settled, self.begun = step, 0, time.monotonic()
            self.job = store.map_worker.submit(self.live.update, run.frozen.unit[:words])
        elif run.done and self.settled <= projection.SETTLING_FRAMES:
            self.job = store.map_worker.submit(self.live.settle, run.frozen.unit[:words], self.settled)
            self.settled += 1
        return fresh, self.job is not None


def build_tab(store: SessionStore) -> Tab:
    """Lay the tab out and wire it."""
    with gr.Row(elem_classes=["tab-body"]):
        with gr.Column(scale=0, min_width=312, elem_classes=["ask-column"]):
            answers.html_area(f"<h2>{QUESTION}</h2><p>{LEAD}</p>", elem_classes=["lead"])
            widgets = controls.build_essential(Word2VecConfig, "w2v")
            own_text = gr.File(
                label="Your own text (.txt, UTF-8, up to 20 MB)",
                file_types=[".txt"],
                visible=False,
                height=96,
                elem_id="w2v-own-text",
            )
            own_text_note = answers.html_area(
                _corpus_note("all"), elem_id="w2v-corpus-note", elem_classes=["note-line"]
            )
            with gr.Accordion("Advanced", open=False):
                widgets |= controls.build_advanced(Word2VecConfig, "w2v")
            panel = RunPanel(store, "w2v")
        with gr.Column(scale=1, min_width=480, elem_classes=["view-column"]):
            with gr.Row(elem_classes=["live-row"]):
                with gr.Column(min_width=340, elem_classes=["map-column"]):
                    word_map = plotly_view(label="Map of the most frequent words", height=424, elem_id="w2v-map")
                with gr.Column(min_width=290, elem_classes=["side-column"]):
                    loss = plotly_view(label="Loss over the words read", height=140, elem_id="w2v-loss")
                    checklist = answers.html_area(elem_id="w2v-analogies")
                    word = word_box("Nearest neighbours of", FIRST_WORD, "w2v-neighbour-word")
                    neighbours = answers.html_area(elem_id="w2v-neighbours")
            known_words = word_list("w2v-known-words")
            questions = build_questions(store, lambda session: vectors_of(session))

    tab = TabRun(
        tab=TAB,
        controls=controls.in_config_order(Word2VecConfig, widgets),
        make_trainer=partial(make_trainer, store),
        views=[word_map, loss, checklist, neighbours, known_words, *questions.origin_lines],
        draw=partial(draw, store),
        first_views=first_views,
        describe=describe,
    )
    panel.wire(tab)

    def on_corpus(corpus: str, request: gr.Request) -> tuple[Any, Any]:
        own = corpus == OWN_TEXT
        session = store.of(str(request.session_hash))
        note = text_note(session.uploads.get("text")) if own else _corpus_note(corpus)
        return gr.update(visible=own), note

    def on_upload(path: str | None, request: gr.Request) -> str:
        session = store.of(str(request.session_hash))
        return take_text(session, path)

    def on_word(typed_word: str, request: gr.Request) -> Any:
        session = store.of(str(request.session_hash))
        session.uploads["word"] = str(typed_word)
        run = session.runs.get(TAB)
        return map_figure(session, run), neighbour_html(session)

    def on_map_click(event: gr.EventData, request: gr.Request) -> tuple[Any, Any, Any]:
        clicked = event._data.get("key") if isinstance(event._data, dict) else None
        if not isinstance(clicked, str):
            return gr.skip(), gr.skip(), gr.skip()
        figure, listing = on_word(clicked, request)
        return clicked, figure, listing

    quick: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": 8}
    widgets["corpus"].change(on_corpus, widgets["corpus"], [own_text, own_text_note], api_name=False, **quick)
    own_text.upload(on_upload, own_text, own_text_note, api_name="word2vec_own_text", **quick)
    word.submit(on_word, word, [word_map, neighbours], api_name="word2vec_neighbours", **quick)
    word.blur(on_word, word, [word_map, neighbours], api_name=False, **quick)
    word_map.select(on_map_click, None, [word, word_map, neighbours], api_name=False, **quick)

    def on_open(session: Session) -> list[Any]:
        return [*panel.restore(tab, session), session.uploads.get("word", FIRST_WORD)]

    return Tab([*panel.outputs(tab), word], on_open)


def vectors_of(session: Session) -> tuple[WordVectors, str]:
    """The vectors that answer questions now, and a line that says where they come from.

    Raises:
        WordQuestionError: there are none.
    """
    run = session.runs.get(TAB)
    if run is not None:
        return run.frozen, f"Answers come from your own run{'' if run.snapshot else ', before its first step'}."
    try:
        model = shipped.load()
    except CheckpointError:
        raise WordQuestionError("There are no vectors yet: press Train, and ask again after a second.") from None
    return model.vectors, f"{model.origin}. Press Train to make your own."


def make_trainer(store: SessionStore, session: Session, config: MethodConfig) -> Trainer:
    """Build the trainer of a visitor's settings, with the visitor's text if they ask for it."""
    from backends.word2vec.trainer import Word2VecTrainer

    assert isinstance(config, Word2VecConfig)
    return Word2VecTrainer(config, text=session.uploads.get("text"), device=store.device)


def take_text(session: Session, path: str | None) -> str:
    """Read an uploaded text into the session; returns the line to show under the file."""
    if not path:
        return answers.problem("No file arrived: choose a .txt file.")
    try:
        text = read_text_file(Path(path))
    except TextError as error:
        return answers.problem(str(error))
    finally:
        Path(path).unlink(missing_ok=True)
    session.uploads["text"] = text
    run = session.runs.get(TAB)
    if run is not None and run.config.model_dump()["corpus"] == OWN_TEXT:
        run.stale = True
    return text_note(text)


def text_note(text: TokenisedText | None) -> str:
    """What is known about a visitor's text."""
    if text is None:
        return answers.sentence("Choose a .txt file; it stays on this server only while this page is open.")
    return answers.sentence(f"{len(text):,} words, {len(text.words):,} of them different. Press Train.")


def draw(store: SessionStore, session: Session, run: Run, everything: bool) -> tuple[list[Any], bool]:
    """Values of the views for a run; `everything` draws also what has not changed."""
    progress = map_progress(run)
    fresh, more = progress.poll(store, run)
    vectors: WordVectors = run.frozen
    figure = map_figure(session, run) if fresh or everything else None
    words, origin = None, None
    if everything:
        words = list_value(vectors.words)
        origin = answers.sentence(vectors_of(session)[1])
    if run.snapshot is run.views.get("drawn") and not everything:
        return [figure, None, None, None, words, origin], more
    run.views["drawn"] = run.snapshot
    return [figure, loss_figure(run), analogy_html(vectors), neighbour_html(session), words, origin], more


def map_progress(run: Run) -> MapProgress:
    """The run's map; it begins as a PCA."""
    if "map" not in run.views:
        points, _ = projection.pca(run.frozen.unit[:MAP_WORDS])
        run.views["map"] = MapProgress(projection.LiveMap(), projection.MapFrame(points, "pca"))
    progress: MapProgress = run.views["map"]
    return progress


def first_views(session: Session) -> list[Any]:
    """The views before any training: the shipped vectors, or a sentence where they are missing."""
    try:
        vectors, line = vectors_of(session)
    except WordQuestionError as error:
        return [None, empty_loss(), answers.problem(str(error)), "", None, ""]
    return [
        map_figure(session, None),
        empty_loss(),
        analogy_html(vectors),
        neighbour_html(session),
        list_value(vectors.words),
        answers.sentence(line),
    ]


def map_figure(session: Session, run: Run | None) -> str:
    """The map as it is now, with the asked word and its neighbours marked."""
    if run is None:
        model = shipped.load()
        points, vectors = model.map_points, model.vectors
        title = f"{len(points):,} most frequent words, trained earlier"
    else:
        vectors, frame = run.frozen, map_progress(run).frame
        points = frame.points
        title = f"{len(points):,} most frequent words ({_map_method(run, frame)})"
    asked = vectors.index.get(asked_word(session))
    near = []
    if asked is not None:
        near = [vectors.index[answer.word] for answer in vectors.neighbours(vectors.words[asked], NEIGHBOURS_SHOWN)]
    inside = asked if asked is not None and asked < len(points) else None
    words = vectors.words[: len(points)]
    return pack(word_maps.word_map(points, words, title=title, asked=inside, neighbours=near))


def loss_figure(run: Run) -> str:
    """The loss over the words read so far."""
    history = run.history
    total = run.snapshot.total / 1e6 if run.snapshot else 1.0
    figure = curves.metric_curve(
        [snapshot.step / 1e6 for snapshot in history],
        [snapshot.metrics["loss"] for snapshot in history],
        total,
        title="Loss per prediction",
        step_title="million words read",
        value_title="",
    )
    return pack(figure)


def empty_loss() -> str:
    """The loss chart before training."""
    title = "Loss: appears here while you train"
    return pack(curves.metric_curve([], [], 1.0, title=title, step_title="million words read", value_title=""))


def analogy_html(vectors: WordVectors) -> str:
    """The lecture's analogies with what the vectors answer now."""
    rows: list[tuple[str, str, str, bool | None]] = []
    for result in analogies.ask(vectors):
        question = f"{result.analogy.a} − {result.analogy.b} + {result.analogy.c}"
        if result.answer is None:
            rows.append((question, "word unknown", "", None))
            continue
        note = "" if result.correct else _rank_note(result)
        rows.append((question, result.answer, note, result.correct))
    right = sum(1 for row in rows if row[3])
    return answers.checklist(rows, f"Analogies: {right} of {len(rows)} right")


def neighbour_html(session: Session) -> str:
    """The neighbours of the visitor's word, or what is wrong with it."""
    try:
        vectors, _ = vectors_of(session)
        found = vectors.neighbours(asked_word(session), NEIGHBOURS_SHOWN)
    except WordQuestionError as error:
        return answers.problem(str(error))
    return answers.ranked_words([(answer.word, answer.cosine) for answer in found])


def asked_word(session: Session) -> str:
    """The word whose neighbours are shown."""
    return unicodedata.normalize("NFC", str(session.uploads.get("word", FIRST_WORD))).strip().lower()


def describe(run: Run) -> str:
    """Pace, epoch and device in one line."""
    trainer: Any = run.trainer
    device = {"cpu": "CPU", "cuda": "GPU", "mps": "Apple GPU"}.get(trainer.device, trainer.device)
    vocabulary = f"{len(run.frozen):,} words known"
    if run.snapshot is None:
        return f"{vocabulary} · {device}"
    pace = run.snapshot.metrics["words_per_second"]
    shown = f"{pace / 1e6:.2f} M words/s" if pace >= 1e5 else f"{pace:,.0f} words/s"
    epoch = run.snapshot.metrics["epoch"]
    return f"{shown} · epoch {epoch:.2f} of {run.config.model_dump()['epochs']} · {vocabulary} · {device}"


def _map_method(run: Run, frame: projection.MapFrame) -> str:
    if frame.method == "umap":
        return "UMAP"
    if len(frame.points) <= projection.N_NEIGHBORS + 1:
        return "PCA: too few words for UMAP"
    if run.snapshot is None:
        return "PCA, before the first step"
    return "PCA while UMAP is compiling"


def _rank_note(result: analogies.AnalogyResult) -> str:
    if result.rank is None:
        return f"{result.analogy.answer}: unknown"
    return f"{result.analogy.answer} {_ordinal(result.rank)}"


def _ordinal(rank: int) -> str:
    ending = "th" if 10 <= rank % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending}"


def _corpus_note(corpus: str) -> str:
    info = BUILT_IN.get(corpus)
    return "" if info is None else answers.sentence(f"{info.source}. {info.licence}.")
