"""Make the puzzle: one picture, turned, cut or shuffled as the visitor likes, and what the net answers."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.data.pictures import PictureError
from backends.pretext.config import TILES, task_of
from playground.components import answers
from playground.components.pick_area import pick_area, picked
from playground.components.webcam import read_snapshot, webcam
from playground.session import Session, SessionStore
from playground.tabs.bench_picture import picture_on, take_own_picture
from playground.tabs.pictures import Picked
from playground.tabs.pretext_bench_view import CELLS, HOLES, PUZZLES, covered_by, hole_of
from playground.tabs.pretext_state import chosen_task, model_of
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    pass

KEPT = "pretext_bench"
OWN_SIDE = 64
"""Pixels at which a visitor's picture is kept: as many as the largest net takes."""


@dataclass
class Bench:
    """What stands on a visitor's bench.

    Attributes:
        turn: which of the held-out pictures is shown where none was picked or brought.
        picked: a picture that was picked from a data set.
        own: (OWN_SIDE, OWN_SIDE, 3) uint8, the visitor's own.
        seed: of hole and order.
        hole: of `HOLES`, how holes are drawn; "": as in the net's training.
        cells: which cells are cut out, as they were clicked; None: a hole is drawn.
        places: which tile lies at each place, as the visitor has swapped them; None: drawn.
        held: the place of the tile that was clicked first of two.
        clicks: how many clicks have changed something.
        lock: clicks may come faster than answers; each goes on from the one before.
    """

    turn: int = 0
    picked: Picked | None = None
    own: np.ndarray | None = None
    seed: int = 1
    hole: str = ""
    cells: frozenset[int] | None = None
    places: tuple[int, ...] | None = None
    held: int | None = None
    clicks: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def renew(self) -> None:
        """Forget what was clicked."""
        self.cells = self.places = self.held = None


