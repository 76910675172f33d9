"""The whole page without a browser: what opening and closing it does, and what it is launched with."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import gradio as gr
import pytest

from playground import shell
from playground.components.plotly_view import plotly_js_path, static_url
from playground.session import SessionStore
from tests.playground.fakes import TAB, fake_run


def request(page="page", **query):
    return SimpleNamespace(session_hash=page, query_params=query)


REQUEST = request()


@pytest.fixture(scope="module")
def built():
    """The store and the whole page: to build the page takes seconds, and no test changes it."""
    made = SessionStore(2, "cpu")
    yield made, shell.build(made)
    made.close()


@pytest.fixture
def store(built):
    """The page's store, without the sessions of other tests."""
    for session in list(built[0]._sessions.values()):
        built[0]._free(session)
    return built[0]


@pytest.fixture
def demo(built, store):
    return built[1]


def handler(demo, name):
    (function,) = [function for function in demo.fns.values() if function.name == name]
    return function


def test_opening_the_page_hands_out_a_token_and_every_view(demo, store):
    opened = handler(demo, "on_page_open")
    values = asyncio.run(opened.fn(None, REQUEST))
    assert len(values) == len(opened.outputs)
    assert values[0] == store.of("page").token


def test_a_reload_brings_the_session_back(demo, store):
    token = asyncio.run(handler(demo, "on_page_open").fn(None, REQUEST))[0]
    session = store.of("page")
    session.runs[TAB] = fake_run(store)
    handler(demo, "on_page_close").fn(REQUEST)
    assert session.left is not None
    again = request("page after reload")
    assert asyncio.run(handler(demo, "on_page_open").fn(remembered(token), again))[0] == token
    assert TAB in store.of("page after reload").runs


def test_a_reload_that_comes_before_its_old_page_is_known_to_be_gone_takes_the_session_over(demo, store):
    token = asyncio.run(handler(demo, "on_page_open").fn(None, REQUEST))[0]
    session = store.of("page")
    session.runs[TAB] = fake_run(store)
    driver = session.drive(TAB)
    saved, again = remembered(token, reloaded=True), request("page after reload")
    assert asyncio.run(handler(demo, "on_page_open").fn(saved, again))[0] == token
    assert not session.is_driver(TAB, driver)
    handler(demo, "on_page_close").fn(REQUEST)
    assert store.of("page after reload") is session
    assert session.left is None


def test_a_second_page_of_the_same_browser_gets_a_session_of_its_own(demo, store, monkeypatch):
    monkeypatch.setattr(shell, "RETURN_PAUSE_SECONDS", 0.001)
    token = asyncio.run(handler(demo, "on_page_open").fn(None, REQUEST))[0]
    assert asyncio.run(handler(demo, "on_page_open").fn(remembered(token), request("second")))[0] != token
    assert store.of("page").token == token


def remembered(token, *, reloaded=False):
    """What a page sends of the session that its browser tab remembers."""
    return {"token": token, "reloaded": reloaded}


def opened(demo, saved=None, page="page", **query):
    """What each component was set to, by its element's id."""
    function = handler(demo, "on_page_open")
    values = asyncio.run(function.fn(remembered(saved), request(page, **query)))
    return values[0], {getattr(c, "elem_id", None): v for c, v in zip(function.outputs, values, strict=True)}


def selecting(demo, name, *, answered, page="page"):
    """The event of a tab that is selected on a page."""
    label = shell.TABS[name][0]
    (chosen,) = [
        function
        for function in demo.fns.values()
        for block, event in function.targets
        if event == "select" and getattr(demo.blocks.get(block), "label", None) == label
    ]
    return chosen.fn(answered, request(page))


def test_the_tab_that_a_page_selects_while_it_opens_is_left_to_the_opening(demo, store):
    """Its answer, made for a session of nobody, came late and replaced what the opening had shown of the run."""
    first = next(iter(shell.TABS))
    values = asyncio.run(selecting(demo, first, answered=False))
    assert values
    assert all(gr.skip() == value for value in values)
    assert store.counts()["sessions"] == 0


