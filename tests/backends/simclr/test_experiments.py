from __future__ import annotations

import torch

from backends.simclr.augment_config import AUGMENTATIONS, COLOUR_AUGMENTATIONS
from backends.simclr.config import SimCLRConfig
from backends.simclr.experiments import FULL, WITH, WITHOUT, Ablation, ColourExperiment, with_colour, without_colour
from tests.backends.simclr.conftest import toy_pictures

OWN = SimCLRConfig(data="own", batch=16, steps=10)


def test_the_two_sides_differ_in_colour_jitter_alone():
    for config in (OWN, without_colour(OWN), OWN.with_changes(hue=0.1)):
        kept, jittered = without_colour(config), with_colour(config)
        assert set(kept.differences(jittered)) <= set(COLOUR_AUGMENTATIONS)
        assert kept.hue == 0
        assert jittered.hue == (config.hue or 0.5)


def test_both_sides_start_from_the_same_weights_and_see_the_same_batches():
    experiment = ColourExperiment(OWN, pictures=toy_pictures())
    one, other = experiment.sides[WITHOUT], experiment.sides[WITH]
    for a, b in zip(one.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert (one._draw_batch() == other._draw_batch()).all()


def test_the_sides_train_by_turns_and_end_together():
    experiment = ColourExperiment(OWN.with_changes(steps=30), pictures=toy_pictures())
    snapshots = list(experiment.steps())
    assert [snapshot.done for snapshot in snapshots] == [False] * (len(snapshots) - 1) + [True]
    assert snapshots[-1].step == snapshots[-1].total == 60
    assert [snapshot.step for snapshot in snapshots] == sorted(snapshot.step for snapshot in snapshots)
    for side in (WITHOUT, WITH):
        assert snapshots[-1].metrics[f"{side}_knn_colour"] == experiment.sides[side].probed.scores["knn_colour"]
    assert experiment.freeze().jittered.step == 30


def test_a_budget_is_shared_by_both_sides():
    experiment = ColourExperiment(OWN, pictures=toy_pictures(), seconds=2)
    *_, last = experiment.steps()
    assert 2 <= last.seconds < 6
    assert all(0.9 < side.seconds < 4 for side in experiment.sides.values())


def test_the_ablation_leaves_out_one_augmentation_at_a_time():
    config = OWN.with_changes(**dict.fromkeys(AUGMENTATIONS, 0)).with_changes(crop=0.5, hue=0.5)
    ablation = Ablation(config, pictures=toy_pictures())
    *_, last = ablation.steps()
    assert last.done
    assert [row.left_out for row in ablation.freeze()] == [FULL, "crop", "hue"]
    full, without_crop, _ = ablation.freeze()
    expected = full.scores["knn_form"] - without_crop.scores["knn_form"]
    assert ablation.evaluate()["crop_knn_form"] == expected


def test_an_ablation_of_one_augmentation_says_that_there_is_little_to_leave_out():
    config = OWN.with_changes(**dict.fromkeys(AUGMENTATIONS, 0)).with_changes(flip=0.5)
    assert "Fewer than two" in Ablation(config, pictures=toy_pictures()).notes[-1]
