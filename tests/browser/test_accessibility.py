"""axe-core finds nothing serious, and the tab can be used with the keyboard alone."""

from __future__ import annotations

import time

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Server, Visitor, wait_for

pytestmark = pytest.mark.browser


def serious(visitor: Visitor) -> list[str]:
    found = Axe().run(visitor.page).response["violations"]
    return [
        f"{violation['id']}: {violation['nodes'][0]['html'][:200]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_in_any_part(visitor: Visitor, server: Server, theme):
    visitor.open(f"{server.address}?__theme={theme}")
    visitor.page.wait_for_selector("#w2v-analogies table")
    visitor.page.click("#w2v-map .ex-bar >> text=More")
    visitor.page.get_by_role("button", name="Advanced").click()
    names = [tab.inner_text() for tab in visitor.page.query_selector_all(".questions button[role=tab]")]
    assert len(names) >= 6
    for name in names:
        visitor.page.get_by_role("tab", name=name, exact=True).first.click()
        time.sleep(0.5)
        assert serious(visitor) == [], name


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_in_any_part_of_simclr(visitor: Visitor, server: Server, theme):
    visitor.open(f"{server.address}?__theme={theme}")
    visitor.page.get_by_role("tab", name="SimCLR", exact=True).click()
    visitor.page.wait_for_selector("#simclr-exp-sees-with img", timeout=90_000)
    tabs = visitor.page.locator("#simclr-views-tabs button[role=tab]")
    names = [name for name in tabs.all_inner_texts() if name]
    assert len(names) >= 9
    for name in names:
        visitor.page.locator("#simclr-views-tabs").get_by_role("tab", name=name, exact=True).first.click()
        time.sleep(0.7)
        assert serious(visitor) == [], name


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_in_any_part_of_mae(visitor: Visitor, server: Server, theme):
    visitor.open(f"{server.address}?__theme={theme}")
    visitor.page.get_by_role("tab", name="MAE", exact=True).click()
    visitor.page.wait_for_selector("#mae-bench .mb-root[data-drawn]", timeout=90_000)
    tabs = visitor.page.locator("#mae-views-tabs button[role=tab]")
    names = [name for name in tabs.all_inner_texts() if name]
    assert len(names) >= 9
    for name in names:
        visitor.page.locator("#mae-views-tabs").get_by_role("tab", name=name, exact=True).first.click()
        time.sleep(0.7)
        assert serious(visitor) == [], name


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_in_any_part_of_clip(visitor: Visitor, server: Server, theme):
    visitor.open(f"{server.address}?__theme={theme}")
    visitor.page.get_by_role("tab", name="CLIP", exact=True).click()
    visitor.page.wait_for_selector("#clip-bars tbody tr", timeout=90_000)
    tabs = visitor.page.locator("#clip-views-tabs button[role=tab]")
    names = [name for name in tabs.all_inner_texts() if name]
    assert len(names) >= 5
    for name in names:
        visitor.page.locator("#clip-views-tabs").get_by_role("tab", name=name, exact=True).first.click()
        time.sleep(2)
        assert serious(visitor) == [], name


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_in_any_part_of_language(visitor: Visitor, server: Server, theme):
    visitor.open(f"{server.address}?__theme={theme}")
    visitor.page.get_by_role("tab", name="Language", exact=True).click()
    visitor.page.wait_for_selector("#language-ways .way", timeout=90_000)
    tabs = visitor.page.locator("#language-views-tabs button[role=tab]")
    names = [name for name in tabs.all_inner_texts() if name]
    assert len(names) >= 6
    for name in names:
        visitor.page.locator("#language-views-tabs").get_by_role("tab", name=name, exact=True).first.click()
        time.sleep(2)
        assert serious(visitor) == [], name


def focused(visitor: Visitor) -> str:
    script = (
        "() => { const e = document.activeElement; return e.closest('[id^=w2v-]')?.id + ' ' + (e.className || '') }"
    )
    return str(visitor.page.evaluate(script))


def tab_to(visitor: Visitor, wanted: str, most: int = 80) -> None:
    for _ in range(most):
        if wanted in focused(visitor):
            return
        visitor.page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} can't be reached with the Tab key")


def test_train_pause_find_and_ask_with_the_keyboard_alone(visitor: Visitor):
    visitor.page.keyboard.press("Tab")
    tab_to(visitor, "w2v-train")
    visitor.page.keyboard.press("Enter")
    visitor.wait_for_phase("training")
    tab_to(visitor, "w2v-pause")
    visitor.page.keyboard.press("Space")
    visitor.wait_for_phase("paused", "done", seconds=5)
    tab_to(visitor, "ex-search")
    visitor.page.keyboard.type("france")
    visitor.page.keyboard.press("Enter")
    wait_for(lambda: visitor.page.input_value("#w2v-neighbour-word input") == "france", "the found word")
    tab_to(visitor, "ex-canvas")
    camera = "() => document.querySelector('#w2v-map .explorer-root').explorer.camera.scale"
    before = visitor.page.evaluate(camera)
    visitor.page.keyboard.press("+")
    wait_for(lambda: visitor.page.evaluate(camera) > before, "the map to be zoomed")
    tab_to(visitor, "w2v-solve")
    visitor.page.keyboard.press("Enter")
    wait_for(lambda: "is nearest to" in visitor.page.inner_text("#w2v-answer"), "an answer")
