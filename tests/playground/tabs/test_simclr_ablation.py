from __future__ import annotations

from backends.simclr.experiments import FULL, AblationRow
from playground.tabs.simclr_ablation import changes_of, chart_of, conclusion, first_views

ROWS = [
    AblationRow(FULL, {"knn_colour": 0.5, "knn_shape": 0.8}),
    AblationRow("hue", {"knn_colour": 0.95, "knn_shape": 0.4}),
    AblationRow("crop", {"knn_colour": 0.45, "knn_shape": 0.7}),
]
LABELS = {"colour": "Colour", "shape": "Shape"}


def test_changes_are_points_against_the_full_run():
    changes = changes_of(ROWS)
    assert list(changes) == ["hue", "crop"]
    assert round(changes["hue"]["knn_colour"]) == 45
    assert round(changes["crop"]["knn_shape"]) == -10
    assert changes_of([]) == {}


def test_the_conclusion_names_the_largest_loss_and_gain():
    text = conclusion(ROWS, LABELS)
    assert "Without hue, Shape loses 40 points" in text
    assert "without hue, Colour gains 45" in text
    assert "first run" in conclusion(ROWS[:1], LABELS)
    same = [ROWS[0], AblationRow("flip", dict(ROWS[0].scores))]
    assert "No augmentation" in conclusion(same, LABELS)


def test_runs_to_come_are_rows_without_numbers():
    figure = chart_of(ROWS[:2], LABELS, ["hue", "crop"])
    assert figure["data"][0]["y"] == ["without hue", "without crop"]
    assert figure["data"][0]["z"][1] == [None, None]
    assert len(first_views(None)) == 2
