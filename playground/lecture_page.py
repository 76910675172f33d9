"""The lecture on the page: the bar with its steps, what a link to a step opens, and what a step sets in its tab."""

from __future__ import annotations

import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.engine.checkpoints import CheckpointError
from backends.recordings import files as recordings
from backends.recordings.recipes import NAMES as RECORDINGS
from playground import lecture
from playground.components.lecture_bar import asked_step, lecture_bar, opens, pack_lecture
from playground.components.plotly_view import static_url
from playground.lecture import Lecture, Staged
from playground.lecture_notes import notes_html
from playground.links import Link, LinkTarget, read_query
from playground.session import Session
from playground.tabs.tab import Tab

LIVE = {
    "word2vec": "#w2v-status",
    "recall": "#recall-status",
    "language": "#language-status",
    "rotation": "#pretext-status",
    "inpainting": "#pretext-status",
    "simclr": "#simclr-exp-status",
    "mae": "#mae-status",
    "clip": "#clip-status",
}
"""Where the page shows how far the live run is before which a recording steps aside."""
Opening = Callable[[str, bool, gr.Request, Link | None], Awaitable[list[Any]]]
"""Opens a tab: its name, whether the page has been answered, the request, and a link that sets something."""


@dataclass(frozen=True)
class Stage:
    """The lecture on one page.

    Attributes:
        staged: the steps that this page can show.
        tabs: of the page, by name.
        targets: what they take from a link.
        unnamed: the tab of a link that names none; None: the first.
        bar: the component.
    """

    staged: Staged
    tabs: Mapping[str, Tab]
    targets: Mapping[str, LinkTarget]
    unnamed: str | None
    bar: gr.HTML

    def opened(self, parameters: Mapping[str, str]) -> Link:
        """What a page's address opens: a link's settings, or a step's; of one that sets nothing its tab alone."""
        asked = str(parameters.get(lecture.STEP_PARAMETER, ""))[: lecture.MAX_CHARACTERS["id"]]
        if not asked:
            return read_query(parameters, self.targets, self.unnamed)
        step = lecture.find_step(self.staged.steps, asked)
        if step is None:
            query = urllib.parse.urlencode({lecture.STEP_PARAMETER: asked})
            return Link(problems=[lecture.unknown_step(self.staged.steps, asked)], query=query)
        return self.staged.links.get(step.id, Link(step.tab, query=lecture.query_of_step(step)))

    def wire(self, answered: gr.State, opening: Opening) -> None:
        """Let a step open its tab with what it sets.

        Args:
            answered: whether the page's opening has been answered.
            opening: opens a tab.
        """
        for name in set_tabs(self.staged):

            async def on_lecture_step(
                event: gr.EventData, is_answered: bool, request: gr.Request, chosen: str = name
            ) -> list[Any]:
                link = self.staged.links.get(asked_step(event._data))
                if link is None or link.tab != chosen:
                    return [gr.skip()] * len(self.tabs[chosen].outputs)
                return await opening(chosen, is_answered, request, link)

            event = getattr(self.bar, opens(name))
            event(
                on_lecture_step,
                answered,
                self.tabs[name].outputs,
                show_progress="hidden",
                trigger_mode="multiple",
                api_name=False,
            )


def build_stage(
    script: Lecture | None,
    tabs: Mapping[str, Tab],
    labels: Mapping[str, str],
    targets: Mapping[str, LinkTarget],
    unnamed: str | None = None,
) -> Stage:
    """Lay the bar out where it is called.

    Args:
        script: the lecture; None: this project's own.
        tabs: of this page, by name.
        labels: what each tab that there can be is called.
        targets: what the page's tabs take from a link.
        unnamed: the tab of a link that names none; None: the first.

    Raises:
        LectureError: a step names a tab that can't be, or a setting that is refused.
    """
    script = script or lecture.shipped()
    staged = lecture.stage(script, targets, tuple(labels))
    recorded = {}
    cards = {}
    for name in sorted({step.recording for step in staged.steps if step.recording}):
        try:
            card = recordings.load(name).card
        except CheckpointError:
            continue  # without its recording a step is as good as one that has none
        recorded[name] = {"url": static_url(recordings.path_of(name)), "live": LIVE[name]}
        cards[name] = f"{card.seconds:.0f} s on {card.machine}, seed {card.seed}, {card.date} ({card.made_by})"
    steps = [
        {
            "id": step.id,
            "tab": step.tab,
            "label": labels[step.tab],
            "title": step.title,
            "say": step.say,
            "click": step.click,
            "see": step.see,
            "view": list(step.view),
            "target": step.target,
            "recording": step.recording,
            "focus": step.focus,
            "sets": step.id in staged.links,
        }
        for step in staged.steps
    ]
    notes = notes_html(script.title, staged.steps, labels, cards)
    packed = pack_lecture(script.title, steps, recorded, notes)
    return Stage(staged, tabs, targets, unnamed, lecture_bar(packed, set_tabs(staged)))


def set_tabs(staged: Staged) -> list[str]:
    """Names of the tabs in which some step sets something."""
    return sorted({link.tab for link in staged.links.values() if link.tab is not None})


def served() -> list[Any]:
    """The files that the page fetches by itself."""
    return [recordings.path_of(name) for name in RECORDINGS]


def is_busy(session: Session, tab: str) -> bool:
    """Whether something trains in a tab."""
    return any(session.is_driven(run) for run in list(session.runs) if run == tab or run.startswith(f"{tab}_"))
