"""Settings of the masked autoencoder."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from backends.engine.config import MAX_SEED, MethodConfig, setting

OWN_PICTURES = "own"
PATCHES = ("2", "4", "6", "8", "12", "16")
MIN_PATCHES = 4
"""With fewer there is nothing to choose between what is hidden and what is seen."""


class MAEConfig(MethodConfig):
    """Every setting of a run."""

    data: Literal["apples", "emoji", "both", "own"] = setting(
        "apples",
        "What the net learns to paint. Apples have known factors, so probes can say what was learned; emoji are 1,567 "
        "things, each drawn four times.",
        label="Pictures",
        essential=True,
        choices={"apples": "Apples", "emoji": "Emoji", "both": "Apples and emoji", "own": "Your own (.zip)"},
    )
    mask_ratio: float = setting(
        0.75,
        "Share of the patches that are hidden. With few hidden, neighbours give the answer away; with nearly all, too "
        "little is left to go by.",
        label="Mask ratio",
        ge=0.05,
        le=0.95,
        step=0.05,
        essential=True,
    )
    patch: Literal["2", "4", "6", "8", "12", "16"] = setting(
        "4",
        "Side of the squares that are hidden or seen as a whole. It must divide the image size. Half the side makes "
        "four times as many patches, and each step slower.",
        label="Patch",
        unit="pixels",
        essential=True,
        choices={name: name for name in PATCHES},
    )
    steps: int = setting(
        800,
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
        "Side of the pictures that the net sees. Twice the side is four times as many patches of the same size.",
        label="Image size",
        unit="pixels",
        choices={"32": "32", "48": "48", "64": "64"},
    )
    masking: Literal["random", "block", "grid"] = setting(
        "random",
        "Which patches are hidden: any, one connected block, or all but an even grid. A block takes away more than "
        "neighbours can tell; a grid takes away the least.",
        label="Masking",
        choices={"random": "random patches", "block": "one block", "grid": "even grid"},
    )
    targets: Literal["pixels", "normalised"] = setting(
        "pixels",
        "What is painted: the pixels, or each patch's pixels less their mean and divided by their spread. The latter "
        "asks for edges and texture, not for brightness.",
        label="Targets",
        choices={"pixels": "pixels", "normalised": "normalised patches"},
    )
    width: Literal["48", "64", "96", "128", "192"] = setting(
        "96",
        "Numbers that a patch is to the encoder, so how many its features have.",
        label="Encoder width",
        choices={"48": "48", "64": "64", "96": "96", "128": "128", "192": "192"},
    )
    depth: int = setting(
        3, "Blocks of the encoder, which sees only what is not hidden.", label="Encoder blocks", ge=1, le=6, step=1
    )
    heads: Literal["1", "2", "4", "8"] = setting(
        "4",
        "Attention patterns that each block has side by side.",
        label="Heads",
        choices={"1": "1", "2": "2", "4": "4", "8": "8"},
    )
    decoder_width: Literal["32", "48", "64", "96", "128"] = setting(
        "64",
        "Numbers that a patch is to the decoder, which paints from the encoder's features and is then thrown away.",
        label="Decoder width",
        choices={"32": "32", "48": "48", "64": "64", "96": "96", "128": "128"},
    )
    decoder_depth: int = setting(
        1,
        "Blocks of the decoder. With too few the encoder's last block must paint too, and its features say less.",
        label="Decoder blocks",
        ge=1,
        le=4,
        step=1,
    )
    batch: int = setting(
        32, "Pictures a step. More are steadier and slower.", label="Batch", unit="pictures", ge=2, le=512, step=2
    )
    learning_rate: float = setting(
        0.002, "Step size at the start (AdamW). Too high, and the loss jumps or becomes NaN.", label="Learning rate",
        ge=1e-5, le=10, scale="log",
    )  # fmt: skip
    weight_decay: float = setting(
        0.05, "How strongly weights are pulled to zero.", label="Weight decay", ge=0, le=1, scale="log"
    )
    seed: int = setting(1, "The same seed gives the same start and the same masks.", label="Seed", ge=0, le=MAX_SEED)

    @model_validator(mode="after")
    def _check_patch(self) -> Self:
        """Refuse patches that do not tile the picture, or of which there are too few."""
        valid = valid_patches(self.image_size)
        if self.patch not in valid:
            raise ValueError(
                f"Patch (patch) is {self.patch}; pictures of {self.image_size} pixels are cut into patches of "
                f"{', '.join(valid[:-1])} or {valid[-1]}."
            )
        return self

    @property
    def side(self) -> int:
        """How many patches stand side by side."""
        return int(self.image_size) // int(self.patch)

    @property
    def patches(self) -> int:
        """How many patches a picture has: L."""
        return self.side**2

    @property
    def normalised(self) -> bool:
        """Whether each patch is painted less its mean and divided by its spread."""
        return self.targets == "normalised"


def valid_patches(image_size: str) -> tuple[str, ...]:
    """Return the sides of patches that tile a picture of this side and leave at least four of them.

    Args:
        image_size: side of the picture in pixels, as in the config.
    """
    size = int(image_size)
    return tuple(name for name in PATCHES if size % int(name) == 0 and (size // int(name)) ** 2 >= MIN_PATCHES)
