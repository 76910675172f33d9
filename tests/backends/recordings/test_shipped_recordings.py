"""The shipped recordings are what the command writes, and show what the lecture says."""

from __future__ import annotations

import pytest

from backends.engine.methods import METHODS
from backends.recordings.files import MAX_FILE_BYTES, load, path_of
from backends.recordings.recipes import COMMAND, LANGUAGE, NAMES, recipes


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_recording_has_its_card_and_its_curves(name):
    made, recipe = load(name), recipes()[name]
    assert made.name == name
    assert path_of(name).stat().st_size <= MAX_FILE_BYTES / 2
    assert made.card.made_by == f"{COMMAND} {name}"
    assert made.card.seconds > 3
    assert made.card.torch
    assert made.card.machine[0].isdigit()
    assert list(made.card.settings) == [track.name for track in recipe.tracks]
    assert all(settings["seed"] == made.card.seed for settings in made.card.settings.values())
    assert [line.label for line in made.lines] == [curve.label for track in recipe.tracks for curve in track.curves]
    assert (made.title, made.value_title, made.share) == (recipe.title, recipe.value_title, recipe.share)
    assert (made.pictures is not None) == (recipe.pictures is not None)


@pytest.mark.parametrize("name", NAMES)
def test_its_settings_are_those_that_the_recipe_trains_with_now(name):
    for method, settings in load(name).card.settings.items():
        assert METHODS[method].config.parse(settings).model_dump() == settings


def last(name: str) -> list[float]:
    return [line.values[-1] for line in load(name).lines]


def test_the_transformer_recalls_what_the_lstm_does_not():
    transformer, lstm = last("recall")
    assert transformer > 0.9
    assert lstm < 0.3


def test_colours_are_kept_or_jittered_away_and_shapes_come_in_their_place():
    kept, jittered, shape_kept, shape_jittered = last("simclr")
    assert kept > 0.95 > 0.6 > jittered
    assert shape_jittered > shape_kept + 0.1


def test_what_is_hidden_is_painted_better_than_guessed():
    for name in ("mae", "inpainting"):
        (line,) = load(name).lines
        guess = load(name).guess
        assert guess is not None
        assert line.values[-1] < guess[1]
        assert line.values[-1] < 0.7 * line.values[0]


def test_of_what_is_asked_more_is_answered_at_the_end():
    for name in ("word2vec", "rotation", "clip"):
        for line in load(name).lines:
            assert line.values[-1] > 1.5 * line.values[0]
            assert line.values[-1] >= 0.9 * max(line.values)
    assert load("word2vec").card.step_unit == "words"
    assert load("word2vec").said[-1].text.endswith("= queen")


def test_language_models_beat_the_counter():
    assert len(last("language")) == len(LANGUAGE)
    assert all(value < 1 for value in last("language"))
