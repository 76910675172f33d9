"""The Pretext tab without a browser: links, bench, what follows a run, loading."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from backends.analysis.map_config import MapConfig
from backends.pretext.task_config import TaskConfig
from playground.components import answers
from playground.links import query_of, read_query
from playground.own_pictures import take_own_pictures
from playground.session import Run
from playground.tabs import pretext, pretext_bench, pretext_live
from playground.tabs.picture_home import take_shipped
from playground.tabs.pretext_bench import bench_of, bench_views, take_pick
from playground.tabs.pretext_bench_view import CELLS
from playground.tabs.pretext_home import HOME
from playground.tabs.pretext_state import TAB, TASK, choose_task, chosen_task, model_for, model_of
from tests.backends.simclr.conftest import toy_pictures

TINY = TaskConfig(data="own", batch=8, steps=10)


def begin(store: Any, session: Any, **changes: Any) -> Run:
    take_own_pictures(session, toy_pictures(60))
    config = TINY.with_changes(**changes)
    made = Run(pretext_live.make_trainer(store, session, config), store.device_lock)
    session.runs[TAB] = made
    choose_task(session, config.task)
    return made


def finish(run: Run) -> None:
    while run.pull() is not None:
        pass


def test_a_link_brings_task_settings_and_map(session):
    query = query_of(TAB, {"": TaskConfig(task="jigsaw", gap=3), "map_": MapConfig(points=300)})
    link = read_query(dict(part.split("=") for part in query.split("&")), {TAB: pretext.LINK})
    assert link.problems == []
    assert pretext.opened_config(session, link) == TaskConfig(task="jigsaw", gap=3)
    assert chosen_task(session) == "jigsaw"
    assert pretext_live.MAP.kept(session) == MapConfig(points=300)


def test_a_link_with_a_gap_that_leaves_no_tiles_says_so():
    link = read_query({"tab": TAB, "task": "jigsaw", "gap": "12"}, {TAB: pretext.LINK})
    assert "at most 6" in " ".join(link.problems)


def test_a_page_opens_with_the_task_that_was_chosen(store, session):
    session.uploads[TASK] = "inpainting"
    config = pretext.opened_config(session, None)
    assert config == TaskConfig(task="inpainting")
    begin(store, session, task="jigsaw")
    session.uploads[TASK] = "inpainting"
    assert pretext.opened_config(session, None) is None, "the run's settings count"
    assert chosen_task(session) == "jigsaw"


def test_only_the_settings_of_the_task_are_seen():
    shown = [update["visible"] for update in pretext.group_updates("inpainting")]
    assert shown == [False, True, False]


def test_an_unknown_task_is_not_chosen(session):
    assert not choose_task(session, "<script>")
    assert chosen_task(session) == "rotation"


def test_the_net_that_answers_is_the_run_s_of_its_task_and_the_shipped_one_s_of_others(store, session):
    run = begin(store, session, task="inpainting")
    assert model_of(session)[0] is run.frozen
    model, line = model_for(session, "rotation")
    assert model is not None
    assert model is not run.frozen
    assert "Trained earlier" in line


def test_a_loaded_net_answers_for_its_task_until_a_training_starts(store, session):
    run = begin(store, session, task="rotation")
    _, changed = take_shipped(HOME, session, "rotation")
    assert changed
    assert model_of(session)[0] is not run.frozen
    driver = session.drive(TAB)
    assert model_of(session)[0] is run.frozen
    session.stop(TAB, driver)
    choose_task(session, "jigsaw")
    assert "Trained earlier" in model_of(session)[1]


@pytest.mark.parametrize(
    ("task", "expected"), [("rotation", "confusion"), ("inpainting", "pt-paintings"), ("jigsaw", "confusion")]
)
def test_what_is_drawn_follows_the_run(store, session, task, expected):
    run = begin(store, session, task=task)
    driver = session.drive(TAB)
    run.pull()
    shown, curve, side, frame, near, bench, _ = pretext_live.draw(store, session, run, True)
    assert expected in shown
    assert "guessing" in curve or "border" in curve
    assert "<table" in side
    assert frame
    assert near
    assert "pt-row" in bench
    finish(run)
    last, *_ = pretext_live.draw(store, session, run, False)
    assert f"{run.snapshot.step:,}" in last
    session.stop(TAB, driver)


def test_a_run_of_another_task_leaves_map_and_bench_of_the_chosen_one_alone(store, session):
    run = begin(store, session, task="inpainting")
    choose_task(session, "rotation")
    run.pull()
    *_, frame, near, bench, _ = pretext_live.draw(store, session, run, True)
    assert frame is near is bench is None


def test_a_shortcut_is_measured_with_and_without(store, session):
    run = begin(store, session, task="rotation", printed_label="on")
    run.pull()
    assert "without it" in pretext_live.curve_figure(run)


def test_paintings_are_those_of_the_beginning_the_way_and_the_end(store, session):
    from backends.engine.trainer import Snapshot

    arrays = [np.full((1,), i // 2) for i in range(40)]
    history = [Snapshot(i, 40, 0.1 * i, {}, {"painted": arrays[i - i % 2]}) for i in range(40)]
    steps = [snapshot.step for snapshot in pretext_live.paintings(history)]
    assert steps[0] == 0
    assert steps[-1] == 38
    assert steps == sorted(set(steps))
    assert len(steps) <= pretext_live.FILMED + 1


# The bench


@pytest.mark.parametrize("task", ["rotation", "inpainting", "jigsaw"])
def test_the_bench_shows_a_puzzle_and_the_nets_answer_before_any_training(session, task):
    choose_task(session, task)
    shown, line = bench_views(session)
    assert "<img" in shown
    assert "net" in shown
    assert "Trained earlier" in line


def test_the_shipped_net_turns_a_held_out_apple_upright(session):
    shown, _ = bench_views(session)
    assert "<b>4 of 4</b>" in shown


def test_clicked_cells_are_the_hole(session):
    choose_task(session, "inpainting")
    assert take_pick(session, "clear")
    assert "There is no hole yet" in bench_views(session)[0]
    for cell in (0, 1, CELLS):
        assert take_pick(session, f"cell:{cell}")
    assert bench_of(session).cells == {0, 1, CELLS}
    shown, _ = bench_views(session)
    assert shown.count('aria-pressed="true"') == 3
    assert f"{3 / CELLS**2:.0%} cut out" in shown
    take_pick(session, "cell:1")
    assert bench_of(session).cells == {0, CELLS}


def test_clicks_faster_than_answers_all_count_and_the_last_answer_shows_them(session):
    choose_task(session, "inpainting")
    take_pick(session, "clear")
    with ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(lambda cell: pretext_bench.picked_views(session, f"cell:{cell}"), range(24)))
    assert bench_of(session).cells == set(range(24))
    shown = [views[0] for views in answered if isinstance(views[0], str)]
    assert any(view.count('aria-pressed="true"') == 24 for view in shown)


def test_a_hole_over_everything_says_what_to_do_and_can_be_mended(session):
    choose_task(session, "inpainting")
    take_pick(session, "clear")
    for cell in range(CELLS**2):
        take_pick(session, f"cell:{cell}")
    assert "leave at least one cell" in bench_views(session)[0]
    take_pick(session, "cell:5")
    assert "the net paints" in bench_views(session)[0]


def test_a_click_on_a_drawn_hole_goes_on_from_it(session):
    choose_task(session, "inpainting")
    take_pick(session, "hole:centre")
    before = re.findall(r'data-pick="cell:(\d+)" aria-pressed="true"', bench_views(session)[0])
    take_pick(session, "cell:0")
    assert bench_of(session).cells == {0, *map(int, before)}
    assert len(before) >= 9


def test_two_clicked_tiles_change_places(session):
    choose_task(session, "jigsaw")
    bench_views(session)
    take_pick(session, "tile:0")
    assert "another tile" in bench_views(session)[0]
    take_pick(session, "tile:4")
    first = bench_of(session).places
    take_pick(session, "tile:0")
    take_pick(session, "tile:4")
    second = bench_of(session).places
    assert first is not None
    assert second is not None
    assert (first[0], first[4]) == (second[4], second[0])
    assert sorted(first) == list(range(9))
    take_pick(session, "tile:2")
    take_pick(session, "tile:2")
    assert bench_of(session).held is None, "put down again"


@pytest.mark.parametrize("sent", ["", "cell:", "cell:64", "cell:-1", "cell:1e3", "tile:9", "hole:<b>", "x", "cell:٣"])
def test_clicks_that_ask_for_nothing_change_nothing(session, sent):
    choose_task(session, "inpainting")
    assert not take_pick(session, sent)
    assert bench_of(session) == pretext_bench.Bench()


def test_a_name_is_shown_as_text(store, session):
    pictures = toy_pictures(60)
    names = tuple("<img src=x onerror=hack()>" for _ in pictures.names)
    from dataclasses import replace

    take_own_pictures(session, replace(pictures, names=names))
    for task in ("rotation", "inpainting", "jigsaw"):
        run = Run(pretext_live.make_trainer(store, session, TINY.with_changes(task=task)), store.device_lock)
        session.runs[TAB] = run
        choose_task(session, task)
        shown, _ = bench_views(session)
        assert "<img src=x" not in shown
        assert "&lt;img src=x" in shown


def test_a_picture_of_ones_own_that_is_none_keeps_what_was_there(session, tmp_path):
    path = tmp_path / "not.png"
    path.write_bytes(b"no picture")
    assert pretext_bench.take_own(session, str(path)) != ""
    assert bench_of(session).own is None
    assert not path.exists()
    assert pretext_bench.take_own(session, None) == answers.problem(
        "No picture arrived: choose a JPEG, PNG, WebP or GIF file."
    )


def test_a_picture_that_is_not_square_is_taken(session, tmp_path):
    from PIL import Image

    path = tmp_path / "wide.png"
    Image.new("RGB", (90, 40), (200, 30, 30)).save(path)
    assert pretext_bench.take_own(session, str(path)) == ""
    for task in ("rotation", "inpainting", "jigsaw"):
        choose_task(session, task)
        assert "your picture" in bench_views(session)[0]
