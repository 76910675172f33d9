"""The CPU kernel: word2vec with negative sampling in numba, lock-free and without the GIL.

One centre word and all its context words are one small matrix product: the negatives are shared by the
pairs of a window (Ji et al., 2016, "Parallelizing word2vec in shared and distributed memory"), so a row of
weights is loaded once for all of them. Threads update the same matrices without locks (Niu et al., 2011).

Roles as in the authors' code: a context word's *input* vector predicts the centre word's *output* vector.

Every chunk of `CHUNK_WORDS` running words has random numbers of its own and a learning rate that depends
on its number only (windows do not reach over its ends); so with one thread a run is the same to the last bit, however it is cut into slices.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from backends.word2vec.schedule import CHUNK_WORDS

BLOCK = 3
"""Output rows that share one pass over an input row; more would spill registers."""
LOSS_EVERY = 16
"""One centre word in so many is measured for the loss: logarithms cost more than the update."""
MAX_SCORE = np.float32(8.0)
"""Scores are clipped here, where the sigmoid is within 0.0004 of its end."""

_JIT = {"nogil": True, "fastmath": {"contract", "reassoc", "arcp", "nsz"}, "error_model": "numpy", "cache": True}


@njit(**_JIT)
def _next_random(state):
    """One step of xorshift64 (Marsaglia, 2003)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    return state ^ (state << np.uint64(17))


@njit(**_JIT)
def _chunk_seed(seed, chunk):
    """Mix the run's seed and a chunk's number into a non-zero state (splitmix64's finaliser)."""
    z = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(chunk + 1) * np.uint64(0xD1342543DE82EF95)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))) | np.uint64(1)


@njit(**_JIT)
def _scores(inputs, n_inputs, outputs, scores):
    """scores[j, k] = inputs[j] . outputs[k], `BLOCK` outputs at a time."""
    n_outputs, dim = outputs.shape
    for j in range(n_inputs):
        for k in range(0, n_outputs, BLOCK):
            s0 = np.float32(0)
            s1 = np.float32(0)
            s2 = np.float32(0)
            for d in range(dim):
                value = inputs[j, d]
                s0 += value * outputs[k, d]
                s1 += value * outputs[k + 1, d]
                s2 += value * outputs[k + 2, d]
            scores[j, k] = s0
            scores[j, k + 1] = s1
            scores[j, k + 2] = s2


@njit(**_JIT)
def _sigmoid(x, count):
    """In place: 1/(1+e^-x) with x clipped to +-MAX_SCORE.

    Through tanh(x/2) by its continued fraction cut at degree 7: error below 2e-5, no call, so it vectorises.
    A NaN stays a NaN.
    """
    for i in range(count):
        h = np.float32(0.5) * x[i]
        if x[i] > MAX_SCORE:
            h = np.float32(0.5) * MAX_SCORE
        if x[i] < -MAX_SCORE:
            h = np.float32(-0.5) * MAX_SCORE
        q = h * h
        above = h * (np.float32(135135) + q * (np.float32(17325) + q * (np.float32(378) + q)))
        below = np.float32(135135) + q * (np.float32(62370) + q * (np.float32(3150) + q * np.float32(28)))
        x[i] = np.float32(0.5) + np.float32(0.5) * (above / below)


@njit(**_JIT)
def _add_outputs(row, weights, outputs):
    """row += weights @ outputs, `BLOCK` outputs at a time."""
    n_outputs, dim = outputs.shape
    for k in range(0, n_outputs, BLOCK):
        w0 = weights[k]
        w1 = weights[k + 1]
        w2 = weights[k + 2]
        for d in range(dim):
            row[d] += w0 * outputs[k, d] + w1 * outputs[k + 1, d] + w2 * outputs[k + 2, d]


@njit(**_JIT)
def _add_inputs(row, weights, k, inputs, n_inputs):
    """row += weights[:, k] @ inputs, four inputs at a time."""
    dim = inputs.shape[1]
    j = 0
    while j + 4 <= n_inputs:
        w0 = weights[j, k]
        w1 = weights[j + 1, k]
        w2 = weights[j + 2, k]
        w3 = weights[j + 3, k]
        for d in range(dim):
            row[d] += w0 * inputs[j, d] + w1 * inputs[j + 1, d] + w2 * inputs[j + 2, d] + w3 * inputs[j + 3, d]
        j += 4
    while j < n_inputs:
        w0 = weights[j, k]
        for d in range(dim):
            row[d] += w0 * inputs[j, d]
        j += 1


