"""Search: a prompt ranks all pictures; prompts and pictures can be added and subtracted."""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from backends.clip.answering import Answering
from backends.clip.zero_shot import PromptError, combine
from playground.components import answers
from playground.components.picture_grid import TILE, pack_pictures, picked_index, picture_grid
from playground.link_texts import text_of
from playground.session import Session, SessionStore
from playground.tabs.clip_ask import ask_about, marked, picture_of, views_of
from playground.tabs.clip_state import Gallery, gallery_of, model_of, sample_size, waiting
from playground.tabs.tab import QUICK

FOUND = 24
KEPT = "clip_found"
SEARCHED = "clip_searched"
EXAMPLES = (
    "a red heart",
    "a red fruit",
    "an angry cat",
    "a sad face",
    "flag with a star",
    "something to drink",
    "a green animal",
)
MAX_PROMPT = 300
NO_PICTURES = "The model's pictures are not here, so there is nothing to search: ask about a picture of your own."


@dataclass(frozen=True)
class Found:
    """What a search brought: the pictures, by their numbers in the gallery, under an id of its own."""

    id: str
    indices: np.ndarray


@dataclass
class Searched:
    """What was last searched for; a link carries it."""

    plus: str = EXAMPLES[0]
    minus: str = ""


def searched_of(session: Session) -> Searched:
    """What a session has searched for last."""
    kept: Searched = session.uploads.setdefault(SEARCHED, Searched())
    return kept


def searched_values(session: Session) -> list[str]:
    """The same, for the two fields."""
    searched = searched_of(session)
    return [searched.plus, searched.minus]


TEXTS = (
    text_of("search", searched_of, "plus", Searched.plus),
    text_of("but_not", searched_of, "minus", Searched.minus),
)


@dataclass(frozen=True)
class SearchPart:
    """The components of the part."""

    plus: gr.Textbox
    minus: gr.Textbox
    with_picture: gr.Checkbox
    go: gr.Button
    examples: list[gr.Button]
    grid: gr.HTML
    note: gr.HTML


def lay_out_search() -> SearchPart:
    """Lay the part out where it is called."""
    with gr.Row(elem_classes=["actions", "clip-search"]):
        plus = gr.Textbox(
            Searched.plus, label="Show me", max_lines=1, max_length=MAX_PROMPT, elem_id="clip-plus", scale=3
        )
        minus = gr.Textbox("", label="but not", max_lines=1, max_length=MAX_PROMPT, elem_id="clip-minus", scale=2)
        with_picture = gr.Checkbox(False, label="add the picture under Ask", elem_id="clip-with", min_width=150)
        go = gr.Button("Search", variant="primary", size="sm", elem_id="clip-search", min_width=90, scale=0)
    with gr.Row(elem_classes=["actions", "clip-examples"]):
        examples = [
            gr.Button(example, size="sm", min_width=60, elem_id=f"clip-example-{i}")
            for i, example in enumerate(EXAMPLES)
        ]
    note = answers.html_area(elem_id="clip-search-note", elem_classes=["note-line"])
    grid = picture_grid("Pictures that fit the prompt best", "clip-found", places=FOUND, captioned=True)
    return SearchPart(plus, minus, with_picture, go, examples, grid, note)


