from __future__ import annotations

import time
from pathlib import Path

import pytest

from playground.limits import Limits
from playground.tabs.word2vec_map import TAB
from tests.browser.conftest import Server, Visitor, wait_for

pytestmark = pytest.mark.browser
TECHNIQUE = "word2vec"

ATTACK = "<img src=x onerror=window.hacked=1>"


def start(visitor: Visitor, epochs: int = 60) -> None:
    """Train for a while on few dimensions, which leaves the browser some of the machine."""
    visitor.setting("dim", 16)
    visitor.setting("epochs", epochs)
    visitor.page.click("#w2v-train")
    visitor.wait_for_phase("training")
    wait_for(lambda: visitor.progress() > 0 or None, "progress")


def train_own_text(visitor: Visitor, folder: Path, lines: list[str]) -> None:
    """Train on these lines, each many times, to the end."""
    path = folder / "own.txt"
    path.write_text("\n".join(lines * 300), encoding="utf-8")
    visitor.choose("corpus", "Your own text (.txt)")
    visitor.page.set_input_files("#w2v-own-text input[type=file]", path)
    wait_for(lambda: "Press Train" in visitor.page.inner_text("#w2v-corpus-note"), "the word count")
    visitor.page.click("#w2v-train")
    visitor.wait_for_phase("done")


def points_on_map(visitor: Visitor) -> list[float]:
    return visitor.explorer("Array.from(e.flat.slice(0, 50))")


def test_the_first_page_answers_before_any_training(visitor):
    assert visitor.phase() == "ready"
    assert "queen" in visitor.page.inner_text("#w2v-analogies")
    visitor.page.click("#w2v-solve")
    wait_for(lambda: "queen" in visitor.page.inner_text("#w2v-answer"), "queen")
    assert "this project trained" in visitor.page.inner_text("#w2v-origin")


@pytest.mark.slow
def test_train_map_moves_question_answered_pause_step_reset(visitor):
    start(visitor)  # long enough that it still trains when the question is asked
    visitor.wait_for_frames(3)
    first = points_on_map(visitor)
    visitor.wait_for_frames(3)
    assert points_on_map(visitor) != first

    visitor.fill("#w2v-a", "mother")
    visitor.fill("#w2v-b", "father")
    visitor.fill("#w2v-c", "son")
    visitor.page.click("#w2v-solve")
    wait_for(lambda: "mother − father + son" in visitor.page.inner_text("#w2v-answer"), "an answer in training")
    assert visitor.phase() == "training"

    visitor.page.click("#w2v-pause")
    visitor.wait_for_phase("paused")
    at = visitor.progress()
    time.sleep(1)
    assert visitor.progress() == at

    status = visitor.status()
    visitor.page.click("#w2v-step")
    wait_for(lambda: visitor.status() != status, "a step")
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
    visitor.wait_for_phase("paused")
    wait_for(lambda: buttons(visitor) == [True, False, True, True], "the buttons of a pause")
    assert visitor.page.inner_text("#w2v-train") == "Resume"
    visitor.page.click("#w2v-reset")
    visitor.wait_for_phase("ready")
    wait_for(lambda: visitor.page.inner_text("#w2v-train") == "Train", "the label of a new run")
    assert buttons(visitor) == [True, False, True, True]


@pytest.mark.slow
def test_the_map_comes_to_rest_after_a_pause_and_moves_again(visitor):
    start(visitor)
    visitor.wait_for_frames(3)
    visitor.page.click("#w2v-pause")
    visitor.wait_for_phase("paused")
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
    visitor.wait_for_phase("paused")
    visitor.page.reload()
    visitor.page.wait_for_selector("#w2v-map .explorer-root[data-items][data-drawn]")
    visitor.wait_for_rest()


def test_a_reload_finds_the_run_paused_and_goes_on(visitor, server: Server):
    start(visitor)
    wait_for(lambda: visitor.progress() >= 0.3, "some progress")
    visitor.page.reload()
    visitor.page.wait_for_selector("#w2v-map .explorer-root[data-drawn]")
    visitor.wait_for_phase("paused")
    at = visitor.progress()
    assert at >= 0.3
    assert visitor.page.input_value("#w2v-epochs input[type=number]") == "60"
    assert visitor.page.inner_text("#w2v-train") == "Resume"
    visitor.page.click("#w2v-train")
    wait_for(lambda: visitor.progress() > at, "it goes on")


@pytest.mark.slow
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
    other.wait_for_phase("paused")
    assert visitor.phase() == "training"


@pytest.mark.slow
def test_a_third_visitor_sees_the_place_in_the_queue(visitor, new_visitor):
    second, third = new_visitor(), new_visitor()
    start(visitor)
    start(second)
    third.page.click("#w2v-train")
    third.wait_for_phase("waiting")
    assert "1 ahead" in third.status()
    visitor.page.click("#w2v-pause")
    third.wait_for_phase("training")


def test_a_closed_tab_pauses_at_once_and_frees_its_run(new_visitor, server: Server, monkeypatch):
    monkeypatch.setattr(server.store, "limits", Limits(grace_seconds=1.0))
    gone = new_visitor()
    start(gone)
    (session,) = [one for one in server.store._sessions.values() if one.is_driven(TAB)]
    assert server.store.counts()["places"] == 1
    gone.context.close()
    wait_for(lambda: server.store.counts()["places"] == 0, "the place to be given back")
    wait_for(lambda: session.token not in server.store._sessions, "the session to be freed")
    assert session.runs == {}


