from __future__ import annotations

import math
import time

import numpy as np
import pytest
import torch

from backends.data.pictures import PictureError
from backends.data.splits import load_split
from backends.engine.trainer import TrainingDiverged, TrainingError
from backends.simclr.config import SimCLRConfig
from backends.simclr.trainer import SimCLRTrainer, map_pictures, rate_at
from tests.backends.simclr.conftest import toy_pictures

OWN = SimCLRConfig(data="own", batch=32, steps=20)


def run(config=OWN, pictures=None, **options):
    trainer = SimCLRTrainer(config, pictures=pictures or toy_pictures(), **options)
    return trainer, list(trainer.steps())


def test_a_tiny_run_learns_colours_better_than_chance(toys):
    trainer, snapshots = run(OWN.with_changes(steps=60, hue=0, saturation=0, grayscale=0), toys)
    assert snapshots[-1].metrics["loss"] < 0.7 * math.log(2 * 32 - 1)
    assert trainer.evaluate()["knn_colour"] > 0.8
    assert trainer.evaluate()["knn_colour"] == snapshots[-1].metrics["knn_colour"]


def test_snapshots_count_the_steps_and_the_last_one_is_done():
    _, snapshots = run()
    steps = [snapshot.step for snapshot in snapshots]
    assert steps == sorted(set(steps))
    assert steps[-1] == 20
    assert {snapshot.total for snapshot in snapshots} == {20}
    assert [snapshot.done for snapshot in snapshots] == [False] * (len(snapshots) - 1) + [True]


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    one, other, third = (run(OWN.with_changes(steps=10, seed=seed))[0] for seed in (3, 3, 4))
    weights = [trainer.freeze().model.state_dict() for trainer in (one, other, third)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not torch.equal(weights[0]["encoder.layers.0.weight"], weights[2]["encoder.layers.0.weight"])


def test_a_frozen_copy_stays_as_it_was():
    trainer = SimCLRTrainer(OWN, pictures=toy_pictures())
    steps = trainer.steps()
    next(steps)
    frozen = trainer.freeze()
    images = frozen.split.held_out.images
    before, projected = frozen.embed(images), frozen.project(images)
    for _ in steps:
        pass
    np.testing.assert_array_equal(frozen.embed(images), before)
    np.testing.assert_array_equal(frozen.project(images), projected)
    assert not np.allclose(trainer.freeze().embed(images), before)
    np.testing.assert_allclose(np.linalg.norm(projected, axis=1), 1, rtol=1e-5)


def test_the_map_shows_the_held_out_pictures_features():
    trainer, _ = run()
    frozen = trainer.freeze()
    pictures = map_pictures(trainer.split)
    np.testing.assert_allclose(frozen.embed(pictures.images), frozen.probed.features, rtol=1e-3, atol=1e-4)
    trained_on = {image.tobytes() for image in trainer.split.train.images}
    assert not any(image.tobytes() in trained_on for image in pictures.images)


def test_untrained_net_and_pixels_are_probed_before_the_first_step():
    trainer = SimCLRTrainer(OWN, pictures=toy_pictures())
    assert trainer.probed is trainer.untrained
    assert trainer.untrained.step == 0
    assert set(trainer.pixels) == {"knn_colour", "linear_colour", "knn_form", "linear_form"}
    assert trainer.pixels["linear_colour"] > 0.5


def test_a_time_budget_is_kept():
    trainer = SimCLRTrainer(OWN, pictures=toy_pictures(), seconds=1.5)
    begun = time.perf_counter()
    *_, last = trainer.steps()
    assert 1.5 <= last.seconds < 5
    assert time.perf_counter() - begun < 12
    assert last.done


def test_a_loss_that_becomes_nan_stops_the_run_and_keeps_the_last_good_state(monkeypatch):
    trainer = SimCLRTrainer(OWN.with_changes(steps=50), pictures=toy_pictures())
    steps = trainer.steps()
    next(steps)
    good = trainer.freeze().embed(toy_pictures().images)
    monkeypatch.setattr(trainer.model, "loss", lambda first, second: (first * math.nan).sum())
    with pytest.raises(TrainingDiverged, match="Lower the learning rate"):
        list(steps)
    np.testing.assert_array_equal(trainer.freeze().embed(toy_pictures().images), good)


def test_all_augmentations_off_runs_and_says_that_the_task_is_trivial():
    off = dict.fromkeys(("crop", "flip", "brightness", "contrast", "saturation", "hue", "grayscale"), 0)
    trainer, snapshots = run(OWN.with_changes(steps=10, **off))
    assert "trivial" in trainer.notes[0]
    assert snapshots[-1].metrics["alignment"] == pytest.approx(0, abs=1e-4)


def test_a_batch_larger_than_the_data_takes_all_and_says_so():
    trainer, snapshots = run(OWN.with_changes(batch=1024, steps=10))
    assert trainer.batch == len(trainer.split.train)
    assert "1024" in trainer.notes[0]
    assert snapshots[-1].done


@pytest.mark.parametrize("temperature", [0.01, 10.0])
def test_the_ends_of_the_temperature_train(temperature):
    _, snapshots = run(OWN.with_changes(temperature=temperature, steps=10))
    assert math.isfinite(snapshots[-1].metrics["loss"])


@pytest.mark.parametrize("loss", ["simsiam", "barlow-twins", "vicreg"])
@pytest.mark.parametrize("head", ["none", "linear", "mlp"])
def test_every_loss_trains_with_every_head(loss, head):
    _, snapshots = run(OWN.with_changes(loss=loss, head=head, steps=10))
    assert math.isfinite(snapshots[-1].metrics["loss"])


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["resnet18", "vit"])
def test_the_other_encoders_train(encoder):
    trainer, snapshots = run(OWN.with_changes(encoder=encoder, batch=4, steps=10))
    assert math.isfinite(snapshots[-1].metrics["loss"])
    assert trainer.freeze().embed(toy_pictures(3).images).shape[0] == 3


