"""Sessions of Gradio's that keep no configuration of their own.

For its deep links, which this page closes (`playground.door.CLOSED`), Gradio 6 writes the configuration of every
component anew for each visitor, while all others wait, and keeps it with every value that an event brought: with 1,400
components more than a second and some megabytes a visitor.
"""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

from gradio.blocks import BlocksConfig
from gradio.state_holder import StateHolder


class LightSessions:
    """A base of `gr.Blocks` under which a session starts at once and stays small."""

    _state_holder: StateHolder

    @property
    def state_holder(self) -> StateHolder:
        """What Gradio keeps of each session."""
        return self._state_holder

    @state_holder.setter
    def state_holder(self, holder: StateHolder) -> None:
        blocks: Any = self
        stand_in: Any = SimpleNamespace(default_config=_Bare(blocks.default_config), blocks={})
        holder.blocks = stand_in
        self._state_holder = holder


class _Bare:
    """A page's configuration whose copies, one for each session, describe no component."""

    def __init__(self, config: BlocksConfig) -> None:
        self.config = config

    def __copy__(self) -> BlocksConfig:
        copied: Any = copy.copy(self.config)
        copied.config_for_block = _no_configuration
        return copied


def _no_configuration(*_: object) -> dict[str, Any]:
    return {}
