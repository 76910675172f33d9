"""The chart of labels on a logarithmic scale."""

from __future__ import annotations

import json
import math

import pytest

from backends.start.labels import IMAGENET_LABELS, LAION_PAIRS, LEAST_SECONDS, MOST_SECONDS
from playground.figures.label_scale import label_scale, seconds_words, years_words


def marks(figure):
    return [trace for trace in figure["data"] if "markers" in trace["mode"]]


@pytest.mark.parametrize("seconds", [LEAST_SECONDS, 1.0, 2.5, MOST_SECONDS])
def test_every_number_of_labels_is_on_the_axis(seconds):
    figure = label_scale(seconds, measured=True)
    low, high = figure["layout"]["xaxis"]["range"]
    counts = [mark["x"][0] for mark in marks(figure)]
    assert counts[-2:] == [IMAGENET_LABELS, LAION_PAIRS]
    assert counts[0] == pytest.approx(60 / seconds)
    assert all(low <= math.log10(count) <= high for count in counts)
    json.dumps(figure, allow_nan=False)


def test_a_slower_hand_needs_more_years_and_the_chart_says_whose_pace_it_is():
    slow, fast = label_scale(4.0, measured=True), label_scale(0.4, measured=False)
    assert "At your pace: 4.0 s" in slow["layout"]["title"]["text"]
    assert "your" not in fast["layout"]["title"]["text"]
    assert years_words(4 * LAION_PAIRS / 1800 / 3600) in marks(slow)[-1]["text"][0]
    assert marks(slow)[-1]["text"] != marks(fast)[-1]["text"]


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
