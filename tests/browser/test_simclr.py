"""The SimCLR tab in a real Chromium: vote and experiment, a run of one's own, own pictures, the bench."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.backends.simclr.conftest import PALETTE
from tests.browser.conftest import PATIENCE_SECONDS, Visitor, wait_for

pytestmark = pytest.mark.browser
TECHNIQUE = "simclr"

ATTACK = "<img src=x onerror=window.hacked=1>"


@pytest.fixture
def guest(visitor) -> Visitor:
    """A visitor who has opened the tab."""
    visitor.page.get_by_role("tab", name="SimCLR", exact=True).click()
    visitor.page.wait_for_selector("#simclr-exp-sees-with img")
    return visitor


def show(guest: Visitor, name: str) -> None:
    guest.page.locator("#simclr-views-tabs").get_by_role("tab", name=name, exact=True).first.click()


def number(guest: Visitor, name: str, value: float) -> None:
    box = guest.page.locator(f"#simclr-{name} input[type=number]")
    box.fill(str(value))
    box.blur()


def ask(guest: Visitor, script: str, target: str = "simclr-map") -> Any:
    return guest.page.evaluate(f"((e) => {script})(document.querySelector('#{target} .explorer-root')?.explorer)")


def wait_for_phase(guest: Visitor, panel: str, phase: str, seconds: float = PATIENCE_SECONDS) -> None:
    guest.page.wait_for_selector(f"#{panel}-status .status[data-phase={phase}]", timeout=1000 * seconds)


def zip_of_folders(path: Path, names: list[str], each: int = 12) -> Path:
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for colour, name in zip(PALETTE, names, strict=False):
            for i in range(each):
                pixels = np.clip(colour + random.integers(-20, 20, (48, 48, 3)), 0, 255).astype(np.uint8)
                stream = io.BytesIO()
                Image.fromarray(pixels).save(stream, "PNG")
                archive.writestr(f"{name}/{i}.png", stream.getvalue())
    return path


@pytest.mark.slow
def test_a_room_votes_and_the_experiment_answers_with_its_numbers(guest):
    for choice in ("yes", "no", "no"):
        guest.page.click(f"#simclr-vote-{choice}")
    wait_for(lambda: "· 2" in guest.page.inner_text("#simclr-vote-no"), "the votes to be counted")
    guest.page.get_by_role("button", name="Advanced").locator("visible=true").click()
    number(guest, "batch", 32)
    number(guest, "steps", 20)
    guest.page.click("#simclr-exp-train")
    wait_for_phase(guest, "simclr-exp", "done")
    wait_for(lambda: "of 3 hands" in guest.page.inner_text("#simclr-verdict"), "the verdict")
    assert "With jitter, neighbours tell the colour in" in guest.page.inner_text("#simclr-verdict")
    rows = guest.page.locator("#simclr-exp-table tbody tr")
    assert rows.count() == 7
    for side in ("without", "with"):
        target = f"simclr-exp-{side}"
        wait_for(lambda target=target: ask(guest, "e?.items?.names.length === 400 && !!e.sprite", target), "thumbnails")
    assert guest.errors == []


def test_training_opens_the_live_view_and_pauses_and_a_reload_finds_it_again(guest):
    number(guest, "steps", 400)
    guest.page.click("#simclr-train")
    guest.page.wait_for_selector("#simclr-loss .scatterlayer .trace")
    assert guest.page.is_visible("#simclr-map")
    guest.page.click("#simclr-pause")
    wait_for_phase(guest, "simclr", "paused")
    assert "What the features know" in guest.page.inner_text("#simclr-knowledge")
    trained = guest.page.inner_text("#simclr-status")
    guest.page.reload()
    guest.page.wait_for_selector("#simclr-status", state="visible")
    wait_for_phase(guest, "simclr", "paused")
    assert guest.page.inner_text("#simclr-status") == trained
    assert guest.page.input_value("#simclr-steps input") == "400"


def test_a_picture_on_the_map_is_asked_for_its_neighbours(guest):
    show(guest, "Your run")
    wait_for(lambda: ask(guest, "e?.items?.names.length === 400 && !!e.places && !e.tween"), "the map")
    before = guest.page.inner_html("#simclr-neighbours")

    def clicked() -> bool:
        """Click where the picture is now; the map may still be on its way to rest."""
        x, y = ask(guest, "((b) => [b.left + e.places.x[7], b.top + e.places.y[7]])(e.canvas.getBoundingClientRect())")
        guest.page.mouse.click(x, y)
        time.sleep(1)
        return guest.page.inner_html("#simclr-neighbours") != before

    wait_for(clicked, "its neighbours")
    assert guest.page.locator("#simclr-neighbours figure").count() == 8
    assert guest.errors == []


@pytest.mark.slow
def test_a_folder_of_ones_own_goes_through_the_tab(guest, tmp_path):
    archive = zip_of_folders(tmp_path / "mine.zip", ["red things", "green things", ATTACK.replace("/", ""), "yellow"])
    show(guest, "Pictures")
    guest.page.set_input_files("#simclr-pic-own input[type=file]", archive)
    wait_for(lambda: "48" in guest.page.inner_text("#simclr-pic-own-note"), "the note of what was read")
    number(guest, "steps", 20)
    guest.page.click("#simclr-train")
    wait_for_phase(guest, "simclr", "done")
    wait_for(lambda: ask(guest, "e?.items?.names.length > 4"), "the map of own pictures")
    assert "red things" in str(ask(guest, "JSON.stringify(e.items)"))
    assert "Folder" in guest.page.inner_text("#simclr-knowledge")
    show(guest, "Augment")
    assert guest.page.locator("#simclr-views img").count() >= 3
    assert guest.page.evaluate("window.hacked ?? null") is None


def test_an_archive_that_is_none_is_refused_in_a_sentence_and_nothing_is_lost(guest, tmp_path):
    path = tmp_path / "not.zip"
    path.write_bytes(b"PK\x03\x04 but no more")
    show(guest, "Pictures")
    guest.page.set_input_files("#simclr-pic-own input[type=file]", path)
    guest.page.wait_for_selector("#simclr-pic-own-note .problem")
    assert "Apples" in guest.page.input_value("#simclr-data input")


@pytest.mark.slow
def test_the_bench_draws_two_views_at_each_change(guest):
    show(guest, "Augment")
    first = guest.page.inner_html("#simclr-views")
    guest.page.click("#simclr-aug-none")
    wait_for(lambda: guest.page.inner_html("#simclr-views") != first, "other views")
    wait_for(lambda: "trivial" in guest.page.inner_text("#simclr-views"), "the sentence about what is off")
    assert not guest.page.is_checked("#simclr-on-crop input")
    wait_for(lambda: not guest.page.is_checked("#simclr-on-hue input"), "the switches to follow")
    guest.page.wait_for_timeout(1_500)  # what the preset has changed is answered by now
    guest.page.click("#simclr-on-hue input")
    wait_for(lambda: "which colour" in guest.page.inner_text("#simclr-views"), "hue to be on")
    assert guest.page.input_value("#simclr-hue input[type=number]") == "0.5"
    assert guest.errors == []


def test_a_picture_of_ones_own_is_placed_on_the_map_and_removed(guest, tmp_path):
    path = tmp_path / "mine.png"
    Image.fromarray(np.full((60, 80, 3), (200, 30, 30), np.uint8)).save(path)
    show(guest, "Your run")
    wait_for(lambda: ask(guest, "e?.items?.names.length === 400"), "the map")
    with guest.page.expect_file_chooser() as chooser:
        guest.page.click("#simclr-guest")
    chooser.value.set_files(path)
    wait_for(lambda: ask(guest, "e.frame.guests?.length === 1"), "the picture on the map")
    guest.page.click("#simclr-forget")
    wait_for(lambda: ask(guest, "!e.frame.guests?.length"), "it to go")


def test_a_link_opens_the_tab_with_its_settings(visitor):
    visitor.page.goto(f"{visitor.page.url.split('?')[0]}?tab=simclr&hue=0&steps=77&temperature=nan")
    visitor.page.wait_for_selector("#simclr-steps input", state="visible")
    wait_for(lambda: visitor.page.input_value("#simclr-steps input") == "77", "the link's settings")
    assert "Temperature" in visitor.page.inner_text("#notice")
