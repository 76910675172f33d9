"""What to try with SimCLR: settings, and what comes out. tests/backends/simclr/test_presets.py holds it to it."""

from __future__ import annotations

from backends.engine.presets import Preset
from backends.simclr.augment_config import AUGMENTATIONS, COLOUR_AUGMENTATIONS
from backends.simclr.config import SimCLRConfig


def _only(*kept: str) -> dict[str, float]:
    """The changes that switch off every augmentation but these."""
    defaults = SimCLRConfig()
    return {name: 0 for name in AUGMENTATIONS if name not in kept and getattr(defaults, name)}


PRESETS: tuple[Preset[SimCLRConfig], ...] = (
    Preset(
        SimCLRConfig,
        "Colours kept",
        "Views",
        dict.fromkeys(COLOUR_AUGMENTATIONS, 0),
        "Colour alone tells which views belong together, so nearly all neighbours agree in it. In shape they agree "
        "less than half as often as with jitter.",
        "Colour and Shape under Your run. Pin this run, then train with the default settings.",
    ),
    Preset(
        SimCLRConfig,
        "Crop only",
        "Views",
        _only("crop"),
        "Both parts share their very colours, so matching colours is enough. Neighbours agree in colour and "
        "background, and in shape hardly more than by chance.",
        "Colour, Shape and Size under Your run. Compare with “Colours kept”: size is forgotten too.",
    ),
    Preset(
        SimCLRConfig,
        "No augmentation",
        "Views",
        _only(),
        "Both views are the same picture, so alignment is perfect from the start. Little is learned: of shape, size "
        "and background neighbours know no more than in an untrained net.",
        "Alignment, and the marks for an untrained net in the table. A solved task proves nothing here.",
    ),
    Preset(
        SimCLRConfig,
        "Temperature 2",
        "Loss",
        {"temperature": 2.0},
        "All negatives count alike, so the hard ones teach little. The embedding keeps to few directions, and "
        "neighbours agree in shape much less often than at 0.2.",
        "Rank and its warning, and Shape in the table. Pin this run, then train at temperature 0.2.",
    ),
    Preset(
        SimCLRConfig,
        "Barlow Twins",
        "Loss",
        {"loss": "barlow-twins"},
        "No negatives, yet nothing collapses: the loss keeps the numbers different. In so few steps it learns less "
        "of shape than NT-Xent, and forgets less of colour.",
        "Spread, then Shape and Colour in the table. Compare with the default settings.",
    ),
    Preset(
        SimCLRConfig,
        "No stop-gradient",
        "Loss",
        {"loss": "simsiam", "stop_gradient": "off"},
        "SimSiam without its stop-gradient collapses: the loss nears -1, its minimum, while all pictures crowd "
        "together and neighbours know less of shape than in an untrained net.",
        "Uniformity near 0, the warning under it, and the map. A low loss proves nothing here.",
    ),
    Preset(
        SimCLRConfig,
        "No projection head",
        "Net and batch",
        {"head": "none"},
        "The features themselves must forget what the views change. A linear probe finds less colour and light in "
        "them than with a head, which forgets in their place.",
        "The column “linear” for Colour and Light. Compare with the default settings.",
    ),
    Preset(
        SimCLRConfig,
        "Batch of 16",
        "Net and batch",
        {"batch": 16},
        "Few negatives make the task easy, and each step sees few pictures. Neighbours agree in shape much less "
        "often than with 192, and colour is less forgotten.",
        "Shape and Colour in the table, and how restless the loss is.",
    ),
    Preset(
        SimCLRConfig,
        "Background shortcut",
        "Pictures",
        {"shortcut": "shape"},
        "In training the background gives the shape away. The net looks there instead: on held-out pictures, where "
        "the tie is gone, neighbours agree in shape less than half as often.",
        "Shape in the table: its held-out pictures have free backgrounds. Compare with the default settings.",
    ),
    Preset(
        SimCLRConfig,
        "Emoji",
        "Pictures",
        {"data": "emoji"},
        "Both views are by one artist, so style helps to match them. Neighbours come to share the artist more often "
        "than in an untrained net; the category gains less.",
        "Category and Artist in the table, with their marks for an untrained net.",
    ),
)
