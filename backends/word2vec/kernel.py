"""The CPU kernel: word2vec with negative sampling in numba, lock-free and without the GIL.

One centre word and all its context words are one small matrix product: the negatives are shared by the
pairs of a window (Ji et al., 2016, "Parallelizing word2vec in shared and distributed memory"), so a row of
weights is loaded once for all of them. Threads update the same matrices without locks (Niu et al., 2011).

Roles as in the authors' code: a context word's *input* vector predicts the centre word's *output* vector.

Every chunk of `CHUNK_WORDS` running words has random numbers of its own and a learning rate that depends
on its number only (windows do not reach over its ends); so with one thread a run is the same to the last
bit, however it is cut into slices.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from backends.word2vec.schedule import CHUNK_WORDS

BLOCK = 3
"""Output rows that share one pass over an input row; more would spill registers."""
LOSS_EVERY = 16
"""One centre word in so many is measured for the loss: logarithms cost more than the update."""
MAX_SCORE = np.float32(8.0)
"""Scores are clipped here, where the sigmoid is within 0.0004 of its end."""

_JIT = {"nogil": True, "fastmath": True, "error_model": "numpy", "cache": True}


@intrinsic
def _take_ticket(typing_context, counter):
    """counter[0] += 1 in one indivisible step; returns the value before. Threads share out the chunks by it."""

    def codegen(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        one = context.get_constant(types.int64, 1)
        return builder.atomic_rmw("add", array.data, one, "monotonic")

    return types.int64(counter), codegen


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
    """In place on x[:count]: 1/(1+e^-x) with x clipped to +-MAX_SCORE.

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
def _step_inputs(input_vectors, contexts, n_contexts, weights, outputs):
    """input_vectors[contexts[j]] += weights[j] @ outputs for every j, `BLOCK` outputs at a time."""
    n_outputs, dim = outputs.shape
    for j in range(n_contexts):
        row = contexts[j]
        for k in range(0, n_outputs, BLOCK):
            w0 = weights[j, k]
            w1 = weights[j, k + 1]
            w2 = weights[j, k + 2]
            for d in range(dim):
                input_vectors[row, d] += w0 * outputs[k, d] + w1 * outputs[k + 1, d] + w2 * outputs[k + 2, d]


@njit(**_JIT)
def _add_error_to_all(input_vectors, contexts, n_contexts, weights, outputs, error):
    """input_vectors[contexts[j]] += weights[0] @ outputs for every j; `error` is working memory of (D,)."""
    n_outputs, dim = outputs.shape
    error[:] = 0
    for k in range(n_outputs):
        weight = weights[0, k]
        for d in range(dim):
            error[d] += weight * outputs[k, d]
    for j in range(n_contexts):
        row = contexts[j]
        for d in range(dim):
            input_vectors[row, d] += error[d]


@njit(**_JIT)
def _step_outputs(output_vectors, targets, weights, inputs, n_inputs):
    """output_vectors[targets[k]] += weights[:, k] @ inputs for every k, four inputs at a time."""
    dim = inputs.shape[1]
    for k in range(len(targets)):
        row = targets[k]
        j = 0
        while j + 4 <= n_inputs:
            w0 = weights[j, k]
            w1 = weights[j + 1, k]
            w2 = weights[j + 2, k]
            w3 = weights[j + 3, k]
            for d in range(dim):
                output_vectors[row, d] += (
                    w0 * inputs[j, d] + w1 * inputs[j + 1, d] + w2 * inputs[j + 2, d] + w3 * inputs[j + 3, d]
                )
            j += 4
        while j < n_inputs:
            w0 = weights[j, k]
            for d in range(dim):
                output_vectors[row, d] += w0 * inputs[j, d]
            j += 1


@njit(**_JIT)
def _load_rows(table, rows, count, into):
    """into[:count] = table[rows[:count]]."""
    for j in range(count):
        row = rows[j]
        for d in range(into.shape[1]):
            into[j, d] = table[row, d]


@njit(**_JIT)
def _average_rows(rows, count):
    """rows[0] = mean of rows[:count]."""
    share = np.float32(1) / np.float32(count)
    for d in range(rows.shape[1]):
        total = rows[0, d]
        for j in range(1, count):
            total += rows[j, d]
        rows[0, d] = share * total


