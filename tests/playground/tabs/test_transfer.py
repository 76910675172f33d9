"""The Transfer tab without a browser: links, own runs, what is drawn, the table, what is taken home, presets."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from backends.data.passages import load_passages
from backends.data.splits import load_split
from backends.engine.config import ConfigError
from backends.engine.trainer import TrainingError
from backends.language import shipped as language
from backends.nets.frozen import frozen_copy
from backends.simclr import shipped as simclr
from backends.transfer import table as table_module
from backends.transfer.config import FOLLOWERS, OWN_RUNS, TITLES, TransferConfig
from backends.transfer.labels import check_task
from backends.transfer.points import Point, curves
from backends.transfer.presets import PRESETS
from backends.transfer.table_config import TableConfig
from backends.word2vec import shipped as word2vec
from playground import controls
from playground.components.run_panel import status_html
from playground.links import query_of, read_query
from playground.own_pictures import take_own_pictures
from playground.session import Run
from playground.tabs import (
    transfer,
    transfer_home,
    transfer_live,
    transfer_passages,
    transfer_pictures,
    transfer_table,
)
from playground.tabs.presets import expectation_html, wire_presets
from playground.tabs.transfer_presets import lay_out_presets
from playground.tabs.transfer_state import RUN_TABS, TAB, TABLE, missing_run, own_runs
from tests.backends.transfer.conftest import FROZEN, SMALL, in_classes, toys

ATTACK = "<img src=x onerror=alert(1)>"


def begin(store: Any, session: Any, config: TransferConfig = FROZEN) -> Run:
    take_own_pictures(session, toys())
    made = Run(transfer_live.make_trainer(store, session, config), store.device_lock)
    session.runs[TAB] = made
    return made


def finish(run: Run) -> Run:
    while run.pull() is not None:
        pass
    return run


def point(encoder: str, way: str, labels: int, accuracy: float, draw: int = 0, factor: str = "shape") -> Point:
    return Point(encoder, factor, way, labels, draw, accuracy, 0.2)


def test_a_link_brings_the_settings_of_run_and_table():
    wanted = {"": TransferConfig(factor="leaf", seeds=2), "table_": TableConfig(labels="50")}
    query = query_of(TAB, wanted)
    link = read_query(dict(part.split("=") for part in query.split("&")), {TAB: transfer.LINK})
    assert link.problems == []
    assert link.configs == wanted


def test_a_link_with_a_task_that_the_pictures_do_not_have_says_so():
    link = read_query({"tab": TAB, "data": "emoji", "factor": "shape"}, {TAB: transfer.LINK})
    assert "of emoji it must be one of category, artist" in " ".join(link.problems)


def test_own_runs_are_those_of_the_tabs_that_have_taken_a_step(session):
    assert set(RUN_TABS) == set(OWN_RUNS)
    session.runs["mae"] = SimpleNamespace(frozen="of mae", snapshot=object())
    session.runs["clip"] = SimpleNamespace(frozen="untouched", snapshot=None)
    assert own_runs(session) == {"own-mae": "of mae"}
    assert missing_run(session, "own-mae", "pixels") == ""
    assert "train one in the tab CLIP" in missing_run(session, "own-mae", "own-clip")


def test_a_run_of_the_visitor_s_is_what_is_measured(store, session):
    learned = simclr.load(simclr.FIRST)
    session.runs["simclr"] = SimpleNamespace(frozen=learned, snapshot=object(), config=learned.config)
    run = finish(begin(store, session, FROZEN.with_changes(encoder="own-simclr", most_labels="2", seeds=1)))
    assert {each.encoder for each in run.frozen} == {"own-simclr", "pixels"}
    assert f"Your SimCLR run is taken as it was after {learned.step:,} steps." in run.trainer.notes
    _, said, _ = transfer_live.draw(session, run, True)
    assert "Your SimCLR run" in said


def test_without_a_run_the_sentence_names_the_tab(store, session):
    with pytest.raises(TrainingError, match="No MAE run of yours is here yet: train one in that tab first"):
        begin(store, session, FROZEN.with_changes(encoder="own-mae"))


def test_what_is_drawn_follows_the_points_and_is_left_alone_without_new_ones(store, session):
    run = begin(store, session)
    chart, said, numbers = transfer_live.draw(session, run, True)
    assert (json.loads(chart)["data"], numbers) == ([], "")
    assert "Press Train" in said
    finish(run)
    chart, said, numbers = transfer_live.draw(session, run, False)
    assert len(json.loads(chart)["data"]) == 1 + 4
    assert said.startswith('<p class="transfer-verdict">Folder with 5 labels per class, linear probe: ')
    assert numbers.count('<th scope="row">') == 4
    assert transfer_live.draw(session, run, False) == [None, None, None]
    assert run.trainer.planned == len(run.frozen)
    assert transfer_live.describe(run) == "24 of 24 points · CPU"


def test_a_run_that_goes_on_says_so(store, session):
    run = begin(store, session, SMALL.with_changes(most_labels="2"))
    while not run.frozen:
        run.pull()
    assert "So far: " in transfer_live.draw(session, run, True)[1]


def test_numbers_have_their_spread_the_best_is_bold_and_gaps_are_dashes():
    points = [point("simclr", "linear", 1, 0.5), point("simclr", "linear", 1, 0.7, 1), point("mae", "linear", 1, 0.3)]
    points += [point("simclr", "scratch", 10, 0.4)]
    config = TransferConfig(encoder="simclr", against="mae", most_labels="10")
    shown = transfer_live.numbers_html(curves(points), config)
    assert '<td class="num"><b>60</b> <small>± 14</small></td>' in shown
    assert '<td class="num">30</td>' in shown
    assert "From scratch (net of SimCLR)" in shown
    assert shown.count("–") == 3 + 3 + 3


def test_a_visitor_s_folder_is_text_wherever_it_is_spoken_of(store, session):
    pictures = in_classes(40, 3)
    factor = pictures.factors["folder"]
    names = SimpleNamespace(values=factor.values, classes=("a", ATTACK), label="Folder")
    with pytest.raises(TrainingError) as refused:
        check_task(names, 5, "Labels (labels)")  # type: ignore[arg-type]
    assert "<img" not in status_html("failed", alert=str(refused.value))


@pytest.mark.parametrize(
    ("data", "chosen", "values"),
    [
        ("emoji", ("shape", "mae", "none"), ["category", "mae", "none"]),
        ("own", ("shape", "mae", "clip"), ["folder", "mae", "clip"]),
        ("apples", ("pose", "bert", "gpt"), ["pose", "simclr", "pixels"]),
        ("apples", ("x", "y", "z"), ["shape", "simclr", "pixels"]),
        ("speeches", ("shape", "simclr", "pixels"), ["century", "bert", "bag-of-words"]),
        ("speeches", ("century", "gpt", "none"), ["century", "gpt", "none"]),
    ],
)
def test_only_tasks_and_encoders_of_the_data_are_on_offer(data, chosen, values):
    updates = transfer.choices(data, *chosen)
    assert [update["value"] for update in updates] == values
    for update, value in zip(updates, values, strict=True):
        assert value in [name for _, name in update["choices"]]
    TransferConfig(**dict(zip(("data", *FOLLOWERS), (data, *values), strict=True)))


def test_emoji_are_asked_for_no_more_labels_than_flags_have_pictures():
    category = load_split("emoji", 32).train.factors["category"]
    check_task(category, int(transfer.EMOJI_LABELS), "Labels (labels)")
    with pytest.raises(TrainingError):
        check_task(category, int(transfer.LABELS_ABOVE[0]), "Labels (labels)")
    assert transfer.fewer("emoji", "50") == "20"
    for data, most in (("emoji", "10"), ("apples", "50"), ("own", "100")):
        assert transfer.fewer(data, most) == gr.skip()


def test_data_that_there_are_not_change_nothing():
    assert transfer.choices("bananas", "shape", "simclr", "pixels") == [gr.skip()] * 3


def test_a_link_to_speeches_opens_and_what_is_on_offer_is_asked_for_then(store, session):
    with gr.Blocks():
        tab = transfer.build_tab(store)
    wanted = {"data": "speeches", "factor": "century", "encoder": "gpt", "against": "bert"}
    link = read_query({"tab": TAB, **wanted}, {TAB: transfer.LINK})
    assert link.problems == []
    names = [getattr(output, "elem_id", None) for output in tab.outputs]
    values = tab.open(session, link)
    shown = dict(zip(names, values, strict=True))
    assert {name: shown[f"transfer-{name}"] for name in wanted} == wanted
    assert isinstance(tab.outputs[-1], gr.State)
    assert values[-1] is True


def test_a_link_that_names_the_data_alone_takes_what_the_data_have_first():
    link = read_query({"tab": TAB, "data": "speeches"}, {TAB: transfer.LINK})
    assert link.problems == []
    assert link.configs[""] == TransferConfig(data="speeches", factor="century", encoder="bert", against="bag-of-words")


def test_a_task_that_the_data_of_a_link_have_not_is_named():
    wrong = {"tab": TAB, "factor": "colour", "data": "speeches", "encoder": "gpt"}
    link = read_query(wrong, {TAB: transfer.LINK})
    (problem,) = link.problems
    assert problem == "Task (factor) is colour; of speeches it must be one of century. The default was kept."
    config = link.configs[""]
    assert (config.data, config.factor, config.encoder) == ("speeches", "century", "gpt")


def test_emoji_are_shown_whatever_was_asked_of_apples():
    assert transfer_pictures.USE.config.parse({"data": "emoji", "image_size": "32"})
    assert transfer_pictures.USE.settings == ("data", "image_size")
    with pytest.raises(ConfigError, match=r"^Speeches are text: their passages stand under Passages.$"):
        transfer_pictures.USE.config.parse({"data": "speeches", "image_size": "32"})


def test_passages_stand_by_century_with_their_speech_and_are_text(store, session):
    first = transfer_passages.passages_html(session, turn=False)
    assert [f"<h3>{name}</h3>" in first for name in ("1700s", "1800s", "1900s", "2000s")] == [True] * 4
    assert first.count("<figure>") == 4 * transfer_passages.SHOWN_EACH
    assert "<figcaption>Washington, 17" in first
    assert transfer_passages.passages_html(session, turn=False) == first
    assert transfer_passages.passages_html(session, turn=True) != first
    train, _ = load_passages()
    attacked = replace(train.subset([0, 400, 700, 1000]), texts=(ATTACK,) * 4, names=(ATTACK,) * 4)
    shown = transfer_passages.columns_html(attacked, 99)
    assert "<img" not in shown
    assert shown.count("&lt;img") == 2 * 4 * transfer_passages.SHOWN_EACH


def test_a_run_on_speeches_is_drawn_and_its_encoders_come_from_the_visitor_s_tabs(store, session):
    assert "train one in the tab Language" in missing_run(session, "own-bert")
    session.runs["language"] = SimpleNamespace(
        frozen=SimpleNamespace(models={"gpt": language.load("gpt")}), snapshot=object(), config=None
    )
    session.runs["word2vec"] = SimpleNamespace(frozen=word2vec.load().vectors, snapshot=object(), config=None)
    assert set(own_runs(session)) == {"own-gpt", "own-word2vec"}
    config = TransferConfig(
        data="speeches", factor="century", encoder="own-word2vec", against="bag-of-words", most_labels="2", seeds=1,
        fine_tuning="off", scratch="off",
    )  # fmt: skip
    run = finish(begin(store, session, config))
    chart, said, numbers = transfer_live.draw(session, run, True)
    assert said.startswith('<p class="transfer-verdict">Speech&#x27;s century with 2 labels per class, linear probe: ')
    assert json.loads(chart)["layout"]["title"]["text"].startswith("Speech's century: told right on held-out passages")
    assert "Your word2vec, linear" in numbers


def test_the_table_of_speeches_has_the_encoders_of_text(store, session, monkeypatch):
    monkeypatch.setattr(
        table_module, "titles_of", lambda data: {name: TITLES[name] for name in ("word2vec", "bag-of-words")}
    )
    run = Run(
        transfer_table.make_trainer(store, session, TableConfig(data="speeches", labels="2", seeds=2)),
        store.device_lock,
    )
    chart, findings = transfer_table.draw(session, finish(run), True)
    assert json.loads(chart)["layout"]["yaxis"]["ticktext"] == ["word2vec", "Bag of words"]
    assert "<b>Speech&#x27;s century</b>: " in findings


@pytest.fixture
def few(monkeypatch):
    """A table of two encoders."""
    names = ("untrained", "pixels")
    monkeypatch.setattr(table_module, "titles_of", lambda data: {name: TITLES[name] for name in names})


@pytest.fixture
def filled_table(store, session, few) -> Run:
    take_own_pictures(session, toys())
    config = TableConfig(data="own", labels="2", seeds=2)
    run = Run(transfer_table.make_trainer(store, session, config), store.device_lock)
    session.runs[TABLE] = run
    return finish(run)


def test_the_table_has_a_row_an_encoder_and_a_sentence_a_task(session, filled_table):
    chart, findings = transfer_table.draw(session, filled_table, True)
    cells = json.loads(chart)["data"][0]
    assert len(cells["z"]) == 2
    assert all(0 <= value <= 1 for row in cells["z"] for value in row)
    assert "±" in cells["text"][0][0]
    assert "Untrained net" in json.loads(chart)["layout"]["yaxis"]["ticktext"]
    assert '<p class="answer"><b>Folder</b>: ' in findings
    session.uploads[transfer_table.KIND] = "knn"
    assert transfer_table.draw(session, filled_table, True)[0] != chart
    assert transfer_table.draw(session, filled_table, False) == [None, None]
    assert transfer_table.describe(filled_table).startswith("2 of 2 encoders · 1 tasks")


def test_a_run_of_one_s_own_that_is_refused_at_the_end_leaves_no_row_and_a_sentence(store, session, monkeypatch):
    names = ("untrained", "pixels", "own-simclr")
    monkeypatch.setattr(table_module, "titles_of", lambda data: {name: TITLES[name] for name in names})
    learned = simclr.load(simclr.FIRST)
    broken = replace(learned, model=frozen_copy(learned.model))
    for parameter in broken.model.encoder.parameters():
        parameter.data.fill_(float("nan"))
    session.runs["simclr"] = SimpleNamespace(frozen=broken, snapshot=object(), config=learned.config)
    take_own_pictures(session, toys())
    config = TableConfig(data="own", labels="2", seeds=2)
    run = Run(transfer_table.make_trainer(store, session, config), store.device_lock)
    views = transfer_table.draw(session, run, True)
    while run.pull() is not None:
        drawn = transfer_table.draw(session, run, False)
        views = [old if new is None else new for old, new in zip(views, drawn, strict=True)]
    chart, findings = views
    assert sorted(json.loads(chart)["layout"]["yaxis"]["ticktext"]) == ["Raw pixels", "Untrained net"]
    assert "So far:" not in findings
    assert run.failure is None
    assert "Your SimCLR run makes features that are NaN or infinite: it has no row here." in run.trainer.notes


def test_only_whole_rows_are_shown():
    points = [
        point(name, way, 10, 0.5, draw) for name in ("mae", "clip") for way in ("linear", "knn") for draw in (0, 1)
    ]
    assert transfer_table.complete_rows(points[:-1], ("shape",), 2) == ["mae"]
    assert transfer_table.complete_rows(points, ("shape",), 2) == ["mae", "clip"]


def test_who_was_told_by_captions_is_not_all_that_is_said():
    told = [point(name, "linear", 10, value, draw) for draw in (0, 1) for name, value in (("clip", 0.9), ("mae", 0.6))]
    told += [point("pixels", "linear", 10, 0.3, draw) for draw in (0, 1)]
    ((task, said),) = transfer_table.findings(told)
    assert task == "Shape"
    assert "CLIP's picture tower 0.90" in said
    assert "without captions" in said.lower()
    assert "Masked autoencoder 0.60 ± 0.00, ahead of Raw pixels 0.30" in said


def test_points_card_table_and_notebook_are_taken_home(store, session, tmp_path, filled_table):
    for take in (transfer_home.take_points, transfer_home.take_card):
        assert take(session, tmp_path) == (None, transfer_home.NO_RUN)
    run = finish(begin(store, session, FROZEN))
    path, said = transfer_home.take_points(session, tmp_path)
    assert path is not None
    assert len(list(csv.DictReader(path.open(encoding="utf-8")))) == len(run.frozen) == 24
    assert said.startswith("24 points")
    path, _ = transfer_home.take_card(session, tmp_path)
    assert path is not None
    card = json.loads(path.read_text(encoding="utf-8"))
    assert card["config"] == FROZEN.model_dump()
    path, _ = transfer_home.take_table(session, tmp_path)
    assert path is not None
    assert len(list(csv.DictReader(path.open(encoding="utf-8")))) == 8
    path, said = transfer_home.take_notebook(session, tmp_path)
    assert path is not None
    assert json.loads(path.read_text(encoding="utf-8"))["nbformat"] == 4
    assert said == "It repeats your run."


def test_what_is_taken_home_of_a_run_that_trains_is_of_one_moment(session, tmp_path):
    class Training:
        moments = iter([(point("mae", "linear", 5, 0.5, 0),) * count for count in (2, 3, 4)])

        @property
        def frozen(self):
            return next(self.moments)

    session.runs[TAB] = Training()
    path, said = transfer_home.take_points(session, tmp_path)
    assert path is not None
    assert len(list(csv.DictReader(path.open(encoding="utf-8")))) == 2
    assert said.startswith("2 points")


def test_a_reload_finds_the_kind_of_score_that_the_table_shows(store, session):
    with gr.Blocks():
        tab = transfer.build_tab(store)
    (radio,) = [output for output in tab.outputs if output.elem_id == "transfer-table-kind"]
    place = tab.outputs.index(radio)
    assert tab.open(session, None)[place] == transfer_table.FIRST_KIND
    session.uploads[transfer_table.KIND] = "knn"
    values = tab.open(session, None)
    assert len(values) == len(tab.outputs)
    assert values[place] == "knn"


def test_run_and_table_pause_each_other(store):
    with gr.Blocks():
        live = transfer_live.run_of(store, transfer_live.lay_out_live(), controls.Controls(TransferConfig, []))
        table = transfer_table.wire_table(store, transfer_table.lay_out_table(store))
    assert (live.tab, live.pauses) == (TAB, (TABLE,))
    assert (table.tab, table.pauses) == (TABLE, (TAB,))


def test_every_preset_sets_the_controls(store):
    with gr.Blocks() as demo:
        widgets = controls.build_essential(TransferConfig, "p") | controls.build_advanced(TransferConfig, "p")
        settings = controls.in_config_order(TransferConfig, widgets)
        buttons, expectation = lay_out_presets()
        wire_presets(store, buttons, expectation, settings)
    for preset, event in zip(PRESETS, demo.fns.values(), strict=True):
        text, *values = event.fn()
        assert settings.read(values) == preset.config()
        assert text == expectation_html(preset)


def test_nan_spread_is_not_written():
    only = curves([point("simclr", "linear", 1, 0.5)])
    assert math.isnan(only[0].spread[0])
    assert "nan" not in transfer_live.numbers_html(only, TransferConfig(most_labels="1"))
