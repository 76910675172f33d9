from __future__ import annotations

import numpy as np
import pytest
from gensim.models import KeyedVectors

from backends.analysis import analogies
from backends.analysis.analogies import LECTURE, Analogy, SectionScore
from backends.analysis.word_vectors import WordVectors
from backends.data.corpora import questions_words_path


@pytest.mark.slow
def test_the_test_set_is_scored_as_gensim_scores_it(speech_vectors):
    keyed = KeyedVectors(speech_vectors.dim)
    keyed.add_vectors(speech_vectors.words, speech_vectors.vectors)
    _, sections = keyed.evaluate_word_analogies(
        str(questions_words_path()), restrict_vocab=10**6, case_insensitive=True
    )
    by_gensim = {part["section"]: (len(part["correct"]), len(part["incorrect"])) for part in sections}

    scores = analogies.score_test_set(speech_vectors)
    total = analogies.total(scores)

    assert total.covered > 1000
    assert total.correct > 50
    for score in scores:
        correct, incorrect = by_gensim.get(score.section, (0, 0))
        assert (score.correct, score.covered) == (correct, correct + incorrect), score.section
    assert (total.correct, total.covered - total.correct) == by_gensim["Total accuracy"]


def test_every_question_of_the_test_set_is_counted(speech_vectors):
    scores = analogies.score_test_set(speech_vectors)
    assert len(scores) == 14
    assert analogies.total(scores).questions == 19_544


def test_an_answer_to_many_questions_is_the_answer_to_each(speech_vectors):
    known = tuple(q for q in LECTURE if q.answer in speech_vectors.index)
    assert len(known) >= 4
    for result in analogies.ask(speech_vectors, known):
        question = result.analogy
        ranked = speech_vectors.analogy(question.a, question.b, question.c, len(speech_vectors))
        assert result.answer == ranked[0].word
        assert result.cosine == pytest.approx(ranked[0].cosine, abs=1e-5)
        assert result.rank == 1 + [answer.word for answer in ranked].index(question.answer)
        assert result.correct == (ranked[0].word == question.answer)


def test_a_question_with_unknown_words_has_no_answer(speech_vectors):
    asked = (
        Analogy("king", "man", "xyzzy", "queen", "unknown c"),
        Analogy("nations", "nation", "country", "xyzzy", "unknown answer"),
        LECTURE[-1],
    )
    first, second, third = analogies.ask(speech_vectors, asked)
    assert (first.answer, first.rank, first.correct) == (None, None, False)
    assert second.answer in speech_vectors.index
    assert (second.rank, second.correct) == (None, False)
    (alone,) = analogies.ask(speech_vectors, (LECTURE[-1],))
    assert (third.answer, third.rank) == (alone.answer, alone.rank)
    assert [result.answer for result in analogies.ask(speech_vectors, asked[:1])] == [None]


def test_a_vocabulary_without_any_question_scores_zero():
    lone = WordVectors.build(["xyzzy"], np.ones(1, np.int64), np.ones((1, 2), np.float32))
    total = analogies.total(analogies.score_test_set(lone))
    assert (total.covered, total.correct, total.accuracy) == (0, 0, 0.0)


def test_accuracy_is_the_share_of_the_covered_questions():
    assert SectionScore("any", questions=10, covered=4, correct=1).accuracy == 0.25
