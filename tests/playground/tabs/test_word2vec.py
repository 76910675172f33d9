"""The Word2Vec tab's handlers without a browser: uploads, answers, views of a small run, clicks on the map."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from backends.analysis import projection
from backends.analysis.word_vectors import WordQuestionError
from backends.data.text import MAX_TEXT_BYTES, tokenise
from backends.engine.checkpoints import CheckpointError
from backends.engine.trainer import TrainingError
from backends.word2vec import shipped
from backends.word2vec.config import Word2VecConfig
from playground.session import Run
from playground.tabs import word2vec
from playground.tabs.word2vec import TAB
from tests.playground.fakes import alerts
from tests.playground.figures.figure_checks import check

EVIL = "<img src=x onerror=alert(1)>"
EPOCHS = 20
"""So many that the first slice of the little text is not the last."""
OWN = Word2VecConfig(corpus="own", dim=8, window=2, min_count=1, epochs=EPOCHS, threads=1, subsample=0.0)
MAP, LOSS, CHECKLIST, NEIGHBOURS, KNOWN_WORDS, ORIGIN = range(6)


@pytest.fixture(autouse=True)
def umap_is_compiling(monkeypatch):
    """Whatever other tests have compiled, maps here are PCAs."""
    monkeypatch.setattr(projection, "_warm", threading.Event())


@pytest.fixture
def upload(tmp_path):
    def write(content: bytes) -> Path:
        path = tmp_path / "text.txt"
        path.write_bytes(content)
        return path

    return write


@pytest.fixture
def own_run(store, session, topic_text) -> Run:
    """A run on the visitor's own text, before its first step."""
    session.uploads["text"] = topic_text
    session.runs[TAB] = Run(word2vec.make_trainer(store, session, OWN), store.device_lock)
    return session.runs[TAB]


@pytest.fixture
def no_shipped_vectors(monkeypatch):
    def missing():
        raise CheckpointError("They are missing.")

    monkeypatch.setattr(shipped, "load", missing)


def packed(value):
    """Read a view's value back; what plotly does not accept fails."""
    assert isinstance(value, str)
    figure = json.loads(value)
    check(figure)
    return figure


def map_words(value):
    return packed(value)["data"][0]["customdata"]


def marked_words(value):
    return packed(value)["data"][2]["customdata"]


def test_a_good_file_is_read_into_the_session_and_deleted(session, upload):
    path = upload(b"The wave, the Sail.\nThe tide.")
    line = word2vec.take_text(session, str(path))
    assert alerts(line) == []
    assert "6 words, 4 of them different" in line
    assert set(session.uploads["text"].words) == {"the", "wave", "sail", "tide"}
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a" * (MAX_TEXT_BYTES + 1), "up to 20 MB"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe\xfd", "UTF-8"),
        (b"words and \x00\x01\x02\x03 words", "binary"),
        (b"", "no words"),
        (b"once", "one word"),
    ],
    ids=["too large", "not UTF-8", "binary", "empty", "one word"],
)
def test_a_file_that_can_not_be_used_is_refused_in_a_sentence_and_deleted(session, upload, content, said):
    session.uploads["text"] = kept = tokenise(["an earlier text"])
    path = upload(content)
    (sentence,) = alerts(word2vec.take_text(session, str(path)))
    assert said in sentence
    assert session.uploads["text"] is kept
    assert not path.exists()


@pytest.mark.parametrize("path", [None, ""])
def test_no_file_is_said_in_a_sentence(session, path):
    assert len(alerts(word2vec.take_text(session, path))) == 1
    assert "text" not in session.uploads


def test_a_new_text_makes_the_run_on_the_old_one_stale(session, upload, own_run):
    word2vec.take_text(session, str(upload(b"one two three")))
    assert own_run.stale


def test_a_refused_text_leaves_the_run_as_it_is(session, upload, own_run):
    word2vec.take_text(session, str(upload(b"\x00")))
    assert not own_run.stale


def test_a_run_on_the_own_text_needs_one(store, session):
    with pytest.raises(TrainingError, match=r"choose a \.txt file"):
        word2vec.make_trainer(store, session, OWN)


def test_answers_come_from_the_shipped_vectors_before_any_run_and_say_so(session):
    vectors, line = word2vec.vectors_of(session)
    assert vectors is shipped.load().vectors
    assert "Vectors that this project trained" in line
    assert "Press Train" in line


