"""Widgets made from a config class, and their values turned back into a config."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.engine.config import MethodConfig, SettingInfo


@dataclass(frozen=True)
class Controls:
    """The widgets of one method, in the order of its config's settings."""

    config: type[MethodConfig]
    widgets: dict[str, gr.components.Component]

    @property
    def inputs(self) -> list[gr.components.Component]:
        """The widgets, as inputs of an event."""
        return list(self.widgets.values())

    def read(self, values: Sequence[Any]) -> MethodConfig:
        """Build the config from the widgets' values.

        Raises:
            ConfigError: a value is out of its range; the message says which and what would do.
        """
        return self.config.parse(dict(zip(self.widgets, values, strict=True)))


def build_essential(config: type[MethodConfig], prefix: str) -> dict[str, gr.components.Component]:
    """Make the widgets that stand in the tab."""
    return {info.name: _widget(info, prefix) for info in config.settings() if info.essential}


def build_advanced(
    config: type[MethodConfig], prefix: str, elsewhere: Collection[str] = ()
) -> dict[str, gr.components.Component]:
    """Make the widgets that stand under Advanced; those of the settings named in `elsewhere` stand elsewhere."""
    return {
        info.name: _widget(info, prefix)
        for info in config.settings()
        if not info.essential and info.name not in elsewhere
    }


def build_one(config: type[MethodConfig], name: str, prefix: str) -> gr.components.Component:
    """Make one setting's widget, for a place of its own."""
    return next(_widget(info, prefix) for info in config.settings() if info.name == name)


def in_config_order(config: type[MethodConfig], widgets: dict[str, gr.components.Component]) -> Controls:
    """Put the widgets into the order of the config's settings."""
    return Controls(config, {info.name: widgets[info.name] for info in config.settings()})


def _widget(info: SettingInfo, prefix: str) -> gr.components.Component:
    common: dict[str, Any] = {
        "value": info.default,
        "label": info.label,
        "info": f"{info.description} Unit: {info.unit}." if info.unit else info.description,
        "elem_id": f"{prefix}-{info.name.replace('_', '-')}",
        "elem_classes": ["setting"],
    }
    if info.choices:
        return gr.Dropdown(choices=[(text, key) for key, text in info.choices.items()], **common)
    if info.scale == "log" or (info.maximum or 0) > 10_000:  # no bounds: the config's refusal names the setting
        return gr.Number(precision=0 if info.kind is int else None, **common)
    return gr.Slider(step=info.step or 1, minimum=info.minimum, maximum=info.maximum, **common)
