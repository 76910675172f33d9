"""News as sentences, their topics and headlines, and which are near which in a model's space."""

from __future__ import annotations

import numpy as np
import pytest

from backends.data.pictures import Factor
from backends.language import sentences
from backends.language.sentences import NewsReading, NewsVectors, Space, headlines_of, load_news, news_of, space_of
from backends.language.use import LanguageError, sentence_vectors

CHAINS = (
    "violin chord tempo choir drum melody concert flute.",
    "melody concert flute violin chord tempo choir drum.",
    "oven butter flour whisk plate soup garlic knife.",
    "plate soup garlic knife oven butter flour whisk.",
    "wave sail harbour anchor tide reef captain gull.",
    "tide reef captain gull wave sail harbour anchor.",
)


@pytest.fixture
def chains(monkeypatch) -> sentences.News:
    """Two sentences of each topic of the tiny models' text, taken for the news."""
    classes = ("music", "kitchen", "sea")
    topics = np.repeat(np.arange(3), 2)
    news = sentences.News(CHAINS, CHAINS, topics, Factor("topic", "topic", classes, topics))
    monkeypatch.setattr(sentences, "load_news", lambda: news)
    return news


def test_the_news_are_hundreds_of_distinct_sentences_with_stories_topics_and_headlines():
    news = load_news()
    assert 500 <= len(news) <= 1_000
    assert len(set(news.sentences)) == len(news) == len(news.headlines) == len(news.stories) == len(news.topic.values)
    assert np.bincount(news.stories).max() <= sentences.PER_STORY
    assert all(name and len(name) <= sentences.HEADLINE_CHARS for name in news.headlines)
    assert (news.topic.values == news.topic.classes.index("other")).mean() < 0.25
    cricket = next(
        i for i, text in enumerate(news.sentences) if text.startswith("Australia has beaten South Africa by")
    )
    assert news.topic.classes[news.topic.values[cricket]] == "sport"


def test_a_story_gives_its_first_sentences_of_fitting_length_and_no_quotation():
    first = "The team won the second match of the season at home."
    story = f'{first} "We are glad that we have won it," said one of the players. Short. {first}'
    news = news_of([story, f"{first} The bank raised the rates of all its loans again today."])
    assert news.sentences == (first, "The bank raised the rates of all its loans again today.")
    assert news.stories.tolist() == [0, 1]


def test_a_story_of_few_topical_words_counts_as_other():
    news = news_of(["The queen spoke of faith and hope at the end of the year."])
    assert [news.topic.classes[value] for value in news.topic.values] == ["other"]


def test_headlines_take_names_that_come_more_than_once_before_plain_words():
    told = headlines_of(
        ["Yesterday the people of Tasmania voted.", "Rain fell upon Tasmania."] + ["Others slept."] * 60
    )
    assert told[:2] == ("Tasmania", "Tasmania")
    assert headlines_of(["It is so."]) == ("It is so.",)


def test_whitened_vectors_have_no_mean_and_the_same_spread_in_all_directions():
    random = np.random.default_rng(0)
    vectors = (random.normal(size=(400, 6)) * [9, 3, 1, 1, 0.3, 0] + 5).astype(np.float32)
    white = space_of(vectors, "whitened").of(vectors)
    assert white.shape == (400, 5)  # the flat direction is left out
    np.testing.assert_allclose(white.T @ white / 400, np.eye(5), atol=1e-3)
    np.testing.assert_allclose(space_of(vectors, "centred").of(vectors), vectors - vectors.mean(axis=0), atol=1e-5)
    np.testing.assert_array_equal(space_of(vectors, "plain").of(vectors), vectors)
    with pytest.raises(LanguageError, match="no space"):
        space_of(vectors, "odd")


def test_the_share_of_the_same_story_is_counted_as_by_hand(chains):
    vectors = np.array([[1, 0], [1, 0.1], [0, 1], [1, 0.2], [-1, 0], [-1, 0.1]], np.float32)
    found = NewsVectors(chains, Space(np.zeros(2, np.float32), np.eye(2, dtype=np.float32)), vectors)
    assert found.same_story == pytest.approx(4 / 6)
    assert found.chance == pytest.approx(1 / 5)
    assert [index for index, _ in found.nearest(0, 2)] == [1, 3]
    assert found.nearest(0, 1)[0][1] == pytest.approx(1 / np.sqrt(1.01))
    assert [index for index, _ in found.nearest_to(np.array([0, 2], np.float32), 1)] == [2]


def test_a_trained_model_finds_the_sentence_of_the_same_words(trained, chains):
    frozen = trained["bert"].freeze()
    reading = sentences.read_news(frozen)
    np.testing.assert_allclose(reading.vectors, sentence_vectors(frozen, CHAINS))
    assert reading.in_space("centred").same_story == 1
    vector, note = sentences.read_sentence(frozen, "butter flour whisk plate soup")
    assert note == ""
    space = reading.in_space("centred").space
    nearest = reading.in_space("centred").nearest_to(space.of(vector[None])[0], 2)
    assert {index for index, _ in nearest} == {2, 3}


def test_the_news_are_read_once_for_each_frozen_model(trained, chains):
    frozen, other = trained["bert"].freeze(), trained["bert"].freeze()
    assert not sentences.has_read(frozen)
    first = sentences.read_news(frozen)
    assert sentences.read_news(frozen) is first
    assert sentences.has_read(frozen)
    assert first.in_space("whitened") is first.in_space("whitened")
    assert sentences.read_news(other) is not first
    assert isinstance(first, NewsReading)


@pytest.mark.parametrize("text", ["", "   ", "wave", None, 3])
def test_what_is_no_sentence_is_refused(trained, text):
    with pytest.raises(LanguageError):
        sentences.read_sentence(trained["bert"].freeze(), text)


def test_a_sentence_of_ten_thousand_words_is_cut_and_that_is_said(trained):
    vector, note = sentences.read_sentence(trained["gpt"].freeze(), "wave sail " * 5_000)
    assert np.isfinite(vector).all()
    assert "10,000 words were cut" in note
