"""NT-Xent by hand against torch's cross entropy and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backends.simclr import by_hand
from backends.simclr.by_hand import (
    EXAMPLES,
    MAX_TEMPERATURE,
    MIN_TEMPERATURE,
    SimilarityError,
    cosines,
    gradient,
    loss,
    partners,
    realisable,
    terms,
    weights,
    with_cosine,
)

TEMPERATURES = [MIN_TEMPERATURE, 0.07, 0.5, 1.0, MAX_TEMPERATURE]


def unit_vectors(views, dimensions=8, seed=0):
    drawn = np.random.default_rng(seed).normal(size=(views, dimensions))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def reference(similarities, temperature, positives):
    """Each row's cross entropy on logits without the diagonal, and its derivative, by torch in float64."""
    import torch

    given = torch.tensor(similarities, dtype=torch.float64, requires_grad=True)
    logits = (given / temperature).masked_fill(torch.eye(len(given), dtype=torch.bool), -torch.inf)
    rows = torch.nn.functional.cross_entropy(logits, torch.tensor(positives), reduction="none")
    rows.sum().backward()
    return rows.detach().numpy(), torch.softmax(logits, 1).detach().numpy(), given.grad.numpy()


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("views", [4, 24])
def test_terms_weights_and_gradient_are_those_of_masked_cross_entropy(views, temperature):
    similarities = cosines(unit_vectors(views))
    rows, probabilities, slopes = reference(similarities, temperature, partners(views))
    np.testing.assert_allclose(terms(similarities, temperature), rows, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(weights(similarities, temperature), probabilities, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(gradient(similarities, temperature), slopes, rtol=1e-6, atol=1e-6)
    assert loss(similarities, temperature) == pytest.approx(rows.mean(), rel=1e-6)


def test_the_loss_is_the_mean_of_the_formula_written_with_loops():
    s, tau = EXAMPLES[0].similarities, 0.5
    written = [
        -math.log(math.exp(s[i, i ^ 1] / tau) / sum(math.exp(s[i, k] / tau) for k in range(4) if k != i))
        for i in range(4)
    ]
    assert loss(s, tau) == pytest.approx(sum(written) / 4, abs=1e-12)


def test_positives_in_another_order_are_taken_as_given():
    similarities = cosines(unit_vectors(6))
    halves = (np.arange(6) + 3) % 6
    rows, _, slopes = reference(similarities, 0.3, halves)
    np.testing.assert_allclose(terms(similarities, 0.3, halves), rows)
    np.testing.assert_allclose(gradient(similarities, 0.3, halves), slopes, atol=1e-9)


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("pictures", [1, 2, 12])
def test_identical_embeddings_cost_log_of_the_others(pictures, temperature):
    views = 2 * pictures
    similarities = cosines(np.tile(unit_vectors(1), (views, 1)))
    assert loss(similarities, temperature) == pytest.approx(math.log(views - 1), abs=1e-6)


def test_a_high_temperature_weighs_all_alike_and_a_low_one_only_the_most_similar():
    similarities = cosines(unit_vectors(8))
    off = ~np.eye(8, dtype=bool)
    np.testing.assert_allclose(weights(similarities, MAX_TEMPERATURE)[off], 1 / 7, atol=0.02)
    sharp = weights(similarities, MIN_TEMPERATURE)
    np.testing.assert_array_equal(sharp.argmax(axis=1), np.where(off, similarities, -2).argmax(axis=1))
    assert np.median(sharp.max(axis=1)) > 0.95


def test_the_lowest_temperature_with_opposite_extremes_stays_finite():
    similarities = EXAMPLES[0].similarities
    for i, k in [(0, 1), (2, 3)]:
        similarities = with_cosine(similarities, i, k, -1.0)
    similarities = with_cosine(similarities, 0, 2, 1.0)
    assert terms(similarities, MIN_TEMPERATURE)[0] == pytest.approx(200.0)
    assert np.isfinite(gradient(similarities, MIN_TEMPERATURE)).all()


def test_rows_of_weights_sum_to_one_rows_of_the_gradient_to_zero_and_the_diagonal_is_out():
    similarities = cosines(unit_vectors(10))
    np.testing.assert_allclose(weights(similarities, 0.1).sum(axis=1), 1)
    np.testing.assert_allclose(gradient(similarities, 0.1).sum(axis=1), 0, atol=1e-9)
    assert not weights(similarities, 0.1).diagonal().any()
    np.testing.assert_allclose(terms(similarities - np.eye(10), 0.1), terms(similarities, 0.1))


def test_editing_a_cosine_keeps_the_matrix_symmetric_and_its_slope_is_that_of_both_rows():
    similarities, tau, step = EXAMPLES[3].similarities, 0.5, 1e-6
    up, down = (with_cosine(similarities, 0, 2, similarities[0, 2] + sign * step) for sign in (1, -1))
    np.testing.assert_array_equal(up, up.T)
    slope = (loss(up, tau) - loss(down, tau)) / (2 * step)
    slopes = gradient(similarities, tau)
    assert slope == pytest.approx((slopes[0, 2] + slopes[2, 0]) / 4, abs=1e-6)
    assert with_cosine(similarities, 0, 1, 7.0)[1, 0] == 1.0
    assert similarities[0, 2] == EXAMPLES[3].similarities[0, 2], "the given matrix stays"


@pytest.mark.parametrize(("i", "k", "cosine"), [(1, 1, 0.5), (0, 1, float("nan")), (0, 1, float("inf"))])
def test_an_edit_that_means_nothing_is_refused(i, k, cosine):
    with pytest.raises(SimilarityError):
        with_cosine(np.eye(4), i, k, cosine)


def test_the_examples_show_what_they_say():
    by_name = {example.name: example for example in EXAMPLES}
    losses = {name: loss(example.similarities, example.temperature) for name, example in by_name.items()}
    assert losses["good"] < losses["hard"] < losses["untrained"] < losses["collapsed"]
    assert losses["collapsed"] == pytest.approx(math.log(3))
    hard = by_name["hard"]
    assert terms(hard.similarities, hard.temperature).argmax() == 2
    assert hard.similarities[2, 0] > hard.similarities[2, 3]
    for example in EXAMPLES:
        np.testing.assert_array_equal(example.similarities, example.similarities.T)
        assert realisable(example.similarities), example.name


def test_cosines_that_no_vectors_have_are_told_from_those_that_some_have():
    assert realisable(cosines(unit_vectors(24, dimensions=4)))
    assert realisable(np.ones((4, 4)))
    assert not realisable(with_cosine(np.ones((4, 4)), 0, 2, -1.0))


@pytest.mark.parametrize("temperature", [0.0, -1.0, 0.0099, 10.1, float("nan"), float("inf")])
def test_a_temperature_out_of_range_is_refused(temperature):
    for ask in (terms, loss, weights, gradient):
        with pytest.raises(SimilarityError, match="temperature"):
            ask(np.eye(4), temperature)


@pytest.mark.parametrize(
    ("similarities", "said"),
    [
        (np.full((4, 4), np.nan), "NaN"),
        (np.diag([1, 1, 1, np.inf]), "infinity"),
        (np.eye(4) * 1.5, "1.5"),
        (np.eye(3), "two rows"),
        (np.zeros((2, 4)), "square"),
        (np.zeros((0, 0)), "square"),
        (np.zeros(4), "square"),
    ],
)
def test_a_matrix_that_holds_no_cosines_is_refused(similarities, said):
    with pytest.raises(SimilarityError, match=said):
        loss(similarities, 0.5)


@pytest.mark.parametrize("positives", [[0, 1, 2, 3], [1, 0, 3], [1, 0, 3, 9], [1, 0, 3, -1]])
def test_a_view_without_another_as_its_positive_is_refused(positives):
    with pytest.raises(SimilarityError, match="positive"):
        terms(np.eye(4), 0.5, np.array(positives))


@pytest.mark.parametrize(
    ("projections", "said"),
    [(np.full((4, 2), np.nan), "diverged"), (np.ones((4, 2)), "length 1"), (np.ones(4), "matrix")],
)
def test_projections_that_are_no_unit_vectors_are_refused(projections, said):
    with pytest.raises(SimilarityError, match=said):
        cosines(projections)


def test_cosines_of_float32_vectors_never_leave_their_range():
    similarities = cosines(np.repeat(unit_vectors(12, seed=3), 2, axis=0))
    assert np.abs(similarities).max() <= 1
    assert by_hand.loss(similarities, MIN_TEMPERATURE) >= 0
