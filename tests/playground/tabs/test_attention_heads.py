"""Heads of a trained model: what a text, a model or a silenced head makes of the page."""

from __future__ import annotations

import html
import json
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from backends.attention.head_roles import Role
from backends.attention.heads import AttentionStack, Guess, HeadReading, Prediction
from backends.engine.checkpoints import CheckpointError
from backends.language import shipped as shipped_language
from backends.language.trainer import TRAINERS, FrozenLanguage
from playground import shell
from playground.tabs import attention_heads, attention_recall, language_state
from playground.tabs.attention_heads import (
    EXAMPLES,
    EXAMPLES_OF,
    FOLDER,
    KNOWN,
    LANGUAGE,
    SHIPPED,
    asked_of,
    kind_of,
    model_choices,
    open_inside,
    output_html,
    shown,
    telling_head,
    view_of,
)
from tests.backends.language.conftest import CONFIGS, chain_lines

ATTACK = "<img src=x onerror=window.hacked=1>"
MODEL, TEXT, PICTURE, NOTE, OUTPUT, VIEW, TEXTS, FIRST_EXAMPLE = range(8)
SKIPPED = gr.skip()
REQUEST = SimpleNamespace(session_hash="page")


@pytest.fixture(scope="module")
def fresh() -> dict[str, FrozenLanguage]:
    """Untrained models of the three methods, and a T5 that puts sentences in order."""
    configs = {name: config.with_changes(length=128) for name, config in CONFIGS.items()}  # letters are tokens here
    configs["sentences"] = configs["t5"].with_changes(objective="sentences")
    return {
        name: TRAINERS["t5" if name == "sentences" else name](config, text=chain_lines(60)).freeze()
        for name, config in configs.items()
    }


@pytest.fixture
def own(session, fresh) -> dict[str, FrozenLanguage]:
    """A run of all three in the Language tab."""
    models = {method: fresh[method] for method in CONFIGS}
    session.runs[language_state.TAB] = SimpleNamespace(frozen=SimpleNamespace(models=models))
    return models


@pytest.fixture
def none_shipped(monkeypatch):
    def load(name):
        raise CheckpointError("missing")

    monkeypatch.setattr(shipped_language, "load", load)
    monkeypatch.setattr(shipped_language, "origin", load)


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


@pytest.mark.parametrize("choice", [KNOWN + "no-such-model", FOLDER + "../../etc", LANGUAGE + "x", "<script>", ""])
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


@pytest.mark.parametrize("method", CONFIGS)
def test_a_model_of_the_language_tab_is_read_as_it_is_now(store, session, own, method):
    values = shown(store, session, change_to=LANGUAGE + method)
    assert values[MODEL] == LANGUAGE + method
    assert html.escape("Your own") in values[NOTE]
    assert "after 0 steps" in values[NOTE]
    stacks = [view["name"] for view in json.loads(values[VIEW])["views"]]
    assert stacks == {"bert": ["encoder"], "t5": ["encoder", "decoder", "cross"], "gpt": ["decoder"]}[method]
    assert values[FIRST_EXAMPLE:] == list(EXAMPLES_OF[kind_of(own[method])])
    assert values[TEXT]["value"] == next(iter(EXAMPLES_OF[kind_of(own[method])].values()))


@pytest.mark.parametrize(("name", "mark"), [("bert", "[MASK]"), ("t5", "<X>"), ("gpt", None), ("sentences", None)])
def test_every_example_fits_its_model(store, session, fresh, name, mark):
    method = "t5" if name == "sentences" else name
    session.uploads[language_state.LOADED] = {method: (fresh[name], "Loaded.")}
    examples = EXAMPLES_OF[kind_of(fresh[name])]
    assert len(examples) == len(EXAMPLES), "there are as many buttons"
    for text in examples.values():
        assert (mark is None) == all(other not in text for other in ("[MASK]", "<X>"))
        asked_of(session).text = text
        note = shown(store, session, change_to=LANGUAGE + method)[NOTE]
        assert "Write" not in note, "no hint of what is lacking"


def test_a_text_of_ones_own_stays_when_the_model_changes(store, session, own):
    asked_of(session).text = "Mine, all mine."
    assert shown(store, session, change_to=LANGUAGE + "bert")[TEXT]["value"] == "Mine, all mine."
    assert "Write [MASK]" in shown(store, session)[NOTE]


def test_a_run_that_shrank_forgets_silenced_heads_that_it_no_longer_has(store, session, own):
    shown(store, session, change_to=LANGUAGE + "bert")
    asked_of(session).silenced = (("encoder", 0, 1), ("encoder", 5, 0))
    assert json.loads(shown(store, session)[VIEW])["silenced"] == [["encoder", 0, 1]]


def test_the_choices_say_whose_model_it_is(store, session, own, fresh):
    def labels():
        return {value: label for label, value in model_choices(store, session) if value.startswith(LANGUAGE)}

    assert labels()[LANGUAGE + "bert"] == "Your own BERT of the Language tab"
    session.uploads[language_state.LOADED] = {"bert": (fresh["bert"], "Loaded.")}
    assert labels()[LANGUAGE + "bert"] == "BERT of the Language tab", "what was loaded answers"
    session.drive(language_state.TAB)
    assert labels()[LANGUAGE + "bert"] == "Your own BERT of the Language tab", "what is trained now answers"
    del own["bert"]
    assert labels()[LANGUAGE + "bert"] == "BERT of the Language tab"
    assert {value for _, value in model_choices(store)} == {value for _, value in model_choices(store, session)}


@pytest.mark.usefixtures("none_shipped")
def test_without_run_and_shipped_model_it_says_where_to_train_one(store, session):
    values = shown(store, session, change_to=LANGUAGE + "t5")
    assert "train one in the Language tab" in values[NOTE]
    assert values[MODEL] == SHIPPED
    assert "press Train" in open_inside(session, "t5")
    assert asked_of(session).model == SHIPPED


def test_look_inside_chooses_the_model_and_an_example_that_fits(session, own):
    assert open_inside(session, "bert") == ""
    assert asked_of(session).model == LANGUAGE + "bert"
    assert "[MASK]" in asked_of(session).text


def test_look_inside_knows_the_three_only_and_escapes_what_came(session):
    said = open_inside(session, ATTACK)
    assert "problem" in said
    assert "<img" not in said
    assert asked_of(session).model == SHIPPED


@pytest.mark.parametrize("mounted", [True, False])
def test_the_button_says_so_where_the_page_has_no_attention_tab(store, session, own, mounted):
    with gr.Blocks() as page:
        button, note = gr.Button(), gr.HTML()
        attention_heads.wire_inside(store, button, note, "gpt")
        if mounted:  # built later than the button
            attention_heads.lay_out_heads(store)
    ask, go = page.fns.values()
    said = ask.fn(REQUEST)
    assert ("no Attention tab" in said) != mounted
    assert asked_of(session).model == (LANGUAGE + "gpt" if mounted else SHIPPED)
    assert f'openTab("{shell.labels()[attention_recall.TAB]}")' in go.js, "by the name that the page gives it"


def test_the_operators_models_stand_between_ours_and_the_known_ones(store):
    class Folder:
        def names(self):
            return ["mine"]

    store.model_folder = Folder()
    values = [value for _, value in model_choices(store)]
    assert values[:5] == [SHIPPED, LANGUAGE + "bert", LANGUAGE + "t5", LANGUAGE + "gpt", FOLDER + "mine"]
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
