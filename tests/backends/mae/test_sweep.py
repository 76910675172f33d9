"""Why 75 %? Runs at several mask ratios, as each would go by itself."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from backends.engine.config import ConfigError
from backends.mae.config import MAEConfig
from backends.mae.sweep import MAX_CURVE, CurvePoint, MaskRatioSweep
from backends.mae.sweep_config import RATIOS, percentage, sweep_configs
from backends.mae.trainer import MAETrainer
from tests.backends.simclr.conftest import toy_pictures

SMALL = MAEConfig(data="own", patch="8", width="48", depth=1, decoder_width="32", decoder_depth=1, steps=40, batch=16)


@pytest.fixture(scope="module")
def toys():
    return toy_pictures(60)


@pytest.fixture(scope="module")
def swept(toys):
    sweep = MaskRatioSweep(SMALL, pictures=toys, ratios=(0.9, 0.25, 0.25))
    return sweep, list(sweep.steps())


def test_each_ratio_is_trained_as_it_would_be_by_itself(swept, toys):
    sweep, _ = swept
    points = sweep.freeze()
    assert [point.mask_ratio for point in points] == [0.25, 0.9]
    assert all(point.done and point.step == point.steps == 20 for point in points)
    for name, point in zip(("25", "90"), points, strict=True):
        alone = MAETrainer(SMALL.with_changes(mask_ratio=point.mask_ratio, steps=20), pictures=toys)
        *_, last = alone.steps()
        assert point.errors == alone.errors
        assert point.scores == alone.probed.scores
        assert point.untrained == alone.untrained.scores
        assert point.curve[0].step == 0
        assert point.curve[-1] == CurvePoint(20, last.metrics["error_ratio"])
        for weights, other in zip(sweep.sides[name].model.parameters(), alone.model.parameters(), strict=True):
            np.testing.assert_array_equal(weights.detach(), other.detach())


def test_all_ratios_start_from_the_same_weights(toys):
    low, high = MaskRatioSweep(SMALL, pictures=toys, ratios=(0.25, 0.9)).freeze()
    assert low.untrained == high.untrained == low.scores
    assert (low.step, low.done) == (0, False)


def test_metrics_name_the_percentage_and_progress_ends_once(swept):
    sweep, snapshots = swept
    assert {"error_ratio_25", "error_ratio_90", "knn_colour_25", "linear_form_90"} <= snapshots[0].metrics.keys()
    assert {snapshot.total for snapshot in snapshots} == {40}
    steps = [snapshot.step for snapshot in snapshots]
    assert steps == sorted(set(steps))
    assert steps[-1] == 40
    assert [snapshot.done for snapshot in snapshots] == [False] * (len(snapshots) - 1) + [True]
    seconds = [snapshot.seconds for snapshot in snapshots]
    assert seconds == sorted(seconds)
    assert snapshots[-1].metrics["error_ratio_90"] == sweep.freeze()[1].errors["error_ratio"]


def test_the_ratio_that_is_furthest_behind_comes_next(toys, monkeypatch):
    monkeypatch.setattr("backends.mae.trainer.SLICE_SECONDS", 0.0)
    sweep = MaskRatioSweep(SMALL, pictures=toys, ratios=(0.25, 0.5, 0.75))
    run = sweep.steps()
    for _ in range(9):
        next(run)
        counts = [side.step for side in sweep.sides.values()]
        assert max(counts) - min(counts) <= 1
    assert counts == [3, 3, 3]


def test_a_frozen_copy_keeps_what_it_had(toys):
    sweep = MaskRatioSweep(SMALL, pictures=toys, ratios=(0.5,))
    before = sweep.freeze()
    for _ in sweep.steps():
        pass
    assert (before[0].step, len(before[0].curve)) == (0, 1)
    assert sweep.freeze()[0].step == 40


def test_it_evaluates_each_ratio(swept):
    scores = swept[0].evaluate()
    assert scores["error_ratio_25"] > 0
    assert {name.rsplit("_", 1)[1] for name in scores} == {"25", "90"}
    assert not any(name.startswith(("untrained", "pixels")) for name in scores)


def test_points_are_saved_and_nan_is_none(swept, tmp_path):
    sweep, _ = swept
    sweep.sides["25"].errors["error_ratio"], kept = math.nan, sweep.sides["25"].errors["error_ratio"]
    (path,) = sweep.save(tmp_path)
    sweep.sides["25"].errors["error_ratio"] = kept
    low, high = json.loads(path.read_text(encoding="utf-8"))
    assert (low["mask_ratio"], high["mask_ratio"]) == (0.25, 0.9)
    assert low["errors"]["error_ratio"] is None
    assert high["scores"] == sweep.freeze()[1].scores
    assert high["curve"][-1]["step"] == 20


def test_a_long_curve_stays_short_and_keeps_its_ends(toys):
    from backends.engine.trainer import Snapshot

    sweep = MaskRatioSweep(SMALL, pictures=toys, ratios=(0.5,))
    for step in range(1, 5 * MAX_CURVE):
        sweep._note("50", Snapshot(step, 1, 0.0, {"error_ratio": 1 / step}))
    curve = sweep.freeze()[0].curve
    assert len(curve) <= MAX_CURVE
    assert (curve[0].step, curve[-1].step) == (0, 5 * MAX_CURVE - 1)
    assert [point.step for point in curve] == sorted(point.step for point in curve)


def test_by_default_four_ratios_share_the_steps():
    configs = sweep_configs(MAEConfig(steps=1_000, mask_ratio=0.6))
    assert list(configs) == ["25", "50", "75", "90"]
    assert {config.steps for config in configs.values()} == {250}
    assert tuple(config.mask_ratio for config in configs.values()) == RATIOS
    assert {config.steps for config in sweep_configs(MAEConfig(steps=12)).values()} == {10}


@pytest.mark.parametrize("ratios", [(0.0,), (0.5, 1.0)])
def test_ratios_out_of_range_are_refused(ratios):
    with pytest.raises(ConfigError, match="Mask ratio"):
        sweep_configs(SMALL, ratios)


@pytest.mark.parametrize("ratios", [(), tuple(i / 10 for i in range(1, 10)), (math.nan,), (math.inf,), (0.755,)])
def test_no_ratio_too_many_and_odd_ones_are_refused(ratios):
    with pytest.raises(ValueError, match="mask ratio"):
        sweep_configs(SMALL, ratios)


@pytest.mark.parametrize(("ratio", "name"), [(0.05, "5"), (0.29, "29"), (0.57, "57"), (0.95, "95")])
def test_percentages_are_whole_whatever_floating_point_makes_of_them(ratio, name):
    assert percentage(ratio) == name
