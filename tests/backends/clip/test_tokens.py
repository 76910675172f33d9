"""Captions as tokens."""

from __future__ import annotations

import numpy as np
import pytest

from backends.clip.tokens import LONGEST, CaptionTokenizer, words_of

CAPTIONS = ["red apple", "green apple", "piñata", "red heart", "an emoji of red apple", "o-k hand"]


@pytest.fixture(scope="module")
def tokenizer() -> CaptionTokenizer:
    return CaptionTokenizer.learn(CAPTIONS)


def test_each_caption_ends_and_is_padded_with_zeros(tokenizer):
    ids = tokenizer.encode(["red apple", "red"])
    assert ids[0, -1] == tokenizer.end
    assert ids[1].tolist().index(tokenizer.end) < ids.shape[1] - 1
    assert ids[1, -1] == 0
    assert (ids < len(tokenizer)).all()


def test_case_and_accents_make_no_difference(tokenizer):
    assert np.array_equal(tokenizer.encode(["Red APPLE"]), tokenizer.encode(["red apple"]))
    assert np.array_equal(tokenizer.encode(["pinata"]), tokenizer.encode(["piñata"]))


def test_unseen_words_are_named_once_and_in_order(tokenizer):
    reading = tokenizer.read("a Purple apple, purple zebra")
    assert reading.unseen == ("a", "purple", "zebra")
    assert not reading.cut


def test_long_prompts_are_cut_and_it_is_said(tokenizer):
    prompt = "apple " * 40
    assert tokenizer.read(prompt).cut
    assert tokenizer.encode([prompt]).shape[1] <= LONGEST


def test_an_empty_prompt_has_an_end_alone(tokenizer):
    assert tokenizer.encode([""]).tolist() == [[tokenizer.end]]


def test_the_file_form_gives_the_same_tokens_and_refuses_what_is_none(tokenizer):
    again = CaptionTokenizer.from_json(tokenizer.to_json(), sorted(tokenizer.known))
    assert np.array_equal(again.encode(CAPTIONS), tokenizer.encode(CAPTIONS))
    assert again.read("purple").unseen == ("purple",)
    for text in ("", "{}", "[1, 2", '{"model": 3}'):
        with pytest.raises(ValueError, match="tokenizer"):
            CaptionTokenizer.from_json(text, [])


def test_words_are_what_the_tokenizer_sees():
    assert words_of("  Café, o-k! ") == ("cafe", "o", "k")
