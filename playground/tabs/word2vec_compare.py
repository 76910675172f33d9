"""Pin a run and compare it with the next: curves, answers and maps side by side."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from backends.analysis import analogies
from backends.analysis.word_vectors import WordQuestionError, WordVectors
from backends.engine.config import MethodConfig
from backends.engine.trainer import Snapshot
from playground.components import answers, embedding_explorer
from playground.components.plotly_view import pack, plotly_view
from playground.figures import curves
from playground.kept_runs import distinction
from playground.live_map import layout_name, map_of
from playground.pins import Pin, pin_run, pins_of, settings_line
from playground.session import Session, SessionStore
from playground.tabs.tab import QUICK
from playground.tabs.word2vec_map import NEIGHBOURS_SHOWN, TAB, asked_word, map_config, map_source, near_words

EMPTY = "Pin a run, change a setting, and train again: both stand here side by side."


@dataclass(frozen=True)
class Side:
    """One of two runs that are compared: a pinned one or the present one."""

    name: str
    id: str
    config: MethodConfig
    vectors: WordVectors
    history: list[Snapshot]
    points: np.ndarray
    note: str


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
        chosen = gr.Dropdown([], label="Pinned run", interactive=True, elem_id="w2v-pins", elem_classes=["pin-choice"])
        remove = gr.Button("Unpin", size="sm", elem_id="w2v-unpin", min_width=70)
    line = answers.html_area(answers.sentence(EMPTY), elem_id="w2v-compare-line")
    with gr.Row(elem_classes=["live-row"]):
        loss = plotly_view(label="Loss of both runs", height=220, elem_id="w2v-compare-loss")
        table = answers.html_area(elem_id="w2v-compare-table")
    with gr.Row(elem_classes=["live-row"]):
        left = embedding_explorer.embedding_explorer(
            label="Map of the pinned run", height=320, elem_id="w2v-compare-left", tools=False
        )
        right = embedding_explorer.embedding_explorer(
            label="Map of the present run", height=320, elem_id="w2v-compare-right", tools=False
        )
    outputs = [chosen, line, loss, table, left.items, left.frame, right.items, right.frame]

    def on_remove(request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        pins = pins_of(session, TAB)
        pins[:] = [pin for pin in pins if pin.id != session.uploads.get("pinned")]
        session.uploads["pinned"] = pins[-1].id if pins else None
        return comparison(session)

    def on_choose(pin_id: str | None, request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        if pin_id == session.uploads.get("pinned"):
            return [gr.skip()] * len(outputs)
        session.uploads["pinned"] = pin_id if isinstance(pin_id, str) else None
        return comparison(session)

    def on_pick(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = store.of(str(request.session_hash))
        word = word_of_pick(session, event._data)
        if word is None:
            return [gr.skip()] * len(outputs)
        session.uploads["word"] = word
        return comparison(session)

    left.frame.pick(on_pick, None, outputs, api_name=False, **QUICK)
    right.frame.pick(on_pick, None, outputs, api_name=False, **QUICK)
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
    source = map_source(session)
    view = map_of(source, map_config(session))
    pin = pin_run(session, TAB, run, view.frame.points, layout_name(source, view))
    session.uploads["pinned"] = pin.id
    return pin


def comparison(session: Session) -> list[Any]:
    """The parts of the comparison: list of pins, difference, curves, table, two maps."""
    pins = pins_of(session, TAB)
    pin = next((pin for pin in pins if pin.id == session.uploads.get("pinned")), pins[-1] if pins else None)
    if pin is None:
        return [gr.update(choices=[], value=None), answers.sentence(EMPTY), empty_curve(), "", *[None] * 4]
    choices = [(f"{i + 1}: {distinction(p.config)}", p.id) for i, p in enumerate(pins)]
    sides = [pinned_side(pin), present_side(session)]
    word = asked_word(session)
    maps: list[Any] = []
    for side in sides:
        maps += packed_side(side, session, word) if side is not None else [None, None]
    now = sides[1]
    difference = settings_line(pin.config, now.config) if now is not None else "no run to compare it with: press Train"
    return [
        gr.update(choices=choices, value=pin.id),
        answers.sentence(f"Pinned against now: {difference}."),
        loss_figure([side for side in sides if side is not None]),
        comparison_html([side for side in sides if side is not None], word),
        *maps,
    ]


def word_of_pick(session: Session, data: Any) -> str | None:
    """The word behind a point that was clicked in one of the two maps."""
    if not isinstance(data, dict) or type(data.get("index")) is not int:
        return None
    sides = [pinned_side(pin) for pin in pins_of(session, TAB)] + [present_side(session)]
    for side in sides:
        if side is not None and data.get("items") == items_of(side) and 0 <= data["index"] < len(side.points):
            return side.vectors.words[data["index"]]
    return None


def items_of(side: Side) -> str:
    """Which names belong to the points of a side's map."""
    return f"{side.id}:{len(side.points)}:compare"


