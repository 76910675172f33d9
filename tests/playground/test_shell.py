"""The whole page without a browser: what opening and closing it does, and what it is launched with."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from playground import shell
from playground.components.plotly_view import plotly_js_path, static_url
from tests.playground.fakes import TAB, fake_run


def request(page="page", **query):
    return SimpleNamespace(session_hash=page, query_params=query)


REQUEST = request()


@pytest.fixture
def demo(store):
    return shell.build(store)


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


def test_the_line_of_waiting_events_is_bounded(demo):
    assert demo._queue.max_size == shell.MAX_QUEUE
    assert all(isinstance(function.concurrency_limit, int | str) for function in demo.fns.values())


def test_only_named_endpoints_are_public(demo):
    names = list(demo.get_api_info()["named_endpoints"])
    assert names
    assert all(name.startswith(("/word2vec_", "/attention_", "/simclr_", "/mae_", "/clip_")) for name in names)


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
