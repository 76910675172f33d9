"""The sum by hand against torch's autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backends.word2vec import by_hand
from backends.word2vec.by_hand import MAX_TOKENS, MAX_WORDS, ByHandConfig, SentenceError, begin

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
        drawn = by_hand.sampled_sum(state, 0, 1).words
        assert drawn[0] == 1
        assert 1 not in drawn[1:], steps


def test_two_words_that_are_the_same_have_one_another_as_contexts():
    state = begin("tick tick", ByHandConfig())
    assert state.words == ("tick",)
    assert by_hand.softmax_sum(state, 0).probabilities.tolist() == [1.0]


@pytest.mark.parametrize("sentence", ["", "   ", "word", "?!", None])
def test_less_than_two_words_are_refused(sentence):
    with pytest.raises(SentenceError, match="at least two words"):
        begin(sentence, ByHandConfig())


def test_a_long_sentence_is_cut_and_it_is_said():
    state = begin(" ".join(f"w{'x' * i}" for i in range(200)), ByHandConfig())
    assert len(state.words) <= MAX_WORDS
    assert len(state.tokens) <= MAX_TOKENS
    assert "Only the first" in state.note
    assert begin(SENTENCE, ByHandConfig()).note == ""


def test_the_same_seed_gives_the_same_start():
    one, other = begin(SENTENCE, ByHandConfig()), begin(SENTENCE, ByHandConfig())
    np.testing.assert_array_equal(one.v, other.v)
    assert not np.array_equal(one.v, begin(SENTENCE, ByHandConfig(seed=2)).v)
