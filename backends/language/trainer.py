"""The trainer of all three: stretches of text, an objective, and held-out text that neither net nor tokenizer saw."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backends.data.corpora import OWN_TEXT
from backends.data.text import TextError
from backends.engine.device import mixed_precision
from backends.engine.schedule import rate_at
from backends.engine.trainer import SLICE_SECONDS, BudgetedTrainer, Snapshot, TrainingDiverged, TrainingError
from backends.language.checkpoint import save_model
from backends.language.config import BERTConfig, GPTConfig, LanguageConfig, T5Config
from backends.language.model import LanguageModel, build, start_from
from backends.language.objectives import Batch, Objective, objective_of
from backends.language.text import LanguageText, load_text
from backends.language.tokens import FIRST_ORDINARY, TextTokenizer
from backends.nets.frozen import frozen_copy

LIVE_STRETCHES, ALL_STRETCHES = 192, 2_048
"""Of held-out text while it trains, and for `evaluate`."""
TEST_BATCH = 64
TEST_SEED = 0
"""What is hidden in the held-out text is the same for every run."""
TEST_SHARE = 0.07
"""Of the training time: the tests wait until that much of it pays for them."""
TEST_SECONDS = 1.0
WHOLE_SHARE = 0.5
"""Of batches whose stretches are as long as can be. With these alone, T5 knows texts with just so many gaps only."""
CLIP_NORM = 1.0
BETAS = (0.9, 0.98)
KEPT_TEXTS = 4


@dataclass(frozen=True, eq=False)
class TokenText:
    """A run's text as token numbers.

    Attributes:
        text: it was made from.
        tokenizer: learned from its training lines.
        train: (N,) int32 running tokens, each line ended by [LINE].
        held_out: (M,) int32 the same of the lines that are only measured on.
    """

    text: LanguageText
    tokenizer: TextTokenizer
    train: np.ndarray
    held_out: np.ndarray


@dataclass(frozen=True, eq=False)
class FrozenLanguage:
    """A copy of what a run had learned; later steps do not change it. `backends.language.use` asks it.

    Attributes:
        config: of the run.
        step: how far it was.
        model: in evaluation mode; not for training.
        tokenizer: learned from the run's text.
        device: where the model is.
        scores: the newest measures, by name.
        text: of the run; None for a model of which only the file is here.
    """

    config: LanguageConfig
    step: int
    model: LanguageModel
    tokenizer: TextTokenizer
    device: str
    scores: dict[str, float]
    text: LanguageText | None = None


class LanguageTrainer(BudgetedTrainer):
    """What BERT, T5 and GPT share: they differ in their config, and that decides on objective and model."""

    portable = True

    def __init__(
        self,
        config: LanguageConfig,
        *,
        text: Sequence[str] | None = None,
        device: str = "cpu",
        seconds: float | None = None,
    ) -> None:
        """Load the text, learn the tokenizer, build the model, and measure what it knows untrained.

        Args:
            config: the settings.
            text: lines of the visitor's own; needed when config.corpus is "own", ignored otherwise.
            device: "cpu", "cuda" or "mps".
            seconds: a time budget; the learning rate is fitted to it, and config.steps is not used.

        Raises:
            TrainingError: the text does not allow a run.
        """
        self.config: LanguageConfig = config
        self.device = device
        self.budget = seconds
        try:
            self.data = load_tokens(config.corpus, config.vocabulary, text)
        except TextError as error:
            raise TrainingError(str(error)) from None
        self.tokenizer = self.data.tokenizer
        self.objective: Objective = objective_of(config, self.tokenizer)
        self.notes = _notes(config, self.data, self.objective)
        counts = np.bincount(self.data.train, minlength=len(self.tokenizer))
        self.frequencies = self.objective.frequencies(counts)
        self.model = build(config, len(self.tokenizer))
        start_from(self.model, self.frequencies)
        self.model.to(device)
        self._optimizer = torch.optim.AdamW(
            _parameter_groups(self.model, config.weight_decay),
            lr=config.learning_rate,
            betas=BETAS,
            fused=device != "mps",
        )
        self._draws = np.random.default_rng(config.seed)
        self._test_batches = _test_batches(self.objective, self.data.held_out, LIVE_STRETCHES, device)
        self.step, self.seconds = 0, 0.0
        self._tested_at = 0.0
        self.loss = math.nan
        self._good = frozen_copy(self.model)
        self.untrained = self.scores = self._test(self._test_batches)

    def steps(self) -> Iterator[Snapshot]:
        """Train; `step` counts batches.

        Raises:
            TrainingDiverged: loss or weights are no longer finite.
        """
        while not self._over():
            begun, tokens = time.perf_counter(), 0
            losses = []
            while True:
                loss, read = self._advance()
                losses.append(loss)
                tokens += read
                self.step += 1
                spent = time.perf_counter() - begun
                if self._over(spent) or spent > SLICE_SECONDS:
                    break
            self._check(losses)
            spent = time.perf_counter() - begun
            self.seconds += spent
            now = tokens / spent
            self._keep_pace(now)
            if self._over() or self.seconds - self._tested_at > max(TEST_SECONDS, self._cost / TEST_SHARE):
                self.scores = self._test(self._test_batches)
                self.seconds += self._cost
                self._tested_at = self.seconds
            done = self._over()
            metrics = {"loss": self.loss, "tokens_per_second": self.pace, **self.scores}
            yield Snapshot(self.step, self.step if done else self._total(), self.seconds, metrics, done=done)

    def freeze(self) -> FrozenLanguage:
        """Return a copy of the model with its tokenizer and newest measures."""
        return FrozenLanguage(
            self.config, self.step, self._good, self.tokenizer, self.device, dict(self.scores), self.data.text
        )

    def evaluate(self) -> dict[str, float]:
        """Measure on up to 2,048 stretches of text that was never trained on.

        Returns:
            heldout_loss: mean cross entropy of the targets in nats.
            perplexity: e to the power of it: among so many equally likely tokens the model still wavers.
            unigram_entropy: heldout_loss of a guesser that knows only how often each token is a target in training.
            heldout_accuracy: share of targets that the model ranks first, in [0, 1].
            text_loss, text_unigram_entropy: of T5, the same of the targets that are text, given that text comes next.
                Sentinels and ends, which it learns in no time, are most of what heldout_loss gains at first.
        """
        return self._test(_test_batches(self.objective, self.data.held_out, ALL_STRETCHES, self.device))

    def save(self, directory: Path) -> list[Path]:
        """Write the model and its tokenizer as model.safetensors with a card."""
        return save_model(self.freeze(), directory, self.card())

    def card(self) -> dict[str, Any]:
        """What a checkpoint's card says."""
        data = self.data
        return {
            "method": self.method,
            "config": self.config.model_dump(),
            "data": {
                "source": data.text.source,
                "licence": data.text.licence,
                "tokens": len(data.train),
                "held_out_tokens": len(data.held_out),
            },
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
            "step": self.step,
            "seconds": round(self.seconds, 3),
            "loss": self.loss if math.isfinite(self.loss) else None,
            "metrics": self.evaluate(),
        }

    def _advance(self) -> tuple[Tensor, int]:
        """One step; returns the loss, still on the device, and how many tokens were read."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self.objective.rate * rate_at(self._share())
        stretches = draw_stretches(self.data.train, self.config.batch, self._length(), self._draws)
        batch = _to_device(self.objective.draw(stretches, self._draws), self.device)
        self.model.train()
        with mixed_precision(self.device):
            logits = self.objective.logits(self.model, batch)
            loss = F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten())
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
        self._optimizer.step()
        return loss.detach(), batch.tokens

    def _length(self) -> int:
        """Tokens of the next batch's stretches: all in half of the batches, else any number from the shortest up."""
        if self._draws.random() < WHOLE_SHARE:
            return self.objective.stretch
        return int(self._draws.integers(self.objective.shortest, self.objective.stretch + 1))

    def _check(self, losses: list[Tensor]) -> None:
        loss = float(torch.stack(losses).mean())
        finite = math.isfinite(loss) and all(bool(torch.isfinite(p).all()) for p in self.model.parameters())
        if not finite:
            raise TrainingDiverged(
                f"The loss became NaN before step {self.step:,}, so training stopped and the last good state is kept. "
                f"Lower the learning rate (now {self.config.learning_rate:g}) and train again."
            )
        self.loss = loss
        self._good = frozen_copy(self.model)

    def _test(self, batches: list[Batch]) -> dict[str, float]:
        begun = time.perf_counter()
        scores = measure(self._good, self.objective, batches, np.log(self.frequencies))
        self._cost = time.perf_counter() - begun
        return scores


