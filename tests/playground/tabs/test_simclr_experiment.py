from __future__ import annotations

import pytest

from backends.engine.trainer import Snapshot
from playground.session import Session
from playground.tabs import simclr_experiment as experiment
from playground.tabs.simclr_experiment import WITH, WITHOUT, scores_of, verdict, verdict_html, vote_labels, votes_of

LABELS = {"colour": "Colour", "shape": "Shape"}


def sides(kept, jittered):
    return {
        WITHOUT: {"knn_colour": kept[0], "knn_shape": kept[1]},
        WITH: {"knn_colour": jittered[0], "knn_shape": jittered[1]},
    }


@pytest.mark.parametrize(
    ("kept", "jittered", "answer", "said"),
    [
        ((0.99, 0.42), (0.46, 0.80), "no", "leave it out"),
        ((0.50, 0.42), (0.70, 0.80), "yes", "helped"),
        ((0.50, 0.42), (0.52, 0.80), "same", "no difference"),
    ],
)
def test_the_verdict_follows_from_the_numbers(kept, jittered, answer, said):
    which, text = verdict(sides(kept, jittered), LABELS)
    assert which == answer
    assert said in text
    assert f"{100 * jittered[0]:.0f}\u00a0%" in text
    assert f"{100 * kept[1]:.0f}\u00a0%" in text


def test_one_factor_is_enough_for_a_verdict():
    scores = {WITHOUT: {"knn_folder": 0.9}, WITH: {"knn_folder": 0.4}}
    assert verdict(scores, {"folder": "Folder"})[0] == "no"


def test_votes_are_counted_on_the_buttons_and_forgotten_when_cleared():
    session = Session("s")
    votes_of(session)["no"] += 2
    assert vote_labels(session) == [
        experiment.CHOICES["yes"],
        f"{experiment.CHOICES['no']} · 2",
        experiment.CHOICES["same"],
    ]
    session.uploads.pop(experiment.VOTES)
    assert vote_labels(session) == list(experiment.CHOICES.values())


def test_metrics_are_parted_into_the_two_sides():
    metrics = {"without_knn_colour": 0.9, "without_loss": 3.0, "with_knn_colour": 0.4, "with_linear_colour": 0.5}
    found = scores_of(Snapshot(1, 2, 0.1, metrics))
    assert found == {WITHOUT: {"knn_colour": 0.9}, WITH: {"knn_colour": 0.4, "linear_colour": 0.5}}
    assert scores_of(None) == {}


def test_before_the_experiment_it_says_what_will_happen():
    text = verdict_html(None, {})
    assert "same weights" in text
    assert "%" not in text


class FakeRun:
    """A finished experiment as the verdict sees it."""

    def __init__(self, kept, jittered, done=True):
        metrics = {f"{side}_{key}": v for side, s in sides(kept, jittered).items() for key, v in s.items()}
        self.snapshot = Snapshot(2, 2, 1.0, metrics, done=done)
        self.done = done

    @property
    def frozen(self):
        from types import SimpleNamespace

        from tests.backends.simclr.conftest import toy_pictures

        pictures = toy_pictures(8)
        from dataclasses import replace

        factors = {"colour": pictures.factors["colour"], "shape": replace(pictures.factors["form"], label="Shape")}
        return SimpleNamespace(
            without=SimpleNamespace(split=SimpleNamespace(held_out=replace(pictures, factors=factors)))
        )


def test_the_room_is_told_how_many_had_it_right_only_when_it_is_over():
    votes = {"yes": 7, "no": 3, "same": 0}
    assert "3 of 10 hands" in verdict_html(FakeRun((0.99, 0.4), (0.46, 0.8)), votes)
    early = verdict_html(FakeRun((0.99, 0.4), (0.46, 0.8), done=False), votes)
    assert "hands" not in early
    assert "so far" in early
