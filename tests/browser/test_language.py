"""The Language tab in a real Chromium: three ways, a live run and a reload, the three questions, wrong input."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Visitor, wait_for

pytestmark = pytest.mark.browser
TECHNIQUE = "language"
ATTACK = "<img src=x onerror=window.hacked=1>"
WAYS = "#language-ways"


@pytest.fixture
def guest(visitor) -> Visitor:
    """A visitor who sees the three ways."""
    visitor.page.wait_for_selector(f"{WAYS} .way")
    return visitor


def show(guest: Visitor, name: str) -> None:
    guest.page.locator("#language-views-tabs").get_by_role("tab", name=name, exact=True).first.click()


def ask(guest: Visitor, name: str) -> None:
    show(guest, "Ask")
    guest.page.locator("#language-ask-tabs").get_by_role("tab", name=name, exact=True).first.click()


def note(guest: Visitor, name: str) -> str:
    return guest.page.inner_text(f"#language-{name}-note")


def test_tokens_are_hidden_by_click_and_key_and_any_text_is_text(guest):
    page = guest.page
    tokens = page.locator("#language-ways-tokens button")
    tokens.nth(1).click()
    wait_for(lambda: "You hide 1 token" in page.inner_text("#language-ways-tokens"), "the click")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_for(lambda: "You hide 2 tokens" in page.inner_text("#language-ways-tokens"), "the key")
    assert page.locator(f"{WAYS} .of-bert .chip.mark").all_inner_texts() == ["[MASK]", "[MASK]"]
    page.fill("#language-ways-text textarea", f"{ATTACK} 🙂 שלום. We want peace.")
    page.locator("#language-ways-text textarea").blur()
    wait_for(lambda: "🙂" in page.inner_text("#language-ways-tokens"), "the other text")
    before = page.inner_text(f"{WAYS} .of-t5 .pairs")
    page.get_by_label("shuffle sentences").check()
    wait_for(lambda: page.inner_text(f"{WAYS} .of-t5 .pairs") != before, "shuffled sentences")
    page.fill("#language-ways-text textarea", " ")
    page.locator("#language-ways-text textarea").blur()
    wait_for(lambda: "The text is empty" in note(guest, "ways"), "the sentence")
    assert page.locator(f"{WAYS} .way").count() == 3
    assert page.evaluate("window.hacked") is None
    assert guest.errors == []
    assert [url for url in guest.requests if not url.startswith(("http://127.0.0.1", "data:", "blob:"))] == []


def test_three_questions_are_answered_and_wrong_ones_are_sentences(guest):
    page = guest.page
    ask(guest, "BERT: fill a mask")
    page.wait_for_selector("#language-guesses [data-pick='0:0']")
    best = page.inner_text("#language-guesses [data-pick='0:0']")
    page.click("#language-guesses [data-pick='0:0']")
    wait_for(lambda: f"United {best} want" in page.input_value("#language-fill-text textarea"), "the accepted word")
    page.fill("#language-fill-text textarea", "nothing is hidden here")
    page.click("#language-fill")
    wait_for(lambda: "has no [MASK]" in note(guest, "fill"), "the sentence")
    ask(guest, "T5: repair")
    page.wait_for_selector("#language-repaired .gap-table td")
    page.click("#language-break")
    wait_for(lambda: "stood there" in page.inner_text("#language-repaired"), "a broken sentence")
    ask(guest, "GPT: continue")
    page.wait_for_selector("#language-written [data-pick='39']")
    page.click("#language-written [data-pick='3']")
    wait_for(lambda: "Token 4:" in page.inner_text("#language-distribution"), "a token's distribution")
    page.fill("#language-prompt textarea", ATTACK)
    page.locator("#language-temperature input[type=number]").fill("0")
    page.locator("#language-temperature input[type=number]").blur()
    page.click("#language-write")
    wait_for(lambda: "onerror" in page.inner_text("#language-written"), "the text of the attack")
    wait_for(lambda: "1 token could be drawn" in page.inner_text("#language-distribution"), "temperature 0")
    assert page.evaluate("window.hacked") is None
    assert guest.errors == []


@pytest.mark.slow
def test_all_three_train_and_a_reload_finds_them_paused(guest):
    page = guest.page
    box = page.locator("#language-steps input")
    box.fill("2000")
    box.blur()
    page.click("#language-train")
    page.wait_for_selector("#language-samples section")
    assert page.locator("#language-table tbody tr").count() == 3
    before = page.inner_text("#language-table")
    wait_for(lambda: page.inner_text("#language-table") != before, "newer measures")
    page.click("#language-pause")
    page.wait_for_selector("#language-status .status[data-phase=paused]")
    guest.errors.clear()
    page.reload()
    page.wait_for_selector("#language-status .status[data-phase=paused]")
    assert page.input_value("#language-steps input") == "2000"
    ask(guest, "BERT: fill a mask")
    wait_for(lambda: "Your own BERT answers" in note(guest, "fill"), "the own run's answer")


@pytest.mark.slow
def test_a_wrong_setting_or_text_is_a_sentence(guest):
    page = guest.page
    box = page.locator("#language-steps input")
    box.fill("3")
    box.blur()
    page.click("#language-train")
    wait_for(lambda: "whole number from 10" in page.inner_text("#language-status"), "the sentence")
    box.fill("300")
    box.blur()
    page.click("#language-corpus input")
    page.get_by_role("option", name="Your own text").click()
    page.wait_for_selector("#language-own-text input[type=file]", state="attached")
    page.set_input_files(
        "#language-own-text input[type=file]", {"name": "mine.txt", "mimeType": "text/plain", "buffer": b"too short"}
    )
    wait_for(lambda: page.locator("#language-corpus-note [role=alert]").count(), "the sentence about the text")
    page.click("#language-train")
    wait_for(lambda: "No text of your own is here" in page.inner_text("#language-status"), "what to do")
    assert guest.errors == []
