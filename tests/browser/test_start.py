"""The Start tab in a real Chromium: label ten pictures, find the odd one, by mouse and by keyboard, reload."""

from __future__ import annotations

import re

import pytest

from playground.tabs import start_game, start_label
from tests.browser.conftest import Server, Visitor, wait_for

pytestmark = pytest.mark.browser
TECHNIQUE = "start"


def show(guest: Visitor, name: str) -> None:
    guest.page.locator("#start-views-tabs").get_by_role("tab", name=name, exact=True).first.click()


def session_of(server: Server):
    (session,) = [one for one in server.store._sessions.values() if one.left is None]
    return session


def test_ten_labels_by_mouse_and_keys_are_drawn_into_the_chart_and_kept_by_a_reload(visitor, server):
    page = visitor.page
    page.wait_for_selector("#start-label-scale .label-scale")
    assert "At a stated pace" in page.inner_text("#start-label-scale")
    page.click("#start-label-board [data-pick=begin]")
    for number in range(10):
        page.wait_for_selector(f"#start-label-board [data-pick$=':{number}:2']")
        if number % 2:
            page.keyboard.press("3")
        else:
            page.click(f"#start-label-board [data-pick$=':{number}:2']")
    page.wait_for_selector("#start-label-board .start-labelled")
    labelling = session_of(server).uploads[start_label.KEPT]
    assert [category for category, _ in labelling.given] == [2] * 10
    wait_for(lambda: "At your pace" in page.inner_text("#start-label-scale"), "the visitor's pace in the chart")
    assert "2 of 10" in page.inner_text("#start-label-board")
    assert "working years" in page.inner_text("#start-label-said")
    page.reload()
    visitor.errors.clear()  # what the old page said of requests that the reload cut off
    wait_for(lambda: "2 of 10" in page.inner_text("#start-label-board"), "what was labelled")
    wait_for(lambda: "At your pace" in page.inner_text("#start-label-scale"), "the pace")
    assert visitor.errors == []


def test_ten_rounds_of_odd_one_out_by_keyboard(visitor, server):
    show(visitor, "Can you name these?")
    page = visitor.page
    page.wait_for_selector("#start-game-board [data-pick='1:0:0']")
    game = session_of(server).uploads[start_game.KEPT]
    for number, asked in enumerate(game.rounds):
        page.wait_for_selector(f"#start-game-board [data-pick='1:{number}:0']")
        page.keyboard.press(str(asked.odd + 1))
        page.wait_for_selector("#start-game-board [data-pick=next]")
        assert page.locator("#start-game-board .odd").count() == 1
        assert page.locator("#start-game-board tr.least").count() == 2
        if number < 9:
            page.keyboard.press("n")
    score = page.inner_text("#start-game-score")
    assert re.search(rf"You 10, the model {game.right('model')}, pixels {game.right('pixels')} of 10", score)
    page.click("#start-game-board [data-pick=next]")
    page.wait_for_selector("#start-game-board [data-pick='2:0:0']")
    assert visitor.errors == []


def test_the_focus_stays_on_the_board_when_the_pictures_are_dealt_anew(visitor):
    show(visitor, "Can you name these?")
    page = visitor.page
    focused = "document.activeElement.closest('#start-game-board')?.id && document.activeElement.dataset.pick"
    page.locator("#start-game-board [data-pick='1:0:2']").focus()
    for press, then in (("Enter", "next"), ("Enter", "1:1:0"), ("2", "next"), ("n", "1:2:0")):
        page.keyboard.press(press)
        wait_for(lambda wanted=then: page.evaluate(focused) == wanted, then)
    show(visitor, "Labels do not scale")
    page.locator("#start-label-board [data-pick=begin]").press("Enter")
    wait_for(lambda: str(page.evaluate("document.activeElement.dataset.pick")).endswith(":0:0"), "the first label")
    page.locator("#start-label-board [data-key='3']").press("Enter")
    wait_for(lambda: str(page.evaluate("document.activeElement.dataset.pick")).endswith(":1:2"), "the same key")
    assert page.locator("#start-label-board [aria-live=polite]").count() == 1
    assert visitor.errors == []


def test_keys_press_nothing_where_it_is_not_seen_or_where_somebody_writes(visitor, server):
    show(visitor, "Can you name these?")
    page = visitor.page
    page.wait_for_selector("#start-game-board [data-pick='1:0:0']")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<input id=written aria-label=x>')")
    page.fill("#written", "")
    page.focus("#written")
    page.keyboard.press("1")
    page.evaluate("document.querySelector('#written').remove()")
    show(visitor, "Labels do not scale")
    page.wait_for_selector("#start-label-board >> visible=true")
    page.keyboard.press("2")
    page.wait_for_timeout(500)
    assert session_of(server).uploads[start_game.KEPT].answered == []


def test_what_is_clicked_before_the_page_has_its_session_is_kept(new_visitor, server, monkeypatch):
    monkeypatch.setattr(server.store, "is_taken", lambda *_: True)  # looked at for 1.5 s, while the page opens
    page = new_visitor().page
    page.click("#start-label-board [data-pick=begin]")
    page.wait_for_selector("#start-label-board .start-option")
    early = server.store.counts()["sessions"]
    page.click("#start-label-board .start-option >> nth=0")
    wait_for(lambda: "2 of 10" in page.inner_text("#start-label-board"), "the next picture")
    page.wait_for_timeout(2000)
    assert "2 of 10" in page.inner_text("#start-label-board")
    assert len(session_of(server).uploads[start_label.KEPT].given) == 1
    assert server.store.counts()["sessions"] <= early


def test_two_visitors_label_pictures_of_their_own(visitor, new_visitor):
    other = new_visitor()
    for guest in (visitor, other):
        guest.page.click("#start-label-board [data-pick=begin]")
        guest.page.wait_for_selector("#start-label-board .start-option")
    visitor.page.click("#start-label-board .start-option >> nth=0")
    wait_for(lambda: "2 of 10" in visitor.page.inner_text("#start-label-board"), "the next picture")
    assert "1 of 10" in other.page.inner_text("#start-label-board")


@pytest.mark.slow
def test_plotly_is_read_ahead_once_though_no_chart_asks_for_it(visitor):
    visitor.page.wait_for_selector("#start-label-scale .label-scale")
    assert visitor.page.locator(".plotly-view-canvas").count() == 0
    visitor.page.wait_for_function("window.Plotly")
    assert sum(request.endswith("/plotly.min.js") for request in visitor.requests) == 1
    assert visitor.errors == []
