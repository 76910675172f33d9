"""NT-Xent by hand on the page: what a drawn batch becomes, and what is said where none can be drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from backends.simclr import by_hand
from backends.simclr.by_hand import Batch
from playground.tabs.simclr_by_hand import NO_MODEL, batch_views, build_by_hand
from tests.playground.fakes import alerts

EVIL = "<img src=x onerror=alert(1)>"


def some_batch(pictures=3, seed=0):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(2 * pictures, 6))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    views = random.integers(0, 256, (2 * pictures, 16, 16, 3), dtype=np.uint8)
    return Batch(views, vectors.astype(np.float32), 0.2, "batch of your run after 120 steps")


def test_a_batch_becomes_a_grid_and_a_line_that_says_what_it_is():
    batch = some_batch()
    packed, line = batch_views(lambda: batch)
    expected = by_hand.loss(by_hand.cosines(batch.projections), 0.2)
    assert json.loads(packed)["loss"] == pytest.approx(expected)
    assert "Batch of your run after 120 steps, at" in line
    assert "τ = 0.2" in line


def test_without_a_model_it_is_said_what_to_do():
    packed, line = batch_views(lambda: None)
    assert packed is None
    assert NO_MODEL in line


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"projections": np.full((6, 6), np.nan, np.float32)}, "diverged"),
        ({"projections": np.ones((6, 6), np.float32)}, "length 1"),
        ({"temperature": float("nan")}, "temperature"),
        ({"views": np.zeros((4, 16, 16, 3), np.uint8)}, "picture"),
    ],
)
def test_a_batch_that_can_not_be_shown_is_said_in_one_sentence(changes, said):
    packed, line = batch_views(lambda: replace(some_batch(), **changes))
    assert packed is None
    (sentence,) = alerts(line)
    assert said in sentence


def test_a_label_is_text():
    _, line = batch_views(lambda: replace(some_batch(), label=EVIL))
    assert "onerror" in line
    assert "<img" not in line


def test_the_button_and_the_tab_draw_a_batch_of_this_visitors_model(store):
    asked = []

    def batch_of(session):
        asked.append(session)
        return some_batch(seed=len(asked))

    with gr.Blocks() as demo, gr.Tab("By hand"):
        built = build_by_hand(store, batch_of)
    calls = [function for function in demo.fns.values() if function.fn.__name__ == "redrawn"]
    assert len(calls) == 2
    values = [call.fn(SimpleNamespace(session_hash="page")) for call in calls]
    assert asked == [store.of("page")] * 2
    assert values[0][0] != values[1][0]
    assert all(len(value) == len(built.outputs) for value in values)
    assert all(call.concurrency_limit == 8 for call in calls)
    assert list(demo.get_api_info()["named_endpoints"]) == []
