"""Try this: presets that set a tab's controls and say what to expect."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Sequence
from typing import Any

import gradio as gr

from backends.engine.presets import Preset
from playground.components import answers
from playground.controls import Controls
from playground.session import SessionStore
from playground.tabs.tab import QUICK

ButtonOf = list[tuple[Preset[Any], gr.Button]]


def lay_out_presets(presets: Sequence[Preset[Any]], prefix: str, introduction: str) -> tuple[ButtonOf, gr.HTML]:
    """Lay out a row of buttons for every group, and the place where the expectation appears.

    Args:
        presets: those of a group stand together.
        prefix: of the elements' ids.
        introduction: stands where the expectation appears, until one is chosen.
    """
    buttons: ButtonOf = []
    with gr.Row(elem_classes=["two-parts"]):
        with gr.Column(min_width=330):
            for group, members in itertools.groupby(presets, key=lambda preset: preset.group):
                with gr.Row(elem_classes=["preset-group"]):
                    answers.html_area(f"<span>{html.escape(group)}</span>", elem_classes=["preset-name"])
                    for preset in members:
                        name = re.sub(r"[^a-z0-9]+", "-", preset.name.lower()).strip("-")
                        button = gr.Button(preset.name, size="sm", elem_id=f"{prefix}-try-{name}", min_width=120)
                        buttons.append((preset, button))
        with gr.Column(min_width=330):
            expectation = answers.html_area(answers.sentence(introduction), elem_id=f"{prefix}-try-expect")
    return buttons, expectation


def wire_presets(store: SessionStore, buttons: ButtonOf, expectation: gr.HTML, controls: Controls) -> None:
    """Let every button set the controls.

    Args:
        store: the sessions; a preset needs none of what they hold.
        buttons, expectation: from `lay_out_presets`.
        controls: all of the tab's settings.
    """
    for preset, button in buttons:

        def on_click(chosen: Preset[Any] = preset) -> list[Any]:
            values = chosen.config().model_dump()
            return [expectation_html(chosen), *(values[name] for name in controls.widgets)]

        button.click(on_click, None, [expectation, *controls.inputs], api_name=False, **QUICK)


def expectation_html(preset: Preset[Any]) -> str:
    """What to expect of a preset, and where to look."""
    return (
        f'<h3>{html.escape(preset.name)}</h3><p class="prose">{html.escape(preset.expect)}</p>'
        f'<p class="prose"><b>Look at:</b> {html.escape(preset.look_at)}</p>'
        f"{answers.sentence('The settings are in place: press Train.')}"
    )
