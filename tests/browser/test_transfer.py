"""The Transfer tab in a real Chromium: curves that grow, a reload, the table, what is missing said, own pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.transfer.config import TEXT_TITLES
from tests.browser.conftest import Visitor, wait_for
from tests.browser.test_simclr import zip_of_folders

pytestmark = pytest.mark.browser
TECHNIQUE = "transfer"

ATTACK = "<img src=x onerror=window.hacked=1>"


def enter(guest: Visitor) -> Visitor:
    guest.page.get_by_role("tab", name="Transfer", exact=True).click()
    guest.page.wait_for_selector("#transfer-chart .main-svg")
    return guest


@pytest.fixture
def guest(visitor) -> Visitor:
    """A visitor who has opened the tab."""
    return enter(visitor)


def show(guest: Visitor, name: str) -> None:
    guest.page.locator("#transfer-views-tabs").get_by_role("tab", name=name, exact=True).first.click()


def choose(guest: Visitor, name: str, option: str) -> None:
    guest.page.click(f"#transfer-{name} input")
    guest.page.get_by_role("option", name=option, exact=True).first.click()


def wait_for_phase(guest: Visitor, *phases: str, part: str = "transfer") -> None:
    chosen = ", ".join(f"#{part}-status .status[data-phase={phase}]" for phase in phases)
    guest.page.wait_for_selector(chosen)


def pause(guest: Visitor, part: str = "transfer") -> None:
    """Pause a run, unless it has been quicker."""
    guest.page.evaluate("(button) => document.querySelector(button).click()", f"#{part}-pause")
    wait_for_phase(guest, "paused", "done", part=part)


def numbers(guest: Visitor) -> str:
    return guest.page.inner_text("#transfer-numbers")


def test_curves_grow_and_a_reload_finds_them(guest):
    choose(guest, "encoder", "Untrained net")
    choose(guest, "most-labels", "2")
    guest.page.click("#transfer-train")
    wait_for(lambda: "Untrained net, linear" in numbers(guest), "the first points")
    wait_for(lambda: "From scratch" in numbers(guest), "a trained net")
    pause(guest)
    assert "guessing" in guest.page.inner_text("#transfer-chart")
    said, shown = guest.page.inner_text("#transfer-said"), numbers(guest)
    assert "Shape with 2 labels per class, linear probe: " in said
    show(guest, "Take home")
    guest.page.click("#transfer-home-points")
    wait_for(lambda: "points: encoder, task" in guest.page.inner_text("#transfer-home-note"), "the file")
    assert guest.errors == []
    guest.page.reload()
    guest.errors.clear()  # what the old page said of requests that the reload cut off
    wait_for_phase(guest, "paused", "done")
    wait_for(lambda: numbers(guest) == shown, "the numbers of before")
    assert guest.page.input_value("#transfer-encoder input") == "Untrained net"
    assert guest.errors == []


def test_other_pictures_have_other_tasks_and_a_missing_run_is_said(guest):
    choose(guest, "data", "Emoji")
    wait_for(lambda: guest.page.input_value("#transfer-factor input") == "Category", "the task of emoji")
    wait_for(lambda: guest.page.input_value("#transfer-most-labels input") == "20", "no more labels than there are")
    choose(guest, "encoder", "Your SimCLR run")
    wait_for(lambda: "train one in the tab SimCLR" in guest.page.inner_text("#transfer-note"), "what to do")
    guest.page.click("#transfer-train")
    guest.page.wait_for_selector("#transfer-status [role=alert]")
    assert "No SimCLR run of yours is here yet" in guest.page.inner_text("#transfer-status")
    show(guest, "Try this")
    guest.page.click("#transfer-try-jitter-and-colour")
    wait_for(lambda: guest.page.input_value("#transfer-factor input") == "Colour", "the preset's task")
    assert guest.page.input_value("#transfer-data input") == "Apples"
    assert guest.errors == []


def options(guest: Visitor, name: str) -> list[str]:
    """What a list has on offer; settings that come at the same time close it, and it opens with the focus alone."""

    def opened() -> bool:
        guest.page.locator(f"#transfer-{name} input").blur()
        guest.page.click(f"#transfer-{name} input")
        guest.page.wait_for_timeout(200)
        return guest.page.get_by_role("option").count() > 0

    wait_for(opened, "the list")
    texts = [text.strip().removeprefix("✓").strip() for text in guest.page.get_by_role("option").all_inner_texts()]
    guest.page.keyboard.press("Escape")
    return texts


@pytest.mark.slow
def test_speeches_have_encoders_of_text_and_a_reload_finds_their_curves(guest):
    views = guest.page.locator("#transfer-views-tabs")
    wait_for(lambda: "BERT" not in options(guest, "encoder"), "encoders of pictures alone")
    choose(guest, "data", "Speeches (text)")
    wait_for(lambda: guest.page.input_value("#transfer-factor input") == "Speech's century", "the task of speeches")
    wait_for(lambda: guest.page.input_value("#transfer-against input") == "Bag of words", "what stands in for pixels")
    assert guest.page.input_value("#transfer-encoder input") == "BERT"
    assert options(guest, "encoder") == list(TEXT_TITLES.values())
    show(guest, "Passages")
    wait_for(lambda: guest.page.locator("#transfer-passages figure").count() == 12, "passages of four centuries")
    choose(guest, "encoder", "word2vec")
    choose(guest, "most-labels", "10")
    guest.page.click("#transfer-train")
    wait_for_phase(guest, "done")
    assert "Speech's century with 10 labels per class, linear probe: " in guest.page.inner_text("#transfer-said")
    shown = numbers(guest)
    assert "word2vec, linear" in shown
    assert guest.errors == []
    guest.page.reload()
    guest.errors.clear()  # what the old page said of requests that the reload cut off
    wait_for_phase(guest, "done")
    wait_for(lambda: numbers(guest) == shown, "the numbers of before")
    assert guest.page.input_value("#transfer-encoder input") == "word2vec"
    wait_for(lambda: views.get_by_role("tab", name="Passages", exact=True).count() == 1, "the passages' view")
    choose(guest, "data", "Apples")
    wait_for(lambda: guest.page.input_value("#transfer-encoder input") == "SimCLR", "an encoder of pictures")
    wait_for(lambda: guest.page.input_value("#transfer-factor input") == "Shape", "the task of apples")
    wait_for(lambda: views.get_by_role("tab", name="Passages", exact=True).count() == 0, "no passages")
    show(guest, "Try this")
    guest.page.click("#transfer-try-when-was-it-said")
    wait_for(lambda: guest.page.input_value("#transfer-encoder input") == "BERT", "the preset's encoder")
    wait_for(lambda: guest.page.input_value("#transfer-against input") == "Bag of words", "what it is against")
    guest.page.click("#transfer-train")
    wait_for(lambda: "BERT, neighbours" in numbers(guest), "the preset's points")
    assert guest.errors == []


@pytest.mark.slow
def test_ones_own_pictures_fill_curves_and_table_and_names_are_text(guest, tmp_path: Path):
    choose(guest, "data", "Your own (.zip)")
    guest.page.wait_for_selector("#transfer-pic-own input[type=file]", state="attached")
    archive = zip_of_folders(tmp_path / "mine.zip", [f"red {ATTACK[:1]}b", "blue"])
    guest.page.set_input_files("#transfer-pic-own input[type=file]", archive)
    wait_for(lambda: "24 pictures" in guest.page.inner_text("#transfer-pic-own-note"), "the pictures")
    guest.page.click("#transfer-train")
    guest.page.wait_for_selector("#transfer-status [role=alert]")
    assert "choose at most 5" in guest.page.inner_text("#transfer-status")
    choose(guest, "most-labels", "1")
    choose(guest, "encoder", "Untrained net")
    guest.page.click("#transfer-train")
    wait_for(lambda: "Raw pixels, linear" in numbers(guest), "the points")
    pause(guest)
    show(guest, "Which pretext suits which task?")
    choose(guest, "table-data", "Your own (.zip)")
    choose(guest, "table-labels", "1")
    guest.page.click("#transfer-table-train")
    wait_for(lambda: "Folder: " in guest.page.inner_text("#transfer-table-findings"), "a sentence")
    pause(guest, "transfer-table")
    assert guest.page.evaluate("() => window.hacked ?? null") is None
    assert guest.errors == []
