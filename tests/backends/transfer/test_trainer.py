"""The curves: right at a point, the same from the same seed, and what can't be measured is refused."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from backends.__main__ import main
from backends.clip import shipped as clip
from backends.engine.trainer import TrainingDiverged, TrainingError
from backends.language import shipped as language
from backends.nets.frozen import frozen_copy
from backends.transfer.config import TransferConfig
from backends.transfer.points import Point
from backends.transfer.trainer import TransferTrainer
from tests.backends.transfer.conftest import FROZEN, SMALL, in_classes, run_of, toys


@pytest.fixture(scope="module")
def frozen_run():
    return run_of(FROZEN)


def point(points: tuple[Point, ...], **wanted: object) -> Point:
    (found,) = [each for each in points if all(getattr(each, name) == value for name, value in wanted.items())]
    return found


def labelled(trainer: TransferTrainer, count: int, draw: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels and classes of labelled and of held-out pictures, from the pictures themselves."""
    train, held_out = trainer.split.train, trainer.split.held_out
    chosen = trainer.sets[draw].first(count)
    flat = [images.transpose(0, 3, 1, 2).reshape(len(images), -1) / 255.0 for images in (train.images, held_out.images)]
    return flat[0][chosen], train.factors["folder"].values[chosen], flat[1], held_out.factors["folder"].values


def test_nearest_neighbours_agree_with_plain_loops(frozen_run):
    trainer, _ = frozen_run
    bank, classes, test, truth = labelled(trainer, 5, draw=1)
    right = 0
    for picture, label in zip(test, truth, strict=True):
        cosines = [picture @ known / np.linalg.norm(picture) / np.linalg.norm(known) for known in bank]
        nearest = classes[np.argsort(cosines)[::-1][:5]].tolist()  # as many as there are labels per class
        most = max(nearest.count(kind) for kind in nearest)
        right += next(kind for kind in nearest if nearest.count(kind) == most) == label
    found = point(trainer.freeze(), encoder="pixels", way="knn", labels=5, draw=1)
    assert found.accuracy == pytest.approx(right / len(test))


def test_the_linear_probe_agrees_with_ridge_regression_by_the_book(frozen_run):
    trainer, _ = frozen_run
    bank, classes, test, truth = labelled(trainer, 5, draw=0)
    centre, spread = bank.mean(axis=0), np.maximum(bank.std(axis=0), 1e-6)
    x, asked = (bank - centre) / spread, (test - centre) / spread
    target = np.eye(4)[classes]
    weights = x.T @ np.linalg.solve(x @ x.T + 0.01 * len(x) * np.eye(len(x)), target - target.mean(axis=0))
    expected = ((asked @ weights + target.mean(axis=0)).argmax(axis=1) == truth).mean()
    found = point(trainer.freeze(), encoder="pixels", way="linear", labels=5, draw=0)
    assert found.accuracy == pytest.approx(expected, abs=1 / len(test) + 1e-9)
    assert found.chance == pytest.approx(np.bincount(truth).max() / len(truth))


def test_the_same_seed_gives_the_same_points_and_another_seed_others(frozen_run):
    again, _ = run_of(FROZEN)
    other, _ = run_of(FROZEN.with_changes(seed=2))
    assert again.freeze() == frozen_run[0].freeze()
    assert other.freeze() != again.freeze()


def test_trained_points_repeat_too():
    config = SMALL.with_changes(most_labels="2", seeds=1, linear="off", knn="off")
    first, second = (run_of(config)[0].freeze() for _ in range(2))
    assert first == second
    assert [each.way for each in first] == ["scratch", "scratch"]


def test_a_learned_encoder_beats_raw_pixels(learned):
    trainer, _ = run_of(FROZEN.with_changes(encoder="own-simclr"), runs={"own-simclr": learned})
    found = trainer.evaluate()
    assert found["linear_5"] > found["against_linear_5"] + 0.2
    assert found["linear_5"] > 0.8 > found["chance"]


