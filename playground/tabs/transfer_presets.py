"""Try this: the presets of the transfer."""

from __future__ import annotations

import gradio as gr

from backends.transfer.presets import PRESETS
from playground.tabs import presets

INTRODUCTION = "Pick one: it sets the controls and says what to expect. Predict, then press Train."


def lay_out_presets() -> tuple[presets.ButtonOf, gr.HTML]:
    """Lay out the buttons, and the place where the expectation appears."""
    return presets.lay_out_presets(PRESETS, "transfer", INTRODUCTION)
