"""Composition: apples of every colour and shape, some of whose combinations no caption of the training ever named."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.components import answers
from playground.components.sprites import data_url
from playground.session import Session, SessionStore
from playground.tabs.clip_models import HOME
from playground.tabs.clip_state import model_of
from playground.tabs.picture_home import take_shipped
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.clip.composition import Composition

TILE = 40
APPLES = "apples"
INTRODUCTION = (
    "Six pairs of a colour and a shape, framed here, are in no picture and no caption of the training. Each colour and "
    "each shape was seen with others. Can words put together what was never together?"
)
OTHER_PICTURES = (
    "This needs a model of apples: load the one that this project trained, or choose Apples and captions, and Train."
)


@dataclass(frozen=True)
class CompositionPart:
    """The components of the part."""

    load: gr.Button
    line: gr.HTML
    table: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `composition_views` makes values for."""
        return [self.load, self.line, self.table]


def lay_out_composition() -> CompositionPart:
    """Lay the part out where it is called."""
    answers.html_area(answers.sentence(INTRODUCTION), elem_classes=["note-line"])
    with gr.Row(elem_classes=["actions"]):
        load = gr.Button(
            "Load the model of apples", variant="primary", size="sm", elem_id="clip-composition-load", scale=0
        )
        line = answers.html_area(elem_id="clip-composition-line", elem_classes=["note-line"])
    table = answers.html_area(elem_id="clip-composition")
    return CompositionPart(load, line, table)


def wire_composition(
    store: SessionStore,
    part: CompositionPart,
    tab: gr.Tab,
    on_loaded: Callable[[Session], Sequence[Any]],
    outputs: Sequence[gr.components.Component],
) -> None:
    """Wire the part; it is filled when its tab is seen.

    Args:
        store: the sessions.
        part: from `lay_out_composition`.
        tab: where it stands.
        on_loaded: makes the values of `outputs` after another model came.
        outputs: the components elsewhere that show which model answers.
    """

    def on_seen(request: gr.Request) -> list[Any]:
        return composition_views(store.of(str(request.session_hash)))

    def on_load(request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        said, changed = take_shipped(HOME, session, APPLES)
        if not changed:
            return [gr.skip(), said, gr.skip(), *(gr.skip() for _ in outputs)]
        return [*composition_views(session), *on_loaded(session)]

    tab.select(on_seen, None, part.views, trigger_mode="always_last", api_name=False, **QUICK)
    part.load.click(on_load, None, [*part.views, *outputs], trigger_mode="once", api_name=False, **QUICK)


def composition_views(session: Session) -> list[Any]:
    """Whether the button is there, what the table says in a line, and the table."""
    from backends.clip.composition import compose

    frozen, line = model_of(session)
    composed = compose(frozen, TILE) if frozen is not None else None
    if composed is None:
        return [gr.update(visible=True), answers.sentence(OTHER_PICTURES), ""]
    told = (
        f"Of {composed.unseen_count} apples in combinations never seen, {composed.unseen:.0%} got their own name out "
        f"of {composed.shares.size}; of the others {composed.seen:.0%}; guessing gets {1 / composed.shares.size:.0%}. "
        f"Where a combination is new, the colour is right for {composed.unseen_colour:.0%} and the shape for "
        f"{composed.unseen_shape:.0%}."
    )
    return [gr.update(visible=False), answers.sentence(told) + answers.sentence(line), table_html(composed)]


def table_html(composed: Composition) -> str:
    """A row for each colour, a column for each shape: an apple, and the share that got its own name."""
    head = "".join(f"<th>{html.escape(shape)}</th>" for shape in composed.shapes)
    rows = []
    for row, colour in enumerate(composed.colours):
        cells = []
        for column, shape in enumerate(composed.shapes):
            unseen = bool(composed.is_unseen[row, column])
            share = composed.shares[row, column]
            told = f"{colour} {shape}: {share:.0%}{', never seen in training' if unseen else ''}"
            picture = data_url(composed.examples[row, column])
            cells.append(
                f'<td class="{"never" if unseen else ""}" style="--share:{share:.2f}">'
                f'<img src="{picture}" alt="{html.escape(told, quote=True)}" title="{html.escape(told, quote=True)}">'
                f'<span class="num">{share:.0%}</span></td>'
            )
        rows.append(f'<tr><th scope="row">{html.escape(colour)}</th>{"".join(cells)}</tr>')
    return (
        '<table class="clip-composition"><caption>How many apples of each colour and shape got their own name; framed: '
        f"never seen in training</caption><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )
