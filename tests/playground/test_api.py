"""The named endpoints, called as a script calls them: with gradio_client, and no page opened before."""

from __future__ import annotations

from typing import Any

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from playground import api
from tests.playground.fuzzing import errors_logged

PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def client(served) -> Client:
    return Client(served.address, verbose=False, httpx_kwargs={"timeout": PATIENCE_SECONDS})


@pytest.fixture(scope="module")
def endpoints(client) -> dict[str, Any]:
    return client.view_api(return_format="dict", print_info=False)["named_endpoints"]


def test_every_public_endpoint_stands_in_the_table_and_no_other(served, endpoints):
    assert api.undescribed(served.demo) == set(), "name it in playground/api.py, or set api_name=False"
    assert {f"/{name}" for name in api.endpoints()} == set(endpoints)


def test_every_endpoint_says_in_one_line_what_it_does(endpoints):
    said = {name: endpoint["description"] for name, endpoint in endpoints.items()}
    assert [name for name, text in said.items() if len(text.split()) < 3 or "\n" in text] == []


def test_no_name_got_a_number_for_being_taken(endpoints):
    """Gradio appends _1 where two events ask for one name; which of them has it would depend on the order."""
    assert [name for name in endpoints if name.endswith(("_1", "_2")) and not name.endswith("by_hand_step_1")] == []


def test_mcp_clients_find_every_endpoint_by_its_name_and_line(served, endpoints):
    from gradio.mcp import GradioMCPServer

    server = GradioMCPServer(served.demo)
    assert set(server.tool_to_endpoint) == {name.strip("/") for name in endpoints}
    schema, _ = server.get_input_schema("word2vec_analogy")
    assert list(schema["properties"]) == ["first", "second", "third"]


def test_a_script_asks_for_an_analogy(client):
    answer, *_ = client.predict("king", "man", "woman", api_name="/word2vec_analogy")
    assert "queen" in answer


def test_a_script_fills_a_mask(client):
    answer, *_ = client.predict("we the [MASK] of the united states", api_name="/language_fill")
    assert "people" in str(answer)


def test_a_script_searches_pictures(client):
    assert "apple" in str(client.predict("a red apple", "", False, api_name="/clip_search"))


def test_a_script_brings_a_picture(client, tmp_path):
    path = tmp_path / "<b>.png"
    Image.new("RGB", (40, 40), "green").save(path)
    answer = client.predict(handle_file(path), api_name="/mae_picture")
    assert answer
    assert "<b>" not in str(answer)


def settings_of(endpoint: dict[str, Any], **changes: Any) -> list[Any]:
    values = {parameter["label"]: parameter.get("parameter_default") for parameter in endpoint["parameters"]}
    assert set(changes) <= set(values)
    return list((values | changes).values())


def test_a_script_trains_steps_and_pauses_its_own_run(served, client, endpoints):
    values = settings_of(endpoints["/attention_step"], Distance=10, Steps=50)
    first = client.predict(*values, api_name="/attention_step")
    again = client.predict(*values, api_name="/attention_step")
    assert "s trained" in first[0]
    assert first[0] != again[0]
    session = served.store.of(client.session_hash)
    run = session.runs["attention"]
    job = client.submit(*values, api_name="/attention_train")
    updates = list(job)
    assert len(updates) > 1, "a training streams"
    assert session.runs["attention"] is run
    assert run.done
    client.predict(api_name="/attention_pause")


def test_a_setting_out_of_range_is_refused_in_a_sentence(client, endpoints):
    with pytest.raises(AppError, match="-5"):
        client.predict(*settings_of(endpoints["/attention_step"], Distance=-5), api_name="/attention_step")


def test_a_file_that_is_none_gets_a_sentence(client, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"no archive")
    assert "role=" in str(client.predict(handle_file(path), api_name="/simclr_own_pictures"))


@pytest.mark.slow
def test_every_endpoint_answers_a_script_that_opened_no_page(served, endpoints):
    """With the page's own values, and no file where one is asked for; trainings are paused after their first update."""
    failed = {}
    with errors_logged() as errors:
        for name, endpoint in endpoints.items():
            script = Client(served.address, verbose=False, httpx_kwargs={"timeout": PATIENCE_SECONDS})
            job = script.submit(*settings_of(endpoint), api_name=name)
            try:
                if name.endswith("_train"):
                    next(iter(job))
                    script.predict(api_name=name.removesuffix("train") + "pause")
                job.result(timeout=PATIENCE_SECONDS)
            except AppError as error:  # a sentence is an answer
                if "can't be used here" not in str(error) and "takes" not in str(error):
                    failed[name] = str(error)
            except Exception as error:
                failed[name] = repr(error)
    assert failed == {}
    assert errors.records == []
