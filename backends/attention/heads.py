"""Read the heads of a trained model: attention weights, what each head does, rollout, and the output without heads."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from backends.attention import head_roles
from backends.attention.head_roles import Role
from backends.attention.rollout import attention_rollout

LONGEST = 128
"""Tokens that are read at most; a model may take fewer."""
MAX_CHARS = 20_000
"""Characters that reach a tokenizer; far more than `LONGEST` tokens."""
MAX_PICTURE_SIDE = 4096
GUESSES = 5
MAX_PIECE_CHARS = 24

ENCODER, DECODER, CROSS = "encoder", "decoder", "cross"
LABELS = {ENCODER: "Encoder", DECODER: "Decoder", CROSS: "Decoder looks at encoder"}

Head = tuple[str, int, int]
"""A head: stack, layer and number within the layer, from 0."""


class HeadsError(ValueError):
    """A text, picture, head or model can't be read. The message says why, in one sentence fit for a visitor."""


@dataclass(frozen=True, eq=False)
class AttentionStack:
    """The attention of one stack of layers over one text or picture.

    Attributes:
        name: ENCODER, DECODER or CROSS.
        rows: T tokens that look, as they are shown.
        columns: S tokens that are looked at.
        weights: (L, H, T, S) float32, rows sum to 1.
        row_ids: T token numbers; empty for pictures.
        column_ids: S token numbers; empty for pictures.
        special_rows: positions of tokens that the model adds, such as [CLS] and [SEP].
        special_columns: the same of the columns.
        causal: row i sees columns 0 to i only.
        grid_side: patches along a side of the picture; 0 for text.
    """

    name: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    weights: np.ndarray
    row_ids: tuple[int, ...] = ()
    column_ids: tuple[int, ...] = ()
    special_rows: tuple[int, ...] = ()
    special_columns: tuple[int, ...] = ()
    causal: bool = False
    grid_side: int = 0

    @property
    def label(self) -> str:
        """As the page calls the stack."""
        return LABELS[self.name]

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return int(self.weights.shape[0])

    @property
    def heads(self) -> int:
        """How many heads each layer has."""
        return int(self.weights.shape[1])

    @cached_property
    def roles(self) -> tuple[tuple[Role, ...], ...]:
        """What each head of each layer does on this text; see `backends.attention.head_roles`."""
        return head_roles.head_roles(self.weights, self._role_columns(), causal=self.causal)

    @cached_property
    def rollout(self) -> np.ndarray | None:
        """(L, T, T) attention rollout; None for cross attention, which has no way back to the same tokens."""
        return None if self.name == CROSS else attention_rollout(self.weights)

    def _role_columns(self) -> dict[str, np.ndarray]:
        if self.grid_side:
            return head_roles.grid_columns(self.grid_side, len(self.columns) - self.grid_side**2)
        stops = np.array([is_punctuation(token) for token in self.columns])
        stops[list(self.special_columns)] = True
        if self.name == CROSS:
            return head_roles.cross_columns(self.row_ids, self.column_ids, stops)
        return head_roles.self_columns(self.row_ids, stops)


@dataclass(frozen=True)
class Guess:
    """A token, or a picture's class, that the model finds possible; `probability` from 0 to 1."""

    token: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What the model finds likely at one place, most likely first.

    Attributes:
        where: such as `after "the"`, `mask 1` or `the picture`.
        guesses: at most `GUESSES`.
    """

    where: str
    guesses: tuple[Guess, ...]


@dataclass(frozen=True, eq=False)
class Pass:
    """What one pass through a model gave.

    Attributes:
        stacks: attention, in the order in which it happens.
        predictions: for each row of `logits`; empty where the model predicts nothing.
        logits: (P, V) float32 at the predicted places, or None.
        vector: (D,) float32 of the whole text, of a model that predicts nothing, or None.
    """

    stacks: tuple[AttentionStack, ...]
    predictions: tuple[Prediction, ...] = ()
    logits: np.ndarray | None = None
    vector: np.ndarray | None = None


@dataclass(frozen=True)
class Prepared:
    """An input, ready for a model.

    Attributes:
        data: what the model itself made of it.
        kept: tokens that are read.
        cut: the text had more tokens.
        written: what an encoder-decoder wrote, which its decoder then reads; else empty.
        hint: a sentence about what could be written instead; else empty.
    """

    data: Any
    kept: int
    cut: bool = False
    written: str = ""
    hint: str = ""


class HeadModel(Protocol):
    """A trained model whose heads can be read."""

    @property
    def title(self) -> str:
        """As the page calls it."""

    @property
    def takes_picture(self) -> bool:
        """It reads a picture, not a text."""

    @property
    def shape(self) -> dict[str, tuple[int, int]]:
        """(layers, heads in each) by stack."""

    def prepare(self, source: Any) -> Prepared:
        """Turn a text (str) or a picture (height, width, 3; uint8) into what `run` reads."""

    def run(self, prepared: Prepared, silenced: Collection[Head]) -> Pass:
        """Compute one pass; the silenced heads' outputs are replaced with zeros."""


