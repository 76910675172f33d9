"""Settings of CLIP."""

from __future__ import annotations

from typing import Literal

from backends.engine.config import MAX_SEED, MethodConfig, setting


class CLIPConfig(MethodConfig):
    """Every setting of a run."""

    data: Literal["emoji", "apples", "own"] = setting(
        "emoji",
        "Emoji come with their names; one artist and 150 names are never trained on. Apples come with captions made of "
        "their factors; some combinations of colour and shape are never trained on.",
        label="Pictures and captions",
        essential=True,
        choices={"emoji": "Emoji and names", "apples": "Apples and captions", "own": "Your own (.zip)"},
    )
    loss: Literal["clip", "siglip"] = setting(
        "clip",
        "CLIP: each picture must find its caption among all of the batch, and each caption its picture. SigLIP: each "
        "pair for itself is answered with yes or no.",
        label="Loss",
        essential=True,
        choices={"clip": "CLIP (softmax)", "siglip": "SigLIP (sigmoid)"},
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
    batch: int = setting(
        128,
        "Pairs a step. All others of the batch are the wrong answers, so more of them make the task harder.",
        label="Batch",
        unit="pairs",
        ge=2,
        le=1024,
        step=2,
        essential=True,
    )
    image_encoder: Literal["conv", "wide", "vit"] = setting(
        "conv",
        "The net that reads pictures. The wider one takes half as long again for a step, and can learn more.",
        label="Image encoder",
        choices={"conv": "small conv net", "wide": "wider conv net", "vit": "small ViT"},
    )
    image_size: Literal["32", "48", "64"] = setting(
        "32",
        "Side of the pictures that the net sees. Twice the side is four times the work.",
        label="Image size",
        unit="pixels",
        choices={"32": "32", "48": "48", "64": "64"},
    )
    text_depth: int = setting(
        1,
        "Blocks of the transformer that reads captions. Names are short: one learns them faster than two.",
        label="Text depth",
        unit="blocks",
        ge=1,
        le=6,
        step=1,
    )
    augmentation: float = setting(
        0.4,
        "How strongly pictures are changed in training: crops, small turns, fewer colours, cutouts. 0 switches all "
        "off, and the net learns the drawings by heart.",
        label="Augmentation",
        ge=0,
        le=1.5,
        step=0.1,
    )
    outlines: float = setting(
        0.3,
        "How often a picture's edges are drawn over in black and its colours paled, as a fourth artist might.",
        label="Outlines",
        unit="probability",
        ge=0,
        le=1,
        step=0.05,
    )
    dropout: float = setting(
        0, "Share of numbers that are left out at random in training.", label="Dropout", ge=0, le=0.7, step=0.05
    )
    learning_rate: float = setting(
        0.002, "Step size at its highest (AdamW). Too high, and the loss jumps or becomes NaN.", label="Learning rate",
        ge=1e-5, le=10, scale="log",
    )  # fmt: skip
    weight_decay: float = setting(
        0.2, "How strongly weights are pulled to zero.", label="Weight decay", ge=0, le=2, scale="linear"
    )
    seed: int = setting(1, "The same seed gives the same start and the same batches.", label="Seed", ge=0, le=MAX_SEED)
