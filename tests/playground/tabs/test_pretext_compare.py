"""What each teaches: the table, what is said of it, and the visitor's own run in it."""

from __future__ import annotations

import csv
import json
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from backends.pretext.compare import Comparison
from backends.pretext.config import InpaintingConfig, JigsawConfig, RotationConfig
from playground.tabs import pretext_compare
from playground.tabs.pretext_compare import (
    OWN_ROWS,
    PROBING,
    PROBING_OWN,
    add_own,
    compare_views,
    findings,
    lay_out_compare,
    ordered,
    own_problem,
    own_title,
    table_of,
    wire_compare,
    write_table,
)
from playground.tabs.pretext_state import TAB, TASK

NOTE, CHART, FINDINGS = range(3)
FACTORS = ("colour", "shape", "pose")
ROWS = {
    "rotation": ("Rotation", 0.4, 0.6, 0.9),
    "inpainting": ("Inpainting", 0.8, 0.5, 0.5),
    "jigsaw": ("Jigsaw", 0.5, 0.52, 0.53),
    "simclr": ("SimCLR", 0.3, 0.9, 0.97),
    "mae": ("Masked autoencoder", 0.9, 0.7, 0.5),
    "untrained": ("Untrained net", 0.6, 0.5, 0.5),
    "pixels": ("Raw pixels", 0.7, 0.7, 0.7),
}


def table(rows=ROWS, **changed) -> Comparison:
    """Linear scores as given; neighbours' are 0.1 each."""
    told = {**rows, **changed}
    values = np.array([scores for _, *scores in told.values()], float)
    return Comparison(
        tuple(told),
        tuple(title for title, *_ in told.values()),
        FACTORS,
        tuple(name.capitalize() for name in FACTORS),
        np.full(len(FACTORS), 0.2),
        np.full_like(values, 0.1),
        values,
    )


class Net:
    """A run's frozen copy that knows the mean colour of a picture."""

    def __init__(self, config=None, step=40) -> None:
        self.config, self.step = config or RotationConfig(), step

    def embed(self, images: np.ndarray) -> np.ndarray:
        return images.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)


@pytest.fixture
def shipped(monkeypatch):
    made = table()
    monkeypatch.setattr(pretext_compare, "compare_shipped", lambda: made)
    return made


def ran(session, config=None, step=40) -> Net:
    net = Net(config, step)
    session.runs[TAB] = SimpleNamespace(frozen=net)
    return net


def test_the_sentences_follow_from_the_numbers():
    assert findings(table(), "linear") == [
        "Rotation teaches most about pose: 90%, where an untrained net’s features give 50%; it knows less of colour "
        "than an untrained net, and less of shape and pose than SimCLR.",
        "Inpainting teaches most about colour: 80%, where an untrained net’s features give 60%; it knows less of shape "
        "and pose than SimCLR.",
        "Jigsaw teaches nothing clear beyond what an untrained net’s features tell; it knows less of colour than an "
        "untrained net, and less of shape and pose than SimCLR.",
        "Of all, a linear probe finds most of colour in the masked autoencoder (90%) and of shape in SimCLR (90%).",
        "For 3 of 3 factors (colour, shape, pose) one of the later methods clearly beats every pretext task: on these "
        "apples, that is why they were left behind.",
    ]


def test_what_the_numbers_do_not_say_is_not_said():
    won = table(rotation=("Rotation", 0.95, 0.97, 0.99))
    last = findings(won, "linear")[-1]
    assert last.startswith("For 0 of 3 factors one of the later methods clearly beats every pretext task; for colour")
    assert "left behind" in last
    assert "does not say why" in last
    alike = findings(table(), "knn")
    assert alike[0] == "Rotation teaches nothing clear beyond what an untrained net’s features tell."
    assert "does not say why" in alike[-1]
    assert "neighbours tell most" in alike[-2]


def test_missing_models_leave_their_sentences_out():
    few = table({name: ROWS[name] for name in ("rotation", "untrained")})
    assert len(findings(few, "linear")) == 2
    assert "SimCLR" not in findings(few, "linear")[0]
    only = table({name: ROWS[name] for name in ("untrained", "pixels")})
    assert len(findings(only, "linear")) == 1


def test_the_chart_has_the_chosen_probe_and_the_untrained_net_as_its_reference(session, shipped):
    linear, knn = (json.loads(compare_views(session, kind)[CHART]) for kind in ("linear", "knn"))
    assert linear["data"][0]["z"] == shipped.linear.tolist()
    assert knn["data"][0]["z"] == shipped.knn.tolist()
    assert linear["data"][0]["text"][shipped.names.index("untrained")][0] == "60"
    assert compare_views(session, "<b>") == compare_views(session, "linear")


