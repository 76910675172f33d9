"""Settings of the pretext tasks on one page: which task, what all share, and what each has of its own."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from backends.engine.config import setting
from backends.pretext.config import (
    CONFIGS,
    QUESTIONS,
    TITLES,
    InpaintingConfig,
    JigsawConfig,
    PretextConfig,
    RotationConfig,
)

OWN_SETTINGS = {
    task: tuple(name for name in config.model_fields if name not in PretextConfig.model_fields)
    for task, config in CONFIGS.items()
}
"""By task, the settings that the others have not."""


class TaskConfig(RotationConfig, InpaintingConfig, JigsawConfig):
    """All settings of the three tasks; the one that is chosen gets those that are its own."""

    task: Literal["rotation", "inpainting", "jigsaw"] = setting(
        "rotation",
        "What the net is asked. The picture itself holds the answer, so nobody has to write labels.",
        label="Puzzle",
        essential=True,
        choices={name: f"{TITLES[name]}: {question}" for name, question in QUESTIONS.items()},
    )

    @property
    def chosen(self) -> PretextConfig:
        """The settings of the chosen task."""
        config = CONFIGS[self.task]
        return config.parse(self.model_dump(include=set(config.model_fields)))

    @model_validator(mode="after")
    def _check_gap(self) -> Self:
        """Refuse a gap that leaves too little of the tiles, where there are tiles."""
        if self.task == "jigsaw":
            self.chosen  # noqa: B018  refuses
        return self
