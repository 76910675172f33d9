"""Can't be solved: pictures that look the same when they are turned, and how often a net is right about them."""

from __future__ import annotations

import html
import math
import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import gradio as gr
import numpy as np

from backends.data.pictures import PictureSet
from backends.pretext.config import TURNS
from backends.pretext.solvable import NEARLY_EQUAL, WHY, Graded, close_ups, graded, loss_floor, unsolvable
from playground.components import answers
from playground.components.sprites import exact_url
from playground.session import Session, SessionStore
from playground.tabs.pretext_state import model_for
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.pretext.frozen import FrozenRotation

TASK = "rotation"
KEPT, MEASURED = "pretext_unsolvable", "pretext_unsolvable_measured"
EMOJI_SHOWN, CLOSE_UPS_SHOWN = 6, 4
TILE = 64
"""Pixels of a shown picture."""
SHOWN_EQUAL = 0.02
"""Root mean squared difference up to which emoji are shown beside their turned copies: closer than what counts as the
same for a net, so that nobody sees one either."""
EMOJI_SIZE = 32
"""Pixels at which it is decided which emoji look the same: those of the default net."""
CLOSE_UPS, SEED = 100, 31
ASKED = 250
"""Pictures of a kind that a net is asked about, at most, each in all four ways."""
ABOVE = 0.01
"""From here on a share or a loss counts as above another. Of pictures that are exactly the same no net is more often
right than a guesser, for they ask it the same question with different answers."""
LOOKING = "Looking for pictures that look the same when they are turned …"
TITLES = {"whole": "Whole apples", "near": "Apples from close", "yes": "that can be solved", "no": "that can’t"}
OF_DATA = {"emoji": "Emoji", "own": "Your pictures"}
ALIKE = {
    2: "Half a turn, and it looks the same: two answers are equally right.",
    4: "A quarter turn, and it looks the same: all four answers are equally right.",
}
FLOORS = (
    "Nobody can know which of equal answers was meant. The best is to give each its share, and that costs log 2 = 0.69 "
    "where two are equal, log 4 = 1.39 where all four are: no net’s mean loss gets below that without luck, however "
    "long it trains."
)

_looking = threading.Lock()


