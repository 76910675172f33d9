from __future__ import annotations

import numpy as np
import pytest
import torch

from backends.attention.recall import RecallTrainer
from backends.attention.recall_config import RecallConfig
from backends.attention.recall_frozen import GRADIENT_SEQUENCES, gradient_norms
from backends.attention.recall_nets import build_nets
from backends.nets.transformer import DECODER, SELF, Look

SMALL = RecallConfig(distance=6, width="16", batch=32, steps=60)
NETS = ("transformer", "lstm")


@pytest.fixture(scope="module")
def trainer():
    made = RecallTrainer(SMALL)
    for _ in made.steps():
        pass
    return made


@pytest.fixture(scope="module")
def frozen(trainer):
    return trainer.freeze()


def log_probability(net, embedded, symbol):
    return net.answer(embedded).log_softmax(1)[0, symbol]


@pytest.mark.parametrize("name", NETS)
def test_gradients_are_those_of_each_sequence_by_itself(frozen, name):
    net = frozen.nets[name]
    norms = []
    for row in frozen.tokens[:GRADIENT_SEQUENCES]:
        embedded = net.embed(row[None]).detach().requires_grad_()
        log_probability(net, embedded, row[0]).backward()
        norms.append(embedded.grad[0].norm(dim=1).numpy())
        net.zero_grad()
    found = frozen.gradients()[name]
    assert found.shape == (SMALL.distance + 2,)
    np.testing.assert_allclose(found, np.mean(norms, axis=0), rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("name", NETS)
def test_a_gradient_says_what_a_small_change_of_a_step_does(frozen, name):
    net = build_nets(SMALL)[name].double()
    tokens, place, width = frozen.tokens[:1], 2, 1e-5
    embedded = net.embed(tokens).detach()
    slopes = []
    for dimension in range(embedded.shape[2]):
        moved = embedded.clone()
        moved[0, place, dimension] += width
        rise = log_probability(net, moved, tokens[0, 0]) - log_probability(net, embedded, tokens[0, 0])
        slopes.append(rise.item() / width)
    assert gradient_norms(net, tokens)[place] == pytest.approx(np.linalg.norm(slopes), rel=1e-3)


def test_the_lstms_gradient_fades_over_the_distance_and_the_transformers_does_not():
    plain, tuned = (RecallTrainer(RecallConfig(forget_bias=bias)).freeze().gradients() for bias in (0.0, 5.0))
    assert 0 < plain["lstm"][0] < 1e-15 * plain["lstm"][-2]
    assert plain["transformer"][0] > 0.1 * plain["transformer"][-2]
    assert tuned["lstm"][0] > 1e10 * plain["lstm"][0]


def test_two_hundred_steps_back_the_gradient_is_still_a_number():
    gradients = RecallTrainer(RecallConfig(distance=200, width="16", forget_bias=-2)).freeze().gradients()
    assert 0 < gradients["lstm"][0] < 1e-60


def test_places_are_named_one_a_token(frozen):
    assert frozen.places == ("symbol", *(f"distractor {i}" for i in range(1, 7)), "?")
    assert len(frozen.places) == len(frozen.gradients()["lstm"]) == len(frozen.attention(0).symbols)


@pytest.mark.parametrize("changes", [{}, {"depth": 3, "heads": "4"}])
def test_the_attention_shown_is_that_of_the_question_in_each_block_and_head(changes):
    frozen = RecallTrainer(SMALL.with_changes(**changes)).freeze()
    shown = frozen.attention(5)
    depth, heads = frozen.config.depth, int(frozen.config.heads)
    assert shown.weights.shape == (depth, heads, 8)
    np.testing.assert_allclose(shown.weights.sum(axis=2), 1, rtol=1e-5)
    look = Look()
    with torch.no_grad():
        frozen.nets["transformer"](frozen.tokens[5:6], look=look)
    for layer in range(depth):
        np.testing.assert_array_equal(shown.weights[layer], look.weights[DECODER, SELF, layer][0, :, 7])


def test_a_trained_transformer_looks_at_the_symbol_and_says_it(frozen):
    for number in range(8):
        shown = frozen.attention(number)
        assert shown.right == "ABCDEFGH"[frozen.tokens[number, 0]]
        letter, probability = shown.answers["transformer"]
        assert letter == shown.right
        assert 0.5 < probability <= 1
        assert shown.weights.mean(axis=(0, 1)).argmax() == 0


def test_answers_are_the_likeliest_symbols(frozen):
    shown = frozen.attention(3)
    with torch.no_grad():
        chances = frozen.nets["lstm"](frozen.tokens[3:4])[0].softmax(0)
    letter, probability = shown.answers["lstm"]
    assert letter == "ABCDEFGH"[chances.argmax()]
    assert probability == pytest.approx(float(chances.max()))


def test_after_the_last_sequence_comes_the_first(frozen):
    assert frozen.attention(len(frozen.tokens)).symbols == frozen.attention(0).symbols
    assert frozen.attention(0).symbols != frozen.attention(1).symbols


def test_accuracy_over_distance_tests_these_very_nets(frozen, trainer):
    points = frozen.accuracy_over_distance([6, 3])
    assert [point.distance for point in points] == [6, 3]
    with torch.no_grad():
        for net in NETS:
            right = frozen.nets[net](frozen.tokens).argmax(1) == frozen.tokens[:, 0]
            assert getattr(points[0], f"{net}_accuracy") == pytest.approx(float(right.float().mean()), abs=0.06)


@pytest.mark.slow
def test_nets_trained_on_mixed_distances_know_the_shorter_ones():
    trainer = RecallTrainer(SMALL.with_changes(distances="mixed", steps=250))
    for _ in trainer.steps():
        pass
    for point in trainer.freeze().accuracy_over_distance(range(1, 7)):
        assert min(point.transformer_accuracy, point.lstm_accuracy) >= 0.99


@pytest.mark.parametrize("distance", [0, 7, -1])
def test_a_distance_without_places_is_refused(frozen, distance):
    with pytest.raises(ValueError, match="from 1 to 6"):
        frozen.accuracy_over_distance([3, distance])
