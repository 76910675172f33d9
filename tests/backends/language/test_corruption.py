"""What is hidden and what is asked, against the rules that the papers give."""

from __future__ import annotations

import numpy as np
import pytest

from backends.language.corruption import (
    KEPT,
    MASKED,
    RANDOM,
    CorruptionError,
    corrupt_spans,
    decoder_inputs,
    mask_tokens,
    next_tokens,
    restore,
    shuffle_sentences,
    span_layout,
)
from backends.language.tokens import END_ID, FIRST_ORDINARY, LINE_ID, MASK_ID, SENTINEL_ID, START_ID

VOCABULARY = 600


def text(rows: int = 300, length: int = 32) -> np.ndarray:
    """Token numbers of text, every one different within a row."""
    random = np.random.default_rng(5)
    return np.stack([random.permutation(VOCABULARY - FIRST_ORDINARY)[:length] + FIRST_ORDINARY for _ in range(rows)])


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_fifteen_percent_are_hidden_and_of_these_80_10_10():
    tokens = text(2_000, 40)
    masked = mask_tokens(tokens, draw(), VOCABULARY)
    assert masked.places.shape == (2_000, 6)
    shares = [(masked.kinds == kind).mean() for kind in (MASKED, RANDOM, KEPT)]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
    hit = np.bincount(masked.places.ravel(), minlength=40) / 2_000
    assert hit == pytest.approx(np.full(40, 0.15), abs=0.03)


def test_inputs_show_each_kind_and_all_else_as_it_was():
    tokens = text()
    masked = mask_tokens(tokens, draw(), VOCABULARY, mask_ratio=0.3)
    shown = np.take_along_axis(masked.inputs, masked.places, 1)
    assert (shown[masked.kinds == MASKED] == MASK_ID).all()
    assert (shown[masked.kinds == KEPT] == masked.targets[masked.kinds == KEPT]).all()
    strange = shown[masked.kinds == RANDOM]
    assert (strange >= FIRST_ORDINARY).all()
    assert (strange < VOCABULARY).all()
    assert (strange != masked.targets[masked.kinds == RANDOM]).mean() > 0.9
    back = masked.inputs.copy()
    np.put_along_axis(back, masked.places, masked.targets, 1)
    assert np.array_equal(back, tokens)
    assert (np.diff(masked.places, axis=1) > 0).all()


def test_special_tokens_are_hidden_last():
    tokens = text(50, 10)
    tokens[:, ::2] = LINE_ID
    assert (mask_tokens(tokens, draw(), VOCABULARY, mask_ratio=0.5).targets != LINE_ID).all()
    tokens[:, :9] = LINE_ID
    assert (mask_tokens(tokens, draw(), VOCABULARY, mask_ratio=0.2).targets == LINE_ID).sum() == 50


def test_clicked_places_are_masked_and_no_others():
    tokens = text(1)
    masked = mask_tokens(tokens, draw(), VOCABULARY, places=[4, 2, 4])
    assert masked.places.tolist() == [[2, 4]]
    assert np.flatnonzero(masked.inputs[0] == MASK_ID).tolist() == [2, 4]
    with pytest.raises(CorruptionError, match="Nothing is hidden"):
        mask_tokens(tokens, draw(), VOCABULARY, places=[])
    with pytest.raises(CorruptionError, match="no place 33"):
        mask_tokens(tokens, draw(), VOCABULARY, places=[32])


