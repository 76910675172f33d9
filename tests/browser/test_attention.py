"""The Attention tab in a real Chromium."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.browser.conftest import Server, Visitor, wait_for
from tests.browser.test_accessibility import serious

pytestmark = pytest.mark.browser
TECHNIQUE = "attention"

ATTACK = "<img src=x onerror=window.hacked=1>"


@pytest.fixture
def guest(visitor) -> Visitor:
    """A visitor who has opened the tab."""
    visitor.page.get_by_role("tab", name="Attention", exact=True).click()
    visitor.page.wait_for_selector("#attention-bench table")
    return visitor


def show(guest: Visitor, name: str) -> None:
    guest.page.locator("#attention-views-tabs").get_by_role("tab", name=name, exact=True).first.click()


def number(guest: Visitor, name: str, value: float) -> None:
    box = guest.page.locator(f"#recall-{name} input[type=number]")
    box.fill(str(value))
    box.blur()


def phase(guest: Visitor) -> str:
    return str(guest.page.get_attribute("#recall-status .status", "data-phase"))


def test_the_lectures_numbers_stand_there_at_first(guest):
    text = guest.page.inner_text("#attention-bench")
    for wanted in ("112", "96", "14", "12", "0.88", "0.12"):
        assert wanted in text or wanted in str(
            guest.page.evaluate("[...document.querySelectorAll('#attention-bench input')].map(e => e.value).join()")
        )


def test_both_nets_train_and_a_reload_in_the_middle_finds_them_paused(guest, server: Server):
    show(guest, "LSTM against transformer")
    number(guest, "distance", 20)
    number(guest, "steps", 2000)
    guest.page.click("#recall-train")
    wait_for(lambda: "so far" in guest.page.inner_text("#recall-verdict"), "first numbers")
    wait_for(lambda: "Attention of the question mark" in guest.page.inner_text("#recall-strip"), "a drawn sequence")
    guest.page.reload()
    guest.page.wait_for_selector("#attention-bench table")
    show(guest, "LSTM against transformer")
    guest.page.wait_for_selector("#recall-status .status[data-phase=paused]")
    assert "Over 20 distractors" in guest.page.inner_text("#recall-verdict")
    assert guest.page.locator("#recall-distance input[type=number]").input_value() == "20"
    before = guest.page.inner_text("#recall-strip")
    guest.page.click("#recall-another")
    wait_for(lambda: guest.page.inner_text("#recall-strip") != before, "another sequence")


def test_a_refused_setting_is_said_and_a_preset_sets_the_controls(guest):
    show(guest, "LSTM against transformer")
    number(guest, "distance", 77)
    number(guest, "steps", 3)
    guest.page.click("#recall-train")
    wait_for(lambda: "Steps" in guest.page.inner_text("#recall-status"), "the reason")
    guest.page.click("[id^=recall-try-] >> nth=1")
    wait_for(lambda: guest.page.inner_text("#recall-expect").strip(), "what to expect")
    distance = guest.page.locator("#recall-distance input[type=number]")
    wait_for(lambda: distance.input_value() == "10", "the preset's distance")


def test_a_run_is_taken_home_as_a_notebook_and_before_there_is_one_a_sentence_says_so(guest):
    show(guest, "LSTM against transformer")
    guest.page.click("#recall-home-notebook")
    wait_for(lambda: "no run yet" in guest.page.inner_text("#recall-home-note"), "a sentence")
    number(guest, "distance", 5)
    number(guest, "steps", 10)
    guest.page.click("#recall-train")
    wait_for(lambda: phase(guest) == "done", "the end of the run")
    with guest.page.expect_download() as begun:
        guest.page.click("#recall-home-notebook")
    assert begun.value.suggested_filename == "recall.ipynb"
    assert "up to step 10," in guest.page.inner_text("#recall-home-note")
    cells = json.loads(Path(begun.value.path()).read_text(encoding="utf-8"))["cells"]
    assert any("    distance=5," in line for cell in cells for line in cell["source"])


def test_heads_are_read_silenced_and_nothing_a_visitor_writes_is_markup(guest):
    show(guest, "Heads of a trained model")
    guest.page.wait_for_selector("#attention-output table")
    guest.page.get_by_role("button", name="Silence this head").click()
    wait_for(lambda: "Without head" in guest.page.inner_text("#attention-output"), "the output without it")
    guest.page.fill("#attention-text textarea", ATTACK)
    guest.page.click("#attention-read")
    wait_for(lambda: "after “" in guest.page.inner_text("#attention-output"), "guesses")
    guest.page.fill("#attention-text textarea", " ")
    guest.page.click("#attention-read")
    wait_for(lambda: "write a sentence" in guest.page.inner_text("#attention-heads-note"), "a sentence")
    assert guest.page.evaluate("window.hacked") is None
    guest.page.click("#attention-model input")
    guest.page.get_by_role("option", name="gpt2").first.click()
    wait_for(lambda: "gpt2" in guest.page.inner_text("#attention-heads-note"), "why it can't be had")
    assert "Small GPT" in guest.page.input_value("#attention-model input")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_in_any_part_of_attention(guest, server: Server, theme):
    if theme == "dark":
        guest.page.evaluate("document.body.classList.add('dark')")
    for name in ("The sum by hand", "LSTM against transformer", "Heads of a trained model", "How it works"):
        show(guest, name)
        if name.startswith("Heads"):
            guest.page.wait_for_selector("#attention-output table")
        guest.page.wait_for_timeout(500)
        assert serious(guest) == [], name
