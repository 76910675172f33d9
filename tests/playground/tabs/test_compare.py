"""Compare: what may share an axis does, several nets are several curves, and files come and go."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from backends.transfer.config import WAY_TITLES
from playground import shell
from playground.kept_files import to_json
from playground.kept_runs import MAX_KEPT, KeptRun, KeptSetting, add_from_file, keep, kept_of
from playground.session import SessionStore
from playground.tabs import compare, compare_views
from playground.tabs.compare import act, open_file, views_of
from playground.tabs.compare_views import (
    SECONDS,
    STEPS,
    chosen_family,
    curve_views,
    families,
    list_html,
    measures_of,
    panels_of,
    shown_of,
    table_html,
    unpinned_of,
)
from tests.playground.fakes import TAB, fake_run

EVIL = "<img src=x onerror=alert(1)>"


def made(method="mae", unit="steps", settings=None, name="run", **metrics):
    points = len(next(iter(metrics.values())))
    return KeptRun(
        name=name,
        method=method,
        step_unit=unit,
        settings={key: KeptSetting(label=key.title(), value=value) for key, value in (settings or {}).items()},
        total=100,
        done=False,
        steps=tuple(range(10, 10 * points + 1, 10)),
        seconds=tuple(float(i) for i in range(1, points + 1)),
        metrics={key: tuple(values) for key, values in metrics.items()},
    )


def numbered(*runs):
    return list(enumerate(runs))


def test_runs_of_one_method_share_a_panel_over_steps():
    (panel,) = panels_of(numbered(made(loss=[2, 1]), made(loss=[3, 2])), "loss", STEPS)
    assert [list(curve.y) for curve in panel.curves] == [[2, 1], [3, 2]]
    assert list(panel.curves[0].x) == [10, 20]
    assert panel.x_title == "steps"
    (panel,) = panels_of(numbered(made(loss=[2, 1])), "loss", SECONDS)
    assert list(panel.curves[0].x) == [1, 2]


def test_losses_of_different_methods_have_panels_of_their_own_and_it_is_said():
    runs = numbered(made("mae", loss=[2, 1]), made("simclr", loss=[3, 2]))
    assert [panel.title for panel in panels_of(runs, "loss", STEPS)] == ["Loss: MAE", "Loss: SimCLR"]
    assert "axes of its own" in curve_views(runs, "loss", STEPS)[1]


def test_two_losses_of_one_method_are_not_drawn_on_one_axis():
    runs = numbered(
        *(made("simclr", settings={"loss": kind}, loss=[2, 1]) for kind in ("NT-Xent", "SimSiam", "NT-Xent"))
    )
    assert [len(panel.curves) for panel in panels_of(runs, "loss", STEPS)] == [2, 1]


@pytest.mark.parametrize(("method", "kind"), [("mae", "targets"), ("transfer", "factor")])
def test_what_was_asked_of_other_targets_or_factors_is_not_drawn_on_one_axis(method, kind):
    runs = numbered(*(made(method, settings={kind: value}, score=[0.2, 0.4]) for value in ("a", "b", "a")))
    assert [len(panel.curves) for panel in panels_of(runs, "score", STEPS)] == [2, 1]


@pytest.mark.parametrize(("way", "title"), WAY_TITLES.items())
def test_a_way_of_transfer_is_called_what_transfer_calls_it(way, title):
    (panel,) = panels_of(numbered(made("transfer", **{f"{way}_10": [0.4]})), way, STEPS)
    assert panel.title == f"{title}: Transfer"


def test_the_curves_of_a_choice_are_grouped_once(monkeypatch):
    grouped = []
    monkeypatch.setattr(compare_views, "panels_of", lambda *asked: grouped.append(asked) or panels_of(*asked))
    curve_views(numbered(made(loss=[2, 1])), "loss", STEPS)
    assert len(grouped) == 1


def test_probes_of_different_methods_share_a_panel_and_other_data_are_named():
    runs = numbered(
        made("mae", settings={"data": "Apples"}, loss=[1], knn_colour=[0.4]),
        made("simclr", settings={"data": "Emoji"}, loss=[1], knn_colour=[0.9]),
    )
    (panel,) = panels_of(runs, "knn_colour", STEPS)
    assert len(panel.curves) == 2
    assert "different data (Apples, Emoji)" in curve_views(runs, "knn_colour", STEPS)[1]


def test_runs_that_count_different_steps_are_drawn_over_seconds():
    runs = numbered(made("mae", knn_x=[0.1, 0.2]), made("clip", unit="words", knn_x=[0.1, 0.2]))
    (panel,) = panels_of(runs, "knn_x", STEPS)
    assert panel.x_title == "seconds of training"
    assert "over seconds" in curve_views(runs, "knn_x", STEPS)[1]


def test_a_run_without_the_measure_is_drawn_by_its_own():
    runs = numbered(made("mae", loss=[1], error_ratio=[0.5]), made("word2vec", unit="words", loss=[2]))
    assert [panel.title for panel in panels_of(runs, "error_ratio", STEPS)] == [
        "Error, share of guessing’s: MAE",
        "Loss: Word2Vec",
    ]


@pytest.mark.parametrize(
    ("method", "metrics", "family", "nets"),
    [
        ("recall", ("lstm_accuracy", "transformer_accuracy"), "accuracy", ["LSTM", "transformer"]),
        (
            "language",
            ("bert_heldout_loss", "t5_heldout_loss", "gpt_heldout_loss"),
            "heldout_loss",
            ["BERT", "T5", "GPT"],
        ),
        ("simclr-colour", ("with_knn_shape", "without_knn_shape"), "knn_shape", ["with jitter", "without jitter"]),
        ("mae-ratios", ("error_ratio_25", "error_ratio_75"), "error_ratio", ["25 % hidden", "75 % hidden"]),
        ("transfer", ("knn_10", "against_knn_10"), "knn", ["10 labels", "against, 10 labels"]),
    ],
)
def test_several_nets_in_one_run_are_several_curves(method, metrics, family, nets):
    run = made(method, **{name: [0.1 * i, 0.2] for i, name in enumerate(metrics, 1)}, lstm_parameters=[5, 5])
    (panel,) = panels_of(numbered(run), family, STEPS)
    assert [curve.label for curve in panel.curves] == nets
    assert [curve.net for curve in panel.curves] == list(range(len(nets)))
    assert "parameters" not in families([run])


def test_pace_and_places_are_no_measures():
    run = made(loss=[1], images_per_second=[5], epoch=[1], bert_step=[3], bert_seconds=[1], blank_share=[0])
    assert [measure.name for measure in measures_of(run)] == ["loss"]


def test_what_most_runs_share_is_drawn_first(session):
    add_from_file(session, [made(loss=[1], knn_x=[1]), made("simclr", knn_x=[1]), made("clip", knn_x=[1], loss=[1])])
    assert chosen_family(session, None) == "knn_x"
    assert chosen_family(session, "loss") == "loss"
    assert chosen_family(session, ["x"]) == "knn_x"


def test_the_table_has_only_settings_that_differ_and_every_score():
    one = made(settings={"rate": "0.1", "seed": "1", "batch": "8"}, name="one", loss=[2, 1.25], knn_x=[0.5, None])
    other = made("simclr", settings={"seed": "1", "hue": "0", "batch": "9"}, name="other", loss=[2, 1.5])
    table = table_html(numbered(one, other, made(settings={"rate": "0.2"}, loss=[-12.5])))
    assert "Batch" in table
    assert "Rate" in table
    assert "Hue" not in table, "only one method has it, and its runs don't differ in it"
    assert "Seed" not in table
    for number in ("1.250", "1.500", "0.500", "−12.5", "20 steps so far"):
        assert number in table
    assert "none" in table_html(numbered(one, one))
    assert table_html([]) == ""


def test_nothing_that_a_file_says_becomes_markup(session):
    add_from_file(session, [made(name=EVIL, unit="steps", settings={"rate": EVIL}, loss=[1])] * 2)
    add_from_file(session, [made(name="x", settings={"rate": "1"}, loss=[1])])
    values = [value for value in views_of(session) if isinstance(value, str)]
    assert "from a file" in values[0]
    for value in values:
        assert "<img" not in value.replace("\\u003c", "<")


def test_the_empty_list_says_what_to_do(session):
    assert "Pin this run" in list_html(session, unpinned_of(session))
    assert views_of(session)[1]["choices"] == []


def test_runs_that_were_trained_and_not_pinned_are_offered(store, session):
    run = fake_run(store)
    session.runs[TAB] = run
    assert unpinned_of(session) == {}
    run.pull()
    listed = list_html(session, unpinned_of(session))
    assert f'data-pick="pin:{TAB}"' in listed
    act(session, "pin", TAB, 6)
    assert [kept.run.name for kept in kept_of(session)] == ["fake"]
    assert unpinned_of(session) == {}
    assert "press Train first" in act(session, "pin", "nowhere", 6)[-1]


def test_clicks_show_name_and_remove(store, session):
    add_from_file(session, [made(loss=[1], name="a"), made(loss=[1], name="b")])
    first, second = (kept.id for kept in kept_of(session))
    act(session, "show", first, 6)
    assert [number for number, _ in shown_of(session)] == [1]
    asked = act(session, "name", second, 6)
    assert asked[6]["visible"]
    assert asked[7]["value"] == "b"
    act(session, "drop", first, 6)
    act(session, "drop", "nobody", 6)
    assert [kept.id for kept in kept_of(session)] == [second]
    assert all(value == gr.skip() or value is not None for value in act(session, EVIL, EVIL, 6))


def test_a_saved_file_is_opened_again_and_deleted(session, tmp_path):
    path = tmp_path / "runs.json"
    path.write_text(to_json([made(loss=[2, 1], name="mine")]), encoding="utf-8")
    assert "1 run added" in open_file(session, str(path))
    assert kept_of(session)[0].run.metrics["loss"] == (2, 1)
    assert not path.exists()


def test_a_file_that_does_not_fit_or_is_none_says_so_and_keeps_what_was_there(session, tmp_path):
    add_from_file(session, [made(loss=[1])] * (MAX_KEPT - 1))
    path = tmp_path / "runs.json"
    path.write_text(to_json([made(loss=[2])] * 3), encoding="utf-8")
    assert "1 of the file’s 3 runs were added" in open_file(session, str(path))
    path.write_text(json.dumps({"runs": EVIL}), encoding="utf-8")
    assert "holds no runs" in open_file(session, str(path))
    assert "No file arrived" in open_file(session, None)
    assert len(kept_of(session)) == MAX_KEPT


@pytest.fixture(scope="module")
def page():
    store = SessionStore(1, "cpu")
    yield store, shell.build(store, [compare.TAB])
    store.close()


def test_saving_writes_both_files_and_says_when_there_is_nothing(page):
    store, demo = page
    request = SimpleNamespace(session_hash="saver", query_params={})
    savers = {
        function.api_name: function.fn for function in demo.fns.values() if str(function.api_name).startswith("compare")
    }
    assert "pin a run first" in savers["compare_json"](request)[1]
    add_from_file(store.of("saver"), [made(loss=[2, 1])])
    path, said = savers["compare_json"](request)
    assert json.loads(Path(path).read_text("utf-8"))["runs"][0]["metrics"] == {"loss": [2.0, 1.0]}
    assert "1 run" in said
    path, _ = savers["compare_csv"](request)
    assert len(Path(path).read_text("utf-8").splitlines()) == 3


def test_every_visit_shows_what_was_pinned_meanwhile(page, store):
    page_store, demo = page
    request = SimpleNamespace(session_hash="visitor", query_params={})
    (opening,) = [function for function in demo.fns.values() if function.name == "on_page_open"]
    asyncio.run(opening.fn(None, request))
    run = fake_run(store)
    run.pull()
    keep(page_store.of("visitor"), run)
    (select,) = [function for function in demo.fns.values() if function.name == "on_this"]
    shown = asyncio.run(select.fn(True, request))
    assert any(isinstance(value, str) and "1 of 12 places" in value for value in shown)
