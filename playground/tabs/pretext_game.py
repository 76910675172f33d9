"""Play: ten puzzles against the net, which may be learning at the same time."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import threading
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.pretext.config import PretextConfig, task_of
from backends.pretext.game import Round, deal_game, model_answer, painted
from playground.components import answers
from playground.components.pick_area import NO_EVENT, pick_area, picked
from playground.session import Session, SessionStore
from playground.tabs.pretext_game_view import NEXT, board_html, score_html
from playground.tabs.pretext_state import TAB, model_of
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.pretext.frozen import Frozen

KEPT = "pretext_game"
OF_THE_RUN = {"seed", "steps", "batch", "encoder", "learning_rate", "weight_decay"}
"""Settings that change no puzzle: with others a new game is dealt."""
MARKED_PICTURES = 8
"""Held-out pictures by which the pictures of one net are told from another's."""
NO_PICTURES = "The net's pictures are not here: press Train, or load a net of apples or emoji."
OTHER_SETTINGS = "The task or the net's settings have changed: press New game."
_PICK = re.compile(r"(\d{1,6}):(\d{1,3}):(\d{1,2})", re.ASCII)
_dealing = threading.Lock()


@dataclass(frozen=True)
class GamePart:
    """The components of the part."""

    note: gr.HTML
    board: gr.HTML
    score: gr.HTML
    again: gr.Button

    @property
    def views(self) -> list[gr.components.Component]:
        """What `game_views` makes values for."""
        return [self.note, self.board, self.score]

    @property
    def live(self) -> gr.components.Component:
        """What `live_view` makes a value for."""
        return self.score


@dataclass(frozen=True, eq=False)
class Answered:
    """What was said in one round.

    Attributes:
        yours: the visitor's option.
        nets: the net's.
        shares: (options,) how much spoke for each, to the net.
        seconds: the visitor's.
        net_seconds: the net's.
        step: how far the net was.
        painting: (S, S, 3) uint8, what the net painted; None where the task is another.
    """

    yours: int
    nets: int
    shares: np.ndarray
    seconds: float
    net_seconds: float
    step: int
    painting: np.ndarray | None = None


@dataclass
class Game:
    """One game and how far it is.

    Attributes:
        key: the task, the settings and the pictures that it was dealt for.
        number: of the games of this session.
        seed: of the deal.
        rounds: the puzzles.
        answered: what was said, in the order of the rounds.
        at: the round that is shown.
        begun: when the visitor first saw it, in seconds; None: not yet.
    """

    key: tuple[Any, ...]
    number: int
    seed: int
    rounds: list[Round]
    answered: list[Answered] = field(default_factory=list)
    at: int = 0
    begun: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def open(self) -> bool:
        """Whether the round that is shown waits for an answer."""
        return len(self.answered) <= self.at

    @property
    def over(self) -> bool:
        """Whether every round has its answers."""
        return len(self.answered) == len(self.rounds)

    def right(self) -> tuple[int, int]:
        """How many rounds the visitor got right, and how many the net."""
        pairs = list(zip(self.rounds, self.answered, strict=False))
        yours = sum(said.yours == asked.right for asked, said in pairs)
        return yours, sum(said.nets == asked.right for asked, said in pairs)


def lay_out_game() -> GamePart:
    """Lay the part out where it is called."""
    note = answers.html_area(elem_id="pretext-game-note", elem_classes=["note-line"])
    with gr.Row(elem_classes=["pt-game-row"]):
        board = pick_area(elem_id="pretext-game-board", elem_classes=["pt-game-board"])
        with gr.Column(min_width=200, elem_classes=["pt-game-side"]):
            score = answers.html_area(elem_id="pretext-game-score")
            again = gr.Button("New game", size="sm", elem_id="pretext-game-again")
    return GamePart(note, board, score, again)


