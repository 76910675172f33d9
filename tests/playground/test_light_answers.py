"""What a handler leaves alone is not worked on, and the page hears of the rest what Gradio would have told it."""

from __future__ import annotations

import asyncio
import copy
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from gradio.blocks import Blocks
from gradio.state_holder import SessionState

from playground.guard import Page
from playground.light_answers import LightAnswers, is_skip

SKIP = gr.skip()
ANSWERS: list[Any] = [
    [SKIP, SKIP, SKIP, SKIP, SKIP],
    SKIP,
    [3, SKIP, "<b>x</b>", SKIP, [1]],
    [SKIP, gr.update(value="x", visible=False), SKIP, gr.update(choices=["a", "b"], value="b"), SKIP],
    [gr.update(value=None), "a", SKIP, "a", SKIP],
    [1, "b", "c", "a", [2]],
    [1, SKIP, SKIP, SKIP, SKIP],
]


@pytest.fixture(scope="module")
def demo() -> Page:
    with Page() as page:
        outputs = [gr.Number(1), gr.Textbox("a"), gr.HTML("h"), gr.Dropdown(["a"]), gr.State([0])]
        gr.Button().click(lambda: None, None, outputs)
        gr.Button().click(lambda: None, None, outputs[1])
    return page


def answered(demo: Page, event: int, answer: Any, by: type) -> tuple[list[Any], SessionState]:
    state = SessionState(demo)
    return asyncio.run(by.postprocess_data(demo, demo.fns[event], copy.deepcopy(answer), state)), state


def plain(ready: list[Any]) -> list[Any]:
    """What the page makes of it: Gradio gives an HTML area that was left alone an empty change of its properties."""
    return [SKIP if isinstance(value, dict) and value.get("props") == SKIP else value for value in ready]


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_page_hears_the_same(demo, answer):
    (ours, kept), (gradios, others) = (answered(demo, 0, answer, by) for by in (LightAnswers, Blocks))
    assert plain(ours) == plain(gradios)
    assert kept.state_data == others.state_data


@pytest.mark.parametrize("answer", [SKIP, "text", gr.update(value="x", interactive=False), None])
def test_with_one_output_too(demo, answer):
    assert answered(demo, 1, answer, LightAnswers)[0] == answered(demo, 1, answer, Blocks)[0]


def test_choices_that_were_changed_count_afterwards(demo):
    state = SessionState(demo)
    event = demo.fns[0]
    for answer in ([SKIP, SKIP, SKIP, gr.update(choices=["c"]), SKIP], [SKIP] * 5):
        asyncio.run(demo.postprocess_data(event, answer, state))
    assert state[event.outputs[3]._id].choices == [("c", "c")]


def test_what_is_left_alone_is_not_built(demo, monkeypatch):
    def never(self: Any, *_: Any, **__: Any) -> None:
        raise AssertionError("built anew")

    event = demo.fns[0]
    monkeypatch.setattr(gr.Textbox, "__init__", never)
    monkeypatch.setattr(gr.HTML, "__init__", never)
    assert asyncio.run(demo.postprocess_data(event, [2, SKIP, SKIP, SKIP, SKIP], SessionState(demo)))[0] == 2


@pytest.mark.parametrize("few", [[SKIP], []])
def test_too_few_answers_are_refused_as_ever(demo, few):
    with pytest.raises(ValueError, match="enough output values"):
        answered(demo, 0, few, LightAnswers)


@pytest.mark.filterwarnings("ignore:.*too many output values")
def test_what_is_too_much_is_ignored_as_ever(demo):
    many = [1, SKIP, "c", SKIP, [2], 6]
    assert plain(answered(demo, 0, many, LightAnswers)[0]) == plain(answered(demo, 0, many, Blocks)[0])


@pytest.mark.parametrize("value", [None, "", {}, [], {"__type__": "update", "value": 1}, SimpleNamespace()])
def test_what_is_no_skip(value):
    assert not is_skip(value)
