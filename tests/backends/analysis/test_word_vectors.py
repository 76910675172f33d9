from __future__ import annotations

import numpy as np
import pytest
from gensim.models import KeyedVectors

from backends.analysis.word_vectors import UnknownWord, WordQuestionError, WordVectors

WORDS = ["the", "king", "queen", "kings", "man", "woman", "naïve", "日本", "don't", "zero"]


@pytest.fixture(scope="module")
def vectors() -> WordVectors:
    random = np.random.default_rng(0)
    table = (random.standard_normal((len(WORDS), 6)) * random.uniform(0.5, 9, (len(WORDS), 1))).astype(np.float32)
    table[WORDS.index("zero")] = 0
    return WordVectors.build(WORDS, np.arange(len(WORDS), 0, -1), table)


@pytest.fixture
def compass() -> WordVectors:
    """Words at given angles on a circle, one vector longer than the others."""
    angles = {"east": 0, "northeast": 45, "north": 90, "west": 180, "southwest": 225}
    radians = np.radians(list(angles.values()))
    table = np.stack([np.cos(radians), np.sin(radians)], axis=1) * [[1], [7], [1], [1], [1]]
    return WordVectors.build(list(angles), np.ones(5, np.int64), table.astype(np.float32))


def cosine(vectors: WordVectors, first: str, second: str) -> float:
    a, b = (vectors.vectors[vectors.index[word]].astype(float) for word in (first, second))
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_neighbours_are_those_of_a_search_by_hand(vectors):
    found = vectors.neighbours("king", 4)
    others = [word for word in WORDS if word not in ("king", "zero")]
    by_hand = sorted(others, key=lambda word: -cosine(vectors, "king", word))[:4]
    assert [answer.word for answer in found] == by_hand
    assert [answer.cosine for answer in found] == pytest.approx([cosine(vectors, "king", w) for w in by_hand], abs=1e-6)


def test_more_neighbours_than_words_are_all_the_others(vectors):
    assert {answer.word for answer in vectors.neighbours("king", 1000)} == set(WORDS) - {"king"}
    assert vectors.neighbours("king", 0) == []


def test_case_space_and_decomposed_accents_do_not_matter(vectors):
    assert vectors.find("  KING ") == WORDS.index("king")
    assert vectors.find("nai\u0308ve") == WORDS.index("naïve")
    assert vectors.find("日本") == WORDS.index("日本")


def test_a_zero_vector_stays_zero_and_disturbs_nothing(vectors):
    assert np.isfinite(vectors.unit).all()
    assert vectors.similarity("zero", "king") == 0
    assert np.linalg.norm(vectors.unit, axis=1)[:-1] == pytest.approx(1, abs=1e-6)


def test_similarity_is_the_cosine(vectors):
    assert vectors.similarity("king", "queen") == pytest.approx(cosine(vectors, "king", "queen"), abs=1e-6)
    assert vectors.similarity("king", "king") == pytest.approx(1, abs=1e-6)


def test_an_unknown_word_names_the_nearest_spellings(vectors):
    with pytest.raises(UnknownWord, match=r"“kinng” is not in .* did you mean “king” or “kings”") as unknown:
        vectors.neighbours("Kinng")
    assert unknown.value.suggestions == ["king", "kings"]


def test_an_unknown_word_without_a_likeness_gets_no_wrong_hint(vectors):
    with pytest.raises(UnknownWord, match="“xyzzy” is not in the vocabulary; try a more frequent word"):
        vectors.find("xyzzy")


def test_a_very_long_word_is_shortened_in_the_message(vectors):
    with pytest.raises(UnknownWord) as unknown:
        vectors.find("k" * 5000)
    assert len(str(unknown.value)) < 100


@pytest.mark.parametrize("nothing", ["", "   "])
def test_a_missing_word_is_asked_for(vectors, nothing):
    with pytest.raises(WordQuestionError, match="type one in every field"):
        vectors.analogy("king", nothing, "woman")