@dataclass(frozen=True)
class UnsolvablePart:
    """The components of this part."""

    again: gr.Button
    note: gr.HTML
    pictures: gr.HTML
    findings: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `unsolvable_views` makes values for."""
        return [self.note, self.pictures, self.findings]


@dataclass(frozen=True)
class Pair:
    """A picture and its turned copy, which look the same.

    Attributes:
        name: what it shows.
        equal: how many of the four turns look the same: 2 or 4.
        image: (S, S, 3) uint8, upright.
    """

    name: str
    equal: int
    image: np.ndarray

    @property
    def turned(self) -> np.ndarray:
        """The copy, after the least turn that leaves it the same."""
        return np.rot90(self.image, TURNS // self.equal)


def lay_out_unsolvable() -> UnsolvablePart:
    """Lay this part out where it is called."""
    with gr.Row(elem_classes=["actions"]):
        again = gr.Button("Other pictures", size="sm", elem_id="pretext-unsolvable-again", min_width=120)
        note = answers.html_area(elem_id="pretext-unsolvable-note", elem_classes=["note-line"])
    with gr.Row(elem_classes=["pt-solve"]):
        with gr.Column(scale=3, min_width=400):
            pictures = answers.html_area(elem_id="pretext-unsolvable-pictures")
        with gr.Column(scale=2, min_width=340):
            findings = answers.html_area(elem_id="pretext-unsolvable-findings")
    return UnsolvablePart(again, note, pictures, findings)


def wire_unsolvable(store: SessionStore, part: UnsolvablePart, tab: gr.Tab) -> None:
    """Fill the part when its tab is opened; the button shows other pictures."""

    def on_open(request: gr.Request) -> Iterator[list[Any]]:
        session = store.of(str(request.session_hash))
        if not is_ready(session):
            yield [answers.sentence(LOOKING), gr.skip(), gr.skip()]
        yield unsolvable_views(session)

    def on_again(request: gr.Request) -> Iterator[list[Any]]:
        session = store.of(str(request.session_hash))
        session.uploads[KEPT] = session.uploads.get(KEPT, 0) + 1
        yield from on_open(request)

    latest: dict[str, Any] = {"trigger_mode": "always_last", **QUICK}
    tab.select(on_open, None, part.views, api_name=False, **latest)
    part.again.click(on_again, None, part.views, api_name="pretext_unsolvable", **latest)


def rotation_model(session: Session) -> tuple[FrozenRotation | None, str]:
    """The net that is asked, and where it comes from; see `pretext_state.model_for`."""
    model, line = model_for(session, TASK)
    return cast("FrozenRotation | None", model), line


def is_ready(session: Session) -> bool:
    """Whether the pictures have been looked through already, so that the views come at once."""
    model, _ = rotation_model(session)
    return bool(_emoji_pairs.cache_info().currsize) and (model is None or measured(session) is not None)


def unsolvable_views(session: Session) -> list[Any]:
    """Values of the line, the pictures, and what the net makes of them."""
    number: int = session.uploads.get(KEPT, 0)
    model, line = rotation_model(session)
    rows = rows_of(session, model) if model is not None else []
    return [answers.sentence(line), pictures_html(number), findings_html(rows, model)]


def pictures_html(number: int) -> str:
    """Emoji and apples beside their turned copies; every number shows others."""
    groups = [
        ("Emoji that look the same when they are turned", some_of(emoji_pairs(), number, EMOJI_SHOWN)),
        (
            "Apples seen from close: no stem, no leaf, no ground",
            some_of(close_up_pairs(), number, CLOSE_UPS_SHOWN),
        ),
    ]
    return "".join(
        f'<h3 class="pt-solve-title">{title}</h3><div class="pt-solve-pairs">{"".join(map(_pair_html, pairs))}</div>'
        for title, pairs in groups
    )


def some_of(pairs: Sequence[Pair], number: int, count: int) -> list[Pair]:
    """So many of them, the next ones with every number; after the last the first come again."""
    if len(pairs) <= count:
        return list(pairs)
    return [pairs[(number * count + i) % len(pairs)] for i in range(count)]


def emoji_pairs() -> list[Pair]:
    """Held-out emoji that can't be solved, one drawing of each thing, in mixed order; looked for once."""
    with _looking:
        return _emoji_pairs()


def close_up_pairs() -> list[Pair]:
    """Apples seen from close; drawn once."""
    with _looking:
        return _close_up_pairs()


def rows_of(session: Session, model: FrozenRotation) -> list[Graded]:
    """How often the net is right, by kind of picture; measured once for each model."""
    known = measured(session)
    if known is None:
        known = measure(model)
        session.uploads[MEASURED] = (weakref.ref(model), known)
    return known


def measured(session: Session) -> list[Graded] | None:
    """What was measured of the model that answers now, if it was."""
    model, _ = rotation_model(session)
    kept: tuple[weakref.ref[Any], list[Graded]] | None = session.uploads.get(MEASURED)
    return kept[1] if kept is not None and model is not None and kept[0]() is model else None


def measure(model: FrozenRotation) -> list[Graded]:
    """Ask a net about whole apples and close-ups, and before that about held-out pictures of others it learned from."""
    rows = []
    data = model.config.data
    if data in OF_DATA and len(model.split.held_out):
        images = model.split.held_out.images
        hopeless = unsolvable(images)
        for kind, chosen in (("yes", images[~hopeless]), ("no", images[hopeless])):
            if len(chosen):
                rows.append(graded(f"{OF_DATA[data]} {TITLES[kind]}", model, _some(chosen)))
    with _looking:
        apples, near = _apples(model.config.size)
    return [*rows, graded(TITLES["whole"], model, apples), graded(TITLES["near"], model, near)]


def findings_html(rows: Sequence[Graded], model: FrozenRotation | None) -> str:
    """The table, what it says, what the least loss is, and why such pictures teach nothing."""
    said = [*(findings(rows, model) if model is not None else []), FLOORS, WHY]
    return (table_html(rows) if rows else "") + "".join(map(answers.sentence, said))


