"""The sum by hand against torch's autograd."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from backends.word2vec import by_hand
from backends.word2vec.by_hand import MAX_TOKENS, MAX_WORDS, ByHandConfig, SentenceError, StepsRanAway, begin
from backends.word2vec.sampling import noise_distribution

SENTENCE = "The cat sat on the mat"
OBJECTIVES = ["softmax", "negative_sampling"]


def torch_loss(state, v, u):
    """The mean loss over all pairs, written as the lecture writes it."""
    losses = []
    for w, c in state.tokens[by_hand.pairs(state)]:
        if state.config.objective == "softmax":
            losses.append(torch.nn.functional.cross_entropy((u @ v[w])[None], torch.tensor([int(c)])))
            continue
        picked = by_hand.sampled_sum(state, w, c).words
        scores = u[picked] @ v[w]
        positive, negative = torch.nn.functional.logsigmoid(scores[0]), torch.nn.functional.logsigmoid(-scores[1:])
        losses.append(-positive - negative.sum())
    return torch.stack(losses).mean()


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("window", [1, 2, 5])
def test_loss_and_gradients_equal_autograd(objective, window):
    state = begin(SENTENCE, ByHandConfig(objective=objective, window=window, dim=4))
    v, u = (torch.tensor(m, requires_grad=True) for m in (state.v, state.u))
    loss = torch_loss(state, v, u)
    loss.backward()
    assert by_hand.loss(state) == pytest.approx(loss.item(), abs=1e-10)
    for mine, theirs in zip(by_hand.gradients(state), (v.grad, u.grad), strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), atol=1e-10)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("count", [1, 20])
def test_steps_equal_torchs_sgd(objective, count):
    state = start = begin(SENTENCE, ByHandConfig(objective=objective))
    v, u = (torch.tensor(m, requires_grad=True) for m in (start.v, start.u))
    optimizer = torch.optim.SGD([v, u], lr=start.config.learning_rate)
    for _ in range(count):
        optimizer.zero_grad()
        torch_loss(state, v, u).backward()
        optimizer.step()
        state = by_hand.step(state, 1)
    together = by_hand.step(start, count)
    assert together.steps == count
    for mine, alone, theirs in ((together.v, state.v, v), (together.u, state.u, u)):
        np.testing.assert_allclose(mine, alone)
        np.testing.assert_allclose(mine, theirs.detach().numpy(), atol=1e-8)


def test_every_number_of_the_softmax_equals_torch():
    state = begin(SENTENCE, ByHandConfig())
    for word in range(len(state.words)):
        sums = by_hand.softmax_sum(state, word)
        scores = torch.tensor(state.u) @ torch.tensor(state.v[word])
        np.testing.assert_allclose(sums.scores, scores.numpy())
        np.testing.assert_allclose(sums.exps, scores.exp().numpy())
        np.testing.assert_allclose(sums.probabilities, scores.softmax(0).numpy())


def test_pairs_are_those_of_a_naive_loop():
    state = begin("a b c d a", ByHandConfig(window=2))
    naive = []
    for i in range(5):
        for j in range(5):
            if i != j and abs(i - j) <= 2:
                naive.append((i, j))
    assert [tuple(map(int, pair)) for pair in by_hand.pairs(state)] == naive


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_hundred_steps_lower_the_loss(objective):
    start = begin(SENTENCE, ByHandConfig(objective=objective))
    assert by_hand.loss(by_hand.step(start, 100)) < 0.8 * by_hand.loss(start)


def test_a_negative_is_never_the_context_word():
    state = begin("one two three", ByHandConfig(negatives=8))
    for steps in range(30):
        state = by_hand.step(state, 1)
        drawn = by_hand.negatives(state)
        assert drawn.shape == (3, 3, 8)
        assert drawn.min() >= 0
        assert drawn.max() <= 2
        for context in range(3):
            assert context not in drawn[:, context], steps


def test_negatives_come_by_their_count_to_the_power_three_quarters():
    start = begin("a a a a b b c d", ByHandConfig(negatives=8))
    drawn = np.concatenate([by_hand.negatives(replace(start, steps=i))[:, 1].ravel() for i in range(400)])
    expected = noise_distribution(np.array([4, 2, 1, 1]))
    expected[1] = 0.0
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / len(drawn), expected / expected.sum(), atol=0.02)


def test_the_negatives_that_are_shown_are_those_of_the_next_step():
    state = begin("a b a b", ByHandConfig(objective="negative_sampling", window=1))  # a → b and b → a, three times each
    shown = [by_hand.sampled_sum(state, 0, 1).loss, by_hand.sampled_sum(state, 1, 0).loss]
    assert by_hand.loss(state) == pytest.approx(np.mean(shown))
    assert not np.array_equal(by_hand.negatives(state), by_hand.negatives(begin("a b c", ByHandConfig())))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_hundred_steps_on_the_longest_sentence_hold_nobody_up(objective):
    words = [a + b for a in "abcd" for b in "efgh"]
    settings = ByHandConfig(objective=objective, window=5, negatives=8, dim=8)
    state = begin(" ".join((words * 3)[:MAX_TOKENS]), settings)
    began = time.thread_time()
    by_hand.step(state, 100)
    assert time.thread_time() - began < 0.5


def test_steps_that_overshoot_end_in_a_sentence_and_leave_the_state_as_it_was():
    settings = ByHandConfig(objective="negative_sampling", window=5, negatives=8, dim=8, learning_rate=2.0)
    state = begin("a b a b a b", settings)
    start = state.v.copy()
    with pytest.raises(StepsRanAway, match="smaller step size"):
        by_hand.step(state, by_hand.MAX_STEPS)
    np.testing.assert_array_equal(state.v, start)
    gentle = by_hand.step(by_hand.with_config(state, settings.with_changes(learning_rate=0.05)), 100)
    assert by_hand.loss(gentle) < by_hand.loss(state)


@pytest.mark.parametrize("sentence", ["", "   ", "word", "?!", None, "tick tick", "Tick tick TICK"])
def test_less_than_two_different_words_are_refused(sentence):
    with pytest.raises(SentenceError, match="at least two words"):
        begin(sentence, ByHandConfig())


def test_a_long_sentence_is_cut_and_it_is_said():
    state = begin(" ".join(f"w{'x' * i}" for i in range(200)), ByHandConfig())
    assert len(state.words) <= MAX_WORDS
    assert len(state.tokens) <= MAX_TOKENS
    assert "Only the first" in state.note
    assert begin(SENTENCE, ByHandConfig()).note == ""


def test_long_words_are_cut_and_it_is_said():
    state = begin("a " + "b" * 21, ByHandConfig())
    assert state.words == ("a", "b" * 20)
    assert state.note == "Words are cut to 20 letters."
    assert begin("a " + "b" * 20, ByHandConfig()).note == ""


def test_the_same_seed_gives_the_same_start():
    one, other = begin(SENTENCE, ByHandConfig()), begin(SENTENCE, ByHandConfig())
    np.testing.assert_array_equal(one.v, other.v)
    assert not np.array_equal(one.v, begin(SENTENCE, ByHandConfig(seed=2)).v)
