from __future__ import annotations

import pytest
import torch

from backends.attention.recall_config import RecallConfig
from backends.attention.recall_data import draw_sequences, vocabulary_size
from backends.attention.recall_nets import LSTM, TRANSFORMER, build_nets, lstm_parameters
from backends.nets.transformer import DECODER, SELF, Look
from backends.nets.vision import count_parameters

SMALL = RecallConfig(distance=6, width="16")


def sequences(config=SMALL, count=5, distance=None):
    generator = torch.Generator().manual_seed(3)
    return draw_sequences(generator, count, distance or config.distance, config.symbols)[0]


@pytest.mark.parametrize("width", ["16", "32", "48", "64"])
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("distance", [1, 200])
def test_both_nets_are_equally_large(width, depth, distance):
    config = RecallConfig(width=width, depth=depth, distance=distance)
    nets = build_nets(config)
    sizes = {name: count_parameters(net) for name, net in nets.items()}
    assert sizes[LSTM] == lstm_parameters(config, nets[LSTM].units)
    assert sizes[LSTM] == pytest.approx(sizes[TRANSFORMER], rel=0.03)


def test_a_nets_start_depends_on_the_seed_and_on_its_own_settings_alone():
    def start(name, **changes):
        return next(build_nets(SMALL.with_changes(**changes))[name].parameters()).detach()

    for name in (TRANSFORMER, LSTM):
        assert torch.equal(start(name), start(name))
        assert not torch.equal(start(name), start(name, seed=2))
    assert torch.equal(start(TRANSFORMER), start(TRANSFORMER, forget_bias=5, lstm_learning_rate=1))
    state = torch.random.get_rng_state()
    build_nets(SMALL)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("forget_bias", [0.0, 5.0])
def test_the_lstm_is_the_one_of_the_books_with_its_forget_gates_as_far_open_as_asked(forget_bias):
    net = build_nets(SMALL.with_changes(forget_bias=forget_bias))[LSTM]
    plain = build_nets(SMALL)[LSTM]
    u, cell = net.units, net.lstm
    bias = cell.bias_ih_l0 + cell.bias_hh_l0
    change = bias - (plain.lstm.bias_ih_l0 + plain.lstm.bias_hh_l0)
    torch.testing.assert_close(change[u : 2 * u], torch.full((u,), forget_bias))
    assert not change[:u].any()
    assert not change[2 * u :].any()
    embedded = net.embed(sequences())
    h, c = torch.zeros(5, u), torch.zeros(5, u)
    for x in embedded.unbind(1):
        i, f, g, o = (x @ cell.weight_ih_l0.T + h @ cell.weight_hh_l0.T + bias).chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    torch.testing.assert_close(net.answer(embedded), net.head(h), atol=1e-5, rtol=1e-4)


def test_open_forget_gates_carry_the_first_symbol_further():
    reached = []
    for forget_bias in (0.0, 5.0):
        config = RecallConfig(forget_bias=forget_bias)
        net = build_nets(config)[LSTM]
        tokens = sequences(config, count=1).repeat(2, 1)
        tokens[1, 0] = (tokens[0, 0] + 1) % config.symbols
        one, other = net(tokens)
        reached.append((one - other).abs().max().item())
    assert reached[0] < 1e-6 < 1e-3 < reached[1]


@pytest.mark.parametrize("name", [TRANSFORMER, LSTM])
def test_the_answer_is_read_at_the_last_place_of_a_sequence_of_any_length(name):
    net = build_nets(SMALL)[name]
    tokens = sequences(distance=3)
    assert net(tokens).shape == (5, SMALL.symbols)
    other = tokens.clone()
    other[:, -1] = vocabulary_size(SMALL.symbols) - 2
    assert not torch.allclose(net(tokens), net(other), atol=1e-4)


def test_places_before_the_last_do_not_see_what_comes_after_them():
    net = build_nets(SMALL)[TRANSFORMER]
    look = Look()
    fast, explicit = net(sequences()), net(sequences(), look=look)
    torch.testing.assert_close(fast, explicit, atol=1e-5, rtol=1e-4)
    weights = look.weights[DECODER, SELF, 0]
    assert weights.shape == (5, 2, 8, 8)
    assert not weights.triu(1).any()


def test_more_tokens_than_there_are_places_are_refused():
    with pytest.raises(RuntimeError):
        build_nets(SMALL)[TRANSFORMER](sequences(distance=7))
