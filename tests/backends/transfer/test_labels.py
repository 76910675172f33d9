"""Which pictures are labelled: growing sets, as many of each class, and tasks that can't be."""

from __future__ import annotations

import numpy as np
import pytest

from backends.data.pictures import Factor
from backends.engine.trainer import TrainingError
from backends.transfer.labels import check_task, draw_labelled

VALUES = np.random.default_rng(3).integers(0, 4, 200)


def test_a_set_of_few_labels_is_part_of_the_set_of_more_and_has_as_many_of_each_class():
    drawn = draw_labelled(VALUES, 4, 20, seed=1, draw=0)
    before: set[int] = set()
    for count in (1, 2, 5, 10, 20):
        chosen = drawn.first(count)
        assert np.bincount(VALUES[chosen]).tolist() == [count] * 4
        assert len(set(chosen)) == 4 * count
        assert before < set(chosen)
        before = set(chosen)


def test_the_five_label_set_contains_the_two_label_set_whatever_the_most():
    assert set(draw_labelled(VALUES, 4, 2, 1, 0).first(2)) < set(draw_labelled(VALUES, 4, 5, 1, 0).first(5))


def test_draws_and_seeds_label_other_pictures_and_the_same_ones_label_the_same():
    first = draw_labelled(VALUES, 4, 5, 1, 0).order
    np.testing.assert_array_equal(first, draw_labelled(VALUES, 4, 5, 1, 0).order)
    for seed, draw in ((1, 1), (2, 0)):
        assert (draw_labelled(VALUES, 4, 5, seed, draw).order != first).mean() > 0.5


@pytest.mark.parametrize("count", [0, 6])
def test_more_labels_than_were_drawn_are_refused(count):
    with pytest.raises(ValueError, match=f"{count} labels per class were asked for; there are from 1 to 5"):
        draw_labelled(VALUES, 4, 5, 1, 0).first(count)


def test_a_class_with_too_few_pictures_is_named():
    factor = Factor("folder", "Folder", ("pears", "p" * 90), np.repeat([0, 1], [9, 3]))
    check_task(factor, 3, "Labels (labels)")
    with pytest.raises(TrainingError) as refused:
        check_task(factor, 5, "Labels (labels)")
    assert str(refused.value) == (
        f"Labels (labels) is 5 per class, but the class '{'p' * 40}' has 3 to train on: choose at most 2, "
        "or bring more pictures."
    )


def test_a_class_of_which_all_pictures_are_held_out_has_none():
    with pytest.raises(TrainingError, match="the class 'plums' has 0 to train on: bring more pictures"):
        check_task(Factor("folder", "Folder", ("pears", "plums"), np.zeros(9, np.int64)), 1, "Labels (labels)")


def test_one_class_is_nothing_to_tell_apart():
    with pytest.raises(TrainingError, match=r"^Folder has only one class, so there is nothing to tell apart"):
        check_task(Factor("folder", "Folder", ("pears",), np.zeros(9, np.int64)), 1, "Labels (labels)")
