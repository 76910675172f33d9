"""Runs the numba kernel in threads of our own over a range of chunks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from backends.data.text import Corpus
from backends.engine.device import available_cores
from backends.word2vec import kernel, sampling
from backends.word2vec.config import Word2VecConfig
from backends.word2vec.schedule import CHUNK_WORDS, RateLine


class CpuUpdates:
    """Input and output vectors on the CPU, and what changes them."""

    chunk_words = CHUNK_WORDS

    def __init__(self, config: Word2VecConfig, corpus: Corpus) -> None:
        """Draw the input vectors uniformly in +-1/(2D) from the seed; the output vectors start at zero."""
        self.config = config
        self.corpus = corpus
        self.threads = min(config.threads, available_cores())
        generator = np.random.default_rng(config.seed)
        shape = (len(corpus.words), config.dim)
        self.input_vectors = ((generator.random(shape, np.float32) - 0.5) / config.dim).astype(np.float32)
        self.output_vectors = np.zeros(shape, np.float32)
        keep = sampling.keep_probability(corpus.counts, config.subsample)
        threshold, alias = sampling.alias_table(sampling.noise_distribution(corpus.counts))
        self._keep_threshold = sampling.as_uint32_threshold(keep)
        self._noise_threshold = sampling.as_uint32_threshold(threshold)
        self._noise_alias = alias
        self._pool = ThreadPoolExecutor(max(1, self.threads - 1), "word2vec")
        self._run(np.zeros(1, np.int64), 0, RateLine(0.0, 0.0, 0.0))  # compiles the kernel, so that no clock counts it

    def advance(self, first: int, last: int, rates: RateLine) -> tuple[float, int]:
        """Train on the chunks first..last-1; return the measured loss and over how many predictions."""
        next_chunk = np.array([first], np.int64)
        parts = [self._pool.submit(self._run, next_chunk, last, rates) for _ in range(self.threads - 1)]
        results = [self._run(next_chunk, last, rates), *[part.result() for part in parts]]
        return sum(loss for loss, _ in results), sum(count for _, count in results)

    def copy_vectors(self) -> np.ndarray:
        """(V, D) float32 copy of the input vectors."""
        return self.input_vectors.copy()

    def copy_output_vectors(self) -> np.ndarray:
        """(V, D) float32 copy of the output vectors."""
        return self.output_vectors.copy()

    def _run(self, next_chunk: np.ndarray, last: int, rates: RateLine) -> tuple[float, int]:
        loss, predictions = kernel.train_chunks(
            self.corpus.ids,
            self.corpus.line_of,
            self._keep_threshold,
            self._noise_threshold,
            self._noise_alias,
            self.input_vectors,
            self.output_vectors,
            self.config.window,
            self.config.negatives,
            self.config.architecture == "cbow",
            np.uint64(self.config.seed),
            next_chunk,
            last,
            rates.at_zero,
            rates.slope,
            rates.minimum,
        )
        return float(loss), int(predictions)
