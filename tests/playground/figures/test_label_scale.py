"""The chart of labels on a logarithmic scale."""

from __future__ import annotations

import math
import re

import pytest

from backends.start.labels import IMAGENET_LABELS, LAION_PAIRS, LEAST_SECONDS, MOST_SECONDS
from playground.figures.label_scale import label_scale, seconds_words, years_words

ROW = re.compile(r'<tr class="(\w+)"><th scope="row">(.*?)</th><td>(.*?)</td></tr>')


def places(figure):
    """Where each row's stem ends, its mark stands and its words begin, in per cent."""
    return [[float(at) for at in re.findall(r"(?:width|left):([\d.]+)%", cell)] for _, _, cell in ROW.findall(figure)]


@pytest.mark.parametrize("seconds", [LEAST_SECONDS, 1.0, 2.5, MOST_SECONDS])
def test_every_number_of_labels_stands_at_its_logarithm(seconds):
    figure = label_scale(seconds, measured=True)
    found = places(figure)
    assert len(found) == 5
    assert all(len(set(row)) == 1 and len(row) == 3 for row in found)
    counts = [60 / seconds, 3600 / seconds, 1800 * 3600 / seconds, IMAGENET_LABELS, LAION_PAIRS]
    power = found[-1][0] / math.log10(LAION_PAIRS)
    for (at, *_), count in zip(found, counts, strict=True):
        assert at == pytest.approx(power * math.log10(count), abs=0.02)
        assert 0 <= at < 70
    axis = figure.partition("<tfoot>")[2]
    thousands = [float(at) / power for at in re.findall(r"left:([\d.]+)%", axis)]
    assert thousands == pytest.approx([0, 3, 6, 9], abs=0.01)
    assert re.findall(r"%\">([^<]+)</span>", axis) == ["1", "1 K", "1 M", "1 B"]


def test_a_slower_hand_needs_more_years_and_the_chart_says_whose_pace_it_is():
    slow, fast = label_scale(4.0, measured=True), label_scale(0.4, measured=False)
    assert "At your pace: 4.0 s a label" in slow
    assert "your" not in fast
    assert [kind for kind, _, _ in ROW.findall(slow)] == ["measured"] * 3 + ["set"] * 2
    assert [kind for kind, _, _ in ROW.findall(fast)] == ["stated"] * 3 + ["set"] * 2
    assert years_words(4 * LAION_PAIRS / 1800 / 3600) in ROW.findall(slow)[-1][2]
    assert years_words(0.4 * LAION_PAIRS / 1800 / 3600) in ROW.findall(fast)[-1][2]


@pytest.mark.parametrize(
    ("years", "said"),
    [
        (771.6, "772 working years"),
        (1543.2, "1,540 working years"),
        (2.16, "2.2 working years"),
        (0.5, "6.0 working months"),
    ],
)
def test_years_are_said_in_few_figures(years, said):
    assert years_words(years) == said


def test_seconds_are_said_in_few_figures():
    assert [seconds_words(seconds) for seconds in (0.05, 0.694, 1.0, 12.34)] == ["0.05 s", "0.69 s", "1.0 s", "12.3 s"]