def test_fine_tuning_leaves_the_given_encoder_as_it_was(learned):
    before = {name: value.clone() for name, value in learned.model.state_dict().items()}
    flags = [parameter.requires_grad for parameter in learned.model.parameters()]
    config = SMALL.with_changes(
        encoder="own-simclr", most_labels="2", seeds=1, linear="off", knn="off", learning_rate=0.1
    )
    trainer, _ = run_of(config, runs={"own-simclr": learned})
    assert {each.way for each in trainer.freeze()} == {"fine_tuning", "scratch"}
    for name, value in learned.model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    assert [parameter.requires_grad for parameter in learned.model.parameters()] == flags
    taken = trainer.encoders[0].net
    assert taken is not None
    for name, value in taken.state_dict().items():
        torch.testing.assert_close(value, before[f"encoder.{name}"], rtol=0, atol=0)


def test_a_fine_tuned_encoder_learns_its_task_and_starts_ahead_of_one_from_scratch(learned):
    config = SMALL.with_changes(encoder="own-simclr", against="none", linear="off", knn="off", steps=30, batch=16)
    trainer, _ = run_of(config, runs={"own-simclr": learned})
    found = trainer.evaluate()
    assert found["fine_tuning_5"] > 0.8
    assert found["fine_tuning_5"] > found["scratch_5"]
    assert found["fine_tuning_5"] > found["fine_tuning_1"]


@pytest.mark.slow
def test_a_net_from_scratch_learns_where_it_is_given_time_and_labels():
    config = SMALL.with_changes(against="none", linear="off", knn="off", steps=60, batch=16, most_labels="20", seeds=1)
    trainer, _ = run_of(config)
    found = trainer.evaluate()
    assert found["scratch_20"] > 0.8 > 0.6 > found["chance"]


def test_cheap_ways_come_first_with_all_draws_and_progress_ends_once(learned):
    config = SMALL.with_changes(encoder="own-simclr", against="untrained", most_labels="2")
    trainer, snapshots = run_of(config, runs={"own-simclr": learned})
    order = [(each.way in ("linear", "knn"), each.draw) for each in trainer.freeze()]
    cheap = [draw for is_cheap, draw in order if is_cheap]
    assert order == [(True, draw) for draw in cheap] + [(False, draw) for is_cheap, draw in order if not is_cheap]
    assert set(cheap) == {0, 1}
    kinds = {(each.encoder, each.way) for each in trainer.freeze()}
    assert kinds == {
        *(("own-simclr", way) for way in ("linear", "knn", "fine_tuning", "scratch")),
        *(("untrained", way) for way in ("linear", "knn")),
    }
    assert [snapshot.done for snapshot in snapshots] == [False] * (len(snapshots) - 1) + [True]
    chunks = math.ceil(len(trainer._bank) / 50) + math.ceil(len(trainer._tested) / 50)
    tests = math.ceil(len(trainer._tested) / 50)
    assert snapshots[-1].step == snapshots[-1].total == trainer.step
    assert trainer.step == 2 * chunks + 16 + 4 * (config.steps_for(4) + config.steps_for(8)) + 8 * tests
    assert snapshots[-1].metrics["points"] == snapshots[-1].metrics["points_planned"] == 24
    assert list(trainer.steps()) == []


def test_a_run_can_be_left_and_taken_up_again(frozen_run):
    trainer = TransferTrainer(FROZEN, pictures=toys())
    first = next(trainer.steps())
    held = trainer.freeze()
    for _ in trainer.steps():
        pass
    assert trainer.freeze() == frozen_run[0].freeze()
    assert held == trainer.freeze()[: len(held)]
    assert first.total > first.step or first.done


def test_a_budget_ends_the_run_and_keeps_the_points():
    config = SMALL.with_changes(steps=2000, most_labels="50", seeds=1)
    trainer, snapshots = run_of(config, pictures=toys(400), seconds=0.4)
    assert snapshots[-1].done
    assert 0 < len(trainer.freeze()) < trainer.planned
    assert trainer.seconds < 4