class BERTTrainer(LanguageTrainer):
    """Learns to fill in what is masked."""

    method: ClassVar[str] = "bert"
    config: BERTConfig


class T5Trainer(LanguageTrainer):
    """Learns to write what is missing."""

    method: ClassVar[str] = "t5"
    config: T5Config


class GPTTrainer(LanguageTrainer):
    """Learns to guess the next token."""

    method: ClassVar[str] = "gpt"
    config: GPTConfig


TRAINERS: dict[str, type[LanguageTrainer]] = {t.method: t for t in (BERTTrainer, T5Trainer, GPTTrainer)}
"""By method."""

_loading = threading.Lock()


def load_tokens(corpus: str, vocabulary: int, lines: Sequence[str] | None = None) -> TokenText:
    """Return a run's text as tokens; of built-in texts it is made once and shared by all three models.

    Args:
        corpus: see `backends.language.text.load_text`.
        vocabulary: tokens, at most; a small text has fewer.
        lines: the visitor's own.

    Raises:
        TextError: the text does not allow a run.
    """
    if corpus == OWN_TEXT:
        return _tokenised(load_text(corpus, lines), vocabulary)
    with _loading:
        return _built_in(corpus, vocabulary)


@lru_cache(maxsize=KEPT_TEXTS)
def _built_in(corpus: str, vocabulary: int) -> TokenText:
    return _tokenised(load_text(corpus), vocabulary)


