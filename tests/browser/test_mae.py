"""The MAE tab in a real Chromium: hide patches, train, scrub the film, own pictures, a reload, a second browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import PATIENCE_SECONDS, Visitor, wait_for
from tests.browser.test_simclr import zip_of_folders

pytestmark = pytest.mark.browser
TECHNIQUE = "mae"

ATTACK = "<img src=x onerror=window.hacked=1>"


def enter(guest: Visitor) -> Visitor:
    guest.page.get_by_role("tab", name="MAE", exact=True).click()
    guest.page.wait_for_selector("#mae-bench .mb-root[data-drawn]")
    return guest


@pytest.fixture
def guest(visitor) -> Visitor:
    """A visitor who has opened the tab."""
    return enter(visitor)


def show(guest: Visitor, name: str) -> None:
    guest.page.locator("#mae-views-tabs").get_by_role("tab", name=name, exact=True).first.click()


def ask(guest: Visitor, expression: str, part: str = "bench") -> Any:
    """What a component knows of itself: `v` is its view."""
    script = f"(() => {{ const v = document.querySelector('#mae-{part} .mb-root').view; return {expression}; }})()"
    return guest.page.evaluate(script)


def number(guest: Visitor, name: str, value: float) -> None:
    box = guest.page.locator(f"#mae-{name} input[type=number]")
    box.fill(str(value))
    box.blur()


def choose(guest: Visitor, name: str, option: str) -> None:
    guest.page.click(f"#mae-{name} input")
    guest.page.get_by_role("option", name=option, exact=True).click()


def hidden(guest: Visitor) -> list[int]:
    return [index for index, one in enumerate(ask(guest, "v.hidden")) if one]


def answered(guest: Visitor, count: int) -> None:
    wait_for(lambda: len(hidden(guest)) == count and not ask(guest, "v.ahead"), f"{count} hidden patches")


def open_advanced(guest: Visitor) -> None:
    guest.page.get_by_role("button", name="Advanced").locator("visible=true").click()


def click_patch(guest: Visitor, patch: int, side: int = 8) -> None:
    box = guest.page.locator("#mae-bench [data-panel=masked] canvas").bounding_box()
    assert box
    row, column = divmod(patch, side)
    guest.page.mouse.click(
        box["x"] + box["width"] * (column + 0.5) / side, box["y"] + box["height"] * (row + 0.5) / side
    )


def wait_for_phase(guest: Visitor, *phases: str, seconds: float = PATIENCE_SECONDS) -> None:
    chosen = ", ".join(f"#mae-status .status[data-phase={phase}]" for phase in phases)
    guest.page.wait_for_selector(chosen, timeout=1000 * seconds)


def test_hiding_patches_by_ratio_kind_and_click(guest):
    assert len(hidden(guest)) == 48
    number(guest, "bench-ratio", 0.5)
    answered(guest, 32)
    scattered = hidden(guest)
    choose(guest, "bench-kind", "even grid")
    wait_for(lambda: hidden(guest) != scattered, "the grid")
    answered(guest, 32)
    before = hidden(guest)
    patch = 27
    click_patch(guest, patch)
    answered(guest, 31 if patch in before else 33)
    assert set(hidden(guest)) ^ set(before) == {patch}
    guest.page.get_by_role("button", name="Hide all").click()
    answered(guest, 64)
    assert "The encoder saw nothing" in guest.page.inner_text("#mae-bench [data-panel=painted]")
    guest.page.click("#mae-again")
    answered(guest, 32)
    name = guest.page.inner_text("#mae-bench [data-panel=original] .mb-caption")
    guest.page.click("#mae-another")
    caption = "#mae-bench [data-panel=original] .mb-caption"
    wait_for(lambda: guest.page.inner_text(caption) != name, "another picture")
    assert guest.page.locator("#mae-strip .mb-ratio").count() == 4
    assert guest.errors == []


def test_a_wrong_ratio_and_a_wrong_file_are_sentences(guest, tmp_path: Path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    with guest.page.expect_file_chooser() as chooser:
        guest.page.click("#mae-own")
    chooser.value.set_files(broken)
    alert = guest.page.locator("#mae-bench-note [role=alert]")
    alert.wait_for()
    assert len(hidden(guest)) == 48
    open_advanced(guest)
    number(guest, "learning-rate", 99)
    guest.page.click("#mae-train")
    guest.page.wait_for_selector("#mae-status [role=alert]")
    assert "Learning rate (learning_rate) is 99" in guest.page.inner_text("#mae-status")
    assert guest.errors == []


@pytest.mark.slow
def test_apples_grow_while_it_trains_and_a_reload_finds_them(guest, new_visitor):
    open_advanced(guest)
    number(guest, "batch", 8)
    number(guest, "steps", 300)
    guest.page.click("#mae-train")
    guest.page.wait_for_selector("#mae-film .mb-root[data-ready='1']")
    wait_for(lambda: ask(guest, "v.steps.length", "film") > 4, "frames")
    other = enter(new_visitor())
    show(other, "Your run")
    assert ask(other, "v.run", "film") is None
    guest.page.click("#mae-pause")
    wait_for_phase(guest, "paused", "done")
    steps = ask(guest, "v.steps", "film")
    assert steps[0] == 0
    assert steps == sorted(set(steps))
    guest.page.locator("#mae-film .mb-slider").focus()
    guest.page.keyboard.press("Home")
    assert ask(guest, "v.root.dataset.step", "film") == "0"
    assert "guessing the visible mean" in guest.page.inner_text("#mae-curve")
    assert guest.page.locator("#mae-knowledge tbody tr").count() == 7
    show(guest, "Reconstruct")
    wait_for(lambda: "Your own run paints" in guest.page.inner_text("#mae-bench-note"), "the line")
    run = ask(guest, "v.run", "film")
    assert guest.errors == []
    guest.page.reload()
    guest.errors.clear()  # what the old page said of requests that the reload cut off
    guest.page.wait_for_selector("#mae-status .status[data-phase=paused], #mae-status .status[data-phase=done]")
    show(guest, "Your run")
    wait_for(lambda: ask(guest, "v.run", "film") == run, "the film of before")
    wait_for(lambda: ask(guest, "v.steps", "film") == steps, "all of its frames")
    assert "Trained earlier by this project" in other.page.inner_text("#mae-bench-note")
    assert guest.errors == []
    assert other.errors == []


def test_only_patches_that_fit_are_on_offer(guest):
    open_advanced(guest)
    choose(guest, "image-size", "48")

    def offered() -> bool:
        guest.page.click("#mae-patch input")
        found = guest.page.get_by_role("option", name="12", exact=True).count() == 1
        guest.page.keyboard.press("Escape")
        guest.page.locator("#mae-patch input").blur()
        return found

    wait_for(offered, "patches of 12")
    choose(guest, "patch", "12")
    choose(guest, "image-size", "64")
    wait_for(lambda: guest.page.input_value("#mae-patch input") in ("8", "16"), "a patch that fits")


@pytest.mark.slow
def test_ones_own_pictures_are_led_to_trained_on_and_picked_from(guest, tmp_path: Path):
    choose(guest, "data", "Your own (.zip)")
    guest.page.wait_for_selector("#mae-pic-own input[type=file]", state="attached")
    archive = zip_of_folders(tmp_path / "mine.zip", [f"red {ATTACK[:1]}b", "blue"])
    guest.page.set_input_files("#mae-pic-own input[type=file]", archive)
    wait_for(lambda: "24 pictures" in guest.page.inner_text("#mae-pic-own-note"), "the pictures")
    number(guest, "steps", 20)
    guest.page.click("#mae-train")
    wait_for_phase(guest, "done")
    assert ask(guest, "v.pictures", "film") >= 1
    show(guest, "Inside")
    wait_for(lambda: guest.page.locator("#mae-heads .hv-cell, #mae-heads canvas").count() > 0, "the heads")
    assert guest.page.evaluate("() => window.hacked ?? null") is None
    assert guest.errors == []
