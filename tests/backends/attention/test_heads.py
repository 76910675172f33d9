from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from backends.attention import head_roles
from backends.attention.head_roles import (
    BROAD,
    CLASS_TOKEN,
    FIRST,
    ITSELF,
    MIXED,
    NEIGHBOURS,
    NEXT,
    PREVIOUS,
    REPEAT,
    SAME,
    SEPARATOR,
)
from backends.attention.heads import (
    CROSS,
    DECODER,
    ENCODER,
    LONGEST,
    AttentionStack,
    HeadsError,
    Pass,
    Prediction,
    compare,
    is_punctuation,
    probabilities,
    read_heads,
    readable_piece,
    shown_pieces,
    top_guesses,
)
from backends.attention.rollout import attention_rollout
from backends.attention.shipped import Recipe, ShippedDecoder, build
from backends.attention.train_shipped import train_tokenizer
from backends.nets.transformer import DECODER as DECODER_NAME
from backends.nets.transformer import SELF, Look
from tests.conftest import topic_lines

RECIPE = Recipe(vocabulary=320, width=32, heads=4, depth=3)
SENTENCE = "sail, wave and sail, wave"


@pytest.fixture(scope="module")
def model() -> ShippedDecoder:
    """A decoder with random weights that are large enough to matter."""
    tokenizer = train_tokenizer([line.replace(" ", ", ") for line in topic_lines(200)], RECIPE.vocabulary)
    decoder = build(RECIPE).eval()
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.mul_(2)
    return ShippedDecoder(decoder, tokenizer, "a random decoder", {})


def weights_on(columns: np.ndarray, share: float = 0.8, *, causal: bool = False) -> np.ndarray:
    """(1, 1, T, S): each row gives `share` to its columns (all alike) and spreads the rest over what it sees."""
    size = columns.shape
    seen = np.tri(*size, dtype=bool) if causal else np.ones(size, bool)
    wanted = columns & seen
    there = wanted.sum(1, keepdims=True)
    spread = seen / seen.sum(1, keepdims=True)
    focused = np.where(there > 0, wanted / np.maximum(there, 1), spread)
    mixed = np.where(there > 0, share, 0) * focused + np.where(there > 0, 1 - share, 1) * spread
    return mixed[None, None].astype(np.float32)


# What is read


def test_the_weights_are_those_of_the_explicit_pass(model):
    reading = read_heads(model, SENTENCE)
    stack = reading.stack(DECODER)
    look = Look()
    with torch.inference_mode():
        logits = model.model(torch.tensor([stack.row_ids]), look=look)[0, -1]
    for layer in range(RECIPE.depth):
        np.testing.assert_array_equal(stack.weights[layer], look.weights[DECODER_NAME, SELF, layer][0].numpy())
    guesses = reading.predictions[0].guesses
    best = logits.softmax(-1).topk(5)
    assert [guess.probability for guess in guesses] == pytest.approx(best.values.tolist(), abs=1e-6)
    assert len(guesses) == 5


def test_a_reading_says_which_tokens_look_at_which(model):
    stack = read_heads(model, SENTENCE).stack(DECODER)
    assert stack.rows == stack.columns
    assert stack.rows[0] == "<s>"
    assert "".join(stack.rows[1:]) == SENTENCE.replace(" ", "")
    assert stack.weights.shape == (3, 4, len(stack.rows), len(stack.rows))
    assert stack.weights.dtype == np.float32
    assert (stack.special_rows, stack.special_columns) == ((0,), (0,))
    assert [len(layer) for layer in stack.roles] == [4, 4, 4]
    np.testing.assert_allclose(stack.weights.sum(-1), 1, atol=1e-5)
    assert stack.rollout.shape == (3, len(stack.rows), len(stack.rows))


def test_nothing_is_silenced_unless_asked(model):
    reading = read_heads(model, SENTENCE)
    assert reading.silenced == ()
    assert reading.predictions_silenced == ()
    assert reading.change is None
    assert reading.note == ""


