"""The same objective in torch: for GPUs, and for the full softmax, which the CPU kernel does not offer."""

from __future__ import annotations

import numpy as np
import torch

from backends.data.text import Corpus
from backends.word2vec import sampling
from backends.word2vec.config import Word2VecConfig
from backends.word2vec.schedule import CHUNK_WORDS, SOFTMAX_CHUNK_WORDS, RateLine

CENTRES_PER_BATCH = {"cpu": 256, "mps": 1024, "cuda": 4096}
MAX_UPDATES_PER_ROW = 16.0
"""Updates of one row in one batch beyond this many are averaged down to it: summed, they diverge."""
MAX_SCORE = 8.0
"""Scores are clipped here before the sigmoid, as in the CPU kernel."""
MAX_SOFTMAX_SCORES = {"cpu": 1 << 21, "mps": 1 << 24, "cuda": 1 << 26}
"""Scores held at once by the full softmax; larger batches are cut. On a CPU they should stay in its cache."""


class TorchUpdates:
    """Input and output vectors on a torch device, and what changes them."""

    def __init__(self, config: Word2VecConfig, corpus: Corpus, device: str) -> None:
        """Start from the same numbers as `CpuUpdates`."""
        self.config, self.corpus, self.device = config, corpus, torch.device(device)
        self.chunk_words = SOFTMAX_CHUNK_WORDS if config.objective == "softmax" else CHUNK_WORDS
        shape = (len(corpus.words), config.dim)
        start = (np.random.default_rng(config.seed).random(shape, np.float32) - 0.5) / config.dim
        self.input_vectors = torch.from_numpy(start.astype(np.float32)).to(self.device)
        self.output_vectors = torch.zeros(shape, device=self.device)
        threshold, alias = sampling.alias_table(sampling.noise_distribution(corpus.counts))
        keep = sampling.keep_probability(corpus.counts, config.subsample)
        self._keep = torch.from_numpy(keep.astype(np.float32)).to(self.device)
        self._noise_threshold = torch.from_numpy(threshold.astype(np.float32)).to(self.device)
        self._noise_alias = torch.from_numpy(alias).to(self.device, torch.long)
        self._ids = torch.from_numpy(corpus.ids).to(self.device)
        self._line_of = torch.from_numpy(corpus.line_of).to(self.device)
        self._generator = torch.Generator(device=self.device)
        self._batch = CENTRES_PER_BATCH.get(self.device.type, 256)
        if config.objective == "softmax":
            self._batch = max(
                1, min(self._batch, MAX_SOFTMAX_SCORES[self.device.type] // (2 * config.window * len(corpus.words)))
            )

    def advance(self, first: int, last: int, rates: RateLine) -> tuple[float, int]:
        """Train on the chunks first..last-1; return the summed loss and over how many predictions."""
        loss = torch.zeros((), device=self.device)
        predictions = torch.zeros((), device=self.device, dtype=torch.long)
        per_epoch = -(-len(self._ids) // self.chunk_words)
        for chunk in range(first, last):
            self._generator.manual_seed(self.config.seed * 1_000_003 + chunk)
            start = (chunk % per_epoch) * self.chunk_words
            for centres, contexts, valid in self._windows(start):
                batch_loss, count = self._update(centres, contexts, valid, rates.at(chunk))
                loss += batch_loss
                predictions += count
        return float(loss), int(predictions)

    def copy_vectors(self) -> np.ndarray:
        """(V, D) float32 copy of the input vectors, on the CPU."""
        return np.array(self.input_vectors.cpu().numpy(), copy=True)

    def copy_output_vectors(self) -> np.ndarray:
        """(V, D) float32 copy of the output vectors, on the CPU."""
        return np.array(self.output_vectors.cpu().numpy(), copy=True)

    def _windows(self, start: int):
        """Yield (centres (B,), contexts (B, 2W), valid (B, 2W)) batches of one chunk, subsampled."""
        ids = self._ids[start : start + self.chunk_words].long()
        lines = self._line_of[start : start + self.chunk_words]
        kept = self._random(len(ids)) < self._keep[ids]
        ids, lines = ids[kept], lines[kept]
        window = self.config.window
        offsets = torch.arange(-window, window + 1, device=self.device)
        offsets = offsets[offsets != 0]
        reach = 1 + (self._random(len(ids)) * window).long().clamp_(max=window - 1)
        for begin in range(0, len(ids), self._batch):
            place = torch.arange(begin, min(begin + self._batch, len(ids)), device=self.device)
            around = place[:, None] + offsets
            inside = (around >= 0) & (around < len(ids)) & (offsets.abs() <= reach[place, None])
            around = around.clamp(0, len(ids) - 1)
            yield ids[place], ids[around], inside & (lines[around] == lines[place, None])

    def _update(
        self, centres: torch.Tensor, contexts: torch.Tensor, valid: torch.Tensor, rate: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        has_context = valid.any(dim=1)
        centres, contexts, valid = centres[has_context], contexts[has_context], valid[has_context]
        weight = valid.float()
        hidden = self.input_vectors[contexts] * weight[..., None]  # (B, C, D)
        active = weight
        if self.config.architecture == "cbow":
            hidden = hidden.sum(dim=1, keepdim=True) / weight.sum(dim=1)[:, None, None]
            active = weight.new_ones(len(weight), 1)
        if self.config.objective == "softmax":
            loss, grad_hidden, grad_out, hits = self._softmax_gradients(hidden, active, centres)
            self.output_vectors -= rate * _averaged(grad_out, hits)
        else:
            targets = torch.cat([centres[:, None], self._negatives(len(centres))], dim=1)
            out = self.output_vectors[targets]  # (B, T, D)
            loss, grad_hidden, grad_out = negative_sampling_gradients(hidden, active, targets, out)
            _scatter_step(self.output_vectors, targets, grad_out, torch.ones_like(targets).float(), rate)
        # CBOW: every context takes the whole error, as in the authors' code.
        grad_contexts = grad_hidden.expand(-1, contexts.shape[1], -1) * weight[..., None]
        _scatter_step(self.input_vectors, contexts, grad_contexts, weight, rate)
        return loss, active.sum().long()

    def _softmax_gradients(
        self, hidden: torch.Tensor, active: torch.Tensor, centres: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Call `softmax_gradients` on the predictions that count, padding left out."""
        row, column = active.nonzero(as_tuple=True)
        loss, grad, grad_out, hits = softmax_gradients(hidden[row, column], centres[row], self.output_vectors)
        grad_hidden = torch.zeros_like(hidden)
        grad_hidden[row, column] = grad
        return loss, grad_hidden, grad_out, hits

    def _negatives(self, rows: int) -> torch.Tensor:
        shape = (rows, self.config.negatives)
        drawn = torch.randint(len(self._keep), shape, device=self.device, generator=self._generator)
        keep = torch.rand(shape, device=self.device, generator=self._generator) < self._noise_threshold[drawn]
        return torch.where(keep, drawn, self._noise_alias[drawn])

    def _random(self, count: int) -> torch.Tensor:
        return torch.rand(count, device=self.device, generator=self._generator)


def negative_sampling_gradients(
    hidden: torch.Tensor, active: torch.Tensor, targets: torch.Tensor, out: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradients of sum [-log s(h.u_0) - sum_k log s(-h.u_k)] (Mikolov et al., 2013, equation 4).

    Args:
        hidden: (B, C, D) predicting vectors.
        active: (B, C) 1 where a prediction counts, 0 where it is padding.
        targets: (B, T) indices; column 0 is the true word. A negative equal to it is left out.
        out: (B, T, D) output vectors of the targets.

    Returns:
        The summed loss, its gradient by `hidden` (B, C, D) and by `out` (B, T, D).
    """
    scores = (hidden @ out.transpose(1, 2)).clamp(-MAX_SCORE, MAX_SCORE)  # (B, C, T)
    positive = torch.zeros_like(scores)
    positive[..., 0] = 1
    counted = (targets != targets[:, :1]).float()
    counted[:, 0] = 1
    counted = counted[:, None, :] * active[..., None]
    error = (scores.sigmoid() - positive) * counted
    signs = 2 * positive - 1
    loss = -(torch.nn.functional.logsigmoid(signs * scores) * counted).sum()
    return loss, error @ out, error.transpose(1, 2) @ hidden


def softmax_gradients(
    hidden: torch.Tensor, true: torch.Tensor, output_vectors: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradients of sum -log softmax(h.U)_true over the whole vocabulary.

    Args:
        hidden: (P, D) predicting vectors; true: (P,) the words to predict; output_vectors: (V, D).

    Returns:
        The summed loss, its gradient by `hidden` (P, D) and by `output_vectors` (V, D), and (V,) how many
        predictions' worth of update each output row receives.
    """
    error = torch.softmax(hidden @ output_vectors.T, dim=1)  # (P, V) probabilities
    of_true = error.gather(1, true[:, None])
    loss = -of_true.clamp(min=1e-30).log().sum()
    hits = error.sum(dim=0).index_add_(0, true, torch.ones_like(hidden[:, 0]))
    error.scatter_(1, true[:, None], of_true - 1)
    return loss, error @ output_vectors, error.T @ hidden, hits


def _averaged(gradient: torch.Tensor, hits: torch.Tensor) -> torch.Tensor:
    return gradient * (MAX_UPDATES_PER_ROW / hits.clamp(min=MAX_UPDATES_PER_ROW))[:, None]


def _scatter_step(
    table: torch.Tensor, index: torch.Tensor, gradients: torch.Tensor, weight: torch.Tensor, rate: float
) -> None:
    """table[index] -= rate * gradients, rows that are hit more than `MAX_UPDATES_PER_ROW` times averaged down."""
    flat = index.reshape(-1)
    hits = torch.zeros(len(table), device=table.device).index_add_(0, flat, weight.reshape(-1))
    scale = MAX_UPDATES_PER_ROW / hits.clamp(min=MAX_UPDATES_PER_ROW)
    table.index_add_(0, flat, gradients.reshape(-1, table.shape[1]) * (-rate * scale[flat])[:, None])
