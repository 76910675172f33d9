"""The reference of the sum by hand: the lecture's numbers, torch's own modules, and loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backends.attention.by_hand import LECTURE, AttentionError, attend, padded


def drawn(words=5, width=8, seed=0):
    random = np.random.default_rng(seed)
    return [random.normal(size=(words, width)), *(random.normal(size=(width, width)) for _ in range(4))]


def lecture(scaled=True, causal=False, d_k=LECTURE.d_k):
    weights = [padded(matrix, d_k) for matrix in (LECTURE.w_q, LECTURE.w_k, LECTURE.w_v)]
    return attend(np.array(LECTURE.x), *weights, np.eye(d_k), scaled=scaled, causal=causal)


def test_the_lecture_has_the_numbers_of_the_slide():
    found = lecture()
    np.testing.assert_array_equal(found.scores[0, 0], [112, 96])
    np.testing.assert_array_equal(found.scaled[0, 0], [14, 12])
    np.testing.assert_array_equal(found.weights[0, 0].round(2), [0.88, 0.12])
    v1, v2 = found.values[0]
    np.testing.assert_allclose(found.z[0, 0], found.weights[0, 0, 0] * v1 + found.weights[0, 0, 1] * v2)
    assert found.queries.shape == (1, 2, 64)
    assert not found.values[..., 4:].any()


def test_without_the_division_the_softmax_saturates_and_its_gradient_vanishes():
    divided, bare = lecture(), lecture(scaled=False)
    p, q = (1 / (1 + math.exp(-gap)) for gap in (2, 16))
    assert divided.gradient[0, 0, 0] == pytest.approx(p * (1 - p) / 8, rel=1e-9)
    assert bare.gradient[0, 0, 0] == pytest.approx(q * (1 - q), rel=1e-6)
    assert divided.gradient[0, 0, 0] / bare.gradient[0, 0, 0] > 1e5


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("heads", [1, 2, 4])
def test_the_output_is_that_of_torchs_multi_head_attention(heads, causal):
    import torch

    x, w_q, w_k, w_v, w_o = drawn()
    module = torch.nn.MultiheadAttention(8, heads, bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        module.in_proj_weight.copy_(torch.tensor(np.concatenate([w_q.T, w_k.T, w_v.T])))
        module.out_proj.weight.copy_(torch.tensor(w_o.T))
        hidden = torch.ones(5, 5, dtype=torch.bool).triu(1) if causal else None
        given = torch.tensor(x)[None]
        output, weights = module(given, given, given, attn_mask=hidden, average_attn_weights=False)
    found = attend(x, w_q, w_k, w_v, w_o, heads=heads, causal=causal)
    np.testing.assert_allclose(found.output, output[0].numpy(), atol=1e-10)
    np.testing.assert_allclose(found.weights, weights[0].numpy(), atol=1e-10)
    np.testing.assert_allclose(found.z, found.weights @ found.values, atol=1e-10)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_the_intermediates_are_those_of_the_formula_written_with_loops(causal, scaled):
    x, w_q, w_k, w_v, w_o = drawn(words=3, width=4)
    found = attend(x, w_q, w_k, w_v, w_o, heads=2, causal=causal, scaled=scaled)
    for h in range(2):
        q, k = (x @ w_q)[:, 2 * h : 2 * h + 2], (x @ w_k)[:, 2 * h : 2 * h + 2]
        for i in range(3):
            scores = [sum(q[i, d] * k[j, d] for d in range(2)) / (math.sqrt(2) if scaled else 1) for j in range(3)]
            powers = [0.0 if causal and j > i else math.exp(score) for j, score in enumerate(scores)]
            weights = np.array(powers) / sum(powers)
            np.testing.assert_allclose(found.scaled[h, i], scores)
            np.testing.assert_allclose(found.weights[h, i], weights)
            slopes = weights * (1 - weights) / (math.sqrt(2) if scaled else 1)
            np.testing.assert_allclose(found.gradient[h, i], slopes, atol=1e-12)
    assert np.isneginf(found.masked).any() == causal
    np.testing.assert_array_equal(found.concatenated[:, 2:], found.z[1])


def test_one_word_sees_itself_with_weight_one():
    found = attend(*drawn(words=1), heads=2, causal=True)
    assert (found.weights == 1).all()
    np.testing.assert_array_equal(found.gradient, 0)


def with_change(place, matrix):
    given = drawn()
    given[place] = matrix
    return given


@pytest.mark.parametrize(
    ("given", "heads", "said"),
    [
        (drawn(), 3, "divide 8"),
        (drawn(), 0, "divide 8"),
        (with_change(0, np.zeros((0, 8))), 2, "at least one"),
        (with_change(0, np.zeros(8)), 2, "a row a word"),
        (with_change(2, np.zeros((8, 4))), 2, "W_K"),
        (with_change(4, np.zeros((8, 4))), 2, "square"),
        (with_change(3, np.full((8, 8), np.nan)), 2, "NaN"),
    ],
)
def test_matrices_that_do_not_fit_are_refused(given, heads, said):
    with pytest.raises(AttentionError, match=said):
        attend(*given, heads=heads)
