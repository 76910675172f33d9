"""BERT, T5 and GPT as models whose heads can be read; see `backends.attention.heads.HeadModel`.

They are as they were frozen, so the one in training can be opened too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.attention.heads import (
    CROSS,
    DECODER,
    ENCODER,
    AttentionStack,
    Head,
    HeadsError,
    Pass,
    Prediction,
    Prepared,
    top_guesses,
)
from backends.language.config import METHOD_OF, TITLES, BERTConfig, T5Config
from backends.language.corruption import is_sentinel
from backends.language.tokens import FIRST_ORDINARY, MASK, MASK_ID, START, START_ID
from backends.language.use import LanguageError, read_text, write

if TYPE_CHECKING:
    from backends.language.trainer import FrozenLanguage


@dataclass(frozen=True)
class HeadInput:
    """What a model reads.

    Attributes:
        ids: (T,) token numbers.
        pieces: the same as they are shown.
        written: (U,) token numbers that a T5's decoder reads, [START] first.
    """

    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    written: tuple[int, ...] = ()


class LanguageHeads:
    """The heads of a frozen model."""

    takes_picture = False

    def __init__(self, frozen: FrozenLanguage, title: str = "") -> None:
        """Take a frozen model, and what the page calls it; "" names the method and the step."""
        self._frozen = frozen
        name = TITLES[METHOD_OF[type(frozen.config)]]
        self.title = (
            title or f"{name} after {frozen.step:,} steps ({frozen.config.depth} × {frozen.config.heads} heads)"
        )

    @property
    def shape(self) -> dict[str, tuple[int, int]]:
        """(layers, heads in each) by stack."""
        each = (self._frozen.config.depth, int(self._frozen.config.heads))
        if isinstance(self._frozen.config, T5Config):
            return {ENCODER: each, DECODER: each, CROSS: each}
        return {ENCODER if isinstance(self._frozen.config, BERTConfig) else DECODER: each}

    def prepare(self, source: str) -> Prepared:
        """Cut a text into at most as many tokens as the model reads; a T5 writes its answer first.

        Raises:
            HeadsError: there is nothing to read.
        """
        config = self._frozen.config
        try:
            tokens = read_text(self._frozen, source)
        except LanguageError as error:
            raise HeadsError(str(error)) from None
        kept = len(tokens)
        if not isinstance(config, T5Config):
            data = HeadInput((START_ID, *tokens.ids), (START, *tokens.pieces))
            asks = isinstance(config, BERTConfig) and MASK_ID not in tokens.ids
            hint = f"Write {MASK} where the model should guess a token." if asks else ""
            return Prepared(data, kept=kept, cut=tokens.cut, hint=hint)
        written, _ = write(self._frozen, tokens.ids)
        data = HeadInput(tokens.ids, tokens.pieces, (START_ID, *written))
        asks = config.objective == "spans" and not any(is_sentinel(number) for number in tokens.ids)
        hint = "Write <X> in place of words that the model should write." if asks else ""
        return Prepared(data, kept=kept, cut=tokens.cut, written=self._frozen.tokenizer.decode(written), hint=hint)

    def run(self, prepared: Prepared, silenced: Collection[Head]) -> Pass:
        """Compute one pass without the silenced heads."""
        import torch

        from backends.nets.transformer import CROSS as CROSS_KIND
        from backends.nets.transformer import SELF, Look

        given: HeadInput = prepared.data
        quiet = [
            (DECODER, CROSS_KIND, layer, head) if stack == CROSS else (stack, SELF, layer, head)
            for stack, layer, head in silenced
        ]
        look = Look(silenced=quiet)
        model, device = self._frozen.model, self._frozen.device
        with torch.inference_mode():
            tokens = torch.tensor([given.ids], device=device)
            if isinstance(self._frozen.config, T5Config):
                scores = model(tokens, torch.tensor([given.written], device=device), look=look)
            else:
                scores = model(tokens, look=look)
        logits = scores[0].float().cpu().numpy()
        return self._pass(given, logits, look.weights)

    def _pass(self, given: HeadInput, logits: np.ndarray, weights: dict[tuple[str, str, int], Any]) -> Pass:
        if isinstance(self._frozen.config, T5Config):
            return self._t5_pass(given, logits, weights)
        if not isinstance(self._frozen.config, BERTConfig):
            stack = _stack(DECODER, given.ids, given.pieces, weights, causal=True)
            return Pass((stack,), (self._prediction(f"after “{given.pieces[-1]}”", logits[-1]),), logits[-1:])
        stack = _stack(ENCODER, given.ids, given.pieces, weights)
        masks = [place for place, number in enumerate(given.ids) if number == MASK_ID]
        if not masks:
            return Pass((stack,), (), logits[1:])
        names = [MASK] if len(masks) == 1 else [f"{MASK} {number + 1}" for number in range(len(masks))]
        rows = logits[masks]
        return Pass((stack,), tuple(self._prediction(n, row) for n, row in zip(names, rows, strict=True)), rows)

    def _t5_pass(self, given: HeadInput, logits: np.ndarray, weights: dict[tuple[str, str, int], Any]) -> Pass:
        pieces = tuple(self._frozen.tokenizer.piece(number) for number in given.written)
        cross = AttentionStack(
            CROSS,
            pieces,
            given.pieces,
            _weights(DECODER, "cross", weights),
            given.written,
            given.ids,
            _special(given.written),
            _special(given.ids),
        )
        stacks = (
            _stack(ENCODER, given.ids, given.pieces, weights),
            _stack(DECODER, given.written, pieces, weights, causal=True),
            cross,
        )
        places = ["first written token", *(f"after “{piece}”" for piece in pieces[1:])]
        predictions = tuple(self._prediction(place, row) for place, row in zip(places, logits, strict=True))
        return Pass(stacks, predictions, logits)

    def _prediction(self, where: str, logits: np.ndarray) -> Prediction:
        return Prediction(where, top_guesses(logits, self._frozen.tokenizer.piece))


def _weights(stack: str, kind: str, weights: dict[tuple[str, str, int], Any]) -> np.ndarray:
    """(L, H, T, S) of all layers."""
    layers = sorted(layer for name, other, layer in weights if (name, other) == (stack, kind))
    return np.stack([weights[stack, kind, layer][0].float().cpu().numpy() for layer in layers])


def _stack(
    name: str,
    ids: tuple[int, ...],
    pieces: tuple[str, ...],
    weights: dict[tuple[str, str, int], Any],
    *,
    causal: bool = False,
) -> AttentionStack:
    special = _special(ids)
    return AttentionStack(
        name, pieces, pieces, _weights(name, "self", weights), ids, ids, special, special, causal=causal
    )


def _special(ids: Sequence[int]) -> tuple[int, ...]:
    """Places of tokens that are not of the text."""
    return tuple(place for place, number in enumerate(ids) if number < FIRST_ORDINARY)
