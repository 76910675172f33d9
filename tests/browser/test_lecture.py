"""Lecture mode in a real Chromium: walk by keyboard, open a step by its link, recorded against live, speaker notes."""

from __future__ import annotations

import time

import pytest

from backends.recordings.files import load
from playground.lecture import shipped
from playground.tabs import start
from tests.browser.conftest import Server, Visitor, wait_for
from tests.browser.test_accessibility import serious

pytestmark = pytest.mark.browser
TECHNIQUE = "pretext"
STEPS = [step for step in shipped().steps if step.tab == TECHNIQUE]
STATUS = "#pretext-status .status"


def bar(guest: Visitor) -> str:
    return guest.page.inner_text(".lb-bar")


def step_of(guest: Visitor) -> str:
    return str(guest.page.get_attribute(".lb-bar", "data-step"))


def ready(guest: Visitor, step: str) -> None:
    guest.page.wait_for_selector(f".lb-bar[data-step='{step}'][data-ready]")


def shown_view(guest: Visitor) -> str:
    return guest.page.inner_text("#pretext-views-tabs button[role=tab][aria-selected=true]")


def focused(guest: Visitor) -> str:
    return str(guest.page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''"))


@pytest.fixture
def guest(visitor: Visitor) -> Visitor:
    visitor.page.wait_for_selector("#pretext-bench .pt-row")
    return visitor


def test_the_tour_is_walked_by_keyboard_alone(guest):
    page = guest.page
    assert not page.locator(".lb-bar").is_visible()
    assert page.locator(".page-header span").first.is_visible()
    page.keyboard.press("l")
    for number, step in enumerate(STEPS, 1):
        ready(guest, step.id)
        assert f"{number} / {len(STEPS)}" in bar(guest)
        assert all(text in bar(guest) for text in (step.title, step.say, step.click, step.see))
        assert shown_view(guest) == step.view[0]
        outline = "(e) => getComputedStyle(e).outlineStyle"
        assert page.locator(step.target).first.evaluate(outline) == "solid", step.id
        assert f"step={step.id}" in page.url
        page.keyboard.press("ArrowRight")
    assert step_of(guest) == STEPS[-1].id, "the last step is the end"
    assert not page.locator(".page-header span").first.is_visible()
    page.keyboard.press("ArrowLeft")
    ready(guest, STEPS[-2].id)
    page.locator(".lb-go").focus()
    page.keyboard.press("Enter")
    wait_for(
        lambda: page.evaluate("document.activeElement.closest('#pretext-unsolvable-again') !== null"), "the target"
    )
    page.keyboard.press("Escape")
    assert not page.locator(".lb-bar").is_visible()
    assert "step=" not in page.url
    assert page.evaluate("document.activeElement.hasAttribute('data-lecture')"), "the focus is where it began"
    page.keyboard.press("l")
    assert step_of(guest) == STEPS[-2].id, "where it was left"
    assert focused(guest) == "Next step"
    assert guest.errors == []


TYPE = {
    "a tab's name": ".techniques button[role=tab]",
    "a setting": ".setting [data-testid=block-info]",
    "a setting's value": ".setting input",
    "a button": ".run-buttons button",
    "how far it is": ".status",
    "a sentence": ".answer, .note",
    "a chart's axis": ".xtick text",
}


def type_sizes(guest: Visitor) -> dict[str, float]:
    size = """(selector) => {
      const shown = [...document.querySelectorAll(selector)].find((each) => each.getClientRects().length);
      return shown ? parseFloat(getComputedStyle(shown).fontSize) : 0;
    }"""
    return {name: guest.page.evaluate(size, selector) for name, selector in TYPE.items()}


@pytest.mark.slow
def test_all_type_is_larger(guest):
    guest.page.get_by_role("tab", name="Your run").click()
    guest.page.wait_for_selector("#pretext-views-tabs .xtick text")
    before = type_sizes(guest)
    assert all(before.values()), before
    guest.page.goto(f"{guest.page.url.partition('?')[0]}?step=hole")
    ready(guest, "hole")
    guest.page.wait_for_selector("#pretext-views-tabs .xtick text")
    after = type_sizes(guest)
    assert {name for name in TYPE if after[name] < 1.08 * before[name]} == set(), (before, after)


def test_letters_typed_in_a_field_are_letters(guest):
    number = guest.page.locator("#pretext-steps input")
    number.focus()
    guest.page.keyboard.press("l")
    assert not guest.page.locator(".lb-bar").is_visible()


@pytest.mark.parametrize(
    "opened",
    [
        """const root = document.body.appendChild(document.createElement("div"));
        root.innerHTML = '<details class="figure-save" open><summary>Save</summary></details>';
        FigureSave.wire(root, () => null);
        root.querySelector("summary").focus();""",
        """const root = document.body.appendChild(document.createElement("div"));
        const webcam = new Webcam(root, {});
        webcam.panel.hidden = false;
        webcam.take.focus();""",
        """const root = document.body.appendChild(document.createElement("div"));
        const { menu, menuButton } = new EmbeddingExplorer(root, {});
        menuButton.click();
        menu.querySelector("button").focus();""",
    ],
    ids=["save menu", "webcam", "map's menu"],
)
def test_escape_closes_what_is_open_before_it_ends_the_lecture(guest, opened):
    page = guest.page
    page.keyboard.press("l")
    ready(guest, STEPS[0].id)
    page.evaluate(f"() => {{ {opened} }}")
    page.keyboard.press("Escape")
    assert page.locator(".lb-bar").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator(".lb-bar").is_visible()


def test_a_link_opens_a_step_a_reload_stays_and_nonsense_is_a_sentence(guest, server: Server):
    page = guest.page
    page.goto(f"{server.address}?step=hole")
    ready(guest, "hole")
    wait_for(lambda: page.input_value("#pretext-task input").startswith("Inpainting"), "the step's setting")
    assert shown_view(guest) == "Your run"
    page.locator("#pretext-steps input").fill("77")
    page.locator("#pretext-steps input").blur()
    page.click(".lb-next")
    ready(guest, "unsolvable")
    page.reload()
    guest.errors.clear()  # what the old page said of requests that the reload cut off
    ready(guest, "unsolvable")
    assert shown_view(guest) == "Unsolvable"
    page.goto(f"{server.address}?step=99%3Cimg%20src=x%20onerror=window.hacked=1%3E")
    guest.errors.clear()
    page.wait_for_selector("#notice [role=alert]")
    assert f"the lecture has the steps 1 to {len(STEPS)}" in page.inner_text("#notice")
    assert page.evaluate("() => window.hacked ?? null") is None
    assert guest.errors == []


IN_SIGHT = """() => {
  const boxOf = (one) => document.querySelector(one).getBoundingClientRect();
  const target = boxOf("#pretext-another"), bar = boxOf(".lb-bar");
  return target.top >= 0 && target.bottom <= bar.top;
}"""


def test_what_to_click_stays_in_sight_when_the_bar_grows_until_the_visitor_scrolls(guest, server):
    page = guest.page
    page.goto(f"{server.address}?step=puzzle")
    ready(guest, "puzzle")
    page.evaluate("() => { document.querySelector('.lb-bar').style.minHeight = '340px'; }")
    wait_for(lambda: page.evaluate(IN_SIGHT), "the button above the bar")
    page.mouse.move(900, 200)
    page.mouse.wheel(0, -2000)
    wait_for(lambda: page.evaluate("() => scrollY === 0"), "the top")
    page.wait_for_timeout(500)
    assert not page.evaluate(IN_SIGHT), "where the visitor went counts"


@pytest.mark.slow
def test_a_recorded_run_plays_at_once_and_steps_aside_for_the_live_one_which_no_step_destroys(guest):
    page = guest.page
    page.keyboard.press("l")
    ready(guest, "puzzle")
    page.keyboard.press("ArrowRight")
    begun = time.monotonic()
    page.wait_for_selector(".lr-panel .lr-line[points*=',']", state="attached")
    print(f"recorded run after {time.monotonic() - begun:.2f} s")
    assert "RECORDED" in page.inner_text(".lr-badge").upper()
    ready(guest, "play")
    card = load("rotation").card
    assert page.inner_text(".lr-card").startswith(f"{card.machine}, seed {card.seed}")
    page.locator("#pretext-steps input").fill("60")
    page.locator("#pretext-steps input").blur()
    page.click("#pretext-train")
    page.wait_for_selector(".lb-recorded.aside")
    assert not page.locator(".lr-chart").is_visible()
    page.wait_for_selector(f"{STATUS}[data-phase=done]")
    page.click("text=Show the recorded run")
    assert page.locator(".lr-chart").is_visible()
    page.keyboard.press("ArrowRight")
    ready(guest, "hole")
    wait_for(lambda: page.input_value("#pretext-task input").startswith("Inpainting"), "the step's setting")
    assert page.get_attribute(STATUS, "data-phase") == "done", "the run that was trained is there still"
    assert guest.errors == []


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_lecture_mode_has_nothing_serious_and_its_notes_can_be_printed(guest, server: Server, theme):
    page = guest.page
    page.goto(f"{server.address}?__theme={theme}&step=play")
    ready(guest, "play")
    page.wait_for_selector(".lr-chart")
    assert serious(guest) == []
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Speaker notes, to print").click()
    notes = opened.value
    notes.wait_for_selector("section")
    assert notes.locator("section").count() == len(STEPS)
    assert notes.locator("a").first.evaluate("(a) => a.href") == f"{server.address}?step={STEPS[0].id}"
    notes.close()


@pytest.mark.slow
def test_every_step_of_the_whole_page_finds_its_tab_its_view_and_its_target(server_of, lend_page):
    server = server_of(None)
    lent = lend_page()
    guest = Visitor(lent.page.context, lent.page, lent.errors, lent.requests).open(server.address, start.TAB)
    page = guest.page
    page.keyboard.press("l")
    steps = page.evaluate("document.querySelector('.lb-root').view.steps")
    assert len(steps) >= 20
    waited = []
    for step in steps:
        begun = time.monotonic()
        ready(guest, step["id"])
        waited.append((round(time.monotonic() - begun, 2), step["id"]))
        shown = page.evaluate("document.querySelector('.techniques > .tab-wrapper [aria-selected=true]').dataset.tabId")
        assert shown == step["tab"]
        if step["target"]:
            target = "(selector) => document.querySelector('.lb-root').view.target(selector) !== null"
            assert page.evaluate(target, step["target"]), step["id"]
        for view in step["view"]:
            assert page.get_by_role("tab", name=view, exact=True, selected=True).locator("visible=true").count(), view
        page.keyboard.press("ArrowRight")
    print(sorted(waited, reverse=True)[:5])
    assert guest.errors == []
