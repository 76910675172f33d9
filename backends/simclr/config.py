"""Settings of SimCLR and the methods it is compared with."""

from __future__ import annotations

from typing import Literal

from backends.engine.config import MAX_SEED, setting
from backends.simclr.augment_config import AugmentConfig

OWN_PICTURES = "own"


class SimCLRConfig(AugmentConfig):
    """Every setting of a run."""

    data: Literal["apples", "emoji", "own"] = setting(
        "apples",
        "Apples have known factors, so probes can say what was learned; emoji are 1,567 things, each drawn four times.",
        label="Pictures",
        essential=True,
        choices={"apples": "Apples", "emoji": "Emoji", "own": "Your own (.zip)"},
    )
    loss: Literal["nt-xent", "simsiam", "barlow-twins", "vicreg"] = setting(
        "nt-xent",
        "What two views of one picture must do: find each other among all others (NT-Xent), predict each other "
        "(SimSiam), or agree while their numbers stay different (Barlow Twins, VICReg).",
        label="Loss",
        essential=True,
        choices={
            "nt-xent": "NT-Xent (SimCLR)",
            "simsiam": "SimSiam",
            "barlow-twins": "Barlow Twins",
            "vicreg": "VICReg",
        },
    )
    temperature: float = setting(
        0.2,
        "Low: only the most similar negatives count. High: all count alike. Only NT-Xent has one.",
        label="Temperature",
        ge=0.01,
        le=10,
        scale="log",
        essential=True,
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
    shortcut: Literal["none", "colour", "shape"] = setting(
        "none",
        "Ties the apples' background to a factor: a shortcut that the net may take instead of looking at the apple.",
        label="Background tied to",
        choices={"none": "nothing", "colour": "the colour", "shape": "the shape"},
    )
    batch: int = setting(
        192,
        "Pictures a step. NT-Xent takes its negatives from the batch, so more of them make the task harder.",
        label="Batch",
        unit="pictures",
        ge=2,
        le=1024,
        step=2,
    )
    encoder: Literal["conv", "resnet18", "vit"] = setting(
        "conv",
        "The net whose features are kept. The small one is fast; ResNet-18 is slow without a GPU.",
        label="Encoder",
        choices={"conv": "small conv net", "resnet18": "ResNet-18", "vit": "small ViT"},
    )
    head: Literal["none", "linear", "mlp"] = setting(
        "mlp",
        "Projects the features to where the loss compares them; thrown away afterwards. Without one the features "
        "themselves forget what the augmentations change.",
        label="Projection head",
        choices={"none": "none", "linear": "linear", "mlp": "MLP"},
    )
    image_size: Literal["32", "48", "64"] = setting(
        "32",
        "Side of the pictures that the net sees. Twice the side is four times the work.",
        label="Image size",
        unit="pixels",
        choices={"32": "32", "48": "48", "64": "64"},
    )
    learning_rate: float = setting(
        0.003, "Step size at the start (AdamW). Too high, and the loss jumps or becomes NaN.", label="Learning rate",
        ge=1e-5, le=10, scale="log",
    )  # fmt: skip
    weight_decay: float = setting(
        1e-4, "How strongly weights are pulled to zero.", label="Weight decay", ge=0, le=1, scale="log"
    )
    stop_gradient: Literal["on", "off"] = setting(
        "on",
        "SimSiam only: holds one view fixed while the other learns to predict it. Without it everything collapses.",
        label="Stop-gradient",
        choices={"on": "on", "off": "off"},
    )
    seed: int = setting(1, "The same seed gives the same start and the same views.", label="Seed", ge=0, le=MAX_SEED)
