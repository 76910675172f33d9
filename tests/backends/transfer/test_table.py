"""The table of encoders and tasks: the same numbers as a run of its own, what is left out, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from backends.data.pictures import Factor, PictureSet
from backends.engine.trainer import TrainingError
from backends.nets.frozen import frozen_copy
from backends.transfer import table as table_module
from backends.transfer.config import FROM_EMOJI, OWN_RUNS, PICTURE_TITLES, TITLES, TransferConfig, titles_of
from backends.transfer.encoder import EncoderError
from backends.transfer.encoders import load_encoder
from backends.transfer.points import as_csv
from backends.transfer.table import TableTrainer
from backends.transfer.table_config import TableConfig
from tests.backends.transfer.conftest import FROZEN, in_classes, run_of, toys

SMALL = TableConfig(data="own", labels="5", seeds=2)
CHEAP = ("untrained", "pixels", "simclr", "own-simclr")


@pytest.fixture(autouse=True)
def _few_encoders(monkeypatch):
    """The others have tests of their own, and take seconds."""
    titles = {name: TITLES[name] for name in TITLES if name in CHEAP}
    monkeypatch.setattr(table_module, "titles_of", lambda data: titles)


def with_second_task(pictures: PictureSet) -> PictureSet:
    halves = Factor("half", "Half", ("first", "second"), (np.arange(len(pictures)) % 2).astype(np.int64))
    return replace(pictures, factors={**pictures.factors, "half": halves})


def filled(config: TableConfig = SMALL, **options: object) -> TableTrainer:
    options.setdefault("pictures", with_second_task(toys()))
    trainer = TableTrainer(config, **options)  # type: ignore[arg-type]
    snapshots = list(trainer.steps())
    assert [snapshot.done for snapshot in snapshots] == [False] * (len(snapshots) - 1) + [True]
    assert snapshots[-1].total == snapshots[-1].step
    return trainer


def test_every_cell_is_measured_with_every_draw():
    points = filled().freeze()
    cells = {(point.encoder, point.factor, point.way, point.draw) for point in points}
    assert len(cells) == len(points) == 3 * 2 * 2 * 2
    assert {point.labels for point in points} == {5}
    assert as_csv(points).count("\n") == 25


def test_a_cell_is_what_a_run_of_its_own_gives():
    mine = {
        (point.encoder, point.way, point.draw): point.accuracy
        for point in filled(pictures=toys()).freeze()
        if point.encoder in FROZEN.encoders
    }
    trainer, _ = run_of(FROZEN)
    theirs = {(point.encoder, point.way, point.draw): point.accuracy for point in trainer.freeze() if point.labels == 5}
    assert mine == theirs


def test_a_run_of_the_visitor_s_is_a_row_of_its_own(learned):
    trainer = filled(runs={"own-simclr": learned})
    assert [encoder.name for encoder in trainer.encoders][-1] == "own-simclr"


def test_a_task_with_too_few_pictures_is_left_out_and_said():
    pictures = toys()
    rare = Factor("rare", "Rare", ("often", "once"), np.eye(1, len(pictures), dtype=np.int64)[0])
    trainer = TableTrainer(SMALL, pictures=replace(pictures, factors={**pictures.factors, "rare": rare}))
    assert list(trainer.tasks) == ["folder"]
    assert any("the class 'once'" in note for note in trainer.notes)


def test_an_encoder_that_can_not_be_had_is_left_out_and_said(monkeypatch):
    def some_missing(name: str, **options: object) -> object:
        if name == "simclr":
            raise EncoderError("SimCLR can't be had", "choose another one")
        return load_encoder(name, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(table_module, "load_encoder", some_missing)
    trainer = TableTrainer(SMALL, pictures=toys())
    assert [encoder.name for encoder in trainer.encoders] == ["untrained", "pixels"]
    assert "SimCLR can't be had: it has no row here." in trainer.notes


def test_a_run_on_pictures_of_another_size_is_left_out_without_a_setting_that_the_table_has_not(learned):
    large = replace(learned, config=learned.config.with_changes(image_size="48"))
    (note,) = [note for note in filled(runs={"own-simclr": large}).notes if note.startswith("Your")]
    assert note == "Your SimCLR run was trained on pictures of 48 pixels, and these have 32: it has no row here."


def test_a_run_whose_features_are_nan_loses_its_row_and_the_others_go_on(learned):
    broken = replace(learned, model=frozen_copy(learned.model))
    with torch.no_grad():
        next(broken.model.encoder.parameters()).fill_(float("nan"))
    trainer = filled(runs={"own-simclr": broken})
    assert "Your SimCLR run makes features that are NaN or infinite: it has no row here." in trainer.notes
    names = [encoder.name for encoder in trainer.encoders]
    assert names == ["simclr", "untrained", "pixels"]
    assert {point.encoder for point in trainer.freeze()} == set(names)
    metrics = trainer.evaluate()
    assert metrics["points"] == metrics["points_planned"] == 3 * 2 * 2 * 2


@pytest.mark.parametrize(("data", "asked"), [("apples", False), ("own", True)])
def test_of_apples_no_encoder_from_emoji_is_loaded(monkeypatch, data, asked):
    monkeypatch.setattr(table_module, "titles_of", titles_of)
    names: list[str] = []

    def note(name: str, **options: object) -> object:
        names.append(name)
        return load_encoder("pixels", **options)  # type: ignore[arg-type]

    monkeypatch.setattr(table_module, "load_encoder", note)
    TableTrainer(TableConfig(data=data, labels="5", seeds=1), pictures=toys())
    assert set(names) == set(PICTURE_TITLES) - set(OWN_RUNS) - (set() if asked else set(FROM_EMOJI))


@pytest.mark.parametrize(
    ("pictures", "sentence"),
    [
        (None, "No pictures of your own are here yet"),
        (in_classes(40), "Folder has only one class"),
        (in_classes(40, 3), "Labels (labels) is 5 per class, but the class 'kind 1' has"),
    ],
)
def test_what_makes_no_table_is_refused_in_one_sentence(pictures, sentence):
    with pytest.raises(TrainingError) as refused:
        TableTrainer(SMALL, pictures=pictures)
    assert str(refused.value).startswith(sentence)
    assert str(refused.value).count(". ") == 0


def test_the_settings_that_refusals_name_are_the_page_s():
    shown = {f"{info.label} ({info.name})" for info in TableConfig.settings()}
    assert "Labels (labels)" in shown
    assert {f"{info.label} ({info.name})" for info in TransferConfig.settings()} >= {
        "Most labels (most_labels)",
        "Image size (image_size)",
    }
