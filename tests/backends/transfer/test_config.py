"""Settings of the transfer: what is on offer, what is refused and in which words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from backends.data.emoji import load_emoji
from backends.data.passages import load_passages
from backends.data.splits import load_split
from backends.engine.config import ConfigError
from backends.transfer.config import (
    DATA,
    LABELS,
    TASKS,
    TITLES,
    WAY_TITLES,
    WAYS,
    AgainstName,
    EncoderName,
    TransferConfig,
)

ROOT = Path(__file__).resolve().parents[3]
NUMBERS = [info for info in TransferConfig.settings() if info.minimum is not None]
CHOICES = [info for info in TransferConfig.settings() if info.choices]


@pytest.mark.parametrize("info", TransferConfig.settings(), ids=lambda info: info.name)
def test_every_setting_has_what_its_widget_needs(info):
    assert info.label != info.name
    assert info.description.endswith(".")
    assert info.choices or info.minimum is not None
    assert not info.choices or info.default in info.choices


@pytest.mark.parametrize("info", NUMBERS, ids=lambda info: info.name)
def test_numbers_out_of_range_and_nan_are_refused_by_name(info):
    for value in (info.minimum - 1, info.maximum * 2 + 1, float("nan"), float("inf"), "", None, "many"):
        with pytest.raises(ConfigError) as refused:
            TransferConfig.parse({info.name: value})
        assert str(refused.value).startswith(f"{info.label} ({info.name}) is ")
        assert str(refused.value).endswith(f"it must be {info.range_text}.")
        assert str(refused.value).count(". ") == 0


@pytest.mark.parametrize("info", CHOICES, ids=lambda info: info.name)
def test_what_is_not_on_offer_is_refused_with_what_is(info):
    with pytest.raises(ConfigError, match=rf"^{info.label} \({info.name}\) is bananas; it must be one of "):
        TransferConfig.parse({info.name: "bananas"})
    for value in info.choices:
        field = TransferConfig.model_fields[info.name]
        assert value in get_args(field.annotation)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"data": "emoji", "factor": "shape"}, "Task (factor) is shape; of emoji it must be one of category, artist."),
        ({"data": "own", "factor": "shape"}, "Task (factor) is shape; of your own pictures it must be one of folder."),
        ({"factor": "category"}, "Task (factor) is category; of apples it must be one of colour, shape, leaf, size,"),
        (
            {"data": "speeches", "encoder": "simclr"},
            "Encoder (encoder) is simclr, which reads pictures; of speeches it must be one of word2vec, bert, gpt, unt",
        ),
        ({"against": "bert"}, "Against (against) is bert, which reads text; of apples it must be one of simclr, simc"),
        ({"encoder": "mae", "against": "mae"}, "Against (against) is mae, as is the encoder; it must be another one,"),
        (dict.fromkeys(WAYS, "off"), "No way to compare is on; switch on at least one of linear, knn, fine_tuning, s"),
        ({"depth": 3}, "There is no setting depth; choose from data, factor"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_in_one_sentence(changes, sentence):
    with pytest.raises(ConfigError) as refused:
        TransferConfig.parse(changes)
    assert str(refused.value).startswith(sentence)
    assert str(refused.value).count(". ") == 0


def test_counts_end_where_the_setting_says():
    assert TransferConfig(most_labels="10").counts == (1, 2, 5, 10)
    assert TransferConfig(most_labels="100").counts == LABELS == (1, 2, 5, 10, 20, 50, 100)
    assert TransferConfig(most_labels="1").counts == (1,)


def test_names_agree_everywhere():
    assert set(get_args(EncoderName)) == set(TITLES)
    assert set(get_args(AgainstName)) == {"none", *TITLES}
    assert tuple(WAY_TITLES) == WAYS == TransferConfig().ways
    assert TransferConfig(linear="off", scratch="off").ways == ("knn", "fine_tuning")
    assert TransferConfig(against="none").encoders == ("simclr",)
    assert TransferConfig().encoders == ("simclr", "pixels")


def test_the_tasks_are_the_factors_that_the_pictures_have():
    assert set(TASKS["apples"]) == set(load_split("apples", 32).train.factors)
    assert set(TASKS["emoji"]) == set(load_emoji().factors)
    assert set(TASKS["speeches"]) == set(load_passages()[0].factors)
    assert set(TASKS) == set(DATA)


def test_importing_the_settings_imports_nothing_heavy():
    code = "import sys, backends.transfer.config; print(*{'torch', 'gradio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
