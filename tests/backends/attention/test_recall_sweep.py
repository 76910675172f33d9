from __future__ import annotations

import json

import pytest

from backends.attention.recall import RecallTrainer
from backends.attention.recall_config import RecallConfig
from backends.attention.recall_sweep import DISTANCES, RecallSweep
from backends.engine.config import ConfigError

SMALL = RecallConfig(width="16", batch=16, steps=20)


def swept(config=SMALL, distances=(4, 2, 30), **options):
    sweep = RecallSweep(config, distances=distances, **options)
    return sweep, list(sweep.steps())


def test_each_distance_is_trained_from_scratch_on_equal_steps_as_by_itself():
    sweep, _ = swept()
    assert [point.distance for point in sweep.points] == [2, 4, 30]
    assert {point.steps for point in sweep.points} == {20}
    for point in sweep.points:
        alone = RecallTrainer(SMALL.with_changes(distance=point.distance))
        *_, last = alone.steps()
        scores = {"transformer_accuracy": point.transformer_accuracy, "lstm_accuracy": point.lstm_accuracy}
        assert scores == alone.evaluate()
        assert last.step == point.steps
        assert point.seconds > 0


def test_progress_counts_tokens_rises_and_ends_once():
    sweep, snapshots = swept()
    total = 20 * 16 * (4 + 6 + 32)
    assert {snapshot.total for snapshot in snapshots} == {total}
    steps = [snapshot.step for snapshot in snapshots]
    assert steps == sorted(set(steps))
    assert steps[-1] == total
    assert [snapshot.done for snapshot in snapshots] == [False] * (len(snapshots) - 1) + [True]
    seconds = [snapshot.seconds for snapshot in snapshots]
    assert seconds == sorted(seconds)
    assert seconds[-1] == pytest.approx(sum(point.seconds for point in sweep.points))
    assert sorted({snapshot.metrics["distance"] for snapshot in snapshots}) == [2, 4, 30]


def test_points_come_one_by_one_and_a_frozen_copy_keeps_those_it_had():
    sweep = RecallSweep(SMALL, distances=(2, 3))
    kept, counts = sweep.freeze(), []
    for _ in sweep.steps():
        counts.append(len(sweep.freeze()))
    assert kept == ()
    assert counts[-1] == 2
    assert counts == sorted(counts)
    assert 1 in counts
    assert list(sweep.evaluate()) == [
        "transformer_accuracy_2", "lstm_accuracy_2", "transformer_accuracy_3", "lstm_accuracy_3",
    ]  # fmt: skip


def test_points_are_saved(tmp_path):
    sweep, _ = swept(distances=(2,))
    (path,) = sweep.save(tmp_path)
    (row,) = json.loads(path.read_text(encoding="utf-8"))
    assert (row["distance"], row["steps"]) == (2, 20)
    assert row["lstm_accuracy"] == sweep.points[0].lstm_accuracy


@pytest.mark.parametrize("distances", [(0,), (5, 201)])
def test_distances_out_of_range_are_refused(distances):
    with pytest.raises(ConfigError, match="from 1 to 200"):
        RecallSweep(SMALL, distances=distances)


@pytest.mark.parametrize("distances", [(), range(1, 22)])
def test_no_distance_and_too_many_are_refused(distances):
    with pytest.raises(ValueError, match="from 1 to 20"):
        RecallSweep(SMALL, distances=distances)


@pytest.mark.slow
def test_by_default_the_lstm_recalls_near_by_and_guesses_far_off():
    sweep = RecallSweep(RecallConfig())
    for _ in sweep.steps():
        pass
    by_distance = {point.distance: point for point in sweep.points}
    assert tuple(by_distance) == DISTANCES
    assert min(point.transformer_accuracy for point in sweep.points) >= 0.99
    assert by_distance[5].lstm_accuracy >= 0.99
    assert max(by_distance[distance].lstm_accuracy for distance in (40, 80)) <= 0.3
