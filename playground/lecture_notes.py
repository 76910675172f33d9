"""Speaker notes: every step of a lecture on paper, as one page of HTML that stands by itself."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from playground.lecture import Step, query_of_step

STYLE = """
body { margin: 24px auto; padding: 0 16px; max-width: 46em; color: #1e293b; background: #fff;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 22px; margin: 0 0 4px; }
h2 { font-size: 16px; margin: 0 0 4px; }
h2 small { font-weight: 400; color: #475569; }
section { padding: 10px 0; border-top: 1px solid #cbd5e1; break-inside: avoid; }
.say { margin: 0 0 4px; font-size: 17px; }
dl { display: grid; grid-template-columns: 4.5em 1fr; gap: 2px 8px; margin: 0; }
dt { color: #475569; font-weight: 600; }
dd { margin: 0; }
a { color: #4338ca; }
@page { margin: 16mm; }
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 11pt; }
  .say { font-size: 12.5pt; }
  .hint { display: none; }
}
"""


def notes_html(title: str, steps: Sequence[Step], labels: Mapping[str, str], recorded: Mapping[str, str]) -> str:
    """Write the notes; links are relative to the page.

    Args:
        title: of the lecture.
        steps: in their order.
        labels: what each tab is called.
        recorded: what to say of each recording, by its name.
    """
    sections = "".join(_section(number, step, labels, recorded) for number, step in enumerate(steps, 1))
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}: speaker notes</title>'
        f"<style>{STYLE}</style></head><body><h1>{html.escape(title)}</h1>"
        f'<p class="hint">{len(steps)} steps. Print this page, or save it.</p>{sections}</body></html>'
    )


def _section(number: int, step: Step, labels: Mapping[str, str], recorded: Mapping[str, str]) -> str:
    where = " / ".join((labels.get(step.tab, step.tab), *step.view))
    link = "?" + query_of_step(step)
    rows = [("Click", html.escape(step.click)), ("See", html.escape(step.see))]
    if step.recording:
        rows.append(("Recorded", html.escape(recorded.get(step.recording, step.recording))))
    rows.append(("Link", f'<a href="{html.escape(link)}">{html.escape(link)}</a>'))
    body = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows)
    return (
        f"<section><h2>{number}. {html.escape(step.title)} <small>{html.escape(where)}</small></h2>"
        f'<p class="say">{html.escape(step.say)}</p><dl>{body}</dl></section>'
    )