@dataclass(frozen=True)
class BenchPart:
    """The components of the bench."""

    area: gr.HTML
    note: gr.HTML
    another: gr.Button
    own: gr.UploadButton
    camera: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `bench_views` makes values for."""
        return [self.area, self.note]


def lay_out_bench() -> BenchPart:
    """Lay the bench out where it is called."""
    area = pick_area(elem_id="pretext-bench")
    with gr.Row(elem_classes=["actions", "pt-actions"]):
        another = gr.Button("Another picture", size="sm", elem_id="pretext-another", min_width=110)
        own = gr.UploadButton(
            "A picture of your own",
            size="sm",
            file_types=["image"],
            file_count="single",
            elem_id="pretext-own",
            min_width=140,
        )
        camera = webcam("pretext-webcam")
    note = answers.html_area(elem_id="pretext-bench-note", elem_classes=["note-line"])
    return BenchPart(area, note, another, own, camera)


def wire_bench(store: SessionStore, part: BenchPart) -> None:
    """Wire the bench."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_pick(event: gr.EventData, request: gr.Request) -> list[Any]:
        return picked_views(session_of(request), picked(event._data))

    def on_another(request: gr.Request) -> list[Any]:
        session = session_of(request)
        bench = bench_of(session)
        bench.turn, bench.picked, bench.own = bench.turn + 1, None, None
        bench.seed += 1
        return bench_views(session)

    def on_own(path: str | None, request: gr.Request) -> list[Any]:
        session = session_of(request)
        problem = take_own(session, path)
        return [gr.skip(), problem] if problem else bench_views(session)

    def on_snap(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = session_of(request)
        try:
            bench_of(session).own = read_snapshot(event._data, OWN_SIDE)
        except PictureError as error:
            return [gr.skip(), answers.problem(str(error))]
        return bench_views(session)

    part.area.pick(on_pick, None, part.views, trigger_mode="multiple", api_name="pretext_puzzle", **QUICK)
    part.another.click(on_another, None, part.views, trigger_mode="always_last", api_name=False, **QUICK)
    part.own.upload(on_own, part.own, part.views, api_name="pretext_picture", **QUICK)
    part.camera.snap(on_snap, None, part.views, api_name="pretext_snapshot", **QUICK)


def bench_of(session: Session) -> Bench:
    """What stands on the visitor's bench."""
    bench: Bench = session.uploads.setdefault(KEPT, Bench())
    return bench


def put_on_bench(session: Session, picture: Picked) -> None:
    """Let a picked picture take the place of what was on the bench."""
    bench = bench_of(session)
    bench.picked, bench.own = picture, None


def take_own(session: Session, path: str | None) -> str:
    """Put a visitor's picture on the bench; returns what to say where it can't be read, or nothing."""
    return take_own_picture(bench_of(session), path, OWN_SIDE)


def picked_views(session: Session, sent: str) -> list[Any]:
    """Values of the bench after a click; nothing where a later click, which shows this one too, is being answered."""
    bench, unchanged = bench_of(session), [gr.skip(), gr.skip()]
    with bench.lock:
        if not take_pick(session, sent):
            return unchanged
        bench.clicks += 1
        number, views = bench.clicks, bench_views(session)
    return views if number == bench.clicks else unchanged


def take_pick(session: Session, sent: str) -> bool:
    """Do what a click on the bench asks for; False: it asks for nothing that there is."""
    bench = bench_of(session)
    kind, _, value = sent.partition(":")
    number = int(value) if value.isascii() and value.isdecimal() and len(value) < 4 else -1
    if kind == "again":
        bench.renew()
        bench.seed = secrets.randbelow(10_000)
    elif kind == "hole" and value in HOLES:
        bench.renew()
        bench.hole, bench.seed = value, secrets.randbelow(10_000)
    elif kind == "clear":
        bench.cells = frozenset()
    elif kind == "cell" and 0 <= number < CELLS**2:
        cells = bench.cells if bench.cells is not None else _covered(session)
        bench.cells = cells ^ {number}
    elif kind == "tile" and 0 <= number < TILES:
        _take_tile(session, number)
    else:
        return False
    return True


def picture_of(session: Session, size: int) -> tuple[np.ndarray, str]:
    """The picture on the bench: (size, size, 3) uint8, and its name, which may be a visitor's."""
    return picture_on(bench_of(session), session, model_of(session)[0], size)


def bench_views(session: Session) -> list[Any]:
    """Values of the bench and of the line that says who answers."""
    from backends.pretext.puzzles import PuzzleError

    model, line = model_of(session)
    if model is None:
        return [answers.sentence(line), ""]
    try:
        picture, name = picture_of(session, model.config.size)
        shown = PUZZLES[chosen_task(session)](bench_of(session), model, picture, name)
    except PuzzleError as error:
        return [answers.problem(str(error)), answers.sentence(line)]
    return [shown, answers.sentence(line)]


def _covered(session: Session) -> frozenset[int]:
    """The cells of which a drawn hole covers half or more."""
    model, _ = model_of(session)
    if model is None or task_of(model.config) != "inpainting":
        return frozenset()
    return covered_by(hole_of(bench_of(session), model))  # type: ignore[arg-type]


def _take_tile(session: Session, place: int) -> None:
    """Take a tile up, or swap it with the one that is held."""
    from backends.pretext.deal import deal_jigsaws

    bench, (model, _) = bench_of(session), model_of(session)
    if model is None or task_of(model.config) != "jigsaw":
        return
    if bench.held is None or bench.held == place:
        bench.held = place if bench.held is None else None
        return
    if bench.places is None:
        blank = np.zeros((1, model.config.size, model.config.size, 3), np.uint8)
        bench.places = tuple(deal_jigsaws(model.config, blank, bench.seed).places[0].tolist())  # type: ignore[arg-type]
    order = list(bench.places)
    order[bench.held], order[place] = order[place], order[bench.held]
    bench.places, bench.held = tuple(order), None
