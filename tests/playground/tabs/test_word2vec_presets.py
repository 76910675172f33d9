"""Presets on the page: every one sets the controls to what it says."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest

from backends.word2vec.config import Word2VecConfig
from backends.word2vec.presets import PRESETS
from playground import controls
from playground.tabs.word2vec_presets import expectation_html, lay_out_presets, wire_presets

REQUEST = SimpleNamespace(session_hash="page")


@pytest.fixture
def clicks(store, session):
    """The handlers by the name of their button, and the order of the settings in their answers."""
    with gr.Blocks() as demo:
        widgets = controls.build_essential(Word2VecConfig, "p") | controls.build_advanced(Word2VecConfig, "p")
        settings = controls.in_config_order(Word2VecConfig, widgets)
        buttons, expectation = lay_out_presets()
        wire_presets(store, buttons, expectation, settings, lambda session, word: [word], [gr.Textbox()])
    handlers = [fn.fn for fn in demo.fns.values()]
    assert len(handlers) == len(PRESETS)
    return dict(zip([preset.name for preset in PRESETS], handlers, strict=True)), list(settings.widgets)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_click_sets_exactly_the_presets_settings(clicks, preset):
    handlers, names = clicks
    text, *values = handlers[preset.name](REQUEST)
    settings = dict(zip(names, values, strict=False))
    assert Word2VecConfig.parse(settings) == preset.config()
    assert text == expectation_html(preset)
    assert values[-1] == (preset.word or gr.skip())


def test_every_group_has_something_to_compare():
    groups = [preset.group for preset in PRESETS]
    assert {"Window", "Dimensions", "Subsampling", "Negatives", "Century"} <= set(groups)
    assert groups == sorted(groups, key=groups.index), "the presets of a group stand together"
