"""The gap: pictures and captions on one map, and how far apart their middles are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from playground.components import answers
from playground.components.plotly_view import pack, plotly_view
from playground.figures.modality import modality_map
from playground.session import Session, SessionStore
from playground.tabs.clip_ask import group_choices
from playground.tabs.clip_state import GROUP_TITLES, groups_of, model_of, waiting
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.clip.gap import Layout

PAIRS = 150
KEPT, LAYOUT = "clip_gap", "clip_gap_layout"
LAYOUTS = {"pca": "PCA: true distances, flattened", "umap": "UMAP: neighbours together"}
NOTHING = "There is nothing to show yet: press Train, or load a model whose pictures are here."
EXPLANATION = (
    "Each line joins a picture and its caption. The loss never asks the two kinds to meet: it only asks that a picture "
    "be nearer to its own caption than to the others, so a gap between the kinds costs nothing and may stay."
)


@dataclass(frozen=True)
class GapPart:
    """The components of the part."""

    group: gr.Dropdown
    layout: gr.Radio
    chart: gr.HTML
    line: gr.HTML


def lay_out_gap() -> GapPart:
    """Lay the part out where it is called."""
    with gr.Row(elem_classes=["actions"]):
        group = gr.Dropdown(
            [(GROUP_TITLES["train"], "train")],
            value="train",
            label="Pictures",
            interactive=True,
            elem_id="clip-gap-group",
            elem_classes=["setting"],
            min_width=180,
            scale=0,
        )
        layout = gr.Radio(
            [(title, name) for name, title in LAYOUTS.items()],
            value="pca",
            label="Map",
            elem_id="clip-gap-layout",
            min_width=300,
        )
    line = answers.html_area(elem_id="clip-gap-line", elem_classes=["note-line"])
    chart = plotly_view(label="Pictures and captions on one map", height=430, elem_id="clip-gap")
    return GapPart(group, layout, chart, line)


def wire_gap(store: SessionStore, part: GapPart, tab: gr.Tab) -> None:
    """Wire the part; it is filled when its tab is seen."""

    def on_choice(group: str, layout: str, request: gr.Request) -> Iterator[list[Any]]:
        session = store.of(str(request.session_hash))
        session.uploads |= {KEPT: str(group), LAYOUT: str(layout)}
        yield from shown(session)

    def on_seen(request: gr.Request) -> Iterator[list[Any]]:
        session = store.of(str(request.session_hash))
        choices = group_choices(session)["choices"]
        group = gr.update(choices=choices, value=group_of(session) or None)
        for views in shown(session):
            yield [group, *views]

    def shown(session: Session) -> Iterator[list[Any]]:
        if wait := waiting(session, PAIRS):
            yield [gr.skip(), wait]
        yield gap_views(session)

    latest: dict[str, Any] = {"trigger_mode": "always_last", "api_name": False, **QUICK}
    choices = [part.group, part.layout]
    gr.on([part.group.input, part.layout.input], on_choice, choices, [part.chart, part.line], **latest)
    tab.select(on_seen, None, [part.group, part.chart, part.line], **latest)


def group_of(session: Session) -> str:
    """Which pictures are shown: the chosen group, or the first one."""
    frozen, _ = model_of(session)
    names = list(groups_of(frozen)) if frozen is not None else []
    kept = str(session.uploads.get(KEPT, ""))
    return kept if kept in names else (names[0] if names else "")


def gap_views(session: Session) -> list[Any]:
    """The chart, and what it says in numbers."""
    from backends.clip.gap import gap_of

    frozen, _ = model_of(session)
    captioned = groups_of(frozen).get(group_of(session)) if frozen is not None else None
    if frozen is None or captioned is None or len(captioned) < 2:
        return [pack(modality_map(np.zeros((0, 2)), np.zeros((0, 2)), [], title="")), answers.sentence(NOTHING)]
    chosen = np.sort(np.random.default_rng(0).permutation(len(captioned))[:PAIRS])
    names = [captioned.classes[i] for i in captioned.class_idx[chosen]]
    layout: Layout = "umap" if session.uploads.get(LAYOUT) == "umap" else "pca"
    gap = gap_of(frozen.embed_pictures(captioned.pictures.images[chosen]), frozen.embed_prompts(names), layout)
    shown = "neighbours are kept together" if gap.explained is None else f"shows {gap.explained:.0%} of how they differ"
    title = f"{len(names)} pictures and their captions; {shown}"
    line = (
        f"The middles are {gap.distance:.2f} apart, on a sphere of radius 1. A picture and its own caption: cosine "
        f"{gap.own:.2f}; with others' captions: {gap.others:.2f}. {EXPLANATION}"
    ).replace("-", "−")
    return [pack(modality_map(gap.pictures, gap.captions, names, title=title)), answers.sentence(line)]
