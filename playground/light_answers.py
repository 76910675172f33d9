"""Answers whose untouched parts cost nothing.

Where a handler leaves a component as it is (`gr.skip()`), Gradio 6 builds that component anew on the event loop. What
opens a page leaves hundreds alone and a frame of a training a dozen: with sixteen visitors (`tests.benchmarks answers`,
profiled) building them was more than half of all that the loop did.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import gradio as gr

if TYPE_CHECKING:
    from gradio.blocks import BlockFunction
    from gradio.state_holder import SessionState

SKIP = gr.skip()


class LightAnswers:
    """A base of `gr.Blocks` which sees to it that only what changes is worked on."""

    async def postprocess_data(
        self, block_fn: BlockFunction, predictions: list[Any] | dict[Any, Any], state: SessionState | None
    ) -> list[Any]:
        """Make what a handler returned ready for the page, without a look at what it left alone."""
        gradio: Any = super()
        outputs = list(block_fn.outputs)
        if is_skip(predictions):
            given: list[Any] = [predictions] * len(outputs)
        elif len(outputs) < 2 or not isinstance(predictions, list | tuple) or len(predictions) != len(outputs):
            return list(await gradio.postprocess_data(block_fn, predictions, state))
        else:
            given = list(predictions)
        touched = [i for i, value in enumerate(given) if outputs[i].stateful or not is_skip(value)]
        answer: list[Any] = [gr.skip() for _ in outputs]
        if touched:
            part = copy.copy(block_fn)
            part.outputs = [outputs[i] for i in touched]
            values = [given[i] for i in touched]
            ready = await gradio.postprocess_data(part, values if len(values) > 1 else values[0], state)
            for i, value in zip(touched, ready, strict=True):
                answer[i] = value
        return answer


def is_skip(value: Any) -> bool:
    """Whether a handler's value leaves a component as it is."""
    return isinstance(value, dict) and value == SKIP