def test_silencing_heads_changes_the_output_and_says_by_how_much(model):
    heads = [(DECODER, 0, 1), (DECODER, 2, 3), (DECODER, 0, 1)]
    reading = read_heads(model, SENTENCE, silenced=heads)
    assert reading.silenced == ((DECODER, 0, 1), (DECODER, 2, 3))
    assert reading.predictions == read_heads(model, SENTENCE).predictions
    assert reading.predictions_silenced != reading.predictions
    assert reading.change.divergence > 0.001
    top = reading.predictions[0].guesses[0]
    assert f"{top.probability:.1%}" in reading.change.sentence
    assert f"{reading.change.divergence:.2f} bits" in reading.change.sentence


def test_silencing_a_head_leaves_its_own_weights_and_moves_those_of_later_layers(model):
    whole = read_heads(model, SENTENCE).stack(DECODER).weights
    without = read_heads(model, SENTENCE, silenced=[(DECODER, 1, 0)]).stack(DECODER).weights
    np.testing.assert_array_equal(without[:2], whole[:2])
    assert np.abs(without[2] - whole[2]).max() > 1e-4


def test_the_divergence_is_kullback_and_leiblers():
    first, second = np.log([[0.5, 0.25, 0.25]]), np.log([[0.25, 0.5, 0.25]])
    prediction = (Prediction("after “a”", top_guesses(first[0], str)),)
    change = compare(Pass((), prediction, first), Pass((), prediction, second))
    assert change.divergence == pytest.approx(0.5 * 1 + 0.25 * -1)
    assert "“0” goes from 50.0% to 25.0%" in change.sentence


def test_a_vectors_change_is_one_minus_its_cosine():
    change = compare(Pass((), vector=np.array([1.0, 0.0])), Pass((), vector=np.array([1.0, 1.0])))
    assert change.distance == pytest.approx(1 - math.sqrt(0.5))
    assert change.divergence is None
    assert "0.71" in change.sentence


def test_probabilities_survive_large_logits():
    np.testing.assert_allclose(probabilities(np.array([1e4, 1e4, -1e4], np.float32)), [0.5, 0.5, 0])


# What visitors write


@pytest.mark.parametrize("text", ["", "   ", "\n\t", None, 7, ["a"]])
def test_what_is_no_text_is_refused_in_one_sentence(model, text):
    with pytest.raises(HeadsError, match=r"^[A-Z][^.]*write a sentence\.$"):
        read_heads(model, text)


def test_ten_thousand_words_are_cut_and_it_is_said(model):
    reading = read_heads(model, "sail " * 10_000)
    assert reading.note == "10,000 words were cut to 128 tokens."
    assert len(reading.stack(DECODER).rows) == LONGEST


def test_a_huge_word_is_cut_and_it_is_said(model):
    reading = read_heads(model, "x" * 1_000_000)
    assert reading.note == "1 word was cut to 128 tokens."


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "🙂",
        "שלום עולם",
        "مرحبا",
        "ἀρχή",
        "<img src=x onerror=alert(1)>",
        "\ud800",
        "\x00\x07",
        "<s>",
        "1e999",
        "☃" * 200,
    ],
)
def test_every_text_can_be_read(model, text):
    reading = read_heads(model, text, silenced=[(DECODER, 0, 0)])
    stack = reading.stack(DECODER)
    assert 2 <= len(stack.rows) <= LONGEST
    assert np.isfinite(stack.weights).all()
    assert all(
        0 <= role.figure <= 1 and role.name in head_roles.DESCRIPTIONS for layer in stack.roles for role in layer
    )
    assert math.isfinite(reading.change.divergence)


def test_parts_of_a_character_are_shown_as_such(model):
    assert read_heads(model, "🙂").stack(DECODER).rows[-4:] == ("🙂 1/4", "🙂 2/4", "🙂 3/4", "🙂 4/4")


@pytest.mark.parametrize(
    "head",
    [
        (DECODER, 3, 0),
        (DECODER, 0, 4),
        (DECODER, -1, 0),
        (ENCODER, 0, 0),
        ("x" * 999, 0, 0),
        (DECODER, 0),
        None,
        (DECODER, "a", 0),
        (DECODER, float("inf"), 0),
        (DECODER, float("nan"), 0),
    ],
)
def test_a_head_that_is_not_there_is_refused(model, head):
    with pytest.raises(HeadsError, match=r"no head|named by"):
        read_heads(model, SENTENCE, silenced=[head])


