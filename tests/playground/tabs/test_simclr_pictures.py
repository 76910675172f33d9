"""What the SimCLR tab has pictures for; what every tab does with them is tested in `test_pictures`."""

from __future__ import annotations

import html
import json

import gradio as gr
import numpy as np
import pytest

from backends.data import splits
from backends.simclr.config import SimCLRConfig
from playground import controls
from playground.own_pictures import take_own_pictures
from playground.tabs import pictures, simclr_augment
from playground.tabs.picture_filters import EVERY, HELD_OUT, TRAINING
from playground.tabs.simclr_pictures import HELD_OUT_NOTE, TRAINING_NOTE, USE
from playground.tabs.simclr_state import BENCH_PICTURE, pick, picked
from tests.playground.tabs.test_pictures import EVIL, FACTOR, GRID, MATCHING, NOTE, ORIGIN, made_up

OWN = SimCLRConfig(data="own")


def open_views(session, data="own", shortcut="none"):
    return pictures.opened_views(USE, session, (data, shortcut, "32"), {"ratio": 1, "back": False})


def ask(session, data="own", shortcut="none", side=TRAINING, factor=EVERY):
    return pictures.filter_views(USE, session, (data, shortcut, "32"), side, factor, EVERY)


def click(session, values, index):
    """Click the index-th of the pictures that these values show; returns what is said, as text."""
    event = {"index": index, "id": json.loads(values[GRID])["id"]}
    return html.unescape(pictures.pick_shown(USE, session, event))


@pytest.fixture
def own(session):
    """40 pictures of the visitor's own."""
    take_own_pictures(session, made_up(40))


@pytest.fixture
def few_apples(monkeypatch):
    """The renderer itself, on few apples."""
    splits._built_in.cache_clear()
    monkeypatch.setattr(splits, "TRAINING_APPLES", 80)
    monkeypatch.setattr(splits, "HELD_OUT_APPLES", 20)
    yield
    splits._built_in.cache_clear()


def test_a_picked_picture_is_put_on_the_bench_in_place_of_what_was_there(session, own):
    values = open_views(session)
    assert TRAINING_NOTE in values[NOTE]
    session.uploads[BENCH_PICTURE] = np.zeros((8, 8, 3), np.uint8)
    note = click(session, values, 3)
    name = json.loads(values[GRID])["names"][3]
    assert note == f'<p class="answer">Picked: {name}. Under Augmentations you see its views.</p>'
    assert name.startswith(EVIL)
    assert simclr_augment.bench_picture(session, OWN)[1] == name


def test_held_out_pictures_do_not_go_on_the_bench(session, own):
    open_views(session)
    session.uploads[BENCH_PICTURE] = brought = np.zeros((8, 8, 3), np.uint8)
    values = ask(session, side=HELD_OUT)
    assert json.loads(values[GRID])["pickable"] is False
    assert HELD_OUT_NOTE in html.unescape(values[NOTE])
    assert HELD_OUT_NOTE in click(session, values, 1)
    assert picked(session, "own") == 0
    assert session.uploads[BENCH_PICTURE] is brought


def test_at_first_and_after_other_pictures_came_the_first_picture_is_on_the_bench(session, own):
    values = open_views(session)
    assert json.loads(values[GRID])["chosen"] is not None, "and it is marked"
    pick(session, "own", 5)
    assert picked(session, "own") == 5
    take_own_pictures(session, made_up(12))
    assert picked(session, "own") == 0


def test_a_picture_that_the_bench_picked_is_marked_in_the_grid(session, own):
    shown = json.loads(open_views(session)[GRID])
    session.uploads[BENCH_PICTURE] = np.zeros((8, 8, 3), np.uint8)
    pick(session, "own", 5)
    assert BENCH_PICTURE not in session.uploads
    again = json.loads(open_views(session)[GRID])
    assert again["names"] == shown["names"]
    assert again["names"][again["chosen"]] == simclr_augment.bench_picture(session, OWN)[1]


def test_apples_are_shown_with_their_factors(session, few_apples):
    values = open_views(session, "apples", "colour")
    assert "80 training pictures; 60 are shown." in html.unescape(values[MATCHING])
    assert ("Colour", "colour") in values[FACTOR]["choices"]
    tied = ask(session, "apples", "colour", factor="background")
    assert "white stripes" in json.loads(tied[GRID])["captions"]


def test_the_shortcut_is_told_only_where_there_is_one(session, few_apples):
    assert "shortcut" not in open_views(session, "apples")[ORIGIN]
    for factor in ("colour", "shape"):
        assert f"each {factor} has a background of its own" in open_views(session, "apples", factor)[ORIGIN]
    assert "shortcut" not in open_views(session, "emoji", "colour")[ORIGIN]


def test_ids_endpoint_and_what_a_session_keeps_bear_the_name_of_the_tab(store, session, own):
    with gr.Blocks() as demo:
        widgets = controls.build_essential(SimCLRConfig, "simclr") | controls.build_advanced(SimCLRConfig, "simclr")
        part = pictures.lay_out_pictures(USE, store.limits)
        pictures.wire_pictures(store, USE, part, controls.in_config_order(SimCLRConfig, widgets))
    places = ("side", "factor", "class", "others", "matching", "grid", "picked", "origin", "own", "own-note")
    assert {f"simclr-pic-{place}" for place in places} <= {block.elem_id for block in demo.blocks.values()}
    assert "simclr_own_pictures" in {function.api_name for function in demo.fns.values()}
    click(session, open_views(session), 3)
    assert {"simclr_browsing", "simclr_picked"} <= session.uploads.keys()
