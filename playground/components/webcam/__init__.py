"""One picture from the visitor's camera, where the browser offers one (the page's part is `webcam.js`).

The page cuts a square out of the middle, makes it small and sends it as JPEG; nothing is recorded, and the camera is on
only while its picture is seen.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from backends.data.pictures import PictureError
from playground.components.plotly_view import head_tags

FOLDER = Path(__file__).parent
SCRIPTS = {"webcam": FOLDER / "webcam.js"}
STYLE = FOLDER / "webcam.css"
MAX_CHARACTERS = 400_000
"""Of a snapshot as it comes: JPEG of 224 × 224 pixels has a tenth of that."""
_PREFIX = "data:image/jpeg;base64,"

_VIEW = """
(function whenReady() {
  const root = element.querySelector(".wc-root");
  if (!window.Webcam || !root) { setTimeout(whenReady, 50); return; }
  root.view = new Webcam(root, { onSnap: (picture) => trigger("snap", { picture }) });
})();
"""


def webcam(elem_id: str) -> gr.HTML:
    """Make the button where it is created; on it a camera's picture opens. Without a camera there is no button.

    Its event is `snap` ({picture: a data URL}; read it with `read_snapshot`, it comes from the page).
    """
    return gr.HTML(
        "", html_template='<div class="wc-root"></div>', js_on_load=_VIEW, apply_default_css=False, elem_id=elem_id
    )


def head() -> str:
    """What the page's head must hold; `SCRIPTS` and `STYLE` must be among the static paths."""
    return head_tags("webcam", SCRIPTS, STYLE)


def read_snapshot(event_data: Any, size: int) -> np.ndarray:
    """Read what a `snap` brought: (size, size, 3) uint8.

    Args:
        event_data: `gr.EventData._data`, which may be anything.
        size: side in pixels.

    Raises:
        PictureError: it is no picture, or too large.
    """
    from backends.data.own_pictures import decode_picture

    sent = event_data.get("picture") if isinstance(event_data, dict) else None
    if not isinstance(sent, str) or not sent.startswith(_PREFIX) or len(sent) > MAX_CHARACTERS:
        raise PictureError("No picture came from the camera: take it again.")
    try:
        data = base64.b64decode(sent.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise PictureError("No picture came from the camera: take it again.") from None
    return decode_picture(data, size)