@pytest.mark.slow
def test_simsiam_without_stop_gradient_collapses_and_with_it_does_not():
    spread = {}
    for stop in ("on", "off"):
        config = OWN.with_changes(loss="simsiam", stop_gradient=stop, steps=80, head="linear", learning_rate=0.01)
        spread[stop] = run(config)[1][-1].metrics["spread"]
    assert spread["off"] < 0.2
    assert spread["on"] > 2 * spread["off"]


def test_own_pictures_are_asked_for():
    with pytest.raises(TrainingError, match=r"choose a \.zip"):
        SimCLRTrainer(OWN)
    with pytest.raises(PictureError):
        load_split(OWN.data, int(OWN.image_size))


def test_views_of_a_pair_stand_side_by_side():
    trainer, _ = run(OWN.with_changes(steps=10))
    frozen = trainer.freeze()
    views = frozen.draw_views(np.array([0, 1, 2]), seed=4)
    assert views.shape == (6, 32, 32, 3)
    np.testing.assert_array_equal(views, frozen.draw_views(np.array([0, 1, 2]), seed=4))
    projections = frozen.project(views)
    similarity = projections @ projections.T
    assert np.mean([similarity[i, i + 1] for i in (0, 2, 4)]) > similarity[np.triu_indices(6, 2)].mean()


def test_the_learning_rate_rises_shortly_and_falls_to_zero():
    rates = [rate_at(share) for share in np.linspace(0, 1, 101)]
    assert rates[0] == 0.05
    assert max(rates) == pytest.approx(1)
    assert rates.index(max(rates)) == 5
    assert rates[-1] == pytest.approx(0)


@pytest.mark.slow
def test_probes_stay_within_their_share_of_the_time():
    trainer = SimCLRTrainer(OWN, pictures=toy_pictures(), seconds=4)
    for _ in trainer.steps():
        pass
    assert 0 < trainer.probe_seconds / trainer.seconds < 0.2
