"""A session of Gradio's keeps no configuration, starts at once, and answers as before."""

from __future__ import annotations

import gradio as gr
import pytest
from gradio_client import Client

from playground import shell
from playground.guard import Page


@pytest.fixture
def demo():
    with Page() as page:
        number, text, kept = gr.Number(1), gr.Textbox("a"), gr.State([0])
        button = gr.Button()

        def more(value: float, held: list[int]) -> tuple[object, str, list[int]]:
            return gr.Number(value + 1, label="more"), "b" * 1000, [*held, 1]

        button.click(more, [number, kept], [number, text, kept], api_name="more")
    page.launch(server_name="127.0.0.1", prevent_thread_lock=True, **shell.launch_options())
    yield page
    page.close()


def test_a_session_keeps_no_configuration_and_still_its_state(demo):
    client = Client(demo.local_url, verbose=False)
    value, text = client.predict(1, api_name="/more")
    assert (value["value"], value["label"], text) == (2, "more", "b" * 1000)
    client.predict(2, api_name="/more")
    session = demo.state_holder.session_data[client.session_hash]
    assert list(session.state_data.values()) == [[0, 1, 1]]
    assert "b" * 1000 not in repr(session.config_values)
    assert not list(session.components)


def test_the_page_s_own_configuration_is_whole(demo):
    config = demo.get_config_file()
    assert [component["props"].get("value") for component in config["components"] if component["type"] == "number"] == [
        1
    ]
    assert all(component["props"] for component in config["components"])