def _tokenised(text: LanguageText, vocabulary: int) -> TokenText:
    tokenizer = TextTokenizer.learn(text.train, vocabulary)
    return TokenText(text, tokenizer, tokenizer.encode_lines(text.train), tokenizer.encode_lines(text.held_out))


def draw_stretches(stream: np.ndarray, count: int, length: int, generator: np.random.Generator) -> np.ndarray:
    """Stretches of running text from anywhere: (count, length), or shorter where the whole text is."""
    length = min(length, len(stream))
    starts = generator.integers(0, len(stream) - length + 1, count)
    return np.asarray(stream[starts[:, None] + np.arange(length)])


def even_stretches(stream: np.ndarray, count: int, length: int) -> np.ndarray:
    """At most `count` stretches that do not overlap, spread evenly over the text: (n, length), or one shorter."""
    length = min(length, len(stream))
    whole = stream[: len(stream) // length * length].reshape(-1, length)
    chosen = np.unique(np.linspace(0, len(whole) - 1, min(count, len(whole))).round().astype(int))
    return whole[chosen]


@torch.no_grad()
def measure(
    model: LanguageModel, objective: Objective, batches: list[Batch], log_frequencies: np.ndarray
) -> dict[str, float]:
    """Score a model on batches; see `LanguageTrainer.evaluate` for what is returned."""
    unigram = torch.from_numpy(log_frequencies)
    text_unigram = unigram[FIRST_ORDINARY:].log_softmax(0)
    losses, guessed, right, text_losses, text_guessed = [], [], [], [], []
    for batch in batches:
        logits = objective.logits(model, batch).flatten(0, 1).float()
        targets = batch.targets.flatten()
        losses.append(F.cross_entropy(logits, targets, reduction="none").cpu())
        right.append((logits.argmax(1) == targets).cpu())
        guessed.append(-unigram[targets.cpu()])
        text = targets >= FIRST_ORDINARY
        of_text = logits[text, FIRST_ORDINARY:].log_softmax(1)  # given that it is text
        text_losses.append(-of_text.gather(1, targets[text, None] - FIRST_ORDINARY).flatten().cpu())
        text_guessed.append(-text_unigram[targets[text].cpu() - FIRST_ORDINARY])
    heldout = float(torch.cat(losses).double().mean())
    scores = {
        "heldout_loss": heldout,
        "perplexity": math.exp(min(heldout, 700.0)),
        "unigram_entropy": float(torch.cat(guessed).mean()),
        "heldout_accuracy": float(torch.cat(right).double().mean()),
    }
    if batches[0].written is not None:
        scores["text_loss"] = float(torch.cat(text_losses).double().mean())
        scores["text_unigram_entropy"] = float(torch.cat(text_guessed).mean())
    return scores


def _test_batches(objective: Objective, held_out: np.ndarray, count: int, device: str) -> list[Batch]:
    """Held-out text, broken in a way that is the same for every run."""
    generator = np.random.default_rng(TEST_SEED)
    stretches = even_stretches(held_out, count, objective.stretch)
    parts = (stretches[start : start + TEST_BATCH] for start in range(0, len(stretches), TEST_BATCH))
    return [_to_device(objective.draw(part, generator), device) for part in parts]


def _to_device(batch: Batch, device: str) -> Batch:
    if device == "cpu":
        return batch
    moved = [None if t is None else t.to(device) for t in (batch.inputs, batch.targets, batch.places, batch.written)]
    inputs, targets, places, written = moved
    assert inputs is not None
    assert targets is not None
    return Batch(inputs, targets, places, written)


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices are pulled to zero; norms, biases and embeddings are not."""
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (free if parameter.ndim < 2 or "embedding" in name else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def _notes(config: LanguageConfig, data: TokenText, objective: Objective) -> list[str]:
    notes = []
    if len(data.tokenizer) < config.vocabulary:
        notes.append(f"The text is so short that only {len(data.tokenizer):,} tokens could be learned from it.")
    if len(data.train) < objective.stretch:
        notes.append(f"The text has only {len(data.train):,} tokens to learn from; each step reads all of them.")
    epochs = config.steps * config.batch * objective.stretch / len(data.train)
    if config.corpus == OWN_TEXT and epochs > 20:
        notes.append(
            f"The whole run would read your text {epochs:,.0f} times: it will learn it by heart, and the loss on "
            "held-out text will rise again. A longer text helps."
        )
    return notes
