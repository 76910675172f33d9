"""The CLIP tab in a real Chromium: ask with words, search, sort ten names, train, a reload, wrong input."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Visitor, wait_for

pytestmark = pytest.mark.browser
TECHNIQUE = "clip"
ATTACK = "<img src=x onerror=window.hacked=1>"


@pytest.fixture
def guest(visitor) -> Visitor:
    """A visitor whose first picture has been answered."""
    visitor.page.wait_for_selector("#clip-bars tbody tr", timeout=60_000)
    return visitor


def show(guest: Visitor, name: str) -> None:
    guest.page.locator("#clip-views-tabs").get_by_role("tab", name=name, exact=True).first.click()


def bars(guest: Visitor) -> list[str]:
    return guest.page.locator("#clip-bars tbody th").all_inner_texts()


def test_any_words_become_a_classifier_and_the_sum_is_shown(guest):
    guest.page.fill("#clip-labels textarea", f"a red heart\na blue purplish car\n{ATTACK}")
    guest.page.click("#clip-answer")
    wait_for(lambda: "a red heart" in bars(guest), "the new labels")
    assert len(bars(guest)) == 3
    assert guest.page.locator("#clip-bars .unseen", has_text="purplish").count() == 1
    assert guest.page.locator("#clip-trace tbody tr").count() == 3
    assert guest.page.locator("#clip-picture .clip-heat i").count() == 64
    name = guest.page.inner_text("#clip-picture figcaption b")
    guest.page.click("#clip-another")
    wait_for(lambda: guest.page.inner_text("#clip-picture figcaption b") != name, "another picture")
    guest.page.fill("#clip-templates textarea", "no place for it")
    guest.page.click("#clip-answer")
    wait_for(lambda: "where the label goes" in guest.page.inner_text("#clip-ask-note"), "the sentence")
    assert len(bars(guest)) == 3
    assert guest.page.evaluate("window.hacked") is None
    assert guest.errors == []


def test_a_search_ranks_pictures_and_a_click_asks_about_one(guest):
    show(guest, "Search")
    note = "#clip-search-note"
    wait_for(lambda: "Best 24 of 6,268" in guest.page.inner_text(note), "the first search", 60)
    guest.page.fill("#clip-plus input", "a zzyzx heart")
    guest.page.click("#clip-search")
    wait_for(lambda: "zzyzx" in guest.page.inner_text(note), "the unseen word")
    guest.page.fill("#clip-plus input", " ")
    guest.page.click("#clip-search")
    wait_for(lambda: "nothing to search" in guest.page.inner_text(note), "the sentence")
    guest.page.locator("#clip-found [role=option], #clip-found button").first.click()
    wait_for(lambda: guest.page.locator("#clip-answer").is_visible(), "the picture under Ask")
    show(guest, "Ten names")
    wait_for(lambda: "guessing gets 10%" in guest.page.inner_text("#clip-game-note"), "ten names")
    assert guest.page.locator("#clip-game-grid figure").count() == 40
    assert guest.page.locator("#clip-confusion tbody tr").count() == 10
    show(guest, "The gap")
    wait_for(lambda: "The middles are" in guest.page.inner_text("#clip-gap-line"), "the gap")
    guest.page.wait_for_selector("#clip-gap .scatterlayer .trace")
    assert guest.errors == []


def test_the_matrix_is_live_and_a_reload_finds_the_run(guest):
    box = guest.page.locator("#clip-steps input")
    box.fill("2000")
    box.blur()
    guest.page.click("#clip-train")
    cells = "#clip-matrix .clip-cells"
    guest.page.wait_for_selector(cells, timeout=60_000)
    first = guest.page.get_attribute(cells, "src")
    wait_for(lambda: guest.page.get_attribute(cells, "src") != first, "the matrix to change")
    guest.page.click("#clip-pause")
    guest.page.wait_for_selector("#clip-status .status[data-phase=paused]")
    guest.page.reload()
    guest.page.wait_for_selector("#clip-status .status[data-phase=paused]", timeout=60_000)
    wait_for(lambda: "Your own run answers" in guest.page.inner_text("#clip-ask-note"), "the own run's answer")
