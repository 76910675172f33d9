"""What every test of a figure needs: plotly's own check of the schema, and reading back what was packed."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import plotly.graph_objects as go

EVIL = "<img src=x onerror=alert(1)>"


def check(figure: dict[str, Any]) -> None:
    """Fail where plotly does not know a key or a value, or where JSON has no word for one."""
    go.Figure({"data": figure["data"], "layout": figure["layout"]})
    json.dumps(figure, allow_nan=False)


def array(packed: dict[str, str]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["bdata"]), packed["dtype"])


def rendered(node: Any) -> list[str]:
    """Every string of a figure that plotly shows; customdata is handed back to Python and never shown."""
    if isinstance(node, dict):
        return [text for key, value in node.items() if key != "customdata" for text in rendered(value)]
    if isinstance(node, list | tuple):
        return [text for value in node for text in rendered(value)]
    return [node] if isinstance(node, str) else []
