"""What all model files have in common; the tests of SimCLR and of the masked autoencoder try the rest on theirs."""

from __future__ import annotations

import json
from typing import Self

import pytest
import torch
from pydantic import model_validator
from safetensors.torch import save_file

from backends.engine import model_files
from backends.engine.checkpoints import CheckpointError
from backends.engine.config import MethodConfig, setting
from backends.engine.model_files import (
    ModelKind,
    arrays_of,
    bytes_of,
    card_scores,
    metadata_of,
    read_card,
    read_weights,
)


class LayerConfig(MethodConfig):
    """A layer that must not be wider at its end than at its start."""

    start: int = setting(4, "Inputs.", label="Start", ge=1, le=9, step=1)
    end: int = setting(2, "Outputs.", label="End", ge=1, le=9, step=1)

    @model_validator(mode="after")
    def _narrows(self) -> Self:
        if self.end > self.start:
            raise ValueError(f"End (end) is {self.end}; it must be at most Start (start), {self.start}.")
        return self


KIND = ModelKind(
    method="layer",
    part="layer-half",
    part_sentence="The file holds half a layer: bring the whole one.",
    config=LayerConfig,
    build=lambda config: torch.nn.Linear(config.start, config.end),
    max_bytes=1 << 20,
)


def saved(tmp_path, made=None, **metadata):
    """A file of a layer whose header may say something else; returns its path."""
    config = made or LayerConfig()
    layer = torch.nn.Linear(config.start, config.end)
    path = tmp_path / "layer.safetensors"
    save_file(layer.state_dict(), path, {**metadata_of("layer", config, 7), **metadata})
    return path


def refused(path):
    with pytest.raises(CheckpointError) as error:
        read_weights(path, KIND)
    return str(error.value)


def test_a_file_gives_back_settings_step_and_weights(tmp_path):
    config = LayerConfig(start=9, end=8)
    path = saved(tmp_path, config)
    read, step, layer = read_weights(path, KIND)
    assert (read, step) == (config, 7)
    assert layer.weight.shape == (8, 9)
    assert bytes_of(layer) == 4 * (72 + 8)
    assert arrays_of(layer).keys() == {"weight", "bias"}


def test_a_part_and_another_methods_file_are_told_apart(tmp_path):
    assert refused(saved(tmp_path, method="layer-half")) == KIND.part_sentence
    assert refused(saved(tmp_path, method="simclr")) == model_files.NOT_OURS


def test_settings_that_only_go_together_are_read_and_of_several_wrong_ones_one_is_named(tmp_path):
    """End 8 alone would be refused, for Start is 4 where nothing else is said."""
    read_weights(saved(tmp_path, LayerConfig(start=9, end=8)), KIND)
    end_first = json.dumps({"end": 8, "start": 3})
    assert refused(saved(tmp_path, config=end_first)).endswith("at most Start (start), 3.")
    both = refused(saved(tmp_path, config=json.dumps({"start": 30, "end": 40})))
    assert both.startswith("The file's settings are refused. Start (start) is 30;")
    assert "End" not in both


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(number):
    with pytest.raises(CheckpointError, match="tensor weight holds NaN or infinity"):
        model_files.check_numbers({"bias": torch.zeros(2), "weight": torch.tensor([1.0, number])})


# ---- Cards


def card(tmp_path, text):
    path = tmp_path / "model.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_card_is_read(tmp_path):
    given = {"origin": "Trained on apples.", "metrics": {"knn_colour": 0.8}}
    assert read_card(card(tmp_path, json.dumps(given)), "apples", "apples/model.json") == given


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"origin": "x"}', '{"origin": "x", "metrics": []}', "\x00"])
def test_a_damaged_card_is_refused_with_the_models_name(tmp_path, text):
    with pytest.raises(CheckpointError, match=r"^The card of apples is damaged\.$"):
        read_card(card(tmp_path, text), "apples", "apples/model.json")


def test_a_missing_card_and_a_huge_one_are_refused(tmp_path, monkeypatch):
    with pytest.raises(CheckpointError, match=r"^apples/model\.json is missing\.$"):
        read_card(tmp_path / "model.json", "apples", "apples/model.json")
    monkeypatch.setattr(model_files, "MAX_CARD_BYTES", 10)
    with pytest.raises(CheckpointError, match=r"^The card of apples is larger than a card may be\.$"):
        read_card(card(tmp_path, json.dumps({"origin": "x", "metrics": {}})), "apples", "apples/model.json")


def test_scores_of_a_card_are_told_apart_by_their_beginning():
    metrics = {"knn_a": 0.1, "linear_a": 0.2, "untrained_knn_a": 0.3, "pixels_linear_a": 0.4, "masked_error": 0.5}
    assert card_scores(metrics, "") == {"knn_a": 0.1, "linear_a": 0.2}
    assert card_scores(metrics, "untrained_") == {"knn_a": 0.3}
    assert card_scores(metrics, "pixels_") == {"linear_a": 0.4}
