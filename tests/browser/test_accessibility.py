"""axe-core finds nothing serious in any part of any tab."""

from __future__ import annotations

import time

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Server, Visitor

pytestmark = pytest.mark.browser
TABS = {
    "start": ("Start", "#start-tiles .start-tile", 2, 2.0),
    "language": ("Language", "#language-ways .way", 6, 2.0),
    "pretext": ("Pretext", "#pretext-bench .pt-row", 9, 2.0),
    "simclr": ("SimCLR", "#simclr-exp-sees-with img", 9, 0.7),
    "mae": ("MAE", "#mae-bench .mb-root[data-drawn]", 9, 0.7),
    "clip": ("CLIP", "#clip-bars tbody tr", 5, 2.0),
    "transfer": ("Transfer", "#transfer-train", 6, 2.0),
}
"""By prefix of its elements: the tab's label, what is seen when it is there, its fewest parts, seconds for each."""


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
    visitor.open(f"{server.address}?__theme={theme}&tab=word2vec")
    visitor.page.wait_for_selector("#w2v-analogies table")
    visitor.page.click("#w2v-map .ex-bar >> text=More")
    visitor.page.get_by_role("button", name="Advanced").click()
    questions = visitor.page.locator(".questions button[role=tab]").locator("visible=true")
    names = questions.all_inner_texts()
    assert len(names) >= 6
    for name in names:
        visitor.page.locator(".questions").get_by_role("tab", name=name, exact=True).first.click()
        time.sleep(0.5)
        assert serious(visitor) == [], name


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("prefix", TABS)
def test_nothing_serious_in_any_part_of_a_tab(visitor: Visitor, server: Server, prefix, theme):
    label, drawn, parts, seconds = TABS[prefix]
    visitor.open(f"{server.address}?__theme={theme}", "start")
    visitor.page.get_by_role("tab", name=label, exact=True).click()
    visitor.page.wait_for_selector(drawn)
    names = [name for name in visitor.page.locator(f"#{prefix}-views-tabs button[role=tab]").all_inner_texts() if name]
    assert len(names) >= parts
    for name in names:
        visitor.page.locator(f"#{prefix}-views-tabs").get_by_role("tab", name=name, exact=True).first.click()
        time.sleep(seconds)
        assert serious(visitor) == [], name


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_in_compare(visitor: Visitor, server: Server, theme):
    visitor.open(f"{server.address}?__theme={theme}", "start")
    visitor.page.get_by_role("tab", name="Compare", exact=True).click()
    visitor.page.wait_for_selector("#compare-list")
    time.sleep(2.0)
    assert serious(visitor) == []
