"""The Word2Vec tab's map: which vectors it shows, which word it marks, and how it comes to rest."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from backends.analysis.map_config import MapConfig
from backends.analysis.word_vectors import Answer, WordQuestionError, WordVectors
from backends.engine.checkpoints import CheckpointError
from backends.word2vec import shipped
from playground.components import answers
from playground.components.word_fields import list_value
from playground.live_map import Source, map_of, packed_frame, packed_items, packed_marks, picked_index
from playground.session import Session, SessionStore
from playground.tabs.word2vec_home import Loaded, loaded

TAB = "word2vec"
FIRST_WORD = "king"
NEIGHBOURS_SHOWN = 5
DEFAULT_MAP = MapConfig()
SETTLING_PAUSE_SECONDS = 0.1
"""Between two looks at a map that still moves after the training."""


def vectors_of(session: Session) -> tuple[WordVectors, str]:
    """The vectors that answer questions now, and a line that says where they come from.

    Raises:
        WordQuestionError: there are none.
    """
    brought = loaded(session)
    if brought is not None:
        return brought.vectors, brought.origin
    run = session.runs.get(TAB)
    if run is not None:
        return run.frozen, f"Answers come from your own run{'' if run.snapshot else ', before its first step'}."
    try:
        model = shipped.load()
    except CheckpointError:
        raise WordQuestionError("There are no vectors yet: press Train, and ask again after a second.") from None
    return model.vectors, f"{model.origin}. Press Train to make your own."


def has_vectors(session: Session) -> bool:
    """Whether there is anything to draw or to ask: always, unless the shipped vectors are missing."""
    try:
        vectors_of(session)
    except WordQuestionError:
        return False
    return True


def asked_word(session: Session) -> str:
    """The word whose neighbours are shown."""
    return unicodedata.normalize("NFC", str(session.uploads.get("word", FIRST_WORD))).strip().lower()


def map_config(session: Session) -> MapConfig:
    """The visitor's settings of the map."""
    config: MapConfig = session.uploads.get("map", DEFAULT_MAP)
    return config


def map_source(session: Session) -> Source[WordVectors]:
    """The vectors that the map shows.

    Raises:
        WordQuestionError: there are none.
    """
    brought, run = loaded(session), session.runs.get(TAB)
    if brought is not None:
        return _loaded_source(session, brought)
    if run is None:
        vectors, _ = vectors_of(session)
        views = session.uploads.setdefault("shipped_map", {})
        return Source(
            "shipped", vectors, 1, "", True, views, lambda n: f"{n:,} most frequent words, trained earlier",
            shipped.load().map_points,
        )  # fmt: skip
    step = run.snapshot.step if run.snapshot else 0
    label = f"{step / 1e6:.1f} M words read" if step >= 1e5 else f"{step:,} words read"
    return Source(
        run.id, run.frozen, step, label, not session.is_driven(TAB), run.views, lambda n: f"{n:,} most frequent words"
    )


def _loaded_source(session: Session, brought: Loaded) -> Source[WordVectors]:
    held = session.uploads.get("loaded_map")
    if held is None or held[0] is not brought:
        held = session.uploads["loaded_map"] = (brought, secrets.token_hex(4), {})
    _, source_id, views = held
    return Source(source_id, brought.vectors, 1, "", True, views, lambda n: f"first {n:,} words of the file")


def map_frame(session: Session, *, with_history: bool = False) -> str:
    """The map as it is now, with the asked word and its neighbours marked."""
    source = map_source(session)
    asked, near = marked(session, source.vectors)
    return packed_frame(source, map_of(source, map_config(session)), asked, near, with_history=with_history)


def map_marks(session: Session) -> Any:
    """The asked word and its neighbours, for the map that the page shows."""
    try:
        source = map_source(session)
    except WordQuestionError:
        return gr.skip()
    return packed_marks(source, map_of(source, map_config(session)), *marked(session, source.vectors))


def marked(session: Session, vectors: WordVectors) -> tuple[int | None, list[int]]:
    """Which of the vectors is the asked word's, if it is known, and which are its neighbours'."""
    word = asked_word(session)
    return vectors.index.get(word), [vectors.index[name] for name in near_words(session, vectors, word)]


def map_items(session: Session) -> tuple[str, str, str]:
    """The words of the map, the words that fields complete, and the line that says where answers come from."""
    source = map_source(session)
    vectors, view = source.vectors, map_of(source, map_config(session))
    items = packed_items(source, view, noun="word", counts=vectors.counts if vectors.counts.any() else None)
    return items, list_value(vectors.words), answers.sentence(vectors_of(session)[1])


def nearest_words(session: Session, vectors: WordVectors, word: str) -> list[Answer]:
    """The word's neighbours; list and map ask for the same ones, so the last answer is kept.

    Raises:
        WordQuestionError: the word is missing or unknown.
    """
    kept = session.uploads.get("nearest")
    if kept is None or kept[0] is not vectors or kept[1] != word:
        kept = session.uploads["nearest"] = (vectors, word, vectors.neighbours(word, NEIGHBOURS_SHOWN))
    found: list[Answer] = kept[2]
    return found


def near_words(session: Session, vectors: WordVectors, word: str) -> list[str]:
    """The words whose neighbourhood is drawn on the map."""
    return [answer.word for answer in nearest_words(session, vectors, word)] if word in vectors.index else []


def picked_word(session: Session, data: Any) -> str | None:
    """The word behind a point that was clicked, if the page and the server speak of the same vectors."""
    try:
        source = map_source(session)
    except WordQuestionError:
        return None
    index = picked_index(source, map_of(source, map_config(session)), data)
    return None if index is None else source.vectors.words[index]


async def frames_at_rest(store: SessionStore, session: Session, *, reopened: bool = False) -> AsyncIterator[str]:
    """The map while it comes to rest; ends when it does, when a training draws it, or when the page is gone.

    On a page that was opened just now the last frame brings the history once more: the first may have come too early.
    """
    mine = session.uploads["map_driver"] = object()
    more = True
    while more and session.uploads.get("map_driver") is mine and session.left is None:
        if session.is_driven(TAB):
            return
        try:
            source = map_source(session)
        except WordQuestionError:
            return
        fresh, more = map_of(source, map_config(session)).poll(store, source)
        if fresh or not more:
            yield map_frame(session, with_history=reopened and not more)
        await asyncio.sleep(SETTLING_PAUSE_SECONDS)
