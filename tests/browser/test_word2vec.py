from __future__ import annotations

import time

import pytest

from tests.browser.conftest import GRACE_SECONDS, Server, Visitor, wait_for

pytestmark = pytest.mark.browser
TECHNIQUE = "word2vec"

ATTACK = "<img src=x onerror=window.hacked=1>"


def start(visitor: Visitor, epochs: int = 60) -> None:
    visitor.setting("epochs", epochs)
    visitor.page.click("#w2v-train")
    visitor.wait_for_phase("training")
    wait_for(lambda: visitor.progress() > 0 or None, "progress")


def points_on_map(visitor: Visitor) -> list[float]:
    return visitor.explorer("Array.from(e.flat.slice(0, 50))")


def test_the_first_page_answers_before_any_training(visitor):
    assert visitor.phase() == "ready"
    assert "queen" in visitor.page.inner_text("#w2v-analogies")
    visitor.page.click("#w2v-solve")
    wait_for(lambda: "queen" in visitor.page.inner_text("#w2v-answer"), "queen")
    assert "this project trained" in visitor.page.inner_text("#w2v-origin")


def test_train_map_moves_question_answered_pause_step_reset(visitor):
    visitor.page.click("#w2v-train")
    visitor.wait_for_phase("training")
    visitor.wait_for_frames(3)
    first = points_on_map(visitor)
    visitor.wait_for_frames(3)
    assert points_on_map(visitor) != first

    visitor.fill("#w2v-a", "mother")
    visitor.fill("#w2v-b", "father")
    visitor.fill("#w2v-c", "son")
    asked = time.monotonic()
    visitor.page.click("#w2v-solve")
    wait_for(lambda: "mother − father + son" in visitor.page.inner_text("#w2v-answer"), "an answer in training", 5)
    assert time.monotonic() - asked < 10
    assert visitor.phase() == "training"

    visitor.page.click("#w2v-pause")
    visitor.wait_for_phase("paused", seconds=3)
    at = visitor.progress()
    time.sleep(1)
    assert visitor.progress() == at

    status = visitor.status()
    visitor.page.click("#w2v-step")
    wait_for(lambda: visitor.status() != status, "a step", 10)
    assert visitor.phase() == "paused"

    visitor.page.click("#w2v-reset")
    visitor.wait_for_phase("ready")
    assert visitor.progress() == 0
    assert "0 of 6" in visitor.page.inner_text("#w2v-analogies") or "1 of 6" in visitor.page.inner_text(
        "#w2v-analogies"
    )
    assert visitor.errors == []


def buttons(visitor: Visitor) -> list[bool]:
    """Which of train, pause, step and reset can be pressed."""
    return [visitor.page.is_enabled(f"#w2v-{name}") for name in ("train", "pause", "step", "reset")]


@pytest.mark.slow
def test_buttons_follow_the_training(visitor):
    assert buttons(visitor) == [True, False, True, True]
    visitor.setting("epochs", 60)
    visitor.page.click("#w2v-train")
    wait_for(lambda: buttons(visitor) == [False, True, False, True], "the click to be seen at once", 1)
    visitor.wait_for_phase("training")
    assert buttons(visitor) == [False, True, False, True]
    visitor.page.click("#w2v-pause")
    visitor.wait_for_phase("paused", seconds=5)
    wait_for(lambda: buttons(visitor) == [True, False, True, True], "the buttons of a pause", 5)
    assert visitor.page.inner_text("#w2v-train") == "Resume"
    visitor.page.click("#w2v-reset")
    visitor.wait_for_phase("ready")
    wait_for(lambda: visitor.page.inner_text("#w2v-train") == "Train", "the label of a new run", 5)
    assert buttons(visitor) == [True, False, True, True]


@pytest.mark.slow
def test_the_map_comes_to_rest_after_a_pause_and_moves_again(visitor):
    start(visitor)
    visitor.wait_for_frames(3)
    visitor.page.click("#w2v-pause")
    visitor.wait_for_phase("paused", seconds=5)
    visitor.wait_for_rest()
    rested = points_on_map(visitor)
    time.sleep(1)
    assert points_on_map(visitor) == rested
    visitor.page.click("#w2v-train")
    visitor.wait_for_frames(2)
    assert points_on_map(visitor) != rested


@pytest.mark.slow
def test_a_reload_while_the_map_comes_to_rest_lets_it_go_on(visitor):
    start(visitor)
    visitor.wait_for_frames(3)
    visitor.page.click("#w2v-pause")
    visitor.wait_for_phase("paused", seconds=5)
    visitor.page.reload()
    visitor.page.wait_for_selector("#w2v-map .explorer-root[data-items][data-drawn]")
    visitor.wait_for_rest()


def test_a_reload_finds_the_run_paused_and_goes_on(visitor, server: Server):
    start(visitor)
    wait_for(lambda: visitor.progress() >= 3, "some progress", 90)
    visitor.page.reload()
    visitor.page.wait_for_selector("#w2v-map .explorer-root[data-drawn]")
    visitor.wait_for_phase("paused", seconds=10)
    at = visitor.progress()
    assert at >= 3
    assert visitor.page.input_value("#w2v-epochs input[type=number]") == "60"
    assert visitor.page.inner_text("#w2v-train") == "Resume"
    visitor.page.click("#w2v-train")
    wait_for(lambda: visitor.progress() > at, "it goes on", 90)


def test_two_browsers_do_not_see_each_others_run(visitor, new_visitor):
    other = new_visitor()
    start(visitor)
    assert other.phase() == "ready"
    other.page.reload()
    other.page.wait_for_selector("#w2v-train")
    time.sleep(1)
    assert other.phase() == "ready"
    start(other)
    mine, theirs = visitor.progress(), other.progress()
    wait_for(lambda: visitor.progress() > mine and other.progress() > theirs, "both advance")
    other.page.click("#w2v-pause")
    other.wait_for_phase("paused", seconds=3)
    assert visitor.phase() == "training"


