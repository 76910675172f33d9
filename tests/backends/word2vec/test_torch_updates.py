from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, logsigmoid

from backends.data.text import build_corpus, tokenise
from backends.word2vec import torch_updates
from backends.word2vec.config import Word2VecConfig
from backends.word2vec.cpu_updates import CpuUpdates
from backends.word2vec.schedule import CHUNK_WORDS, RateLine, over_chunks
from backends.word2vec.torch_updates import TorchUpdates, negative_sampling_gradients, softmax_gradients
from backends.word2vec.trainer import Word2VecTrainer
from tests.conftest import TOPICS

SMALL = Word2VecConfig(corpus="own", dim=16, window=4, min_count=1, subsample=0.0, threads=1)


def test_negative_sampling_gradients_are_those_of_autograd():
    random = torch.Generator().manual_seed(0)
    targets = torch.tensor([[0, 1, 2, 3], [4, 4, 5, 4], [6, 0, 0, 1]])  # row 1: negatives that are the true word
    table = torch.randn(7, 5, generator=random, dtype=torch.float64)
    hidden = torch.randn(3, 2, 5, generator=random, dtype=torch.float64).requires_grad_()
    out = table[targets].requires_grad_()
    active = torch.tensor([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]], dtype=torch.float64)  # the last one is padding

    loss, grad_hidden, grad_out = negative_sampling_gradients(hidden.detach(), active, targets, out.detach())

    plain = torch.zeros((), dtype=torch.float64)
    for b in range(3):
        for c in range(2):
            if not active[b, c]:
                continue
            plain = plain - logsigmoid(hidden[b, c] @ out[b, 0])
            for k in range(1, 4):
                if targets[b, k] != targets[b, 0]:
                    plain = plain - logsigmoid(-(hidden[b, c] @ out[b, k]))
    plain.backward()
    torch.testing.assert_close(loss, plain.detach(), rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(grad_hidden, hidden.grad, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(grad_out, out.grad, rtol=1e-6, atol=1e-8)


def test_softmax_gradients_are_those_of_autograd():
    random = torch.Generator().manual_seed(1)
    hidden = torch.randn(6, 5, generator=random).requires_grad_()
    output_vectors = torch.randn(9, 5, generator=random).requires_grad_()
    true = torch.tensor([0, 3, 3, 8, 1, 3])

    loss, grad_hidden, grad_out, hits = softmax_gradients(hidden.detach(), true, output_vectors.detach())

    plain = cross_entropy(hidden @ output_vectors.T, true, reduction="sum")
    plain.backward()
    torch.testing.assert_close(loss, plain.detach())
    torch.testing.assert_close(grad_hidden, hidden.grad, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(grad_out, output_vectors.grad, rtol=1e-4, atol=1e-5)
    assert hits.sum().item() == pytest.approx(2 * 6)  # each prediction: one for its true word, one spread by p


@pytest.mark.parametrize("objective", ["negative-sampling", "softmax"])
@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_one_batch_is_one_step_down_the_gradient(topic_text, architecture, objective):
    config = SMALL.with_changes(architecture=architecture, objective=objective, negatives=0)
    updates = TorchUpdates(config, build_corpus(topic_text, 1), "cpu")
    random = torch.Generator().manual_seed(2)
    updates.input_vectors = torch.randn(26, 16, generator=random) / 4
    updates.output_vectors = torch.randn(26, 16, generator=random) / 4
    inputs, outputs = updates.input_vectors.clone(), updates.output_vectors.clone().requires_grad_()
    centres = torch.tensor([0, 5, 0, 7])
    contexts = torch.tensor([[1, 2, 3], [4, 1, 9], [6, 8, 2], [1, 1, 1]])
    valid = torch.tensor([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]]).bool()  # the last centre has no context

    loss, predictions = updates._update(centres, contexts, valid, 0.1)

    expected = inputs.clone()
    plain = torch.zeros(())
    hidden_of_contexts = []
    for centre, row, counted in zip(centres, contexts, valid, strict=True):
        near = row[counted]
        groups = ([near] if architecture == "cbow" else list(near.split(1))) if len(near) else []
        for group in groups:
            hidden = inputs[group].mean(dim=0).requires_grad_()
            scores = outputs @ hidden
            plain = plain - (scores.log_softmax(0)[centre] if objective == "softmax" else logsigmoid(scores[centre]))
            hidden_of_contexts.append((group, hidden))
    plain.backward()
    for group, hidden in hidden_of_contexts:
        for context in group:  # CBOW: every context takes the whole error
            expected[context] -= 0.1 * hidden.grad
    torch.testing.assert_close(loss, plain.detach())
    assert predictions == len(hidden_of_contexts)
    torch.testing.assert_close(updates.input_vectors, expected)
    torch.testing.assert_close(updates.output_vectors, (outputs - 0.1 * outputs.grad).detach())


@pytest.fixture(scope="module")
def corpus_with_a_frequent_word():
    random = np.random.default_rng(0)
    rare = [word for topic in TOPICS.values() for word in topic]
    lines = [" ".join(w for word in random.choice(rare, 10) for w in ("the", word)) for _ in range(400)]
    return build_corpus(tokenise(lines), 1)


def loss_after(updates: TorchUpdates, chunks: int, rate: float) -> float:
    for chunk in range(chunks):
        loss, predictions = updates.advance(chunk, chunk + 1, RateLine(rate, 0.0, rate))
    return loss / predictions


@pytest.mark.parametrize("objective", ["negative-sampling", "softmax"])
def test_a_very_frequent_word_does_not_make_a_batch_diverge(corpus_with_a_frequent_word, objective, monkeypatch):
    config = SMALL.with_changes(objective=objective)
    updates = TorchUpdates(config, corpus_with_a_frequent_word, "cpu")
    chunks = 6 * CHUNK_WORDS // updates.chunk_words
    loss = loss_after(updates, chunks, config.learning_rate)
    assert loss < 2.5  # at the start: log(2) * 6 = 4.2, and log(25) = 3.2
    monkeypatch.setattr(torch_updates, "MAX_UPDATES_PER_ROW", 1e9)
    summed = loss_after(TorchUpdates(config, corpus_with_a_frequent_word, "cpu"), chunks, config.learning_rate)
    assert np.isnan(summed), "this corpus does not put the averaging to the test"


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_torch_and_the_kernel_lower_the_loss_to_the_same_level(topic_text, architecture):
    corpus = build_corpus(topic_text, 1)
    config = SMALL.with_changes(architecture=architecture)
    reached = {}
    for updates in (CpuUpdates(config, corpus), TorchUpdates(config, corpus, "cpu")):
        rates = over_chunks(0.05, 40)
        first_loss, first_count = updates.advance(0, 1, rates)
        updates.advance(1, 36, rates)
        loss, count = updates.advance(36, 40, rates)
        assert loss / count < 0.9 * first_loss / first_count
        reached[type(updates)] = loss / count
    # The kernel measures every 16th centre word, and torch takes 256 of them a step: 4 % apart is alike.
    assert reached[TorchUpdates] == pytest.approx(reached[CpuUpdates], rel=0.04)


def test_torch_on_the_cpu_repeats_itself_however_the_run_is_cut(topic_text):
    corpus = build_corpus(topic_text, 1)
    whole, cut = TorchUpdates(SMALL, corpus, "cpu"), TorchUpdates(SMALL, corpus, "cpu")
    rates = over_chunks(0.05, 4)
    whole.advance(0, 4, rates)
    for first, last in ((0, 1), (1, 4)):
        cut.advance(first, last, rates)
    np.testing.assert_allclose(whole.copy_vectors(), cut.copy_vectors(), atol=1e-6)


def test_both_kinds_of_updates_start_from_the_same_vectors(topic_text):
    corpus = build_corpus(topic_text, 1)
    assert np.array_equal(TorchUpdates(SMALL, corpus, "cpu").copy_vectors(), CpuUpdates(SMALL, corpus).copy_vectors())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")
@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_a_gpu_learns_what_the_cpu_learns(topic_text, architecture):
    config = SMALL.with_changes(architecture=architecture, epochs=60, learning_rate=0.05)
    losses = {}
    for device in ("cpu", "cuda"):
        trainer = Word2VecTrainer(config, text=topic_text, device=device)
        *_, last = trainer.steps()
        losses[device] = last.metrics["loss"]
        for topic in TOPICS.values():
            found = {answer.word for answer in trainer.freeze().neighbours(topic[0], 7)}
            assert found == set(topic[1:]), device
    # A batch of 4,096 centre words sees staler weights than the kernel's one: 10 % apart is alike.
    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=0.10)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")
def test_a_gpu_trains_the_full_softmax(topic_text):
    config = SMALL.with_changes(objective="softmax", epochs=60, learning_rate=0.05)
    losses = []
    for device in ("cpu", "cuda"):
        *_, last = Word2VecTrainer(config, text=topic_text, device=device).steps()
        losses.append(last.metrics["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=0.10)
