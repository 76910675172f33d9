from __future__ import annotations

import json
from typing import Any

import gradio as gr
import numpy as np
import pytest

from backends.mae.bench_config import BenchConfig
from backends.mae.config import MAEConfig
from playground.links import query_of, read_query
from playground.own_pictures import take_own_pictures
from playground.session import Run
from playground.tabs import mae, mae_bench, mae_inside, mae_live
from playground.tabs.mae_state import LOADED, TAB, model_of
from tests.backends.simclr.conftest import toy_pictures

TINY = MAEConfig(data="own", patch="8", width="48", depth=1, heads="2", batch=8, steps=10)


@pytest.fixture
def run(store, session) -> Run:
    take_own_pictures(session, toy_pictures(40))
    made = Run(mae_live.make_trainer(store, session, TINY), store.device_lock)
    session.runs[TAB] = made
    return made


def finish(run: Run) -> None:
    while run.pull() is not None:
        pass


def test_only_patches_that_tile_the_picture_are_on_offer():
    assert mae.patch_choices("48", "12")["choices"] == ["2", "4", "6", "8", "12", "16"]
    update = mae.patch_choices("64", "12")
    assert update["choices"] == ["2", "4", "8", "16"]
    assert update["value"] in ("8", "16")
    assert mae.patch_choices("64", "8")["value"] == "8"
    for nonsense in ("", "33", "<b>", "-32"):
        assert "choices" not in mae.patch_choices(nonsense, "4")
    assert mae.patch_choices("32", "x")["value"] == "2"


def test_a_link_brings_settings_map_and_mask(session):
    query = query_of(TAB, {"": MAEConfig(mask_ratio=0.5), "bench_": BenchConfig(ratio=0.25, kind="grid")})
    link = read_query(dict(part.split("=") for part in query.split("&")), {TAB: mae.LINK})
    assert link.problems == []
    config = mae.take_link(session, link)
    assert config == MAEConfig(mask_ratio=0.5)
    assert mae_bench.bench_of(session).config == BenchConfig(ratio=0.25, kind="grid")


def test_a_link_with_a_patch_that_does_not_fit_says_so_and_keeps_the_defaults():
    link = read_query({"tab": TAB, "patch": "12", "bench_ratio": "nan"}, {TAB: mae.LINK})
    assert "cut into patches of" in " ".join(link.problems)
    assert "bench_ratio" in " ".join(link.problems) or "ratio" in " ".join(link.problems)
    assert link.configs[""] == MAEConfig()
    assert link.configs["bench_"] == BenchConfig()


def test_what_is_drawn_follows_the_run(store, session, run):
    driver = session.drive(TAB)
    run.pull()
    film, curve, side, _, near, bench = mae_live.draw(store, session, run, True)
    assert json.loads(film)["run"] == run.id
    assert json.loads(film)["first"] == 0
    assert "guessing the visible mean" in curve
    assert "<table" in side or "know" in side
    assert near
    assert len(json.loads(bench)["hidden"]) == 16, "the run's own patches"
    finish(run)
    film, *_ = mae_live.draw(store, session, run, False)
    steps = json.loads(film)["steps"]
    assert steps[0] == 0
    assert steps[-1] == run.snapshot.step == TINY.steps
    session.stop(TAB, driver)
    whole = json.loads(mae_live.film_of(run, whole=True))
    assert whole["originals"] is not None


def test_training_puts_a_loaded_model_away_and_paints_by_itself(store, session, run):
    session.uploads[LOADED] = (run.frozen, "loaded")
    mae_bench.bench_of(session).painter = "shipped:apples"
    session.drive(TAB)
    run.pull()
    mae_live.draw(store, session, run, True)
    assert LOADED not in session.uploads
    assert mae_bench.bench_of(session).painter == mae_bench.PRESENT
    assert model_of(session)[0] is run.frozen


def test_before_any_training_the_film_says_what_will_come(session):
    film, curve, side, frame, near, bench = mae_live.first_views(session)
    assert film is None
    assert bench is None
    assert "appears while you train" in curve
    assert side
    assert frame
    assert near


def test_inside_shows_the_encoder_of_the_whole_picture_and_the_decoder_of_what_is_seen(store, session, run):
    run.pull()
    note, heads, positions = mae_inside.inside_views(store, session)
    views = json.loads(heads)["views"]
    assert [view["label"] for view in views] == ["Encoder", "Decoder"]
    assert [len(view["rows"]) for view in views] == [16, 16]
    assert "On the bench: toy" in note
    assert np.array(json.loads(positions)["data"][0]["z"], dtype=object).shape == (19, 19)


def test_a_model_with_too_many_patches_says_so_inside(store, session):
    take_own_pictures(session, toy_pictures(40))
    fine = TINY.with_changes(image_size="64", patch="2")
    session.runs[TAB] = Run(mae_live.make_trainer(store, session, fine), store.device_lock)
    note, heads, _ = mae_inside.inside_views(store, session)
    assert "train with larger ones" in note
    assert not isinstance(heads, str)


def test_the_page_that_missed_frames_gets_them_all(store, session, run):
    run.pull()
    for _ in range(3):
        run.pull()
    whole: dict[str, Any] = json.loads(mae_live.film_of(run, whole=True))
    assert whole["first"] == 0
    assert len(whole["steps"]) == len(run.frozen.film)


def test_the_tab_builds_and_opens(store, session):
    with gr.Blocks():
        tab = mae.build_tab(store)
    values = tab.open(session, None)
    assert len(values) == len(tab.outputs)
