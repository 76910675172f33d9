"""The whole page: every technique's tab opens, and a reload comes back to the one that was seen last."""

from __future__ import annotations

import pytest

from playground.shell import SHOWN_TAB, TABS
from tests.browser.conftest import Visitor, wait_for

pytestmark = pytest.mark.browser


def selected(visitor: Visitor) -> str:
    return visitor.page.locator(".techniques > .tab-wrapper [role=tab][aria-selected=true]").first.inner_text()


def test_every_tab_opens_and_a_reload_comes_back_to_the_last(visitor, server):
    labels = {name: label for name, (label, _) in TABS.items()}
    for label in labels.values():
        visitor.page.get_by_role("tab", name=label, exact=True).click()
        wait_for(lambda chosen=label: selected(visitor) == chosen, label)
        lead = visitor.page.locator(".techniques .lead h2").locator("visible=true")
        lead.first.wait_for()
        assert lead.count() == 1
    assert visitor.errors == []
    (session,) = [one for one in server.store._sessions.values() if one.left is None]
    wait_for(lambda: session.uploads.get(SHOWN_TAB) == list(labels)[-1], "the server to know")
    visitor.page.reload()
    wait_for(lambda: selected(visitor) == label, "the last tab again")


@pytest.mark.slow
def test_every_tile_of_the_start_opens_its_tab(visitor):
    labels = [label for name, (label, _) in TABS.items() if name != "start"]
    assert selected(visitor) == "Start"
    for label in labels:
        visitor.page.locator(f"#start-tiles [data-tab='{label}']").click()
        wait_for(lambda chosen=label: selected(visitor) == chosen, label)
        visitor.page.get_by_role("tab", name="Start", exact=True).click()
        visitor.page.locator("#start-tiles").wait_for()
    tile = visitor.page.locator("#start-tiles .start-tile").last
    tile.focus()
    visitor.page.keyboard.press("Enter")
    wait_for(lambda: selected(visitor) == labels[-1], "the keyboard")


def test_on_a_narrow_page_a_tile_opens_a_tab_that_has_no_room(visitor):
    visitor.page.set_viewport_size({"width": 420, "height": 800})
    visitor.page.locator("#start-tiles [data-tab='CLIP']").click()
    wait_for(lambda: visitor.page.locator("#clip-views-tabs").is_visible(), "the tab")


def test_on_a_narrow_page_a_step_of_the_lecture_opens_a_tab_that_has_no_room(visitor):
    page = visitor.page
    page.set_viewport_size({"width": 420, "height": 800})
    wait_for(lambda: page.locator(".techniques > .tab-wrapper [role=tab][data-tab-id=clip]").count() == 0, "the menu")
    page.evaluate("(v => v.enter(v.steps.findIndex((s) => s.tab === 'clip')))(document.querySelector('.lb-root').view)")
    page.wait_for_selector(".lb-bar[data-ready]")
    assert page.locator("#clip-views-tabs").is_visible()
    page.keyboard.press("Escape")
