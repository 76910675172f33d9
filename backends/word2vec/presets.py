"""What to try with word2vec: settings, and what comes out. tests/backends/word2vec/test_presets.py holds it to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backends.word2vec.config import Word2VecConfig


@dataclass(frozen=True)
class Preset:
    """One click: some settings, the rest at their defaults, for which alone the expectation was checked.

    Attributes:
        name: what the button says.
        group: presets to compare with each other have the same one.
        changes: setting → value.
        expect: what comes out.
        look_at: where to see it.
        word: the word whose neighbours show it, to put into the map's search; empty where no word does.
    """

    name: str
    group: str
    changes: Mapping[str, Any]
    expect: str
    look_at: str
    word: str = ""

    def config(self, **others: Any) -> Word2VecConfig:
        """Return the settings of the preset; `others` are those that don't change what to expect: seed, threads."""
        return Word2VecConfig.parse({**others, **self.changes})


PRESETS: tuple[Preset, ...] = (
    Preset(
        "Window 2",
        "Window",
        {"window": 2},
        "Neighbours share their grammar: of the five words nearest to “captured”, at least four end in -ed. "
        "With window 10, two at most.",
        "The neighbours of “captured”. Pin this run, then train with window 10.",
        "captured",
    ),
    Preset(
        "Window 10",
        "Window",
        {"window": 10},
        "Neighbours share their topic, whatever their form: “captured” lies among words of war, such as "
        "“commandos”. With window 2 they are verbs.",
        "The neighbours of “captured”. Compare them with those of window 2.",
        "captured",
    ),
    Preset(
        "8 dimensions",
        "Dimensions",
        {"dim": 8},
        "Eight numbers can't keep 16,900 words apart: at most one of the six analogies comes right, and less than "
        "2 % of the test set.",
        "The list of analogies, then the test set.",
    ),
    Preset(
        "128 dimensions",
        "Dimensions",
        {"dim": 128},
        "At least four of the six analogies come right, but the test set gains little over the usual 96 dimensions.",
        "The list of analogies, then the test set.",
    ),
    Preset(
        "No subsampling",
        "Subsampling",
        {"subsample": 0.0},
        "Each “the” and “of” is read, so you wait about twice as long. They fill the window, so neighbours turn to "
        "grammar, as with window 2. More of the test set comes right.",
        "Words per second, the neighbours of “captured”, and the test set. Compare with a run at the defaults.",
        "captured",
    ),
    Preset(
        "Five negatives",
        "Negatives",
        {"negatives": 5},
        "Random words push vectors apart, so they spread out: two words taken at random have a cosine near 0.2 "
        "on average, and at least four of the six analogies come right.",
        "Two unrelated words under Similarity, and the list of analogies.",
    ),
    Preset(
        "No negatives",
        "Negatives",
        {"negatives": 0},
        "Nothing pushes vectors apart, so all turn the same way. The loss falls to almost 0, yet every neighbour "
        "has cosine 1.00 and the analogies fail.",
        "The loss, then any two words under Similarity. A low loss proves nothing here.",
        "king",
    ),
    Preset(
        "Speeches to 1899",
        "Century",
        {"corpus": "speeches-before-1900"},
        "“Energy” is what people have: activity and vigor lie next to it. “Union” lies next to “confederacy”, "
        "and “labor” next to “wages”.",
        "The neighbours of “energy”, “union” and “labor”. Pin this run, then train on the speeches since 1900.",
        "energy",
    ),
    Preset(
        "Speeches since 1900",
        "Century",
        {"corpus": "speeches-since-1900"},
        "“Energy” is what people use up: renewable, solar, fuels. “Union” lies next to “soviet”, and “labor” next "
        "to “bargaining”.",
        "The neighbours of “energy”, “union” and “labor”. Compare them with those of the speeches to 1899.",
        "energy",
    ),
)
