"""Presets of the language models on the page: every one sets the controls to what it says."""

from __future__ import annotations

import gradio as gr
import pytest

from backends.language.presets import PRESETS
from backends.language.trio_config import TrioConfig
from playground import controls
from playground.tabs.language_presets import lay_out_presets
from playground.tabs.presets import expectation_html, wire_presets


@pytest.fixture
def page(store):
    """The page's settings and its events, in the order of the presets."""
    with gr.Blocks() as demo:
        widgets = controls.build_essential(TrioConfig, "p") | controls.build_advanced(TrioConfig, "p")
        settings = controls.in_config_order(TrioConfig, widgets)
        buttons, expectation = lay_out_presets()
        wire_presets(store, buttons, expectation, settings)
    events = list(demo.fns.values())
    assert len(events) == len(PRESETS)
    return settings, expectation, dict(zip([preset.name for preset in PRESETS], events, strict=True)), buttons


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_click_sets_exactly_the_presets_settings(page, preset):
    settings, expectation, events, _ = page
    event = events[preset.name]
    text, *values = event.fn()
    assert settings.read(values) == preset.config()
    assert text == expectation_html(preset)
    assert event.outputs == [expectation, *settings.inputs]


def test_every_button_has_a_place_of_its_own_on_the_page(page):
    ids = [button.elem_id for _, button in page[3]]
    assert len(set(ids)) == len(PRESETS)
    assert all(name.startswith("language-try-") and name.replace("-", "").isalnum() for name in ids)


def test_the_presets_of_a_group_stand_together():
    groups = [preset.group for preset in PRESETS]
    assert groups == sorted(groups, key=groups.index)
