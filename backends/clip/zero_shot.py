"""A classifier out of label texts: class vectors from prompts, cosines, softmax, and what makes them what they are.

Nothing here is trained. `Space` is all that is asked of a model: our own and those of transformers answer alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from backends.clip.tokens import Reading

MAX_LABELS = 200
MAX_LABEL_CHARS = 100
MAX_TEMPLATES = 12
NEUTRAL_PROMPT = "a picture"
OCCLUSION_GREY = 128


class PromptError(ValueError):
    """Prompts can't be used. The message is one sentence that says what to do."""


class Space(Protocol):
    """Where pictures and prompts meet."""

    @property
    def scale(self) -> float:
        """What cosines are multiplied by before the softmax: 1 / temperature."""

    @property
    def bias(self) -> float | None:
        """What SigLIP adds to a logit; None where the model knows only a softmax."""

    @property
    def size(self) -> int:
        """Side in pixels of the pictures that it reads."""

    def embed_pictures(self, pictures: np.ndarray) -> np.ndarray:
        """(n, size, size, 3) uint8 to (n, P) float32 of length 1."""

    def embed_prompts(self, prompts: Sequence[str]) -> np.ndarray:
        """Texts to (n, P) float32 of length 1."""

    def read(self, prompt: str) -> Reading:
        """Say how a prompt is read."""


@dataclass(frozen=True)
class Labels:
    """What a visitor typed, made usable.

    Attributes:
        names: (L,) distinct, in their order.
        notes: sentences about what was changed.
    """

    names: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Classes:
    """Labels as vectors, and how they came about.

    Attributes:
        labels: (L,).
        templates: (T,).
        prompts: (L, T, P) one vector of length 1 for each label in each template.
        vectors: (L, P) their means, of length 1: the classifier.
    """

    labels: tuple[str, ...]
    templates: tuple[str, ...]
    prompts: np.ndarray
    vectors: np.ndarray

    @property
    def agreement(self) -> np.ndarray:
        """(L,) mean cosine of a label's prompts with its class vector; 1 where all templates say the same."""
        return np.einsum("ltp,lp->l", self.prompts, self.vectors) / len(self.templates)


@dataclass(frozen=True)
class Scores:
    """How well each label fits each picture.

    Attributes:
        cosines: (N, L) in [-1, 1].
        softmax: (N, L) rows sum to 1: which label, given that one of them is right.
        alone: (N, L) in [0, 1]: each label for itself. SigLIP's sigmoid; for CLIP the softmax against a neutral prompt.
    """

    cosines: np.ndarray
    softmax: np.ndarray
    alone: np.ndarray


def read_labels(text: str) -> Labels:
    """Read labels, one a line.

    Raises:
        PromptError: there are none.
    """
    lines = [" ".join(line.split()) for line in text.splitlines()]
    given = [line for line in lines if line]
    if not given:
        raise PromptError("There are no labels yet; write at least two, one a line.")
    notes = []
    if any(len(line) > MAX_LABEL_CHARS for line in given):
        notes.append(f"Labels are cut after {MAX_LABEL_CHARS} characters.")
    names = list(dict.fromkeys(line[:MAX_LABEL_CHARS] for line in given))
    if len(names) < len(given):
        notes.append("The same label twice counts once.")
    if len(names) > MAX_LABELS:
        notes.append(f"Of {len(names):,} labels the first {MAX_LABELS} are used.")
        names = names[:MAX_LABELS]
    if len(names) == 1:
        notes.append(
            "With one label its probability is 1 whatever the picture shows: softmax only says which of the labels "
            "fits best. The cosine and the score for itself still say how well it fits."
        )
    return Labels(tuple(names), tuple(notes))


def read_templates(text: str) -> tuple[str, ...]:
    """Read templates, one a line; each must say with {} where the label goes.

    Raises:
        PromptError: one lacks its {}, or there are too many.
    """
    lines = list(dict.fromkeys(" ".join(line.split())[:MAX_LABEL_CHARS] for line in text.splitlines() if line.strip()))
    if not lines:
        return ("{}",)
    for line in lines:
        if line.count("{}") != 1:
            raise PromptError(
                f"The template “{line[:60]}” needs {{}} once, where the label goes, as in “an emoji of {{}}”."
            )
    if len(lines) > MAX_TEMPLATES:
        raise PromptError(f"There are {len(lines)} templates; use at most {MAX_TEMPLATES}.")
    return tuple(lines)


def make_classes(space: Space, labels: Sequence[str], templates: Sequence[str]) -> Classes:
    """Turn labels into class vectors: each in every template, the mean of those, brought to length 1.

    Source: Radford et al. (2021), section 3.1.4, prompt ensembling in the space of embeddings.
    """
    prompts = [template.replace("{}", label) for label in labels for template in templates]
    embedded = space.embed_prompts(prompts).reshape(len(labels), len(templates), -1)
    return Classes(tuple(labels), tuple(templates), embedded, unit(embedded.mean(axis=1)))


