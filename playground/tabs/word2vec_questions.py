"""Questions to word vectors: analogies, odd one out, similarity, a word axis, the test set."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from typing import Any

import gradio as gr

from backends.analysis import analogies
from backends.analysis.word_vectors import WordQuestionError, WordVectors
from playground.components import answers
from playground.components.plotly_view import pack, plotly_view
from playground.components.word_fields import word_box
from playground.figures import word_maps
from playground.link_texts import KeptText, text_of
from playground.session import Session, SessionStore
from playground.tabs.tab import QUICK

VectorsOf = Callable[[Session], tuple[WordVectors, str]]

ANSWERS_SHOWN = 6
PRESETS: tuple[tuple[str, str, str, str], ...] = (
    ("Royalty", "king", "man", "woman"),
    ("Nationality", "french", "france", "spain"),
    ("Family", "mother", "father", "son"),
    ("Gender", "she", "he", "his"),
    ("Plural", "nations", "nation", "country"),
    ("Comparative", "larger", "large", "great"),
)
ODD_PRESET = "france spain italy winter"
AXIS_WORDS = "king queen man woman father mother son daughter soldier teacher president"
AXIS_ENDS = ("he", "she")
MAX_WORDS = 2_000
"""Characters of a list of words."""
ASKED_KEY = "word2vec-asked"

HOW_IT_WORKS = r"""
**Raw text labels itself.** Slide a window over the text. In *the quick brown fox*, with a window of 1, the word
**quick** gives the pairs (quick, the) and (quick, brown). Each pair is a question with a known answer, and nobody had
to write it down.

**One hot to vector.** A word is a one-hot row; times the input matrix it picks one row of it, its vector $v_w$. The
second matrix holds an output vector $u_c$ for every word. The full softmax asks for the right word among all $V$:

$$p(c \mid w) = \frac{\exp(u_c^\top v_w)}{\sum_{i=1}^{V} \exp(u_i^\top v_w)}$$

**Negative sampling** replaces that sum over the whole vocabulary by $K$ random words $n_k$: score the true pair up,
the random ones down.

$$\mathcal{L} = -\log \sigma(u_c^\top v_w) - \sum_{k=1}^{K} \log \sigma(-u_{n_k}^\top v_w)$$

**Why sums have meaning.** Words that share contexts are pulled to the same place; what *king* and *man* do not share
is about what *queen* and *woman* do not share. So king − man + woman ends near queen. The answer is the word with the
largest cosine; the three words of the question do not count.

