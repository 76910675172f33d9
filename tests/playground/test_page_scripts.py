"""Gradio's scripts are mended where they are known, say the same as before, and come with their tag."""

from __future__ import annotations

import gradio as gr
import httpx
import pytest

from playground import page_scripts, shell


def script_of(name: str) -> str:
    return next(path.read_text("utf-8") for path in page_scripts.ASSETS.glob(name))


def scripts_of(name: str) -> list[str]:
    return [path.read_text("utf-8") for path in page_scripts.ASSETS.glob(name)]


def test_the_loops_of_the_installed_gradio_are_known():
    scripts = [script for name in page_scripts.SCRIPT_NAMES for script in scripts_of(name)]
    assert sum(len(page_scripts.EVENT_ARGUMENTS.findall(script)) for script in scripts) == 1
    assert sum(len(page_scripts.ATTACHED_EVENTS.findall(script)) for script in scripts) == 1
    assert sum(len(page_scripts.FIND_COMPONENT.findall(script)) for script in scripts) == 1
    assert sum(len(page_scripts.DRAWN_CHOICE.findall(script)) for script in scripts) == 2, "text and aria-label"
    assert len(page_scripts.mended_scripts()) == 3


@pytest.mark.parametrize(
    ("name", "method", "change"),
    [
        ("Blocks-*.js", "}async set_event_args(", ("===0?()=>{}:", "===1?()=>{}:")),
        ("core-*.js", "}find_attached_events(", (".filter(Boolean)", "")),
        ("core-*.js", "function Z(e,t){if(", ("return null", "return!1")),
    ],
)
def test_a_loop_that_reads_otherwise_is_left_alone(name, method, change):
    script = script_of(name)
    start = script.index(method)
    known = script[start : start + 400]
    assert page_scripts.mend(known) != known
    altered = known.replace(*change)
    assert altered != known
    assert page_scripts.mend(altered) == altered


def test_scripts_come_mended_with_their_tag_and_others_as_they_are():
    with gr.Blocks() as demo:
        gr.Markdown("text")
    _, address, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **shell.launch_options())
    try:
        for name, script in page_scripts.mended_scripts().items():
            served = httpx.get(f"{address}assets/{name}")
            assert served.text == script
            assert served.headers["content-type"].startswith("text/javascript")
            again = httpx.get(f"{address}assets/{name}", headers={"if-none-match": served.headers["etag"]})
            assert (again.status_code, again.text) == (304, "")
        other = next(path for path in page_scripts.ASSETS.glob("index-*.js"))
        assert httpx.get(f"{address}assets/{other.name}").content == other.read_bytes()
        assert httpx.get(f"{address}assets/../core.js").status_code == 404
    finally:
        demo.close()
