from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.engine.config import MethodConfig, setting
from backends.engine.trainer import Snapshot
from backends.recordings import recorder
from backends.recordings.recipes import Curve, Recipe, Track
from backends.recordings.recording import Recording

COUNT = 200
"""Steps of a toy run."""


class ToyConfig(MethodConfig):
    seed: int = setting(3, "Start.", label="Seed", ge=0, le=9)


class ToyTrainer:
    """Ten steps a second, a picture at each."""

    method, step_unit = "toy", "batches"

    def __init__(self, count: int = COUNT) -> None:
        self.config, self.count, self.step = ToyConfig(), count, 0

    def steps(self):
        while self.step < self.count:
            self.step += 1
            painted = {"painted": np.full((5, 8, 8, 3), self.step % 255, np.uint8)}
            yield Snapshot(self.step, self.count, self.step / 10, {}, painted, done=self.step == self.count)

    def evaluate(self):
        return {"right": self.step / self.count, "below": 2.0}


@pytest.fixture
def recorded(monkeypatch):
    """Records a recipe of one toy run."""

    def record(*curves: Curve, count: int = COUNT, measure: Any = None, **options: Any) -> Recording:
        measured = {} if measure is None else {"measure": measure}
        track = Track("toy", lambda: ToyTrainer(count), curves or (Curve("right", "right"),), **measured)
        made = Recipe("Toy", "right", True, (track,), **options)
        monkeypatch.setattr(recorder, "recipes", lambda: {"word2vec": made})
        return recorder.record("word2vec")

    return record
