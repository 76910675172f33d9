"""Settings of "LSTM against transformer": recall the first symbol after many distractors. And what to try with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from backends.engine.config import MAX_SEED, MethodConfig, setting


class RecallConfig(MethodConfig):
    """Every setting of a run."""

    distance: int = setting(
        100,
        "Distractors between the symbol and the question about it. The further, the harder for the LSTM.",
        label="Distance",
        unit="distractors",
        ge=1,
        le=200,
        step=1,
        essential=True,
    )
    distances: Literal["one", "mixed"] = setting(
        "one",
        "Every training sequence that long, or any length up to it: short ones teach the LSTM what to carry, long ones "
        "how far. Both nets are always tested at the full distance.",
        label="Training distances",
        essential=True,
        choices={"one": "always the full one", "mixed": "any up to it"},
    )
    forget_bias: float = setting(
        0.0,
        "How far open the LSTM's forget gates start: at 0 it keeps half of its memory at each step, at 5 over 99 %.",
        label="Forget gate bias",
        ge=-2,
        le=10,
        step=0.5,
        essential=True,
    )
    steps: int = setting(
        400,
        "How long to train. Both nets take as many steps, on the same sequences.",
        label="Steps",
        unit="batches",
        ge=10,
        le=20_000,
        scale="log",
        essential=True,
    )
    symbols: int = setting(
        8,
        "How many symbols there are to recall. Guessing is right once in so many.",
        label="Symbols",
        ge=2,
        le=26,
        step=1,
    )
    batch: int = setting(64, "Sequences a step.", label="Batch", unit="sequences", ge=1, le=128, step=1)
    width: Literal["16", "32", "48", "64"] = setting(
        "48",
        "Numbers that a token is to the transformer. The LSTM gets as many units as make both nets equally large.",
        label="Width",
        choices={"16": "16", "32": "32", "48": "48", "64": "64"},
    )
    heads: Literal["1", "2", "4", "8"] = setting(
        "2",
        "Attention patterns that each of the transformer's blocks has side by side.",
        label="Heads",
        choices={"1": "1", "2": "2", "4": "4", "8": "8"},
    )
    depth: int = setting(
        1,
        "The transformer's blocks. One is enough here; more make the LSTM wider too.",
        label="Blocks",
        ge=1,
        le=3,
        step=1,
    )
    transformer_learning_rate: float = setting(
        0.003, "The transformer's step size (Adam). Too high, and it may stay at guessing.",
        label="Learning rate, transformer", ge=1e-5, le=10, scale="log",
    )  # fmt: skip
    lstm_learning_rate: float = setting(
        0.01, "The LSTM's step size (Adam). Gates that start open want a lower one.", label="Learning rate, LSTM",
        ge=1e-5, le=10, scale="log",
    )  # fmt: skip
    clip: float = setting(
        1.0,
        "Longer gradients are cut to this length, in both nets. It keeps those that explode in check; it does not help "
        "those that vanish.",
        label="Gradient clip",
        ge=0.01,
        le=1000,
        scale="log",
    )
    seed: int = setting(
        1, "The same seed gives the same start and the same sequences.", label="Seed", ge=0, le=MAX_SEED
    )


@dataclass(frozen=True)
class Preset:
    """One click: some settings, the rest at their defaults, for which alone the expectation was checked.

    Attributes:
        name: of the preset, for code.
        label: what the button says.
        changes: setting → value.
        expectation: what comes out.
    """

    name: str
    label: str
    changes: Mapping[str, Any]
    expectation: str

    def config(self, **others: Any) -> RecallConfig:
        """Return the settings of the preset; `others` are those that don't change what to expect: the seed."""
        return RecallConfig.parse({**others, **self.changes})


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "lecture",
            "The lecture's claim",
            {},
            "Over 100 distractors the transformer recalls every symbol after about 30 steps. The LSTM, as torch starts "
            "it, still guesses after 400: it is right in 12 % of cases, and one in eight is chance.",
        ),
        Preset(
            "near",
            "The LSTM learns too",
            {"distance": 10, "steps": 600},
            "Over 10 distractors both recall every symbol: the transformer after about 20 steps, the LSTM after 130 to "
            "350. With 20 distractors it guesses.",
        ),
        Preset(
            "tuned",
            "A well-tuned LSTM",
            {"forget_bias": 5.0, "lstm_learning_rate": 0.003},
            "With forget gates that start almost open and a lower learning rate the LSTM recalls over 100 distractors "
            "too, after about 100 steps; the transformer needs about 30. At 200 these gates alone are not enough.",
        ),
        Preset(
            "mixed",
            "Short ones first",
            {"distances": "mixed", "steps": 800},
            "Trained on every length up to 100, the LSTM learns short ones first and carries that on: it recalls over "
            "100 after 350 to 500 steps, though its gates start as usual. The transformer needs about 40.",
        ),
        Preset(
            "very_far",
            "Very far",
            {"distance": 200, "steps": 150},
            "Over 200 distractors the transformer recalls every symbol after about 30 steps, no more than over 100, "
            "though each takes longer. The LSTM guesses; with mixed lengths and forget gates at 5 it would not.",
        ),
    )
}
"""What to try. The steps are those of seeds 1 and 2; forget gates that start open are due to Gers et al. (2000), and
Tallec and Ollivier (2018) say how far open: as far as the memory is to reach."""