@pytest.mark.slow
def test_no_request_leaves_the_machine_and_no_console_errors(visitor):
    visitor.page.click("#w2v-solve")
    for tab in ("Word axis", "Similarity", "Test set", "By hand", "Compare", "Take home", "How it works"):
        visitor.page.get_by_role("tab", name=tab).click()
    start(visitor)
    assert visitor.errors == []
    assert visitor.requests
    assert [url for url in visitor.requests if not url.startswith(("http://127.0.0.1", "data:", "blob:"))] == []


def test_a_wrong_word_gets_one_clear_sentence(visitor):
    for words, said in (
        (("quen", "man", "woman"), "did you mean"),
        (("", "man", "woman"), "A word is missing"),
        (("king", "king", "king"), "All three words are the same"),
        ((ATTACK, "man", "woman"), "is not in the vocabulary"),
    ):
        for box, word in zip(("#w2v-a", "#w2v-b", "#w2v-c"), words, strict=True):
            visitor.fill(box, word)
        visitor.page.click("#w2v-solve")
        wait_for(lambda wanted=said: wanted in visitor.page.inner_text("#w2v-answer"), said)
    assert visitor.page.evaluate("window.hacked") is None
    assert visitor.errors == []


@pytest.mark.slow
def test_a_too_large_learning_rate_stops_and_keeps_the_last_good_vectors(visitor):
    visitor.page.get_by_role("button", name="Advanced").click()
    visitor.setting("learning-rate", 1)
    visitor.page.click("#w2v-train")
    visitor.wait_for_phase("failed")
    assert "Lower the learning rate (now 1)" in visitor.status()
    visitor.page.click("#w2v-solve")
    wait_for(lambda: "is nearest to" in visitor.page.inner_text("#w2v-answer"), "an answer all the same")
    visitor.setting("learning-rate", 0.025)
    visitor.page.click("#w2v-train")
    visitor.wait_for_phase("training")


@pytest.mark.slow
def test_a_setting_out_of_range_is_refused_and_the_run_kept(visitor):
    start(visitor)
    visitor.page.click("#w2v-pause")
    visitor.wait_for_phase("paused")
    visitor.page.get_by_role("button", name="Advanced").click()
    visitor.choose("objective", "Full softmax (small vocabularies)")
    visitor.page.click("#w2v-train")
    wait_for(lambda: "full softmax would score all 16,883 words" in visitor.status(), "the reason")
    assert visitor.phase() == "paused"
    assert visitor.progress() > 0


@pytest.mark.slow
def test_own_text_is_asked_for_where_it_is_missing_and_a_wrong_file_gets_one_clear_sentence(visitor, tmp_path):
    visitor.choose("corpus", "Your own text (.txt)")
    visitor.page.click("#w2v-train")
    wait_for(lambda: "choose a .txt file" in visitor.status(), "the sentence")
    for name, content, said in (
        ("empty.txt", b"", "no words"),
        ("one.txt", b"hello", "one word"),
        ("binary.txt", bytes(range(256)) * 40, "not UTF-8"),
        ("large.txt", b"word and word " * (21 * 2**20 // 14), "up to 20 MB"),
        ("latin.txt", "déjà vu café".encode("latin-1"), "UTF-8"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        visitor.page.wait_for_selector("#w2v-own-text input[type=file]", state="attached")  # a refused file is gone
        visitor.page.set_input_files("#w2v-own-text input[type=file]", path)
        wait_for(lambda wanted=said: wanted in visitor.page.inner_text("#w2v-corpus-note"), said)


def test_own_text_trains_and_its_words_are_never_markup(visitor, tmp_path):
    lines = ["the red apple is sweet and the green apple is sour", f"a pear {ATTACK} is not an apple"]
    train_own_text(visitor, tmp_path, lines)
    assert "words known" in visitor.status()
    visitor.fill("#w2v-neighbour-word", "apple")
    visitor.page.press("#w2v-neighbour-word input", "Enter")
    wait_for(lambda: len(visitor.page.query_selector_all("#w2v-neighbours tr")) == 5, "neighbours")
    assert visitor.page.evaluate("window.hacked") is None
    assert visitor.errors == []


def focused(visitor: Visitor) -> str:
    script = (
        "() => { const e = document.activeElement; return e.closest('[id^=w2v-]')?.id + ' ' + (e.className || '') }"
    )
    return str(visitor.page.evaluate(script))


def tab_to(visitor: Visitor, wanted: str, most: int = 80) -> None:
    for _ in range(most):
        if wanted in focused(visitor):
            return
        visitor.page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} can't be reached with the Tab key")


@pytest.mark.slow
def test_train_pause_find_and_ask_with_the_keyboard_alone(visitor: Visitor):
    visitor.page.keyboard.press("Tab")
    tab_to(visitor, "w2v-train")
    visitor.page.keyboard.press("Enter")
    visitor.wait_for_phase("training")
    tab_to(visitor, "w2v-pause")
    visitor.page.keyboard.press("Space")
    visitor.wait_for_phase("paused", "done")
    tab_to(visitor, "ex-search")
    visitor.page.keyboard.type("france")
    visitor.page.keyboard.press("Enter")
    wait_for(lambda: visitor.page.input_value("#w2v-neighbour-word input") == "france", "the found word")
    tab_to(visitor, "ex-canvas")
    camera = "() => document.querySelector('#w2v-map .explorer-root').explorer.camera.scale"
    before = visitor.page.evaluate(camera)
    visitor.page.keyboard.press("+")
    wait_for(lambda: visitor.page.evaluate(camera) > before, "the map to be zoomed")
    tab_to(visitor, "w2v-solve")
    visitor.page.keyboard.press("Enter")
    wait_for(lambda: "is nearest to" in visitor.page.inner_text("#w2v-answer"), "an answer")
