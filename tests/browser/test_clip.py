"""The CLIP tab in a real Chromium: ask with words, search, sort ten names, train, a reload, wrong input."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image

from tests.browser.conftest import Visitor, wait_for

pytestmark = pytest.mark.browser
TECHNIQUE = "clip"
ATTACK = "<img src=x onerror=window.hacked=1>"


@pytest.fixture
def guest(visitor) -> Visitor:
    """A visitor whose first picture has been answered."""
    visitor.page.wait_for_selector("#clip-bars tbody tr")
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


@pytest.mark.slow
def test_a_search_ranks_pictures_and_a_click_asks_about_one(guest):
    show(guest, "Search")
    note = "#clip-search-note"
    wait_for(lambda: "Best 24 of 6,268" in guest.page.inner_text(note), "the first search")
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
    guest.page.locator("#clip-gap-layout").get_by_label("UMAP").check()
    wait_for(lambda: "neighbours are kept" in guest.page.inner_text("#clip-gap"), "the UMAP")
    assert guest.errors == []


def test_the_matrix_is_live_and_a_reload_finds_the_run(guest):
    box = guest.page.locator("#clip-steps input")
    box.fill("2000")
    box.blur()
    guest.page.click("#clip-train")
    cells = "#clip-matrix .clip-cells"
    guest.page.wait_for_selector(cells)
    first = guest.page.get_attribute(cells, "src")
    wait_for(lambda: guest.page.get_attribute(cells, "src") != first, "the matrix to change")
    guest.page.click("#clip-pause")
    guest.page.wait_for_selector("#clip-status .status[data-phase=paused]")
    guest.page.reload()
    guest.page.wait_for_selector("#clip-status .status[data-phase=paused]")
    wait_for(lambda: "Your own run answers" in guest.page.inner_text("#clip-ask-note"), "the own run's answer")


def archive(captions: str) -> dict:
    """A .zip of six plain pictures and a captions.csv, as the page's file chooser takes it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for i in range(6):
            picture = io.BytesIO()
            Image.new("RGB", (40, 40), (40 * i, 20, 200 - 30 * i)).save(picture, "PNG")
            file.writestr(f"p{i}.png", picture.getvalue())
        file.writestr("captions.csv", captions)
    return {"name": "mine.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}


@pytest.mark.slow
def test_the_model_of_apples_composes_and_the_page_follows(guest):
    show(guest, "Composition")
    guest.page.click("#clip-composition-load")
    guest.page.wait_for_selector("#clip-composition td.never")
    assert guest.page.locator("#clip-composition td.never").count() == 6
    assert "combinations never seen" in guest.page.inner_text("#clip-composition-line")
    assert not guest.page.locator("#clip-composition-load").is_visible()
    show(guest, "Ask")
    wait_for(lambda: "apple" in guest.page.input_value("#clip-labels textarea"), "labels for apples")
    wait_for(lambda: all("apple" in bar for bar in bars(guest)), "an answer about apples")
    show(guest, "Models")
    guest.page.locator("#clip-load-name").get_by_label("Emoji and their names").check()
    guest.page.click("#clip-load-go")
    wait_for(lambda: "Trained earlier" in guest.page.inner_text("#clip-load-note"), "the other model")
    show(guest, "Ask")
    wait_for(lambda: "a rocket" in guest.page.input_value("#clip-labels textarea"), "labels for emoji")
    assert guest.errors == []


@pytest.mark.slow
def test_captions_of_ones_own_are_read_or_refused_in_a_sentence(guest):
    guest.page.get_by_role("button", name="Your own pictures").click()
    chooser = guest.page.locator("#clip-zip input[type=file]")
    chooser.set_input_files(archive("picture,words\np0.png,red"))
    note = "#clip-zip-note"
    wait_for(lambda: "needs the columns file and caption" in guest.page.inner_text(note), "the wrong columns")
    rows = "".join(f"p{i}.png,{ATTACK} {i}\n" for i in range(6))
    guest.page.locator("#clip-zip input[type=file]").set_input_files(archive("file,caption\n" + rows))
    wait_for(lambda: "6 pictures are here" in guest.page.inner_text(note), "the pictures")
    guest.page.locator("#clip-steps input").fill("20")
    guest.page.locator("#clip-steps input").blur()
    guest.page.click("#clip-train")
    guest.page.wait_for_selector("#clip-status .status[data-phase=done]")
    assert ATTACK[:20] in str(guest.page.get_attribute("#clip-matrix .clip-rows img", "title"))
    assert guest.page.evaluate("window.hacked") is None
    assert guest.errors == []


def test_a_preset_sets_the_controls_and_says_what_to_expect(guest):
    show(guest, "Try this")
    guest.page.click("#clip-try-small-batch")
    wait_for(lambda: guest.page.input_value("#clip-batch input[type=number]") == "16", "the batch of the preset")
    assert "Look at" in guest.page.inner_text("#clip-try-expect")
    assert guest.errors == []