@dataclass(frozen=True)
class Change:
    """What silencing did to the output.

    Attributes:
        divergence: of what is predicted, in bits: mean over places of KL(all heads ‖ without the silenced). None for
            a model that predicts nothing.
        distance: 1 − cosine of the two sentence vectors, 0 to 2; None for a model that predicts.
        sentence: the change in words.
    """

    divergence: float | None
    distance: float | None
    sentence: str


@dataclass(frozen=True, eq=False)
class HeadReading:
    """The heads of a model on one text or picture.

    Attributes:
        title: of the model.
        stacks: attention with the silenced heads left out, as are their roles and rollout.
        note: what the visitor should know: that the text was cut, what could be written; may be empty.
        written: what an encoder-decoder wrote; its decoder reads this.
        predictions: of the whole model.
        silenced: the heads left out.
        predictions_silenced: without these; empty if there are none.
        change: what leaving them out did; None if there are none.
    """

    title: str
    stacks: tuple[AttentionStack, ...]
    note: str
    written: str
    predictions: tuple[Prediction, ...]
    silenced: tuple[Head, ...] = ()
    predictions_silenced: tuple[Prediction, ...] = ()
    change: Change | None = None

    def stack(self, name: str) -> AttentionStack:
        """Return the stack of this name.

        Raises:
            HeadsError: the model has none.
        """
        for stack in self.stacks:
            if stack.name == name:
                return stack
        names = ", ".join(stack.name for stack in self.stacks)
        raise HeadsError(f"This model has no stack {name[:20]!r}; choose from {names}.")


def read_heads(model: HeadModel, source: Any, *, silenced: Iterable[Head] = ()) -> HeadReading:
    """Read the heads of a model on a text or, of a vision transformer, on a picture.

    Args:
        model: from `backends.attention.shipped.load` or `backends.attention.transformers_models`.
        source: a text, of which at most `LONGEST` tokens are read, or a picture (height, width, 3) uint8.
        silenced: heads to leave out; then the output is computed with and without them.

    Raises:
        HeadsError: there is nothing to read, or no such head.
    """
    quiet = _checked_heads(model, silenced)
    cleaned = clean_picture(source) if model.takes_picture else clean_text(source)
    prepared = model.prepare(cleaned[:MAX_CHARS] if isinstance(cleaned, str) else cleaned)
    whole = model.run(prepared, ())
    note = _note(cleaned, prepared)
    if not quiet:
        return HeadReading(model.title, whole.stacks, note, prepared.written, whole.predictions)
    without = model.run(prepared, quiet)
    return HeadReading(
        model.title,
        without.stacks,
        note,
        prepared.written,
        whole.predictions,
        quiet,
        without.predictions,
        compare(whole, without),
    )


def clean_text(text: Any) -> str:
    """Strip a visitor's text and replace what is no character.

    Raises:
        HeadsError: it is no text, or empty.
    """
    if not isinstance(text, str):
        raise HeadsError("This model reads a text; write a sentence.")
    cleaned = text.encode("utf-8", "replace").decode().strip()
    if not cleaned:
        raise HeadsError("There is nothing to read; write a sentence.")
    return cleaned


