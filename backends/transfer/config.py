"""Settings of the transfer to a downstream task; light, because pages and the command line read them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, Self

from pydantic import model_validator

from backends.data.apples import FACTORS as APPLE_FACTORS
from backends.data.passages import CENTURY
from backends.engine.config import MAX_SEED, MethodConfig, setting

UNTRAINED, PIXELS, NOBODY = "untrained", "pixels", "none"
UNTRAINED_BERT, BAG_OF_WORDS = "untrained-bert", "bag-of-words"
SPEECHES: Final = "speeches"
"""The data that are passages of text; all others are pictures."""
EncoderName = Literal[
    "simclr",
    "simclr-without-jitter",
    "mae",
    "rotation",
    "inpainting",
    "jigsaw",
    "clip",
    "simclr-emoji",
    "mae-emoji",
    "clip-emoji",
    "untrained",
    "pixels",
    "own-simclr",
    "own-mae",
    "own-pretext",
    "own-clip",
    "word2vec",
    "bert",
    "gpt",
    "untrained-bert",
    "bag-of-words",
    "own-word2vec",
    "own-bert",
    "own-gpt",
]
AgainstName = Literal["none", EncoderName]
PICTURE_TITLES: Final[dict[str, str]] = {
    "simclr": "SimCLR",
    "simclr-without-jitter": "SimCLR without colour jitter",
    "mae": "Masked autoencoder",
    "rotation": "Rotation",
    "inpainting": "Inpainting",
    "jigsaw": "Jigsaw",
    "clip": "CLIP's picture tower",
    "simclr-emoji": "SimCLR, from emoji",
    "mae-emoji": "Masked autoencoder, from emoji",
    "clip-emoji": "CLIP's picture tower, from emoji",
    UNTRAINED: "Untrained net",
    PIXELS: "Raw pixels",
    "own-simclr": "Your SimCLR run",
    "own-mae": "Your masked autoencoder",
    "own-pretext": "Your pretext run",
    "own-clip": "Your CLIP run",
}
"""Of the encoders of pictures."""
TEXT_TITLES: Final[dict[str, str]] = {
    "word2vec": "word2vec",
    "bert": "BERT",
    "gpt": "GPT",
    UNTRAINED_BERT: "Untrained BERT",
    BAG_OF_WORDS: "Bag of words",
    "own-word2vec": "Your word2vec",
    "own-bert": "Your BERT",
    "own-gpt": "Your GPT",
}
"""Of the encoders of text."""
TITLES: Final[dict[str, str]] = {**PICTURE_TITLES, **TEXT_TITLES}


class OwnRun(NamedTuple):
    """What a visitor trains: its name, and the tab where that is done."""

    model: str
    tab: str


OWN_RUNS: Final[dict[str, OwnRun]] = {
    "own-simclr": OwnRun("SimCLR", "SimCLR"),
    "own-mae": OwnRun("MAE", "MAE"),
    "own-pretext": OwnRun("Pretext", "Pretext"),
    "own-clip": OwnRun("CLIP", "CLIP"),
    "own-word2vec": OwnRun("word2vec", "Word2Vec"),
    "own-bert": OwnRun("BERT", "Language"),
    "own-gpt": OwnRun("GPT", "Language"),
}
"""Encoders that are a visitor's own."""
FROM_EMOJI: Final = ("simclr-emoji", "mae-emoji", "clip-emoji")
"""Shipped encoders that were trained on emoji."""
READ_CAPTIONS: Final = ("clip", "clip-emoji", "own-clip")
"""Encoders that have read captions, which name some of what is asked."""

