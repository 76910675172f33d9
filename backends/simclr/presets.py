"""What to try with SimCLR: settings, and what comes out. tests/backends/simclr/test_presets.py holds it to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backends.simclr.augment_config import AUGMENTATIONS, COLOUR_AUGMENTATIONS
from backends.simclr.config import SimCLRConfig


@dataclass(frozen=True)
class Preset:
    """One click: some settings, the rest at their defaults, for which alone the expectation was checked.

    Attributes:
        name: what the button says.
        group: presets to compare with each other have the same one.
        changes: setting → value.
        expect: what comes out.
        look_at: where to see it.
    """

    name: str
    group: str
    changes: Mapping[str, Any]
    expect: str
    look_at: str

    def config(self, **others: Any) -> SimCLRConfig:
        """Return the settings of the preset; `others` are those that don't change what to expect: the seed."""
        return SimCLRConfig.parse({**others, **self.changes})


def _only(*kept: str) -> dict[str, float]:
    """The changes that switch off every augmentation but these."""
    defaults = SimCLRConfig()
    return {name: 0 for name in AUGMENTATIONS if name not in kept and getattr(defaults, name)}


PRESETS: tuple[Preset, ...] = (
    Preset(
        "Colours kept",
        "Views",
        dict.fromkeys(COLOUR_AUGMENTATIONS, 0),
        "Colour alone tells which views belong together, so nearly all neighbours agree in it. In shape they agree "
        "less than half as often as with jitter.",
        "Colour and Shape under Your run. Pin this run, then train with the default settings.",
    ),
    Preset(
        "Crop only",
        "Views",
        _only("crop"),
        "Both parts share their very colours, so matching colours is enough. Neighbours agree in colour and "
        "background, and in shape hardly more than by chance.",
        "Colour, Shape and Size under Your run. Compare with “Colours kept”: size is forgotten too.",
    ),
    Preset(
        "No augmentation",
        "Views",
        _only(),
        "Both views are the same picture, so alignment is perfect from the start. Little is learned: of shape, size "
        "and background neighbours know no more than in an untrained net.",
        "Alignment, and the marks for an untrained net in the table. A solved task proves nothing here.",
    ),
    Preset(
        "Temperature 2",
        "Loss",
        {"temperature": 2.0},
        "All negatives count alike, so the hard ones teach little. The embedding keeps to few directions, and "
        "neighbours agree in shape much less often than at 0.2.",
        "Rank and its warning, and Shape in the table. Pin this run, then train at temperature 0.2.",
    ),
    Preset(
        "Barlow Twins",
        "Loss",
        {"loss": "barlow-twins"},
        "No negatives, yet nothing collapses: the loss keeps the numbers different. In so few steps it learns less "
        "of shape than NT-Xent, and forgets less of colour.",
        "Spread, then Shape and Colour in the table. Compare with the default settings.",
    ),
    Preset(
        "No stop-gradient",
        "Loss",
        {"loss": "simsiam", "stop_gradient": "off"},
        "SimSiam without its stop-gradient collapses: the loss nears -1, its minimum, while all pictures crowd "
        "together and neighbours know less of shape than in an untrained net.",
        "Uniformity near 0, the warning under it, and the map. A low loss proves nothing here.",
    ),
    Preset(
        "No projection head",
        "Net and batch",
        {"head": "none"},
        "The features themselves must forget what the views change. A linear probe finds less colour and light in "
        "them than with a head, which forgets in their place.",
        "The column “linear” for Colour and Light. Compare with the default settings.",
    ),
    Preset(
        "Batch of 16",
        "Net and batch",
        {"batch": 16},
        "Few negatives make the task easy, and each step sees few pictures. Neighbours agree in shape much less "
        "often than with 192, and colour is less forgotten.",
        "Shape and Colour in the table, and how restless the loss is.",
    ),
    Preset(
        "Background shortcut",
        "Pictures",
        {"shortcut": "shape"},
        "In training the background gives the shape away. The net looks there instead: on held-out pictures, where "
        "the tie is gone, neighbours agree in shape less than half as often.",
        "Shape in the table: its held-out pictures have free backgrounds. Compare with the default settings.",
    ),
    Preset(
        "Emoji",
        "Pictures",
        {"data": "emoji"},
        "Both views are by one artist, so style helps to match them. Neighbours come to share the artist more often "
        "than in an untrained net; the category gains less.",
        "Category and Artist in the table, with their marks for an untrained net.",
    ),
)
