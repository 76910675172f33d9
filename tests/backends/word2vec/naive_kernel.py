"""The algorithm of `backends.word2vec.kernel` again, in plain loops and 64-bit floats: slow, and easy to check."""

from __future__ import annotations

import math

import numpy as np

from backends.word2vec.kernel import LOSS_EVERY
from backends.word2vec.schedule import CHUNK_WORDS, RateLine

MASK = 2**64 - 1
CLIP = 8.0


def xorshift(state: int) -> int:
    state ^= (state << 13) & MASK
    state ^= state >> 7
    return state ^ ((state << 17) & MASK)


def chunk_seed(seed: int, chunk: int) -> int:
    z = (seed * 0x9E3779B97F4A7C15 + (chunk + 1) * 0xD1342543DE82EF95) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return (z ^ (z >> 31)) | 1


def sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-max(-CLIP, min(CLIP, score))))


def train(
    ids: list[int],
    line_of: list[int],
    keep_threshold: list[int],
    noise: tuple[list[int], list[int]],
    input_vectors: np.ndarray,
    output_vectors: np.ndarray,
    *,
    window: int,
    negatives: int,
    cbow: bool,
    seed: int,
    chunks: range,
    rates: RateLine,
) -> tuple[float, int]:
    """Change both float64 tables in place; return the measured loss and over how many predictions."""
    loss, predictions = 0.0, 0
    per_epoch = math.ceil(len(ids) / CHUNK_WORDS)
    for chunk in chunks:
        state = chunk_seed(seed, chunk)
        start = (chunk % per_epoch) * CHUNK_WORDS
        kept = []
        for i in range(start, min(start + CHUNK_WORDS, len(ids))):
            state = xorshift(state)
            if state >> 32 <= keep_threshold[ids[i]]:
                kept.append((ids[i], line_of[i]))
        for i, (centre, line) in enumerate(kept):
            state = xorshift(state)
            reach = window - (state >> 33) % window
            near = [j for j in range(i - reach, i + reach + 1) if 0 <= j < len(kept) and j != i]
            contexts = [kept[j][0] for j in near if kept[j][1] == line]
            if not contexts:
                continue
            targets = [centre]
            for _ in range(negatives):
                state = xorshift(state)
                drawn = ((state >> 32) * len(keep_threshold)) >> 32
                targets.append(drawn if state & 0xFFFFFFFF <= noise[0][drawn] else noise[1][drawn])
            window_loss = _learn(contexts, targets, input_vectors, output_vectors, cbow, rates.at(chunk))
            if i % LOSS_EVERY == 0:
                loss += window_loss
                predictions += 1 if cbow else len(contexts)
    return loss, predictions


def _learn(
    contexts: list[int], targets: list[int], inputs: np.ndarray, outputs: np.ndarray, cbow: bool, rate: float
) -> float:
    """One step on one window, every gradient taken at the weights before it."""
    groups = [contexts] if cbow else [[context] for context in contexts]
    input_steps, output_steps, loss = [], [], 0.0
    for group in groups:
        hidden = sum(inputs[context] for context in group) / len(group)
        error = np.zeros_like(hidden)
        for k, target in enumerate(targets):
            if k > 0 and target == targets[0]:
                continue
            probability = sigmoid(float(hidden @ outputs[target]))
            loss -= math.log(probability if k == 0 else 1 - probability)
            step = rate * ((k == 0) - probability)
            error += step * outputs[target]
            output_steps.append((target, step * hidden))
        input_steps += [(context, error) for context in group]
    for context, step in input_steps:
        inputs[context] += step
    for target, step in output_steps:
        outputs[target] += step
    return loss