def clean_picture(picture: Any) -> np.ndarray:
    """Check a picture: (height, width, 3) uint8.

    Raises:
        HeadsError: it is none, or too large.
    """
    if not isinstance(picture, np.ndarray) or picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise HeadsError("This model reads a picture; choose one.")
    if not 1 <= min(picture.shape[:2]) <= max(picture.shape[:2]) <= MAX_PICTURE_SIDE:
        height, width = picture.shape[:2]
        raise HeadsError(f"The picture has {width} × {height} pixels; at most {MAX_PICTURE_SIDE} a side are read.")
    return picture


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, in float64."""
    raised = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    shares: np.ndarray = raised / raised.sum(-1, keepdims=True)
    return shares


def top_guesses(logits: np.ndarray, names: Any) -> tuple[Guess, ...]:
    """The likeliest of (V,) logits; `names` maps a number to what is shown."""
    shares = probabilities(logits)
    return tuple(Guess(names(int(best)), float(shares[best])) for best in np.argsort(-shares, kind="stable")[:GUESSES])


def compare(whole: Pass, without: Pass) -> Change:
    """Say how far the output without some heads is from the whole model's."""
    if whole.logits is None or without.logits is None:
        distance = _cosine_distance(whole.vector, without.vector)
        return Change(
            None, distance, f"The sentence's vector turns: its cosine with the whole one is {1 - distance:.2f}."
        )
    before, after = probabilities(whole.logits), probabilities(without.logits)
    tiny = np.finfo(np.float64).tiny
    bits = (before * (np.log2(np.maximum(before, tiny)) - np.log2(np.maximum(after, tiny)))).sum(-1)
    divergence = max(0.0, float(bits.mean()))
    if not whole.predictions:
        return Change(divergence, None, f"The guesses at all tokens move by {divergence:.2f} bits on average.")
    return Change(divergence, None, _change_sentence(whole, before[0], after[0], divergence))


def _change_sentence(whole: Pass, before: np.ndarray, after: np.ndarray, divergence: float) -> str:
    first = whole.predictions[0]
    best = int(before.argmax())
    return (
        f"{first.where}: “{first.guesses[0].token}” goes from {before[best]:.1%} to {after[best]:.1%}; "
        f"the guesses move by {divergence:.2f} bits."
    )


def is_punctuation(piece: str) -> bool:
    """A piece without letters and digits that holds a punctuation mark."""
    kinds = [unicodedata.category(character) for character in piece]
    return any(kind[0] == "P" for kind in kinds) and not any(kind[0] in "LN" for kind in kinds)


def readable_piece(raw: str, decoded: str) -> str:
    """A token as it is shown: WordPiece's ## stays, leading spaces go, a space alone is ␣ and a line's end ↵.

    Args:
        raw: as the vocabulary spells it, such as ##ing, Ġthe or ▁the.
        decoded: what the tokenizer makes of it alone; may be empty for special tokens.
    """
    if raw.startswith("##"):
        shown = raw
    elif "▁" in raw:
        shown = raw.replace("▁", " ").strip() or "␣"
    elif decoded and not decoded.strip():
        shown = "↵" if "\n" in decoded else "␣"
    else:
        shown = decoded.strip() or raw
    return shown if len(shown) <= MAX_PIECE_CHARS else shown[: MAX_PIECE_CHARS - 1] + "…"


def shown_pieces(text: str, pieces: Sequence[str], spans: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """Replace pieces that are a part of a character by that character and the part's number, such as 🙂 1/4.

    Args:
        text: that was cut into pieces.
        pieces: as `readable_piece` shows them; � where a piece is no whole character.
        spans: where in the text each begins and ends.
    """
    shown = list(pieces)
    broken = [number for number, piece in enumerate(pieces) if "�" in piece]
    for number in broken:
        parts = [other for other in broken if spans[other] == spans[number]]
        start, end = spans[number]
        if len(parts) > 1:
            shown[number] = f"{text[start:end].strip()} {parts.index(number) + 1}/{len(parts)}"
    return tuple(shown)


def _checked_heads(model: HeadModel, silenced: Iterable[Head]) -> tuple[Head, ...]:
    checked: list[Head] = []
    for entry in silenced:
        try:
            stack, layer, head = str(entry[0]), int(entry[1]), int(entry[2])
        except (TypeError, ValueError, IndexError, KeyError, OverflowError):
            raise HeadsError("A head is named by its stack, its layer and its number.") from None
        layers, heads = model.shape.get(stack, (0, 0))
        if not (0 <= layer < layers and 0 <= head < heads):
            raise HeadsError(f"There is no head {head + 1} in layer {layer + 1} of the {stack[:20]} of this model.")
        checked.append((stack, layer, head))
    return tuple(dict.fromkeys(checked))


def _note(cleaned: str | np.ndarray, prepared: Prepared) -> str:
    sentences = [prepared.hint]
    if isinstance(cleaned, str) and (prepared.cut or len(cleaned) > MAX_CHARS):
        words = len(cleaned.split())
        was = "word was" if words == 1 else "words were"
        sentences.insert(0, f"{words:,} {was} cut to {prepared.kept} tokens.")
    return " ".join(sentence for sentence in sentences if sentence)


def _cosine_distance(first: np.ndarray | None, second: np.ndarray | None) -> float:
    if first is None or second is None:
        return 0.0
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    return 1 - float(first @ second) / norms if norms else 0.0
