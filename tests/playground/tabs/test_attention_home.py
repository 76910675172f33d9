"""What a visitor takes home of "LSTM against transformer"."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from backends.attention.notebook import Standing, notebook_of
from backends.attention.recall_config import RecallConfig
from playground.session import Run
from playground.tabs.attention_home import NO_RUN, build_take_home, take_curve, take_notebook
from playground.tabs.attention_recall import TAB, make_trainer
from tests.playground.fakes import alerts

SMALL = RecallConfig(distance=5, steps=20, batch=8, seed=3)
REQUEST = SimpleNamespace(session_hash="page")
TAKES = (take_notebook, take_curve)


@pytest.fixture
def run(store, session) -> Run:
    """One that has not begun."""
    session.runs[TAB] = Run(make_trainer(store, session, SMALL), store.device_lock)
    return session.runs[TAB]


def finish(run: Run) -> None:
    while not run.done:
        run.pull()


@pytest.mark.parametrize("take", TAKES)
def test_before_a_run_has_begun_a_sentence_says_what_to_do(take, run, tmp_path):
    assert take(None, tmp_path) == (None, NO_RUN)
    assert take(run, tmp_path) == (None, NO_RUN)
    assert list(tmp_path.iterdir()) == []


def test_the_notebook_is_of_this_very_run(run, tmp_path):
    finish(run)
    path, said = take_notebook(run, tmp_path)
    scores = run.trainer.evaluate()
    frozen = run.frozen.scores()
    accuracy = {net: scores[f"{net}_accuracy"] for net in ("transformer", "lstm")}
    standing = Standing(20, accuracy, {net: loss for net, (_, loss) in frozen.items()})
    assert json.loads(path.read_text(encoding="utf-8")) == notebook_of(SMALL, standing)
    assert "up to step 20, seed 3" in said


def test_a_run_that_pauses_is_taken_home_as_far_as_it_is(run, tmp_path, monkeypatch):
    monkeypatch.setattr("backends.attention.recall.SLICE_SECONDS", 0.0)
    for _ in range(4):
        run.pull()
    path, said = take_notebook(run, tmp_path)
    assert "up to step 4," in said
    assert "steps = 4 " in json.dumps(json.loads(path.read_text(encoding="utf-8")))


def test_the_curves_have_a_line_for_every_point(run, tmp_path, monkeypatch):
    monkeypatch.setattr("backends.attention.recall.SLICE_SECONDS", 0.0)
    finish(run)
    path, said = take_curve(run, tmp_path)
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert [int(row["step"]) for row in rows] == [point.step for point in run.history] == list(range(1, 21))
    for row, point in zip(rows, run.history, strict=True):
        for name, value in row.items():
            if name not in ("step", "seconds"):
                assert float(value) == point.metrics[name], name
    assert "20 points" in said


def test_each_visitor_gets_a_file_of_the_own_run_in_a_folder_of_the_own(store, session, run, tmp_path):
    with gr.Blocks() as demo:
        build_take_home(store, lambda session: session.runs.get(TAB))
    for block in demo.blocks.values():
        block.GRADIO_CACHE = str(tmp_path)
    events = {event.api_name: event for event in demo.fns.values() if event.fn}
    for name in ("attention_notebook", "attention_curve"):
        path, said = events[name].fn(REQUEST)
        assert path is None
        assert alerts(said)
    finish(run)
    paths = {Path(events[name].fn(REQUEST)[0]) for name in ("attention_notebook", "attention_curve")}
    assert {path.name for path in paths} == {"recall.ipynb", "recall.csv"}
    (folder,) = {path.parent for path in paths}
    assert folder.parent == tmp_path / "take-home"
    path, said = events["attention_notebook"].fn(SimpleNamespace(session_hash="another"))
    assert path is None
    assert alerts(said)