def test_a_stack_that_is_not_there_is_refused(model):
    with pytest.raises(HeadsError, match="choose from decoder"):
        read_heads(model, SENTENCE).stack(CROSS)


# Tokens as they are shown


@pytest.mark.parametrize(
    ("raw", "decoded", "shown"),
    [
        ("##ing", "##ing", "##ing"),
        ("Ġthe", " the", "the"),
        ("▁the", "the", "the"),
        ("▁", "", "␣"),
        ("Ġ", " ", "␣"),
        ("Ċ", "\n", "↵"),
        ("<s>", "", "<s>"),
        ("=" * 40, "=" * 40, "=" * 23 + "…"),
    ],
)
def test_tokens_are_shown_readably(raw, decoded, shown):
    assert readable_piece(raw, decoded) == shown


def test_a_broken_piece_alone_stays_as_it_is():
    assert shown_pieces("a🙂", ["a", "�"], [(0, 1), (1, 2)]) == ("a", "�")


@pytest.mark.parametrize(
    ("piece", "expected"),
    [(".", True), ("”", True), ("،", True), ("a.", False), ("1", False), ("", False), ("+", False)],
)
def test_punctuation_is_told_from_words(piece, expected):
    assert is_punctuation(piece) is expected


# What heads do

IDS = [9, 1, 2, 3, 1, 2, 3, 4]
STOPS = np.array([False, False, False, True, False, False, True, False])


@pytest.mark.parametrize("name", [PREVIOUS, ITSELF, FIRST, SEPARATOR, SAME, REPEAT])
@pytest.mark.parametrize("causal", [False, True])
def test_a_head_made_for_a_role_is_found(name, causal):
    columns = head_roles.self_columns(IDS, STOPS)
    weights = weights_on(columns[name], 0.85, causal=causal)
    role = head_roles.head_roles(weights, columns, causal=causal)[0][0]
    assert role.name == name
    assert role.figure == pytest.approx(role.figures[name])
    assert 0.85 <= role.figure < 0.95


def test_a_head_that_looks_ahead_is_found_where_it_can():
    columns = head_roles.self_columns(IDS, STOPS)
    assert head_roles.head_roles(weights_on(columns[NEXT]), columns)[0][0].name == NEXT
    causal = head_roles.head_roles(weights_on(columns[PREVIOUS], causal=True), columns, causal=True)[0][0]
    assert NEXT not in causal.figures


def test_the_columns_of_each_role_are_those_of_its_name():
    columns = head_roles.self_columns([7, 5, 6, 5], np.array([True, False, True, False]))
    found = {name: [tuple(place) for place in np.argwhere(wanted)] for name, wanted in columns.items()}
    assert found[PREVIOUS] == [(1, 0), (2, 1), (3, 2)]
    assert found[NEXT] == [(0, 1), (1, 2), (2, 3)]
    assert found[FIRST] == [(1, 0), (2, 0), (3, 0)]
    assert found[SAME] == [(1, 3), (3, 1)]
    assert found[REPEAT] == [(3, 2)], "6 followed the 5 before this 5"
    assert found[SEPARATOR] == [(0, 2), (1, 2), (3, 2)], "neither the first token nor the token itself"


def test_a_figure_is_the_mean_weight_over_the_rows_where_the_role_is_possible():
    weights = np.array([[[[1, 0, 0], [0.2, 0.8, 0], [0.1, 0.6, 0.3]]]], np.float32)
    columns = head_roles.self_columns([1, 2, 3], np.zeros(3, bool))
    figures = head_roles.head_roles(weights, columns, causal=True)[0][0].figures
    assert figures[PREVIOUS] == pytest.approx((0.2 + 0.6) / 2)
    assert figures[ITSELF] == pytest.approx((0.8 + 0.3) / 2), "the first row sees itself alone and says nothing"
    entropy = [-(0.2 * math.log(0.2) + 0.8 * math.log(0.8)) / math.log(2)]
    entropy.append(-(0.1 * math.log(0.1) + 0.6 * math.log(0.6) + 0.3 * math.log(0.3)) / math.log(3))
    assert figures[BROAD] == pytest.approx(np.mean(entropy), abs=1e-6)
    assert REPEAT not in figures


