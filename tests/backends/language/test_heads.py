"""The three models through the Attention tab's eyes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backends.attention.heads import CROSS, DECODER, ENCODER, HeadsError, read_heads
from backends.language.heads import LanguageHeads

SHAPES = {"bert": {ENCODER}, "gpt": {DECODER}, "t5": {ENCODER, DECODER, CROSS}}
TEXTS = {
    "bert": "violin chord [MASK] choir drum",
    "gpt": "violin chord tempo choir",
    "t5": "oven butter flour <X> soup garlic",
}


@pytest.fixture(scope="module")
def heads(trained) -> dict[str, LanguageHeads]:
    return {method: LanguageHeads(trainer.freeze()) for method, trainer in trained.items()}


@pytest.mark.parametrize("method", SHAPES)
def test_each_stack_is_there_and_its_rows_sum_to_one(method, heads):
    reading = read_heads(heads[method], TEXTS[method])
    assert {stack.name for stack in reading.stacks} == SHAPES[method] == heads[method].shape.keys()
    for stack in reading.stacks:
        assert heads[method].shape[stack.name] == (stack.layers, stack.heads) == (1, 2)
        assert stack.weights.shape[2:] == (len(stack.rows), len(stack.columns))
        assert len(stack.row_ids) == len(stack.rows)
        assert np.allclose(stack.weights.sum(-1), 1, atol=1e-5)
        assert len(stack.roles) == 1
        if stack.causal:
            assert np.triu(stack.weights, 1).max() == 0
    assert [stack.causal for stack in reading.stacks] == [name == DECODER for name in [s.name for s in reading.stacks]]


def test_predictions_are_the_models(heads):
    assert read_heads(heads["bert"], TEXTS["bert"]).predictions[0].guesses[0].token == "tempo"
    assert read_heads(heads["gpt"], TEXTS["gpt"]).predictions[0].guesses[0].token == "drum"
    reading = read_heads(heads["t5"], TEXTS["t5"])
    assert reading.written.startswith("<X>")
    assert reading.predictions[0].guesses[0].token == "<X>"
    assert reading.predictions[1].where == "after “<X>”"
    assert reading.stack(CROSS).columns[3] == "<X>"
    assert reading.stack(CROSS).rows[:2] == ("[START]", "<X>")


@pytest.mark.parametrize(("method", "stack"), [(m, stack) for m, stacks in SHAPES.items() for stack in sorted(stacks)])
def test_silencing_any_stack_changes_what_is_predicted(method, stack, heads):
    reading = read_heads(heads[method], TEXTS[method], silenced=[(stack, 0, 0), (stack, 0, 1)])
    assert reading.change is not None
    assert reading.change.divergence > 1e-4
    assert reading.predictions_silenced


def test_the_explicit_path_predicts_as_the_fast_one(heads, trained):
    model = heads["gpt"]
    prepared = model.prepare(TEXTS["gpt"])
    logits = trained["gpt"].freeze().model(torch.tensor([prepared.data.ids]))[0, -1].detach().numpy()
    assert np.allclose(model.run(prepared, ()).logits[0], logits, atol=1e-4)


def test_what_to_write_is_said(heads):
    assert "Write [MASK]" in read_heads(heads["bert"], "violin chord").note
    assert "Write <X>" in read_heads(heads["t5"], "violin chord").note
    assert "were cut to 23 tokens" in read_heads(heads["gpt"], "violin " * 500).note
    assert heads["bert"].title == "BERT after 80 steps (1 × 2 heads)"
    for model in heads.values():
        with pytest.raises(HeadsError):
            read_heads(model, " ")
