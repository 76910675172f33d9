"""Label it yourself: the pictures, and the arithmetic of a pace."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from backends.start.labels import (
    CATEGORIES,
    IMAGENET_LABELS,
    LAION_PAIRS,
    LEAST_SECONDS,
    MOST_SECONDS,
    counted,
    deal,
    labels_within,
    person_years,
)

ROOT = Path(__file__).resolve().parents[3]


def test_ten_pictures_two_of_each_category_and_none_twice():
    asked = deal(4)
    assert sorted(one.category for one in asked) == sorted(list(range(len(CATEGORIES))) * 2)
    assert len({one.name for one in asked}) == 10
    assert all(one.image.shape == (128, 128, 3) for one in asked)
    assert [one.name for one in deal(4)] == [one.name for one in asked]
    assert [one.name for one in deal(5)] != [one.name for one in asked]


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -float("inf"), -5.0, 0.0, 1e12, 1.5])
def test_a_label_counts_a_sane_time_whatever_the_clock_says(seconds):
    assert LEAST_SECONDS <= counted(seconds) <= MOST_SECONDS
    assert counted(1.5) == 1.5


def test_person_years_of_a_pace():
    assert person_years(1.8, 3_600_000) == pytest.approx(1.0)
    assert person_years(2, IMAGENET_LABELS) == pytest.approx(2 * 14_197_122 / 3600 / 1800)
    assert person_years(2, LAION_PAIRS) / person_years(2, IMAGENET_LABELS) == pytest.approx(412.06, abs=0.01)


def test_labels_within_a_time():
    assert labels_within(0.5, 60) == 120
    assert math.isfinite(labels_within(LEAST_SECONDS, 3600))


def test_the_lecture_says_the_same_numbers():
    text = (ROOT / "assets" / "lecture" / "lecture.toml").read_text(encoding="utf-8")
    assert f"ImageNet’s {IMAGENET_LABELS / 1e6:.0f} million labels" in text
    assert f"LAION’s {LAION_PAIRS / 1e9:.2f} billion pictures" in text
    assert f"to {IMAGENET_LABELS / 1e6:.0f} million and to {LAION_PAIRS / 1e9:.2f} billion" in text
