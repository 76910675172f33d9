from __future__ import annotations

from typing import Self

import pytest
from pydantic import ValidationError, model_validator

from backends.engine.config import ConfigError, MethodConfig, format_number, setting
from backends.word2vec.config import Word2VecConfig

SETTINGS = {info.name: info for info in Word2VecConfig.settings()}
NUMBERS = [info for info in SETTINGS.values() if not info.choices]
CHOICES = [info for info in SETTINGS.values() if info.choices]


def refused_values():
    for info in NUMBERS:
        for value in (info.minimum - 1, info.maximum * 2 + 1, float("nan"), float("inf"), -float("inf"), "many", None):
            yield pytest.param(info, value, id=f"{info.name}={value}")
        if info.kind is int:
            yield pytest.param(info, info.default + 0.5, id=f"{info.name}=fraction")
    for info in CHOICES:
        for value in ("nonsense", "", 3, info.default.upper()):
            yield pytest.param(info, value, id=f"{info.name}={value}")


@pytest.mark.parametrize(("info", "value"), refused_values())
def test_a_refused_value_gets_one_sentence_with_name_value_and_range(info, value):
    with pytest.raises(ConfigError) as refused:
        Word2VecConfig.parse({info.name: value})
    message = str(refused.value)
    shown = "empty" if value in (None, "") else str(value)
    assert message == f"{info.label} ({info.name}) is {shown}; it must be {info.range_text}."


@pytest.mark.parametrize("info", NUMBERS, ids=lambda info: info.name)
def test_both_ends_of_a_range_are_allowed(info):
    for value in (info.minimum, info.maximum):
        assert getattr(Word2VecConfig.parse({info.name: value}), info.name) == value


@pytest.mark.parametrize("info", CHOICES, ids=lambda info: info.name)
def test_every_choice_is_allowed(info):
    for value in info.choices:
        assert getattr(Word2VecConfig.parse({info.name: value}), info.name) == value


def test_range_texts_are_written_as_a_person_would():
    assert SETTINGS["learning_rate"].range_text == "a number from 0.0001 to 1"
    assert SETTINGS["dim"].range_text == "a whole number from 2 to 300"
    assert SETTINGS["architecture"].range_text == "one of skip-gram, cbow"
    assert [format_number(value) for value in (5.0, 20_000, 1e-5, None)] == ["5", "20,000", "0.00001", "any"]


def test_an_unknown_name_is_answered_with_those_that_exist():
    with pytest.raises(ConfigError, match="There is no setting dimensions; choose from corpus, dim, window") as refused:
        Word2VecConfig.parse({"dimensions": 3})
    assert all(name in str(refused.value) for name in SETTINGS)


def test_two_refused_values_get_two_sentences():
    with pytest.raises(ConfigError) as refused:
        Word2VecConfig.parse({"dim": 0, "window": 99})
    assert str(refused.value).count("; it must be ") == 2


class Between(MethodConfig):
    """Two settings that must be in order."""

    low: int = setting(1, "From.", label="Low", ge=0, le=9, step=1)
    high: int = setting(5, "To.", label="High", ge=0, le=9, step=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"Low (low) is {self.low}; it must be at most High (high), {self.high}.")
        return self


def test_settings_that_do_not_go_together_are_refused_in_the_configs_own_sentence():
    for refuse in (lambda: Between.parse({"low": 7}), lambda: Between().with_changes(high=0, low=7)):
        with pytest.raises(ConfigError, match=r"^Low \(low\) is 7; it must be at most High \(high\), \d\.$"):
            refuse()
    with pytest.raises(ConfigError, match=r"^Low \(low\) is 70; it must be a whole number from 0 to 9\.$"):
        Between.parse({"low": 70})
    assert Between.parse({"low": 7, "high": 8}).low == 7


def test_a_long_value_is_shortened_in_the_message():
    with pytest.raises(ConfigError) as refused:
        Word2VecConfig.parse({"dim": "9" * 500 + "x"})
    assert len(str(refused.value)) < 150


def test_strings_of_the_command_line_become_numbers():
    config = Word2VecConfig.parse({"dim": "32", "learning_rate": "1e-3", "subsample": "0", "corpus": "own"})
    assert (config.dim, config.learning_rate, config.subsample, config.corpus) == (32, 0.001, 0.0, "own")
    assert type(config.dim) is int


def test_a_config_is_frozen():
    config = Word2VecConfig()
    with pytest.raises(ValidationError):
        config.dim = 3
    assert config.dim == SETTINGS["dim"].default


def test_changes_make_a_validated_copy():
    config = Word2VecConfig()
    changed = config.with_changes(dim=32, seed=7)
    assert (changed.dim, config.dim) == (32, 96)
    assert config.differences(changed) == {"dim": (96, 32), "seed": (1, 7)}
    assert config.differences(Word2VecConfig()) == {}
    with pytest.raises(ConfigError, match="Dimensions"):
        config.with_changes(dim=1)


@pytest.mark.parametrize("info", SETTINGS.values(), ids=lambda info: info.name)
def test_every_setting_has_what_its_widget_needs(info):
    assert info.label
    assert info.label != info.name
    assert info.description.endswith(".")
    assert bool(info.choices) != (info.minimum is not None and info.maximum is not None and info.step is not None)
    assert info.default in info.choices if info.choices else info.minimum <= info.default <= info.maximum
