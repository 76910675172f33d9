"""Label it yourself: ten pictures by hand, the clock running, and what that pace means for the large sets."""

from __future__ import annotations

import html
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from backends.start import labels
from backends.start.labels import CATEGORIES, Asked
from playground.components import answers
from playground.components.figure_save import saveable
from playground.components.pick_area import NO_EVENT, pick_area, picked
from playground.components.sprites import data_url
from playground.figures.label_scale import label_scale, seconds_words, years_words
from playground.session import Session, SessionStore
from playground.tabs.tab import QUICK

KEPT = "start_labels"
BEGIN = "begin"
STATED_SECONDS = 1.0
"""The pace that the chart shows before the visitor has labelled anything."""
_PICK = re.compile(r"(\d{1,6}):(\d{1,3}):(\d{1,2})", re.ASCII)


@dataclass(frozen=True)
class LabelPart:
    """The components of the part."""

    board: gr.HTML
    chart: gr.HTML
    said: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `label_views` makes values for."""
        return [self.board, self.chart, self.said]


@dataclass
class Labelling:
    """Ten pictures and what was said of them.

    Attributes:
        number: of the turns of this session.
        pictures: to be labelled.
        given: (category, seconds) for each that was, in order.
        begun: when the open picture was sent, in seconds of the server's steady clock.
    """

    number: int
    pictures: list[Asked]
    begun: float
    given: list[tuple[int, float]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def over(self) -> bool:
        """Whether every picture has its label."""
        return len(self.given) == len(self.pictures)

    @property
    def seconds_per_label(self) -> float:
        """The visitor's pace; there must be a label."""
        return sum(seconds for _, seconds in self.given) / len(self.given)

    @property
    def as_the_data(self) -> int:
        """How many labels are the data's own."""
        return sum(said == asked.category for (said, _), asked in zip(self.given, self.pictures, strict=False))


def lay_out_label() -> LabelPart:
    """Lay the part out where it is called."""
    with gr.Row(elem_classes=["start-label-row"]):
        with gr.Column(scale=0, min_width=300, elem_classes=["start-label-side"]):
            board = pick_area(board_html(None), elem_id="start-label-board", keys=True)
        with gr.Column(scale=1, min_width=420, elem_classes=["start-label-chart"]):
            chart = gr.HTML(
                label_scale(STATED_SECONDS, measured=False),
                html_template=saveable('class="start-label-scale"', "Labels on a logarithmic scale", "${value}"),
                apply_default_css=False,
                elem_id="start-label-scale",
            )
            said = answers.html_area(said_html(None), elem_id="start-label-said")
    return LabelPart(board, chart, said)


def wire_label(store: SessionStore, part: LabelPart) -> None:
    """Wire the buttons and keys."""

    def on_pick(request: gr.Request, event: gr.EventData = NO_EVENT) -> list[Any]:
        session = store.of(str(request.session_hash))
        label(session, picked(event._data))
        return label_views(session)

    part.board.pick(on_pick, None, part.views, api_name="start_label", **QUICK)


def label(session: Session, pick: str, now: float | None = None) -> None:
    """Take a click: "begin", or a label as "turn:picture:category"; one that fits nothing on the page changes nothing.

    Args:
        session: the visitor's.
        pick: what came from the page; anything.
        now: time of the server's steady clock in seconds; None: now.
    """
    now = time.monotonic() if now is None else now
    labelling: Labelling | None = session.uploads.get(KEPT)
    if pick == BEGIN:
        number = 1 if labelling is None else labelling.number + 1
        pictures = labels.deal(secrets.randbelow(1 << 31))
        session.uploads[KEPT] = Labelling(number, pictures, time.monotonic())
        return
    found = _PICK.fullmatch(pick)
    if found is None or labelling is None:
        return
    number, at, category = map(int, found.groups())
    with labelling.lock:
        fits = number == labelling.number and at == len(labelling.given) and not labelling.over
        if fits and category < len(CATEGORIES):
            labelling.given.append((category, labels.counted(now - labelling.begun)))
            labelling.begun = now