FROZEN_WAYS, TUNED_WAYS = ("linear", "knn"), ("fine_tuning", "scratch")
WAYS = FROZEN_WAYS + TUNED_WAYS
WAY_TITLES: Final[dict[str, str]] = {
    "linear": "Linear probe",
    "knn": "Nearest neighbours",
    "fine_tuning": "Fine-tuned",
    "scratch": "From scratch",
}
LABELS = (1, 2, 5, 10, 20, 50, 100)
"""Labels per class at which accuracy is measured."""
TRAINED_LABELS = (1, 10, 100)
"""Those at which nets are trained too, where not all are asked for: a training for each costs far more than a probe."""
EPOCHS = 20
"""A training sees each of its labelled examples at least so often on average."""
TASKS: Final[dict[str, dict[str, str]]] = {
    "apples": {factor.name: factor.label for factor in APPLE_FACTORS},
    "emoji": {"category": "Category", "artist": "Artist"},
    "own": {"folder": "Folder"},
    SPEECHES: {CENTURY: "Speech's century"},
}
"""Factors that can be told, with their labels, by the data."""
DATA: Final[dict[str, str]] = {
    "apples": "Apples",
    "emoji": "Emoji",
    "own": "Your own (.zip)",
    SPEECHES: "Speeches (text)",
}
"""What there is to be told apart, with its label."""
FOLLOWERS = ("factor", "encoder", "against")
"""Settings whose choices follow the data."""
FIRST: Final[dict[str, tuple[str, str, str]]] = {
    "apples": ("shape", "simclr", PIXELS),
    "emoji": ("category", "simclr", PIXELS),
    "own": ("folder", "simclr", PIXELS),
    SPEECHES: (CENTURY, "bert", BAG_OF_WORDS),
}
"""What of them is taken first, where the data have not what was chosen."""
ON_OFF = {"on": "on", "off": "off"}


def titles_of(data: str) -> dict[str, str]:
    """Titles of the encoders that can read these data, by name."""
    return TEXT_TITLES if data == SPEECHES else PICTURE_TITLES


def offered(data: str) -> dict[str, dict[str, str]]:
    """For each of `FOLLOWERS` what these data offer: titles by name."""
    titles = titles_of(data)
    return dict(zip(FOLLOWERS, (TASKS[data], titles, {NOBODY: "Nothing", **titles}), strict=True))


