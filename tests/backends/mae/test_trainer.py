"""The trainer on toy pictures: what it learns, what it keeps, what it shows, and what it says when it can't."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from backends.data.pictures import PictureSet
from backends.engine.trainer import Snapshot, TrainingDiverged, TrainingError
from backends.mae import trainer as trainer_module
from backends.mae.config import MAEConfig
from backends.mae.masking import MASKINGS, draw_mask, draw_masks
from backends.mae.trainer import (
    FILM_FRAMES,
    PATCHES_A_STEP,
    Film,
    FrozenMAE,
    MAETrainer,
    film_mask,
    film_pictures,
    rate_at,
)
from tests.backends.simclr.conftest import toy_pictures

SMALL = MAEConfig(
    data="own", patch="8", width="48", depth=1, heads="2", decoder_width="32", decoder_depth=1, steps=10, batch=16
)
PROBES = ("knn_colour", "linear_colour", "knn_form", "linear_form")


def halves(count: int = 40) -> PictureSet:
    """The upper half in a light colour and the lower in a dark one: what is where says nearly all."""
    random = np.random.default_rng(0)
    images = np.empty((count, 32, 32, 3), np.uint8)
    images[:, :16] = random.integers(160, 256, (count, 1, 1, 3))
    images[:, 16:] = random.integers(0, 96, (count, 1, 1, 3))
    return PictureSet("own", images, {}, tuple(f"halves {i}" for i in range(count)), "made for a test", "none")


def run(config: MAEConfig = SMALL, pictures: PictureSet | None = None, **options: Any) -> tuple[MAETrainer, Snapshot]:
    trainer = MAETrainer(config, pictures=pictures or toy_pictures(40), **options)
    *_, last = trainer.steps()
    return trainer, last


def weights(trainer: MAETrainer) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trainer.model.parameters()])


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums this small gain nothing from a second one, and wait for it where another process has the core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Watched:
    """A run on easy pictures, with a frozen copy from its middle and what that copy answered at the time."""

    def __init__(self) -> None:
        self.config = SMALL.with_changes(steps=60, learning_rate=0.01)
        self.trainer = MAETrainer(self.config, pictures=halves())
        self.images, self.mask = self.trainer.split.held_out.images, draw_mask("random", 0.75, 4, 0)
        self.start = self.trainer.freeze()
        steps = self.trainer.steps()
        self.snapshots = [next(steps)]
        self.frozen = self.trainer.freeze()
        self.answer = self.frozen.reconstruct(self.images, self.mask)
        self.features, self.film = self.frozen.embed(self.images), self.frozen.film
        self.snapshots += steps
        self.end = self.trainer.freeze()


@pytest.fixture(scope="module")
def watched() -> Watched:
    return Watched()


@pytest.fixture(scope="module")
def untrained() -> FrozenMAE:
    return MAETrainer(SMALL, pictures=toy_pictures(40)).freeze()


@pytest.fixture(scope="module")
def normaliser() -> FrozenMAE:
    return MAETrainer(SMALL.with_changes(targets="normalised"), pictures=toy_pictures(40)).freeze()


def repainted(images: np.ndarray, places: np.ndarray, patch: int = 8) -> np.ndarray:
    """The same pictures with other pixels in the patches that `places` (n, L) marks."""
    side = images.shape[1] // patch
    other = np.random.default_rng(5).integers(0, 256, images.shape).astype(np.uint8)
    here = places.reshape(-1, side, side).repeat(patch, axis=1).repeat(patch, axis=2)
    return np.where(here[..., None], other, images)


# What it learns


def test_a_short_run_paints_easy_pictures_far_better_than_their_visible_mean(watched):
    first, last = watched.start, watched.snapshots[-1]
    assert last.metrics["error_ratio"] < 0.3
    assert watched.trainer.evaluate()["error_ratio"] == pytest.approx(last.metrics["error_ratio"], rel=1e-3)
    ratios = [
        float(frozen.reconstruct(watched.images, watched.mask).errors[:, watched.mask].mean())
        / float(frozen.visible_mean(watched.images, watched.mask)[:, watched.mask].mean())
        for frozen in (first, watched.end)
    ]
    assert ratios[1] < 0.3 < 0.8 < ratios[0]


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    one, other, third = (run(SMALL.with_changes(seed=seed)) for seed in (3, 3, 4))
    assert torch.equal(weights(one[0]), weights(other[0]))
    for name in ("masked_error", "error_ratio", "linear_colour"):
        assert one[1].metrics[name] == other[1].metrics[name]
    assert not torch.allclose(weights(one[0]), weights(third[0]))
    assert one[1].metrics["visible_mean_error"] == third[1].metrics["visible_mean_error"], "the masks that measure stay"


def test_the_seed_decides_on_the_start_and_leaves_torchs_own_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, other = (MAETrainer(SMALL.with_changes(seed=seed), pictures=toy_pictures(40)) for seed in (1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert not torch.equal(weights(one), weights(other))


def test_every_picture_comes_once_before_any_comes_again():
    trainer = MAETrainer(SMALL.with_changes(batch=8), pictures=toy_pictures(40))
    assert len(trainer.split.train) == 32
    for _ in range(2):
        drawn = np.concatenate([trainer._draw_batch() for _ in range(4)])
        assert sorted(drawn) == list(range(32))


@pytest.mark.parametrize(
    "changes",
    [
        *({"masking": masking} for masking in MASKINGS),
        {"targets": "normalised", "mask_ratio": 0.95},
        {"patch": "16", "mask_ratio": 0.05},
        {"image_size": "48", "patch": "12", "heads": "1"},
    ],
    ids=lambda changes: " ".join(map(str, changes.values())),
)
def test_every_kind_of_mask_patch_and_target_trains(changes):
    trainer, last = run(SMALL.with_changes(**changes))
    assert last.done
    assert all(math.isfinite(last.metrics[name]) for name in ("loss", "masked_error", "error_ratio"))
    assert torch.isfinite(weights(trainer)).all()


def test_the_learning_rate_rises_shortly_and_falls_to_zero():
    rates = [rate_at(share) for share in np.linspace(0, 1, 101)]
    assert rates[0] == 0.05
    assert max(rates) == pytest.approx(1)
    assert rates.index(max(rates)) == 5
    assert rates[-1] == pytest.approx(0)
    assert all(after < before for before, after in itertools.pairwise(rates[5:]))
    assert rate_at(1.3) == pytest.approx(0)


# What it shows


def test_snapshots_count_the_steps_and_the_last_one_is_done(watched):
    steps = [snapshot.step for snapshot in watched.snapshots]
    assert steps == sorted(set(steps))
    assert steps[-1] == 60
    assert {snapshot.total for snapshot in watched.snapshots} == {60}
    assert [snapshot.done for snapshot in watched.snapshots] == [False] * (len(steps) - 1) + [True]
    seconds = [snapshot.seconds for snapshot in watched.snapshots]
    assert seconds == sorted(seconds)


def test_snapshots_hold_loss_errors_pace_and_probes():
    trainer, last = run()
    assert set(last.metrics) == {
        "loss",
        "masked_error",
        "visible_mean_error",
        "error_ratio",
        "images_per_second",
        *PROBES,
    }
    assert all(math.isfinite(value) for value in last.metrics.values())
    assert last.metrics["error_ratio"] == pytest.approx(
        last.metrics["masked_error"] / last.metrics["visible_mean_error"]
    )
    measured = trainer.evaluate()
    assert set(measured) == {
        "masked_error",
        "visible_mean_error",
        "error_ratio",
        *(before + name for before in ("", "untrained_", "pixels_") for name in PROBES),
    }
    assert {name: measured[name] for name in PROBES} == {name: last.metrics[name] for name in PROBES}


def test_the_loss_is_shown_in_the_units_of_the_held_out_error(monkeypatch):
    trainer = MAETrainer(SMALL, pictures=toy_pictures(40))
    monkeypatch.setattr(trainer, "_advance", lambda: torch.tensor(0.8))
    assert next(trainer.steps()).metrics["loss"] == pytest.approx(0.8 / 16)
    trainer = MAETrainer(SMALL.with_changes(targets="normalised"), pictures=toy_pictures(40))
    monkeypatch.setattr(trainer, "_advance", lambda: torch.tensor(0.8))
    assert next(trainer.steps()).metrics["loss"] == pytest.approx(0.8)


def test_untrained_net_and_pixels_are_probed_before_the_first_step(untrained):
    assert untrained.probed is untrained.untrained
    assert untrained.untrained.step == 0
    assert set(untrained.untrained.scores) == set(untrained.pixels) == set(PROBES)


def test_the_map_shows_the_held_out_pictures_features():
    trainer, _ = run()
    frozen = trainer.freeze()
    assert len(frozen.map_pictures) == len(frozen.probed.features) == 8
    np.testing.assert_allclose(frozen.embed(frozen.map_pictures.images), frozen.probed.features, rtol=1e-3, atol=1e-4)
    trained_on = {image.tobytes() for image in trainer.split.train.images}
    assert not any(image.tobytes() in trained_on for image in frozen.map_pictures.images)


def test_the_film_grows_from_before_the_first_step_to_the_newest(watched):
    assert [frame.step for frame in watched.start.film] == [0]
    steps = [frame.step for frame in watched.end.film]
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (0, 60)
    assert len(watched.start.film) < len(watched.film) <= len(steps) <= FILM_FRAMES
    assert {frame.painted.shape for frame in watched.end.film} == {(6, 32, 32, 3)}
    for snapshot in watched.snapshots:
        kept = {frame.step: frame.painted for frame in watched.end.film}
        if snapshot.step in kept:
            np.testing.assert_array_equal(snapshot.arrays["painted"], kept[snapshot.step])


def test_the_films_newest_frame_is_what_the_model_paints(watched):
    pictures, mask = film_pictures(watched.trainer.split), film_mask(watched.config)
    assert mask.sum() == 12
    painted = watched.end.reconstruct(pictures, mask).painted
    np.testing.assert_allclose(watched.end.film[-1].painted / 255, painted, atol=0.51 / 255)
    assert not np.array_equal(watched.end.film[-1].painted, watched.end.film[0].painted)


def test_a_long_film_stays_short_evenly_spread_and_complete(monkeypatch, untrained):
    film = Film(SMALL, untrained.split, "cpu")
    blank = np.zeros((6, 32, 32, 3), np.float32), np.zeros((6, 16), np.float32)
    monkeypatch.setattr(trainer_module, "_paint", lambda *_: blank)
    for step in range(1_000):
        film.shoot(untrained.model, step)
        steps = [frame.step for frame in film.frames]
        assert (steps[0], steps[-1]) == (0, step)
        assert len(steps) <= FILM_FRAMES
        assert len(steps) >= min(step + 1, FILM_FRAMES // 2)
        gaps = np.diff(steps)
        assert (gaps > 0).all()
        assert len(set(gaps[:-1].tolist())) <= 1
        assert not len(gaps) > 1 or gaps[-1] <= gaps[0]


# What it keeps


def test_a_frozen_copy_stays_as_it_was(watched):
    again = watched.frozen.reconstruct(watched.images, watched.mask)
    np.testing.assert_array_equal(again.painted, watched.answer.painted)
    np.testing.assert_array_equal(watched.frozen.embed(watched.images), watched.features)
    assert watched.frozen.step == watched.snapshots[0].step
    assert watched.frozen.film == watched.film
    assert not np.allclose(watched.end.embed(watched.images), watched.features)


@pytest.mark.parametrize("slice_seconds", [0, 0.1], ids=["a step at a time", "many steps at a time"])
def test_a_huge_learning_rate_stops_the_run_and_keeps_the_last_good_state(monkeypatch, slice_seconds):
    monkeypatch.setattr(trainer_module, "SLICE_SECONDS", slice_seconds)
    config = SMALL.with_changes(steps=200).model_copy(update={"learning_rate": 1e30})  # no config allows that much
    trainer = MAETrainer(config, pictures=toy_pictures(40))
    images = toy_pictures(5).images
    good = trainer.freeze().embed(images)
    with pytest.raises(TrainingDiverged, match=r"The loss became NaN before step .* Lower the learning rate"):
        list(trainer.steps())
    np.testing.assert_array_equal(trainer.freeze().embed(images), good)
    assert [frame.step for frame in trainer.freeze().film] == [0]
    assert all(math.isfinite(value) for value in trainer.evaluate().values())


def test_a_loss_that_becomes_nan_later_keeps_what_was_learned_until_then(monkeypatch):
    trainer = MAETrainer(SMALL.with_changes(steps=50), pictures=toy_pictures(40))
    images = toy_pictures(5).images
    start = trainer.freeze().embed(images)
    steps = trainer.steps()
    before = next(steps)
    good = trainer.freeze()
    monkeypatch.setattr(trainer.model, "loss", lambda patches, hidden: trainer.model.mask_token.sum() * math.nan)
    with pytest.raises(TrainingDiverged):
        list(steps)
    kept = trainer.freeze()
    np.testing.assert_array_equal(kept.embed(images), good.embed(images))
    assert not np.allclose(kept.embed(images), start)
    assert kept.film[-1].step == before.step
    assert trainer.loss == before.metrics["loss"]


def test_the_largest_learning_rate_on_offer_stays_finite():
    trainer, last = run(SMALL.with_changes(learning_rate=10))
    assert math.isfinite(last.metrics["loss"])
    assert torch.isfinite(weights(trainer)).all()


def test_pictures_without_anything_in_them_train_and_can_be_saved(tmp_path):
    black = replace(halves(), images=np.zeros((40, 32, 32, 3), np.uint8))
    trainer, last = run(pictures=black)
    assert last.metrics["visible_mean_error"] == 0
    assert math.isfinite(last.metrics["masked_error"])
    assert all(path.is_file() for path in trainer.save(tmp_path))


# What it answers


def test_errors_are_those_of_each_patch_under_each_pictures_own_mask(untrained):
    images = untrained.split.held_out.images[:4]
    masks = np.stack([draw_mask("random", ratio, 4, 1) for ratio in (0, 0.3, 0.75, 1)])
    made = untrained.reconstruct(images, masks)
    assert made.painted.shape == images.shape
    assert made.painted.dtype == made.errors.dtype == np.float32
    assert not made.normalised
    whole = (made.painted > 0) & (made.painted < 1)
    for number in range(4):
        for place in range(16):
            y, x = 8 * (place // 4), 8 * (place % 4)
            here = (number, slice(y, y + 8), slice(x, x + 8))
            expected = np.mean((made.painted[here] - images[here] / 255) ** 2)
            if whole[here].all():  # errors are measured before what is shown is cut off at black and white
                assert made.errors[number, place] == pytest.approx(expected, rel=1e-3)
        assert whole[number].mean() > 0.9
        alone = untrained.reconstruct(images[number : number + 1], masks[number])
        np.testing.assert_allclose(alone.painted[0], made.painted[number], atol=1e-5)


def test_guessing_the_visible_mean_is_measured_colour_by_colour(untrained):
    images = untrained.split.held_out.images[:3]
    masks = draw_masks("random", 12, 4, 3, np.random.default_rng(2))
    errors = untrained.visible_mean(images, masks)
    for number in range(3):
        cut = (images[number] / 255).reshape(4, 8, 4, 8, 3).swapaxes(1, 2).reshape(16, 64, 3)
        guess = cut[~masks[number]].mean(axis=(0, 1))
        np.testing.assert_allclose(errors[number], ((cut - guess) ** 2).mean(axis=(1, 2)), rtol=1e-4)


def test_where_nothing_is_visible_the_guess_is_the_middle_grey(untrained):
    image = untrained.split.held_out.images[:1]
    cut = (image[0] / 255).reshape(4, 8, 4, 8, 3).swapaxes(1, 2).reshape(16, -1)
    errors = untrained.visible_mean(image, np.ones(16, bool))
    np.testing.assert_allclose(errors[0], ((cut - 0.5) ** 2).mean(axis=1), rtol=1e-4)


@pytest.mark.parametrize("hidden", [1, 12, 16])
def test_what_is_painted_never_depends_on_what_is_hidden(untrained, normaliser, hidden):
    for frozen in (untrained, normaliser):
        images = frozen.split.held_out.images[:3]
        masks = draw_masks("random", hidden, 4, 3, np.random.default_rng(hidden))
        other = repainted(images, masks)
        assert not np.array_equal(images, other)
        first, second = frozen.reconstruct(images, masks), frozen.reconstruct(other, masks)
        np.testing.assert_array_equal(first.painted, second.painted)
        assert (first.errors[masks] != second.errors[masks]).all()


def test_a_normalised_models_pictures_are_shown_as_they_come_out(normaliser):
    images, mask = normaliser.split.held_out.images[:2], draw_mask("random", 0.75, 4, 1)
    made = normaliser.reconstruct(images, mask)
    assert made.normalised
    model = normaliser.model
    with torch.no_grad():
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        output = model(model.cut(pixels), torch.from_numpy(np.stack([mask, mask])))  # (2, 16, 192)
    shown = (0.5 + output / 4).clamp(0, 1).numpy().reshape(2, 4, 4, 8, 8, 3).swapaxes(2, 3).reshape(2, 32, 32, 3)
    np.testing.assert_allclose(made.painted, shown, atol=1e-6)
    guessed = normaliser.visible_mean(images, mask)
    assert guessed[:, mask].mean() == pytest.approx(1, abs=0.15), "a normalised patch's variance is 1"


@pytest.mark.parametrize(
    ("images", "mask", "said"),
    [
        ((2, 16, 16, 3), (16,), r"Pictures must be \(n, 32, 32, 3\), not \(2, 16, 16, 3\)\."),
        ((32, 32, 3), (16,), r"Pictures must be \(n, 32, 32, 3\), not \(32, 32, 3\)\."),
        ((2, 32, 32, 4), (16,), r"Pictures must be \(n, 32, 32, 3\)"),
        ((2, 32, 32, 3), (15,), r"The mask must be \(16,\) or \(2, 16\), not \(15,\)\."),
        ((2, 32, 32, 3), (3, 16), r"The mask must be \(16,\) or \(2, 16\), not \(3, 16\)\."),
        ((2, 32, 32, 3), (4, 4), r"The mask must be \(16,\) or \(2, 16\), not \(4, 4\)\."),
    ],
)
def test_pictures_and_masks_of_another_shape_are_refused(untrained, images, mask, said):
    for ask in (untrained.reconstruct, untrained.visible_mean):
        with pytest.raises(ValueError, match=said):
            ask(np.zeros(images, np.uint8), np.zeros(mask, bool))


def test_no_pictures_get_no_answers(untrained):
    made = untrained.reconstruct(np.zeros((0, 32, 32, 3), np.uint8), np.zeros(16, bool))
    assert made.painted.shape == (0, 32, 32, 3)
    assert made.errors.shape == (0, 16)


# What it says


def test_own_pictures_are_asked_for():
    with pytest.raises(TrainingError, match=r"choose a \.zip of folders, or pick apples or emoji\."):
        MAETrainer(SMALL)


def test_too_few_pictures_to_hold_some_out_are_refused_in_a_sentence():
    with pytest.raises(TrainingError, match="too few pictures"):
        MAETrainer(SMALL, pictures=toy_pictures(1))


def test_a_batch_larger_than_the_data_takes_all_and_says_so():
    trainer, last = run(SMALL.with_changes(batch=256))
    assert trainer.batch == len(trainer.split.train) == 32
    assert trainer.notes == ["The batch is 256, but there are 32 pictures to train on: all are taken."]
    assert last.done


def test_a_step_of_many_patches_takes_fewer_pictures_and_says_so(monkeypatch):
    assert PATCHES_A_STEP // MAEConfig(image_size="64", patch="2").patches >= 2
    monkeypatch.setattr(trainer_module, "PATCHES_A_STEP", 100)
    trainer, last = run()
    assert trainer.batch == 6
    assert trainer.notes == [
        "The batch is 16, but with 16 patches a picture only 6 are taken, so that a step stays short."
    ]
    assert last.done


def test_what_the_pictures_have_to_say_is_passed_on():
    trainer = MAETrainer(SMALL, pictures=replace(toy_pictures(40), notes=("Two were left out.",)))
    assert trainer.notes == ["Two were left out."]


def test_a_time_budget_is_kept_and_the_steps_of_the_config_are_not_used():
    trainer = MAETrainer(SMALL.with_changes(steps=50_000), pictures=toy_pictures(40), seconds=1.0)
    rates, begun = [], time.perf_counter()
    for snapshot in trainer.steps():
        last = snapshot
        rates.append(trainer._optimizer.param_groups[0]["lr"] / trainer.config.learning_rate)
    assert 1.0 <= last.seconds < 5
    assert time.perf_counter() - begun < 12
    assert last.done
    assert 0 < last.step == last.total < 50_000
    assert max(rates) > 0.5
    assert rates[-1] < 0.5 * max(rates)