def test_an_analogy_is_the_best_word_but_the_three_asked(vectors):
    unit = vectors.unit.astype(float)
    target = unit[1] - unit[4] + unit[5]
    by_hand = [w for w in np.argsort(-(unit @ target)) if w not in (1, 4, 5)]
    found = vectors.analogy("king", "man", "woman", 5)
    assert [answer.word for answer in found] == [WORDS[i] for i in by_hand[:5]]
    assert found[0].cosine == pytest.approx(unit[by_hand[0]] @ target / np.linalg.norm(target), abs=1e-6)


def test_an_analogy_uses_unit_vectors(compass):
    # With the long vector of northeast as it is, the sum would point to southwest.
    assert compass.analogy("east", "northeast", "north", 1)[0].word == "west"


def test_the_same_word_three_times_asks_nothing(vectors):
    with pytest.raises(WordQuestionError, match="All three words are the same"):
        vectors.analogy("king", "King", " king")


def test_two_equal_words_still_ask_something(vectors):
    assert {answer.word for answer in vectors.analogy("king", "king", "man", 99)} == set(WORDS) - {"king", "man"}


def test_the_odd_one_stands_apart_from_the_others(compass):
    ranked = compass.odd_one_out(["east", "northeast", "southwest", "north"])
    assert ranked[0].word == "southwest"
    assert ranked == sorted(ranked, key=lambda answer: answer.cosine)
    cosines = {answer.word: answer.cosine for answer in ranked}
    # The others of southwest add up to the direction of northeast, and those of east to that of north.
    assert cosines["southwest"] == pytest.approx(-1, abs=1e-6)
    assert cosines["east"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("words", [[], ["king", "queen"], ["king", "king", "KING", " "]])
def test_fewer_than_three_different_words_have_no_odd_one(vectors, words):
    with pytest.raises(WordQuestionError, match="at least three different words"):
        vectors.odd_one_out(words)


def test_more_than_fifty_words_are_not_compared(vectors):
    with pytest.raises(WordQuestionError, match="That is 51 words; up to 50"):
        vectors.odd_one_out(["king"] * 51)


def test_words_lie_on_an_axis_from_its_left_to_its_right_end(compass):
    placed = compass.on_axis("west", "east", ["northeast", "north", "east", "southwest", "west"])
    assert [answer.word for answer in placed] == ["west", "southwest", "north", "northeast", "east"]
    half = np.sqrt(0.5)
    assert [answer.cosine for answer in placed] == pytest.approx([-1, -half, 0, half, 1], abs=1e-6)


def test_an_axis_needs_two_ends_and_a_word(compass):
    with pytest.raises(WordQuestionError, match="choose two different"):
        compass.on_axis("east", "EAST", ["north"])
    with pytest.raises(WordQuestionError, match="at least one word"):
        compass.on_axis("east", "west", [" "])


def test_in_the_plane_the_target_is_still_a_minus_b_plus_c(vectors):
    view = vectors.plane_of("king", "man", "woman", "queen")
    a, b, c, answer = view.points
    assert view.words == ["king", "man", "woman", "queen"]
    np.testing.assert_allclose(view.target, a - b + c, atol=1e-5)
    unit = vectors.unit[[1, 4, 5, 2]]
    assert np.linalg.norm(a - answer) <= np.linalg.norm(unit[0] - unit[3]) + 1e-6
    assert 0.4 < view.variance_kept < 1


def test_a_plane_that_holds_all_words_keeps_their_distances(compass):
    view = compass.plane_of("east", "north", "west", "southwest")
    assert view.variance_kept == pytest.approx(1)
    true = compass.unit[[0, 2, 3, 4]]
    for i in range(4):
        shown, real = (np.linalg.norm(points[i] - points[0]) for points in (view.points, true))
        assert shown == pytest.approx(real, abs=1e-5)


def test_gensim_reads_the_saved_text_back(vectors, tmp_path):
    path = vectors.save_text(tmp_path / "vectors.txt")
    read = KeyedVectors.load_word2vec_format(str(path))
    assert read.index_to_key == WORDS
    np.testing.assert_allclose(read.vectors, vectors.vectors, rtol=1e-5)
