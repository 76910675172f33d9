"""Can't be solved: pictures that stay the same, how often nets are right about them, and what is said of that."""

from __future__ import annotations

import gc
import html
import math
import time
import weakref
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from backends.data.pictures import PictureSet
from backends.engine.checkpoints import CheckpointError
from backends.pretext import shipped
from backends.pretext.config import RotationConfig
from backends.pretext.solvable import SMOOTH, WHY, Graded, graded, turn_distances
from playground.tabs import pretext_unsolvable
from playground.tabs.pretext_state import TAB
from playground.tabs.pretext_unsolvable import (
    CLOSE_UPS_SHOWN,
    EMOJI_SHOWN,
    FLOORS,
    LOOKING,
    Pair,
    close_up_pairs,
    emoji_pairs,
    findings,
    is_ready,
    lay_out_unsolvable,
    measure,
    pictures_html,
    rows_of,
    some_of,
    table_html,
    unsolvable_views,
    wire_unsolvable,
)
from tests.playground.figures.figure_checks import EVIL

NOTE, PICTURES, FINDINGS = range(3)
SIZE = 32


class Net:
    """Answers as it is told to; weakly referable."""

    def __init__(self, answers, data="apples", pictures=None, step=5, **settings) -> None:
        self.config = RotationConfig(data=data, **settings)
        self.step = step
        self.split = SimpleNamespace(held_out=pictures if pictures is not None else picture_set(0))
        self.asked = 0
        self._answers = answers

    def answer(self, images: np.ndarray) -> np.ndarray:
        self.asked += len(images)
        return np.stack([self._answers(image) for image in images]).astype(np.float32)


def picture_set(count: int) -> PictureSet:
    """Alternately a ball and a picture of which only the top is bright."""
    images = np.zeros((count, SIZE, SIZE, 3), np.uint8)
    images[::2, 8:24, 8:24] = 255
    images[1::2, :4] = 255
    return PictureSet("own", images, {}, tuple(f"{EVIL} {i}" for i in range(count)), "", "")


def brightest_side(image: np.ndarray) -> np.ndarray:
    """Knows that the bright side is up; of four equal sides the first."""
    sides = [image[:4], image[:, :4], image[-4:], image[:, -4:]]  # where the top is after 0 to 3 quarters
    return np.eye(4)[int(np.argmax([side.mean() for side in sides]))]


def even(image: np.ndarray) -> np.ndarray:
    return np.full(4, 0.25)


@pytest.fixture
def net(session, monkeypatch):
    """The shipped model is this one."""

    def put(model):
        monkeypatch.setattr(shipped, "load", lambda name: model)
        monkeypatch.setattr(shipped, "origin", lambda name: "Trained earlier.")
        return model

    return put


