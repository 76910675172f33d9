"""axe-core finds nothing serious in any part of any tab."""

from __future__ import annotations

import time

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Server, Visitor

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