def test_equal_weights_are_broad_whatever_they_fall_on():
    columns = head_roles.self_columns([1, 1, 1, 1], np.ones(4, bool))
    role = head_roles.head_roles(np.full((1, 1, 4, 4), 0.25, np.float32), columns)[0][0]
    assert (role.name, role.figure) == (BROAD, pytest.approx(1.0))


def test_a_head_between_two_roles_is_mixed():
    columns = head_roles.self_columns(list(range(9)), np.zeros(9, bool))
    weights = 0.35 * weights_on(columns[PREVIOUS], 1.0) + 0.65 * weights_on(np.roll(np.eye(9, dtype=bool), 4, 1), 1.0)
    assert head_roles.head_roles(weights.astype(np.float32), columns)[0][0].name == MIXED


def test_weight_that_falls_on_every_column_of_a_role_is_no_role():
    """All but one column are separators; a head that keeps away from that one is not a separator head."""
    columns = {SEPARATOR: np.ones((6, 6), bool)}
    columns[SEPARATOR][:, 5] = False
    weights = weights_on(np.eye(6, dtype=bool)[::-1] & columns[SEPARATOR], 0.9)
    assert head_roles.head_roles(weights, columns)[0][0].name == MIXED


def test_one_token_says_nothing_about_a_head():
    columns = head_roles.self_columns([1], np.zeros(1, bool))
    role = head_roles.head_roles(np.ones((1, 1, 1, 1), np.float32), columns, causal=True)[0][0]
    assert (role.name, role.figure) == (MIXED, 0.0)


def test_cross_attention_has_roles_of_its_own():
    columns = head_roles.cross_columns([1, 2, 3], [8, 3, 2, 1, 9], np.array([False, False, False, False, True]))
    for name in (FIRST, SEPARATOR, SAME):
        assert head_roles.head_roles(weights_on(columns[name], 0.8), columns)[0][0].name == name
    assert PREVIOUS not in columns


def test_a_pictures_heads_look_at_neighbours_or_the_class_token():
    columns = head_roles.grid_columns(4, 1)
    assert columns[NEIGHBOURS][1].nonzero()[0].tolist() == [2, 5, 6], "the corner has three neighbours"
    assert columns[NEIGHBOURS].sum(1).max() == 8
    assert not columns[NEIGHBOURS][0].any()
    for name in (CLASS_TOKEN, NEIGHBOURS, ITSELF):
        assert head_roles.head_roles(weights_on(columns[name], 0.8), columns)[0][0].name == name


def test_punctuation_and_added_tokens_count_as_separators():
    tokens = ("[CLS]", "one", ",", "two", "three", "[SEP]")
    weights = weights_on(np.isin(np.arange(6), [2, 5])[None] & np.ones((6, 1), bool), 1.0)
    stack = AttentionStack(ENCODER, tokens, tokens, weights, tuple(range(6)), tuple(range(6)), (0, 5), (0, 5))
    assert stack.roles[0][0].name == SEPARATOR
    assert stack.label == "Encoder"


# Rollout


def test_rollout_is_the_product_of_half_attention_and_half_identity():
    weights = np.random.default_rng(0).dirichlet(np.ones(5), (3, 2, 5)).astype(np.float32)
    rolled = attention_rollout(weights)
    expected = np.eye(5)
    for layer in range(3):
        mean = (weights[layer, 0] + weights[layer, 1]) / 2
        expected = np.array(
            [
                [sum((0.5 * mean[i, k] + 0.5 * (i == k)) * expected[k, j] for k in range(5)) for j in range(5)]
                for i in range(5)
            ]
        )
        np.testing.assert_allclose(rolled[layer], expected, atol=1e-6)
    np.testing.assert_allclose(rolled.sum(-1), 1, atol=1e-6)


def test_cross_attention_has_no_rollout():
    weights = np.full((1, 1, 2, 3), 1 / 3, np.float32)
    with pytest.raises(ValueError, match="2 × 3"):
        attention_rollout(weights)
    stack = AttentionStack(CROSS, ("a", "b"), ("x", "y", "z"), weights, (1, 2), (3, 4, 5))
    assert stack.rollout is None
