"""Settings of the pretext tasks: what all three share, and what each has of its own."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from backends.engine.config import MAX_SEED, MethodConfig, setting

OWN_PICTURES = "own"
TURNS = 4
"""Quarter turns: 0, 90, 180 and 270 degrees."""
TILES_A_SIDE = 3
TILES = TILES_A_SIDE**2
MIN_TILE = 4
"""Pixels a side of the smallest tile: below, the encoder's convolutions see little but padding."""
ON_OFF = {"off": "off", "on": "on"}


class PretextConfig(MethodConfig):
    """What the three tasks share."""

    data: Literal["apples", "emoji", "own"] = setting(
        "apples",
        "What the puzzles are made of. Apples have known factors, so probes can say what was learned; emoji are 1,567 "
        "things, each drawn four times.",
        label="Pictures",
        essential=True,
        choices={"apples": "Apples", "emoji": "Emoji", "own": "Your own (.zip)"},
    )
    steps: int = setting(
        400,
        "How long to train; the learning rate falls to zero over this many steps.",
        label="Steps",
        unit="batches",
        ge=10,
        le=50_000,
        scale="log",
        essential=True,
    )
    image_size: Literal["32", "48", "64"] = setting(
        "32",
        "Side of the pictures that the net sees. Twice the side is four times the work.",
        label="Image size",
        unit="pixels",
        choices={"32": "32", "48": "48", "64": "64"},
    )
    batch: int = setting(
        64,
        "Pictures a step, each with a puzzle of its own. More are steadier and slower.",
        label="Batch",
        unit="pictures",
        ge=2,
        le=1024,
        step=2,
    )
    encoder: Literal["conv", "resnet18"] = setting(
        "conv",
        "The net whose features are kept, as in SimCLR. The small one is fast; ResNet-18 is slow without a GPU.",
        label="Encoder",
        choices={"conv": "small conv net", "resnet18": "ResNet-18"},
    )
    learning_rate: float = setting(
        0.003, "Step size at the start (AdamW). Too high, and the loss jumps or becomes NaN.", label="Learning rate",
        ge=1e-5, le=10, scale="log",
    )  # fmt: skip
    weight_decay: float = setting(
        1e-4, "How strongly weights are pulled to zero.", label="Weight decay", ge=0, le=1, scale="log"
    )
    seed: int = setting(1, "The same seed gives the same start and the same puzzles.", label="Seed", ge=0, le=MAX_SEED)

    @property
    def size(self) -> int:
        """Side of the pictures in pixels."""
        return int(self.image_size)


class RotationConfig(PretextConfig):
    """Which way is up? Every picture is turned by 0, 90, 180 or 270 degrees (Gidaris et al., 2018)."""

    light_from_above: Literal["off", "on"] = setting(
        "off",
        "Every picture is lit from above: bright at the top, dark at the bottom. A shortcut that the net may take "
        "instead of looking at the thing.",
        label="Lit from above",
        essential=True,
        choices=ON_OFF,
    )
    printed_label: Literal["off", "on"] = setting(
        "off",
        "A small printed label stands upright in a corner of every picture. Another shortcut: whoever finds the "
        "label has solved the puzzle.",
        label="Printed label",
        essential=True,
        choices=ON_OFF,
    )

    @property
    def lit(self) -> bool:
        """Whether every picture is lit from above."""
        return self.light_from_above == "on"

    @property
    def labelled(self) -> bool:
        """Whether a label stands in a corner of every picture."""
        return self.printed_label == "on"

    @property
    def has_shortcut(self) -> bool:
        """Whether something besides the thing itself says which way is up."""
        return self.lit or self.labelled


class InpaintingConfig(PretextConfig):
    """What stood in the hole? A part of every picture is cut out and painted anew (Pathak et al., 2016)."""

    hole: Literal["centre", "random", "blocks"] = setting(
        "random",
        "Where the hole is: always in the middle, one rectangle anywhere, or several small squares.",
        label="Hole",
        essential=True,
        choices={"centre": "in the middle", "random": "anywhere", "blocks": "several squares"},
    )
    hole_share: float = setting(
        0.25,
        "Share of the picture that is cut out. Of a small hole its border tells nearly all; of a large one what it is "
        "that stands there has to be known.",
        label="Hole's share",
        ge=0.05,
        le=0.6,
        step=0.05,
        essential=True,
    )


class JigsawConfig(PretextConfig):
    """Where does each tile belong? 3 × 3 tiles lie in any order (Noroozi and Favaro, 2016)."""

    gap: int = setting(
        0,
        "Pixels that are cut away between two tiles. Without a gap lines that run across an edge, and not what the "
        "tiles show, tell which tiles are neighbours.",
        label="Gap",
        unit="pixels",
        ge=0,
        le=12,
        step=1,
        essential=True,
    )
    tile_colour: Literal["kept", "grey", "shifted"] = setting(
        "kept",
        "What is left of the tiles' colours: all, none, or each tile in a tint of its own, so that equal colours no "
        "longer tell which tiles belong together.",
        label="Colour of the tiles",
        essential=True,
        choices={"kept": "kept", "grey": "grey", "shifted": "shifted tile by tile"},
    )

    @property
    def tile(self) -> int:
        """Side of a tile in pixels."""
        return self.size // TILES_A_SIDE - self.gap

    @model_validator(mode="after")
    def _check_gap(self) -> Self:
        """Refuse a gap that leaves too little of the tiles."""
        most = largest_gap(self.image_size)
        if self.gap > most:
            raise ValueError(
                f"Gap (gap) is {self.gap}; pictures of {self.image_size} pixels are cut into tiles with gaps of at "
                f"most {most}."
            )
        return self


CONFIGS: dict[str, type[PretextConfig]] = {
    "rotation": RotationConfig,
    "inpainting": InpaintingConfig,
    "jigsaw": JigsawConfig,
}
"""By task."""
TITLES = {"rotation": "Rotation", "inpainting": "Inpainting", "jigsaw": "Jigsaw"}
QUESTIONS = {
    "rotation": "which way is up?",
    "inpainting": "what stood in the hole?",
    "jigsaw": "where does each tile belong?",
}


def task_of(config: PretextConfig) -> str:
    """The task of a run's settings: "rotation", "inpainting" or "jigsaw".

    Raises:
        TypeError: they are of no task.
    """
    for name, kind in CONFIGS.items():
        if type(config) is kind:
            return name
    raise TypeError(f"{type(config).__name__} is not the config of a pretext task.")


def largest_gap(image_size: str) -> int:
    """Pixels of the widest gap that leaves tiles of `MIN_TILE` pixels.

    Args:
        image_size: side of the picture in pixels, as in the config.
    """
    widest = next(info.maximum for info in JigsawConfig.settings() if info.name == "gap")
    return min(int(widest or 0), int(image_size) // TILES_A_SIDE - MIN_TILE)