@njit(**_JIT)
def _window_loss(probabilities, n_inputs, targets):
    """Sum of -log s(v.u_0) - sum_k log(1 - s(v.u_k)) over the predictions of one window."""
    loss = 0.0
    for j in range(n_inputs):
        loss -= np.log(probabilities[j, 0])
        for k in range(1, len(targets)):
            if targets[k] != targets[0]:
                loss -= np.log(np.float32(1) - probabilities[j, k])
    return loss


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
    next_chunk,
    last_chunk,
    rate_at_zero,
    rate_slope,
    min_rate,
):
    """Train on the chunks next_chunk[0] .. last_chunk-1 of the text (counted on through the epochs).

    Threads that are given the same counter share the chunks out among themselves.

    For each kept word w with contexts c_1..c_m inside a window drawn from 1..window, and K negatives n_k, one
    step on sum_j [-log s(v_cj.u_w) - sum_k log s(-v_cj.u_nk)] (Mikolov et al., 2013, equation 4), every term
    taken at the weights before the step. A negative that equals the centre word is left out. CBOW predicts
    from the mean of the v_cj; as in the authors' code each context then takes the whole error, not its m-th
    part. All in one function: a call per window would cost a third of the speed.

    Args:
        ids, line_of: (N,) int32, the running words and their lines (`Corpus`).
        keep_threshold: (V,) uint32, subsampling.
        noise_threshold, noise_alias: (V,) uint32 and int32, the negatives' alias table.
        input_vectors, output_vectors: (V, D) float32, updated in place.
        window, negatives, cbow, seed: from the config.
        next_chunk: (1,) int64, the counter; counted up in place.
        last_chunk: where to stop.
        rate_at_zero, rate_slope, min_rate: chunk g trains at max(min_rate, rate_at_zero + rate_slope * g).

    Returns:
        (sum of measured losses, number of measured predictions).
    """
    n_words = len(ids)
    dim = input_vectors.shape[1]
    vocabulary = np.uint64(len(keep_threshold))
    per_epoch = (n_words + CHUNK_WORDS - 1) // CHUNK_WORDS
    padded = (negatives + BLOCK) // BLOCK * BLOCK
    kept = np.empty(CHUNK_WORDS, np.int32)
    kept_line = np.empty(CHUNK_WORDS, np.int32)
    targets = np.empty(1 + negatives, np.int32)
    contexts = np.empty(2 * window, np.int32)
    outputs = np.zeros((padded, dim), np.float32)
    inputs = np.zeros((2 * window, dim), np.float32)
    steps = np.zeros((2 * window, padded), np.float32)
    flat_steps = steps.reshape(-1)
    error = np.empty(dim, np.float32)
    loss = 0.0
    predictions = 0
    while True:
        chunk = _take_ticket(next_chunk)
        if chunk >= last_chunk:
            break
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

            _load_rows(output_vectors, targets, 1 + negatives, outputs)
            _load_rows(input_vectors, contexts, n_contexts, inputs)
            n_inputs = n_contexts
            if cbow:
                _average_rows(inputs, n_contexts)
                n_inputs = 1
            _scores(inputs, n_inputs, outputs, steps)
            _sigmoid(flat_steps, n_inputs * padded)
            if i % LOSS_EVERY == 0:
                loss += _window_loss(steps, n_inputs, targets)
                predictions += n_inputs
            # Probabilities become steps, rate * (label - p). Padded columns meet zero rows, so they need no care.
            for k in range(n_inputs * padded):
                flat_steps[k] *= -rate
            for j in range(n_inputs):
                steps[j, 0] += rate
            for k in range(1, 1 + negatives):
                if targets[k] == targets[0]:
                    for j in range(n_inputs):
                        steps[j, k] = 0
            _step_outputs(output_vectors, targets, steps, inputs, n_inputs)
            if cbow:
                _add_error_to_all(input_vectors, contexts, n_contexts, steps, outputs, error)
            else:
                _step_inputs(input_vectors, contexts, n_contexts, steps, outputs)
    return loss, predictions
