"""What a puzzle on the bench looks like, by task: the picture, what is done to it, and what the net answers."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.pretext.config import TILES, TURNS
from playground.components import answers
from playground.components.sprites import exact_url
from playground.tabs.pretext_state import PLACES

if TYPE_CHECKING:
    from backends.pretext.frozen import FrozenInpainting, FrozenJigsaw, FrozenRotation
    from playground.tabs.pretext_bench import Bench

CELLS = 8
"""Side by side, to be clicked for a hole."""
DEGREES = 90
HOLES = {"centre": "In the middle", "random": "Anywhere", "blocks": "Several squares"}


def _figure(image: np.ndarray, caption: str, alt: str, *, over: str = "", kind: str = "") -> str:
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


def _bars(probabilities: Sequence[float], names: Sequence[str], truth: int) -> str:
    """A bar for each answer with its probability; the right one is marked."""
    rows = "".join(
        f'<tr class="{"truth" if i == truth else ""}"><th scope="row">{html.escape(name)}{" ✓" if i == truth else ""}'
        f'</th><td class="bar"><span style="width:{100 * value:.0f}%"></span></td>'
        f'<td class="num">{value:.0%}</td></tr>'
        for i, (name, value) in enumerate(zip(names, probabilities, strict=True))
    )
    return f'<table class="pt-bars"><tbody>{rows}</tbody></table>'


def rotation_html(bench: Bench, model: FrozenRotation, picture: np.ndarray, name: str) -> str:
    """The picture turned in all four ways, and what the net says of each."""
    from backends.pretext.deal import turned_every_way

    turned = turned_every_way(model.config, picture)
    says = model.answer(turned)
    degrees = [f"{DEGREES * turn}°" for turn in range(TURNS)]
    right = int((says.argmax(axis=1) == np.arange(TURNS)).sum())
    figures = "".join(
        _figure(
            turned[turn],
            f"{_mark(int(says[turn].argmax()) == turn)} turned by {degrees[turn]}" + _bars(says[turn], degrees, turn),
            f"{name}, turned by {degrees[turn]}",
        )
        for turn in range(TURNS)
    )
    return (
        f'<p class="pt-line">One picture, turned counter-clockwise in all four ways. The turn is the label; nobody had '
        f"to write it. Below each: what the net says. It is right about <b>{right} of {TURNS}</b>.</p>"
        f'<div class="pt-row four">{figures}</div>{_named(name)}'
    )


def inpainting_html(bench: Bench, model: FrozenInpainting, picture: np.ndarray, name: str) -> str:
    """The picture with its hole, what the net paints, what the border tells, and what stood there."""
    from backends.pretext.deal import deal_holes
    from backends.pretext.puzzles import PuzzleError

    try:
        hole = hole_of(bench, model)
    except PuzzleError as error:
        cells = _figure(picture, "click cells to cut them out", name, over=_cells(bench, None))
        return f'{_hole_buttons(bench)}{answers.problem(str(error))}<div class="pt-row four">{cells}</div>'
    cut = deal_holes(model.config, picture[None], 0, hole).images[0]
    painted, guess = model.answer(picture[None], hole)[0], model.guess(picture[None], hole)[0]
    ours, guessed = (float(error[0]) for error in model.errors(picture[None], hole))
    share = f", {ours / guessed:.0%} of the guess’s" if guessed > 0 else ""
    figures = [
        _figure(cut, f"{hole.mean():.0%} cut out; click cells", name, over=_cells(bench, hole)),
        _figure(painted, f"the net paints: error {ours:.4f}{share}", f"{name}, painted by the net"),
        _figure(guess, f"the border’s mean colour: error {guessed:.4f}", f"{name}, filled with the border’s mean"),
        _figure(picture, "as it was", name),
    ]
    return f'{_hole_buttons(bench)}<div class="pt-row four">{"".join(figures)}</div>{_named(name)}'


def jigsaw_html(bench: Bench, model: FrozenJigsaw, picture: np.ndarray, name: str) -> str:
    """The tiles as they lie, as the net lays them, and the picture."""
    from backends.pretext.deal import best_places, deal_jigsaws, put_back

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
        _figure(dealt.images[0], told, f"{name}, shuffled", over=f'<div class="pt-tiles">{taps}</div>'),
        _figure(
            back,
            f"as the net lays them: <b>{right} of {asked}</b> right",
            f"{name}, as the net lays its tiles",
            over=f'<div class="pt-tiles marks">{marks}</div>',
        ),
        _figure(picture, "as it was", name),
    ]
    left_out = f" {TILES - asked} blank ones are left out of the count." if asked < TILES else ""
    return (
        f'<p class="pt-line"><button class="pt-button" data-pick="again">Shuffle again</button> '
        f"Nine tiles in any order; where each belongs is the label.{left_out}</p>"
        f'<div class="pt-row three">{"".join(figures)}</div>{_named(name)}'
    )


PUZZLES: dict[str, Callable[[Bench, Any, np.ndarray, str], str]] = {
    "rotation": rotation_html,
    "inpainting": inpainting_html,
    "jigsaw": jigsaw_html,
}
"""By task: what a bench, a net, a picture and its name look like."""


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


def _hole_buttons(bench: Bench) -> str:
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


def _cells(bench: Bench, hole: np.ndarray | None) -> str:
    """The cells over the picture; those that are cut out are pressed."""
    cut = bench.cells
    if cut is None:
        cut = covered_by(hole)
    buttons = "".join(
        f'<button data-pick="cell:{i}" aria-pressed="{"true" if i in cut else "false"}" '
        f'aria-label="row {i // CELLS + 1}, column {i % CELLS + 1}"></button>'
        for i in range(CELLS**2)
    )
    return f'<div class="pt-cells">{buttons}</div>'


def hole_of(bench: Bench, model: FrozenInpainting) -> np.ndarray:
    """(S, S) bool, as clicked or as drawn.

    Raises:
        PuzzleError: nothing or everything is cut out.
    """
    from backends.pretext.deal import deal_holes
    from backends.pretext.puzzles import hole_of_cells

    config = model.config
    if bench.cells is not None:
        return hole_of_cells([divmod(cell, CELLS) for cell in bench.cells], CELLS, config.size)
    drawn_by = config.with_changes(hole=bench.hole) if bench.hole else config
    blank = np.zeros((1, config.size, config.size, 3), np.uint8)
    return deal_holes(drawn_by, blank, bench.seed).holes[0]


def covered_by(hole: np.ndarray | None) -> frozenset[int]:
    """The cells of which a (S, S) hole covers half or more."""
    if hole is None:
        return frozenset()
    cell_of = np.arange(len(hole)) * CELLS // len(hole)
    index = CELLS * cell_of[:, None] + cell_of
    share = np.bincount(index.ravel(), hole.ravel(), CELLS**2) / np.bincount(index.ravel(), minlength=CELLS**2)
    return frozenset(int(i) for i in np.flatnonzero(share >= 0.5))
