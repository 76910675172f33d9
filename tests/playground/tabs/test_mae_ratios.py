"""Why 75 %? on the page: what is drawn, what is said, and when nothing is drawn again."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import gradio as gr
import pytest

from backends.engine.trainer import TrainingError
from backends.mae.config import MAEConfig
from backends.mae.sweep import CurvePoint, RatioPoint
from playground import controls
from playground.own_pictures import take_own_pictures
from playground.session import Run
from playground.tabs.mae_ratios import (
    chart_of,
    curves_of,
    describe,
    differs,
    draw,
    drawn_factors,
    findings,
    first_views,
    lay_out_ratios,
    make_trainer,
    standard_error,
    wire_ratios,
)
from playground.tabs.mae_state import RATIOS, TAB
from tests.backends.simclr.conftest import toy_pictures
from tests.playground.figures.figure_checks import check

SMALL = MAEConfig(data="own", patch="8", width="48", depth=1, decoder_width="32", decoder_depth=1, steps=40, batch=16)
LABELS = {"leaf": "Leaf", "colour": "Colour", "shape": "Shape", "light": "Light"}
TESTED = 500


def point(ratio: float, error: float, step: int = 250, **scores: float) -> RatioPoint:
    known = {f"linear_{name}": scores.get(name, 0.5) for name in LABELS}
    untrained = dict.fromkeys(known, 0.3)
    curve = (CurvePoint(0, 1.1), CurvePoint(step, error))
    return RatioPoint(ratio, step, 250, {"error_ratio": error}, known, untrained, curve)


def said(points, labels=LABELS) -> str:
    return " ".join(findings(points, labels, TESTED))


@pytest.fixture
def run(store, session) -> Run:
    take_own_pictures(session, toy_pictures(60))
    return Run(make_trainer(store, session, SMALL), store.device_lock)


def test_a_clear_best_is_named_with_all_numbers():
    points = [point(0.25, 0.1, shape=0.41), point(0.5, 0.2, shape=0.52), point(0.75, 0.4, shape=0.7)]
    assert "Shape: 41 % at 25 % hidden, 52 at 50, 70 at 75. Clearly best at 75 %." in said(points)


def test_a_lead_within_noise_is_called_so():
    points = [point(0.25, 0.1, shape=0.41), point(0.5, 0.2, shape=0.67), point(0.75, 0.4, shape=0.7)]
    assert "Best at 75 %, though 50 % may be as good: that is within noise." in said(points)
    level = [point(ratio, ratio, shape=0.5 + ratio / 100) for ratio in (0.25, 0.5, 0.75)]
    assert "within noise: no ratio is clearly better" in said(level)
    assert "Clearly best" not in said(level)


def test_the_noise_is_that_of_the_test_pictures():
    assert standard_error(0.5, 500) == pytest.approx(0.0224, abs=1e-4)
    assert "With 500 test pictures a score near 50 % is uncertain by about ± 2 points" in said([point(0.25, 0.1)])
    assert not differs(0.5, 0.56, 500)
    assert differs(0.5, 0.57, 500)
    assert differs(0.5, 0.53, 50_000)
    assert not differs(1.0, 1.0, 500)


def test_easy_puzzles_are_told_from_good_features_only_where_the_run_says_so():
    easy = [point(0.25, 0.1, shape=0.4, light=0.5), point(0.75, 0.4, shape=0.6, light=0.5)]
    text = said(easy)
    assert "the easier the puzzle: the error is 10% of guessing at 25 %, 40% at 75 %." in text
    assert "does not make the best features: see Shape." in text
    level = said([point(0.25, 0.1), point(0.75, 0.4)])
    assert "easier the puzzle" in level
    assert "best features" not in level
    assert "taught the most" not in level
    lost = said([point(0.25, 0.1, colour=0.9), point(0.75, 0.4, colour=0.5)])
    assert "best features" not in lost
    assert "Of Colour, though, the easiest puzzle taught the most" in lost
    odd = said([point(0.25, 0.4, shape=0.4), point(0.75, 0.1, shape=0.6)])
    assert "does not simply rise" in odd
    assert "easier the puzzle" not in odd


def test_what_is_not_over_is_said_to_be_so_and_before_the_first_step_nothing_is_claimed():
    assert said([point(0.25, 0.1), point(0.75, 0.4, step=100)]).startswith("So far:")
    assert "So far" not in said([point(0.25, 0.1), point(0.75, 0.4)])
    (only,) = findings([point(0.25, 1.1, step=0), point(0.75, 1.1, step=0)], LABELS, TESTED)
    assert "same weights" in only


def test_factors_that_no_ratio_taught_are_warned_of():
    young = said([point(0.25, 0.1, shape=0.27), point(0.75, 0.4, shape=0.3)])
    assert "After 250 steps no ratio's features tell more of Shape than an untrained net's do." in young
    assert "raise Steps" in young
    assert "raise Steps" not in said([point(0.25, 0.1, shape=0.27), point(0.75, 0.4, shape=0.31)])


def test_errors_that_are_no_numbers_are_not_talked_about():
    text = said([point(0.25, math.nan), point(0.75, 0.4)])
    assert "nan" not in text
    assert "puzzle" not in text


def test_telling_factors_are_drawn_and_of_other_pictures_the_first_three():
    points = [point(0.25, 0.1), point(0.75, 0.4)]
    assert drawn_factors(points, LABELS) == ["colour", "shape", "light"]
    others = {name: name for name in ("a", "b", "c", "d")}
    renamed = [replace(each, scores={f"linear_{name}": 0.5 for name in others}) for each in points]
    assert drawn_factors(renamed, others) == ["a", "b", "c"]
    unprobed = [replace(each, scores={}) for each in points]
    assert drawn_factors(unprobed, {"folder": "Folder"}) == []
    assert "one class only" in said(unprobed, {"folder": "Folder"})
    check(chart_of(unprobed, {"folder": "Folder"}, TESTED))


def test_charts_hold_every_ratio():
    points = [point(0.25, 0.1), point(0.75, 0.4)]
    check(chart_of(points, LABELS, TESTED))
    curves = curves_of(points)
    check(curves)
    assert [note["text"] for note in curves["layout"]["annotations"]] == ["25% hidden: 10%", "75% hidden: 40%"]
    assert curves["layout"]["xaxis"]["range"] == [0, 250]


def test_nothing_is_drawn_again_until_something_new_was_measured(session, run):
    chart, curves, text = draw(session, run, True)
    assert len(json.loads(curves)["data"]) == 4
    assert "same weights" in text
    assert draw(session, run, False) == [None, None, None]
    assert draw(session, run, True) == [chart, curves, text]
    while not run.done:
        run.pull()
    fresh = draw(session, run, False)
    assert None not in fresh
    assert fresh[0] != chart
    assert "Colour" in fresh[2] or "colour" in fresh[2]
    assert "So far" not in fresh[2]
    assert draw(session, run, False) == [None, None, None]


def test_the_line_says_how_far_the_runs_are(run):
    assert describe(run) == "4 runs by turns · CPU"
    while not run.done:
        run.pull()
    assert describe(run) == "4 runs by turns · each at step 10 of 10 · CPU"


def test_own_pictures_that_were_never_brought_are_asked_for(store, session):
    with pytest.raises(TrainingError, match="zip"):
        make_trainer(store, session, SMALL)


def test_the_part_runs_beside_the_tab_s_own_run_and_pauses_it(store, session):
    with gr.Blocks():
        settings = controls.in_config_order(
            MAEConfig, controls.build_essential(MAEConfig, "m") | controls.build_advanced(MAEConfig, "m")
        )
        part = lay_out_ratios(store)
        tab_run = wire_ratios(store, part, settings)
    assert (tab_run.tab, tab_run.pauses) == (RATIOS, (TAB,))
    assert part.panel.train.elem_id == "mae-ratios-train"
    assert len(first_views(session)) == len(tab_run.views) == 3
