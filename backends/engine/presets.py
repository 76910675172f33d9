"""One click of "Try this": settings, and what comes out of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from backends.engine.config import MethodConfig

Config = TypeVar("Config", bound=MethodConfig)


@dataclass(frozen=True)
class Preset(Generic[Config]):
    """One click: some settings, the rest at their defaults, for which alone the expectation was checked.

    Attributes:
        method: whose settings they are.
        name: what the button says.
        group: presets to compare with each other have the same one.
        changes: setting → value.
        expect: what comes out.
        look_at: where to see it.
    """

    method: type[Config]
    name: str
    group: str
    changes: Mapping[str, Any]
    expect: str
    look_at: str

    def config(self, **others: Any) -> Config:
        """Return the settings of the preset; `others` are those that don't change what to expect: the seed."""
        return self.method.parse({**others, **self.changes})