def test_means_and_spreads_are_over_the_draws(frozen_run):
    trainer, _ = frozen_run
    values = [
        each.accuracy for each in trainer.freeze() if (each.encoder, each.way, each.labels) == ("pixels", "knn", 5)
    ]
    found = trainer.evaluate()
    assert len(values) == 2
    assert found["against_knn_5"] == pytest.approx(np.mean(values))
    assert found["against_knn_5_spread"] == pytest.approx(np.std(values, ddof=1))


def test_the_files_hold_the_points_and_how_they_came_about(frozen_run, tmp_path):
    trainer, _ = frozen_run
    table, card = trainer.save(tmp_path)
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert len(rows) == len(trainer.freeze()) == 24
    assert (rows[0]["encoder"], rows[0]["factor"], rows[0]["labels"]) == ("untrained", "folder", "1")
    read = json.loads(card.read_text(encoding="utf-8"))
    assert read["config"] == trainer.config.model_dump()
    assert read["task"] == {"name": "folder", "classes": ["red", "green", "blue", "yellow"]}
    assert read["verdict"].startswith("Folder with 5 labels per class, linear probe: ")
    assert len(read["points"]) == 24
    assert sorted(path.name for path in tmp_path.iterdir()) == ["transfer.csv", "transfer.json"]


@pytest.mark.parametrize(
    ("changes", "options", "sentence"),
    [
        ({}, {"pictures": None}, "No pictures of your own are here yet: choose a .zip of folders"),
        ({}, {"pictures": in_classes(40)}, "Folder has only one class, so there is nothing to tell apart"),
        ({}, {"pictures": in_classes(40, 3)}, "Most labels (most_labels) is 5 per class, but the class 'kind 1' has "),
        ({"encoder": "own-simclr"}, {}, "No SimCLR run of yours is here yet"),
        ({"encoder": "mae", "image_size": "48"}, {}, "Masked autoencoder was trained on pictures of 32 pixels"),
        ({"linear": "off", "knn": "off", "scratch": "off"}, {}, "Nothing is left to measure, because raw pixels, "),
    ],
)
def test_what_can_not_be_measured_is_refused_in_one_sentence(changes, options, sentence):
    with pytest.raises(TrainingError) as refused:
        run_of(SMALL.with_changes(**changes), **options)
    assert str(refused.value).startswith(sentence)
    assert str(refused.value).count(". ") == 0


def test_passages_are_measured_as_pictures_are_and_notes_say_what_the_model_has_read():
    config = TransferConfig(
        data="speeches", factor="century", encoder="bert", against="bag-of-words", most_labels="20", seeds=3,
        fine_tuning="off", scratch="off",
    )  # fmt: skip
    trainer, _ = run_of(config, pictures=None)
    assert len(trainer.freeze()) == trainer.planned == 2 * 2 * 5 * 3
    found = trainer.evaluate()
    assert found["chance"] == 0.25
    assert found["knn_20"] > 0.4  # 0.52
    assert found["against_linear_20"] > 0.35  # 0.44
    assert "Passages that name a year are left out." in trainer.notes
    assert sum("the held-out ones too" in note for note in trainer.notes) == 1
    assert trainer.card()["task"] == {"name": "century", "classes": ["1700s", "1800s", "1900s", "2000s"]}


def test_a_language_model_is_fine_tuned_and_its_net_trained_from_scratch():
    config = TransferConfig(
        data="speeches", factor="century", encoder="bert", against="none", most_labels="1", seeds=1, steps=5, batch=4,
        linear="off", knn="off",
    )  # fmt: skip
    before = {name: value.clone() for name, value in language.load("bert").model.state_dict().items()}
    trainer, _ = run_of(config, pictures=None)
    assert [each.way for each in trainer.freeze()] == ["fine_tuning", "scratch"]
    for name, value in language.load("bert").model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_word_vectors_have_no_net_to_train():
    config = TransferConfig(
        data="speeches", factor="century", encoder="word2vec", against="none", linear="off", knn="off"
    )
    with pytest.raises(TrainingError, match="bags of words and word vectors have no net to train"):
        TransferTrainer(config)


