"""Pin a run and compare it with the next: curves, probes and maps side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.analysis.map_config import MapConfig
from backends.data.pictures import PictureSet
from backends.engine.trainer import Snapshot
from backends.simclr.config import SimCLRConfig
from playground.components import answers, embedding_explorer
from playground.components.plotly_view import pack, plotly_view
from playground.figures import curves
from playground.figures.knowledge import versus_table
from playground.kept_runs import distinction
from playground.live_map import MapView, Source, layout_name, map_of
from playground.picture_map import sprite_of_map, swatches_of, vectors_of
from playground.pins import Pin, pin_run, pins_of, settings_line
from playground.probe_views import labels_of, loss_points
from playground.session import Run, Session, SessionStore
from playground.tabs.simclr_state import TAB
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.simclr.trainer import FrozenModel

PINNED = "simclr_pinned"
"""Id of the pin that is compared; the live loss curve reads it too."""
MARKED = "simclr_compared_picture"
NEIGHBOURS_SHOWN = 7
EMPTY = "Pin a run, change a setting, and train again: both stand here side by side."
CAPTION = "10 nearest neighbours, held-out pictures"


@dataclass(frozen=True)
class Side:
    """One of two runs that are compared: a pinned one or the present one.

    Attributes:
        points: (n, 2 or 3) where its map shows the first n of its pictures.
        note: how the map was laid out.
    """

    name: str
    id: str
    config: SimCLRConfig
    model: FrozenModel
    history: list[Snapshot]
    points: np.ndarray
    note: str

    @property
    def items(self) -> str:
        """Which pictures belong to the points."""
        return f"{self.id}:{len(self.points)}:compare"


@dataclass(frozen=True)
class Marked:
    """The picture that was clicked, among those of its set."""

    names: tuple[str, ...]
    index: int


@dataclass(frozen=True)
class Compare:
    """What other parts of the tab set when something has changed.

    Attributes:
        outputs: the parts of the comparison; `comparison` makes their values.
    """

    outputs: list[gr.components.Component]


def build_compare(store: SessionStore) -> Compare:
    """Lay out and wire the comparison."""
    with gr.Row(elem_classes=["actions"]):
        chosen = gr.Dropdown(
            [], label="Pinned run", interactive=True, elem_id="simclr-pins", elem_classes=["pin-choice"]
        )
        remove = gr.Button("Unpin", size="sm", elem_id="simclr-unpin", min_width=70)
    line = answers.html_area(answers.sentence(EMPTY), elem_id="simclr-compare-line")
    with gr.Row(elem_classes=["live-row"]):
        loss = plotly_view(label="Loss of both runs", height=220, elem_id="simclr-compare-loss")
        table = answers.html_area(elem_id="simclr-compare-table")
    with gr.Row(elem_classes=["live-row"]):
        maps = [
            embedding_explorer.embedding_explorer(
                label=f"Map of the {name} run", height=320, elem_id=f"simclr-compare-{place}", tools=False
            )
            for name, place in (("pinned", "left"), ("present", "right"))
        ]
    outputs = [chosen, line, loss, table, *(explorer.frame for explorer in maps)]

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_remove(request: gr.Request) -> list[Any]:
        session = session_of(request)
        unpin(session)
        return comparison(session)

    def on_choose(pin_id: str | None, request: gr.Request) -> list[Any]:
        session = session_of(request)
        if pin_id == session.uploads.get(PINNED):
            return [gr.skip()] * len(outputs)
        session.uploads[PINNED] = pin_id if isinstance(pin_id, str) else None
        return comparison(session)

    def on_pick(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = session_of(request)
        return marks(session) if mark(session, event._data) else [gr.skip()] * len(maps)

    for place, explorer in enumerate(maps):

        def on_items(request: gr.Request, place: int = place) -> Any:
            side = sides_of(session_of(request))[place]
            return packed_items(side) if side is not None else gr.skip()

        explorer.frame.pick(on_pick, None, [explorer.marks for explorer in maps], api_name=False, **QUICK)
        explorer.frame.items(on_items, None, explorer.items, api_name=False, **QUICK)
    remove.click(on_remove, None, outputs, api_name=False, **QUICK)
    chosen.input(on_choose, chosen, outputs, api_name=False, **QUICK)
    return Compare(outputs)


def pin_present(session: Session) -> Pin:
    """Pin the visitor's run with its map.

    Raises:
        playground.pins.PinError: it has not trained yet.
    """
    run = session.runs.get(TAB)
    if run is None or run.snapshot is None:
        return pin_run(session, TAB, run, None, "")
    points, note = map_of_run(session, run)
    pin = pin_run(session, TAB, run, points, note)
    session.uploads[PINNED] = pin.id
    return pin


def unpin(session: Session) -> None:
    """Let the chosen pin go; the newest of the others takes its place."""
    chosen, pins = chosen_pin(session), pins_of(session, TAB)
    if chosen is not None:
        pins.remove(chosen)
    session.uploads[PINNED] = pins[-1].id if pins else None


def comparison(session: Session) -> list[Any]:
    """The parts of the comparison: list of pins, difference, curves, table, two maps."""
    pinned, now = sides_of(session)
    if pinned is None:
        return [gr.update(choices=[], value=None), answers.sentence(EMPTY), loss_figure([]), "", None, None]
    chosen, pins = chosen_pin(session), pins_of(session, TAB)
    choices = [(f"{i + 1}: {distinction(pin.config)}", pin.id) for i, pin in enumerate(pins)]
    sides = [side for side in (pinned, now) if side is not None]
    return [
        gr.update(choices=choices, value=chosen.id if chosen is not None else None),
        difference_html(pinned, now),
        loss_figure(sides),
        comparison_html(pinned, now) if now is not None else "",
        *(packed_frame(session, side) if side is not None else None for side in (pinned, now)),
    ]


def marks(session: Session) -> list[Any]:
    """The clicked picture and its neighbours, for each of the two maps that the page shows."""
    return [
        embedding_explorer.pack_marks(side.id, *marked_and_near(session, side)) if side is not None else gr.skip()
        for side in sides_of(session)
    ]


def mark(session: Session, data: Any) -> bool:
    """Keep which picture was clicked; returns whether the page spoke of a map that is shown now."""
    index = data.get("index") if isinstance(data, dict) else None
    if type(index) is not int:
        return False
    for side in sides_of(session):
        if side is not None and data.get("items") == side.items and 0 <= index < len(side.points):
            session.uploads[MARKED] = Marked(side.model.map_pictures.names, index)
            return True
    return False


def chosen_pin(session: Session) -> Pin | None:
    """The pin that is compared: the chosen one, or else the newest."""
    pins = pins_of(session, TAB)
    return next((pin for pin in pins if pin.id == session.uploads.get(PINNED)), pins[-1] if pins else None)


def sides_of(session: Session) -> tuple[Side | None, Side | None]:
    """The pinned run and the present one, as far as there are any."""
    pin = chosen_pin(session)
    return pinned_side(pin) if pin is not None else None, present_side(session)


def pinned_side(pin: Pin) -> Side:
    """A pin as one side of the comparison."""
    assert isinstance(pin.config, SimCLRConfig)
    points = pin.points if pin.points is not None else np.zeros((0, 2), np.float32)
    return Side("pinned", f"pin-{pin.id}", pin.config, pin.frozen, pin.history, points, pin.map_note)


def present_side(session: Session) -> Side | None:
    """The visitor's present run, if it has begun."""
    run = session.runs.get(TAB)
    if run is None or run.snapshot is None:
        return None
    assert isinstance(run.config, SimCLRConfig)
    return Side("now", run.id, run.config, run.frozen, list(run.history), *map_of_run(session, run))


