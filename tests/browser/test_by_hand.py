"""The sum by hand in the page."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Visitor, wait_for

pytestmark = pytest.mark.browser
TECHNIQUE = "word2vec"

ATTACK = "<img src=x onerror=window.hacked=1>"


@pytest.fixture
def bench(visitor: Visitor) -> Visitor:
    visitor.page.get_by_role("tab", name="By hand").click()
    visitor.page.wait_for_selector("#w2v-hand-text table")
    return visitor


def text(visitor: Visitor, part: str) -> str:
    return visitor.page.inner_text(f"#w2v-hand-{part}")


def write(visitor: Visitor, sentence: str) -> None:
    visitor.page.fill("#w2v-hand-sentence :is(input, textarea)", sentence)


def test_the_tables_follow_the_sentence_and_steps_move_them(bench: Visitor):
    assert "18 training pairs" in text(bench, "text")
    before = text(bench, "matrices")
    bench.page.click("#w2v-hand-step-20")
    wait_for(lambda: "After 20 steps" in text(bench, "moved"), "twenty steps")
    assert text(bench, "matrices") != before
    bench.page.click("#w2v-hand-again")
    wait_for(lambda: text(bench, "matrices") == before, "the start")
    write(bench, "raw text labels itself")
    wait_for(lambda: "10 training pairs" in text(bench, "text"), "the new pairs")
    assert "raw → text" in text(bench, "text")


def test_nonsense_is_said_and_markup_is_text(bench: Visitor):
    write(bench, "one")
    wait_for(lambda: "at least two words" in text(bench, "message"), "the sentence")
    assert "18 training pairs" in text(bench, "text"), "what was there stays"
    write(bench, f"{ATTACK} cat {ATTACK} dog")
    wait_for(lambda: "onerror" in text(bench, "text"), "the words")
    assert bench.page.evaluate("window.hacked") is None
    assert bench.errors == []


def test_the_centre_word_chooses_the_sum(bench: Visitor):
    assert "given sat" in text(bench, "sums")
    bench.page.click("#w2v-hand-centre input")
    bench.page.get_by_role("option", name="mat", exact=True).click()
    wait_for(lambda: "given mat" in text(bench, "sums"), "the other sum")
