"""Settings of the three language models trained side by side: what they share is set once, what each is asked apart."""

from __future__ import annotations

from typing import Literal

from backends.engine.config import setting
from backends.language.config import CONFIGS, TITLES, BERTConfig, LanguageConfig, T5Config

METHODS = tuple(CONFIGS)
CHOICES = {"all": "All three, by turns", **TITLES}


class TrioConfig(BERTConfig, T5Config):
    """All settings of `BERTConfig`, `T5Config` and `GPTConfig`; each model gets those that are its own."""

    models: Literal["all", "bert", "t5", "gpt"] = setting(
        "all",
        "All three take turns on the same text, as many steps each; one alone is ready three times as soon.",
        label="Who trains",
        essential=True,
        choices=CHOICES,
    )
    steps: int = setting(
        300,
        "How long each model trains; the learning rate falls to zero over this many steps.",
        label="Steps",
        unit="batches for each model",
        ge=10,
        le=200_000,
        scale="log",
        essential=True,
    )

    @property
    def methods(self) -> tuple[str, ...]:
        """Which models train, of `METHODS`."""
        return METHODS if self.models == "all" else (self.models,)

    def of(self, method: str) -> LanguageConfig:
        """The settings of one of the models."""
        config = CONFIGS[method]
        return config.parse(self.model_dump(include=set(config.model_fields)))


def trio_of(config: LanguageConfig, method: str) -> TrioConfig:
    """The settings with which one model alone is trained as `config` says."""
    return TrioConfig.parse({**config.model_dump(), "models": method})