def map_of_run(session: Session, run: Run) -> tuple[np.ndarray, str]:
    """Places on a run's own map, (n, 2 or 3), and how they were laid out; a PCA where no page has drawn one yet."""
    model: FrozenModel = run.frozen
    vectors = vectors_of(model)
    resting = not session.is_driven(TAB)
    title = f"{model.probed.step:,} steps"
    source = Source(run.id, vectors, model.probed.step, title, resting, {}, lambda n: title)
    view: MapView = run.views.get("map") or map_of(source, MapConfig(points=max(10, len(vectors)), method="pca"))
    return view.frame.points, layout_name(source, view)


def shown_pictures(side: Side) -> PictureSet:
    """The pictures of a side's map, point by point."""
    return side.model.map_pictures.subset(np.arange(len(side.points)))


def packed_items(side: Side) -> str:
    """Pictures and factors of a side's map."""
    pictures = shown_pictures(side)
    swatches = swatches_of(pictures)
    return embedding_explorer.pack_items(
        side.items,
        pictures.names,
        noun="picture",
        groupings=[
            embedding_explorer.grouping(
                factor.name, factor.label, factor.classes, factor.values, colours=swatches.get(factor.name)
            )
            for factor in pictures.factors.values()
        ],
        sprite=sprite_of_map(pictures),
    )