def label_views(session: Session) -> list[Any]:
    """Values of the board, the chart and what is said of both; the chart only where it changes."""
    labelling: Labelling | None = session.uploads.get(KEPT)
    if labelling is None or not labelling.given:
        return [board_html(labelling), label_scale(STATED_SECONDS, measured=False), said_html(None)]
    if not labelling.over:
        return [board_html(labelling), gr.skip(), said_html(labelling)]
    return [board_html(labelling), label_scale(labelling.seconds_per_label, measured=True), said_html(labelling)]


def board_html(labelling: Labelling | None) -> str:
    """The picture and its buttons; before, a button to begin; after, what was labelled as what."""
    if labelling is None:
        return (
            '<p class="start-ask">People wrote the labels of ImageNet by hand, picture by picture. Label ten yourself: '
            "one click each, or the keys 1 to 5. The clock starts with the first picture.</p>"
            f'<button class="start-go" data-pick="{BEGIN}">Start labelling</button>'
        )
    if labelling.over:
        return _result_html(labelling)
    at = len(labelling.given)
    asked = labelling.pictures[at]
    buttons = "".join(
        f'<button class="start-option" data-pick="{labelling.number}:{at}:{place}" data-key="{place + 1}">'
        f"<kbd>{place + 1}</kbd>{html.escape(name)}</button>"
        for place, name in enumerate(CATEGORIES)
    )
    return (
        f'<p class="start-ask" aria-live="polite"><b>{at + 1} of {len(labelling.pictures)}</b> What is this?</p>'
        f'<div class="start-labelling"><img src="{data_url(asked.image)}" alt="Picture {at + 1}, to be labelled">'
        f'<div class="start-options">{buttons}</div></div>'
    )


def said_html(labelling: Labelling | None) -> str:
    """What the pace means, in sentences."""
    if labelling is None:
        hours = f"{labels.WORKING_HOURS:,}"
        return answers.sentence(
            f"A working year is {hours} hours here. LAION's pairs come from the web with the text beside each picture; "
            "nobody labelled them."
        )
    seconds = labelling.seconds_per_label
    if not labelling.over:
        return answers.sentence(f"{len(labelling.given)} labelled, {seconds_words(seconds)} a label so far.")
    imagenet, laion = (
        years_words(labels.person_years(seconds, count)) for count in (labels.IMAGENET_LABELS, labels.LAION_PAIRS)
    )
    return (
        f'<p class="start-said">You need <b>{seconds_words(seconds)}</b> a label. ImageNet would take you '
        f"<b>{imagenet}</b>, as many pairs as LAION <b>{laion}</b>.</p>"
        + answers.sentence("Labels cost time, and people disagree about them. Self-supervised learning does without.")
    )


def _result_html(labelling: Labelling) -> str:
    """Ten small pictures, each with its verdict."""
    cells = ""
    for asked, (said, _) in zip(labelling.pictures, labelling.given, strict=True):
        right = said == asked.category
        theirs = html.escape(CATEGORIES[asked.category])
        told = "as the data says" if right else f"the data says {theirs}"
        cells += (
            f'<li class="{"right" if right else "wrong"}"><img src="{data_url(asked.image)}" '
            f'alt="{html.escape(asked.name, quote=True)}"><b aria-hidden="true">{"✓" if right else "≠"}</b>'
            f"<span>{html.escape(CATEGORIES[said])}<small>{told}</small></span></li>"
        )
    count = f"{labelling.as_the_data} of {len(labelling.pictures)}"
    return (
        f'<p class="start-ask" aria-live="polite"><b>{count}</b> labelled as the data says</p>'
        f'<ul class="start-labelled">{cells}</ul>'
        f'<button class="start-go" data-pick="{BEGIN}">Label ten others</button>'
    )
