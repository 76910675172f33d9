"""What a run's features know, as every tab with pictures shows it."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from backends.data.pictures import Factor
from backends.engine.trainer import Snapshot
from playground import probe_views
from tests.backends.simclr.conftest import toy_pictures
from tests.playground.figures.figure_checks import array, check, rendered

EVIL = "<img src=x onerror=alert(1)>"
SCORES = {"knn_colour": 0.81, "linear_colour": 0.92, "knn_form": 0.63, "linear_form": 0.7}


def model_of(scores=SCORES, pictures=None):
    return SimpleNamespace(
        probed=SimpleNamespace(scores=scores, step=1200),
        untrained=SimpleNamespace(scores=dict.fromkeys(SCORES, 0.3)),
        pixels=dict.fromkeys(SCORES, 0.4),
        split=SimpleNamespace(held_out=pictures if pictures is not None else toy_pictures(8)),
    )


def run_of(history, total=100, **changes):
    snapshot = replace(history[-1], total=total) if history else None
    return SimpleNamespace(frozen=model_of(**changes), history=history, snapshot=snapshot)


def snapshot(step, loss=1.0, **metrics):
    return Snapshot(step, 100, step / 10, {"loss": loss, **metrics})


def values(figure):
    return [[float(y) for y in array(trace["y"])] for trace in figure["data"]]


def test_the_table_says_what_the_features_know_of_each_factor():
    table = probe_views.knowledge_html(model_of())
    assert "What the features know, 1,200 steps" in table
    for said in ("81", "92", "63", "70", "left:30.0%", "left:40.0%"):
        assert said in table
    assert table.index("colour") < table.index("form")


def test_without_a_model_or_without_classes_a_sentence_stands_there():
    assert probe_views.WAITING in html.unescape(probe_views.knowledge_html(None))
    assert probe_views.NOTHING_TO_PROBE in html.unescape(probe_views.knowledge_html(model_of(scores={})))


def test_labels_are_text_and_in_the_sets_order():
    pictures = toy_pictures(8)
    pictures.factors["form"] = Factor("form", EVIL, ("square", "bar"), pictures.factors["form"].values)
    assert list(probe_views.labels_of(pictures).items()) == [("colour", "colour"), ("form", EVIL)]
    assert "<img" not in probe_views.knowledge_html(model_of(pictures=pictures))
    figure = json.loads(
        probe_views.knowledge_figure(run_of([snapshot(5, knn_form=0.5, knn_colour=0.2)], pictures=pictures))
    )
    assert not any("<img" in text for text in rendered(figure))


def test_the_curves_are_those_of_the_first_two_factors_where_they_were_probed():
    pictures = toy_pictures(8)
    pictures.factors["third"] = Factor("third", "third", ("a", "b"), pictures.factors["form"].values)
    history = [
        snapshot(0, knn_colour=0.3, knn_form=0.4, knn_third=0.5),
        snapshot(10),
        snapshot(20, knn_colour=0.5, knn_form=0.6, knn_third=0.7),
    ]
    figure = json.loads(probe_views.knowledge_figure(run_of(history, total=50, pictures=pictures)))
    check(figure)
    assert values(figure) == [pytest.approx([0.3, 0.5]), pytest.approx([0.4, 0.6])]
    assert [list(array(trace["x"])) for trace in figure["data"]] == [[0, 20]] * 2
    assert len({trace["line"]["color"] for trace in figure["data"]}) == 2
    assert figure["layout"]["xaxis"]["range"] == [0, 50]


def test_the_loss_is_drawn_over_the_whole_run_with_the_pinned_one_behind():
    history = [snapshot(1, 3.0), snapshot(2, 2.0)]
    figure = json.loads(probe_views.loss_figure(run_of(history)))
    check(figure)
    assert values(figure) == [[3.0, 2.0]]
    assert figure["layout"]["xaxis"]["range"] == [0, 100]
    both = json.loads(probe_views.loss_figure(run_of(history), [snapshot(1, 9.0)]))
    assert values(both) == [[9.0], [3.0, 2.0]]
    assert [trace["line"]["dash"] for trace in both["data"]] == ["dot", "solid"]
    assert "pinned" in both["layout"]["title"]["text"]


def test_before_the_first_step_there_are_charts_without_curves():
    for packed in (
        probe_views.loss_figure(run_of([])),
        probe_views.knowledge_figure(run_of([])),
        probe_views.empty_loss(),
        probe_views.empty_knowledge(),
    ):
        figure = json.loads(packed)
        check(figure)
        assert all(len(ys) == 0 for ys in values(figure))
