"""Make the puzzle: one picture, turned, cut or shuffled as the visitor likes, and what the net answers."""

from __future__ import annotations

import html
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.data.pictures import PictureError
from backends.pretext.config import TILES, TURNS, task_of
from playground.components import answers
from playground.components.pick_area import pick_area, picked
from playground.components.sprites import exact_url
from playground.components.webcam import read_snapshot, webcam
from playground.session import Session, SessionStore
from playground.tabs.bench_picture import picture_on, take_own_picture
from playground.tabs.pictures import Picked
from playground.tabs.pretext_state import chosen_task, model_of
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.pretext.frozen import FrozenInpainting, FrozenJigsaw, FrozenRotation

KEPT = "pretext_bench"
OWN_SIDE = 64
"""Pixels at which a visitor's picture is kept: as many as the largest net takes."""
CELLS = 8
"""Side by side, to be clicked for a hole."""
DEGREES = 90
HOLES = {"centre": "In the middle", "random": "Anywhere", "blocks": "Several squares"}
PLACES = tuple(
    f"{row} {column}".replace("middle middle", "middle")
    for row in ("top", "middle", "bottom")
    for column in ("left", "middle", "right")
)
"""Of a tile, in words."""


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
        shown = _VIEWS[chosen_task(session)](session, model)
    except PuzzleError as error:
        return [answers.problem(str(error)), answers.sentence(line)]
    return [shown, answers.sentence(line)]


def figure(image: np.ndarray, caption: str, alt: str, *, over: str = "", kind: str = "") -> str:
    """One picture as the net sees it, with a caption.

    Args:
        image: (S, S, 3) uint8.
        caption: HTML.
        alt: text; may be a visitor's.
        over: HTML that lies over the picture.
        kind: further class names.
    """
    told = html.escape(alt, quote=True)
    return (
        f'<figure class="pt-figure {kind}"><div class="pt-picture"><img src="{exact_url(image)}" alt="{told}">{over}'
        f"</div><figcaption>{caption}</figcaption></figure>"
    )


def bars(probabilities: Sequence[float], names: Sequence[str], truth: int) -> str:
    """A bar for each answer with its probability; the right one is marked."""
    rows = "".join(
        f'<tr class="{"truth" if i == truth else ""}"><th scope="row">{html.escape(name)}{" ✓" if i == truth else ""}'
        f'</th><td class="bar"><span style="width:{100 * value:.0f}%"></span></td>'
        f'<td class="num">{value:.0%}</td></tr>'
        for i, (name, value) in enumerate(zip(names, probabilities, strict=True))
    )
    return f'<table class="pt-bars"><tbody>{rows}</tbody></table>'


def _rotation(session: Session, model: FrozenRotation) -> str:
    from backends.pretext.deal import turned_every_way

    picture, name = picture_of(session, model.config.size)
    turned = turned_every_way(model.config, picture)
    says = model.answer(turned)
    degrees = [f"{DEGREES * turn}°" for turn in range(TURNS)]
    right = int((says.argmax(axis=1) == np.arange(TURNS)).sum())
    figures = "".join(
        figure(
            turned[turn],
            f"{_mark(int(says[turn].argmax()) == turn)} turned by {degrees[turn]}" + bars(says[turn], degrees, turn),
            f"{name}, turned by {degrees[turn]}",
        )
        for turn in range(TURNS)
    )
    return (
        f'<p class="pt-line">One picture, turned counter-clockwise in all four ways. The turn is the label; nobody had '
        f"to write it. Below each: what the net says. It is right about <b>{right} of {TURNS}</b>.</p>"
        f'<div class="pt-row four">{figures}</div>{_named(name)}'
    )


def _inpainting(session: Session, model: FrozenInpainting) -> str:
    from backends.pretext.deal import deal_holes
    from backends.pretext.puzzles import PuzzleError

    picture, name = picture_of(session, model.config.size)
    try:
        hole = _hole(session, model)
    except PuzzleError as error:
        cells = figure(picture, "click cells to cut them out", name, over=_cells(session, None))
        return f'{_hole_buttons(session)}{answers.problem(str(error))}<div class="pt-row four">{cells}</div>'
    cut = deal_holes(model.config, picture[None], 0, hole).images[0]
    painted, guess = model.answer(picture[None], hole)[0], model.guess(picture[None], hole)[0]
    ours, guessed = (float(error[0]) for error in model.errors(picture[None], hole))
    share = f", {ours / guessed:.0%} of the guess’s" if guessed > 0 else ""
    figures = [
        figure(cut, f"{hole.mean():.0%} cut out; click cells", name, over=_cells(session, hole)),
        figure(painted, f"the net paints: error {ours:.4f}{share}", f"{name}, painted by the net"),
        figure(guess, f"the border’s mean colour: error {guessed:.4f}", f"{name}, filled with the border’s mean"),
        figure(picture, "as it was", name),
    ]
    return f'{_hole_buttons(session)}<div class="pt-row four">{"".join(figures)}</div>{_named(name)}'


