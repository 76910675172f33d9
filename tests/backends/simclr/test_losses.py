from __future__ import annotations

import math

import pytest
import torch

from backends.simclr.losses import barlow_twins, nt_xent, simsiam, vicreg


@pytest.fixture
def views():
    generator = torch.Generator().manual_seed(3)
    return torch.randn(2, 7, 5, generator=generator, dtype=torch.float64)


def naive_nt_xent(first, second, temperature):
    """Equation 1 with plain loops."""
    z = [v / v.norm() for pair in zip(first, second, strict=True) for v in pair]
    terms = []
    for i in range(len(z)):
        j = i + 1 if i % 2 == 0 else i - 1
        bottom = sum(math.exp(float(z[i] @ z[k]) / temperature) for k in range(len(z)) if k != i)
        terms.append(-math.log(math.exp(float(z[i] @ z[j]) / temperature) / bottom))
    return sum(terms) / len(terms)


@pytest.mark.parametrize("temperature", [0.05, 0.5, 10.0])
def test_nt_xent_is_the_papers_equation(views, temperature):
    assert float(nt_xent(*views, temperature)) == pytest.approx(naive_nt_xent(*views, temperature), abs=1e-10)


def test_nt_xent_of_identical_embeddings_is_the_log_of_all_others():
    same = torch.ones(6, 4)
    assert float(nt_xent(same, same, 0.1)) == pytest.approx(math.log(11), abs=1e-5)


def test_nt_xent_is_finite_with_finite_gradients_at_the_lowest_temperature(views):
    first, second = (v.clone().float().requires_grad_() for v in views)
    loss = nt_xent(first, second, 0.01)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(first.grad).all()
    assert first.grad.abs().sum() > 0


def test_nt_xent_does_not_depend_on_the_projections_length(views):
    first, second = views
    assert float(nt_xent(3 * first, 0.2 * second, 0.3)) == pytest.approx(float(nt_xent(first, second, 0.3)))


def test_simsiam_sends_gradient_through_the_predictions_only(views):
    first, second, one, other = (v.clone().requires_grad_() for v in (*views, *views.flip(0)))
    loss = simsiam(first, second, one, other)
    expected = -0.5 * (
        torch.cosine_similarity(views[1], views[1]).mean() + torch.cosine_similarity(views[0], views[0]).mean()
    )
    assert loss.item() == pytest.approx(float(expected))
    loss = simsiam(first, second, torch.roll(one, 1, 0), torch.roll(other, 1, 0))
    loss.backward()
    assert first.grad is None
    assert second.grad is None
    assert one.grad.abs().sum() > 0
    simsiam(first, second, one, other.roll(1, 0), stop_gradient=False).backward()
    assert first.grad.abs().sum() > 0


def test_barlow_twins_is_the_papers_sum(views):
    first, second = views
    one = (first - first.mean(0)) / (first.var(0, correction=0) + 1e-4).sqrt()
    other = (second - second.mean(0)) / (second.var(0, correction=0) + 1e-4).sqrt()
    n, d = first.shape
    total = 0.0
    for i in range(d):
        for j in range(d):
            c = float((one[:, i] * other[:, j]).sum() / n)
            total += (1 - c) ** 2 if i == j else 0.005 * c**2
    assert float(barlow_twins(first, second)) == pytest.approx(total / d)


def test_barlow_twins_is_all_but_zero_for_equal_views_of_independent_dimensions():
    generator = torch.Generator().manual_seed(1)
    views = torch.randn(4096, 8, generator=generator)
    assert float(barlow_twins(views, views)) < 1e-3
    assert float(barlow_twins(views, views.flip(0))) > 0.9


def test_vicreg_punishes_collapse_by_its_variance_term():
    collapsed = torch.zeros(16, 4)
    assert float(vicreg(collapsed, collapsed)) == pytest.approx(25 * (1 - math.sqrt(1e-4)))
    generator = torch.Generator().manual_seed(1)
    spread = 2 * torch.randn(4096, 4, generator=generator)
    assert float(vicreg(spread, spread)) < 0.1
    assert float(vicreg(spread, spread.flip(0))) > 100


def test_vicreg_punishes_dimensions_that_say_the_same():
    generator = torch.Generator().manual_seed(1)
    one = 2 * torch.randn(512, 1, generator=generator)
    assert float(vicreg(one.expand(512, 4), one.expand(512, 4))) == pytest.approx(2 * 3 * 4**2, rel=0.2)


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_nt_xent_and_its_gradient_equal_lightlys(temperature):
    from lightly.loss import NTXentLoss

    views = torch.randn(2, 32, 16, generator=torch.Generator().manual_seed(1))
    ours, theirs = views.clone().requires_grad_(), views.clone().requires_grad_()
    mine, other = nt_xent(*ours, temperature), NTXentLoss(temperature)(*theirs)
    mine.backward()
    other.backward()
    assert mine.item() == pytest.approx(other.item(), abs=1e-5)
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=0)
