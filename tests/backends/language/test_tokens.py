"""Any text in, the same text out; a tokenizer from a stranger's file is refused or harmless."""

from __future__ import annotations

import json

import numpy as np
import pytest

from backends.language.text import clean_text
from backends.language.tokens import (
    END_ID,
    FIRST_ORDINARY,
    LINE_ID,
    MASK_ID,
    SENTINEL_ID,
    SENTINEL_NAMES,
    SPECIALS,
    START_ID,
    TextTokenizer,
)

STRANGE = [
    "wave sail",
    "naïve Zürich — 100 %",
    "🙂👩‍👩‍👧 emoji",
    "مرحبا بالعالم",
    "שלום עולם",
    "日本語のテキスト",
    "\ud800 lone \udfff",
    "a\x00b\x07",
    "<b onmouseover=alert(1)>",
    "x" * 5_000,
    "ﬁ e\u0301",
]


@pytest.mark.parametrize("text", STRANGE)
def test_every_text_comes_back(tokenizer, text):
    import unicodedata

    tokens = tokenizer.encode(text)
    assert tokenizer.decode(tokens.ids) == unicodedata.normalize("NFC", clean_text(text))
    assert len(tokens.pieces) == len(tokens.offsets) == len(tokens.words) == len(tokens)
    assert all(FIRST_ORDINARY <= number < len(tokenizer) for number in tokens.ids)


def test_the_lines_of_a_text_are_cut_as_each_would_be_alone(tokenizer):
    lines = [clean_text(line) for line in STRANGE]
    expected = [number for line in lines for number in [*tokenizer.encode(line).ids, LINE_ID]]
    assert tokenizer.encode_lines(lines).tolist() == expected
    assert tokenizer.encode_lines([]).tolist() == []


def test_frequent_words_are_one_token_and_offsets_point_at_them(tokenizer):
    tokens = tokenizer.encode("  violin  chord tempo.")
    assert tokens.pieces == ("violin", "chord", "tempo", ".")
    assert [tokens.text[a:b] for a, b in tokens.offsets] == ["violin", "chord", "tempo", "."]
    assert tokens.words == (0, 1, 2, 3)


def test_a_words_places_are_all_its_tokens(tokenizer):
    tokens = tokenizer.encode("violin unheard-of quartz")
    quartz = tokens.places_of_word(tokens.words[-1])
    assert len(quartz) > 1
    assert "".join(tokens.pieces[place] for place in quartz).removeprefix("␣") == "quartz"


def test_marks_are_read_only_where_they_are_meant(tokenizer):
    tokens = tokenizer.encode("violin [MASK], tempo<X>choir")
    specials = [number for number in tokens.ids if number < FIRST_ORDINARY]
    assert specials == [MASK_ID, SENTINEL_ID]
    assert tokens.text[slice(*tokens.offsets[1])] == "[MASK]"
    plain = tokenizer.encode("violin [MASK], tempo<X>choir [START]", marks=())
    assert min(plain.ids) >= FIRST_ORDINARY
    assert min(tokenizer.encode_lines(["[MASK] <X> [END]"])[:-1]) >= FIRST_ORDINARY


def test_parts_of_a_character_are_shown_as_such(tokenizer):
    assert tokenizer.encode("🙂").pieces[-1] == "🙂 4/4"


def test_specials_are_numbered_first_and_sentinels_in_order():
    assert SPECIALS[START_ID] == "[START]"
    assert SPECIALS[END_ID] == "[END]"
    assert SPECIALS[SENTINEL_ID : SENTINEL_ID + 3] == ("<X>", "<Y>", "<Z>")
    assert len(set(SENTINEL_NAMES)) == 26


def test_a_sentence_ends_at_a_stop(tokenizer):
    ids = tokenizer.encode("violin. chord").ids
    assert [bool(tokenizer.ends_sentence[number]) for number in ids] == [False, True, False]
    assert tokenizer.ends_sentence[LINE_ID]


def test_json_round_trip(tokenizer):
    again = TextTokenizer.from_json(tokenizer.to_json())
    text = " ".join(STRANGE)
    assert again.encode(text) == tokenizer.encode(text)
    assert len(again) == len(tokenizer) <= 512
    assert np.array_equal(again.ends_sentence, tokenizer.ends_sentence)


@pytest.mark.parametrize(
    "told",
    [
        "",
        "[]",
        "{}",
        '{"merges": 1}',
        '{"merges": [["a"]]}',
        '{"merges": [["a", 1]]}',
        '{"merges": [["no", "such"]]}',
        '{"merges": [["[MASK]", "a"]]}',
        '{"merges": [], "pre_tokenizer": {}}',
        json.dumps({"merges": [["a", "b"]] * 9_000}),
        json.dumps({"merges": [["a" * 2**i, "a" * 2**i] for i in range(7)]}),
        "[" * 100_000,
        " " * (2 << 20),
    ],
)
def test_what_is_no_tokenizer_is_refused(told):
    with pytest.raises(ValueError, match=r"tokenizer|Expecting"):
        TextTokenizer.from_json(told)