def test_answers_come_from_the_own_run_as_soon_as_there_is_one(session, own_run):
    vectors, line = word2vec.vectors_of(session)
    assert vectors is own_run.frozen
    assert "before its first step" in line
    own_run.pull()
    vectors, line = word2vec.vectors_of(session)
    assert vectors is own_run.frozen
    assert line == "Answers come from your own run."


@pytest.mark.usefixtures("no_shipped_vectors")
def test_without_shipped_vectors_a_sentence_stands_where_answers_would(session):
    with pytest.raises(WordQuestionError, match="press Train"):
        word2vec.vectors_of(session)
    views = word2vec.first_views(session)
    assert len(alerts(views[CHECKLIST])) == 1
    assert len(alerts(word2vec.neighbour_html(session))) == 1
    packed(views[LOSS])


def test_neighbours_of_a_known_word_are_listed(session):
    session.uploads["word"] = "  KING "
    listing = word2vec.neighbour_html(session)
    assert alerts(listing) == []
    assert listing.count("<tr>") == word2vec.NEIGHBOURS_SHOWN
    assert '<th scope="row">king</th>' not in listing


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("qqqqqq", "not in the vocabulary"),
        ("kingg", "did you mean"),
        ("", "A word is missing"),
        ("   ", "A word is missing"),
        (EVIL, "&lt;img src=x onerror=alert(1)&gt;"),
        ("x" * 200_000, "…"),
    ],
    ids=["unknown", "misspelled", "empty", "blank", "markup", "huge"],
)
def test_neighbours_of_an_impossible_word_are_a_short_sentence(session, word, said):
    session.uploads["word"] = word
    listing = word2vec.neighbour_html(session)
    (sentence,) = alerts(listing)
    assert said in sentence
    assert "<img" not in listing
    assert len(listing) < 400


def test_the_first_views_show_the_shipped_vectors(session):
    views = word2vec.first_views(session)
    assert map_words(views[MAP]) == shipped.load().vectors.words[: word2vec.MAP_WORDS]
    assert marked_words(views[MAP])[0] == "king"
    packed(views[LOSS])
    assert "6 of 6 right" in views[CHECKLIST]
    assert json.loads(views[KNOWN_WORDS]) == shipped.load().vectors.words[:20_000]
    assert "Press Train" in views[ORIGIN]


def test_a_small_run_is_drawn(store, session, own_run):
    session.uploads["word"] = "wave"
    while own_run.pull():
        pass
    views, _ = word2vec.draw(store, session, own_run, True)
    assert len(map_words(views[MAP])) == 26
    assert marked_words(views[MAP])[0] == "wave"
    assert packed(views[LOSS])["layout"]["xaxis"]["range"] == [0, pytest.approx(EPOCHS * 10_800 / 1e6)]
    assert "0 of 6 right" in views[CHECKLIST]
    assert alerts(views[NEIGHBOURS]) == []
    assert set(json.loads(views[KNOWN_WORDS])) == set(own_run.frozen.words)
    assert "your own run" in views[ORIGIN]


def test_a_run_before_its_first_step_is_drawn(store, session, own_run):
    views, more = word2vec.draw(store, session, own_run, True)
    assert "before the first step" in packed(views[MAP])["layout"]["title"]["text"]
    packed(views[LOSS])
    assert not more


def test_only_what_has_changed_is_drawn_again(store, session, own_run):
    own_run.pull()
    word2vec.draw(store, session, own_run, True)
    own_run.views["map"].job = Future()
    views, more = word2vec.draw(store, session, own_run, False)
    assert views == [None] * 6
    assert more, "the map is still being laid out"
    views, _ = word2vec.draw(store, session, own_run, True)
    assert None not in views


def test_a_frame_that_is_ready_is_drawn(store, session, own_run):
    own_run.pull()
    word2vec.draw(store, session, own_run, True)
    frame = own_run.views["map"].job.result(60)
    views, _ = word2vec.draw(store, session, own_run, False)
    packed(views[MAP])
    assert own_run.views["map"].frame is frame
    assert views[LOSS:] == [None] * 5


def test_a_run_that_ends_while_umap_compiles_shows_its_last_vectors(store, session, own_run):
    word2vec.draw(store, session, own_run, True)
    untrained = own_run.views["map"].frame
    while own_run.pull():
        pass
    _, more = word2vec.draw(store, session, own_run, True)
    assert more, "UMAP is still to come"
    own_run.views["map"].job.result(60)
    word2vec.draw(store, session, own_run, False)
    assert own_run.views["map"].frame is not untrained


