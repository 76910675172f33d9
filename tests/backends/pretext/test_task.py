"""The three tasks behind one set of settings."""

from __future__ import annotations

import numpy as np
import pytest

from backends.engine.config import ConfigError
from backends.pretext.config import CONFIGS, InpaintingConfig, JigsawConfig, RotationConfig, task_of
from backends.pretext.task_config import OWN_SETTINGS, TaskConfig
from backends.pretext.task_trainer import TaskTrainer
from backends.pretext.trainer import TRAINERS
from tests.backends.simclr.conftest import toy_pictures


def test_the_chosen_task_gets_its_own_settings_and_those_of_all():
    every = {
        "steps": 77,
        "light_from_above": "on",
        "hole": "blocks",
        "hole_share": 0.4,
        "gap": 3,
        "tile_colour": "grey",
    }
    assert TaskConfig(task="rotation", **every).chosen == RotationConfig(steps=77, light_from_above="on")
    assert TaskConfig(task="inpainting", **every).chosen == InpaintingConfig(steps=77, hole="blocks", hole_share=0.4)
    assert TaskConfig(task="jigsaw", **every).chosen == JigsawConfig(steps=77, gap=3, tile_colour="grey")


def test_every_setting_is_shared_or_of_one_task():
    owned = [name for names in OWN_SETTINGS.values() for name in names]
    assert len(owned) == len(set(owned)) == 6
    shared = set(TaskConfig.model_fields) - set(owned) - {"task"}
    assert all(shared <= set(config.model_fields) for config in CONFIGS.values())


def test_the_gap_is_checked_only_where_there_are_tiles():
    assert TaskConfig(task="rotation", gap=12).chosen == RotationConfig()
    with pytest.raises(ConfigError, match="at most 6"):
        TaskConfig.parse({"task": "jigsaw", "gap": 12})


@pytest.mark.parametrize("task", CONFIGS)
def test_the_trainer_does_what_the_tasks_own_does(task):
    config = TaskConfig(task=task, data="own", steps=10, batch=8)
    pictures = toy_pictures(40)
    ours = TaskTrainer(config, pictures=pictures)
    theirs = TRAINERS[task](config.chosen, pictures=pictures)
    last, expected = list(ours.steps())[-1], list(theirs.steps())[-1]
    assert last.done
    assert last.metrics.keys() == expected.metrics.keys()
    frozen = ours.freeze()
    assert task_of(frozen.config) == task
    assert frozen.step == 10
    assert ours.config is config
    np.testing.assert_allclose(frozen.probed.features, theirs.freeze().probed.features, rtol=1e-2, atol=1e-3)


def test_the_settings_of_the_page_are_of_no_task():
    with pytest.raises(TypeError, match="TaskConfig"):
        task_of(TaskConfig())