def wire_search(
    store: SessionStore, part: SearchPart, views: gr.Tabs, ask_views: Sequence[gr.components.Component]
) -> None:
    """Wire the part; a picture that is found and clicked becomes the one under Ask."""

    def on_search(plus: str, minus: str, with_picture: bool, request: gr.Request) -> Iterator[tuple[Any, Any]]:
        session = store.of(str(request.session_hash))
        if (count := sample_size(session)) and (wait := waiting(session, count)):
            yield gr.skip(), wait
        yield found_views(session, str(plus), str(minus), with_picture is True)

    def on_pick(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        found: Found | None = session.uploads.get(KEPT)
        index = None if found is None else picked_index(event._data, found.id, len(found.indices))
        if found is None or index is None:
            return [gr.skip()] * (1 + len(ask_views))
        ask_about(session, int(found.indices[index]))
        return [gr.Tabs(selected="ask"), *views_of(session)]

    latest: dict[str, Any] = {"trigger_mode": "always_last", **QUICK}
    inputs, outputs = [part.plus, part.minus, part.with_picture], [part.grid, part.note]
    asked = [part.go.click, part.plus.submit, part.minus.submit, part.with_picture.input]
    gr.on(asked, on_search, inputs, outputs, api_name="clip_search", **latest)
    part.grid.open(on_search, inputs, outputs, api_name=False, **latest)
    part.grid.pick(on_pick, None, [views, *ask_views], api_name=False, **QUICK)
    for button, example in zip(part.examples, EXAMPLES, strict=True):

        def on_example(with_picture: bool, request: gr.Request, chosen: str = example) -> list[Any]:
            session = store.of(str(request.session_hash))
            return [chosen, "", *found_views(session, chosen, "", with_picture is True)]

        button.click(on_example, part.with_picture, [part.plus, part.minus, *outputs], api_name=False, **latest)


def found_views(session: Session, plus: str, minus: str, with_picture: bool) -> tuple[Any, str]:
    """The pictures that fit best, and a line about how the prompt was read."""
    plus, minus = " ".join(plus.split())[:MAX_PROMPT], " ".join(minus.split())[:MAX_PROMPT]
    searched = searched_of(session)
    searched.plus, searched.minus = plus, minus
    frozen, line = model_of(session)
    gallery = gallery_of(session)
    if frozen is None or gallery is None:
        return gr.skip(), answers.sentence(NO_PICTURES if frozen is not None else line)
    try:
        indices, cosines = search(session, frozen, gallery, plus, minus, with_picture)
    except PromptError as error:
        return gr.skip(), answers.problem(str(error))
    found = Found(f"found-{secrets.token_hex(6)}", indices)
    session.uploads[KEPT] = found
    packed = pack_pictures(
        gallery.pictures(indices, TILE),
        [gallery.name(i) for i in indices],
        [f"{cosine:.2f} {gallery.caption(i)}" for i, cosine in zip(indices, cosines, strict=True)],
        grid_id=found.id,
    )
    return packed, read_line(frozen, plus, minus) + answers.sentence(
        f"Best {len(indices)} of {len(gallery):,} pictures, with their cosines. Click one to ask about it."
    )


def search(
    session: Session, frozen: Answering, gallery: Gallery, plus: str, minus: str, with_picture: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Rank all pictures: (n,) numbers in the gallery and (n,) cosines, best first.

    Raises:
        PromptError: there is nothing to search for.
    """
    texts = [(weight, text) for weight, text in ((1.0, plus), (-1.0, minus)) if text]
    vectors = gallery.frozen.embed_prompts([text for _, text in texts]) if texts else np.zeros((0, 1))
    terms = [(weight, vector) for (weight, _), vector in zip(texts, vectors, strict=True)]
    if with_picture:
        _, picture, _ = picture_of(session, frozen)
        terms.append((1.0, gallery.frozen.embed_pictures(picture[None])[0]))
    cosines = gallery.vectors @ combine(terms)
    order = np.argsort(-cosines)[:FOUND]
    return order, cosines[order]


def read_line(frozen: Answering, plus: str, minus: str) -> str:
    """Which of the words the model has never seen, and whether a prompt was cut."""
    readings = [frozen.read(text) for text in (plus, minus) if text]
    unseen = [word for reading in readings for word in reading.unseen]
    parts = []
    if unseen:
        words = ", ".join(f"<b>{marked(frozen, word)}</b>" for word in dict.fromkeys(unseen))
        parts.append(f"Never seen in training: {words}.")
    if any(reading.cut for reading in readings):
        parts.append(html.escape("The prompt is longer than the model reads; its end is left out."))
    return f'<p class="answer">{" ".join(parts)}</p>' if parts else ""
