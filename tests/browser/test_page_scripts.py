"""Gradio's mended loops give what they gave before."""

from __future__ import annotations

import threading
from typing import Any

import gradio as gr
import pytest

from playground import shell
from playground.page_scripts import ASSETS, FIND_COMPONENT, mend
from tests.browser.conftest import PATIENCE_SECONDS, wait_for

pytestmark = pytest.mark.browser

EVENTS = """(() => {
    let state = 7;
    const number = most => (state = (state * 16807) % 2147483647) % most;
    return Array.from({length: 60}, () => ({targets: Array.from({length: number(4)},
        () => [number(9) ? number(12) : null, number(8) ? "event" + number(5) : null])}));
})()"""


def script_of(name: str) -> str:
    return next(path.read_text("utf-8") for path in ASSETS.glob(name))


def method(script: str, begin: str, end: str) -> str:
    """The text of a method, up to the one that follows it."""
    start = script.index(begin) + 1
    return script[start : script.index(end, start) + 1]


def test_mended_loops_say_what_gradios_say(browser):
    core, blocks = script_of("core-*.js"), script_of("Blocks-*.js")
    attached = ("}find_attached_events(", "}traverse(")
    arguments = ("}async set_event_args(", "}async cancel(")
    page = browser.new_page()
    said = page.evaluate(
        f"""async () => {{
            class Gradio {{ {method(core, *attached)} {method(blocks, *arguments)} }}
            class Mended {{
                {method(mend(core), *attached)} {method(mend(blocks), *arguments)}
            }}
            const events = {EVENTS};
            const attached = all => Array.from({{length: 12}}, (_, id) =>
                all.find_attached_events({{id, props: {{shared_props: {{}}}}}}, events)
                    .props.shared_props.attached_events);
            const given = async all => {{
                const sent = [];
                all.get_state_cb = async id => id === 9 ? null : {{value: "was " + id}};
                all.update_state_cb = async (...what) => sent.push(JSON.stringify(what));
                for (const [id, wanted] of [[1, {{}}], [2, {{value: 5}}], [9, {{value: 5}}], [null, {{}}]])
                    (await all.set_event_args(id, wanted))();
                return sent;
            }};
            return [attached(new Gradio), attached(new Mended), await given(new Gradio), await given(new Mended)];
        }}"""
    )
    page.close()
    before, after, sent_before, sent_after = said
    assert before == after
    assert sum(map(len, before)) > 20
    assert sent_before == sent_after
    assert len(sent_before) == 2


def test_a_component_is_found_wherever_it_has_moved(browser):
    core = script_of("core-*.js")
    known = FIND_COMPONENT.search(core)
    assert known is not None
    page = browser.new_page()
    before, after = page.evaluate(
        f"""() => ["({known.group()})", "({mend(known.group())})"].map(text => {{
            const find = eval(text), said = [];
            const leaf = id => ({{id, children: []}});
            const root = {{id: 0, children: [{{id: 1, children: [leaf(2), leaf(3)]}}, {{id: 4}}, leaf(5)]}};
            const ask = () => {{
                for (const id of [5, 3, 0, 4, 2, 9, null, 1, 3]) {{
                    const found = find(root, id);
                    said.push(found && [found.id, found === root.children[0]?.children?.[0]]);
                }}
            }};
            ask();
            root.children[0].children.reverse();          // another place
            ask();
            root.children[0].children[0] = {{id: 3, children: [leaf(9)]}};      // another component of that id
            root.children.splice(1, 1);                   // gone
            ask();
            root.children = [];
            ask();
            return said;
        }})"""
    )
    page.close()
    assert before == after
    assert sum(found is not None for found in before) > 15


def test_a_list_that_is_open_while_its_choices_become_fewer_draws_the_new_ones(lend_page):
    asked = threading.Event()

    def fewer() -> Any:
        asked.wait(PATIENCE_SECONDS)
        return gr.update(choices=["one", "two"], value="one")

    with gr.Blocks() as demo:
        listed = gr.Dropdown([f"choice {i}" for i in range(12)], elem_id="listed", interactive=True)
        gr.Button("Fewer", elem_id="fewer").click(fewer, None, listed, show_progress="hidden")
    options = {**shell.launch_options(), "head": "", "css_paths": []}
    _, address, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **options)
    try:
        lent = lend_page()
        lent.page.goto(address)
        lent.page.click("#fewer")
        lent.page.click("#listed input")
        wait_for(lambda: lent.page.get_by_role("option").count() == 12, "the list")
        asked.set()
        wait_for(lambda: lent.page.get_by_role("option").count() == 2, "the new choices")
        assert lent.errors == []
    finally:
        demo.close()
