"""The encoders of text: their features are those of the models themselves, and what they have read before is said."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from backends.data.passages import PassageSet, load_passages
from backends.data.text import find_words
from backends.engine.checkpoints import CheckpointError
from backends.language import shipped as language
from backends.language.tokens import PADDING_ID, START_ID
from backends.language.use import sentence_vectors
from backends.transfer import encoders
from backends.transfer.config import BAG_OF_WORDS, UNTRAINED_BERT
from backends.transfer.encoder import Encoder, EncoderError
from backends.word2vec import shipped as word2vec
from tests.backends.transfer.conftest import assert_starts_anew

load_encoder = partial(encoders.load_encoder, size=32, data="speeches")


@pytest.fixture(scope="module")
def passages() -> PassageSet:
    """Six of different centuries, one of them without a known word and one far too long."""
    _, held_out = load_passages()
    some = held_out.subset(range(0, 480, 80))
    return replace(some, texts=("Zzyzx qwrtp", some.texts[1] * 3, *some.texts[2:]))


def features_of(encoder: Encoder, passages: PassageSet) -> np.ndarray:
    return encoder.embed(encoder.read(passages)).numpy()


@pytest.mark.parametrize("name", ["bert", "gpt"])
def test_a_language_model_s_features_are_the_mean_of_its_last_layer(name, passages):
    encoder = load_encoder(name)
    expected = sentence_vectors(language.load(name), passages.texts)
    np.testing.assert_allclose(features_of(encoder, passages), expected, rtol=1e-3, atol=1e-4)


def test_tokens_begin_with_the_start_and_end_in_padding(passages):
    encoder = load_encoder("bert")
    rows = encoder.read(passages)
    assert rows.shape == (6, language.load("bert").config.length)
    assert (rows[:, 0] == START_ID).all()
    assert rows[0, -1] == PADDING_ID
    assert (rows[1] != PADDING_ID).all()


def test_word2vec_s_features_are_the_mean_of_the_words_and_nothing_known_is_zero(passages):
    vectors = word2vec.load().vectors
    features = features_of(load_encoder("word2vec"), passages)
    assert not features[0].any()
    known = [vectors.vectors[vectors.index[word]] for word in find_words(passages.texts[2]) if word in vectors.index]
    np.testing.assert_allclose(features[2], np.mean(known, axis=0), rtol=1e-4, atol=1e-6)


def test_a_bag_counts_words_whatever_their_order(passages):
    encoder = load_encoder(BAG_OF_WORDS)
    vectors = word2vec.load().vectors
    told = replace(passages.subset([0, 1]), texts=("The people, the Congress", "Congress the the PEOPLE"))
    features = features_of(encoder, told)
    np.testing.assert_array_equal(features[0], features[1])
    assert features[0, vectors.index["the"]] == 2
    assert features[0].sum() == 4
    assert (encoder.net, encoder.fresh, encoder.learned) == (None, None, False)


@pytest.mark.parametrize("name", ["bert", "gpt", UNTRAINED_BERT])
def test_a_language_model_can_start_anew(name):
    encoder = load_encoder(name)
    assert encoder.learned == (name != UNTRAINED_BERT)
    assert_starts_anew(encoder)


def test_the_untrained_model_is_always_the_same(passages):
    first, again = (features_of(load_encoder(UNTRAINED_BERT), passages) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, features_of(load_encoder("bert"), passages))


def test_a_visitor_s_own_models_are_taken_with_their_steps(passages):
    frozen = replace(language.load("gpt"), step=7)
    encoder = load_encoder("own-gpt", run=frozen)
    assert (encoder.title, encoder.steps) == ("Your GPT", 7)
    np.testing.assert_array_equal(features_of(encoder, passages), features_of(load_encoder("gpt"), passages))
    words = load_encoder("own-word2vec", run=word2vec.load().vectors)
    np.testing.assert_array_equal(features_of(words, passages), features_of(load_encoder("word2vec"), passages))


def test_what_an_encoder_has_read_before_is_said():
    (told,) = load_encoder("bert").origin_notes("speeches")
    assert told == (
        "BERT has read these speeches in its training, the held-out ones too; when each was given, nobody told it."
    )
    frozen = language.load("bert")
    for corpus, said in (("encyclopedia", "these speeches are new to it"), ("own", "the text that you gave it")):
        run = replace(frozen, config=frozen.config.with_changes(corpus=corpus))
        (told,) = load_encoder("own-bert", run=run).origin_notes("speeches")
        assert said in told
    for name in (UNTRAINED_BERT, BAG_OF_WORDS):
        assert list(load_encoder(name).origin_notes("speeches")) == []


@pytest.mark.parametrize(
    ("name", "run", "sentence"),
    [
        ("own-bert", None, "No BERT run of yours is here yet: train one in the tab Language first, or choose another"),
        ("own-word2vec", None, "No word2vec run of yours is here yet: train one in the tab Word2Vec first"),
        ("own-bert", language.load("gpt"), "Your BERT is no BERT: choose a run that trains one."),
        ("own-gpt", SimpleNamespace(), "Your GPT is no GPT: choose a run that trains one."),
        ("own-word2vec", object(), "Your word2vec has no vectors of words: choose a run of word2vec."),
    ],
)
def test_what_can_not_be_had_is_said_in_one_sentence(name, run, sentence):
    with pytest.raises(EncoderError) as refused:
        load_encoder(name, run=run)
    assert str(refused.value).startswith(sentence)
    assert str(refused.value).count(". ") == 0


def test_a_missing_file_is_named(monkeypatch):
    def missing(name: str) -> None:
        raise CheckpointError("bert.safetensors is missing.")

    monkeypatch.setattr(language, "load", missing)
    with pytest.raises(EncoderError, match=r"^BERT can't be had \(bert.safetensors is missing\): choose another one"):
        load_encoder("bert")