def pinned_side(pin: Pin) -> Side:
    """A pin as one side of the comparison."""
    points = pin.points if pin.points is not None else np.zeros((0, 2), np.float32)
    return Side("pinned", f"pin-{pin.id}", pin.config, pin.frozen, pin.history, points, pin.map_note)


def present_side(session: Session) -> Side | None:
    """The visitor's present run, if it has begun."""
    run = session.runs.get(TAB)
    if run is None or run.snapshot is None:
        return None
    source = map_source(session)
    view = map_of(source, map_config(session))
    return Side("now", run.id, run.config, run.frozen, list(run.history), view.frame.points, layout_name(source, view))


def packed_side(side: Side, session: Session, word: str) -> list[str]:
    """Items and frame of one side's map."""
    n = len(side.points)
    index = side.vectors.index
    asked = index.get(word)
    names, counts = side.vectors.words[:n], side.vectors.counts[:n].tolist()
    items = items_of(side)
    return [
        embedding_explorer.pack_items(items, names, counts=counts, noun="word"),
        embedding_explorer.pack_frame(
            side.points,
            frame_id=f"{side.id}-{word}-{len(side.history)}-{side.note}",
            run=side.id,
            map_id=side.id,
            items_id=items,
            step=0,
            label="",
            title="Pinned" if side.name == "pinned" else "Now",
            note=side.note,
            settings=map_config(session).with_changes(colour="plain").model_dump(),
            asked=asked if asked is not None and asked < n else None,
            near=[i for i in (index[name] for name in near_words(session, side.vectors, word)) if i < n],
        ),
    ]


def loss_figure(sides: list[Side]) -> str:
    """Both curves in one chart."""
    return pack(
        curves.compared_curves(
            [(side.name, *loss_points(side.history)) for side in sides],
            title="Loss per prediction",
            step_title="million words read",
        )
    )


def loss_points(history: list[Snapshot]) -> tuple[list[float], list[float]]:
    """Million words read, and the loss there."""
    return [snapshot.step / 1e6 for snapshot in history], [snapshot.metrics["loss"] for snapshot in history]


def empty_curve() -> str:
    """The chart before anything is pinned."""
    return pack(curves.compared_curves([], title="Loss: both runs appear here", step_title="million words read"))


def comparison_html(sides: list[Side], word: str) -> str:
    """A table: the lecture's analogies, pace and the neighbours of the asked word, a column a run."""
    head = "".join(f'<th scope="col">{html.escape(side.name)}</th>' for side in sides)
    rows = []
    answered = [analogies.ask(side.vectors) for side in sides]
    for results in zip(*answered, strict=True):
        question = f"{results[0].analogy.a} − {results[0].analogy.b} + {results[0].analogy.c}"
        cells = [
            f'<td class="{"right" if result.correct else "wrong"}">{"✓" if result.correct else "✗"} '
            f"{html.escape(result.answer or 'unknown')}</td>"
            for result in results
        ]
        rows.append(f'<tr><th scope="row">{html.escape(question)}</th>{"".join(cells)}</tr>')
    counts = [f'<td class="num">{sum(bool(r.correct) for r in results)} of {len(results)}</td>' for results in answered]
    rows.append(f'<tr class="total"><th scope="row">analogies right</th>{"".join(counts)}</tr>')
    finals = [f'<td class="num">{side.history[-1].metrics["loss"]:.3f}</td>' for side in sides if side.history]
    rows.append(f'<tr><th scope="row">loss at the end</th>{"".join(finals)}</tr>')
    rows.append(
        f'<tr><th scope="row">neighbours of {html.escape(word)}</th>{"".join(_near(s, word) for s in sides)}</tr>'
    )
    return f'<table class="compare"><thead><tr><th></th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _near(side: Side, word: str) -> str:
    try:
        found = side.vectors.neighbours(word, NEIGHBOURS_SHOWN)
    except WordQuestionError:
        return "<td>unknown word</td>"
    return "<td>" + ", ".join(f"{html.escape(a.word)} {a.cosine:.2f}" for a in found) + "</td>"
