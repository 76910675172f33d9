"""What to try with the language models, and what comes out. tests/backends/language/test_presets.py holds it to it."""

from __future__ import annotations

from typing import Any

from backends.engine.presets import Preset
from backends.language.trio_config import TrioConfig

STEPS = 300
"""Of every preset: short enough to try one after the other."""


def _preset(name: str, group: str, changes: dict[str, Any], expect: str, look_at: str) -> Preset[TrioConfig]:
    return Preset(TrioConfig, name, group, {"steps": STEPS, **changes}, expect, look_at)


PRESETS: tuple[Preset[TrioConfig], ...] = (
    _preset(
        "All three",
        "Side by side",
        {},
        "GPT, asked at every place, gains most, about 2.2 nats a token over guessing by frequency; BERT, asked at "
        "three of ten, 1.6. T5 learns its gaps' names, then words: 1.2, of words alone 0.9.",
        "Your run: how far each curve falls below its dotted line.",
    ),
    _preset(
        "BERT masks 15 %",
        "Masks",
        {"models": "bert", "mask_ratio": 0.15},
        "Half as many questions a step. Although more is left to guess them by, BERT learns more slowly: about 0.9 "
        "nats are gained, with 30 % hidden 1.6.",
        "Your run: the curve beside that of “All three”.",
    ),
    _preset(
        "BERT masks 80 %",
        "Masks",
        {"models": "bert", "mask_ratio": 0.8},
        "Many questions, and hardly a word to answer them by: about 0.7 nats are gained, and 15 % of the guesses are "
        "right, with 30 % hidden 23 %.",
        "Fill a mask: even a whole sentence around it helps little.",
    ),
    _preset(
        "T5 sorts sentences",
        "Order",
        {"models": "t5", "objective": "sentences"},
        "All that it has to write stands before it, out of order. Once it finds out how to copy, the loss drops: "
        "about 4 nats are gained, more than by any other, and seven of ten tokens are right.",
        "Your run: where the curve bends. Inside, the decoder looks at what it copies.",
    ),
    _preset(
        "Long vocabulary",
        "Tokens",
        {"models": "bert", "vocabulary": 4_096, "mask_ratio": 0.2},
        "Four times as many tokens: each comes more rarely, and takes longer to learn. In as many steps about 1.1 nats "
        "are gained, by BERT of “All three” 1.6.",
        "Your run: how far the curve falls below its dotted line.",
    ),
    _preset(
        "Encyclopedia",
        "Text",
        {"models": "gpt", "corpus": "encyclopedia"},
        "A smaller text about everything, while speeches sound alike: GPT gains about 1.8 nats, on the speeches 2.2, "
        "and 17 % of its guesses are right instead of 26 %.",
        "Your run: the share of right guesses. Then Continue: it writes in another manner.",
    ),
)
