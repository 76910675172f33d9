"""What made-up points are said to show, both ways."""

from __future__ import annotations

import math

from backends.transfer.points import Point, as_csv, curves
from backends.transfer.verdict import NOTHING_YET, differ, verdict


def points(encoder: str, way: str, values: list[float], labels: int = 10, factor: str = "shape") -> list[Point]:
    return [Point(encoder, factor, way, labels, draw, value, 0.2) for draw, value in enumerate(values)]


HIGH, LOW, LOWISH = [0.78, 0.80, 0.82], [0.48, 0.50, 0.52], [0.49, 0.51, 0.53]


def test_the_leader_is_named_with_both_numbers_whichever_comes_first():
    for made in (
        points("simclr", "linear", HIGH) + points("rotation", "linear", LOW),
        points("rotation", "linear", LOW) + points("simclr", "linear", HIGH),
    ):
        assert verdict(made) == (
            "Shape with 10 labels per class, linear probe: SimCLR 0.80 ± 0.02, ahead of Rotation 0.50 ± 0.02."
        )
    turned = points("simclr", "linear", LOW) + points("rotation", "linear", HIGH)
    assert "Rotation 0.80 ± 0.02, ahead of SimCLR 0.50 ± 0.02." in verdict(turned)


def test_a_difference_within_the_spread_is_none():
    said = verdict(points("simclr", "linear", LOW) + points("rotation", "linear", LOWISH))
    assert said.endswith(
        "Rotation 0.51 ± 0.02 and SimCLR 0.50 ± 0.02; that is within the spread, so neither is better."
    )
    assert "ahead" not in said


def test_one_draw_has_no_spread_so_it_may_be_luck():
    said = verdict(points("simclr", "linear", [0.9]) + points("rotation", "linear", [0.1]))
    assert said.endswith("SimCLR 0.90 and Rotation 0.10; one draw of labels has no spread, so this may be luck.")


def test_pre_training_helps_hurts_or_makes_no_difference():
    for tuned, scratch, said in (
        (HIGH, LOW, "Fine-tuned, SimCLR reaches 0.80 ± 0.02 with 10 labels per class, its net from scratch "
         "0.50 ± 0.02: pre-training helps."),
        (LOW, HIGH, ": pre-training hurts."),
        (LOW, LOWISH, "; that is within the spread, so pre-training made no difference here."),
        ([0.9], [0.1], "; one draw of labels has no spread, so this may be luck."),
    ):  # fmt: skip
        assert verdict(points("simclr", "fine_tuning", tuned) + points("simclr", "scratch", scratch)).endswith(said)


def test_without_fine_tuning_the_probe_stands_against_training_from_scratch():
    said = verdict(points("mae", "linear", HIGH) + points("mae", "scratch", LOW))
    assert said.startswith(
        "Shape with 10 labels per class, linear probe: Masked autoencoder 0.80 ± 0.02, guessing 0.20."
    )
    assert said.endswith(
        "By its linear probe, Masked autoencoder reaches 0.80 ± 0.02 with 10 labels per class, its net from scratch "
        "0.50 ± 0.02: pre-training helps."
    )


def test_every_task_has_its_own_leader():
    made = points("simclr", "linear", HIGH) + points("inpainting", "linear", LOW)
    made += points("simclr", "linear", LOW, factor="colour") + points("inpainting", "linear", HIGH, factor="colour")
    said = verdict(made)
    assert "Shape with 10 labels per class, linear probe: SimCLR 0.80" in said
    assert "Colour with 10 labels per class, linear probe: Inpainting 0.80" in said


def test_encoders_are_compared_where_all_were_measured_at_few_labels():
    made = points("simclr", "linear", HIGH, 50) + points("simclr", "linear", LOW, 1)
    made += points("mae", "linear", LOW, 50) + points("mae", "linear", HIGH, 1) + points("mae", "linear", HIGH, 10)
    assert verdict(made).startswith("Shape with 1 label per class, linear probe: Masked autoencoder 0.80")
    assert verdict(made, few=50).startswith("Shape with 50 labels per class, linear probe: SimCLR 0.80")
    apart = points("simclr", "linear", HIGH, 50) + points("mae", "linear", HIGH, 5)
    assert verdict(apart) == NOTHING_YET


def test_nothing_is_said_of_nothing():
    assert verdict([]) == NOTHING_YET


def test_differences_are_measured_against_both_spreads():
    assert differ((0.5, 0.1), (0.71, 0.1)) is True
    assert differ((0.71, 0.1), (0.5, 0.1)) is True
    assert differ((0.5, 0.1), (0.69, 0.1)) is False
    assert differ((0.5, 0.0), (0.5, 0.0)) is False
    assert differ((0.5, math.nan), (0.9, 0.0)) is None


def test_curves_rise_in_labels_and_carry_mean_spread_and_draws():
    made = points("mae", "knn", [0.5], 20) + points("mae", "knn", [0.1, 0.3], 2) + points("mae", "linear", [0.2], 2)
    knn, linear = curves(made)
    assert (knn.way, linear.way, knn.labels.tolist(), knn.draws.tolist()) == ("knn", "linear", [2, 20], [2, 1])
    assert math.isclose(knn.at(2)[0], 0.2)
    assert math.isclose(knn.at(2)[1], 0.02**0.5)
    assert math.isnan(knn.spread[1])
    assert knn.chance == 0.2


def test_the_table_has_a_line_for_each_point():
    header, line, *rest = as_csv(points("mae", "knn", [1 / 3], 20)).splitlines()
    assert (header, line, rest) == (
        "encoder,factor,way,labels,draw,accuracy,chance",
        "mae,shape,knn,20,0,0.33333,0.2",
        [],
    )