def test_own_runs_stand_below_their_task_and_the_baselines_last():
    mixed = table(**{"own-jigsaw": ("Your jigsaw", 0.1, 0.1, 0.1), "own-rotation": ("Your rotation", 0.2, 0.2, 0.2)})
    put = ordered(mixed)
    assert put.names == (
        "rotation", "own-rotation", "inpainting", "jigsaw", "own-jigsaw", "simclr", "mae", "untrained", "pixels",
    )  # fmt: skip
    for name in put.names:
        there, here = put.names.index(name), mixed.names.index(name)
        assert put.titles[there] == mixed.titles[here]
        np.testing.assert_array_equal(put.linear[there], mixed.linear[here])


@pytest.mark.parametrize(
    ("config", "step", "said"),
    [
        (None, 0, "no rotation run of yours yet"),
        (JigsawConfig(), 9, "no rotation run of yours yet"),
        (RotationConfig(data="emoji"), 9, "yours learned from emoji"),
        (RotationConfig(data="own"), 9, "yours learned from your own pictures"),
        (RotationConfig(), 9, ""),
    ],
)
def test_what_can_not_be_added_is_said_in_a_sentence(session, config, step, said):
    ran(session, config, step)
    problem = own_problem(session)
    assert said in problem
    assert bool(problem) == bool(said)


def test_without_a_run_a_sentence_says_to_train(session):
    session.uploads[TASK] = "inpainting"
    assert own_problem(session) == "There is no inpainting run of yours yet: press Train, and add it then."


def test_own_runs_of_several_tasks_stay_and_a_new_one_replaces_its_namesake(session, monkeypatch):
    def probed(contenders):
        (one,) = contenders
        return table({one.name: (one.title, one.model.step / 100, 0.5, 0.5)})

    monkeypatch.setattr(pretext_compare, "compare", probed)
    monkeypatch.setattr(pretext_compare, "compare_shipped", table)
    for config, task, step in (
        (RotationConfig(), "rotation", 10),
        (InpaintingConfig(), "inpainting", 20),
        (RotationConfig(), "rotation", 1500),
    ):
        session.uploads[TASK] = task
        ran(session, config, step)
        add_own(session)
    assert session.uploads[OWN_ROWS].names == ("own-inpainting", "own-rotation")
    shown = table_of(session)
    assert shown.titles[:4] == ("Rotation", "Your rotation, 1,500 steps", "Inpainting", "Your inpainting, 20 steps")
    assert any(said.startswith("Your rotation, 1,500 steps teaches") for said in findings(shown, "linear"))


def test_a_run_is_probed_on_the_real_apples(session):
    net = ran(session)
    add_own(session)
    rows = session.uploads[OWN_ROWS]
    assert (rows.names, rows.titles) == (("own-rotation",), (own_title("rotation", net),))
    colour = rows.factors.index("colour")
    assert rows.knn[0, colour] > rows.chance[colour] + 0.2, "a mean colour tells something of the colour"


def test_the_table_goes_into_a_file(tmp_path):
    path = write_table(table(), tmp_path / "table.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(ROWS) * len(FACTORS)
    first = {"name": "rotation", "title": "Rotation", "factor": "colour", "label": "Colour"}
    assert rows[0] == {**first, "chance": "0.2", "knn": "0.1", "linear": "0.4"}


def test_probing_is_announced_before_it_is_done(store, session, shipped, monkeypatch, tmp_path):
    monkeypatch.setattr(pretext_compare, "compare", lambda contenders: table({"own-rotation": ("Mine", 1, 1, 1)}))
    with gr.Blocks() as demo, gr.Tabs(), gr.Tab("x") as tab:
        part = lay_out_compare()
        wire_compare(store, part, tab)
    part.file.GRADIO_CACHE = str(tmp_path)
    on_open, _, on_add, on_save, _ = (fn.fn for fn in demo.fns.values())
    request = SimpleNamespace(session_hash="page")
    first = list(on_open("linear", request))
    assert PROBING in first[0][NOTE]
    assert len(first) == 2
    assert len(list(on_open("knn", request))) == 1, "the second time it comes at once"
    ((refused, *_),) = on_add("linear", request)
    assert "press Train" in refused
    ran(session)
    announced, added = on_add("linear", request)
    assert PROBING_OWN in announced[NOTE]
    assert "Mine" in added[CHART]
    assert "Mine" in added[FINDINGS]
    with open(on_save(request)[0], encoding="utf-8") as file:
        assert "own-rotation,Mine,colour" in file.read()