def wire_game(store: SessionStore, part: GamePart, tab: gr.Tab, changed: Sequence[Any] = ()) -> None:
    """Wire the part; it is filled when its tab is seen, and anew by the events of `changed`."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_seen(request: gr.Request) -> list[Any]:
        session = session_of(request)
        restart_clock(session)
        return game_views(session)

    def on_changed(request: gr.Request) -> list[Any]:
        return game_views(session_of(request))

    def on_pick(request: gr.Request, event: gr.EventData = NO_EVENT) -> list[Any]:
        session = session_of(request)
        return game_views(session, play(session, picked(event._data)))

    def on_new(request: gr.Request) -> list[Any]:
        session = session_of(request)
        new_game(session)
        return game_views(session)

    latest: dict[str, Any] = {"trigger_mode": "always_last", "api_name": False, **QUICK}
    tab.select(on_seen, None, part.views, **latest)
    for event in changed:  # one by one: gr.on takes no `then` of another event
        event(on_changed, None, part.views, **latest)
    part.board.pick(on_pick, None, part.views, api_name="pretext_answer", **QUICK)
    part.again.click(on_new, None, part.views, api_name="pretext_new_game", **QUICK)


def key_of(model: Frozen) -> tuple[Any, ...]:
    """What a game depends on: the task, the settings that puzzles or nets have, and the pictures; cheap."""
    config: PretextConfig = model.config
    pictures = model.split.held_out.images
    some = zlib.crc32(pictures[:MARKED_PICTURES].tobytes())
    return task_of(config), json.dumps(config.model_dump(exclude=OF_THE_RUN), sort_keys=True), len(pictures), some


def game_of(session: Session, model: Frozen) -> Game:
    """The game that is played; a new one where there is none for this task, these settings and pictures.

    Raises:
        PuzzleError: the pictures do not fit the net.
    """
    with _dealing:
        kept: Game | None = session.uploads.get(KEPT)
        key = key_of(model)
        if kept is None or kept.key != key:
            kept = _deal(session, model, key)
        return kept


def new_game(session: Session, seed: int | None = None) -> None:
    """Deal a new game with the model that answers now, if one does; a seed gives the same game again."""
    from backends.pretext.puzzles import PuzzleError

    model, _ = model_of(session)
    if model is None:
        return
    with contextlib.suppress(PuzzleError), _dealing:  # the views say what is wrong
        _deal(session, model, key_of(model), seed)


def _deal(session: Session, model: Frozen, key: tuple[Any, ...], seed: int | None = None) -> Game:
    before: Game | None = session.uploads.get(KEPT)
    number = before.number + 1 if before is not None else 1
    seed = secrets.randbelow(1 << 31) if seed is None else seed
    game = Game(key, number, seed, deal_game(model, seed))
    session.uploads[KEPT] = game
    return game


def restart_clock(session: Session) -> None:
    """Who comes back to an open round begins to look now."""
    game: Game | None = session.uploads.get(KEPT)
    if game is not None:
        game.begun = None


def play(session: Session, pick: str) -> str:
    """Take a click: an answer "game:round:option", or "next"; one that fits nothing on the page changes nothing.

    Returns:
        A sentence that says what is wrong, or "".
    """
    from backends.pretext.puzzles import PuzzleError

    model, _ = model_of(session)
    if model is None:
        return ""
    try:
        game = game_of(session, model)
        if pick == NEXT:
            go_on(session, game)
        else:
            answer(game, model, pick)
    except PuzzleError as error:
        return str(error)
    return ""


def go_on(session: Session, game: Game) -> None:
    """Show the next round, or after the last a new game; an open round stays."""
    with game.lock:
        if game.open:
            return
        if not game.over:
            game.at, game.begun = game.at + 1, None
            return
    new_game(session)


def answer(game: Game, model: Frozen, pick: str) -> None:
    """Note the visitor's answer to the round that is shown, and ask the net as it is now.

    Raises:
        PuzzleError: the net cannot take the round.
    """
    found = _PICK.fullmatch(pick)
    if found is None:
        return
    number, at, option = map(int, found.groups())
    with game.lock:
        if (number, at) != (game.number, game.at) or not game.open or at >= len(game.rounds):
            return
        asked, now = game.rounds[at], time.monotonic()
        if option >= asked.options:
            return
        before = time.perf_counter()
        nets, shares = model_answer(model, asked)
        net_seconds = time.perf_counter() - before
        painting = painted(model, asked) if asked.task == "inpainting" else None
        seconds = now - game.begun if game.begun is not None else 0.0
        game.answered.append(Answered(option, nets, shares, seconds, net_seconds, model.step, painting))


def game_views(session: Session, wrong: str = "") -> list[Any]:
    """Values of the line above, of the board and of the score.

    Args:
        wrong: a sentence to show in place of the line.
    """
    from backends.pretext.puzzles import PuzzleError

    model, line = model_of(session)
    if model is None:
        return [answers.sentence(line), "", ""]
    try:
        game = game_of(session, model)
    except PuzzleError as error:
        return [answers.problem(str(error)), "", ""]
    if not game.rounds:
        return [answers.sentence(NO_PICTURES), "", ""]
    if game.begun is None:
        game.begun = time.monotonic()
    side = game.rounds[0].image.shape[0]
    note = answers.problem(wrong) if wrong else answers.sentence(f"You see what the net sees: {side} × {side} pixels.")
    return [note, board_html(game), score_html(game, model.step, line)]


def live_view(session: Session) -> Any:
    """A new value of the score while a training goes on, so that it names the net's step; else nothing new."""
    game: Game | None = session.uploads.get(KEPT)
    if game is None or not game.rounds or not session.is_driven(TAB):
        return gr.skip()
    model, line = model_of(session)
    if model is None:
        return gr.skip()
    if key_of(model) != game.key:
        return answers.sentence(OTHER_SETTINGS)
    return score_html(game, model.step, line)
