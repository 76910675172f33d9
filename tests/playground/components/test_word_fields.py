"""The list of known words is data, bounded, and never markup."""

from __future__ import annotations

import json

from playground.components.word_fields import COMPLETED_WORDS, LIST_ID, list_value, word_box, word_list

EVIL = ["</datalist><script>alert(1)</script>", "<img src=x onerror=alert(1)>", 'a"b', "naïve", "${alert(1)}"]


def test_words_come_back_from_the_list_as_they_were():
    assert json.loads(list_value(EVIL)) == EVIL


def test_the_most_frequent_words_are_listed_up_to_a_bound():
    words = [f"w{i}" for i in range(COMPLETED_WORDS + 5)]
    assert json.loads(list_value(words)) == words[:COMPLETED_WORDS]
    assert json.loads(list_value([])) == []


def test_the_lists_markup_holds_no_word():
    listed = word_list("words")
    assert listed.html_template == f'<datalist id="{LIST_ID}"></datalist>'
    assert "value" not in listed.html_template


def test_the_lists_script_sets_words_as_values_only():
    script = word_list("words").js_on_load
    assert "option.value = word" in script
    assert not any(way in script for way in ("innerHTML", "insertAdjacentHTML", "document.write", "outerHTML"))


def test_a_word_box_is_short_and_completes():
    box = word_box("a", "king", "box", placeholder="<b>")
    assert (box.value, box.max_lines, box.max_length) == ("king", 1, 80)
    assert "word-box" in box.elem_classes
    assert box.placeholder == "&lt;b&gt;"
