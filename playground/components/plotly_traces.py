"""plotly.js with the kinds of charts that this page draws, out of the fifty that it can.

plotly.js makes all its kinds ready as it is read, maps and 3D among them: 1.3 s of a slow machine in which the page
can't be clicked. The line that names them is known word for word (but for the names that a bundler gave): where a
release has it, it is served with those of `TRACES` alone, which takes half a second; where it hasn't, the script is
served as it is.
"""

from __future__ import annotations

import functools
import re

from playground.components.plotly_view import plotly_js_path

TRACES = ("bar", "heatmap")
"""Kinds that the figures of this page have; lines and points (scatter) are always there."""

_NAME = r"[\w$]+"
REGISTER = re.compile(
    rf"var {_NAME}=(?P<module>{_NAME})\(\({_NAME},(?P<out>{_NAME})\)=>\{{"
    rf'(?:"use strict";)?var (?P<core>{_NAME})={_NAME}\(\);(?P=core)\.register\('
    rf"\[(?P<kinds>(?:{_NAME}\(\),)*{_NAME}\(\))\]\);(?P=out)\.exports=(?P=core)\}}\);"
)
"""The module that has all kinds made ready, one call for each."""
_HANDS_ON = re.compile(rf'{_NAME},({_NAME})\)=>\{{(?:"use strict";)?\1\.exports=({_NAME})\(\)\}}\)')
_KIND = re.compile(r'moduleType:"trace",name:"(\w+)"')
_MODULE_CHARACTERS = 2_000
"""Of a kind's module in which its name stands."""


def with_few_kinds(script: str) -> str:
    """plotly.js with `TRACES` alone; the same where its modules are not the known ones."""
    register = REGISTER.search(script, max(0, script.rfind(".register([") - 200))
    if register is None:
        return script
    kinds = {_kind_of(script, register["module"], call[:-2]): call for call in register["kinds"].split(",")}
    if not set(TRACES) <= set(kinds):
        return script
    start, end = register.span("kinds")
    return script[:start] + ",".join(kinds[kind] for kind in TRACES) + script[end:]


def _kind_of(script: str, module: str, name: str) -> str:
    """Which kind the module of this name makes ready: "" where it is none, or another shape."""
    opening = f"var {name}={module}(("
    place = script.find(opening)
    found = _HANDS_ON.match(script, place + len(opening)) if place >= 0 else None
    start = script.find(f"var {found[2]}={module}((") if found else -1
    kind = _KIND.search(script, start, start + _MODULE_CHARACTERS) if start >= 0 else None
    return kind[1] if kind else ""


@functools.cache
def plotly_script() -> str:
    """The installed plotly.js as it is served."""
    return with_few_kinds(plotly_js_path().read_text("utf-8"))