def table_html(rows: Sequence[Graded]) -> str:
    """A row a kind of picture."""
    body = "".join(
        f'<tr class="{"hopeless" if row.floor else "solvable"}"><th scope="row">{html.escape(row.title)}</th>'
        f'<td class="num">{row.count:,}</td><td class="num"><b>{row.right:.0%}</b></td>'
        f'<td class="num">{row.loss:.2f}</td><td class="num">{row.floor:.2f}</td></tr>'
        for row in rows
    )
    return (
        '<table class="pt-solve-table"><caption>Which way is up? Each picture in all four ways</caption><thead><tr>'
        '<th></th><th scope="col">pictures</th><th scope="col">right</th><th scope="col">loss</th>'
        f'<th scope="col">least loss</th></tr></thead><tbody>{body}</tbody></table>'
    )


def findings(rows: Sequence[Graded], model: FrozenRotation) -> list[str]:
    """What the table says, in sentences with its numbers."""
    said = [_hopeless_sentence(row) for row in rows if row.floor]
    if model.config.data != "apples":
        said.append(f"This net learned from {_learned_from(model)}, not from apples.")
    if model.config.has_shortcut:
        said.append("It was trained with a shortcut; here every picture is without it.")
    return said


def _learned_from(model: FrozenRotation) -> str:
    return "your pictures" if model.config.data == "own" else "emoji"


def _hopeless_sentence(row: Graded) -> str:
    """How far the net is above guessing where it can only guess, and whether it is too sure of itself."""
    said = f"{row.title}: {row.right:.0%} right, where guessing among equal answers gives {row.equal:.0%}."
    if row.right > row.equal + ABOVE:
        said += " What is above that comes from the little that does differ between the turned copies."
    if row.loss > math.log(TURNS) + ABOVE:
        said += f" Its loss, {row.loss:.2f}, is larger than if it called all four equally likely: it is too sure."
    return said


def _some(images: np.ndarray) -> np.ndarray:
    """At most `ASKED` of some pictures, spread evenly over them."""
    return images[np.linspace(0, len(images) - 1, min(len(images), ASKED)).round().astype(int)]


def _pair_html(pair: Pair) -> str:
    name = html.escape(pair.name, quote=True)
    degrees = 360 // pair.equal
    return (
        f'<figure class="pt-solve-pair" title="{ALIKE[pair.equal]}"><div>'
        f'<img src="{exact_url(pair.image)}" alt="{name}"><span aria-hidden="true">↺ {degrees}°</span>'
        f'<img src="{exact_url(pair.turned)}" alt="{name}, turned by {degrees} degrees"></div>'
        f"<figcaption>{name}</figcaption></figure>"
    )


@lru_cache(maxsize=1)
def _emoji_pairs() -> list[Pair]:
    from backends.data.splits import load_split

    held_out = load_split("emoji", EMOJI_SIZE).held_out
    hopeless = np.flatnonzero(unsolvable(held_out.images, SHOWN_EQUAL))
    mixed = np.random.default_rng(SEED).permutation(hopeless)
    groups = held_out.groups if held_out.groups is not None else np.arange(len(held_out))
    _, firsts = np.unique(groups[mixed], return_index=True)
    chosen = mixed[np.sort(firsts)]
    return _pairs(held_out, chosen, SHOWN_EQUAL)


@lru_cache(maxsize=1)
def _close_up_pairs() -> list[Pair]:
    near = close_ups(CLOSE_UPS, SEED, EMOJI_SIZE)
    hopeless = np.flatnonzero(unsolvable(near.images))
    return _pairs(near, hopeless[: 6 * CLOSE_UPS_SHOWN], NEARLY_EQUAL)


def _pairs(pictures: PictureSet, chosen: np.ndarray, nearly_equal: float) -> list[Pair]:
    """Pictures that can't be solved, at the size at which they are shown."""
    equal = np.exp(loss_floor(pictures.images[chosen], nearly_equal)).round().astype(int)
    shown = pictures.at_size(chosen, TILE)
    return [Pair(pictures.names[i], int(ways), image) for i, ways, image in zip(chosen, equal, shown, strict=True)]


@lru_cache(maxsize=3)
def _apples(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole held-out apples and close-ups, at the size that a net takes."""
    from backends.data.splits import load_split

    return load_split("apples", size).held_out.images[:ASKED], close_ups(CLOSE_UPS, SEED, size).images
