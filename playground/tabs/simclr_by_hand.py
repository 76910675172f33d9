"""NT-Xent by hand: the lecture's cat and elephant to drag, and the matrix of a real batch of the running model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.simclr import by_hand
from backends.simclr.by_hand import Batch, SimilarityError
from playground.components import answers
from playground.components.similarity_grid import pack_grid, similarity_bench, similarity_grid
from playground.session import Session, SessionStore
from playground.tabs.tab import QUICK

NO_MODEL = "There is no model yet. Press Train, then draw a batch: its matrix appears here."
LEAD = (
    "Two pictures, two views each. The loss asks every view: which of the others shows the same animal as you? "
    "Its term ℓ is small when the two views of one animal are more similar than all else in the row."
)


@dataclass(frozen=True)
class ByHand:
    """The components of the tab that show a batch.

    Attributes:
        outputs: what `drawn` makes values for.
        drawn: draws a batch of a session's model.
    """

    outputs: list[gr.components.Component]
    drawn: Callable[[Session], list[Any]]


def build_by_hand(store: SessionStore, batch_of: Callable[[Session], Batch | None]) -> ByHand:
    """Lay out and wire both parts where it is called.

    Args:
        batch_of: draws another batch of a session's model at each call; None where there is no model.
    """
    with gr.Tabs(elem_classes=["nt-parts"]):
        with gr.Tab("Two animals", id="two-animals"):
            answers.html_area(answers.sentence(LEAD))
            similarity_bench(elem_id="simclr-hand-bench")
        with gr.Tab("A real batch", id="real-batch") as batch_tab:
            with gr.Row(elem_classes=["actions"]):
                again = gr.Button("Draw another batch", size="sm", elem_id="simclr-hand-again", min_width=90)
                note = answers.html_area(answers.sentence(NO_MODEL), elem_id="simclr-hand-note")
            grid = similarity_grid(elem_id="simclr-hand-grid")

    def drawn(session: Session) -> list[Any]:
        return batch_views(lambda: batch_of(session))

    def redrawn(request: gr.Request) -> list[Any]:
        return drawn(store.of(str(request.session_hash)))

    outputs: list[gr.components.Component] = [grid, note]
    for event in (batch_tab.select, again.click):
        event(redrawn, None, outputs, api_name=False, trigger_mode="always_last", **QUICK)
    return ByHand(outputs, drawn)


def batch_views(draw: Callable[[], Batch | None]) -> list[Any]:
    """The grid's value and the line above it for a drawn batch, or what to do where none could be drawn."""
    try:
        batch = draw()
        if batch is None:
            return [None, answers.sentence(NO_MODEL)]
        packed = pack_grid(by_hand.cosines(batch.projections), batch.views, batch.temperature)
    except SimilarityError as error:
        return [None, answers.problem(str(error))]
    return [packed, answers.sentence(batch_line(batch))]


def batch_line(batch: Batch) -> str:
    """Where the batch comes from and at which temperature."""
    label = f"{batch.label[:1].upper()}{batch.label[1:]}"
    return f"{label}, at τ = {batch.temperature:g}. In training each row has a whole batch of negatives."