def test_the_seed_decides():
    first, again, other = (mask_tokens(text(), draw(seed), VOCABULARY).places for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    first, again, other = (corrupt_spans(text(), draw(seed)).source for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("ratio", "mean"), [(0.15, 3), (0.5, 1), (0.3, 10), (0.05, 1)])
def test_source_and_targets_restore_the_text(ratio, mean):
    tokens = text()
    spans = corrupt_spans(tokens, draw(), corruption_ratio=ratio, mean_span=mean)
    hidden, gaps = span_layout(32, ratio, mean)
    assert spans.source.shape == (300, 32 - hidden + gaps)
    assert spans.targets.shape == (300, hidden + gaps + 1)
    for row in range(300):
        assert restore(spans.source[row], spans.targets[row]) == tokens[row].tolist()


def test_sentinels_stand_in_order_in_source_and_targets():
    spans = corrupt_spans(text(), draw(), corruption_ratio=0.3, mean_span=2)
    expected = list(range(SENTINEL_ID, SENTINEL_ID + span_layout(32, 0.3, 2)[1]))
    for side in (spans.source, spans.targets):
        for row in side:
            assert [number for number in row if SENTINEL_ID <= number < FIRST_ORDINARY] == expected
    assert (spans.targets[:, -1] == END_ID).all()
    assert (spans.targets[:, 0] == SENTINEL_ID).all()


def test_spans_have_the_ratio_the_mean_length_and_tell_their_places():
    tokens = text(500, 100)
    spans = corrupt_spans(tokens, draw(), corruption_ratio=0.15, mean_span=3)
    assert (spans.hidden.sum(1) == 15).all()
    starts = (np.diff(np.pad(spans.hidden, ((0, 0), (1, 0))).astype(int), axis=1) == 1).sum(1)
    assert (starts == 5).all()
    told = spans.target_places >= 0
    rows = np.nonzero(told)[0]
    assert (spans.targets[told] == tokens[rows, spans.target_places[told]]).all()
    plain = spans.source >= FIRST_ORDINARY
    assert (spans.source[plain] == tokens[np.nonzero(plain)[0], spans.source_places[plain]]).all()
    assert spans.hidden[:, 60:].mean() == pytest.approx(spans.hidden[:, :40].mean(), abs=0.07)


def test_clicked_neighbours_are_one_gap():
    tokens = text(1, 8)
    spans = corrupt_spans(tokens, draw(), places=[2, 3, 6])
    t = tokens[0].tolist()
    x, y = SENTINEL_ID, SENTINEL_ID + 1
    assert spans.source[0].tolist() == [t[0], t[1], x, t[4], t[5], y, t[7]]
    assert spans.targets[0].tolist() == [x, t[2], t[3], y, t[6], END_ID]
    first = corrupt_spans(tokens, draw(), places=[0])
    assert first.source[0].tolist() == [x, *t[1:]]


def test_what_can_not_be_cut_out_is_said():
    with pytest.raises(CorruptionError, match="One token is too short"):
        corrupt_spans(text(1, 1), draw())
    with pytest.raises(CorruptionError, match="more than 26 gaps"):
        corrupt_spans(text(1, 60), draw(), places=range(0, 60, 2))
    assert corrupt_spans(text(1, 2), draw()).targets.shape == (1, 3)


def test_shuffled_sentences_stay_whole_and_targets_are_in_order():
    tokens = text(200, 20)
    ends = np.zeros(VOCABULARY, bool)
    ends[tokens[:, [4, 9, 13]].ravel()] = True
    ends[np.delete(tokens, [4, 9, 13], axis=1).ravel()] = False
    tokens[:, [4, 9, 13]] = FIRST_ORDINARY
    ends[FIRST_ORDINARY] = True
    shuffled = shuffle_sentences(tokens, draw(), ends)
    assert np.array_equal(np.sort(shuffled.source, 1), np.sort(tokens, 1))
    assert np.array_equal(shuffled.targets, np.pad(tokens, ((0, 0), (0, 1)), constant_values=END_ID))
    assert np.array_equal(np.take_along_axis(tokens, shuffled.source_places, 1), shuffled.source)
    moved = np.take_along_axis(shuffled.sentences, shuffled.source_places, 1)
    for row in range(200):
        order = list(dict.fromkeys(moved[row]))
        assert moved[row].tolist() == [s for s in order for _ in range((shuffled.sentences[row] == s).sum())]
    first = shuffled.sentences.max(1) > 0
    assert 0.5 < (moved[first, 0] != 0).mean() < 0.95


def test_the_next_word_is_the_target_and_the_last_never_an_input():
    tokens = text(3, 6)
    asked = next_tokens(tokens)
    assert np.array_equal(asked.targets, tokens)
    assert (asked.inputs[:, 0] == START_ID).all()
    assert np.array_equal(asked.inputs[:, 1:], tokens[:, :-1])
    assert np.array_equal(decoder_inputs(tokens), asked.inputs)
