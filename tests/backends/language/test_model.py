"""Who sees whom in each of the three, and that weights are tied."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from backends.language.corruption import decoder_inputs
from backends.language.model import build, features, layers, start_from
from backends.language.objectives import objective_of
from backends.nets.transformer import EncoderDecoder, Look
from tests.backends.language.conftest import CONFIGS


def tokens_of(count: int, vocabulary: int, rows: int = 1) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(40, vocabulary, (rows, count)))


def learn_distances(model: torch.nn.Module) -> None:
    """Fresh scores of distances are all 0, which would hide what is wrong with them."""
    found = [parameter for name, parameter in model.named_parameters() if name.endswith("distances")]
    assert found
    for parameter in found:
        torch.nn.init.normal_(parameter, std=0.2)


@pytest.mark.parametrize("method", CONFIGS)
def test_heads_are_read_with_their_distances(method, tokenizer):
    model = build(CONFIGS[method], len(tokenizer)).eval()
    learn_distances(model)
    inputs = [tokens_of(20, len(tokenizer), rows=2)] * (2 if method == "t5" else 1)
    assert torch.allclose(model(*inputs, look=Look()), model(*inputs), atol=1e-5)


@pytest.mark.parametrize("method", CONFIGS)
def test_the_same_seed_gives_the_same_weights(method, tokenizer):
    config = CONFIGS[method]
    first, again, other = (build(config.with_changes(seed=seed), len(tokenizer)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.embedding.tokens.weight, other.embedding.tokens.weight)


def test_gpt_never_sees_the_future(tokenizer):
    model = build(CONFIGS["gpt"], len(tokenizer)).eval()
    tokens = tokens_of(12, len(tokenizer))
    changed = tokens.clone()
    changed[0, 7] = 40
    before, after = model(tokens), model(changed)
    assert torch.allclose(before[0, :7], after[0, :7], atol=1e-6)
    assert not torch.allclose(before[0, 7:], after[0, 7:], atol=1e-3)


def test_bert_sees_both_sides(tokenizer):
    model = build(CONFIGS["bert"], len(tokenizer)).eval()
    tokens = tokens_of(12, len(tokenizer))
    changed = tokens.clone()
    changed[0, 11] = 40
    assert (model(tokens)[0] - model(changed)[0]).abs().amax(1).min() > 1e-5


def test_t5s_decoder_sees_all_of_the_source_and_no_future(tokenizer):
    model = build(CONFIGS["t5"], len(tokenizer)).eval()
    source, target = tokens_of(10, len(tokenizer)), tokens_of(6, len(tokenizer))
    changed = target.clone()
    changed[0, 4] = 40
    before, after = model(source, target), model(source, changed)
    assert torch.allclose(before[0, :4], after[0, :4], atol=1e-6)
    other = source.clone()
    other[0, 9] = 40
    assert (before - model(other, target)).abs().amax(2).min() > 1e-6


@pytest.mark.parametrize("method", CONFIGS)
def test_the_output_is_tied_to_the_tokens_vectors_and_starts_at_their_frequencies(method, tokenizer):
    model = build(CONFIGS[method], len(tokenizer)).eval()
    names = [name for name, p in model.named_parameters() if len(tokenizer) in p.shape]
    assert sorted(names) == ["embedding.bias", "embedding.tokens.weight"]
    frequencies = np.random.default_rng(0).dirichlet(np.ones(len(tokenizer)))
    start_from(model, frequencies)
    logits = model.embedding.logits(torch.zeros(1, 1, 64))
    assert F.softmax(logits[0, 0], -1).detach().numpy() == pytest.approx(frequencies, abs=1e-6)
    with torch.no_grad():
        model.embedding.tokens.weight[50] += 1
    assert not torch.allclose(model.embedding.logits(torch.ones(1, 1, 64))[0, 0, 50], torch.log(torch.tensor(1 / 512)))


@pytest.mark.parametrize("method", CONFIGS)
def test_an_objectives_short_way_is_the_whole_models(method, tokenizer):
    config = CONFIGS[method]
    model, objective = build(config, len(tokenizer)).eval(), objective_of(config, tokenizer)
    learn_distances(model)
    batch = objective.draw(tokens_of(objective.stretch, len(tokenizer), rows=4).numpy(), np.random.default_rng(0))
    short = objective.logits(model, batch)
    whole = model(batch.inputs) if batch.written is None else model(batch.inputs, batch.written)
    if batch.places is not None:
        whole = whole.gather(1, batch.places[:, :, None].expand(-1, -1, whole.shape[-1]))
    assert short.shape[:2] == batch.targets.shape
    assert torch.allclose(short, whole, atol=1e-5)
    if batch.written is not None:
        assert np.array_equal(batch.written.numpy(), decoder_inputs(batch.targets.numpy()))


@pytest.mark.parametrize("method", CONFIGS)
def test_layers_end_at_the_features_and_padding_changes_nothing(method, tokenizer):
    model = build(CONFIGS[method], len(tokenizer)).eval()
    tokens = tokens_of(9, len(tokenizer))
    rows = list(layers(model, tokens))
    assert len(rows) == 2
    assert torch.allclose(rows[-1], features(model, tokens), atol=1e-6)
    padded = F.pad(tokens, (0, 5))
    seen = torch.arange(14)[None] < 9
    assert torch.allclose(features(model, padded, seen=seen)[:, :9], rows[-1], atol=1e-5)


def test_t5_has_positions_for_the_longest_targets(tokenizer):
    config = CONFIGS["t5"].with_changes(corruption_ratio=0.5, mean_span=1, length=48)
    model, objective = build(config, len(tokenizer)), objective_of(config, tokenizer)
    batch = objective.draw(tokens_of(48, len(tokenizer), rows=2).numpy(), np.random.default_rng(0))
    assert isinstance(model, EncoderDecoder)
    assert objective.logits(model, batch).shape[1] == 24 + 24 + 1


@pytest.mark.parametrize("objective", ["spans", "sentences", "both"])
def test_the_frequencies_of_targets_are_those_that_batches_have(objective, tokenizer):
    config = CONFIGS["t5"].with_changes(objective=objective)
    asked = objective_of(config, tokenizer)
    random = np.random.default_rng(0)
    counts = random.integers(0, 100, len(tokenizer))
    stretches = random.choice(len(tokenizer), (1, 4_000 * asked.stretch), p=counts / counts.sum())
    batches = [asked.draw(part, random) for part in stretches.reshape(200, 20, -1)]
    found = sum(np.bincount(b.targets.numpy().ravel(), minlength=len(tokenizer)) for b in batches)
    assert found / found.sum() == pytest.approx(asked.frequencies(counts), abs=4e-3)
    assert asked.frequencies(counts).sum() == pytest.approx(1)
