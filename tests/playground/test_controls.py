"""Widgets come from the config, and what they send is checked by it."""

from __future__ import annotations

import math

import gradio as gr
import pytest

from backends.engine.config import ConfigError
from backends.word2vec.config import Word2VecConfig
from playground import controls
from tests.playground.fakes import FakeConfig


def controls_of(config):
    widgets = controls.build_advanced(config, "x") | controls.build_essential(config, "x")
    return controls.in_config_order(config, widgets)


@pytest.mark.parametrize("config", [FakeConfig, Word2VecConfig])
def test_there_is_one_widget_per_setting_in_the_order_of_the_config(config):
    made = controls_of(config)
    assert list(made.widgets) == [info.name for info in config.settings()]
    assert made.inputs == list(made.widgets.values())


@pytest.mark.parametrize("config", [FakeConfig, Word2VecConfig])
def test_essential_and_advanced_settings_are_apart(config):
    essential, advanced = controls.build_essential(config, "x"), controls.build_advanced(config, "x")
    assert set(essential) == {info.name for info in config.settings() if info.essential}
    assert set(advanced) == {info.name for info in config.settings() if not info.essential}


@pytest.mark.parametrize("config", [FakeConfig, Word2VecConfig])
def test_ranges_defaults_and_texts_are_those_of_the_config(config):
    widgets = controls_of(config).widgets
    for info in config.settings():
        widget = widgets[info.name]
        assert widget.value == info.default
        assert widget.info.startswith(info.description)
        assert info.label in widget.label
        if info.choices:
            assert widget.choices == [(text, key) for key, text in info.choices.items()]
        elif isinstance(widget, gr.Slider):
            assert (widget.minimum, widget.maximum) == (info.minimum, info.maximum)
        else:
            assert (widget.minimum, widget.maximum) == (None, None), "the config refuses, in its own sentence"


def test_each_kind_of_setting_has_its_kind_of_widget():
    widgets = controls_of(FakeConfig).widgets
    kinds = {name: type(widget) for name, widget in widgets.items()}
    assert kinds == {"slices": gr.Slider, "rate": gr.Number, "shape": gr.Dropdown, "seed": gr.Number}
    assert widgets["seed"].label == "Seed"
    assert widgets["seed"].precision == 0
    assert widgets["rate"].precision is None
    assert widgets["seed"].elem_id == "x-seed"


@pytest.mark.parametrize("config", [FakeConfig, Word2VecConfig])
def test_the_values_of_the_widgets_make_the_default_config(config):
    made = controls_of(config)
    assert made.read([widget.value for widget in made.inputs]) == config()


def test_changed_values_are_read_by_place():
    assert controls_of(FakeConfig).read([7, 0.25, "square", 3]) == FakeConfig(
        slices=7, rate=0.25, shape="square", seed=3
    )


GARBAGE = [
    None,
    "",
    "abc",
    "<img src=x onerror=alert(1)>",
    [],
    [3],
    {},
    {"value": 3},
    -1,
    10**30,
    1e308,
    math.nan,
    math.inf,
    "NaN",
    "x" * 200_000,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda value: str(value)[:20])
@pytest.mark.parametrize("name", ["slices", "rate", "shape", "seed"])
def test_garbage_is_refused_with_a_short_sentence_that_names_the_setting(name, garbage):
    values = FakeConfig().model_dump() | {name: garbage}
    with pytest.raises(ConfigError) as refused:
        controls_of(FakeConfig).read(list(values.values()))
    message = str(refused.value)
    label = next(info.label for info in FakeConfig.settings() if info.name == name)
    assert message.startswith(f"{label} ({name}) is ")
    assert message.endswith(".")
    assert "it must be" in message
    assert len(message) < 200


def test_all_settings_wrong_at_once_give_a_sentence_each():
    with pytest.raises(ConfigError) as refused:
        controls_of(Word2VecConfig).read([{"a": [math.nan]}] * len(Word2VecConfig.settings()))
    assert str(refused.value).count("it must be") == len(Word2VecConfig.settings())