def test_encoders_that_read_alike_hold_their_examples_once(frozen_run):
    trainer, _ = frozen_run
    first, second = (trainer._read(encoder) for encoder in trainer.encoders)
    assert first is second
    texts = TransferTrainer(
        TransferConfig(data="speeches", factor="century", encoder="word2vec", against="bag-of-words", most_labels="1")
    )
    assert [bank.shape[1] for bank, _ in map(texts._read, texts.encoders)] == [96, 2_000]


def test_features_that_are_nan_are_refused(learned):
    broken = frozen_copy(learned.model)
    with torch.no_grad():
        next(broken.encoder.parameters()).fill_(math.nan)
    with pytest.raises(TrainingError, match=r"^Your SimCLR run makes features that are NaN or infinite: take an"):
        run_of(FROZEN.with_changes(encoder="own-simclr"), runs={"own-simclr": replace(learned, model=broken)})


def test_a_training_that_blows_up_says_so_and_keeps_the_points(learned, monkeypatch):
    monkeypatch.setattr("backends.transfer.tuning.F.cross_entropy", lambda logits, _: (logits * math.inf).sum())
    config = SMALL.with_changes(encoder="own-simclr", most_labels="2")
    trainer = TransferTrainer(config, pictures=toys(), runs={"own-simclr": learned})
    with pytest.raises(TrainingDiverged, match=r"Lower the learning rate \(now 0.001\)"):
        for _ in trainer.steps():
            pass
    assert len(trainer.freeze()) == 16
    (last,) = trainer.steps()
    assert last.done


def test_notes_say_where_an_encoder_comes_from():
    trainer = TransferTrainer(SMALL.with_changes(encoder="clip", against="untrained"), pictures=toys())
    assert "CLIP's picture tower was trained on apples and here it meets your own pictures." in trainer.notes
    assert any(note.startswith("To fine-tune an untrained net is to train it from scratch") for note in trainer.notes)
    apples = TransferTrainer(TransferConfig(encoder="clip", against="none", most_labels="1"))
    assert any("captions that name colour, shape, leaf" in note for note in apples.notes)
    config = FROZEN.with_changes(data="apples", factor="shape", encoder="own-clip", most_labels="1")
    own = TransferTrainer(config, runs={"own-clip": clip.load("apples")})
    assert any(note.startswith("Your CLIP run has read captions") for note in own.notes)


def test_the_command_line_measures_and_saves(tmp_path, capsys):
    settings = ["against=none", "encoder=untrained", "most_labels=2", "seeds=1", "scratch=off"]
    arguments = [part for each in settings for part in ("--set", each)]
    assert main(["train", "transfer", *arguments, "--seconds", "20", "--json", "--save", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    last = json.loads(printed.out.splitlines()[-1])
    assert (last["method"], last["done"], last["points"]) == ("transfer", True, 4)
    assert {"linear_1", "linear_2", "knn_1", "knn_2", "chance"} <= last.keys()
    assert printed.err.startswith("note: To fine-tune an untrained net")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["transfer.csv", "transfer.json"]


def test_the_command_line_refuses_in_a_sentence(capsys):
    assert main(["train", "transfer", "--set", "encoder=own-simclr"]) == 2
    assert capsys.readouterr().err.startswith("transfer: No SimCLR run of yours is here yet")
    assert main(["train", "transfer", "--set", "data=emoji", "--set", "factor=shape"]) == 2
    assert capsys.readouterr().err == (
        "transfer: Task (factor) is shape; of emoji it must be one of category, artist.\n"
    )