class TransferConfig(MethodConfig):
    """Every setting of a comparison."""

    data: Literal["apples", "emoji", "own", "speeches"] = setting(
        "apples",
        "What is to be told apart. Most encoders here were trained on apples, so other pictures show how far they "
        "carry; passages of speeches have encoders of their own.",
        label="Data",
        essential=True,
        choices=DATA,
    )
    factor: Literal[
        "colour", "shape", "leaf", "size", "pose", "light", "background", "category", "artist", "folder", "century"
    ] = setting(
        "shape",
        "What is to be told of each. Category and artist are of emoji, the folder is of your own pictures, the century "
        "is of speeches, all others are of apples.",
        label="Task",
        essential=True,
        choices={name: label for task in TASKS.values() for name, label in task.items()},
    )
    encoder: EncoderName = setting(
        "simclr",
        "Whose features are tried. None of them saw the labels of this task, but for CLIP, whose captions name some.",
        label="Encoder",
        essential=True,
        choices=TITLES,
    )
    against: AgainstName = setting(
        PIXELS,
        "What it is compared with, on the same labelled examples.",
        label="Against",
        essential=True,
        choices={NOBODY: "Nothing", **TITLES},
    )
    most_labels: Literal["1", "2", "5", "10", "20", "50", "100"] = setting(
        "50",
        "Where the curves end. Every class needs so many examples to train on.",
        label="Most labels",
        unit="per class",
        essential=True,
        choices={str(count): str(count) for count in LABELS},
    )
    seeds: int = setting(
        5,
        "How often other examples are drawn to be labelled. With one there is no spread, so no difference is sure.",
        label="Draws of labels",
        unit="draws",
        ge=1,
        le=20,
        step=1,
    )
    linear: Literal["on", "off"] = setting(
        "on", "A linear layer on frozen features.", label="Linear probe", choices=ON_OFF
    )
    knn: Literal["on", "off"] = setting(
        "on",
        "A vote of the labelled examples whose frozen features are nearest; nothing is learned.",
        label="Nearest neighbours",
        choices=ON_OFF,
    )
    fine_tuning: Literal["on", "off"] = setting(
        "on",
        "The whole encoder goes on learning, with a linear layer on top. Slower: a training for each point.",
        label="Fine-tuning",
        choices=ON_OFF,
    )
    scratch: Literal["on", "off"] = setting(
        "on",
        "The same net from random weights, trained on nothing but the labelled examples. As slow as fine-tuning.",
        label="From scratch",
        choices=ON_OFF,
    )
    trained_at: Literal["some", "all"] = setting(
        "some",
        "Where the whole net is trained: at 1, 10 and 100 labels per class and at the most, or at every number of "
        "labels, which takes about twice as long.",
        label="Trained at",
        choices={"some": "1, 10, 100", "all": "Every number"},
    )
    steps: int = setting(
        100,
        "Of each fine-tuning and each training from scratch, at least; more where each labelled example would be seen "
        f"less than {EPOCHS} times on average. Too few, and neither has learned its labelled examples.",
        label="Steps",
        unit="batches for each point",
        ge=5,
        le=2_000,
        scale="log",
    )
    learning_rate: float = setting(
        0.001,
        "Step size at the peak (AdamW), of the encoder and of a net from scratch; new linear layers take ten times as "
        "much. Too high, and fine-tuning forgets what the encoder knew.",
        label="Learning rate",
        ge=1e-6,
        le=10,
        scale="log",
    )
    batch: int = setting(
        32,
        "Labelled examples a step; where there are fewer, all of them.",
        label="Batch",
        unit="examples",
        ge=2,
        le=256,
        step=2,
    )
    image_size: Literal["32", "48", "64"] = setting(
        "32",
        "Side of the pictures. A trained encoder takes the size that it was trained at; text has none.",
        label="Image size",
        unit="pixels",
        choices={"32": "32", "48": "48", "64": "64"},
    )
    seed: int = setting(
        1, "The same seed labels the same examples and starts from the same weights.", label="Seed", ge=0, le=MAX_SEED
    )

    @property
    def size(self) -> int:
        """Side of the pictures in pixels."""
        return int(self.image_size)

    @property
    def counts(self) -> tuple[int, ...]:
        """Labels per class at which accuracy is measured, rising."""
        return tuple(count for count in LABELS if count <= int(self.most_labels))

    @property
    def trained_counts(self) -> tuple[int, ...]:
        """Labels per class at which whole nets are trained, rising."""
        counts = self.counts
        return tuple(
            count for count in counts if self.trained_at == "all" or count in TRAINED_LABELS or count == counts[-1]
        )

    def steps_for(self, examples: int) -> int:
        """Steps of a training on so many labelled examples."""
        return max(self.steps, math.ceil(EPOCHS * examples / self.batch))

    @property
    def ways(self) -> tuple[str, ...]:
        """Which of `WAYS` are compared."""
        return tuple(way for way in WAYS if getattr(self, way) == "on")

    @property
    def encoders(self) -> tuple[str, ...]:
        """Names of the one or two that are compared."""
        return (self.encoder,) if self.against == NOBODY else (self.encoder, self.against)

    @model_validator(mode="before")
    @classmethod
    def _follow_the_data(cls, given: Any) -> Any:
        """Where the data have not what is a setting's default, one that isn't given is what the data have first."""
        data = given.get("data") if isinstance(given, Mapping) else None
        if not isinstance(data, str) or data not in FIRST:
            return given
        firsts = dict(zip(FOLLOWERS, FIRST[data], strict=True))
        unfit = {name for name, titles in offered(data).items() if cls.model_fields[name].default not in titles}
        return {**{name: firsts[name] for name in unfit}, **given}

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse a task or an encoder that the data don't have, an encoder against itself, and no way at all."""
        tasks, known = TASKS[self.data], titles_of(self.data)
        data = "your own pictures" if self.data == "own" else self.data
        if self.factor not in tasks:
            raise ValueError(f"Task (factor) is {self.factor}; of {data} it must be one of {', '.join(tasks)}.")
        for label, name in (("Encoder (encoder)", self.encoder), ("Against (against)", self.against)):
            if name not in (NOBODY, *known):
                kind = "text" if name in TEXT_TITLES else "pictures"
                raise ValueError(
                    f"{label} is {name}, which reads {kind}; of {data} it must be one of {', '.join(known)}."
                )
        if self.encoder == self.against:
            raise ValueError(
                f"Against (against) is {self.against}, as is the encoder; it must be another one, or none."
            )
        if not self.ways:
            raise ValueError(f"No way to compare is on; switch on at least one of {', '.join(WAYS)}.")
        return self
