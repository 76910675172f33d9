from __future__ import annotations

import itertools
import re

from playground.figures.ablation import ablation_chart
from playground.figures.curves import named_curves
from playground.figures.knowledge import factors_of, knowledge_table, versus_table

SCORES = {"knn_colour": 0.46, "linear_colour": 0.6, "knn_shape": 0.8, "linear_shape": 0.9}
ATTACK = "<img src=x onerror=alert(1)>"


def test_a_table_has_a_row_a_factor_with_bar_number_and_baselines():
    text = knowledge_table(SCORES, {"knn_colour": 0.5}, {"knn_colour": 0.25}, {"colour": "Colour"}, "Known")
    assert factors_of(SCORES) == ["colour", "shape"]
    colour, shape = re.findall(r"<tr><th scope=\"row\">.*?</tr>", text)
    assert "width:46.0%" in colour
    assert "46 %" in colour
    assert "60 %" in colour
    assert 'untrained" style="left:50.0%' in colour
    assert 'pixels" style="left:25.0%' in colour
    assert "tick" not in shape, "without a baseline there is no mark"


def test_two_runs_stand_side_by_side_with_the_difference_in_points():
    other = {**SCORES, "knn_colour": 0.96, "knn_shape": 0.42}
    text = versus_table([("kept", other), ("jittered", SCORES)], {"colour": "Colour", "shape": "Shape"}, "Both")
    assert "−50" in text
    assert "+38" in text
    assert text.index("change down") < text.index("change up")


def test_names_are_never_markup():
    for text in (
        knowledge_table({f"knn_{ATTACK}": 0.5, f"linear_{ATTACK}": 0.5}, {}, {}, {}, ATTACK),
        versus_table([(ATTACK, SCORES), (ATTACK, SCORES)], {"colour": ATTACK}, ATTACK),
        str(ablation_chart(["a"], [ATTACK], [[1.0]], title="t")),
        str(named_curves([(ATTACK, [1], [0.5], "#000", "solid")], 1, title="t", step_title="s")),
    ):
        assert "<img" not in text
        assert "&lt;img" in text


def test_runs_to_come_have_empty_cells():
    figure = ablation_chart(["without crop", "without hue"], ["Colour"], [[-12.4], [None]], title="t")
    assert figure["data"][0]["text"] == [["−12"], [""]]
    assert ablation_chart([], ["Colour"], [], title="t")["data"] == []


def test_labels_at_the_ends_of_lines_keep_apart():
    lines = [(name, [0, 1], [0.5, value], "#000", "solid") for name, value in (("a", 0.5), ("b", 0.51), ("c", 0.9))]
    figure = named_curves(lines, 1, title="t", step_title="s", share=True)
    places = sorted(annotation["y"] for annotation in figure["layout"]["annotations"])
    assert all(b - a > 0.19 for a, b in itertools.pairwise(places))
    assert figure["layout"]["annotations"][0]["text"] == "a 50%"
