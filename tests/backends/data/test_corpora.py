from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import pytest

from backends.data import corpora
from backends.data.corpora import BUILT_IN, OWN_TEXT, load_corpus, questions_words_path
from backends.data.text import TextError, TokenisedText, build_corpus
from backends.word2vec.config import Word2VecConfig


def test_everything_is_its_parts_and_has_the_size_that_is_told():
    everything = load_corpus("all")
    assert len(everything) == len(load_corpus("speeches")) + len(load_corpus("encyclopedia"))
    assert round(len(everything) / 1e6, 1) == 2.5
    assert "2.5 million words" in BUILT_IN["all"].title


def test_the_speeches_are_parted_at_1900_and_nothing_is_lost():
    speeches, before, since = (load_corpus(key) for key in ("speeches", "speeches-before-1900", "speeches-since-1900"))
    assert words_of(before) + words_of(since) == words_of(speeches)
    for text, title in ((before, "0.95 million"), (since, "1.06 million")):
        assert f"{len(text) / 1e6:.2f} million" == title
        assert any(f"({title} words)" in info.title for info in BUILT_IN.values())
    assert "railroads" in before.words
    assert not {"television", "airplane", "soviet"} & set(before.words)
    assert {"television", "airplane", "soviet"} <= set(since.words)


def words_of(text: TokenisedText) -> list[str]:
    return [text.words[i] for i in text.ids]


def test_every_built_in_text_can_be_chosen_and_tells_its_licence_and_source():
    assert [*BUILT_IN, OWN_TEXT] == list(get_args(Word2VecConfig.model_fields["corpus"].annotation))
    assert all(info.title and info.licence and info.source for info in BUILT_IN.values())
    assert BUILT_IN["speeches-since-1900"].source == BUILT_IN["speeches"].source


def test_everything_has_the_vocabulary_of_the_defaults():
    corpus = build_corpus(load_corpus("all"), 5)
    assert len(corpus.words) == 16_883
    assert corpus.words[0] == "the"
    assert {"king", "queen", "france", "spanish"} <= set(corpus.words)


def test_a_text_is_read_once_even_by_several_threads(monkeypatch):
    reads = []
    monkeypatch.setattr(corpora, "_cache", {})
    monkeypatch.setattr(corpora, "_read", lambda key: reads.append(key) or object())
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(load_corpus, ["speeches"] * 8))
    assert reads == ["speeches"]
    assert len(set(map(id, texts))) == 1


def test_an_unknown_text_is_refused_with_those_that_exist():
    with pytest.raises(TextError, match=r"no built-in text 'bible'; choose from all, speeches, .*, encyclopedia"):
        load_corpus("bible")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(corpora.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(TextError, match="pip install gensim"):
        questions_words_path()
