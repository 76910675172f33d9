"""The trainers on toy pictures: what they learn, what they keep, what they show, and what they say when they can't."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from backends.data.pictures import PictureSet
from backends.engine.trainer import TrainingDiverged, TrainingError
from backends.pretext.config import InpaintingConfig, JigsawConfig, RotationConfig, largest_gap
from backends.pretext.deal import (
    best_places,
    deal_holes,
    deal_jigsaws,
    deal_rotations,
    put_back,
    turn_pictures,
)
from backends.pretext.held_out import HeldOutRotation, confusion_of_turns, counts_of, share_right
from backends.pretext.model import JigsawModel, untrained
from backends.pretext.puzzles import PuzzleError, cut_tiles, draw_holes, draw_permutations, shuffle
from backends.pretext.trainer import TRAINERS, PretextTrainer
from tests.backends.pretext.conftest import CONFIGS, run, trainer_of
from tests.backends.simclr.conftest import toy_pictures

METHODS = tuple(TRAINERS)
PROBES = {f"{kind}_{factor}" for kind in ("knn", "linear") for factor in ("colour", "form")}
OWN_METRICS = {
    "rotation": {"accuracy"},
    "inpainting": {"hole_error", "border_mean_error", "error_ratio"},
    "jigsaw": {"accuracy", "blank_share"},
}


def landscapes(count: int = 60, size: int = 32) -> PictureSet:
    """A sun at the upper left over sky and ground that get darker to the right: all three puzzles can be solved."""
    random = np.random.default_rng(0)
    sky, ground = random.integers(150, 200, (count, 3)), random.integers(20, 80, (count, 3))
    y, x = np.mgrid[:size, :size]
    images = np.where((y < size // 2)[None, ..., None], sky[:, None, None], ground[:, None, None]).astype(float)
    images += random.normal(0, 6, images.shape) - 1.5 * (x[None, ..., None] - size / 2)
    images[:, 2:9, 2:9] = 250
    return PictureSet("own", images.clip(0, 255).astype(np.uint8), {}, ("land",) * count, "made for a test", "none")


def weights(trainer: PretextTrainer) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trainer.model.parameters()])


# What they learn


def test_a_short_run_knows_which_way_is_up():
    trainer, last = run("rotation", pictures=landscapes(), steps=40, learning_rate=0.01)
    assert trainer.measured.metrics["accuracy"] > 0.9
    assert last.arrays["confusion"].sum() == 4 * 12
    assert np.trace(last.arrays["confusion"]) / 48 == last.metrics["accuracy"]
    frozen = trainer.freeze()
    dealt = deal_rotations(trainer.config, trainer.split.held_out.images, seed=4)
    np.testing.assert_array_equal(turn_pictures(dealt.upright, dealt.turns), dealt.images)
    answers = frozen.answer(dealt.images)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)
    assert (answers.argmax(axis=1) == dealt.turns).mean() > 0.9


def test_a_short_run_fills_holes_better_than_their_border():
    trainer, last = run("inpainting", pictures=landscapes(), steps=60, learning_rate=0.01, hole="centre")
    assert last.metrics["error_ratio"] < 0.5 < trainer_of("inpainting").measured.metrics["error_ratio"]
    frozen, images = trainer.freeze(), trainer.split.held_out.images
    ours, guessed = frozen.errors(images)
    assert ours.mean() / guessed.mean() == pytest.approx(last.metrics["error_ratio"], rel=1e-3)
    hole = deal_holes(trainer.config, images, seed=0).holes[0]
    filled, guess = frozen.answer(images, hole), frozen.guess(images, hole)
    for made, errors in ((filled, ours), (guess, guessed)):
        np.testing.assert_array_equal(made[:, ~hole], images[:, ~hole])
        wrong = ((made[:, hole] / 255 - images[:, hole] / 255) ** 2).mean(axis=(1, 2))
        np.testing.assert_allclose(wrong, errors, atol=2e-4, rtol=0.05)
    assert last.arrays["painted"].shape == (6, 32, 32, 3)


def test_a_short_run_knows_where_tiles_belong():
    trainer, last = run("jigsaw", pictures=landscapes(), steps=60, learning_rate=0.01, gap=1)
    assert last.metrics["accuracy"] > 0.5
    dealt = deal_jigsaws(trainer.config, trainer.split.held_out.images, seed=4)
    answers = trainer.freeze().answer(dealt.images)
    assert answers.shape == (12, 9, 9)
    np.testing.assert_allclose(answers.sum(axis=2), 1, rtol=1e-5)
    right = answers.argmax(axis=2) == dealt.places
    assert right[~dealt.blank_mask].mean() > 0.5
    placed = best_places(answers)
    assert (np.sort(placed, axis=1) == np.arange(9)).all()
    whole = put_back(dealt.images, dealt.places, trainer.config.gap)
    inner = np.abs(whole.astype(int) - trainer.split.held_out.images).max(axis=3) == 0
    assert inner.mean() == pytest.approx(9 * trainer.config.tile**2 / 32**2, abs=1e-6)


def test_a_printed_label_is_all_that_is_learned_where_there_is_one():
    trainer, last = run("rotation", steps=60, learning_rate=0.01, printed_label="on")
    assert last.metrics["accuracy"] > 0.9
    assert last.metrics["accuracy_without_shortcut"] < 0.6
    assert any("shortcut" in note for note in trainer.notes)
    assert not any("shortcut" in note for note in trainer_of("rotation").notes)
    np.testing.assert_array_equal(trainer.split.train.images, trainer_of("rotation").split.train.images)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_run_and_another_seed_another(method):
    one, other, third = (run(method, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(weights(one[0]), weights(other[0]))
    assert all(one[1].metrics[name] == other[1].metrics[name] for name in OWN_METRICS[method] | PROBES)
    assert not torch.allclose(weights(one[0]), weights(third[0]))


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("rotation", {"light_from_above": "on", "image_size": "48"}),
        ("inpainting", {"hole": "blocks", "hole_share": 0.6, "image_size": "48"}),
        ("inpainting", {"hole": "centre", "hole_share": 0.05, "image_size": "64"}),
        ("jigsaw", {"tile_colour": "grey", "gap": 6}),
        ("jigsaw", {"tile_colour": "shifted", "image_size": "48", "gap": 3}),
    ],
    ids=lambda part: part if isinstance(part, str) else " ".join(map(str, part.values())),
)
def test_every_kind_of_puzzle_size_and_net_trains(method, changes):
    trainer, last = run(method, pictures=toy_pictures(12), **changes)
    assert last.done
    assert all(math.isfinite(last.metrics[name]) for name in OWN_METRICS[method] | {"loss"})
    assert torch.isfinite(weights(trainer)).all()


@pytest.mark.parametrize("size", ["32", "48", "64"])
def test_a_resnet_takes_every_puzzle_of_every_size(size):
    images = torch.rand(2, 3, int(size), int(size), generator=torch.Generator().manual_seed(0))
    painter = untrained(InpaintingConfig(encoder="resnet18", image_size=size))
    holes = draw_holes("random", 0.25, int(size), 2, torch.Generator().manual_seed(0))
    assert painter(images, holes).shape == images.shape
    painter.loss(images, holes).backward()
    assert painter.encoder.net.conv1.weight.grad.abs().sum() > 0
    placer = untrained(JigsawConfig(encoder="resnet18", image_size=size, gap=largest_gap(size)))
    assert placer(cut_tiles(images, largest_gap(size))).shape == (2, 9, 9)


def test_the_jigsaw_is_told_nothing_of_where_a_tile_lies():
    model = untrained(CONFIGS["jigsaw"]).eval()
    assert isinstance(model, JigsawModel)
    tiles = cut_tiles(torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)), 0)
    order = draw_permutations(4, torch.Generator().manual_seed(1))
    with torch.no_grad():
        straight, mixed = model(tiles), model(shuffle(tiles, order))
    torch.testing.assert_close(mixed, shuffle(straight, order))


def test_blank_tiles_count_neither_in_the_loss_nor_in_the_accuracy():
    model = untrained(CONFIGS["jigsaw"]).eval()
    tiles = cut_tiles(torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)), 0)
    places = torch.arange(9).expand(2, 9)
    blank = torch.zeros(2, 9, dtype=torch.bool)
    blank[:, 4:] = True
    log_probabilities = model(tiles).log_softmax(dim=2)
    expected = -torch.stack([log_probabilities[b, i, i] for b in range(2) for i in range(4)]).mean()
    torch.testing.assert_close(model.loss(tiles, places, blank), expected)
    assert float(model.loss(tiles, places, torch.ones_like(blank)).detach()) == 0


def test_pictures_of_nothing_but_blank_tiles_train_and_can_be_saved(tmp_path):
    plain = replace(toy_pictures(12), images=np.full((12, 32, 32, 3), 200, np.uint8))
    for method in METHODS:
        trainer, last = run(method, pictures=plain)
        assert math.isfinite(last.metrics["loss"])
        assert all(path.is_file() for path in trainer.save(tmp_path / method))
    assert last.metrics["blank_share"] == 1
    assert math.isnan(last.metrics["accuracy"])


def test_the_hole_is_not_looked_at():
    frozen, images = trainer_of("inpainting").freeze(), toy_pictures(3).images
    hole = np.zeros((32, 32), bool)
    hole[4:20, 8:24] = True
    other = np.where(hole[..., None], np.uint8(7), images)
    np.testing.assert_array_equal(frozen.answer(images, hole), frozen.answer(other, hole))


# What they show


@pytest.mark.parametrize("method", METHODS)
def test_snapshots_hold_loss_measures_pace_and_probes(method):
    trainer, last = run(method)
    assert set(last.metrics) == {"loss", "images_per_second", *OWN_METRICS[method], *PROBES}
    assert (last.step, last.total, last.done) == (10, 10, True)
    measured = trainer.evaluate()
    assert set(measured) == OWN_METRICS[method] | {
        before + name for before in ("", "untrained_", "pixels_") for name in PROBES
    }
    for name in OWN_METRICS[method] | PROBES:
        assert measured[name] == last.metrics[name]


@pytest.mark.parametrize("method", METHODS)
def test_a_budget_of_seconds_ends_the_run(method):
    trainer, last = run(method, seconds=0.3)
    assert last.done
    assert last.seconds >= 0.3
    assert trainer.step == last.total == last.step


def test_the_confusion_counts_each_truth_and_guess():
    counts = counts_of(torch.tensor([0, 0, 1, 3]), torch.tensor([0, 2, 1, 3]), 4)
    assert counts.sum() == 4
    assert (counts[0, 0], counts[0, 2], counts[1, 1], counts[3, 3]) == (1, 1, 1, 1)
    assert share_right(counts) == 0.75
    assert math.isnan(share_right(np.zeros((4, 4))))


def test_a_net_that_always_says_upright_is_right_in_a_quarter():
    trainer = trainer_of("rotation")
    with torch.no_grad():
        trainer.model.head.weight.zero_()
        trainer.model.head.bias.copy_(torch.tensor([1.0, 0, 0, 0]))
    measured = HeldOutRotation(RotationConfig(data="own"), trainer.split, "cpu").measure(trainer.model.eval())
    assert measured.metrics == {"accuracy": 0.25}
    confusion = confusion_of_turns(trainer.model, torch.rand(5, 3, 32, 32))
    np.testing.assert_array_equal(confusion, [[5, 0, 0, 0]] * 4)


# What they keep


@pytest.mark.parametrize("method", METHODS)
def test_a_frozen_copy_stays_as_it_was_and_knows_its_map(method):
    trainer = trainer_of(method)
    start, images = trainer.freeze(), toy_pictures(5).images
    before, features = start.answer(images), start.embed(images)
    for _ in trainer.steps():
        pass
    np.testing.assert_array_equal(start.answer(images), before)
    np.testing.assert_array_equal(start.embed(images), features)
    end = trainer.freeze()
    assert (start.step, end.step) == (0, 10)
    assert not np.allclose(end.embed(images), features)
    np.testing.assert_allclose(end.embed(end.map_pictures.images), end.probed.features, rtol=1e-3, atol=1e-5)
    assert end.metrics == trainer.measured.metrics
    assert start.untrained is end.untrained is start.probed
    assert set(end.pixels) == set(end.untrained.scores) == PROBES


@pytest.mark.parametrize("method", METHODS)
def test_a_huge_learning_rate_stops_the_run_and_keeps_the_last_good_state(method):
    trainer = trainer_of(method, steps=200)
    trainer.config = trainer.config.model_copy(update={"learning_rate": 1e30})  # no config allows that much
    images = toy_pictures(5).images
    good = trainer.freeze().embed(images)
    with pytest.raises(TrainingDiverged, match=r"The loss became NaN before step .* Lower the learning rate"):
        list(trainer.steps())
    np.testing.assert_array_equal(trainer.freeze().embed(images), good)
    assert all(math.isfinite(value) for value in trainer.evaluate().values())


# What they refuse


@pytest.mark.parametrize("method", METHODS)
def test_pictures_that_allow_no_run_are_refused_in_a_sentence(method):
    with pytest.raises(TrainingError, match="too few pictures"):
        trainer_of(method, pictures=toy_pictures(1))
    with pytest.raises(TrainingError, match="No pictures of your own are here yet"):
        trainer_of(method, pictures=None)


def test_a_batch_larger_than_the_pictures_takes_all_of_them():
    trainer = trainer_of("rotation", batch=128)
    assert trainer.batch == 48
    assert trainer.notes == ["The batch is 128, but there are 48 pictures to train on: all are taken."]


def test_every_picture_comes_once_before_any_comes_again():
    trainer = trainer_of("rotation")
    for _ in range(2):
        drawn = np.concatenate([trainer._draw_batch() for _ in range(3)])
        assert sorted(drawn) == list(range(48))


@pytest.mark.parametrize("method", METHODS)
def test_pictures_that_do_not_fit_the_net_are_refused(method):
    frozen = trainer_of(method).freeze()
    for images in (
        np.zeros((1, 16, 16, 3), np.uint8),
        np.zeros((1, 32, 40, 3), np.uint8),
        np.full((1, 32, 32, 3), np.nan),
    ):
        with pytest.raises(PuzzleError):
            frozen.answer(images)


def test_holes_that_do_not_fit_are_refused():
    frozen, images = trainer_of("inpainting").freeze(), toy_pictures(3).images
    for hole, said in (
        (np.zeros((32, 32), bool), "no hole yet"),
        (np.ones((32, 32), bool), "everything"),
        (np.eye(16, dtype=bool), r"must be \(32, 32\) or \(3, 32, 32\)"),
    ):
        with pytest.raises(PuzzleError, match=said):
            frozen.answer(images, hole)
    with pytest.raises(PuzzleError, match=r"The hole must be \(32, 32\)"):
        deal_holes(frozen.config, images, 0, np.eye(16, dtype=bool))


def test_tiles_that_share_a_place_are_refused():
    images = toy_pictures(1).images
    with pytest.raises(PuzzleError, match="exactly one tile"):
        put_back(images, np.array([[0, 0, 2, 3, 4, 5, 6, 7, 8]]), 0)
