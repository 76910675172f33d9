"""Heads of a trained model: what a text, a model or a silenced head makes of the page."""

from __future__ import annotations

import json

import gradio as gr
import numpy as np
import pytest

from backends.attention.head_roles import Role
from backends.attention.heads import AttentionStack, Guess, HeadReading, Prediction
from playground.tabs.attention_heads import (
    EXAMPLES,
    FOLDER,
    KNOWN,
    SHIPPED,
    asked_of,
    model_choices,
    output_html,
    shown,
    telling_head,
    view_of,
)

ATTACK = "<img src=x onerror=window.hacked=1>"
MODEL, TEXT, PICTURE, NOTE, OUTPUT, VIEW = range(6)
SKIPPED = gr.skip()


def test_the_shipped_model_reads_the_first_example_at_once(store, session):
    values = shown(store, session)
    packed = json.loads(values[VIEW])
    view = packed["views"][0]
    assert (view["layers"], view["heads"]) == (4, 4)
    assert "president" in "".join(view["rows"])
    assert "Most likely" in values[OUTPUT]
    assert "Trained earlier by this project" in values[NOTE], "off the card"
    assert view["begin"] != [0, 0], "a head whose role says something"


def test_silenced_heads_change_the_output_and_say_so(store, session):
    asked_of(session).silenced = (("decoder", 0, 0), ("decoder", 1, 2))
    values = shown(store, session)
    assert "Without head 1.1, head 2.3." in values[OUTPUT]
    assert json.loads(values[VIEW])["silenced"] == [["decoder", 0, 0], ["decoder", 1, 2]]


def test_a_text_that_cannot_be_read_says_so_and_leaves_what_is_shown(store, session):
    asked_of(session).text = "  "
    values = shown(store, session)
    assert "write a sentence" in values[NOTE]
    assert [values[OUTPUT], values[VIEW]] == [SKIPPED, SKIPPED]


def test_ten_thousand_words_are_cut_and_it_is_said(store, session):
    asked_of(session).text = "peace " * 10_000
    values = shown(store, session)
    assert "10,000 words were cut to 128 tokens" in values[NOTE]


@pytest.mark.parametrize("choice", [KNOWN + "no-such-model", FOLDER + "../../etc", "<script>", ""])
def test_a_model_that_cannot_be_had_leaves_the_present_one(store, session, choice):
    values = shown(store, session, change_to=choice)
    if choice == "":
        assert values[MODEL] == SHIPPED
        return
    assert values[MODEL] == SHIPPED
    assert "problem" in values[NOTE]
    assert asked_of(session).model == SHIPPED


def test_what_a_visitor_writes_is_never_markup(store, session):
    asked_of(session).text = ATTACK
    values = shown(store, session)
    assert "<img" not in values[OUTPUT]
    assert "<img" not in values[VIEW]
    prediction = Prediction(f"after “{ATTACK}”", (Guess(ATTACK, 0.5),))
    result = HeadReading("a model", (), "", ATTACK, (prediction,))
    assert "<img" not in output_html(result)


def test_the_operators_models_stand_between_ours_and_the_known_ones(store):
    class Folder:
        def names(self):
            return ["mine"]

    store.model_folder = Folder()
    values = [value for _, value in model_choices(store)]
    assert values[:2] == [SHIPPED, FOLDER + "mine"]
    assert KNOWN + "gpt2" in values


def test_patches_of_a_picture_come_with_the_picture():
    weights = np.full((1, 1, 5, 5), 0.2, np.float32)
    names = tuple("abcde")
    stack = AttentionStack("encoder", names, names, weights, special_rows=(0,), special_columns=(0,), grid_side=2)
    view = view_of(stack, np.zeros((8, 8, 3), np.uint8))
    assert view.picture is not None
    assert (view.picture.grid, view.picture.first) == ((2, 2), 1)


def test_every_example_can_be_read(store, session):
    for text in EXAMPLES.values():
        asked_of(session).text = text
        assert "problem" not in shown(store, session)[NOTE]


def test_the_first_head_shown_is_the_one_whose_role_says_most():
    roles = [[Role("first token", 0.9), Role("previous token", 0.5)], [Role("repeat", 0.8), Role("broad", 0.99)]]
    assert telling_head(roles) == (1, 0)
    assert telling_head([[Role("mixed", 0.3)]]) == (0, 0)