def test_the_map_of_a_finished_run_comes_to_rest(store, session, own_run, monkeypatch):
    monkeypatch.setattr(projection, "N_NEIGHBORS", 26)  # more than there are words: no UMAP is to come
    while own_run.pull():
        pass
    for _ in range(100):
        _, more = word2vec.draw(store, session, own_run, False)
        if not more:
            break
        own_run.views["map"].job.result(60)
    assert not more


@pytest.mark.parametrize("words", [2, 3, 16])
def test_too_few_words_for_umap_still_make_a_map(store, session, words):
    names = [chr(ord("a") + i) * 3 for i in range(words)]
    session.uploads |= {"text": tokenise([" ".join(names)] * 20), "word": "aaa"}
    run = session.runs[TAB] = Run(word2vec.make_trainer(store, session, OWN), store.device_lock)
    while run.pull():
        pass
    word2vec.draw(store, session, run, True)
    run.views["map"].job.result(60)
    views, _ = word2vec.draw(store, session, run, True)
    assert set(map_words(views[MAP])) == set(names)
    assert "too few words for UMAP" in packed(views[MAP])["layout"]["title"]["text"]
    assert marked_words(views[MAP])[0] == "aaa"


def test_an_unknown_word_marks_nothing_on_the_map(session):
    session.uploads["word"] = EVIL
    assert marked_words(word2vec.map_figure(session, None)) == []


def test_a_word_typed_with_a_separate_accent_is_marked_as_its_neighbours_are_listed(store, session):
    session.uploads |= {"text": tokenise(["café thé sucre"] * 9), "word": "cafe\u0301"}
    run = session.runs[TAB] = Run(word2vec.make_trainer(store, session, OWN), store.device_lock)
    assert alerts(word2vec.neighbour_html(session)) == []
    assert marked_words(word2vec.map_figure(session, run))[0] == "café"


def test_a_run_is_described_by_its_words_pace_and_device(own_run):
    assert word2vec.describe(own_run) == "26 words known · CPU"
    while own_run.pull():
        pass
    assert "words/s" in word2vec.describe(own_run)
    assert f"epoch {EPOCHS:.2f} of {EPOCHS}" in word2vec.describe(own_run)


@pytest.mark.parametrize(
    ("rank", "said"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (112, "112th"), (1022, "1,022nd")]
)
def test_ranks_are_written_as_words_are_spoken(rank, said):
    assert word2vec._ordinal(rank) == said


@pytest.fixture
def handlers(store):
    """The built tab's event handlers by name."""
    with gr.Blocks() as demo:
        word2vec.build_tab(store)
    return {function.fn.__name__: function.fn for function in demo.fns.values()}


REQUEST = SimpleNamespace(session_hash="page")


def click(handlers, data):
    return handlers["on_map_click"](gr.EventData(None, data), REQUEST)


def test_a_click_on_the_map_asks_for_that_word(handlers, session):
    asked = shipped.load().vectors.words[100]
    word, figure, listing = click(handlers, {"curve": 0, "index": 100, "key": asked})
    assert word == asked
    assert marked_words(figure)[0] == asked
    assert alerts(listing) == []
    assert word2vec.asked_word(session) == asked


def test_a_click_that_names_no_word_is_ignored(handlers, session):
    no_word = [None, 7, True, ["queen"], {"a": 1}]
    for data in [None, "queen", 3, [], ["queen"], {}, *({"key": key} for key in no_word)]:
        assert click(handlers, data) == (gr.skip(), gr.skip(), gr.skip()), data
        assert "word" not in session.uploads


def test_a_click_with_markup_is_answered_in_escaped_text(handlers, session):
    _, figure, listing = click(handlers, {"key": EVIL})
    assert marked_words(figure) == []
    assert "<img" not in listing
    assert len(alerts(listing)) == 1


def test_the_own_text_field_shows_with_its_corpus_only(handlers, session):
    shown, note = handlers["on_corpus"]("own", REQUEST)
    assert shown["visible"] is True
    assert "Choose a .txt file" in note
    shown, note = handlers["on_corpus"]("speeches", REQUEST)
    assert shown["visible"] is False
    assert "public domain" in note
    assert handlers["on_corpus"](EVIL, REQUEST)[1] == ""


def test_an_upload_ends_in_its_own_session(handlers, store, session, upload):
    handlers["on_upload"](str(upload(b"one two three")), REQUEST)
    assert len(session.uploads["text"]) == 3
    assert store.attach("another page", None).uploads == {}


def test_one_session_does_not_see_the_word_of_another(handlers, store, session):
    handlers["on_word"]("queen", REQUEST)
    assert word2vec.asked_word(store.attach("another page", None)) == word2vec.FIRST_WORD