**Where the loss starts.** At $(K{+}1)\log 2$, the loss of vectors that know nothing: 4.16 with five negatives.
"""


@dataclass
class Asked:
    """What was last asked, field by field; a link carries it."""

    a: str = "king"
    b: str = "man"
    c: str = "woman"
    axis_from: str = AXIS_ENDS[0]
    axis_to: str = AXIS_ENDS[1]
    axis_words: str = AXIS_WORDS
    first: str = "father"
    second: str = "mother"
    odd: str = ODD_PRESET


def asked_of(session: Session) -> Asked:
    """What a session has asked last."""
    kept: Asked = session.uploads.setdefault(ASKED_KEY, Asked())
    return kept


def asked_values(session: Session) -> list[str]:
    """The same, in the order of the fields that `build_questions` returns."""
    return list(astuple(asked_of(session)))


TEXTS: tuple[KeptText, ...] = tuple(
    text_of(field.name, asked_of, field.name, str(field.default)) for field in fields(Asked)
)


def build_questions(store: SessionStore, vectors_of: VectorsOf) -> list[gr.Textbox]:
    """Add a tab a question to the tabs that are being laid out, and wire them; returns the fields."""
    with gr.Tab("Analogy", id="analogy"):
        boxes = _analogy(store, vectors_of)
    with gr.Tab("Word axis", id="axis"):
        boxes += _axis(store, vectors_of)
    with gr.Tab("Similarity", id="similarity"):
        boxes += _similarity(store, vectors_of)
        boxes += _odd_one_out(store, vectors_of)
    with gr.Tab("Test set", id="test-set"):
        _test_set(store, vectors_of)
    return boxes


def _keep(session: Session, **texts: str) -> Session:
    for name, text in texts.items():
        setattr(asked_of(session), name, str(text)[:MAX_WORDS])
    return session


def build_how_it_works() -> None:
    """Lay out the formulas."""
    gr.Markdown(
        HOW_IT_WORKS,
        latex_delimiters=[
            {"left": "$$", "right": "$$", "display": True},
            {"left": "$", "right": "$", "display": False},
        ],
        elem_classes=["prose"],
    )


def _analogy(store: SessionStore, vectors_of: VectorsOf) -> list[gr.Textbox]:
    with gr.Row(elem_classes=["formula"]):
        a = word_box("a", Asked.a, "w2v-a")
        answers.html_area("<span>−</span>", elem_classes=["operator"])
        b = word_box("b", Asked.b, "w2v-b")
        answers.html_area("<span>+</span>", elem_classes=["operator"])
        c = word_box("c", Asked.c, "w2v-c")
        answers.html_area("<span>=</span>", elem_classes=["operator"])
        solve = gr.Button("Solve", size="sm", variant="primary", elem_id="w2v-solve", min_width=90)
    with gr.Row(elem_classes=["presets"]):
        presets = [
            gr.Button(name, size="sm", min_width=70, elem_id=f"w2v-preset-{name.lower()}") for name, *_ in PRESETS
        ]
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            answer = answers.html_area(
                answers.sentence("Press Solve, or pick an example: the six nearest words appear here."),
                elem_id="w2v-answer",
            )
        with gr.Column(scale=3, min_width=340):
            plane = plotly_view(label="The analogy as arrows", height=300, elem_id="w2v-plane")

    def on_solve(first: str, second: str, third: str, request: gr.Request) -> tuple[Any, Any]:
        session = _keep(store.of(str(request.session_hash)), a=first, b=second, c=third)
        try:
            vectors, _ = vectors_of(session)
            return solve_analogy(vectors, first, second, third)
        except WordQuestionError as error:
            return answers.problem(str(error)), gr.skip()

    solve.click(on_solve, [a, b, c], [answer, plane], api_name="word2vec_analogy", **QUICK)
    for box in (a, b, c):
        box.submit(on_solve, [a, b, c], [answer, plane], api_name=False, **QUICK)
    for button, (_, *words) in zip(presets, PRESETS, strict=True):

        def on_preset(request: gr.Request, chosen: tuple[str, ...] = tuple(words)) -> tuple[Any, ...]:
            return (*chosen, *on_solve(chosen[0], chosen[1], chosen[2], request))

        button.click(on_preset, None, [a, b, c, answer, plane], api_name=False, **QUICK)
    return [a, b, c]


def solve_analogy(vectors: WordVectors, a: str, b: str, c: str) -> tuple[str, Any]:
    """The nearest words to a - b + c, and the figure of the sum.

    Raises:
        WordQuestionError: a word is missing or unknown, or all three are the same.
    """
    found = vectors.analogy(a, b, c, ANSWERS_SHOWN)
    if not found:
        raise WordQuestionError("No word is left to answer with: train on a text with more words.")
    names = [vectors.words[vectors.find(word)] for word in (a, b, c)]
    view = vectors.plane_of(a, b, c, found[0].word)
    listing = answers.ranked_words(
        [(answer.word, answer.cosine) for answer in found], f"{names[0]} − {names[1]} + {names[2]} is nearest to"
    )
    return listing, pack(word_maps.analogy_plane(view.words, view.points, view.target, view.variance_kept))


def _axis(store: SessionStore, vectors_of: VectorsOf) -> list[gr.Textbox]:
    with gr.Row(elem_classes=["formula"]):
        left = word_box("from", AXIS_ENDS[0], "w2v-axis-left")
        answers.html_area("<span>↔</span>", elem_classes=["operator"])
        right = word_box("to", AXIS_ENDS[1], "w2v-axis-right")
        words = gr.Textbox(
            AXIS_WORDS, label="words to place", max_lines=1, max_length=MAX_WORDS, scale=3, elem_id="w2v-axis-words"
        )
        place = gr.Button("Place", size="sm", variant="primary", elem_id="w2v-axis-go", min_width=90)
    message = answers.html_area(
        answers.sentence("Press Place: each word becomes a bar toward the end it is nearer to.")
    )
    chart = plotly_view(label="Words on the axis", height=340, elem_id="w2v-axis")

    def on_place(first: str, second: str, chosen: str, request: gr.Request) -> tuple[Any, Any]:
        session = _keep(store.of(str(request.session_hash)), axis_from=first, axis_to=second, axis_words=chosen)
        try:
            vectors, _ = vectors_of(session)
            placed = vectors.on_axis(first, second, split_words(chosen))
        except WordQuestionError as error:
            return answers.problem(str(error)), gr.skip()
        figure = word_maps.word_axis(
            first.strip().lower(), second.strip().lower(), [p.word for p in placed], [p.cosine for p in placed]
        )
        return "", pack(figure)

    place.click(on_place, [left, right, words], [message, chart], api_name="word2vec_axis", **QUICK)
    for box in (left, right, words):
        box.submit(on_place, [left, right, words], [message, chart], api_name=False, **QUICK)
    return [left, right, words]


def _odd_one_out(store: SessionStore, vectors_of: VectorsOf) -> list[gr.Textbox]:
    with gr.Row(elem_classes=["formula"]):
        words = gr.Textbox(
            ODD_PRESET,
            label="odd one out of three or more words",
            max_lines=1,
            max_length=MAX_WORDS,
            scale=3,
            elem_id="w2v-odd-words",
        )
        find = gr.Button("Find", size="sm", variant="primary", elem_id="w2v-odd-go", min_width=90)
    answer = answers.html_area(
        answers.sentence("Press Find: the word least like the others stands first."), elem_id="w2v-odd"
    )

    def on_find(chosen: str, request: gr.Request) -> str:
        session = _keep(store.of(str(request.session_hash)), odd=chosen)
        try:
            vectors, _ = vectors_of(session)
            ranked = vectors.odd_one_out(split_words(chosen))
        except WordQuestionError as error:
            return answers.problem(str(error))
        return answers.sentence(f"Odd one out: {ranked[0].word}") + answers.ranked_words(
            [(entry.word, entry.cosine) for entry in ranked], "cosine with the mean of the others, lowest first"
        )

    find.click(on_find, words, answer, api_name="word2vec_odd_one_out", **QUICK)
    words.submit(on_find, words, answer, api_name=False, **QUICK)
    return [words]


def _similarity(store: SessionStore, vectors_of: VectorsOf) -> list[gr.Textbox]:
    with gr.Row(elem_classes=["formula"]):
        first = word_box("first word", Asked.first, "w2v-sim-first")
        second = word_box("second word", Asked.second, "w2v-sim-second")
        compare = gr.Button("Compare", size="sm", variant="primary", elem_id="w2v-sim-go", min_width=90)
    answer = answers.html_area(
        answers.sentence("Press Compare: 1 is the same direction, 0 unrelated."), elem_id="w2v-sim"
    )

    def on_compare(one: str, other: str, request: gr.Request) -> str:
        session = _keep(store.of(str(request.session_hash)), first=one, second=other)
        try:
            vectors, _ = vectors_of(session)
            cosine = vectors.similarity(one, other)
        except WordQuestionError as error:
            return answers.problem(str(error))
        return answers.ranked_words([(f"{one.strip().lower()} · {other.strip().lower()}", cosine)], "cosine similarity")

    compare.click(on_compare, [first, second], answer, api_name="word2vec_similarity", **QUICK)
    for box in (first, second):
        box.submit(on_compare, [first, second], answer, api_name=False, **QUICK)
    return [first, second]


def _test_set(store: SessionStore, vectors_of: VectorsOf) -> None:
    with gr.Row(elem_classes=["actions"]):
        run = gr.Button("Run the test set", size="sm", variant="primary", elem_id="w2v-test-go", min_width=140)
    message = answers.html_area(
        answers.sentence(
            "19,544 analogies in 14 sections (Mikolov et al., 2013, questions-words.txt as gensim ships it). Only "
            "questions whose four words are known can be asked."
        )
    )
    chart = plotly_view(label="Test set by section", height=440, elem_id="w2v-test-set")

    def on_run(request: gr.Request) -> tuple[Any, Any]:
        try:
            vectors, _ = vectors_of(store.of(str(request.session_hash)))
        except WordQuestionError as error:
            return answers.problem(str(error)), gr.skip()
        scores = analogies.score_test_set(vectors)
        total = analogies.total(scores)
        line = (
            f"{total.accuracy:.1%} right: {total.correct:,} of {total.covered:,} questions. The vocabulary covers "
            f"{total.covered / total.questions:.0%} of all {total.questions:,}."
        )
        if len(vectors) > analogies.TEST_SET_WORDS:
            line += f" The {analogies.TEST_SET_WORDS:,} most frequent words take part."
        figure = word_maps.section_scores(
            [s.section for s in scores],
            [s.correct for s in scores],
            [s.covered for s in scores],
            [s.questions for s in scores],
        )
        return answers.sentence(line), pack(figure)

    run.click(
        on_run, None, [message, chart], api_name="word2vec_test_set", show_progress="minimal", concurrency_limit=2
    )


def split_words(text: str) -> list[str]:
    """Split what a visitor typed at spaces, commas and semicolons."""
    return [word for word in re.split(r"[\s,;]+", text or "") if word]