def score(space: Space, pictures: np.ndarray, vectors: np.ndarray) -> Scores:
    """Compare pictures with class vectors.

    Args:
        space: of the vectors.
        pictures: (N, P) of length 1.
        vectors: (L, P) of length 1.
    """
    cosines = pictures @ vectors.T
    if space.bias is not None:
        alone = sigmoid(space.scale * cosines + space.bias)
    else:
        neutral = pictures @ space.embed_prompts([NEUTRAL_PROMPT])[0]
        alone = sigmoid(space.scale * (cosines - neutral[:, None]))
    return Scores(cosines, softmax(space.scale * cosines), alone)


def combine(terms: Sequence[tuple[float, np.ndarray]]) -> np.ndarray:
    """Add and subtract unit vectors of prompts and pictures: (P,) of length 1.

    Args:
        terms: (weight, (P,)) each.

    Raises:
        PromptError: there are no terms, or they cancel each other out.
    """
    if not terms:
        raise PromptError("There is nothing to search for; write a prompt or choose a picture.")
    total = np.sum([weight * vector for weight, vector in terms], axis=0)
    if np.linalg.norm(total) < 1e-6:
        raise PromptError("The terms cancel each other out; take one of them away.")
    return unit(total)


def occlude(space: Space, picture: np.ndarray, vector: np.ndarray, cells: int = 8) -> np.ndarray:
    """Which part of a picture moves a score: grey squares, two cells wide, are laid over it one after the other.

    Args:
        space: of the vector.
        picture: (size, size, 3) uint8.
        vector: (P,) of length 1.
        cells: a side of the grid on which the squares are moved.

    Returns:
        (cells, cells) float32: by how much the cosine falls where the cell is covered, the mean of all squares that
        cover it; positive where the cell speaks for the prompt. Source: Zeiler & Fergus (2014), section 4.2.
    """
    size = len(picture)
    edges = np.linspace(0, size, cells + 1).round().astype(int)
    covered = np.repeat(picture[None], (cells + 1) ** 2, axis=0)
    places = [(row, column) for row in range(-1, cells) for column in range(-1, cells)]
    for square, (row, column) in zip(covered, places, strict=True):
        top, bottom = edges[max(row, 0)], edges[min(row + 2, cells)]
        left, right = edges[max(column, 0)], edges[min(column + 2, cells)]
        square[top:bottom, left:right] = OCCLUSION_GREY
    embedded = space.embed_pictures(np.concatenate([picture[None], covered]))
    cosines = embedded @ vector
    falls = (cosines[0] - cosines[1:]).reshape(cells + 1, cells + 1)
    return (falls[:-1, :-1] + falls[1:, :-1] + falls[:-1, 1:] + falls[1:, 1:]).astype(np.float32) / 4


def ten_way(cosines: np.ndarray, class_idx: np.ndarray, ways: int = 10) -> float:
    """Accuracy when each picture's class stands among `ways - 1` others drawn at random: the exact mean over all draws.

    Args:
        cosines: (N, C).
        class_idx: (N,) the right classes.
        ways: how many classes to choose from; all of them where there are fewer.
    """
    better = _better(cosines, class_idx)
    others, drawn = cosines.shape[1] - 1, min(ways, cosines.shape[1]) - 1
    total = math.comb(others, drawn)
    chances = np.array([math.comb(others - r, drawn) / total for r in range(others + 1)])
    return float(chances[better].mean()) if len(better) else math.nan


def top_k(cosines: np.ndarray, class_idx: np.ndarray, k: int = 5) -> float:
    """Share of pictures whose class is among the k that fit best: (N, C) cosines and (N,) classes."""
    better = _better(cosines, class_idx)
    return float((better < k).mean()) if len(better) else math.nan


def _better(cosines: np.ndarray, class_idx: np.ndarray) -> np.ndarray:
    """(N,) how many other classes fit each picture at least as well as its own."""
    own = np.take_along_axis(cosines, class_idx[:, None], axis=1)
    return (cosines >= own).sum(axis=1) - 1


def modality_gap(pictures: np.ndarray, prompts: np.ndarray) -> float:
    """Distance between the mean picture and the mean prompt, (N, P) and (M, P) of length 1; in [0, 2].

    Source: Liang et al., "Mind the Gap" (2022), section 4.
    """
    return float(np.linalg.norm(pictures.mean(axis=0) - prompts.mean(axis=0)))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Bring vectors to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow."""
    return np.exp(-np.logaddexp(0.0, -logits))