def test_a_tab_that_is_clicked_before_the_page_has_its_session_waits_for_it(demo, store, monkeypatch):
    monkeypatch.setattr(shell, "OPENING_PAUSE_SECONDS", 0.001)
    token, _ = opened(demo)
    handler(demo, "on_page_close").fn(REQUEST)
    again = "page after reload"

    async def click_and_open():
        clicked = asyncio.create_task(selecting(demo, "attention", answered=False, page=again))
        await asyncio.sleep(0.01)
        assert store.counts()["sessions"] == 1
        await handler(demo, "on_page_open").fn(remembered(token, reloaded=True), request(again))
        return await clicked

    assert any(gr.skip() != value for value in asyncio.run(click_and_open()))
    assert store.counts()["sessions"] == 1
    assert store.of(again).uploads[shell.SHOWN_TAB] == "attention"


def test_a_tab_clicked_on_a_page_that_never_opens_makes_no_session(demo, store, monkeypatch):
    monkeypatch.setattr(shell, "OPENING_SECONDS", 0.02)
    assert all(gr.skip() == value for value in asyncio.run(selecting(demo, "attention", answered=False)))
    assert store.counts()["sessions"] == 0


def test_a_tab_is_opened_once_on_each_page(demo, store):
    opened(demo)
    assert any(gr.skip() != value for value in asyncio.run(selecting(demo, "attention", answered=True)))
    assert all(gr.skip() == value for value in asyncio.run(selecting(demo, "attention", answered=True)))


def test_a_link_sets_settings_and_word_and_says_what_it_could_not_use(demo, store):
    _, shown = opened(demo, tab="word2vec", dim="48", map_points="500", word="queen", window="0", nonsense="1")
    assert shown["w2v-dim"] == 48
    assert shown["w2v-neighbour-word"] == "queen"
    assert "window" in shown["notice"]
    assert "nonsense" in shown["notice"]
    assert store.of("page").uploads["map"].points == 500


def test_a_reload_of_a_link_does_not_undo_what_was_done_since(demo, store):
    token, _ = opened(demo, word="queen")
    store.of("page").uploads["word"] = "prince"
    handler(demo, "on_page_close").fn(REQUEST)
    _, shown = opened(demo, token, "after reload", word="queen")
    assert shown["w2v-neighbour-word"] == "prince"


def test_a_link_never_becomes_markup(demo):
    evil = "<img src=x onerror=alert(1)>"
    _, shown = opened(demo, tab=evil)
    assert "<img" not in shown["notice"]
    _, shown = opened(demo, **{evil: evil, "dim": evil})
    assert "<img" not in shown["notice"]


@pytest.mark.parametrize("saved", [5, ["a"], {"a": 1}, {"token": ["a"], "reloaded": 1}, "<script>", True])
def test_a_page_opens_whatever_its_browser_had_saved(demo, saved):
    token = asyncio.run(handler(demo, "on_page_open").fn(saved, REQUEST))[0]
    assert isinstance(token, str)
    assert token != saved


def test_the_line_of_waiting_events_is_bounded(demo, store):
    assert demo._queue.max_size == store.limits.queue
    assert all(isinstance(function.concurrency_limit, int | str) for function in demo.fns.values())


def test_only_named_endpoints_are_public(demo):
    names = list(demo.get_api_info()["named_endpoints"])
    assert names
    assert all(
        name.startswith(("/word2vec_", "/attention_", "/simclr_", "/mae_", "/clip_", "/language_", "/pretext_"))
        for name in names
    )


def test_nothing_is_told_to_strangers_and_nothing_comes_from_elsewhere():
    options = shell.launch_options()
    assert options["show_error"] is False
    assert options["enable_monitoring"] is False
    assert "allowed_paths" not in options
    assert "//" not in options["head"].replace("</script>", "")
    for path in (plotly_js_path(), *(p for part in shell.SCRIPTED for p in (*part.SCRIPTS.values(), part.STYLE))):
        assert static_url(path) in options["head"]


def test_a_static_address_is_quoted(tmp_path):
    assert static_url(tmp_path / 'a "b".js').endswith("/a%20%22b%22.js")
