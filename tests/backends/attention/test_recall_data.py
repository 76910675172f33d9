from __future__ import annotations

import pytest
import torch

from backends.attention.recall_data import DISTRACTORS, draw_sequences, letters_of, vocabulary_size


def drawn(count=2_000, distance=5, symbols=8, seed=1):
    return draw_sequences(torch.Generator().manual_seed(seed), count, distance, symbols)


@pytest.mark.parametrize(("distance", "symbols"), [(1, 2), (5, 8), (200, 26)])
def test_a_sequence_is_a_symbol_then_distractors_then_the_question(distance, symbols):
    tokens, _ = drawn(distance=distance, symbols=symbols)
    assert tokens.shape == (2_000, distance + 2)
    assert set(tokens[:, 0].tolist()) == set(range(symbols))
    assert set(tokens[:, 1:-1].flatten().tolist()) <= set(range(symbols, symbols + DISTRACTORS))
    assert set(tokens[:, -1].tolist()) == {vocabulary_size(symbols) - 1}


def test_the_answer_is_the_first_symbol_and_stands_nowhere_else():
    tokens, answers = drawn()
    assert torch.equal(tokens[:, 0], answers)
    assert not (tokens[:, 1:] == answers[:, None]).any()


def test_the_distractors_give_the_answer_away_no_better_than_chance():
    tokens, answers = drawn(count=40_000, distance=3)
    for place in (1, 2, 3):
        for distractor in range(8, 8 + DISTRACTORS):
            among = answers[tokens[:, place] == distractor]
            assert torch.bincount(among, minlength=8).max() / len(among) < 1 / 8 + 0.05


def test_the_same_seed_draws_the_same_and_the_next_draw_is_another():
    assert torch.equal(drawn()[0], drawn()[0])
    assert not torch.equal(drawn()[0], drawn(seed=2)[0])
    generator = torch.Generator().manual_seed(1)
    assert not torch.equal(draw_sequences(generator, 50, 5, 8)[0], draw_sequences(generator, 50, 5, 8)[0])


def test_letters_tell_symbols_from_distractors():
    assert letters_of(torch.tensor([7, 8, 9, 33, 34]), 8) == ("H", "a", "b", "z", "?")
    assert letters_of(torch.tensor([25, 26, 52]), 26) == ("Z", "a", "?")
