"""The charts of "Why it scales"."""

from __future__ import annotations

import math

import pytest

from playground.figures import style
from playground.figures.scale import OURS, PUBLISHED, ScalePoint, in_words, loss_chart, scale_chart
from tests.playground.figures.figure_checks import check


def point(**changes) -> ScalePoint:
    told = {"name": "GPT-3", "parameters": 175e9, "tokens": 300e9, "colour": style.GOOD, "symbol": PUBLISHED}
    return ScalePoint(**{**told, "side": "bottom center", **changes})


def curve(amounts=(1e5, 1e6), losses=(4.5, 4.0)):
    return loss_chart(amounts, losses, title="t", unit="parameters", colour=style.ACCENT)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (340e6, "340 M"), (1.5e9, "1.5 B"), (175e9, "175 B"), (1e12, "1 T"), (11e9, "11 B"), (523_000, "523 K"),
        (999_900, "1 M"), (1_234_567, "1.2 M"), (999, "999"),
    ],
)  # fmt: skip
def test_numbers_are_said_as_in_the_lecture(number, words):
    assert in_words(number) == words


@pytest.mark.parametrize("count", [0, 1, 6])
def test_plotly_accepts_the_chart_of_sizes(count):
    check(scale_chart([point(symbol=OURS)] * count))


def test_each_model_stands_at_its_place_with_its_name_and_number():
    (trace,) = scale_chart([point()])["data"]
    assert (trace["x"], trace["y"]) == ([175e9], [300e9])
    assert trace["text"] == ["GPT-3 175 B"]
    assert trace["hovertext"] == ["GPT-3: 175 B parameters, 300 B tokens read"]


def test_both_axes_are_logarithmic_and_hold_the_largest_and_our_smallest():
    layout = scale_chart([])["layout"]
    for axis in (layout["xaxis"], layout["yaxis"]):
        assert axis["type"] == "log"
        low, high = axis["range"]
        assert low <= math.log10(1e5)
        assert high >= math.log10(1e12)
    assert "parameters" in layout["xaxis"]["title"]["text"]
    assert "tokens" in layout["yaxis"]["title"]["text"]


def test_an_estimate_is_hollow_and_says_so():
    sure, guess = scale_chart([point(), point(sure=False)])["data"]
    assert guess["marker"]["symbol"] == sure["marker"]["symbol"] + "-open"
    assert "estimated" in guess["hovertext"][0]
    assert "estimated" not in sure["hovertext"][0]


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_plotly_accepts_the_losses(count):
    check(curve([10.0**i for i in range(count)], [4.0] * count))


def test_every_loss_is_at_its_point_and_every_amount_below_it():
    figure = curve()
    assert figure["data"][0]["text"] == ["4.50", "4.00"]
    assert figure["layout"]["xaxis"]["tickvals"] == [1e5, 1e6]
    assert figure["layout"]["xaxis"]["ticktext"] == ["100 K", "1 M"]
    assert figure["layout"]["yaxis"]["title"]["text"] == "nats a token"


@pytest.mark.parametrize("losses", [(4.5, 4.0), (4.0, 4.5), (4.0, 4.0)])
def test_no_point_touches_the_frame(losses):
    layout = curve(losses=losses)["layout"]
    low, high = layout["yaxis"]["range"]
    assert low < min(losses)
    assert high > max(losses)
    assert layout["xaxis"]["range"][0] < 5 < 6 < layout["xaxis"]["range"][1]
