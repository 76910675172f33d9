"""What the bench hides of one picture: apart from the settings of a training, which it does not touch."""

from __future__ import annotations

from typing import Literal

from backends.engine.config import MAX_SEED, MethodConfig, setting


class BenchConfig(MethodConfig):
    """Which patches of the picture on the bench are hidden, before anybody clicks."""

    ratio: float = setting(
        0.75, "Share of this picture's patches that are hidden.", label="Hidden", ge=0, le=0.95, step=0.05
    )
    kind: Literal["random", "block", "grid"] = setting(
        "random",
        "Which patches: any, one connected block, or all but an even grid.",
        label="Which",
        choices={"random": "random patches", "block": "one block", "grid": "even grid"},
    )
    seed: int = setting(1, "The same seed hides the same patches.", label="Seed", ge=0, le=MAX_SEED)
