"""Passages of speeches: of one length, without years, as many of each century, and no speech on both sides."""

from __future__ import annotations

import re

import numpy as np

from backends.data.corpora import Speech
from backends.data.passages import (
    CENTURY,
    HELD_OUT_EACH,
    PASSAGE_WORDS,
    TRAINING_EACH,
    load_passages,
    passages_of,
    split_by_year,
)


def speech(year: int, passages: int = 4) -> Speech:
    return Speech(year, f"President{year}", tuple(f"word{number} " * PASSAGE_WORDS for number in range(passages)))


def test_no_speech_and_no_passage_stands_on_both_sides():
    train, held_out = load_passages()
    assert not set(train.names) & set(held_out.names)
    assert not set(train.groups.tolist()) & set(held_out.groups.tolist())
    assert not set(train.texts) & set(held_out.texts)


def test_there_are_as_many_passages_of_each_century_and_the_century_is_the_speech_s():
    for side, each in zip(load_passages(), (TRAINING_EACH, HELD_OUT_EACH), strict=True):
        century = side.factors[CENTURY]
        assert century.classes == ("1700s", "1800s", "1900s", "2000s")
        assert np.bincount(century.values).tolist() == [each] * 4
        assert century.chance == 0.25
        for name, value in zip(side.names, century.values, strict=True):
            assert f"{name.split(', ')[1][:2]}00s" == century.classes[value]


def test_no_passage_gives_its_century_away_by_length_by_a_year_or_by_who_typed_it():
    for side in load_passages():
        for text in side.texts:
            assert len(text.split()) == PASSAGE_WORDS
            assert not re.search(r"\b(1[4-9]|20)\d\d\b", text)
            assert not re.search(r"[\[\]—–]|--", text)


def test_stage_directions_go_and_what_is_left_at_the_end_is_no_passage():
    words = " ".join(f"w{number}" for number in range(PASSAGE_WORDS - 2))
    told = Speech(1962, "Kennedy", (f"{words} [Laughter] so—now", "and a few words (Applause) more"))
    passages = passages_of([told])
    assert passages.texts == (f"{words} so -",)
    assert passages.names == ("Kennedy, 1962",)
    assert passages_of([Speech(1962, "Kennedy", (f"{words} since 1861",))]).texts == ()


def test_a_quarter_of_each_century_s_years_is_held_out_whatever_their_speeches_number():
    years = [*range(1790, 1798), *range(1890, 1898), 1890]
    train, held_out = split_by_year(passages_of(map(speech, years)), training=20, held_out=8)
    assert len(set(held_out.groups.tolist())) == 4
    assert not set(train.groups.tolist()) & set(held_out.groups.tolist())
    assert np.bincount(held_out.factors[CENTURY].values).tolist() == [8, 8]
    assert np.bincount(train.factors[CENTURY].values).tolist() == [20, 20]


def test_a_subset_keeps_what_belongs_together():
    train, _ = load_passages()
    some = train.subset([700, 3])
    assert some.texts == (train.texts[700], train.texts[3])
    assert some.names == (train.names[700], train.names[3])
    assert some.factors[CENTURY].values.tolist() == [train.factors[CENTURY].values[i] for i in (700, 3)]
    assert some.groups.tolist() == [train.groups[700], train.groups[3]]
