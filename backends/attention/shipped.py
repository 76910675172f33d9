"""The transformer that this project trains on the built-in text and ships, so that heads can be read at once, offline.

Made by `python -m backends.attention.train_shipped`; the card beside the file says how. The text is cut into pieces
of words by byte-pair encoding (Sennrich et al., 2016) over bytes, so every text can be read.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.attention.heads import (
    DECODER,
    LONGEST,
    AttentionStack,
    Head,
    HeadsError,
    Pass,
    Prediction,
    Prepared,
    readable_piece,
    shown_pieces,
    top_guesses,
)
from backends.engine.checkpoints import CheckpointError, load_checkpoint

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from backends.nets.transformer import Decoder

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "attention"
MODEL_NAME, TOKENIZER_NAME = "model.safetensors", "tokenizer.json"
MAX_TOKENIZER_BYTES = 1 << 20
START = "<s>"
"""Stands before every text: a place to look at for heads that find nothing."""

_loading = threading.Lock()


@dataclass(frozen=True)
class Recipe:
    """How the shipped model is built and trained.

    Attributes:
        vocabulary: pieces of words, the start among them.
        width: of a token's vector.
        heads: in each layer.
        depth: layers.
        longest: tokens that fit.
        batch: windows in a step.
        steps: of AdamW.
        reach: tokens up to which each head learns a score for each distance.
        repeats: share of windows in which a passage comes again and again; half of these passages are random tokens.
            They teach heads to look for what followed the last time (Olsson et al., 2022); speeches alone rarely repeat
            themselves word for word.
        learning_rate: at its highest, after `warm_up` steps; it falls along a cosine to a twentieth.
        warm_up: steps.
        weight_decay: of all weights.
        seed: of weights and windows.
    """

    vocabulary: int = 2048
    width: int = 128
    heads: int = 4
    depth: int = 4
    longest: int = LONGEST
    reach: int = 16
    batch: int = 16
    steps: int = 2_400
    repeats: float = 0.4
    learning_rate: float = 4e-3
    warm_up: int = 100
    weight_decay: float = 0.05
    seed: int = 1


@dataclass(frozen=True)
class Tokens:
    """A decoder's input.

    Attributes:
        ids: (T,) token numbers, the start first.
        pieces: the same as they are shown.
    """

    ids: tuple[int, ...]
    pieces: tuple[str, ...]


class ShippedDecoder:
    """A decoder of this project with its tokenizer; see `backends.attention.heads.HeadModel`."""

    takes_picture = False

    def __init__(self, model: Decoder, tokenizer: Tokenizer, title: str, card: dict[str, Any]) -> None:
        self.model, self.tokenizer, self.title, self.card = model, tokenizer, title, card

    @property
    def shape(self) -> dict[str, tuple[int, int]]:
        """(layers, heads in each) by stack."""
        blocks = self.model.stack.blocks
        return {DECODER: (len(blocks), blocks[0].attention.heads)}

    def prepare(self, source: str) -> Prepared:
        """Cut a text into at most as many tokens as the model reads, the start among them."""
        encoding = self.tokenizer.encode(source)
        ids = [self._start, *encoding.ids]
        if len(ids) < 2:
            raise HeadsError("There is nothing to read; write a sentence.")
        kept = ids[: self.model.embedding.longest]
        pieces = shown_pieces(source, [self._piece(number) for number in kept], [(0, 0), *encoding.offsets])
        return Prepared(Tokens(tuple(kept), pieces), kept=len(kept), cut=len(kept) < len(ids))

    def run(self, prepared: Prepared, silenced: Collection[Head]) -> Pass:
        """Read the text, and guess the token after it."""
        import torch

        from backends.nets.transformer import SELF, Look

        tokens: Tokens = prepared.data
        look = Look(silenced=[(DECODER, SELF, layer, head) for _, layer, head in silenced])
        with torch.inference_mode():
            logits = self.model(torch.tensor([tokens.ids]), look=look)[0, -1:].numpy()
        layers = [look.weights[DECODER, SELF, number][0].numpy() for number in range(self.shape[DECODER][0])]
        special = tuple(place for place, number in enumerate(tokens.ids) if number == self._start)
        stack = AttentionStack(
            DECODER,
            tokens.pieces,
            tokens.pieces,
            np.stack(layers),
            tokens.ids,
            tokens.ids,
            special,
            special,
            causal=True,
        )
        prediction = Prediction(f"after “{tokens.pieces[-1]}”", top_guesses(logits[0], self._piece))
        return Pass((stack,), (prediction,), logits)

    @property
    def _start(self) -> int:
        return start_of(self.tokenizer)

    def _piece(self, number: int) -> str:
        return readable_piece(self.tokenizer.id_to_token(number) or "", self.tokenizer.decode([number]))


def load() -> ShippedDecoder:
    """Read the shipped model; it is shared by all that ask.

    Raises:
        CheckpointError: its files are missing or damaged.
    """
    with _loading:
        return _load()


def origin() -> str:
    """Say where the shipped model comes from, in one sentence.

    Raises:
        CheckpointError: its files are missing or damaged.
    """
    return str(load().card["origin"])


@lru_cache(maxsize=1)
def _load() -> ShippedDecoder:
    tensors, card = load_checkpoint(FOLDER / MODEL_NAME)
    tokenizer = _read_tokenizer(FOLDER / TOKENIZER_NAME)
    try:
        recipe = Recipe(**card["recipe"])
        title = str(card["title"])
        model = build(recipe)
        model.load_state_dict({name: _as_tensor(array) for name, array in tensors.items()})
    except (KeyError, TypeError, ValueError, RuntimeError):
        raise CheckpointError(f"{MODEL_NAME} and its card do not fit together.") from None
    start_of(tokenizer)
    if tokenizer.get_vocab_size() != recipe.vocabulary:
        raise CheckpointError(f"{TOKENIZER_NAME} and {MODEL_NAME} do not fit together.")
    return ShippedDecoder(model.eval(), tokenizer, title, card)


def _as_tensor(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(array)


def _read_tokenizer(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        if path.stat().st_size > MAX_TOKENIZER_BYTES:
            raise CheckpointError(f"{path.name} is larger than a tokenizer of this project may be.")
        return Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{path.name} is missing.") from None
    except CheckpointError:
        raise
    except Exception:  # the package raises plain exceptions for all that it can't read
        raise CheckpointError(f"{path.name} is damaged.") from None


def start_of(tokenizer: Tokenizer) -> int:
    """The number of the token that stands before every text.

    Raises:
        CheckpointError: the tokenizer has none.
    """
    number = tokenizer.token_to_id(START)
    if number is None:
        raise CheckpointError(f"{TOKENIZER_NAME} has no token {START}.")
    return int(number)


def build(recipe: Recipe) -> Decoder:
    """A fresh model; its weights depend on the seed alone."""
    from backends.nets.seeded import seeded
    from backends.nets.transformer import Decoder, start_small

    with seeded(recipe.seed):
        model = Decoder(recipe.vocabulary, recipe.width, recipe.heads, recipe.depth, recipe.longest, reach=recipe.reach)
        start_small(model, recipe.depth)
    return model