@njit(**_JIT)
def train_window(contexts, n_contexts, targets, input_vectors, output_vectors, rate, cbow, scratch, measure):
    """Update on one window: every context (or their mean) should score targets[0] up and the others down.

    The gradient is that of sum_j [-log s(v_j.u_0) - sum_k log s(-v_j.u_k)], all terms taken at the weights
    before the update (Mikolov et al., 2013, equation 4). A negative that equals the centre word is left out.

    Args:
        contexts: (>= n_contexts,) int32 indices of the context words.
        n_contexts: how many there are, at least 1.
        targets: (1+K,) int32, the centre word and its negatives.
        input_vectors, output_vectors: (V, D) float32, updated in place.
        rate: learning rate.
        cbow: predict from the mean of the contexts instead of from each.
        scratch: `make_scratch(...)`.
        measure: whether to compute the loss.

    Returns:
        The loss of this window before the update, summed over its predictions; 0 when not measured.
    """
    outputs, inputs, scores = scratch
    dim = outputs.shape[1]
    n_targets = len(targets)
    padded = outputs.shape[0]
    for k in range(n_targets):
        for d in range(dim):
            outputs[k, d] = output_vectors[targets[k], d]
    if cbow:
        n_inputs = 1
        share = np.float32(1) / np.float32(n_contexts)
        for d in range(dim):
            inputs[0, d] = 0
        for j in range(n_contexts):
            for d in range(dim):
                inputs[0, d] += share * input_vectors[contexts[j], d]
    else:
        n_inputs = n_contexts
        share = np.float32(1)
        for j in range(n_contexts):
            for d in range(dim):
                inputs[j, d] = input_vectors[contexts[j], d]

    _scores(inputs, n_inputs, outputs, scores)
    _sigmoid(scores.reshape(-1), n_inputs * padded)

    loss = 0.0
    if measure:
        for j in range(n_inputs):
            loss -= np.log(scores[j, 0])
            for k in range(1, n_targets):
                if targets[k] != targets[0]:
                    loss -= np.log(np.float32(1) - scores[j, k])

    for j in range(n_inputs):
        scores[j, 0] = rate * (np.float32(1) - scores[j, 0])
        for k in range(1, padded):
            same = k < n_targets and targets[k] == targets[0]
            scores[j, k] = np.float32(0) if same or k >= n_targets else -rate * scores[j, k]

    if cbow:
        for k in range(padded):
            scores[1, k] = share * scores[0, k]
        for j in range(n_contexts):
            _add_outputs(input_vectors[contexts[j]], scores[1], outputs)
    else:
        for j in range(n_contexts):
            _add_outputs(input_vectors[contexts[j]], scores[j], outputs)
    for k in range(n_targets):
        _add_inputs(output_vectors[targets[k]], scores, k, inputs, n_inputs)
    return loss


@njit(**_JIT)
def make_scratch(window, negatives, dim):
    """Working memory of `train_window`: (T, D) outputs, (2W, D) inputs, (2W, T) scores; T padded to `BLOCK`."""
    padded = (negatives + BLOCK) // BLOCK * BLOCK
    return (
        np.zeros((padded, dim), np.float32),
        np.zeros((2 * window, dim), np.float32),
        np.zeros((2 * window, padded), np.float32),
    )


@njit(**_JIT)
def train_chunks(
    ids,
    line_of,
    keep_threshold,
    noise_threshold,
    noise_alias,
    input_vectors,
    output_vectors,
    window,
    negatives,
    cbow,
    seed,
    chunks,
    rate_at_zero,
    rate_slope,
    min_rate,
):
    """Train on chunks first, first+stride, ... < last of the text (counted on through the epochs).

    Args:
        ids, line_of: (N,) int32, the running words and their lines (`Corpus`).
        keep_threshold: (V,) uint32, subsampling.
        noise_threshold, noise_alias: (V,) uint32 and int32, the negatives' alias table.
        input_vectors, output_vectors: (V, D) float32, updated in place.
        window, negatives, cbow, seed: from the config.
        chunks: (first, last, stride).
        rate_at_zero, rate_slope, min_rate: chunk g trains at max(min_rate, rate_at_zero + rate_slope * g).

    Returns:
        (sum of measured losses, number of measured predictions).
    """
    n_words = len(ids)
    vocabulary = np.uint64(len(keep_threshold))
    per_epoch = (n_words + CHUNK_WORDS - 1) // CHUNK_WORDS
    kept = np.empty(CHUNK_WORDS, np.int32)
    kept_line = np.empty(CHUNK_WORDS, np.int32)
    targets = np.empty(1 + negatives, np.int32)
    contexts = np.empty(2 * window, np.int32)
    scratch = make_scratch(window, negatives, input_vectors.shape[1])
    loss = 0.0
    predictions = 0
    first, last, stride = chunks
    for chunk in range(first, last, stride):
        rate = np.float32(max(min_rate, rate_at_zero + rate_slope * chunk))
        state = _chunk_seed(seed, chunk)
        start = (chunk % per_epoch) * CHUNK_WORDS
        n_kept = 0
        for i in range(start, min(start + CHUNK_WORDS, n_words)):
            state = _next_random(state)
            if np.uint32(state >> np.uint64(32)) <= keep_threshold[ids[i]]:
                kept[n_kept] = ids[i]
                kept_line[n_kept] = line_of[i]
                n_kept += 1
        for i in range(n_kept):
            state = _next_random(state)
            reach = window - np.int64((state >> np.uint64(33)) % np.uint64(window))
            n_contexts = 0
            for j in range(max(0, i - reach), min(n_kept, i + reach + 1)):
                if j != i and kept_line[j] == kept_line[i]:
                    contexts[n_contexts] = kept[j]
                    n_contexts += 1
            if n_contexts == 0:
                continue
            targets[0] = kept[i]
            for k in range(1, 1 + negatives):
                state = _next_random(state)
                drawn = np.int64(((state >> np.uint64(32)) * vocabulary) >> np.uint64(32))
                if np.uint32(state) > noise_threshold[drawn]:
                    drawn = np.int64(noise_alias[drawn])
                targets[k] = drawn
            measure = i % LOSS_EVERY == 0
            loss += train_window(
                contexts, n_contexts, targets, input_vectors, output_vectors, rate, cbow, scratch, measure
            )
            if measure:
                predictions += 1 if cbow else n_contexts
    return loss, predictions
