"""A piece of HTML whose buttons reach Python: `<button data-pick="…">` fires `pick` with what it carries.

The HTML is the page's own; what a click brings back comes from the page, so `picked` reads it with distrust.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

MAX_PICK_CHARS = 40
NO_EVENT = gr.EventData(None, None)
"""Of a call that no click set off."""

_SCRIPT = """
let held = null;
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-pick]");
  if (!button || !element.contains(button)) return;
  const focused = document.activeElement?.closest("[data-pick]") ?? null;
  held = element.contains(focused) ? { ...focused.dataset } : null;
  trigger("pick", { pick: button.dataset.pick });
});
let pressed = null;
element.addEventListener("pointerdown", (event) => { pressed = event.target.closest("[data-pick]"); });
element.addEventListener("pointerup", (event) => {
  const before = pressed;
  pressed = null;
  if (!before || before.isConnected) return;
  const now = event.target.closest("[data-pick]");
  if (now && now.dataset.pick === before.dataset.pick) trigger("pick", { pick: now.dataset.pick });
});
watch("value", () => {
  const before = held;
  requestAnimationFrame(() => {
    for (const live of element.querySelectorAll("[aria-live]")) live.replaceChildren(...live.childNodes);
    if (before === null || (document.activeElement && document.activeElement !== document.body)) return;
    const buttons = [...element.querySelectorAll("[data-pick]")];
    const like = (name) => before[name] && buttons.find((button) => button.dataset[name] === before[name]);
    (like("pick") || like("key") || buttons[0])?.focus({ preventScroll: true });
  });
});
"""
"""Who works with the keyboard finds the focus where it was after the HTML was made anew: on what carries the same, else
on what has the same key, else on the first button. What is `aria-live` is put in once more, for a screen reader says
only what changes within a place that it knows. And where the HTML was made anew while a button was held down, of which
the browser makes no click, the click counts all the same."""


_KEYS = """
const onKey = (event) => {
  if (!element.isConnected) return document.removeEventListener("keydown", onKey);
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
  if (element.offsetParent === null) return;
  if (event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]")) return;
  for (const button of element.querySelectorAll("[data-key]"))
    if (button.dataset.key === event.key) return button.click();
};
document.addEventListener("keydown", onKey);
"""
"""Keys that stand on buttons, wherever the focus is, unless somebody writes or the area is out of sight."""


def pick_area(value: str = "", *, elem_id: str, elem_classes: list[str] | None = None, keys: bool = False) -> gr.HTML:
    """Make the area; its event is `pick`, to be read with `picked`. With `keys`, a button's `data-key` presses it."""
    script = _SCRIPT + _KEYS if keys else _SCRIPT
    return gr.HTML(value, js_on_load=script, apply_default_css=False, elem_id=elem_id, elem_classes=elem_classes)


def picked(event_data: Any) -> str:
    """What a click carried: text of at most `MAX_PICK_CHARS`, "" where it is none."""
    sent = event_data.get("pick") if isinstance(event_data, dict) else None
    return sent if isinstance(sent, str) and len(sent) <= MAX_PICK_CHARS else ""


def picked_number(event_data: Any, below: int) -> int | None:
    """What a click carried as a number from 0 to below `below`, or None."""
    sent = picked(event_data)
    number = int(sent) if sent.isascii() and sent.isdecimal() and len(sent) < 7 else -1
    return number if 0 <= number < below else None