def _jigsaw(session: Session, model: FrozenJigsaw) -> str:
    from backends.pretext.deal import best_places, deal_jigsaws, put_back

    picture, name = picture_of(session, model.config.size)
    bench = bench_of(session)
    given = np.array([bench.places]) if bench.places is not None else None
    dealt = deal_jigsaws(model.config, picture[None], bench.seed, given)
    says = best_places(model.answer(dealt.images))
    back = put_back(dealt.images, says, model.config.gap)[0]
    places, blank = dealt.places[0], dealt.blank_mask[0]
    right, asked = int((says[0] == places)[~blank].sum()), int((~blank).sum())
    of_place = {int(said): i for i, said in enumerate(says[0])}  # which of the lying tiles the net puts at each place
    marks = "".join(_tile_mark(places, blank, place, of_place[place]) for place in range(TILES))
    taps = "".join(
        f'<button data-pick="tile:{i}" class="{"held" if bench.held == i else ""}" '
        f'aria-label="the tile at the {PLACES[i]}{", taken" if bench.held == i else ""}"></button>'
        for i in range(TILES)
    )
    told = "click another tile to swap them" if bench.held is not None else "shuffled; click two tiles to swap them"
    figures = [
        figure(dealt.images[0], told, f"{name}, shuffled", over=f'<div class="pt-tiles">{taps}</div>'),
        figure(
            back,
            f"as the net lays them: <b>{right} of {asked}</b> right",
            f"{name}, as the net lays its tiles",
            over=f'<div class="pt-tiles marks">{marks}</div>',
        ),
        figure(picture, "as it was", name),
    ]
    left_out = f" {TILES - asked} blank ones are left out of the count." if asked < TILES else ""
    return (
        f'<p class="pt-line"><button class="pt-button" data-pick="again">Shuffle again</button> '
        f"Nine tiles in any order; where each belongs is the label.{left_out}</p>"
        f'<div class="pt-row three">{"".join(figures)}</div>{_named(name)}'
    )


_VIEWS: dict[str, Callable[[Session, Any], str]] = {
    "rotation": _rotation,
    "inpainting": _inpainting,
    "jigsaw": _jigsaw,
}


def _mark(right: bool) -> str:
    return f'<span class="{"right" if right else "wrong"}" aria-label="{"right" if right else "wrong"}">' + (
        "✓</span>" if right else "✗</span>"
    )


def _named(name: str) -> str:
    return f'<p class="note">On the bench: {html.escape(name)}, as the net sees it.</p>'


def _tile_mark(places: np.ndarray, blank: np.ndarray, place: int, lying: int) -> str:
    if blank[lying]:
        return "<span></span>"
    return f"<span>{_mark(int(places[lying]) == place)}</span>"


def _hole_buttons(session: Session) -> str:
    bench = bench_of(session)
    kinds = "".join(
        f'<button class="pt-button" data-pick="hole:{kind}" aria-pressed="{_pressed(bench, kind)}">{title}</button>'
        for kind, title in HOLES.items()
    )
    return (
        f'<p class="pt-line">Cut a hole: {kinds}<button class="pt-button" data-pick="clear">Nothing</button> '
        "or click cells of the picture. What stood there is the label.</p>"
    )


def _pressed(bench: Bench, kind: str) -> str:
    return "true" if bench.cells is None and bench.hole == kind else "false"


def _cells(session: Session, hole: np.ndarray | None) -> str:
    """The cells over the picture; those that are cut out are pressed."""
    cut = bench_of(session).cells
    if cut is None:
        cut = _covered_by(hole)
    buttons = "".join(
        f'<button data-pick="cell:{i}" aria-pressed="{"true" if i in cut else "false"}" '
        f'aria-label="row {i // CELLS + 1}, column {i % CELLS + 1}"></button>'
        for i in range(CELLS**2)
    )
    return f'<div class="pt-cells">{buttons}</div>'


def _hole(session: Session, model: FrozenInpainting) -> np.ndarray:
    """(S, S) bool, as clicked or as drawn.

    Raises:
        PuzzleError: nothing or everything is cut out.
    """
    from backends.pretext.deal import deal_holes
    from backends.pretext.puzzles import hole_of_cells

    bench, config = bench_of(session), model.config
    if bench.cells is not None:
        return hole_of_cells([divmod(cell, CELLS) for cell in bench.cells], CELLS, config.size)
    drawn_by = config.with_changes(hole=bench.hole) if bench.hole else config
    blank = np.zeros((1, config.size, config.size, 3), np.uint8)
    return deal_holes(drawn_by, blank, bench.seed).holes[0]


def _covered(session: Session) -> frozenset[int]:
    """The cells of which a drawn hole covers half or more."""
    model, _ = model_of(session)
    if model is None or task_of(model.config) != "inpainting":
        return frozenset()
    return _covered_by(_hole(session, model))  # type: ignore[arg-type]


def _covered_by(hole: np.ndarray | None) -> frozenset[int]:
    if hole is None:
        return frozenset()
    cell_of = np.arange(len(hole)) * CELLS // len(hole)
    index = CELLS * cell_of[:, None] + cell_of
    share = np.bincount(index.ravel(), hole.ravel(), CELLS**2) / np.bincount(index.ravel(), minlength=CELLS**2)
    return frozenset(int(i) for i in np.flatnonzero(share >= 0.5))


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
