from __future__ import annotations

import pytest

from backends.word2vec import schedule


def test_over_chunks_the_rate_falls_in_a_straight_line_to_almost_zero():
    line = schedule.over_chunks(0.5, 10)
    assert [line.at(chunk) for chunk in (0, 2, 5)] == pytest.approx([0.5, 0.4, 0.25])
    assert line.at(10) == pytest.approx(0.5 * schedule.FINAL_SHARE)
    assert line.at(1000) == line.at(10)


def test_over_seconds_the_rest_of_the_line_ends_with_the_budget():
    line = schedule.over_seconds(0.5, chunk=30, progress=0.4, chunks_left=60)
    assert line.at(30) == pytest.approx(0.3)
    assert line.at(60) == pytest.approx(0.15)
    assert line.at(90) == pytest.approx(0.5 * schedule.FINAL_SHARE)


@pytest.mark.parametrize("chunks_left", [0.0, 0.3])
def test_over_seconds_an_empty_rest_is_no_division_by_zero(chunks_left):
    line = schedule.over_seconds(0.5, chunk=7, progress=1.0, chunks_left=chunks_left)
    assert line.at(7) == pytest.approx(0.5 * schedule.FINAL_SHARE)


def test_the_rate_never_rises_along_a_line():
    line = schedule.over_seconds(1.0, chunk=5, progress=0.1, chunks_left=40)
    rates = [line.at(chunk) for chunk in range(5, 80)]
    assert rates == sorted(rates, reverse=True)
    assert min(rates) > 0
