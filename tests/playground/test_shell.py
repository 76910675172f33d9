"""The whole page without a browser: what opening and closing it does, and what it is launched with."""

from __future__ import annotations

import asyncio
import sys
import urllib.parse
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import pytest

from backends.engine.config import ConfigError
from playground import shell
from playground.components import page_tabs
from playground.components.plotly_view import static_url
from playground.link_texts import kept_texts, take_texts
from playground.links import read_query
from playground.session import SessionStore
from playground.tabs import start
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


def test_an_address_without_parameters_opens_the_start(demo, store):
    _, shown = opened(demo)
    assert store.of("page").uploads[shell.SHOWN_TAB] == start.TAB
    assert "Start labelling" in shown["start-label-board"]
    assert gr.skip() == shown["w2v-neighbour-word"]


def test_a_link_that_names_no_tab_is_of_word2vec_as_it_always_was(demo, store):
    _, shown = opened(demo, word="queen")
    assert store.of("page").uploads[shell.SHOWN_TAB] == "word2vec"
    assert shown["w2v-neighbour-word"] == "queen"
    assert shown["notice"] == ""


def test_a_link_to_the_start_opens_it_and_says_what_it_could_not_use(demo, store):
    _, shown = opened(demo, tab="start", dim="48")
    assert store.of("page").uploads[shell.SHOWN_TAB] == start.TAB
    assert "dim" in shown["notice"]


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
    assert all(name.removeprefix("/").partition("_")[0] in shell.TABS for name in names)


def test_nothing_is_told_to_strangers_and_nothing_comes_from_elsewhere():
    options = shell.launch_options()
    assert options["show_error"] is False
    assert options["enable_monitoring"] is False
    assert "allowed_paths" not in options
    assert "//" not in options["head"].replace("</script>", "")
    scripted = (path for part in shell.SCRIPTED for path in (*part.SCRIPTS.values(), part.STYLE))
    for path in (page_tabs.SCRIPT, *scripted):
        assert static_url(path) in options["head"]


def test_a_static_address_is_quoted(tmp_path):
    assert static_url(tmp_path / 'a "b".js').endswith("/a%20%22b%22.js")


def on_lecture_step(demo, tab):
    """What a step of the lecture that sets something in a tab calls."""
    (function,) = [f for f in demo.fns.values() if f.name == "on_lecture_step" and f.fn.__defaults__ == (tab,)]
    return function


def changed(values):
    return [value for value in values if not (isinstance(value, dict) and set(value) == {"__type__"})]


def test_a_page_with_a_step_opens_its_tab_with_its_settings_and_nonsense_is_a_sentence(demo, store):
    opened = handler(demo, "on_page_open").fn
    values = asyncio.run(opened(None, request(step="hole")))
    assert values[2] == ""
    assert values[3]["selected"] == "pretext"
    assert "inpainting" in [value for value in values if isinstance(value, str)]
    assert store.of("page").uploads["link"] == "step=hole"
    assert "the lecture has the steps 1 to" in asyncio.run(opened(None, request("other", step="999")))[2]


def test_a_step_sets_its_tab_unless_something_trains_there(demo, store):
    asyncio.run(handler(demo, "on_page_open").fn(None, REQUEST))
    step, event = on_lecture_step(demo, "pretext"), SimpleNamespace(_data={"step": "hole"})
    values = asyncio.run(step.fn(event, True, REQUEST))
    assert len(values) == len(step.outputs)
    assert "inpainting" in [value for value in values if isinstance(value, str)]
    session = store.of("page")
    session.runs["pretext"] = fake_run(store)
    session.drive("pretext")
    assert changed(asyncio.run(step.fn(event, True, REQUEST))) == []
    assert session.is_driven("pretext")


def test_a_step_of_another_tab_or_of_none_sets_nothing(demo, store):
    asyncio.run(handler(demo, "on_page_open").fn(None, REQUEST))
    step = on_lecture_step(demo, "pretext")
    for sent in ({"step": "jitter"}, {"step": "unsolvable"}, {"step": "nowhere"}, None):
        assert changed(asyncio.run(step.fn(SimpleNamespace(_data=sent), True, REQUEST))) == []


PREFIXES = {
    "word2vec": "w2v",
    "attention": "recall",
    "language": "language",
    "pretext": "pretext",
    "simclr": "simclr",
    "mae": "mae",
    "clip": "clip",
    "transfer": "transfer",
}
"""Tabs with a link, and how the names of their elements begin."""
NO_TEXTS = {
    "hidden": "0.25",
    "span_length": "2.5",
    "picture": "7",
    "puzzle": "7",
    "draw": "3",
    "broken": "sentences",
    "tokens": "0.3.5",
    "mask": "4-f0a1",
}
"""What a link may carry besides settings and isn't any text."""


