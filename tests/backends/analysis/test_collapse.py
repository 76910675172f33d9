from __future__ import annotations

import math

import pytest
import torch

from backends.analysis.collapse import measure_collapse


def rand(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_one_point_for_all_is_complete_collapse():
    same = torch.ones(32, 16)
    measures = measure_collapse(same, same)
    assert measures.alignment == pytest.approx(0, abs=1e-6)
    assert measures.uniformity == pytest.approx(0, abs=1e-5)
    assert measures.spread == pytest.approx(0, abs=1e-3)
    assert measures.kind == "complete"


def test_a_line_is_dimensional_collapse():
    line = torch.cat([rand(64, 1), torch.zeros(64, 31)], dim=1) + 1e-4 * rand(64, 32, seed=1)
    measures = measure_collapse(line, line)
    assert measures.effective_rank < 2
    assert measures.kind == "dimensional"


def test_an_even_spread_uses_all_dimensions():
    cloud = rand(4096, 32)
    measures = measure_collapse(cloud, cloud)
    assert measures.effective_rank == pytest.approx(32, rel=0.02)
    assert measures.spread == pytest.approx(1, abs=0.02)
    assert measures.alignment == pytest.approx(0, abs=1e-6)
    assert measures.uniformity == pytest.approx(-4 + 4 * 4 / (2 * 32), abs=0.1)
    assert measures.kind == "none"


def test_alignment_and_uniformity_are_the_papers_sums():
    first, second = rand(6, 3), rand(6, 3, seed=1)
    one = [v / v.norm() for v in first]
    other = [v / v.norm() for v in second]
    alignment = sum(float((a - b).square().sum()) for a, b in zip(one, other, strict=True)) / 6
    potentials = [math.exp(-2 * float((a - b).square().sum())) for i, a in enumerate(one) for b in one[:i]]
    measures = measure_collapse(first, second)
    assert measures.alignment == pytest.approx(alignment, abs=1e-5)
    assert measures.uniformity == pytest.approx(math.log(sum(potentials) / len(potentials)), abs=1e-5)
