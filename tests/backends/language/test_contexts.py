"""A word in two sentences, level by level."""

from __future__ import annotations

import numpy as np
import pytest

from backends.language.contexts import MOST_SHARED, compare, paths_in_plane, word_levels
from backends.language.use import LanguageError, layer_vectors


def test_levels_are_the_table_the_place_and_each_block(trained):
    frozen = trained["bert"].freeze()
    told = word_levels(frozen, "violin chord, tempo!")
    assert told.words == ("violin", "chord", "tempo")
    assert told.levels == ("table", "+ place", "block 1")
    row = frozen.model.embedding.tokens.weight[told.ids[1][0]].detach().numpy()
    np.testing.assert_allclose(told.vectors[0, 1], row, atol=1e-6)
    np.testing.assert_allclose(told.vectors[1:, 1], layer_vectors(frozen, "violin chord, tempo!").vectors[:, 1])


def test_a_word_of_several_tokens_is_their_mean(trained):
    frozen = trained["t5"].freeze()
    told = word_levels(frozen, "wave zebra")
    assert told.words == ("wave", "zebra")
    assert len(told.ids[1]) > 1
    whole = layer_vectors(frozen, "wave zebra").vectors
    np.testing.assert_allclose(told.vectors[1:, 1], whole[:, 1:].mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("method", ["bert", "t5", "gpt"])
def test_a_shared_word_is_one_vector_in_the_table_and_two_above(trained, method):
    found = compare(trained[method].freeze(), "violin chord tempo choir", "oven butter chord soup")
    assert [word.name for word in found.shared] == ["chord"]
    word = found.shared[0]
    assert word.places == (1, 2)
    assert word.same_row
    assert word.cosines[0] == pytest.approx(1, abs=1e-5)
    assert (word.cosines[1:] < 0.999).all()


def test_other_words_are_compared_pair_by_pair(trained):
    found = compare(trained["bert"].freeze(), "violin chord", "chord butter")
    one, two = found.first.vectors, found.second.vectors
    pairs = [(0, 0), (0, 1), (1, 1)]  # all but chord with chord

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    for level in range(3):
        by_hand = np.mean([cosine(one[level, i], two[level, j]) for i, j in pairs])
        assert found.others[level] == pytest.approx(by_hand, abs=1e-5)


def test_gpt_does_not_part_what_both_sentences_begin_with(trained):
    found = compare(trained["gpt"].freeze(), "violin chord tempo", "violin chord drum")
    np.testing.assert_allclose([word.cosines for word in found.shared], 1, atol=1e-5)
    bert = compare(trained["bert"].freeze(), "violin chord tempo", "violin chord drum")
    assert min(word.cosines[-1] for word in bert.shared) < 0.9999


def test_upper_and_lower_case_are_one_word_of_two_rows(trained):
    word = compare(trained["bert"].freeze(), "the wave", "sail Wave").shared[0]
    assert word.name == "wave / Wave"
    assert not word.same_row
    assert word.cosines[0] < 0.99


def test_the_rarest_words_stand_first_and_only_a_few_are_kept(trained):
    words = "wave sail harbour anchor tide reef captain gull"
    assert len(compare(trained["bert"].freeze(), words, words).shared) == MOST_SHARED
    found = compare(trained["bert"].freeze(), "wave and xylophone", "xylophone and wave")
    assert found.shared[0].name == "xylophone"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("", "wave", "empty"),
        ("wave", "  ", "empty"),
        ("wave", "!!! ...", "no word"),
        ("wave sail", "oven butter", "share no word"),
        (None, "wave", "no text"),
    ],
)
def test_sentences_that_can_not_be_compared_are_refused_in_one_sentence(trained, first, second, said):
    with pytest.raises(LanguageError, match=said):
        compare(trained["bert"].freeze(), first, second)


def test_equal_words_begin_at_one_point_of_the_plane_and_part(trained):
    found = word_levels(trained["bert"].freeze(), "wave sail oven wave")
    paths, other = paths_in_plane(found, found.vectors[:, [1]])
    assert paths.shape == (3, 4, 2)
    np.testing.assert_allclose(paths[0, 0], paths[0, 3], atol=1e-5)
    assert np.linalg.norm(paths[-1, 0] - paths[-1, 3]) > 0.01
    np.testing.assert_allclose(other[:, 0], paths[:, 1], atol=1e-5)


def test_a_sentence_of_one_word_has_a_plane_too(trained):
    (paths,) = paths_in_plane(word_levels(trained["bert"].freeze(), "wave"))
    assert np.isfinite(paths).all()