def link_of(name):
    return sys.modules[shell.TABS[name][1].__module__].LINK


def place_of(demo, name):
    """A tab's place on the page."""
    tabs = [block for block in demo.blocks.values() if isinstance(block, gr.Tab) and block.id == name]
    (place,) = [block for block in tabs if "techniques" in (block.parent.elem_classes or [])]
    return place


def copied(demo, name, view, config):
    """The link that "Copy link" makes of a visitor's settings, read back."""
    (copy,) = [
        function.fn
        for function in demo.fns.values()
        if function.name == "on_copy" and function.inputs[0].elem_id == f"{PREFIXES[name]}-link"
    ]
    query = copy(REQUEST, view, *config.model_dump().values())["value"]
    parameters = dict(urllib.parse.parse_qsl(query.removeprefix("?"), keep_blank_values=True))
    return read_query(parameters, {name: replace(link_of(name), views=tuple(shell.parts_of(place_of(demo, name))))})


def changed_configs(config):
    """For each setting, the defaults with another value for it, where one goes with them."""
    for info in config.settings():
        if info.choices:
            values = [choice for choice in info.choices if choice != info.default]
        else:
            near = (info.default + (info.step or 1), info.default - (info.step or 1), info.minimum, info.maximum)
            values = [
                info.kind(value) for value in near if value != info.default and info.minimum <= value <= info.maximum
            ]
        for value in values:
            try:
                yield config().with_changes(**{info.name: value})
                break
            except ConfigError:
                continue


@pytest.mark.parametrize("name", PREFIXES)
def test_every_setting_of_a_copied_link_comes_back_with_the_part_in_sight(demo, store, name):
    config, views = link_of(name).configs[""], list(shell.parts_of(place_of(demo, name)))
    made = list(changed_configs(config))
    assert len(made) >= 0.8 * len(config.model_fields), "nearly all can be changed alone"
    for number, asked in enumerate(made):
        view = views[number % len(views)]
        link = copied(demo, name, view, asked)
        assert (link.problems, link.view) == ([], view)
        assert link.configs[""] == asked


@pytest.mark.parametrize("name", [name for name in PREFIXES if name not in ("simclr", "transfer")])
def test_every_text_of_a_copied_link_comes_back(demo, store, name):
    kept = link_of(name).kept
    said = {each.name: NO_TEXTS.get(each.name, f"<b> {each.name} & é") for each in kept}
    assert said
    take_texts(store.of("page"), kept, said)
    link = copied(demo, name, "", link_of(name).configs[""]())
    assert (link.problems, link.texts) == ([], said)
    other = store.attach("another page", None)
    take_texts(other, kept, link.texts)
    assert kept_texts(other, kept) == said


@pytest.mark.parametrize("view", [None, 5, "a b", "<b>", "x" * 50, "a&tab=mae"])
def test_what_can_be_no_part_stays_out_of_a_link(demo, store, view):
    link = copied(demo, "mae", view, link_of("mae").configs[""]())
    assert (link.tab, link.view, link.problems) == ("mae", None, [])


def selected(demo, saved=None, page="viewer", **query):
    """Which part of each group a page that opens shows, where it is told."""
    function = handler(demo, "on_page_open")
    values = asyncio.run(function.fn(saved, request(page, **query)))
    pairs = zip(function.outputs, values, strict=True)
    return {str(c.elem_id): v["selected"] for c, v in pairs if isinstance(c, gr.Tabs) and "selected" in v}


def test_a_link_opens_the_part_it_names_also_within_a_part(demo, store):
    path = shell.parts_of(place_of(demo, "language"))["repair"]
    assert [(group.elem_id, part) for group, part in path] == [
        ("language-views-tabs", "ask"),
        ("language-ask-tabs", "repair"),
    ]
    assert selected(demo, tab="attention", view="heads")["attention-views-tabs"] == "heads"
    assert selected(demo, tab="attention", distance="50")["attention-views-tabs"] == "recall"
    assert "attention-views-tabs" not in selected(demo, saved=None, page="third", tab="word2vec")


def test_a_reload_of_a_copied_link_opens_its_part_again(demo, store):
    token, _ = opened(demo, tab="attention", view="how")
    handler(demo, "on_page_close").fn(REQUEST)
    shown = selected(demo, remembered(token), "after reload", tab="attention", view="how")
    assert shown["attention-views-tabs"] == "how"
