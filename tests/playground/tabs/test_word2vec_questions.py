"""Questions to the shipped vectors, through the same functions that the page calls."""

from __future__ import annotations

import html
import json
import re
from types import SimpleNamespace

import gradio as gr
import pytest

from backends.analysis.word_vectors import WordQuestionError, WordVectors
from backends.word2vec import shipped
from playground.session import SessionStore
from playground.tabs import word2vec_questions
from playground.tabs.word2vec_questions import PRESETS, solve_analogy, split_words
from tests.playground.fakes import alerts
from tests.playground.figures.figure_checks import check

EVIL = "<img src=x onerror=alert(1)>"
REQUEST = SimpleNamespace(session_hash="page")
EXPECTED = ("queen", "spanish", "daughter", "her", "countries", "greater")
UNKNOWN = "The vectors are gone: press Train."


@pytest.fixture(scope="module")
def vectors() -> WordVectors:
    return shipped.load().vectors


def build(store, vectors_of):
    """The questions' event handlers by name."""
    with gr.Blocks() as demo:
        word2vec_questions.build_questions(store, vectors_of)
    return {function.fn.__name__: function.fn for function in demo.fns.values()}


@pytest.fixture(scope="module")
def handlers(vectors):
    """Built once: questions keep no state."""
    store = SessionStore(1, "cpu")
    yield build(store, lambda session: (vectors, ""))
    store.close()


def listed(answer):
    return [html.unescape(word) for word in re.findall(r'<th scope="row">(.*?)</th>', answer)]


@pytest.mark.parametrize(("preset", "expected"), zip(PRESETS, EXPECTED, strict=True), ids=EXPECTED)
def test_each_example_is_answered_right_by_the_shipped_vectors(vectors, preset, expected):
    answer, plane = solve_analogy(vectors, *preset[1:])
    assert listed(answer)[0] == expected
    assert len(listed(answer)) == 6
    figure = json.loads(plane)
    check(figure)
    assert f"<b>{expected}</b>" in [trace["text"][0] for trace in figure["data"]]


def test_case_and_space_do_not_matter(vectors):
    assert solve_analogy(vectors, " King", "MAN ", "woman") == solve_analogy(vectors, "king", "man", "woman")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("king", "man", ""), "A word is missing"),
        (("king", EVIL, "woman"), "not in the vocabulary"),
        (("king", "king", "king"), "the same"),
    ],
)
def test_an_analogy_that_can_not_be_asked_says_why(vectors, handlers, words, said):
    with pytest.raises(WordQuestionError, match=said):
        solve_analogy(vectors, *words)
    answer, plane = handlers["on_solve"](*words, REQUEST)
    (sentence,) = alerts(answer)
    assert said in sentence
    assert "<img" not in answer
    assert plane == gr.skip()


def test_three_words_leave_no_answer():
    import numpy as np

    three = WordVectors.build(["a", "b", "c"], np.ones(3, np.int64), np.eye(3, dtype=np.float32))
    with pytest.raises(WordQuestionError, match="No word is left"):
        solve_analogy(three, "a", "b", "c")


def test_words_of_a_visitors_text_are_escaped_in_the_answer():
    import numpy as np

    names = [EVIL, "b", "c", "<script>"]
    evil = WordVectors.build(names, np.ones(4, np.int64), np.eye(4, dtype=np.float32))
    answer, plane = solve_analogy(evil, EVIL, "b", "c")
    assert "<img" not in answer
    assert "<script>" not in answer
    assert listed(answer) == ["<script>"]
    assert html.escape(EVIL) in json.loads(plane)["layout"]["title"]["text"]


def test_the_last_example_button_fills_in_its_own_words(handlers):
    *words, answer, _ = handlers["on_preset"](REQUEST)
    assert tuple(words) == PRESETS[-1][1:]
    assert listed(answer)[0] == EXPECTED[-1]


def test_words_are_placed_on_an_axis(handlers):
    message, chart = handlers["on_place"](" He", "she", "king, queen; king", REQUEST)
    assert message == ""
    figure = json.loads(chart)
    check(figure)
    assert figure["data"][0]["y"] == ["king", "queen"]
    assert "Nearer to he (left)" in figure["layout"]["title"]["text"]


def test_the_odd_one_out_stands_first(handlers):
    answer = handlers["on_find"](word2vec_questions.ODD_PRESET, REQUEST)
    assert "Odd one out: winter" in answer
    assert listed(answer)[0] == "winter"


def test_two_words_are_compared(handlers):
    answer = handlers["on_compare"]("father", " Mother", REQUEST)
    assert listed(answer) == ["father · mother"]
    assert ">1.00<" in handlers["on_compare"]("father", "father", REQUEST)


@pytest.mark.parametrize(
    ("handler", "given"),
    [
        ("on_place", ("he", "he", "king")),
        ("on_place", ("he", "she", "")),
        ("on_place", ("he", "she", EVIL)),
        ("on_place", ("he", "she", "king " * 51)),
        ("on_find", ("king queen",)),
        ("on_find", (EVIL,)),
        ("on_compare", ("king", EVIL)),
        ("on_compare", ("", "")),
    ],
)
def test_a_question_that_can_not_be_asked_is_answered_with_one_sentence(handlers, handler, given):
    result = handlers[handler](*given, REQUEST)
    message = result if isinstance(result, str) else result[0]
    assert len(alerts(message)) == 1
    assert "<img" not in message
    if not isinstance(result, str):
        assert result[1] == gr.skip()


def test_the_test_set_is_scored_by_section(store, speech_vectors):
    message, chart = build(store, lambda session: (speech_vectors, ""))["on_run"](REQUEST)
    assert re.search(r"[1-9][\d,]* of [1-9][\d,]* questions", message)
    assert "19,544" in message
    figure = json.loads(chart)
    check(figure)
    assert len(figure["data"][0]["y"]) == 14


def test_every_question_says_when_there_are_no_vectors(store):
    def none(session):
        raise WordQuestionError(UNKNOWN)

    without = build(store, none)
    asked = {
        "on_solve": ("king", "man", "woman"),
        "on_place": ("he", "she", "king"),
        "on_find": ("king queen man",),
        "on_compare": ("king", "queen"),
        "on_preset": (),
        "on_run": (),
    }
    assert set(asked) == set(without), "every handler is asked"
    for handler, given in asked.items():
        result = without[handler](*given, REQUEST)
        told = [result] if isinstance(result, str) else [part for part in result if isinstance(part, str)]
        assert [alerts(part) for part in told if alerts(part)] == [[UNKNOWN]], handler


@pytest.mark.parametrize(
    ("handler", "given"),
    [
        ("on_solve", (None, "man", "woman")),
        ("on_place", ("he", None, "king")),
        ("on_place", ("he", "she", None)),
        ("on_find", (None,)),
        ("on_compare", ("king", None)),
    ],
)
def test_a_null_from_the_api_is_an_empty_field(handlers, handler, given):
    result = handlers[handler](*given, REQUEST)
    assert len(alerts(result if isinstance(result, str) else result[0])) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [("a b", ["a", "b"]), (" a,b ;c\n", ["a", "b", "c"]), ("", []), (" ,; ", []), ("don't", ["don't"])],
)
def test_words_are_split_at_spaces_commas_and_semicolons(text, words):
    assert split_words(text) == words
