"""A pinned run beside the present one."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from backends.analysis.map_config import MapConfig
from backends.data.pictures import Factor
from backends.simclr.config import SimCLRConfig
from playground.figures.style import points
from playground.live_map import map_of
from playground.own_pictures import take_own_pictures
from playground.pins import PinError, pins_of
from playground.session import Run
from playground.tabs import simclr_live
from playground.tabs.simclr_compare import (
    EMPTY,
    PINNED,
    build_compare,
    comparison,
    mark,
    marks,
    packed_items,
    pin_present,
    sides_of,
    unpin,
)
from playground.tabs.simclr_state import TAB
from tests.backends.simclr.conftest import toy_pictures
from tests.playground.figures.figure_checks import check

EVIL = "<img src=x onerror=alert(1)>"
SMALL = SimCLRConfig(data="own", batch=16, steps=10)
CHOICE, LINE, LOSS, TABLE, LEFT, RIGHT = range(6)


@pytest.fixture
def trained(store, session):
    """Train a run of the visitor's with these changes on a few toy pictures; returns it."""

    def train(pictures=None, **changes) -> Run:
        take_own_pictures(session, pictures if pictures is not None else toy_pictures())
        run = Run(simclr_live.make_trainer(store, session, SMALL.with_changes(**changes)), store.device_lock)
        while run.pull() is not None:
            pass
        session.runs[TAB] = run
        return run

    return train


def test_before_any_pin_a_sentence_says_what_to_do(session):
    values = comparison(session)
    assert html.escape(EMPTY) in values[LINE]
    check(json.loads(values[LOSS]))
    assert values[TABLE:] == ["", None, None]


def test_an_untrained_run_is_not_pinned(session):
    with pytest.raises(PinError, match="press Train"):
        pin_present(session)


def test_both_runs_stand_side_by_side(session, trained):
    trained()
    pin_present(session)
    trained(temperature=1.0, hue=0)
    values = comparison(session)
    assert "Temperature: 0.2 against 1.0" in values[LINE]
    assert "Hue: 0.5 against 0" in values[LINE]
    assert "different pictures" not in values[LINE]
    loss = json.loads(values[LOSS])
    check(loss)
    assert len(loss["data"]) == 2
    for label in ("colour", "form"):
        assert f'<th scope="row">{label}</th>' in values[TABLE]
    left, right = json.loads(values[LEFT]), json.loads(values[RIGHT])
    assert (left["title"], right["title"]) == ("Pinned", "Now")
    assert left["q"] != right["q"]
    assert left["settings"]["colour"] == right["settings"]["colour"] == "factor:colour"
    for side, frame in zip(sides_of(session), (left, right), strict=True):
        items = json.loads(packed_items(side))
        assert items["id"] == frame["items"]
        assert len(items["names"]) == frame["n"]
        assert items["sprite"]


def test_the_table_holds_the_probes_of_either_run(session, trained):
    scores = trained().frozen.probed.scores
    pin_present(session)
    other = trained(seed=2, crop=0.1).frozen.probed.scores
    table = comparison(session)[TABLE]
    for factor in ("colour", "form"):
        change = 100 * (other[f"knn_{factor}"] - scores[f"knn_{factor}"])
        assert f">{points(change)}</td>" in table


def test_a_run_keeps_the_map_that_the_page_has_drawn(session, trained):
    run = trained()
    source = simclr_live.MAP.source(session)
    points = map_of(source, MapConfig(method="pca", dimensions=3, points=20)).frame.points
    pin = pin_present(session)
    assert np.array_equal(pin.points, points)
    frame = json.loads(comparison(session)[LEFT])
    assert (frame["n"], frame["dims"], frame["settings"]["dimensions"]) == (20, 3, 3)
    assert len(json.loads(packed_items(sides_of(session)[0]))["names"]) == 20
    assert pin.frozen is run.frozen


def test_a_click_in_either_map_marks_the_picture_in_both(session, trained):
    trained()
    pin_present(session)
    trained(temperature=1.0, seed=2)
    values = comparison(session)
    for side in (LEFT, RIGHT):
        assert mark(session, {"index": side, "items": json.loads(values[side])["items"]})
        both = [json.loads(value) for value in marks(session)]
        assert [value["asked"] for value in both] == [side, side]
        for value, shown in zip(both, sides_of(session), strict=True):
            assert value["run"] == shown.id
            assert value["near"]
            assert side not in value["near"]
    assert json.loads(comparison(session)[LEFT])["asked"] == RIGHT, "a new frame keeps the mark"


def test_a_forged_click_is_ignored(session, trained):
    trained()
    pin_present(session)
    items = json.loads(comparison(session)[LEFT])["items"]
    for forged in (-1, 10**9, True, "2", None, 1.0):
        assert not mark(session, {"index": forged, "items": items})
    for data in ({"index": 2, "items": "another"}, {"index": 2}, "x", None):
        assert not mark(session, data)
    assert json.loads(comparison(session)[LEFT])["asked"] is None


