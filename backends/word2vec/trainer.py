"""The word2vec trainer: schedule, slices, frozen copies; the arithmetic is in `cpu_updates` and `torch_updates`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from backends.analysis import analogies
from backends.analysis.word_vectors import WordVectors
from backends.data.corpora import BUILT_IN, load_corpus
from backends.data.text import Corpus, TextError, TokenisedText, build_corpus
from backends.engine.checkpoints import save_checkpoint
from backends.engine.trainer import SLICE_SECONDS, Snapshot, Trainer, TrainingDiverged, TrainingError
from backends.word2vec import schedule
from backends.word2vec.config import MAX_SOFTMAX_WORDS, Word2VecConfig

FIRST_SLICE_CHUNKS = 2
PACE_MEMORY = 0.7
"""Weight of the past in the running estimate of the pace, per slice."""


class Updates(Protocol):
    """What changes the vectors: the numba kernel or torch; works in chunks of `chunk_words` running words."""

    chunk_words: int

    def advance(self, first: int, last: int, rates: schedule.RateLine) -> tuple[float, int]:
        """Train on chunks first..last-1; return the measured loss and over how many predictions."""

    def copy_vectors(self) -> np.ndarray:
        """(V, D) float32 copy of the input vectors."""

    def copy_output_vectors(self) -> np.ndarray:
        """(V, D) float32 copy of the output vectors."""


class Word2VecTrainer(Trainer):
    """Learns word vectors from running text; `step` counts words read."""

    method = "word2vec"
    step_unit = "words"

    def __init__(
        self,
        config: Word2VecConfig,
        *,
        text: TokenisedText | None = None,
        device: str = "cpu",
        seconds: float | None = None,
    ) -> None:
        """Prepare a run; loads the text, cuts it to its vocabulary, and compiles what needs compiling.

        Args:
            config: the settings.
            text: the visitor's own text; needed when config.corpus is "own", ignored otherwise.
            device: "cpu", "cuda" or "mps".
            seconds: a time budget; the learning rate is fitted to it, and config.epochs is not used.

        Raises:
            TrainingError: the text or the settings do not allow a run.
        """
        self.config: Word2VecConfig = config
        self.device = device
        self.budget = seconds
        try:
            self.corpus = build_corpus(_text_for(config, text), config.min_count)
        except TextError as error:
            raise TrainingError(str(error)) from None
        _check_objective(config, self.corpus)
        self.notes = _notes(config, self.corpus)
        self._index = {word: i for i, word in enumerate(self.corpus.words)}
        self._updates = _make_updates(config, self.corpus, device)
        self._good = self._updates.copy_vectors()
        self.words_read = 0
        self.seconds = 0.0
        self.loss = float("nan")

    @property
    def chunks_per_epoch(self) -> int:
        """Chunks that the text is cut into."""
        return -(-len(self.corpus) // self._updates.chunk_words)

    def steps(self) -> Iterator[Snapshot]:
        """Train to the end of the epochs or the budget; see `Trainer.steps`."""
        chunk = 0
        last_chunk = self.chunks_per_epoch * self.config.epochs
        chunk_words = self._updates.chunk_words
        pace = 0.0
        while True:
            slice_chunks = max(1, round(pace * SLICE_SECONDS / chunk_words)) if pace else FIRST_SLICE_CHUNKS
            if self.budget is None:
                rates = schedule.over_chunks(self.config.learning_rate, last_chunk)
                until = min(chunk + slice_chunks, last_chunk)
            else:
                time_left = max(0.0, self.budget - self.seconds)
                chunks_left = time_left * (pace / chunk_words if pace else FIRST_SLICE_CHUNKS / SLICE_SECONDS)
                spent = min(1.0, self.seconds / self.budget)
                rates = schedule.over_seconds(self.config.learning_rate, chunk, spent, chunks_left)
                until = chunk + max(1, min(slice_chunks, int(chunks_left) or 1))
            begun = time.perf_counter()
            loss, predictions = self._updates.advance(chunk, until, rates)
            self._keep_if_finite(loss, until)
            seconds = time.perf_counter() - begun
            self.seconds += seconds
            words = self._words_before(until) - self._words_before(chunk)
            self.words_read += words
            now = words / max(seconds, 1e-9)
            pace = now if pace == 0 else PACE_MEMORY * pace + (1 - PACE_MEMORY) * now
            if predictions:
                self.loss = loss / predictions
            chunk = until
            done = chunk >= last_chunk if self.budget is None else self.seconds >= self.budget
            yield self._snapshot(pace, last_chunk, done)
            if done:
                return

    def freeze(self) -> WordVectors:
        """Return the vectors as they were after the last good slice."""
        return WordVectors(self.corpus.words, self.corpus.counts, self._good, self._index)

    def evaluate(self) -> dict[str, float]:
        """Score the analogy test set and the lecture's questions."""
        vectors = self.freeze()
        total = analogies.total(analogies.score_test_set(vectors))
        asked = analogies.ask(vectors)
        return {
            "analogy_accuracy": total.accuracy,
            "analogy_questions_covered": total.covered,
            "lecture_analogies_correct": sum(result.correct for result in asked),
            "lecture_analogies_asked": len(asked),
            "vocabulary": len(vectors),
        }

    def save(self, directory: Path) -> list[Path]:
        """Write vectors.txt (word2vec text format) and model.safetensors with its card."""
        vectors = self.freeze()
        text = vectors.save_text(directory / "vectors.txt")
        card = {
            "method": self.method,
            "config": self.config.model_dump(),
            "corpus": BUILT_IN[self.config.corpus].source if self.config.corpus in BUILT_IN else "own text",
            "words_read": self.words_read,
            "seconds": round(self.seconds, 3),
            "loss": self.loss if np.isfinite(self.loss) else None,
            "metrics": self.evaluate(),
            "words": vectors.words,
            "counts": [int(count) for count in vectors.counts],
        }
        tensors = {"input_vectors": vectors.vectors, "output_vectors": self._updates.copy_output_vectors()}
        return [text, *save_checkpoint(directory / "model.safetensors", tensors, card)]

    def _keep_if_finite(self, loss: float, until: int) -> None:
        vectors = self._updates.copy_vectors()
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(loss) and np.isfinite(vectors.sum())
        if not finite:
            raise TrainingDiverged(
                f"The loss became NaN within the first {self._words_before(until):,} words, so training stopped and "
                f"the last good vectors are kept. Lower the learning rate (now {self.config.learning_rate:g}) and "
                "train again."
            )
        self._good = vectors

    def _words_before(self, chunk: int) -> int:
        epochs, within = divmod(chunk, self.chunks_per_epoch)
        return epochs * len(self.corpus) + min(within * self._updates.chunk_words, len(self.corpus))

    def _snapshot(self, pace: float, last_chunk: int, done: bool) -> Snapshot:
        if self.budget is None:
            total = self._words_before(last_chunk)
        else:
            total = max(self.words_read, int(self.words_read * self.budget / max(self.seconds, 1e-9)))
        metrics = {
            "loss": self.loss,
            "words_per_second": self.words_read / max(self.seconds, 1e-9) if done else pace,
            "epoch": self.words_read / len(self.corpus),
        }
        return Snapshot(self.words_read, self.words_read if done else total, self.seconds, metrics, done=done)