def packed_frame(session: Session, side: Side) -> str:
    """A side's map, coloured by the first factor."""
    asked, near = marked_and_near(session, side)
    first = next(iter(side.model.map_pictures.factors), None)
    config = MapConfig(colour=f"factor:{first}" if first else "plain", dimensions=side.points.shape[1])
    return embedding_explorer.pack_frame(
        side.points,
        frame_id=f"{side.id}-{asked}-{len(side.history)}-{side.note}",
        run=side.id,
        map_id=side.id,
        items_id=side.items,
        step=0,
        label="",
        title="Pinned" if side.name == "pinned" else "Now",
        note=side.note,
        settings=config.model_dump(),
        asked=asked,
        near=near,
    )


def marked_and_near(session: Session, side: Side) -> tuple[int | None, list[int]]:
    """The clicked picture and its neighbours, if it is among those of a side's map."""
    marked: Marked | None = session.uploads.get(MARKED)
    n = len(side.points)
    if marked is None or marked.index >= n or marked.names != side.model.map_pictures.names:
        return None, []
    nearest = vectors_of(side.model).nearest(marked.index, NEIGHBOURS_SHOWN)
    return marked.index, [index for index, _ in nearest if index < n]


def difference_html(pinned: Side, now: Side | None) -> str:
    """In which settings the runs differ, and what can't be compared if they saw different pictures."""
    if now is None:
        return answers.sentence("Pinned against now: no run to compare it with: press Train.")
    line = f"Pinned against now: {settings_line(pinned.config, now.config)}."
    if pinned.model.split.held_out.names == now.model.split.held_out.names:
        return answers.sentence(line)
    known = " and ".join(common_labels(pinned.model, now.model).values())
    compared = f"only {known} can be compared" if known else "what the features know can't be compared"
    return answers.sentence(f"{line} The runs were tested on different pictures, so {compared}.")


def common_labels(one: FrozenModel, other: FrozenModel) -> dict[str, str]:
    """Labels of the factors that mean the same in both runs: same name, same classes."""
    mine, theirs = one.split.held_out.factors, other.split.held_out.factors
    same = {name for name in mine if name in theirs and mine[name].classes == theirs[name].classes}
    return {name: label for name, label in labels_of(one.split.held_out).items() if name in same}


def comparison_html(pinned: Side, now: Side) -> str:
    """What the features of either run know, as far as it can be compared."""
    labels = common_labels(pinned.model, now.model)
    sides = [(side.name, side.model.probed.scores) for side in (pinned, now)]
    if not any(all(f"knn_{name}" in scores for _, scores in sides) for name in labels):
        return ""
    return versus_table(sides, labels, CAPTION)


def loss_figure(sides: list[Side]) -> str:
    """Both curves in one chart."""
    title = "Loss" if sides else "Loss: both runs appear here"
    if len({side.config.loss for side in sides}) > 1:
        title = "Loss: two different ones, so their heights don't compare"
    return pack(
        curves.compared_curves(
            [(side.name, *loss_points(side.history)) for side in sides], title=title, step_title="steps"
        )
    )