def test_every_shown_picture_is_the_same_after_its_turn():
    for pair, limit in [*((p, 0.03) for p in emoji_pairs()), *((p, 0.07) for p in close_up_pairs())]:
        distance = turn_distances(pair.image[None])[0]
        assert distance[4 // pair.equal - 1] < limit, pair.name
        np.testing.assert_array_equal(pair.turned, np.rot90(pair.image, 4 // pair.equal))


def test_things_are_shown_once_whoever_drew_them():
    things = [pair.name.split(" (")[0] for pair in emoji_pairs()]
    assert len(things) == len(set(things)) > EMOJI_SHOWN
    assert {pair.equal for pair in emoji_pairs()} == {2, 4}
    assert {pair.equal for pair in close_up_pairs()} == {4}
    assert SMOOTH["leaf"] == 0
    assert all(pair.name.startswith("close-up, ") for pair in close_up_pairs())


def test_other_pictures_are_others_until_all_were_seen():
    pairs = list(range(10))
    assert [some_of(pairs, number, 4) for number in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]]
    assert some_of(pairs[:3], 5, 4) == [0, 1, 2]
    shown = [pictures_html(number) for number in range(3)]
    assert len(set(shown)) == 3
    assert all(page.count("<figure") == EMOJI_SHOWN + CLOSE_UPS_SHOWN for page in shown)


def test_names_are_escaped():
    page = pretext_unsolvable._pair_html(Pair(EVIL, 2, np.zeros((8, 8, 3), np.uint8)))
    assert "<img src=x" not in page
    assert html.escape(EVIL) in page
    assert "180°" in page
    assert "<img src=x" not in table_html([Graded(EVIL, 1, 1, 0, 0, 1)])


def test_a_net_that_says_a_quarter_each_has_exactly_the_least_loss_of_a_ball():
    balls = picture_set(6).images[::2]
    row = graded("Balls", Net(even), balls)
    assert row.loss == pytest.approx(math.log(4), abs=1e-6)
    assert row.floor == pytest.approx(math.log(4))
    assert row.right == row.equal == 0.25
    sure = graded("Balls", Net(brightest_side), balls)
    assert sure.right == 0.25, "four equal pictures get one answer, and it is right once"
    assert sure.loss > 10


def test_what_can_be_solved_costs_nothing_to_who_knows():
    row = graded("Tops", Net(brightest_side), picture_set(6).images[1::2])
    assert (row.right, row.floor, row.equal, row.count) == (1.0, 0.0, 1.0, 3)
    assert row.loss == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("data", "word"), [("emoji", "Emoji"), ("own", "Your pictures")])
def test_who_learned_from_other_pictures_is_asked_about_those_first(data, word):
    model = Net(brightest_side, data, picture_set(10))
    rows = measure(model)
    assert [row.title for row in rows] == [
        f"{word} that can be solved", f"{word} that can’t", "Whole apples", "Apples from close",
    ]  # fmt: skip
    assert [(row.count, row.right) for row in rows[:2]] == [(5, 1.0), (5, 0.25)]
    assert any("not from apples" in said for said in findings(rows, model))


def test_who_learned_from_apples_is_asked_about_apples_alone():
    rows = measure(Net(even))
    assert [(row.title, row.floor > 0) for row in rows] == [("Whole apples", False), ("Apples from close", True)]
    assert measure(Net(even, "own"))[0].title == "Whole apples", "its pictures are not here"


def test_sentences_say_how_far_a_net_is_above_guessing_and_whether_it_is_too_sure():
    def said(right, loss):
        return findings([Graded("Near", 100, right, loss, math.log(4), 0.25)], Net(even))[0]

    assert said(0.25, 1.38) == "Near: 25% right, where guessing among equal answers gives 25%."
    assert "does differ between the turned copies" in said(0.4, 1.38)
    assert "Its loss, 1.80, is larger than if it called all four equally likely" in said(0.25, 1.8)
    assert findings([Graded("Whole", 100, 1, 0, 0, 1)], Net(even)) == []
    lit = Net(even, light_from_above="on")
    assert findings([], lit) == ["It was trained with a shortcut; here every picture is without it."]


def test_the_page_says_why_and_what_the_least_loss_is(session, net):
    net(Net(even))
    views = unsolvable_views(session)
    assert "Trained earlier." in views[NOTE]
    assert html.escape(FLOORS) in views[FINDINGS]
    assert html.escape(WHY) in views[FINDINGS]
    assert views[FINDINGS].count("<tr") == 3


def test_without_any_net_the_pictures_are_shown_all_the_same(session, monkeypatch):
    def missing(name):
        raise CheckpointError("missing")

    monkeypatch.setattr(shipped, "load", missing)
    views = unsolvable_views(session)
    assert "press Train" in views[NOTE]
    assert "<figure" in views[PICTURES]
    assert "<table" not in views[FINDINGS]
    assert is_ready(session)


def test_a_net_is_asked_once_and_another_anew(session, net):
    first = net(Net(even))
    rows_of(session, first)
    asked = first.asked
    assert rows_of(session, first) is rows_of(session, first)
    assert first.asked == asked > 0
    own = Net(brightest_side)
    session.runs[TAB] = SimpleNamespace(frozen=own)
    assert not is_ready(session)
    rows_of(session, own)
    assert is_ready(session)
    assert own.asked == asked


def test_a_net_that_went_is_not_kept_alive(session, net):
    session.runs[TAB] = SimpleNamespace(frozen=Net(even))
    rows_of(session, session.runs[TAB].frozen)
    gone = weakref.ref(session.runs.pop(TAB).frozen)
    gc.collect()
    assert gone() is None
    net(Net(even))
    assert not is_ready(session)


def test_the_first_visit_says_that_it_is_looking_and_the_next_is_quick(store, session, net):
    net(Net(even))
    with gr.Blocks() as demo, gr.Tabs(), gr.Tab("x") as tab:
        part = lay_out_unsolvable()
        wire_unsolvable(store, part, tab)
    on_open, on_again = (fn.fn for fn in demo.fns.values())
    request = SimpleNamespace(session_hash="page")
    emoji_pairs()
    looking, views = on_open(request)
    assert LOOKING in looking[NOTE]
    begun = time.perf_counter()
    (other,) = on_again(request)
    assert time.perf_counter() - begun < 3
    assert other[PICTURES] != views[PICTURES]
    assert other[FINDINGS] == views[FINDINGS]


def test_the_shipped_net_is_right_about_apples_and_not_about_close_ups():
    whole, near = measure(shipped.load("rotation"))
    assert whole.right > 0.97
    assert near.right < 0.55
    assert near.loss > whole.loss + 1
    assert near.floor == pytest.approx(math.log(4))
