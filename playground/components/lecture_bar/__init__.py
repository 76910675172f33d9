"""The lecture bar at the bottom of the window: what to say, click and see, and a recorded run that plays at once.

The page has all steps from the start, so the next one is seen without asking anybody; what a step sets in its tab is
asked for meanwhile, by an event of that tab's own (`opens_NAME`, with {step: id}; read it with `asked_step`). The bar
(`bar.js`) finds tabs by their label, outlines the step's target by a rule of CSS, and draws recordings itself
(`recorded.js`). All texts are shown as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from playground.components.plotly_view import head_tags

FOLDER = Path(__file__).parent
SCRIPTS = {name: FOLDER / f"{name}.js" for name in ("recorded", "bar")}
"""In the order in which the page must load them."""
STYLE = FOLDER / "bar.css"
ELEM_ID = "lecture-bar"
SWITCH = (
    '<button type="button" class="lecture-switch" data-lecture aria-pressed="false" '
    'title="Larger type, and the steps of the lecture one by one">Lecture <kbd>L</kbd></button>'
)
"""Stands in the page's header."""
MAX_ID_CHARACTERS = 40

_VIEW = """
(function whenReady() {
  const root = element.querySelector(".lb-root");
  if (!window.LectureBar || !window.RecordedRun || !root) { setTimeout(whenReady, 50); return; }
  const events = EVENTS;
  root.view = new LectureBar(root, JSON.parse(props.value), (tab, step) => trigger(events[tab], { step }));
})();
"""


def lecture_bar(value: str, tabs: Iterable[str]) -> gr.HTML:
    """Make the bar where it is created; it is seen in lecture mode only.

    Args:
        value: a `pack_lecture`.
        tabs: names of those that steps set something in; for each there is an event `opens(name)`.
    """
    return gr.HTML(
        value,
        html_template='<div class="lb-root"></div>',
        js_on_load=_VIEW.replace("EVENTS", json.dumps({tab: opens(tab) for tab in tabs})),
        apply_default_css=False,
        elem_id=ELEM_ID,
    )


def pack_lecture(
    title: str,
    steps: Sequence[Mapping[str, Any]],
    recorded: Mapping[str, Mapping[str, str]],
    notes: str,
) -> str:
    """Turn a lecture into the bar's value.

    Args:
        title: of the lecture.
        steps: each with id, tab, label (of the tab), title, say, click, see, view (a list), target, recording, focus,
            and whether it sets something (`sets`).
        recorded: by name of a recording its `url` and the selector of the `live` run's status.
        notes: the speaker notes as a page of HTML.
    """
    packed = json.dumps({"title": title, "steps": list(steps), "recorded": recorded, "notes": notes})
    return packed.replace("<", "\\u003c").replace("&", "\\u0026")


def opens(tab: str) -> str:
    """Name of the event with which a step opens a tab."""
    return f"opens_{tab}"


def asked_step(event_data: Any) -> str:
    """Read which step an event, which may be anything, asks for: "" where it names none."""
    sent = event_data.get("step") if isinstance(event_data, dict) else None
    return sent if isinstance(sent, str) and len(sent) <= MAX_ID_CHARACTERS else ""


def head() -> str:
    """What the page's head must hold; `SCRIPTS` and `STYLE` must be among the static paths."""
    return head_tags("lecture-bar", SCRIPTS, STYLE)