def test_runs_on_different_pictures_are_compared_in_their_common_factors_only(session, trained):
    trained()
    pin_present(session)
    others = toy_pictures(seed=5)
    renamed = replace(
        others,
        names=tuple(f"other {i}" for i in range(len(others))),
        factors=others.factors | {"form": Factor("form", "form", ("triangle", "star"), others.factors["form"].values)},
    )
    trained(renamed)
    values = comparison(session)
    assert "different pictures, so only colour can be compared" in html.unescape(values[LINE])
    assert '<th scope="row">colour</th>' in values[TABLE]
    assert '<th scope="row">form</th>' not in values[TABLE]
    assert mark(session, {"index": 3, "items": json.loads(values[RIGHT])["items"]})
    assert [json.loads(value)["asked"] for value in marks(session)] == [None, 3]


def test_runs_with_no_factor_in_common_have_no_table(session, trained):
    trained()
    pin_present(session)
    others = toy_pictures(seed=5)
    folder = Factor("folder", EVIL, ("a", EVIL, "c", "d"), others.factors["colour"].values)
    trained(replace(others, names=tuple(EVIL for _ in range(len(others))), factors={"folder": folder}))
    values = comparison(session)
    assert "what the features know can't be compared" in html.unescape(values[LINE])
    assert values[TABLE] == ""
    assert values[LEFT] is not None
    assert json.loads(values[RIGHT])["settings"]["colour"] == "factor:folder"


def test_names_of_a_strangers_folders_are_escaped(session, trained):
    pictures = toy_pictures()
    colour = replace(pictures.factors["colour"], label=EVIL)
    evil = replace(pictures, factors={"colour": colour})
    trained(evil)
    pin_present(session)
    trained(replace(evil, names=tuple(f"other {i}" for i in range(len(evil)))))
    values = comparison(session)
    assert html.escape(EVIL) in values[TABLE]
    assert "<img" not in values[TABLE] + values[LINE]


def test_different_losses_are_said_not_to_compare(session, trained):
    trained()
    pin_present(session)
    trained(loss="barlow-twins")
    assert "don't compare" in json.dumps(json.loads(comparison(session)[LOSS]))


def test_a_pin_without_a_present_run_still_shows(session, trained):
    trained()
    pin_present(session)
    session.runs.clear()
    values = comparison(session)
    assert "press Train" in values[LINE]
    assert values[RIGHT] is None
    assert values[LEFT] is not None
    assert values[TABLE] == ""


def test_the_newest_pin_is_shown_an_older_one_can_be_chosen_and_one_can_go(session, trained):
    trained(temperature=0.1)
    first = pin_present(session)
    trained(temperature=0.5)
    second = pin_present(session)
    assert "the same settings" in comparison(session)[LINE]
    session.uploads[PINNED] = first.id
    assert "Temperature: 0.1 against 0.5" in comparison(session)[LINE]
    session.uploads[PINNED] = "forged"
    assert comparison(session)[CHOICE]["value"] == second.id
    session.uploads[PINNED] = first.id
    unpin(session)
    assert [pin.id for pin in pins_of(session, TAB)] == [second.id]
    assert comparison(session)[CHOICE]["value"] == second.id
    unpin(session)
    unpin(session)
    assert html.escape(EMPTY) in comparison(session)[LINE]


def test_the_live_curve_carries_the_pinned_one(session, trained):
    trained()
    pin_present(session)
    run = trained(temperature=1.0)
    figure = json.loads(simclr_live.loss_figure(session, run))
    check(figure)
    assert [trace["line"]["dash"] for trace in figure["data"]] == ["dot", "solid"]


def test_the_page_asks_for_pictures_and_sends_clicks_to_both_maps(store, session, trained):
    with gr.Blocks() as demo:
        compare = build_compare(store)
    trained()
    pin_present(session)
    assert len(compare.outputs) == len(comparison(session))
    request = SimpleNamespace(session_hash="page")
    events = {(event.targets[0][1], i): event for i, event in enumerate(demo.fns.values())}
    asking = [event.fn(request) for (name, _), event in events.items() if name == "items"]
    assert [json.loads(items)["id"] for items in asking] == [side.items for side in sides_of(session)]
    picks = [event for (name, _), event in events.items() if name == "pick"]
    click = SimpleNamespace(_data={"index": 1, "items": sides_of(session)[0].items})
    assert [json.loads(value)["asked"] for value in picks[0].fn(click, request)] == [1, 1]
    assert picks[1].fn(SimpleNamespace(_data="x"), request) == [gr.skip(), gr.skip()]
