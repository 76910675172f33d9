"""Settings of the table of encoders and tasks; light, because pages read them."""

from __future__ import annotations

from typing import Literal

from backends.engine.config import MAX_SEED, MethodConfig, setting
from backends.transfer.config import DATA, LABELS


class TableConfig(MethodConfig):
    """Every setting of the table."""

    data: Literal["apples", "emoji", "own", "speeches"] = setting(
        "apples",
        "The data of the tasks: apples have seven, emoji two, your own pictures one, speeches one.",
        label="Data",
        essential=True,
        choices=DATA,
    )
    labels: Literal["1", "2", "5", "10", "20", "50", "100"] = setting(
        "10",
        "How many examples of each class have a label. The rest is not used.",
        label="Labels",
        unit="per class",
        essential=True,
        choices={str(count): str(count) for count in LABELS},
    )
    seeds: int = setting(
        5,
        "How often other examples are drawn to be labelled. With one there is no spread, so no difference is sure.",
        label="Draws",
        unit="draws",
        essential=True,
        ge=1,
        le=20,
        step=1,
    )
    seed: int = setting(1, "The same seed labels the same examples.", label="Seed", ge=0, le=MAX_SEED)
