"""The Word2Vec tab's handlers without a browser: uploads, answers, views of a small run, clicks on the map."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from backends.analysis import projection
from backends.analysis.map_config import MapConfig
from backends.analysis.word_vectors import WordQuestionError
from backends.data.text import MAX_TEXT_BYTES, tokenise
from backends.engine.checkpoints import CheckpointError
from backends.engine.trainer import TrainingError
from backends.word2vec import shipped
from backends.word2vec.config import Word2VecConfig
from playground.live_map import changed_map
from playground.session import Run
from playground.tabs import word2vec, word2vec_map
from playground.tabs.word2vec_map import TAB
from tests.playground.fakes import alerts
from tests.playground.figures.figure_checks import check

EVIL = "<img src=x onerror=alert(1)>"
EPOCHS = 20
"""So many that the first slice of the little text is not the last."""
OWN = Word2VecConfig(corpus="own", dim=8, window=2, min_count=1, epochs=EPOCHS, threads=1, subsample=0.0)
MAP, LOSS, CHECKLIST, NEIGHBOURS = range(4)


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


def places(value):
    """Read a frame of the map back."""
    assert isinstance(value, str)
    frame = json.loads(value)
    assert len(frame["q"]) == 4 * -(-2 * frame["dims"] * frame["n"] // 3)
    return frame


def map_words(session, frame):
    """The names that the page asks for when it gets a frame."""
    items = json.loads(word2vec_map.map_items(session)[0])
    assert items["id"] == frame["items"]
    assert len(items["names"]) == len(items["counts"]) == frame["n"]
    return items["names"]


def marked_words(session, marks):
    """The asked word, and its neighbours on the map."""
    words = word2vec_map.map_source(session).vectors.words
    return [words[i] for i in ([marks["asked"]] if marks["asked"] is not None else []) + marks["near"]]


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
    vectors, line = word2vec_map.vectors_of(session)
    assert vectors is shipped.load().vectors
    assert "Vectors that this project trained" in line
    assert "Press Train" in line


def test_answers_come_from_the_own_run_as_soon_as_there_is_one(session, own_run):
    vectors, line = word2vec_map.vectors_of(session)
    assert vectors is own_run.frozen
    assert "before its first step" in line
    own_run.pull()
    vectors, line = word2vec_map.vectors_of(session)
    assert vectors is own_run.frozen
    assert line == "Answers come from your own run."


@pytest.mark.usefixtures("no_shipped_vectors")
def test_without_shipped_vectors_a_sentence_stands_where_answers_would(session):
    with pytest.raises(WordQuestionError, match="press Train"):
        word2vec_map.vectors_of(session)
    views = word2vec.first_views(session)
    assert len(alerts(views[CHECKLIST])) == 1
    assert len(alerts(word2vec.neighbour_html(session))) == 1
    packed(views[LOSS])


def test_neighbours_of_a_known_word_are_listed(session):
    session.uploads["word"] = "  KING "
    listing = word2vec.neighbour_html(session)
    assert alerts(listing) == []
    assert listing.count("<tr>") == word2vec_map.NEIGHBOURS_SHOWN
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
    frame = places(views[MAP])
    assert map_words(session, frame) == shipped.load().vectors.words[: shipped.MAP_WORDS]
    assert marked_words(session, frame)[0] == "king"
    assert not frame["busy"], "their map is shipped with them"
    packed(views[LOSS])
    assert "6 of 6 right" in views[CHECKLIST]


def test_names_come_with_the_words_that_fields_complete_and_the_origin(session):
    _, known, origin = word2vec_map.map_items(session)
    assert json.loads(known) == shipped.load().vectors.words[:20_000]
    assert "Press Train" in origin


def test_a_small_run_is_drawn(store, session, own_run):
    session.uploads["word"] = "wave"
    while own_run.pull():
        pass
    views = word2vec.draw(store, session, own_run, True)
    frame = places(views[MAP])
    assert set(map_words(session, frame)) == set(own_run.frozen.words)
    assert frame["n"] == 26
    assert marked_words(session, frame)[0] == "wave"
    assert packed(views[LOSS])["layout"]["xaxis"]["range"] == [0, pytest.approx(EPOCHS * 10_800 / 1e6)]
    assert "0 of 6 right" in views[CHECKLIST]
    assert alerts(views[NEIGHBOURS]) == []
    _, known, origin = word2vec_map.map_items(session)
    assert set(json.loads(known)) == set(own_run.frozen.words)
    assert "your own run" in origin


def test_a_run_before_its_first_step_is_drawn(store, session, own_run):
    views = word2vec.draw(store, session, own_run, True)
    frame = places(views[MAP])
    assert frame["step"] == 0
    assert frame["label"] == "0 words read"
    packed(views[LOSS])
    assert own_run.views["map"].job is None


def test_only_what_has_changed_is_drawn_again(store, session, own_run):
    own_run.pull()
    first = word2vec.draw(store, session, own_run, True)
    own_run.views["map"].job = Future()
    again = word2vec.draw(store, session, own_run, False)
    assert [mine is before for mine, before in zip(again, first, strict=True)] == [True] * 4
    assert None not in word2vec.draw(store, session, own_run, True)


def test_curve_and_answers_take_turns_while_training(store, session, own_run, monkeypatch):
    drawn = []
    monkeypatch.setattr(word2vec, "loss_figure", lambda session, run: drawn.append("loss") or "{}")
    monkeypatch.setattr(word2vec, "analogy_html", lambda vectors: drawn.append("answers") or "")
    own_run.pull()
    word2vec.draw(store, session, own_run, True)
    assert drawn == ["loss", "answers"]
    for _ in range(4):
        own_run.snapshot = replace(own_run.snapshot)
        word2vec.draw(store, session, own_run, False)
    assert sorted(drawn[2:]) == ["answers", "answers", "loss", "loss"]
    assert drawn[2] != drawn[3]


def test_a_frame_that_is_ready_is_drawn(store, session, own_run):
    own_run.pull()
    before = word2vec.draw(store, session, own_run, True)
    frame = own_run.views["map"].job.result(60)
    views = word2vec.draw(store, session, own_run, False)
    assert places(views[MAP]) != places(before[MAP])
    assert own_run.views["map"].frame is frame
    assert views[LOSS:] == before[LOSS:]


def test_only_a_page_that_has_seen_nothing_is_sent_the_history(store, session, own_run):
    drawn = []
    while own_run.pull():
        word2vec.draw(store, session, own_run, False)
        own_run.views["map"].laid_out_at, own_run.views["map"].begun = -1, 0.0
        if own_run.views["map"].job:
            own_run.views["map"].job.result(60)
            drawn.append(word2vec.draw(store, session, own_run, False)[MAP])
    assert len(drawn) > 1
    assert all(places(frame)["history"] == [] for frame in drawn if frame)
    reloaded = places(word2vec.draw(store, session, own_run, True)[MAP])
    assert [state["step"] for state in reloaded["history"]] == [
        state["step"] for state in own_run.views["map"].history[:-1]
    ]
    assert reloaded["history"]


async def all_frames(store, session):
    return [json.loads(frame) async for frame in word2vec_map.frames_at_rest(store, session)]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(word2vec_map, "SETTLING_PAUSE_SECONDS", 0.002)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_the_map_of_a_finished_run_comes_to_rest(store, session, own_run):
    while own_run.pull():
        pass
    projection.warm_up()
    frames = asyncio.run(asyncio.wait_for(all_frames(store, session), 60))
    assert len({frame["id"] for frame in frames}) > 20
    assert [frame["busy"] for frame in frames[-2:]] == [False, False]
    assert frames[-1]["note"].startswith("UMAP · trustworthiness")
    again = asyncio.run(asyncio.wait_for(all_frames(store, session), 60))
    assert [frame["id"] for frame in again] == [frames[-1]["id"]], "it rests"


@pytest.mark.usefixtures("quick")
def test_a_run_that_ends_while_umap_compiles_shows_its_last_vectors_and_then_a_umap(store, session, own_run):
    word2vec.draw(store, session, own_run, True)
    untrained = own_run.views["map"].frame
    while own_run.pull():
        pass

    async def watched():
        notes = []
        async for frame in word2vec_map.frames_at_rest(store, session):
            notes.append(json.loads(frame)["note"])
            if len(notes) == 1:
                assert own_run.views["map"].frame is not untrained
                threading.Thread(target=projection.warm_up).start()
        return notes

    notes = asyncio.run(asyncio.wait_for(watched(), 60))
    assert notes[0] == "PCA while UMAP gets ready"
    assert notes[-1].startswith("UMAP")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("end", ["page closed", "training", "another page's event"])
def test_a_map_on_its_way_to_rest_is_left_alone_when(store, session, own_run, end):
    own_run.pull()

    async def watched():
        seen = 0
        async for _ in word2vec_map.frames_at_rest(store, session):
            seen += 1
            if end == "page closed":
                store.detach("page")
            elif end == "training":
                session.drive(TAB)
            else:
                session.uploads["map_driver"] = object()
        return seen

    assert asyncio.run(asyncio.wait_for(watched(), 20)) == 1


@pytest.mark.parametrize("words", [2, 3, 16])
def test_too_few_words_for_umap_still_make_a_map(store, session, words):
    names = [chr(ord("a") + i) * 3 for i in range(words)]
    session.uploads |= {"text": tokenise([" ".join(names)] * 20), "word": "aaa"}
    run = session.runs[TAB] = Run(word2vec.make_trainer(store, session, OWN), store.device_lock)
    while run.pull():
        pass
    word2vec.draw(store, session, run, True)
    run.views["map"].job.result(60)
    frame = places(word2vec.draw(store, session, run, True)[MAP])
    assert set(map_words(session, frame)) == set(names)
    assert "too few points for UMAP" in frame["note"]
    assert marked_words(session, frame)[0] == "aaa"


def test_an_unknown_word_marks_nothing_on_the_map(session):
    session.uploads["word"] = EVIL
    for packed_marks in (word2vec_map.map_frame(session), word2vec_map.map_marks(session)):
        assert marked_words(session, json.loads(packed_marks)) == []


def test_a_word_typed_with_a_separate_accent_is_marked_as_its_neighbours_are_listed(store, session):
    session.uploads |= {"text": tokenise(["café thé sucre"] * 9), "word": "cafe\u0301"}
    session.runs[TAB] = Run(word2vec.make_trainer(store, session, OWN), store.device_lock)
    assert alerts(word2vec.neighbour_html(session)) == []
    assert marked_words(session, json.loads(word2vec_map.map_marks(session)))[0] == "café"


@pytest.mark.usefixtures("no_shipped_vectors")
def test_without_any_vectors_marks_stay_as_they_are_and_nothing_comes_to_rest(store, session):
    assert word2vec_map.map_marks(session) == gr.skip()
    assert asyncio.run(all_frames(store, session)) == []


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
    return {getattr(function.fn, "__name__", ""): function.fn for function in demo.fns.values()}


REQUEST = SimpleNamespace(session_hash="page")


def click(handlers, data):
    return handlers["on_pick"](gr.EventData(None, data), REQUEST)


def items_of(session):
    return json.loads(word2vec_map.map_items(session)[0])["id"]


def test_a_click_on_the_map_asks_for_that_word(handlers, session):
    asked = shipped.load().vectors.words[100]
    word, marks, listing = click(handlers, {"index": 100, "name": "whatever the page says", "items": items_of(session)})
    assert word == asked
    assert marked_words(session, json.loads(marks))[0] == asked
    assert alerts(listing) == []
    assert word2vec_map.asked_word(session) == asked


FORGED_PICKS = [
    *(None, "queen", 3, True, [], ["queen"], {}, {"index": 3}),
    *({"index": index, "items": "shipped:2000"} for index in (-1, 10**9, 2**70, True, "3", "3e0", 3.0, None, [3])),
    *({"index": 3, "items": items} for items in ("shipped:1999", "", None, 2000, ["shipped:2000"], EVIL)),
]


def test_a_pick_that_names_no_point_of_this_map_is_ignored(handlers, session):
    assert items_of(session) == "shipped:2000"
    for data in FORGED_PICKS:
        assert click(handlers, data) == (gr.skip(), gr.skip(), gr.skip()), data
        assert "word" not in session.uploads


@pytest.mark.usefixtures("no_shipped_vectors")
def test_a_pick_without_any_vectors_is_ignored(handlers, session):
    assert click(handlers, {"index": 3, "items": "shipped:2000"}) == (gr.skip(), gr.skip(), gr.skip())


def test_a_typed_word_marks_it_and_lists_its_neighbours(handlers, session):
    marks, listing = handlers["on_word"](" He ", REQUEST)
    asked, *near = marked_words(session, json.loads(marks))
    assert asked == "he"
    assert near
    assert all(f'<th scope="row">{word}</th>' in listing for word in near)
    assert alerts(listing) == []
    marks, listing = handlers["on_word"](EVIL, REQUEST)
    assert marked_words(session, json.loads(marks)) == []
    assert "<img" not in listing
    assert len(alerts(listing)) == 1


def test_similar_words_are_coloured_anew_when_another_word_is_asked_for(handlers, session):
    session.uploads["map"] = MapConfig(colour="similarity")
    colours = [json.loads(handlers["on_word"](word, REQUEST)[0])["colour"] for word in ("king", "queen")]
    assert [colour["label"] for colour in colours] == ["cosine with king", "cosine with queen"]
    assert colours[0]["codes"] != colours[1]["codes"]


def laid_out(handlers, changes):
    """The frames with which the server answers a changed setting, the first of many."""

    async def first():
        frames = handlers["on_layout"](gr.EventData(None, changes), REQUEST)
        frame = await anext(frames)
        await frames.aclose()
        return places(frame)

    return asyncio.run(first())


def test_a_changed_setting_is_answered_with_another_map_at_once(handlers, session):
    seen = {places(word2vec_map.map_frame(session))["map"]}
    for changes in ({"dimensions": 3}, {"points": 500}, {"n_neighbors": 5}, {"min_dist": 0.5}, {"metric": "euclidean"}):
        frame = laid_out(handlers, changes)
        assert frame["map"] not in seen
        seen.add(frame["map"])
        assert {name: frame["settings"][name] for name in changes} == changes
        assert len(map_words(session, frame)) == frame["n"]
    assert (frame["n"], frame["dims"]) == (500, 3)


@pytest.mark.usefixtures("quick")
def test_a_changed_setting_ends_in_a_map_at_rest(handlers, session):
    projection.warm_up()

    async def everything():
        event = gr.EventData(None, {"points": 200, "dimensions": 3})
        return [json.loads(frame) async for frame in handlers["on_layout"](event, REQUEST)]

    frames = asyncio.run(asyncio.wait_for(everything(), 60))
    assert frames[0]["note"].startswith("PCA")
    assert frames[-1]["note"].startswith("UMAP · trustworthiness")
    assert {(frame["n"], frame["dims"]) for frame in frames} == {(200, 3)}
    assert len({frame["map"] for frame in frames}) == 1


NO_CHANGES = [
    *(None, 7, "points", [], ["points"], True),
    *({"points": value} for value in (9, 50_001, float("nan"), float("inf"), "many", None, [500], 2**70)),
    *({"dimensions": value} for value in (1, 4, 2.5, True)),
    *({"n_neighbors": 5, "min_dist": 2}, {"colour": EVIL}, {"color": "cluster"}, {"self": 1}, {"": 1}),
]


def test_a_setting_that_is_none_changes_nothing(handlers, session):
    config = session.uploads["map"] = MapConfig(n_neighbors=30)
    for changes in NO_CHANGES:
        assert changed_map(config, changes) == config, changes
        assert laid_out(handlers, changes)["settings"] == config.model_dump(), changes
        assert word2vec_map.map_config(session) == config


def test_changed_settings_are_added_to_those_before():
    config = changed_map(MapConfig(n_neighbors=30), {"points": 500})
    config = changed_map(config, {"colour": "cluster"})
    assert config == MapConfig(n_neighbors=30, points=500, colour="cluster")


def test_the_settings_of_the_map_are_the_sessions_own(handlers, store, session):
    laid_out(handlers, {"points": 500})
    assert word2vec_map.map_config(store.attach("another page", None)) == MapConfig()


@pytest.mark.usefixtures("no_shipped_vectors")
def test_a_map_is_asked_for_in_vain_without_any_vectors(handlers, session):
    """The menu can be used before there is a map; that is no error."""

    async def frames():
        return [frame async for frame in handlers["on_layout"](gr.EventData(None, {"points": 500}), REQUEST)]

    assert asyncio.run(frames()) in ([], [gr.skip()])
    assert word2vec_map.map_config(session).points == 500
    assert all(value == gr.skip() for value in handlers["on_items"](REQUEST))


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
    assert word2vec_map.asked_word(store.attach("another page", None)) == word2vec_map.FIRST_WORD
