"""Ten names: pictures of ten names at once, each sorted by text alone, and which names are taken for which."""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.clip.zero_shot import PromptError, make_classes, read_templates, score
from playground.components import answers
from playground.components.sprites import data_url
from playground.figures.confusion import confusion_table
from playground.session import Session, SessionStore
from playground.tabs.clip_ask import FIRST_TEMPLATES, group_choices
from playground.tabs.clip_state import GROUP_TITLES, groups_of, model_of, waiting
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.clip.pairs import Captioned

NAMES, EACH = 10, 4
TILE = 56
KEPT = "clip_game"
NO_PICTURES = "The model's pictures are not here: press Train, or load a model of emoji or apples."


@dataclass(frozen=True)
class GamePart:
    """The components of the part."""

    group: gr.Dropdown
    again: gr.Button
    note: gr.HTML
    grid: gr.HTML
    confusion: gr.HTML


@dataclass
class Game:
    """Which names of which group were drawn.

    Attributes:
        group: of the model's data.
        seed: of the draw.
    """

    group: str = ""
    seed: int = 0


def lay_out_game() -> GamePart:
    """Lay the part out where it is called."""
    with gr.Row(elem_classes=["actions"]):
        group = gr.Dropdown(
            [(GROUP_TITLES["unseen_concepts"], "unseen_concepts")],
            value="unseen_concepts",
            label="Pictures",
            interactive=True,
            elem_id="clip-game-group",
            elem_classes=["setting"],
            min_width=180,
            scale=0,
        )
        again = gr.Button("Draw ten names", variant="primary", size="sm", elem_id="clip-game-again", scale=0)
        note = answers.html_area(elem_id="clip-game-note", elem_classes=["note-line"])
    with gr.Row(elem_classes=["clip-game"]):
        with gr.Column(scale=3, min_width=360):
            grid = answers.html_area(elem_id="clip-game-grid")
        with gr.Column(scale=2, min_width=300):
            confusion = answers.html_area(elem_id="clip-confusion")
    return GamePart(group, again, note, grid, confusion)


def wire_game(store: SessionStore, part: GamePart, tab: gr.Tab) -> None:
    """Wire the part; it is filled when its tab is seen."""

    def on_draw(group: str, request: gr.Request) -> Iterator[list[Any]]:
        session = store.of(str(request.session_hash))
        session.uploads[KEPT] = Game(str(group), secrets.randbelow(1 << 30))
        yield from drawn(session)

    def on_seen(request: gr.Request) -> Iterator[list[Any]]:
        session = store.of(str(request.session_hash))
        choices = group_choices(session)
        group = gr.update(choices=choices["choices"], value=game_of(session).group or None)
        for views in drawn(session):
            yield [group, *views]

    def drawn(session: Session) -> Iterator[list[Any]]:
        if wait := waiting(session, NAMES * EACH):
            yield [wait, gr.skip(), gr.skip()]
        yield game_views(session)

    views = [part.note, part.grid, part.confusion]
    latest: dict[str, Any] = {"trigger_mode": "always_last", "api_name": False, **QUICK}
    gr.on([part.again.click, part.group.input], on_draw, part.group, views, **latest)
    tab.select(on_seen, None, [part.group, *views], **latest)


def game_of(session: Session) -> Game:
    """What the visitor drew last; at first ten names of the hardest group."""
    frozen, _ = model_of(session)
    names = list(groups_of(frozen)) if frozen is not None else []
    game: Game = session.uploads.setdefault(KEPT, Game())
    if game.group not in names:
        game.group = names[-1] if names else ""
    return game


def game_views(session: Session) -> list[Any]:
    """Values of the line, the pictures and the table of what is taken for what."""
    frozen, _ = model_of(session)
    game = game_of(session)
    captioned = groups_of(frozen).get(game.group) if frozen is not None else None
    if frozen is None or captioned is None or not len(captioned):
        return [answers.sentence(NO_PICTURES), "", ""]
    chosen, pictures = draw(captioned, game.seed)
    names = [captioned.classes[i] for i in chosen]
    try:
        templates = read_templates(FIRST_TEMPLATES if frozen.config.data == "emoji" else "{}")
    except PromptError as error:
        return [answers.problem(str(error)), "", ""]
    vectors = make_classes(frozen, names, templates).vectors
    scores = score(frozen, frozen.embed_pictures(captioned.pictures.images[pictures]), vectors)
    truth = np.searchsorted(chosen, captioned.class_idx[pictures])
    said = scores.softmax.argmax(axis=1)
    right = float((said == truth).mean())
    line = (
        f"{right:.0%} of {len(pictures)} pictures got the right one of {len(names)} names; guessing gets "
        f"{1 / len(names):.0%}. Nothing was trained for these names: they became a classifier as text."
    )
    shown = captioned.pictures.at_size(pictures, TILE)
    return [
        answers.sentence(line),
        grid_html(shown, names, truth, said, scores.softmax),
        confusion_html(names, truth, said),
    ]


def draw(captioned: Captioned, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten classes, in rising order, and up to four pictures of each: indices into a group."""
    generator = np.random.default_rng(seed)
    present = np.unique(captioned.class_idx)
    chosen = np.sort(generator.choice(present, min(NAMES, len(present)), replace=False))
    pictures = [
        generator.permutation(np.flatnonzero(captioned.class_idx == class_number))[:EACH] for class_number in chosen
    ]
    return chosen, np.concatenate(pictures)


def grid_html(
    pictures: np.ndarray, names: Sequence[str], truth: np.ndarray, said: np.ndarray, probabilities: np.ndarray
) -> str:
    """The pictures by name, each with what it was taken for."""
    rows = []
    for number, name in enumerate(names):
        tiles = "".join(
            f'<figure class="{"right" if said[i] == number else "wrong"}">'
            f'<img src="{data_url(pictures[i])}" alt="{html.escape(name, quote=True)}">'
            f"<figcaption>{'✓' if said[i] == number else '✗ ' + html.escape(names[said[i]])} "
            f'<span class="num">{probabilities[i, said[i]]:.0%}</span></figcaption></figure>'
            for i in np.flatnonzero(truth == number)
        )
        rows.append(f'<div class="clip-row"><b>{html.escape(name)}</b><div class="clip-tiles">{tiles}</div></div>')
    return "".join(rows)


def confusion_html(names: Sequence[str], truth: np.ndarray, said: np.ndarray) -> str:
    """What is taken for what."""
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (truth, said), 1)
    return confusion_table(counts, names, "Rows: what it is. Columns: what it was taken for.")