@pytest.mark.slow
def test_a_third_visitor_sees_the_place_in_the_queue(visitor, new_visitor):
    second, third = new_visitor(), new_visitor()
    start(visitor)
    start(second)
    third.page.click("#w2v-train")
    third.wait_for_phase("waiting", seconds=10)
    assert "1 ahead" in third.status()
    visitor.page.click("#w2v-pause")
    third.wait_for_phase("training", seconds=20)


def test_a_closed_tab_pauses_at_once_and_frees_its_run(visitor, new_visitor, server: Server):
    gone = new_visitor()
    start(gone)
    before = server.store.counts()
    assert before["places"] >= 1
    gone.context.close()
    wait_for(lambda: server.store.counts()["places"] < before["places"], "the place to be given back", 3)
    wait_for(lambda: server.store.counts()["runs"] < before["runs"], "the run to be freed", GRACE_SECONDS + 5)


def test_no_request_leaves_the_machine_and_no_console_errors(visitor):
    visitor.page.click("#w2v-solve")
    for tab in ("Word axis", "Similarity", "Test set", "By hand", "Compare", "Take home", "How it works"):
        visitor.page.get_by_role("tab", name=tab).click()
    start(visitor)
    assert visitor.errors == []
    assert visitor.requests
    assert [url for url in visitor.requests if not url.startswith(("http://127.0.0.1", "data:", "blob:"))] == []


@pytest.mark.parametrize(
    ("a", "b", "c", "said"),
    [
        ("quen", "man", "woman", "did you mean"),
        pytest.param("", "man", "woman", "A word is missing", marks=pytest.mark.slow),
        pytest.param("king", "king", "king", "All three words are the same", marks=pytest.mark.slow),
        (ATTACK, "man", "woman", "is not in the vocabulary"),
    ],
)
def test_a_wrong_word_gets_one_clear_sentence(visitor, a, b, c, said):
    for box, word in (("#w2v-a", a), ("#w2v-b", b), ("#w2v-c", c)):
        visitor.fill(box, word)
    visitor.page.click("#w2v-solve")
    wait_for(lambda: said in visitor.page.inner_text("#w2v-answer"), said)
    assert visitor.page.evaluate("window.hacked") is None


def test_a_too_large_learning_rate_stops_and_keeps_the_last_good_vectors(visitor):
    visitor.page.get_by_role("button", name="Advanced").click()
    visitor.setting("learning-rate", 1)
    visitor.page.click("#w2v-train")
    visitor.wait_for_phase("failed", seconds=30)
    assert "Lower the learning rate (now 1)" in visitor.status()
    visitor.page.click("#w2v-solve")
    wait_for(lambda: "is nearest to" in visitor.page.inner_text("#w2v-answer"), "an answer all the same")
    visitor.setting("learning-rate", 0.025)
    visitor.page.click("#w2v-train")
    visitor.wait_for_phase("training", seconds=30)


def test_a_setting_out_of_range_is_refused_and_the_run_kept(visitor):
    start(visitor)
    visitor.page.click("#w2v-pause")
    visitor.wait_for_phase("paused", seconds=5)
    visitor.page.get_by_role("button", name="Advanced").click()
    visitor.choose("objective", "Full softmax (small vocabularies)")
    visitor.page.click("#w2v-train")
    wait_for(lambda: "full softmax would score all 16,883 words" in visitor.status(), "the reason")
    assert visitor.phase() == "paused"
    assert visitor.progress() > 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.txt", b"", "no words"),
        pytest.param("one.txt", b"hello", "one word", marks=pytest.mark.slow),
        pytest.param("binary.txt", bytes(range(256)) * 40, "not UTF-8", marks=pytest.mark.slow),
        ("large.txt", b"word and word " * (21 * 2**20 // 14), "up to 20 MB"),
        pytest.param("latin.txt", "déjà vu café".encode("latin-1"), "UTF-8", marks=pytest.mark.slow),
    ],
)
def test_a_wrong_file_gets_one_clear_sentence(visitor, tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    visitor.choose("corpus", "Your own text (.txt)")
    visitor.page.set_input_files("#w2v-own-text input[type=file]", path)
    wait_for(lambda: said in visitor.page.inner_text("#w2v-corpus-note"), said, 20)


def test_own_text_trains_and_its_words_are_never_markup(visitor, tmp_path):
    path = tmp_path / "own.txt"
    lines = ["the red apple is sweet and the green apple is sour", f"a pear {ATTACK} is not an apple"]
    path.write_text("\n".join(lines * 300), encoding="utf-8")
    visitor.choose("corpus", "Your own text (.txt)")
    visitor.page.set_input_files("#w2v-own-text input[type=file]", path)
    wait_for(lambda: "Press Train" in visitor.page.inner_text("#w2v-corpus-note"), "the word count", 20)
    visitor.page.click("#w2v-train")
    visitor.wait_for_phase("done", seconds=60)
    assert "words known" in visitor.status()
    visitor.fill("#w2v-neighbour-word", "apple")
    visitor.page.press("#w2v-neighbour-word input", "Enter")
    wait_for(lambda: len(visitor.page.query_selector_all("#w2v-neighbours tr")) == 5, "neighbours")
    assert visitor.page.evaluate("window.hacked") is None
    assert visitor.errors == []


def test_own_text_is_asked_for_when_it_is_missing(visitor):
    visitor.choose("corpus", "Your own text (.txt)")
    visitor.page.click("#w2v-train")
    wait_for(lambda: "choose a .txt file" in visitor.status(), "the sentence")
