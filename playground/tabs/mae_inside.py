"""Inside: what the heads look at on the bench's picture, and how alike the positions of its patches are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.components import answers
from playground.components.head_view import head_view, pack_heads
from playground.components.plotly_view import pack, plotly_view
from playground.figures.painting import position_maps
from playground.session import Session, SessionStore
from playground.tabs import mae_models
from playground.tabs.attention_heads import view_of
from playground.tabs.mae_bench import bench_of, hidden_of, picture_of
from playground.tabs.mae_models import ModelProblem
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.mae.trainer import FrozenMAE
    from backends.mae.vit_mae import ViTMAE

INTRODUCTION = (
    "The encoder reads the whole picture of the bench here, as when features are made; the decoder paints it from the "
    "patches that are visible there. Click a patch to see where it looks."
)
LEARNED = "The positions of this model are of another kind; they are not shown."
SHOWN_SIDE = 192
"""Pixels at which the picture lies below the maps."""
MOST_TILES = 8
"""Patches a side up to which the small maps can be read."""


@dataclass(frozen=True)
class InsidePart:
    """The components of this part."""

    again: gr.Button
    note: gr.HTML
    heads: gr.HTML
    positions: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `inside_views` makes values for."""
        return [self.note, self.heads, self.positions]


def lay_out_inside() -> InsidePart:
    """Lay this part out where it is called."""
    with gr.Row(elem_classes=["actions"]):
        answers.html_area(answers.sentence(INTRODUCTION), elem_classes=["note-line"])
        again = gr.Button("Look again", size="sm", elem_id="mae-look", min_width=90, scale=0)
    note = answers.html_area(elem_id="mae-inside-note", elem_classes=["note-line"])
    heads = head_view(elem_id="mae-heads", silences=False)
    positions = plotly_view(label="Similarity of the positions", height=420, elem_id="mae-positions")
    return InsidePart(again, note, heads, positions)


def wire_inside(store: SessionStore, part: InsidePart, tab: gr.Tab) -> None:
    """Read the heads whenever the part is opened, and on request."""

    def on_look(request: gr.Request) -> list[Any]:
        return inside_views(store, store.of(str(request.session_hash)))

    tab.select(on_look, None, part.views, api_name=False, **QUICK)
    part.again.click(on_look, None, part.views, api_name="mae_inside", **QUICK)


def inside_views(store: SessionStore, session: Session) -> list[Any]:
    """Values of the views: which model is read, its heads, its positions."""
    from backends.mae.vit_mae import ViTMAE

    try:
        model, line = mae_models.chosen(store, session, bench_of(session).painter)
    except ModelProblem as error:
        return [answers.problem(str(error)), gr.skip(), gr.skip()]
    if model is None:
        return [answers.sentence(line), gr.skip(), gr.skip()]
    if isinstance(model, ViTMAE):
        return _vit(session, model, line)
    return _own_model(session, model, line)


def _own_model(session: Session, model: FrozenMAE, line: str) -> list[Any]:
    from backends.mae.inside import InsideError, attention_maps, position_similarity

    config = model.config
    figure = position_maps(position_similarity(model), config.side) if config.side <= MOST_TILES else None
    positions = pack(figure) if figure is not None else gr.skip()
    picture, name = picture_of(session, int(config.image_size))
    try:
        stacks = attention_maps(model, picture, hidden_of(bench_of(session), config.side))
    except InsideError as error:
        return [answers.problem(str(error)), gr.skip(), positions]
    shown, _ = picture_of(session, SHOWN_SIDE)
    packed = pack_heads([view_of(stack, shown) for stack in stacks])
    return [answers.sentence(f"{line} On the bench: {name}."), packed, positions]


def _vit(session: Session, model: ViTMAE, line: str) -> list[Any]:
    picture, name = picture_of(session, model.image_size)
    packed = pack_heads([view_of(model.attention(picture), picture)])
    return [answers.sentence(f"{line} On the bench: {name}. {LEARNED}"), packed, gr.skip()]
