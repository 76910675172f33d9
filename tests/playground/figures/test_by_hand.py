"""The tables of the sum by hand: every number where it belongs, and no visitor's word as markup."""

from __future__ import annotations

import html
import re

import numpy as np
import pytest

from playground.figures import by_hand as tables
from tests.playground.figures.figure_checks import EVIL

WORDS = ["the", "cat", "sat"]
PAIRS = np.array([(0, 1), (1, 0), (1, 2), (2, 1)])
V = np.array([[0.5, -0.25], [1.0, 0.0], [-1.5, 2.0]])
U = np.array([[0.1, 0.2], [0.3, -0.004], [0.5, 0.6]])


def rows(page: str) -> list[list[str]]:
    """The text of every cell, by row."""
    return [
        [re.sub("<.*?>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", page)
    ]


def softmax_page(words=WORDS, contexts=frozenset({0, 2})):
    scores = U @ V[1]
    exps = np.exp(scores)
    return tables.softmax_html(words, 1, (V, U), scores, exps, exps / exps.sum(), set(contexts))


def test_the_sentence_marks_a_word_and_its_window_and_lists_every_pair():
    page = tables.sentence_html(WORDS, [0, 1, 2], PAIRS, 0)
    assert re.findall(r'<span class="(\w+)">(\w+)</span>', page) == [
        ("centre", "the"),
        ("context", "cat"),
        ("other", "sat"),
    ]
    assert re.findall(r'<li class="(\w+)">(.*?)</li>', page) == [
        ("centre", "the → cat"),
        ("other", "cat → the"),
        ("other", "cat → sat"),
        ("other", "sat → cat"),
    ]
    assert "4 training pairs" in page


def test_a_long_list_of_pairs_says_how_many_are_left_out():
    page = tables.sentence_html(WORDS, [0, 1, 2], np.tile(PAIRS, (20, 1)), 0)
    assert page.count("→") == tables.PAIRS_SHOWN + 1  # one in the heading
    assert "and 20 more" in page


def test_every_word_has_a_single_one():
    assert rows(tables.one_hot_html(WORDS, 1)) == [
        ["the", "1", "0", "0"],
        ["cat", "0", "1", "0"],
        ["sat", "0", "0", "1"],
    ]


def test_a_matrix_shows_its_numbers_signs_and_frames():
    page = tables.matrix_html("V", WORDS, V, 1, 2.0, [(0, 2, 1)])
    assert rows(page) == [["", "1", "2"], ["the", "0.50", "−0.25"], ["cat", "1.00", "0.00"], ["sat", "−1.50", "2.00"]]
    cells = re.findall(r'<td class="([\w ]+)" style="--share:(\d+)%">', page)
    assert [kind for kind, _ in cells] == ["plus", "minus", "plus", "plus", "minus", "plus moved"]
    shares = [int(share) for _, share in cells]
    assert shares[3] == 0
    assert shares[5] == max(shares)
    assert shares[5] > shares[4] > shares[2] > shares[0] > shares[1]
    assert '<tr class="chosen"><th scope="row">cat' in page


@pytest.mark.parametrize(("columns", "wide"), [(2, False), (5, False), (6, True), (8, True)])
def test_a_matrix_of_many_columns_is_set_smaller(columns, wide):
    page = tables.matrix_html("V", WORDS, np.ones((3, columns)), None, 1.0)
    assert ('class="by-hand-matrix wide"' in page) == wide


def test_no_number_is_minus_nothing():
    assert rows(tables.matrix_html("U", WORDS, U, None, 1.0))[2] == ["cat", "0.30", "0.00"]


def test_the_cells_that_changed_most_come_largest_first():
    after_v, after_u = V.copy(), U.copy()
    after_v[2, 0] += 0.2
    after_u[1, 1] -= 0.9
    after_u[0, 0] += 0.5
    assert [tuple(cell) for cell in tables.most_moved([V, U], [after_v, after_u])] == [(1, 1, 1), (1, 0, 0), (0, 2, 0)]


def test_the_softmax_is_shown_word_by_word_and_one_is_written_out():
    page = softmax_page()
    scores = U @ V[1]
    exps = np.exp(scores)
    table = rows(page)
    assert table[1][0] == "the ✓"
    assert table[2][0] == "cat"
    assert [float(row[-1]) for row in table[1:4]] == pytest.approx(list(exps / exps.sum()), abs=5e-4)
    assert float(table[4][2]) == pytest.approx(exps.sum(), abs=5e-3)
    text = re.sub("<.*?>", "", page)
    assert "usat · vcat ≈ 0.50 · 1.00 + 0.60 · 0.00 ≈ 0.50" in text
    assert f"p(sat | cat) = e0.50 ∕ Σ = {exps[2]:.2f} ∕ {exps.sum():.2f} = {exps[2] / exps.sum():.3f}" in text
    assert f"{-np.log(exps[2] / exps.sum()):.2f}" in text


def test_negative_sampling_shows_the_pair_its_negatives_and_the_loss():
    page = tables.sampled_html(WORDS, 1, [2, 0], np.array([0.5, -1.0]), np.array([0.622, 0.731]), 0.788)
    assert rows(page)[1:] == [["sat ✓", "0.50", "σ(u·v)", "", "0.622"], ["the", "−1.00", "σ(−u·v)", "", "0.731"]]
    assert "−log(0.62 · 0.73) = <b>0.79</b>" in page
    assert "2 scores instead of 3" in page


def test_what_moved_is_shown_before_and_after():
    after = [V + np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]]), U]
    shares = (np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.2, 0.4]))
    page = tables.moved_html(WORDS, 1, (20, 40), (1.5, 1.25), shares, np.array([0.75, 0.0, 0.25]), ([V, U], after))
    assert "After 20 steps</b> (40 in all): mean loss over all pairs 1.500 → <b>1.250</b>" in page
    table = rows(page)
    assert ["the ✓", "0.200", "0.400", "0.750"] in table
    assert ["V[sat, 1]", "−1.50", "−0.50"] in table
    assert not any(row[0].startswith("cat") for row in table)


def test_a_strangers_words_are_text_in_every_table():
    words = [EVIL, f"{EVIL}2", f"{EVIL}3"]
    pages = [
        tables.sentence_html(words, [0, 1, 2], PAIRS, 0),
        tables.one_hot_html(words, 0),
        tables.matrix_html("V", words, V, 0, 1.0),
        softmax_page(words),
        tables.sampled_html(words, 1, [2, 0], np.array([0.5, -1.0]), np.array([0.6, 0.7]), 0.8),
        tables.moved_html(
            words, 0, (1, 1), (1.0, 0.9), (np.ones(3) / 3,) * 2, np.ones(3) / 3, ([V, U], [V + 1.0, U + 2.0])
        ),
    ]
    for page in pages:
        assert "<img" not in page
        assert html.escape(EVIL) in page