def _text_for(config: Word2VecConfig, text: TokenisedText | None) -> TokenisedText:
    if config.corpus != "own":
        return load_corpus(config.corpus)
    if text is None:
        raise TextError("No text of your own is here yet: choose a .txt file, or pick a built-in corpus.")
    return text


def _check_objective(config: Word2VecConfig, corpus: Corpus) -> None:
    words = len(corpus.words)
    if config.objective != "softmax" or words <= MAX_SOFTMAX_WORDS:
        return
    needed = int(corpus.counts[MAX_SOFTMAX_WORDS]) + 1
    raise TrainingError(
        f"The full softmax would score all {words:,} words for every pair; it is offered up to {MAX_SOFTMAX_WORDS:,}. "
        f"Choose negative sampling, or raise the minimum count to {needed}."
    )


def _notes(config: Word2VecConfig, corpus: Corpus) -> list[str]:
    """Say what the settings mean for this text where it isn't obvious."""
    longest = int(np.bincount(corpus.line_of).max())
    if config.window < longest:
        return []
    return [
        f"The longest line has {longest} known words, so a window of {config.window} already reaches all of them; "
        f"it acts like {longest - 1}."
    ]


def _make_updates(config: Word2VecConfig, corpus: Corpus, device: str) -> Updates:
    if device == "cpu" and config.objective == "negative-sampling":
        from backends.word2vec.cpu_updates import CpuUpdates

        return CpuUpdates(config, corpus)
    from backends.word2vec.torch_updates import TorchUpdates

    return TorchUpdates(config, corpus, device)
