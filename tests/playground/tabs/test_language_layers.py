"""Words across layers, without a browser."""

from __future__ import annotations

import json
import re

import pytest

from backends.language.contexts import compare
from backends.language.trainer import TRAINERS, FrozenLanguage
from playground.session import Session
from playground.tabs import language_layers
from playground.tabs.language_state import LOADED
from tests.backends.language.conftest import CONFIGS, chain_lines

ATTACK = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def models() -> dict[str, FrozenLanguage]:
    """Fresh models, by method: what is asked here needs none that has learned something."""
    return {method: TRAINERS[method](config, text=chain_lines(100)).freeze() for method, config in CONFIGS.items()}


@pytest.fixture
def ready(session, models) -> Session:
    """A visitor whom small models answer."""
    session.uploads[LOADED] = {method: (model, f"A {method} for a test answers.") for method, model in models.items()}
    return session


def text(value: str) -> str:
    return re.sub(r"<[^>]+>", " ", value)


def shown(session: Session, first: object, second: object, method: object = "bert") -> list:
    language_layers.ask(session, method, first, second)
    return language_layers.views_of(session)


def test_without_a_model_a_line_says_what_to_do(session, monkeypatch):
    monkeypatch.setattr(language_layers, "model_of", lambda session, method: (None, "Press Train."))
    cosines, paths, line = language_layers.views_of(session)
    assert cosines is None
    assert paths is None
    assert "Press Train" in text(line)


@pytest.mark.parametrize("method", ["bert", "t5", "gpt"])
def test_a_shared_word_begins_at_one_and_the_line_says_where_it_ends(ready, method):
    cosines, _, line = shown(ready, "violin chord tempo", "oven chord soup", method)
    found = compare(ready.uploads[LOADED][method][0], "violin chord tempo", "oven chord soup")
    end = f"{found.shared[0].cosines[-1]:.2f}".replace("-", "−")
    assert f"chord {end}" in [note["text"] for note in json.loads(cosines)["layout"]["annotations"]]
    assert "In the table “chord” is one row, wherever it stands: 1.00" in text(line)
    assert f"{end} after the last block" in text(line)
    assert f"A {method} for a test answers" in text(line)


def test_words_of_two_rows_are_told_apart(ready):
    line = text(shown(ready, "the wave", "sail Wave")[2])
    assert "“wave / Wave” is two rows of the table" in line
    assert "In the table" not in line


def test_gpt_says_why_a_common_beginning_stays_together(ready):
    assert "nothing parts it" in text(shown(ready, "violin chord tempo", "violin chord drum", "gpt")[2])
    assert "nothing parts it" not in text(shown(ready, "violin chord tempo", "violin chord drum", "bert")[2])


def test_the_first_sentences_words_and_the_second_shared_word_are_drawn(ready):
    paths = json.loads(shown(ready, "violin chord tempo", "oven chord soup")[1])
    names = [note["text"] for note in paths["layout"]["annotations"]]
    assert names == ["violin", "chord", "tempo", "chord (2nd)"]


def test_of_a_long_sentence_the_first_words_and_the_shared_ones_are_drawn(ready):
    long = "wave sail harbour anchor tide reef captain gull violin drum melody oven flute"
    paths = json.loads(shown(ready, long, "soup flute")[1])
    names = [note["text"] for note in paths["layout"]["annotations"]]
    assert len(names) == language_layers.MOST_PATHS + 2
    assert "flute" in names


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("", "wave", "empty"),
        ("wave", "... !", "no word"),
        ("wave sail", "oven butter", "share no word"),
        (None, 7, "empty"),
    ],
)
def test_what_can_not_be_compared_is_answered_with_a_sentence_and_the_charts_stay(ready, first, second, said):
    cosines, paths, line = shown(ready, first, second)
    assert isinstance(cosines, dict)  # skipped
    assert isinstance(paths, dict)
    assert "problem" in line
    assert said in text(line)


def test_ten_thousand_words_are_cut_and_that_is_said(ready):
    line = shown(ready, "wave sail " * 5_000, "wave oven")[2]
    assert "10,000 words were cut" in text(line)


def test_markup_in_words_stays_text(ready):
    views = shown(ready, f"{ATTACK} wave", f"{ATTACK} sail")
    assert all("<img" not in view for view in views)
    assert "src" in views[0]


def test_a_strange_method_changes_nothing(ready):
    shown(ready, "wave", "wave sail", ["gpt"])
    assert language_layers.asked_of(ready).method == language_layers.FIRST_METHOD


@pytest.mark.parametrize("name", list(language_layers.EXAMPLES))
def test_examples_share_the_word_that_their_button_names(name):
    word = re.split(r"\W", name)[0]
    assert all(word in re.findall(r"\w+", sentence.casefold()) for sentence in language_layers.EXAMPLES[name])
