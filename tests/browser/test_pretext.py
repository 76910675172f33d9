"""The Pretext tab in a real Chromium: make puzzles, play, train, reload, own pictures, a second browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.conftest import PATIENCE_SECONDS, Visitor, wait_for
from tests.browser.test_simclr import zip_of_folders

pytestmark = pytest.mark.browser
TECHNIQUE = "pretext"

ATTACK = "<img src=x onerror=window.hacked=1>"


def enter(guest: Visitor) -> Visitor:
    guest.page.get_by_role("tab", name="Pretext", exact=True).click()
    guest.page.wait_for_selector("#pretext-bench .pt-row")
    return guest


@pytest.fixture
def guest(visitor) -> Visitor:
    """A visitor who has opened the tab."""
    return enter(visitor)


def show(guest: Visitor, name: str) -> None:
    guest.page.locator("#pretext-views-tabs").get_by_role("tab", name=name, exact=True).first.click()


def number(guest: Visitor, name: str, value: float) -> None:
    box = guest.page.locator(f"#pretext-{name} input[type=number]")
    box.fill(str(value))
    box.blur()


def choose(guest: Visitor, name: str, option: str) -> None:
    guest.page.click(f"#pretext-{name} input")
    guest.page.get_by_role("option", name=option).first.click()


def bench(guest: Visitor) -> str:
    return guest.page.inner_text("#pretext-bench")


def pick(guest: Visitor, what: str) -> None:
    guest.page.click(f"#pretext-bench [data-pick='{what}']")


def wait_for_phase(guest: Visitor, *phases: str, seconds: float = PATIENCE_SECONDS) -> None:
    chosen = ", ".join(f"#pretext-status .status[data-phase={phase}]" for phase in phases)
    guest.page.wait_for_selector(chosen, timeout=1000 * seconds)


def light(guest: Visitor, steps: int) -> None:
    guest.page.get_by_role("button", name="Advanced").locator("visible=true").click()
    number(guest, "batch", 8)
    number(guest, "steps", steps)


def score(guest: Visitor) -> list[int]:
    """Of you and of the net: right, of how many."""
    text = guest.page.inner_text("#pretext-game-score .pt-game-score")
    return [int(one) for one in re.findall(r"\d+", text)]


def test_a_puzzle_of_each_kind_is_made_and_answered(guest):
    wait_for(lambda: "4 of 4" in bench(guest), "the shipped net's answers")
    assert guest.page.locator("#pretext-light-from-above").is_visible()
    choose(guest, "task", "Inpainting")
    guest.page.wait_for_selector("#pretext-bench .pt-cells")
    assert not guest.page.locator("#pretext-light-from-above").is_visible()
    assert guest.page.locator("#pretext-hole-share").is_visible()
    pick(guest, "clear")
    wait_for(lambda: "There is no hole yet" in bench(guest), "what to do")
    for cell in (18, 19, 26):
        pick(guest, f"cell:{cell}")
    wait_for(lambda: f"{3 / 64:.0%} cut out" in bench(guest), "a hole of three cells")
    assert "the net paints" in bench(guest)
    choose(guest, "task", "Jigsaw")
    guest.page.wait_for_selector("#pretext-bench .pt-tiles")
    before = guest.page.get_attribute("#pretext-bench img", "src")
    pick(guest, "tile:0")
    wait_for(lambda: "another tile" in bench(guest), "a tile in hand")
    pick(guest, "tile:4")
    wait_for(lambda: guest.page.get_attribute("#pretext-bench img", "src") != before, "swapped tiles")
    assert guest.errors == []


@pytest.mark.slow
def test_cells_are_cut_with_the_keyboard(guest):
    choose(guest, "task", "Inpainting")
    pick(guest, "clear")
    wait_for(lambda: "There is no hole yet" in bench(guest), "an empty hole")
    guest.page.locator("#pretext-bench [data-pick='cell:9']").focus()
    guest.page.keyboard.press("Enter")
    pressed = "#pretext-bench [data-pick='cell:9'][aria-pressed=true]"
    guest.page.wait_for_selector(pressed)
    wait_for(lambda: guest.page.evaluate("document.activeElement?.dataset.pick") == "cell:9", "the focus where it was")


def test_a_cell_that_is_made_anew_while_it_is_held_down_still_counts(guest):
    choose(guest, "task", "Inpainting")
    pick(guest, "clear")
    wait_for(lambda: "There is no hole yet" in bench(guest), "an empty hole")
    guest.page.locator("#pretext-bench [data-pick='cell:9']").hover()
    guest.page.mouse.down()
    guest.page.evaluate("document.querySelector('#pretext-bench [data-pick=\"cell:30\"]').click()")
    guest.page.wait_for_selector("#pretext-bench [data-pick='cell:30'][aria-pressed=true]")
    guest.page.locator("#pretext-bench [data-pick='cell:9']").hover()  # the panel may have moved
    guest.page.mouse.up()
    guest.page.wait_for_selector("#pretext-bench [data-pick='cell:9'][aria-pressed=true]")


@pytest.mark.slow
def test_ten_rounds_against_a_net_that_learns_meanwhile(guest):
    light(guest, 4000)
    show(guest, "Play")
    guest.page.wait_for_selector("#pretext-game-board [data-pick]")
    guest.page.click("#pretext-train")
    wait_for(lambda: "Your own net" in guest.page.inner_text("#pretext-game-score"), "the net that learns")
    assert guest.page.locator("#pretext-game-board").is_visible(), "who plays goes on playing"
    steps = []
    for done in range(1, 11):
        option = guest.page.locator("#pretext-game-board .pt-game-option").first
        option.click()
        wait_for(lambda done=done: score(guest)[1] == done, f"round {done}")
        after = guest.page.inner_text("#pretext-game-board")
        steps.append(int(re.search(r"after ([\d,]+) steps", after)[1].replace(",", "")))
        if done < 10:
            guest.page.click("#pretext-game-board [data-pick=next]")
            wait_for(
                lambda done=done: f"{done + 1} of 10" in guest.page.inner_text("#pretext-game-board"), "the next round"
            )
    assert score(guest)[1::2] == [10, 10]
    assert re.search(r"You got \d+ of 10", guest.page.inner_text("#pretext-game-score")), "the end in a sentence"
    assert steps[-1] > steps[0], "it was asked as it was at each answer"
    guest.page.click("#pretext-pause")
    wait_for_phase(guest, "paused", "done")
    assert guest.errors == []


def test_a_run_is_seen_and_a_reload_finds_it(guest, new_visitor):
    light(guest, 6000)
    guest.page.click("#pretext-train")
    guest.page.wait_for_selector("#pretext-shown .confusion td")
    other = enter(new_visitor())
    show(other, "Your run")
    assert other.page.locator("#pretext-shown .confusion").count() == 0
    guest.page.click("#pretext-pause")
    wait_for_phase(guest, "paused", "done")
    assert guest.page.locator("#pretext-knowledge tbody tr").count() == 7
    assert "guessing" in guest.page.inner_text("#pretext-curve")
    show(guest, "Puzzle")
    wait_for(lambda: "Your own net answers" in guest.page.inner_text("#pretext-bench-note"), "the line")
    show(guest, "Your run")
    shown = guest.page.inner_text("#pretext-shown caption")
    assert guest.errors == []
    guest.page.reload()
    guest.errors.clear()  # what the old page said of requests that the reload cut off
    guest.page.wait_for_selector("#pretext-status .status[data-phase=paused], #pretext-status .status[data-phase=done]")
    show(guest, "Your run")
    wait_for(lambda: guest.page.inner_text("#pretext-shown caption") == shown, "the answers of before")
    assert "Trained earlier by this project" in other.page.inner_text("#pretext-bench-note")
    assert guest.errors == []
    assert other.errors == []


def test_a_gap_that_is_too_wide_is_a_sentence(guest):
    choose(guest, "task", "Jigsaw")
    guest.page.wait_for_selector("#pretext-bench .pt-tiles")
    number(guest, "gap", 9)
    guest.page.click("#pretext-train")
    guest.page.wait_for_selector("#pretext-status [role=alert]")
    assert "gaps of at most 6" in guest.page.inner_text("#pretext-status")
    assert guest.errors == []


@pytest.mark.slow
def test_what_cannot_be_solved_and_what_each_teaches(guest):
    show(guest, "Unsolvable")
    guest.page.wait_for_selector("#pretext-unsolvable-pictures img")
    show(guest, "Compare")
    wait_for(lambda: "SimCLR" in guest.page.inner_text("#pretext-compare-findings"), "the table")
    assert guest.errors == []


def test_a_preset_sets_the_controls(guest):
    show(guest, "Try this")
    guest.page.click("#pretext-try-printed-label")
    wait_for(lambda: guest.page.input_value("#pretext-printed-label input") == "on", "the control")
    assert "Look at:" in guest.page.inner_text("#pretext-try-expect")


@pytest.mark.slow
def test_ones_own_pictures_are_trained_on_and_names_are_text(guest, tmp_path: Path):
    choose(guest, "data", "Your own")
    guest.page.wait_for_selector("#pretext-pic-own input[type=file]", state="attached")
    archive = zip_of_folders(tmp_path / "mine.zip", [f"red {ATTACK[:1]}b", "blue"])
    guest.page.set_input_files("#pretext-pic-own input[type=file]", archive)
    wait_for(lambda: "24 pictures" in guest.page.inner_text("#pretext-pic-own-note"), "the pictures")
    number(guest, "steps", 20)
    guest.page.click("#pretext-train")
    wait_for_phase(guest, "done")
    show(guest, "Puzzle")
    wait_for(lambda: "Your own net answers" in guest.page.inner_text("#pretext-bench-note"), "the own net")
    show(guest, "Play")

    def answered() -> bool:
        """A click on a board that makes room for another game at that moment is none."""
        if guest.page.locator("#pretext-game-board .pt-game-option").count():
            guest.page.locator("#pretext-game-board .pt-game-option").first.click()
        guest.page.wait_for_timeout(1000)
        return score(guest)[1] == 1

    wait_for(answered, "the first answer")
    assert guest.page.evaluate("() => window.hacked ?? null") is None
    assert guest.errors == []
