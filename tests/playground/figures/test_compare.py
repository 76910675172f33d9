"""The chart of pinned runs: a panel a group, labels beside the lines, nobody's name as markup."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from playground.figures.compare import (
    COLOURS,
    LABELLED,
    SECOND_ROUND,
    Curve,
    Panel,
    colour_of,
    difference_table,
    panel_chart,
    swatch,
)

EVIL = "<img src=x onerror=alert(1)>"


def curve(run=0, net=0, y=(1.0, 2.0), name="run"):
    return Curve(name, name, run, net, list(range(len(y))), list(y))


def test_nothing_to_draw_is_an_empty_chart_with_its_sentence():
    chart = panel_chart([], empty="Nothing yet")
    assert chart["data"] == []
    assert chart["layout"]["title"]["text"] == "Nothing yet"


@pytest.mark.parametrize("count", range(1, 13))
def test_panels_stay_in_the_chart_and_apart(count):
    chart = panel_chart([Panel(f"P{i}", "steps", [curve(i)]) for i in range(count)], empty="")
    boxes = []
    for i in range(count):
        end = "" if i == 0 else str(i + 1)
        boxes.append((chart["layout"][f"xaxis{end}"]["domain"], chart["layout"][f"yaxis{end}"]["domain"]))
        assert chart["data"][i]["xaxis"] == f"x{end}"
    for (left, right), (bottom, top) in boxes:
        assert -1e-9 <= left < right <= 1 + 1e-9
        assert -1e-9 <= bottom < top <= 1 + 1e-9
    for i, (x, y) in enumerate(boxes):
        for other_x, other_y in boxes[i + 1 :]:
            assert x[1] <= other_x[0] or other_x[1] <= x[0] or y[1] <= other_y[0] or other_y[1] <= y[0]


def test_runs_differ_in_colour_or_in_marks_and_nets_in_dashes():
    chart = panel_chart([Panel("P", "steps", [curve(run) for run in range(12)])], empty="")
    looks = {(trace["line"]["color"], trace["mode"]) for trace in chart["data"]}
    assert len(looks) == 12
    assert chart["data"][len(COLOURS)]["mode"] == SECOND_ROUND
    nets = panel_chart([Panel("P", "steps", [curve(0, net) for net in range(3)])], empty="")
    assert len({trace["line"]["dash"] for trace in nets["data"]}) == 3


def test_labels_do_not_cover_each_other_and_say_the_last_value():
    values = [(0.0, 0.50 + i / 1000) for i in range(LABELLED)]
    chart = panel_chart([Panel("P", "steps", [curve(i, y=y, name=f"n{i}") for i, y in enumerate(values)])], empty="")
    labels = [note for note in chart["layout"]["annotations"] if note.get("yref") == "y"]
    places = sorted(note["y"] for note in labels)
    assert min(np.diff(places)) >= 0.5 / 19
    assert "1 n0 0.5" in {note["text"] for note in labels}


def test_gaps_are_left_out():
    chart = panel_chart([Panel("P", "steps", [curve(y=(1.0, float("nan"), 3.0))])], empty="")
    packed = chart["data"][0]["y"]
    assert np.frombuffer(base64.b64decode(packed["bdata"]), np.float32).tolist() == [1.0, 3.0]


def test_names_are_never_markup():
    chart = panel_chart([Panel(EVIL, EVIL, [curve(name=EVIL)])], empty="")
    table = difference_table([(0, EVIL)], [(EVIL, [(EVIL, [EVIL])])])
    for made in (str(chart), table):
        assert "<img" not in made
        assert "&lt;img" in made


def test_the_list_has_the_colours_of_the_chart():
    assert swatch(0).startswith("--c:var(--accent);")
    assert swatch(3).startswith(f"--c:{colour_of(3)};")
    assert swatch(len(COLOURS)) == swatch(0)


def test_a_net_is_named_at_its_line_where_there_is_room():
    nets = [
        Curve(f"run · {name}", name, 0, i, [0, 1], [0.1, 0.2 + i]) for i, name in enumerate(("LSTM", "transformer"))
    ]
    for many, named in ((1, True), (2, True), (3, False)):
        chart = panel_chart([Panel("P", "steps", nets)] * many, empty="")
        texts = " ".join(note["text"] for note in chart["layout"]["annotations"])
        assert ("1 transformer 1.2" in texts) == named
